// SPDX-License-Identifier: Apache-2.0
// Packed numbers compared where they lie: a condition on a column that nothing else reads costs no decoding.
#include "engine/base/processor.h"
#include "engine/base/wide.h"
#include "engine/segment/bitpack.h"

#include <assert.h>

#if DBK_HAS_512
#include <immintrin.h>

enum { LANES = 32 };

// Numbers less the lowest wanted, compared as unsigned numbers: one comparison for both ends.
DBK_512 static void between_512(const uint32_t *packed, int width, uint32_t lo, uint32_t span,
                                uint64_t mask[DBK_MASK_WORDS])
{
    const __m512i keep = _mm512_set1_epi32((int)(UINT32_MAX >> (32 - width)));
    const __m512i low = _mm512_set1_epi32((int)lo), most = _mm512_set1_epi32((int)span);
    uint64_t word = 0;
    for (int row = 0; row < 32; row++) {
        const int bit = row * width, shift = bit % 32;
        const uint32_t *at = packed + bit / 32 * LANES;
        const __m128i right = _mm_cvtsi32_si128(shift);
        __m512i a = _mm512_srl_epi32(_mm512_loadu_si512(at), right);
        __m512i b = _mm512_srl_epi32(_mm512_loadu_si512(at + 16), right);
        if (shift + width > 32) {
            const __m128i left = _mm_cvtsi32_si128(32 - shift);
            a = _mm512_or_si512(a, _mm512_sll_epi32(_mm512_loadu_si512(at + LANES), left));
            b = _mm512_or_si512(b, _mm512_sll_epi32(_mm512_loadu_si512(at + LANES + 16), left));
        }
        a = _mm512_sub_epi32(_mm512_and_si512(a, keep), low);
        b = _mm512_sub_epi32(_mm512_and_si512(b, keep), low);
        const uint64_t match =
            (uint64_t)_mm512_cmple_epu32_mask(a, most) | (uint64_t)_mm512_cmple_epu32_mask(b, most) << 16;
        if (row % 2 == 0)
            word = match;
        else
            mask[row / 2] &= word | match << 32;
    }
}
#endif

DBK_WIDE static void between(const void *packed, int width, uint32_t lo, uint32_t span,
                             uint64_t mask[DBK_MASK_WORDS])
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
#if DBK_HAS_512
    if (dbk_has_512()) {
        between_512(packed, width, lo, hi - lo, mask);
        return;
    }
#endif
    between(packed, width, lo, hi - lo, mask);
}
