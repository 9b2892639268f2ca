// SPDX-License-Identifier: Apache-2.0
// Gaps of rows are a bit stream with the lowest bits first, and so are places.
#include "engine/segment/gaps.h"

#include "engine/segment/format.h"

#include <assert.h>
#include <string.h>

int dbk_gaps_low_bits(uint32_t rows, uint32_t count)
{
    // The mean of geometric gaps by the logarithm of 2 (Golomb 1966): 0.69 of it.
    const uint64_t wanted = (uint64_t)rows * 69 / ((uint64_t)count * 100);
    const int low_bits = wanted ? 63 - __builtin_clzll(wanted) : 0;
    return low_bits < DBK_GAPS_LOW_BITS_MAX ? low_bits : DBK_GAPS_LOW_BITS_MAX;
}

static uint32_t words_of(uint32_t rows)
{
    return (rows + 63) / 64;
}

size_t dbk_gaps_size(const uint64_t *bits, uint32_t rows, int low_bits)
{
    size_t size = 0;
    uint32_t next = 0;
    for (uint32_t w = 0; w < words_of(rows); w++)
        for (uint64_t word = bits[w]; word; word &= word - 1) {
            const uint32_t row = w * 64 + (uint32_t)__builtin_ctzll(word);
            size += ((row - next) >> low_bits) + 1 + (uint32_t)low_bits;
            next = row + 1;
        }
    return (size + 7) / 8;
}

void dbk_gaps_write(const uint64_t *bits, uint32_t rows, int low_bits, uint8_t *to)
{
    size_t at = 0;
    uint32_t next = 0;
    for (uint32_t w = 0; w < words_of(rows); w++)
        for (uint64_t word = bits[w]; word; word &= word - 1) {
            const uint32_t row = w * 64 + (uint32_t)__builtin_ctzll(word), gap = row - next;
            at += gap >> low_bits;
            // The 1 and the low bits, over the bytes that they lie in.
            uint32_t code = (1u | (gap & ((1u << low_bits) - 1)) << 1) << at % 8;
            for (size_t byte = at / 8; code; byte++, code >>= 8)
                to[byte] |= (uint8_t)code;
            at += 1 + (size_t)low_bits;
            next = row + 1;
        }
}

// At least 57 bits from there on; those behind the end are 0.
static inline uint64_t bits_at(const uint8_t *from, size_t size, size_t at)
{
    uint64_t some = 0;
    const size_t byte = at / 8;
    if (byte + sizeof some <= size)
        memcpy(&some, from + byte, sizeof some);
    else if (byte < size)
        memcpy(&some, from + byte, size - byte);
    return some >> at % 8;
}

bool dbk_gaps_read(const uint8_t *from, size_t size, uint32_t rows, uint32_t count, int low_bits,
                   uint64_t *bits)
{
    enum { SURE = 57 };
    const size_t end = size * 8;
    const uint64_t low_mask = (UINT64_C(1) << low_bits) - 1;
    size_t at = 0;
    uint64_t row = 0;
    for (uint32_t i = 0; i < count; i++, row++) {
        uint64_t some = bits_at(from, size, at), high = 0;
        for (; some == 0 && at < end; some = bits_at(from, size, at)) {
            high += SURE;
            at += SURE;
        }
        if (some == 0)
            return false;
        high += (uint64_t)__builtin_ctzll(some);
        at += (size_t)__builtin_ctzll(some) + 1;
        row += high << low_bits | (bits_at(from, size, at) & low_mask);
        at += (size_t)low_bits;
        if (at > end || row >= rows)
            return false;
        bits[row / 64] |= UINT64_C(1) << row % 64;
    }
    return (at + 7) / 8 == size && bits_at(from, size, at) == 0;
}

// ---- Places ----

enum { PLACE_BITS = 10, PLACE_MASK = DBK_VECTOR_ROWS - 1 };

// Ten bits that begin at an even one lie in two bytes.
static uint32_t place_at(const uint8_t *places, size_t index)
{
    const size_t bit = index * PLACE_BITS;
    const uint32_t two = (uint32_t)places[bit / 8] | (uint32_t)places[bit / 8 + 1] << 8;
    return two >> bit % 8 & PLACE_MASK;
}

bool dbk_places_read(const uint16_t *counts, const uint8_t *from, uint32_t rows, uint32_t count,
                     uint64_t *bits)
{
    const uint32_t vectors = dbk_vectors(rows);
    uint32_t sum = 0;
    for (uint32_t v = 0; v < vectors; v++)
        sum += counts[v];
    if (sum != count)
        return false;
    size_t index = 0;
    for (uint32_t v = 0; v < vectors; v++) {
        for (uint32_t i = 0, next = 0; i < counts[v]; i++) {
            const uint32_t place = place_at(from, index++), row = v * DBK_VECTOR_ROWS + place;
            if (place < next || place >= dbk_vector_rows(rows, v))
                return false;
            bits[row / 64] |= UINT64_C(1) << row % 64;
            next = place + 1;
        }
    }
    return true;
}
