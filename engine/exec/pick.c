// SPDX-License-Identifier: Apache-2.0
// Rows of a mask: listed, and their values moved together.
#include "engine/base/processor.h"
#include "engine/exec/kernel.h"

#if DBK_HAS_LEVELS
#include <immintrin.h>

// Each step writes a whole register where the last one ended. That is never behind the rows it has read, so
// it ends inside a vector's room.
DBK_AVX512 static uint32_t list_512(const uint64_t mask[DBK_MASK_WORDS], uint16_t rows[DBK_VECTOR_ROWS])
{
    const __m512i step = _mm512_set1_epi16(32);
    __m512i row = _mm512_set_epi16(31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13,
                                   12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    uint32_t n = 0;
    for (uint32_t i = 0; i < DBK_VECTOR_ROWS / 32; i++) {
        const uint32_t bits = (uint32_t)(mask[i / 2] >> (i % 2 * 32));
        _mm512_storeu_si512(rows + n, _mm512_maskz_compress_epi16(bits, row));
        n += (uint32_t)__builtin_popcount(bits);
        row = _mm512_add_epi16(row, step);
    }
    return n;
}

DBK_AVX512 static void codes_512(const uint32_t *values, const uint64_t mask[DBK_MASK_WORDS], uint32_t *out)
{
    for (uint32_t w = 0; w < DBK_MASK_WORDS; w++) {
        const uint64_t word = mask[w];
        for (uint32_t k = 0; word && k < 4; k++) {
            const __mmask16 bits = (__mmask16)(word >> (k * 16));
            const __m512i some = _mm512_maskz_loadu_epi32(bits, values + w * 64 + k * 16);
            _mm512_mask_storeu_epi32(out, (__mmask16)_bzhi_u32(0xFFFF, (uint32_t)__builtin_popcount(bits)),
                                     _mm512_maskz_compress_epi32(bits, some));
            out += __builtin_popcount(bits);
        }
    }
}

DBK_AVX512 static void ints_512(const int64_t *values, const uint64_t mask[DBK_MASK_WORDS], int64_t *out)
{
    for (uint32_t w = 0; w < DBK_MASK_WORDS; w++) {
        const uint64_t word = mask[w];
        for (uint32_t k = 0; word && k < 8; k++) {
            const __mmask8 bits = (__mmask8)(word >> (k * 8));
            const __m512i some = _mm512_maskz_loadu_epi64(bits, values + w * 64 + k * 8);
            _mm512_mask_storeu_epi64(out, (__mmask8)_bzhi_u32(0xFF, (uint32_t)__builtin_popcount(bits)),
                                     _mm512_maskz_compress_epi64(bits, some));
            out += __builtin_popcount(bits);
        }
    }
}
#endif

uint32_t dbk_mask_list(const uint64_t mask[DBK_MASK_WORDS], uint16_t rows[DBK_VECTOR_ROWS])
{
#if DBK_HAS_LEVELS
    if (dbk_level_used() == DBK_LEVEL_AVX512)
        return list_512(mask, rows);
#endif
    uint32_t n = 0;
    for (uint32_t w = 0; w < DBK_MASK_WORDS; w++)
        for (uint64_t word = mask[w]; word; word &= word - 1)
            rows[n++] = (uint16_t)(w * 64 + (uint32_t)__builtin_ctzll(word));
    return n;
}

// Few rows are fetched one by one.
enum { FEW_ROWS = 64 };

void dbk_pick_codes(const uint32_t *values, const uint64_t mask[DBK_MASK_WORDS], const uint16_t *rows,
                    uint32_t count, uint32_t *out)
{
#if DBK_HAS_LEVELS
    if (count > FEW_ROWS && dbk_level_used() == DBK_LEVEL_AVX512) {
        codes_512(values, mask, out);
        return;
    }
#endif
    for (uint32_t i = 0; i < count; i++)
        out[i] = values[rows[i]];
}

void dbk_pick_ints(const int64_t *values, const uint64_t mask[DBK_MASK_WORDS], const uint16_t *rows,
                   uint32_t count, int64_t *out)
{
#if DBK_HAS_LEVELS
    if (count > FEW_ROWS && dbk_level_used() == DBK_LEVEL_AVX512) {
        ints_512(values, mask, out);
        return;
    }
#endif
    for (uint32_t i = 0; i < count; i++)
        out[i] = values[rows[i]];
}
