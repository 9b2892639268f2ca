// SPDX-License-Identifier: Apache-2.0
// Encoding ascending numbers.
#include "engine/base/wide.h"
#include "engine/segment/ascending.h"
#include "engine/segment/ascending_layout.h"

#include <assert.h>
#include <string.h>

DBK_WIDE static bool ascends(const int64_t *ints, uint32_t rows)
{
    uint64_t descends = 0;
    for (uint32_t i = 1; i < rows; i++)
        descends |= ints[i] < ints[i - 1];
    return !descends;
}

static size_t directory_size(const dbk_ints_plan *packed, uint32_t vectors)
{
    return dbk_segment_align(sizeof(dbk_ascending_header) +
                             (size_t)vectors * (size_t)(packed->base_bytes + packed->range_bytes));
}

size_t dbk_ascending_size(const int64_t *ints, uint32_t rows, const dbk_ints_plan *packed)
{
    if (packed->nulls > 0 || packed->range_bytes > 4 || !ascends(ints, rows))
        return SIZE_MAX;
    const uint32_t vectors = dbk_vectors(rows);
    size_t size = directory_size(packed, vectors);
    for (uint32_t v = 0; v < vectors; v++) {
        const uint32_t n = dbk_vector_rows(rows, v), range = (uint32_t)packed->range[v];
        const int low_bits = dbk_ascending_low_bits(n, range);
        size += dbk_bits_size_of(low_bits, n) + dbk_ascending_words(n, range, low_bits) * sizeof(uint64_t);
    }
    return dbk_segment_align(size);
}

// Writes the low bits and the bitmap of a vector.
static void encode_vector(const int64_t *ints, uint32_t n, uint64_t start, uint64_t divisor, uint32_t range,
                          uint8_t *low, uint8_t *high)
{
    const int low_bits = dbk_ascending_low_bits(n, range);
    const uint32_t count = dbk_ascending_words(n, range, low_bits);
    uint64_t lows[DBK_VECTOR_ROWS] = {0}, words[(2 * DBK_VECTOR_ROWS + DBK_VECTOR_ROWS) / 64 + 1] = {0};
    assert(count <= DBK_COUNT(words));
    for (uint32_t i = 0; i < n; i++) {
        uint64_t number = ((uint64_t)ints[i] ^ DBK_INT_BIAS) - start;
        number = divisor == 1 ? number : number / divisor;
        const uint64_t place = (number >> low_bits) + i;
        lows[i] = number & ((UINT64_C(1) << low_bits) - 1);
        words[place / 64] |= UINT64_C(1) << place % 64;
    }
    const size_t size = dbk_bits_size_of(low_bits, n);
    if (size == dbk_bits_size(low_bits)) {
        dbk_bits_pack(lows, low_bits, low);
    } else {
        dbk_bits_room room;
        dbk_bits_pack(lows, low_bits, room.bytes);
        memcpy(low, room.bytes, size);
    }
    memcpy(high, words, count * sizeof *words);
}

void dbk_ascending_encode(const int64_t *ints, uint32_t rows, const dbk_ints_plan *packed, uint8_t *block)
{
    const uint32_t vectors = dbk_vectors(rows);
    const dbk_ascending_header header = {.min = packed->min,
                                         .max = packed->max,
                                         .divisor = packed->divisor,
                                         .base_bytes = (uint8_t)packed->base_bytes,
                                         .range_bytes = (uint8_t)packed->range_bytes,
                                         .cut = 1};
    memset(block, 0, directory_size(packed, vectors));
    memcpy(block, &header, sizeof header);
    uint8_t *bases = block + sizeof header, *ranges = bases + vectors * (uint32_t)packed->base_bytes;
    uint8_t *low = block + directory_size(packed, vectors), *high = low;
    for (uint32_t v = 0; v < vectors; v++) {
        memcpy(bases + v * (uint32_t)packed->base_bytes, &packed->base[v], (size_t)packed->base_bytes);
        memcpy(ranges + v * (uint32_t)packed->range_bytes, &packed->range[v], (size_t)packed->range_bytes);
        const uint32_t n = dbk_vector_rows(rows, v);
        high += dbk_bits_size_of(dbk_ascending_low_bits(n, (uint32_t)packed->range[v]), n);
    }
    for (uint32_t v = 0; v < vectors; v++) {
        const uint32_t n = dbk_vector_rows(rows, v), range = (uint32_t)packed->range[v];
        const int low_bits = dbk_ascending_low_bits(n, range);
        encode_vector(ints + v * DBK_VECTOR_ROWS, n, packed->min + packed->divisor * packed->base[v],
                      packed->divisor, range, low, high);
        low += dbk_bits_size_of(low_bits, n);
        high += dbk_ascending_words(n, range, low_bits) * sizeof(uint64_t);
    }
    const size_t end = (size_t)(high - block);
    memset(high, 0, dbk_segment_align(end) - end);
}
