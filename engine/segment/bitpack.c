// SPDX-License-Identifier: Apache-2.0
// Packing runs once per value and takes the width as a variable; unpacking is every scan's first step, so it
// is compiled once per width, where shifts and masks are constants.
#include "engine/segment/bitpack.h"
#include "engine/base/wide.h"

#include <assert.h>
#include <string.h>

enum { LANES32 = 32, LANES64 = 16 };

DBK_WIDE static void pack32(const uint64_t *restrict values, int width, uint32_t *restrict out)
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

DBK_WIDE static void pack64(const uint64_t *restrict values, int width, uint64_t *restrict out)
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

void dbk_bits_pack(const uint64_t values[DBK_VECTOR_ROWS], int width, void *packed)
{
    assert(width >= 0 && width <= 64);
    if (width > 32)
        pack64(values, width, packed);
    else if (width > 0)
        pack32(values, width, packed);
}

#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE void unpack32(const uint32_t *restrict in, uint32_t *restrict out, const int width)
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

ALWAYS_INLINE void unpack64(const uint64_t *restrict in, uint64_t *restrict out, const int width)
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

#define CASES_8(unpack, first)                                                                               \
    case first:                                                                                              \
        unpack(in, out, first);                                                                              \
        break;                                                                                               \
    case first + 1:                                                                                          \
        unpack(in, out, first + 1);                                                                          \
        break;                                                                                               \
    case first + 2:                                                                                          \
        unpack(in, out, first + 2);                                                                          \
        break;                                                                                               \
    case first + 3:                                                                                          \
        unpack(in, out, first + 3);                                                                          \
        break;                                                                                               \
    case first + 4:                                                                                          \
        unpack(in, out, first + 4);                                                                          \
        break;                                                                                               \
    case first + 5:                                                                                          \
        unpack(in, out, first + 5);                                                                          \
        break;                                                                                               \
    case first + 6:                                                                                          \
        unpack(in, out, first + 6);                                                                          \
        break;                                                                                               \
    case first + 7:                                                                                          \
        unpack(in, out, first + 7);                                                                          \
        break;

DBK_WIDE void dbk_bits_unpack32(const void *packed, int width, uint32_t out[DBK_VECTOR_ROWS])
{
    const uint32_t *in = packed;
    switch (width) {
        CASES_8(unpack32, 1)
        CASES_8(unpack32, 9)
        CASES_8(unpack32, 17)
        CASES_8(unpack32, 25)
    default:
        assert(width == 0);
        memset(out, 0, DBK_VECTOR_ROWS * sizeof *out);
    }
}

DBK_WIDE static void unpack_wide(const uint64_t *in, int width, uint64_t *out)
{
    switch (width) {
        CASES_8(unpack64, 33)
        CASES_8(unpack64, 41)
        CASES_8(unpack64, 49)
        CASES_8(unpack64, 57)
    default:
        assert(!"a width of 33 to 64");
    }
}

DBK_WIDE void dbk_bits_unpack64(const void *packed, int width, uint64_t out[DBK_VECTOR_ROWS])
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
