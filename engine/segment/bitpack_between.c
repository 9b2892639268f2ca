// SPDX-License-Identifier: Apache-2.0
// Packed numbers compared where they lie: a condition on a column that nothing else reads costs no decoding.
#include "engine/base/processor.h"
#include "engine/segment/bitpack.h"
#include "engine/segment/bitpack_widths.h"

#include <assert.h>

#if DBK_HAS_LEVELS
#include <immintrin.h>

enum { LANES = 32 };

// Numbers less the lowest wanted, compared as unsigned numbers: one comparison for both ends.
DBK_AVX512 DBK_BODY void between_512(const int width, const uint32_t *packed, uint32_t lo, uint32_t span,
                                     uint64_t *mask)
{
    const __m512i keep = _mm512_set1_epi32((int)(UINT32_MAX >> (32 - width)));
    const __m512i low = _mm512_set1_epi32((int)lo), most = _mm512_set1_epi32((int)span);
    uint64_t word = 0;
#pragma GCC unroll 32
    for (int row = 0; row < 32; row++) {
        const int bit = row * width, shift = bit % 32;
        const uint32_t *at = packed + bit / 32 * LANES;
        __m512i a = _mm512_srli_epi32(_mm512_loadu_si512(at), (unsigned)shift);
        __m512i b = _mm512_srli_epi32(_mm512_loadu_si512(at + 16), (unsigned)shift);
        if (shift + width > 32) {
            const unsigned left = 32 - (unsigned)shift;
            a = _mm512_or_si512(a, _mm512_slli_epi32(_mm512_loadu_si512(at + LANES), left));
            b = _mm512_or_si512(b, _mm512_slli_epi32(_mm512_loadu_si512(at + LANES + 16), left));
        }
        a = _mm512_sub_epi32(_mm512_and_si512(a, keep), low);
        b = _mm512_sub_epi32(_mm512_and_si512(b, keep), low);
        const uint64_t match =
            _mm512_kunpackw(_mm512_cmple_epu32_mask(b, most), _mm512_cmple_epu32_mask(a, most));
        if (row % 2 == 0)
            word = match;
        else
            mask[row / 2] &= word | match << 32;
    }
}

// As between_512, 8 numbers at a time; there is no unsigned comparison, but what is the smaller of itself and
// the bound is not above it.
DBK_AVX2 DBK_BODY void between_256(const int width, const uint32_t *packed, uint32_t lo, uint32_t span,
                                   uint64_t *mask)
{
    const __m256i keep = _mm256_set1_epi32((int)(UINT32_MAX >> (32 - width)));
    const __m256i low = _mm256_set1_epi32((int)lo), most = _mm256_set1_epi32((int)span);
    uint64_t word = 0;
#pragma GCC unroll 32
    for (int row = 0; row < 32; row++) {
        const int bit = row * width, shift = bit % 32;
        const uint32_t *at = packed + bit / 32 * LANES;
        uint32_t match = 0;
#pragma GCC unroll 4
        for (int k = 0; k < LANES; k += 8) {
            __m256i a = _mm256_srli_epi32(_mm256_loadu_si256((const __m256i *)(at + k)), shift);
            if (shift + width > 32)
                a = _mm256_or_si256(
                    a, _mm256_slli_epi32(_mm256_loadu_si256((const __m256i *)(at + LANES + k)), 32 - shift));
            a = _mm256_sub_epi32(_mm256_and_si256(a, keep), low);
            a = _mm256_cmpeq_epi32(_mm256_min_epu32(a, most), a);
            match |= (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(a)) << k;
        }
        if (row % 2 == 0)
            word = match;
        else
            mask[row / 2] &= word | (uint64_t)match << 32;
    }
}

#define EVERY_WIDTH(between)                                                                                 \
    switch (width) {                                                                                         \
        DBK_WIDTHS_8(1, between, packed, lo, span, mask)                                                     \
        DBK_WIDTHS_8(9, between, packed, lo, span, mask)                                                     \
        DBK_WIDTHS_8(17, between, packed, lo, span, mask)                                                    \
        DBK_WIDTHS_8(25, between, packed, lo, span, mask)                                                    \
    default:                                                                                                 \
        assert(!"a width of 1 to 32");                                                                       \
    }

DBK_AVX512 static void any_512(int width, const uint32_t *packed, uint32_t lo, uint32_t span,
                               uint64_t *mask){EVERY_WIDTH(between_512)}

DBK_AVX2 static void any_256(int width, const uint32_t *packed, uint32_t lo, uint32_t span, uint64_t *mask)
{
    EVERY_WIDTH(between_256)
}
#endif

static void any_portable(int width, const uint32_t *packed, uint32_t lo, uint32_t span, uint64_t *mask)
{
    uint32_t numbers[DBK_VECTOR_ROWS];
    uint8_t match[DBK_VECTOR_ROWS];
    dbk_bits_unpack32(packed, width, numbers);
    for (int i = 0; i < DBK_VECTOR_ROWS; i++)
        match[i] = (uint8_t)(numbers[i] - lo <= span);
    dbk_mask_and_bytes(mask, match, DBK_VECTOR_ROWS);
}

void dbk_bits_between(const void *packed, int width, uint32_t lo, uint32_t hi, uint64_t mask[DBK_MASK_WORDS])
{
    assert(width >= 1 && width <= 32 && lo <= hi);
#if DBK_HAS_LEVELS
    if (dbk_level_used() == DBK_LEVEL_AVX512) {
        any_512(width, packed, lo, hi - lo, mask);
        return;
    }
    if (dbk_level_used() == DBK_LEVEL_AVX2) {
        any_256(width, packed, lo, hi - lo, mask);
        return;
    }
#endif
    any_portable(width, packed, lo, hi - lo, mask);
}
