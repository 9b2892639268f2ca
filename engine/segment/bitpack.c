// SPDX-License-Identifier: Apache-2.0
// Packing runs once per value and takes the width as a variable; unpacking is every scan's first step, so it
// is compiled once per width, where shifts and masks are constants, and for each level of the processor.
#include "engine/segment/bitpack.h"
#include "engine/base/processor.h"
#include "engine/segment/bitpack_widths.h"

#include <assert.h>
#include <string.h>

enum { LANES32 = 32, LANES64 = 16 };

DBK_BODY void pack32(const uint64_t *restrict values, int width, uint32_t *restrict out)
{
    memset(out, 0, dbk_bits_size(width));
    for (int row = 0; row < 32; row++) {
        const int bit = row * width, shift = bit % 32;
        uint32_t *low = out + bit / 32 * LANES32;
        for (int lane = 0; lane < LANES32; lane++)
            low[lane] |= (uint32_t)values[row * LANES32 + lane] << shift;
        if (shift + width > 32) {
            for (int lane = 0; lane < LANES32; lane++)
                low[LANES32 + lane] = (uint32_t)(values[row * LANES32 + lane] >> (32 - shift));
        }
    }
}

DBK_BODY void pack64(const uint64_t *restrict values, int width, uint64_t *restrict out)
{
    memset(out, 0, dbk_bits_size(width));
    for (int row = 0; row < 64; row++) {
        const int bit = row * width, shift = bit % 64;
        uint64_t *low = out + bit / 64 * LANES64;
        for (int lane = 0; lane < LANES64; lane++)
            low[lane] |= values[row * LANES64 + lane] << shift;
        if (shift + width > 64) {
            for (int lane = 0; lane < LANES64; lane++)
                low[LANES64 + lane] = values[row * LANES64 + lane] >> (64 - shift);
        }
    }
}

DBK_BODY void dbk_bits_pack_body(const uint64_t values[DBK_VECTOR_ROWS], int width, void *packed)
{
    assert(width >= 0 && width <= 64);
    if (width > 32)
        pack64(values, width, packed);
    else if (width > 0)
        pack32(values, width, packed);
}
DBK_EACH_LEVEL(void, dbk_bits_pack, (const uint64_t values[DBK_VECTOR_ROWS], int width, void *packed),
               (values, width, packed))

const uint8_t *dbk_bits_whole(const void *packed, int width, uint32_t rows, dbk_bits_room *room)
{
    const size_t stored = dbk_bits_size_of(width, rows);
    memcpy(room->bytes, packed, stored);
    memset(room->bytes + stored, 0, dbk_bits_size(width) - stored);
    return room->bytes;
}

DBK_BODY void unpack32(const int width, const uint32_t *restrict in, uint32_t *restrict out)
{
    const uint32_t mask = UINT32_MAX >> (32 - width);
#pragma GCC unroll 32
    for (int row = 0; row < 32; row++) {
        const int bit = row * width, shift = bit % 32;
        const uint32_t *low = in + bit / 32 * LANES32;
        uint32_t *to = out + row * LANES32;
        if (shift + width <= 32) {
            for (int lane = 0; lane < LANES32; lane++)
                to[lane] = low[lane] >> shift & mask;
        } else {
            for (int lane = 0; lane < LANES32; lane++)
                to[lane] = (low[lane] >> shift | low[LANES32 + lane] << (32 - shift)) & mask;
        }
    }
}

DBK_BODY void unpack64(const int width, const uint64_t *restrict in, uint64_t *restrict out)
{
    const uint64_t mask = UINT64_MAX >> (64 - width);
    for (int row = 0; row < 64; row++) {
        const int bit = row * width, shift = bit % 64;
        const uint64_t *low = in + bit / 64 * LANES64;
        uint64_t *to = out + row * LANES64;
        if (shift + width <= 64) {
            for (int lane = 0; lane < LANES64; lane++)
                to[lane] = low[lane] >> shift & mask;
        } else {
            for (int lane = 0; lane < LANES64; lane++)
                to[lane] = (low[lane] >> shift | low[LANES64 + lane] << (64 - shift)) & mask;
        }
    }
}

DBK_BODY void dbk_bits_unpack32_body(const void *packed, int width, uint32_t out[DBK_VECTOR_ROWS])
{
    const uint32_t *in = packed;
    switch (width) {
        DBK_WIDTHS_8(1, unpack32, in, out)
        DBK_WIDTHS_8(9, unpack32, in, out)
        DBK_WIDTHS_8(17, unpack32, in, out)
        DBK_WIDTHS_8(25, unpack32, in, out)
    default:
        assert(width == 0);
        memset(out, 0, DBK_VECTOR_ROWS * sizeof *out);
    }
}
DBK_EACH_LEVEL(void, dbk_bits_unpack32, (const void *packed, int width, uint32_t out[DBK_VECTOR_ROWS]),
               (packed, width, out))

DBK_BODY void unpack_wide(const uint64_t *in, int width, uint64_t *out)
{
    switch (width) {
        DBK_WIDTHS_8(33, unpack64, in, out)
        DBK_WIDTHS_8(41, unpack64, in, out)
        DBK_WIDTHS_8(49, unpack64, in, out)
        DBK_WIDTHS_8(57, unpack64, in, out)
    default:
        assert(!"a width of 33 to 64");
    }
}

DBK_BODY void dbk_bits_unpack64_body(const void *packed, int width, uint64_t out[DBK_VECTOR_ROWS])
{
    if (width > 32) {
        unpack_wide(packed, width, out);
        return;
    }
    uint32_t narrow[DBK_VECTOR_ROWS];
    dbk_bits_unpack32(packed, width, narrow);
    for (int i = 0; i < DBK_VECTOR_ROWS; i++)
        out[i] = narrow[i];
}
DBK_EACH_LEVEL(void, dbk_bits_unpack64, (const void *packed, int width, uint64_t out[DBK_VECTOR_ROWS]),
               (packed, width, out))

uint64_t dbk_bits_at(const void *packed, int width, uint32_t index)
{
    assert(index < DBK_VECTOR_ROWS);
    if (width == 0)
        return 0;
    if (width <= 32) {
        const uint32_t bit = index / LANES32 * (uint32_t)width, shift = bit % 32;
        const uint32_t *low = (const uint32_t *)packed + bit / 32 * LANES32 + index % LANES32;
        uint32_t value = *low >> shift;
        if (shift + (uint32_t)width > 32)
            value |= low[LANES32] << (32 - shift);
        return value & UINT32_MAX >> (32 - width);
    }
    const uint32_t bit = index / LANES64 * (uint32_t)width, shift = bit % 64;
    const uint64_t *low = (const uint64_t *)packed + bit / 64 * LANES64 + index % LANES64;
    uint64_t value = *low >> shift;
    if (shift + (uint32_t)width > 64)
        value |= low[LANES64] << (64 - shift);
    return value & UINT64_MAX >> (64 - width);
}
