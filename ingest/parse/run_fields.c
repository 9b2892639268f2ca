// SPDX-License-Identifier: Apache-2.0
#include "ingest/parse/run_fields.h"

#include "engine/base/processor.h"

#include <string.h>

// What is made up behind the last field is a field that is there.
static void fill_up(dbk_run_fields *out)
{
    const uint32_t count = out->count;
    for (uint32_t i = count; i < count + DBK_RUN_LANES; i++) {
        out->from[i] = count ? out->from[count - 1] : 0;
        out->length[i] = count ? out->length[count - 1] : 0;
    }
}

static void find_portable(const dbk_run *run, uint32_t field, uint32_t rows, dbk_run_fields *out)
{
    const uint32_t *ends = run->ends + field;
    const bool is_last = field + 1 == run->fields;
    uint32_t count = 0;
    memset(out->present, 0, sizeof out->present);
    for (uint32_t r = 0; r < rows; r++, ends += run->fields) {
        const uint32_t from = ends[-1] + 1, to = ends[0];
        uint32_t length = to - from;
        if (is_last && length && run->text[to - 1] == '\r')
            length--;
        out->from[count] = from;
        out->length[count] = length;
        out->row[count] = (uint8_t)r;
        out->present[r / 8] |= (uint8_t)((length != 0) << r % 8);
        count += length != 0;
    }
    out->count = count;
}

static void spread64_portable(const dbk_run_fields *fields, uint32_t rows, const int64_t *values,
                              int64_t none, int64_t *out)
{
    uint32_t at = 0;
    for (uint32_t r = 0; r < rows; r++) {
        const uint32_t has = fields->present[r / 8] >> r % 8 & 1;
        out[r] = has ? values[at] : none;
        at += has;
    }
}

static void spread32_portable(const dbk_run_fields *fields, uint32_t rows, const uint32_t *values,
                              uint32_t none, uint32_t *out)
{
    uint32_t at = 0;
    for (uint32_t r = 0; r < rows; r++) {
        const uint32_t has = fields->present[r / 8] >> r % 8 & 1;
        out[r] = has ? values[at] : none;
        at += has;
    }
}

#if DBK_HAS_LEVELS
#include <immintrin.h>

DBK_AVX512 static void find_avx512(const dbk_run *run, uint32_t field, uint32_t rows, dbk_run_fields *out)
{
    const bool is_last = field + 1 == run->fields;
    const __m256i index =
        _mm256_mullo_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32((int)run->fields));
    const __m128i numbers = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i low = _mm512_set1_epi64(UINT32_MAX), one = _mm512_set1_epi64(1);
    const uint32_t *ends = run->ends + field;
    uint32_t count = 0;
    for (uint32_t r = 0; r < rows; r += 8, ends += 8 * (size_t)run->fields) {
        const uint32_t left = rows - r;
        const __mmask8 lanes = left < 8 ? (__mmask8)((1U << left) - 1) : (__mmask8)0xff;
        // The end before a field and its own are neighbours.
        const __m512i pair =
            _mm512_mask_i32gather_epi64(_mm512_setzero_si512(), lanes, index, ends - 1, sizeof *ends);
        const __m512i from = _mm512_and_si512(_mm512_add_epi64(pair, one), low);
        const __m512i to = _mm512_srli_epi64(pair, 32);
        __m512i length = _mm512_sub_epi64(to, from);
        __mmask8 has = _mm512_mask_test_epi64_mask(lanes, length, length);
        if (is_last && has) {
            const __m512i tail = _mm512_mask_i64gather_epi64(
                _mm512_setzero_si512(), has, _mm512_sub_epi64(to, _mm512_set1_epi64(8)), run->text, 1);
            const __mmask8 returns =
                _mm512_cmpeq_epi64_mask(_mm512_srli_epi64(tail, 56), _mm512_set1_epi64('\r'));
            length = _mm512_mask_sub_epi64(length, returns, length, one);
            has = _mm512_mask_test_epi64_mask(lanes, length, length);
        }
        _mm256_storeu_si256((void *)(out->from + count),
                            _mm256_maskz_compress_epi32(has, _mm512_cvtepi64_epi32(from)));
        _mm256_storeu_si256((void *)(out->length + count),
                            _mm256_maskz_compress_epi32(has, _mm512_cvtepi64_epi32(length)));
        const __m128i row = _mm_add_epi8(numbers, _mm_set1_epi8((char)r));
        _mm_storeu_si128((void *)(out->row + count), _mm_maskz_compress_epi8(has, row));
        out->present[r / 8] = has;
        count += (uint32_t)__builtin_popcount(has);
    }
    out->count = count;
}

DBK_AVX512 static void spread64_avx512(const dbk_run_fields *fields, uint32_t rows, const int64_t *values,
                                       int64_t none, int64_t *out)
{
    const __m512i nothing = _mm512_set1_epi64(none);
    for (uint32_t r = 0; r < rows; r += 8) {
        const uint32_t left = rows - r;
        const __mmask8 lanes = left < 8 ? (__mmask8)((1U << left) - 1) : (__mmask8)0xff;
        const __mmask8 has = fields->present[r / 8];
        _mm512_mask_storeu_epi64(
            out + r, lanes, _mm512_mask_expand_epi64(nothing, has, _mm512_loadu_si512((const void *)values)));
        values += __builtin_popcount(has);
    }
}

DBK_AVX512 static void spread32_avx512(const dbk_run_fields *fields, uint32_t rows, const uint32_t *values,
                                       uint32_t none, uint32_t *out)
{
    const __m256i nothing = _mm256_set1_epi32((int)none);
    for (uint32_t r = 0; r < rows; r += 8) {
        const uint32_t left = rows - r;
        const __mmask8 lanes = left < 8 ? (__mmask8)((1U << left) - 1) : (__mmask8)0xff;
        const __mmask8 has = fields->present[r / 8];
        const __m256i next = _mm256_loadu_si256((const void *)values);
        _mm256_mask_storeu_epi32(out + r, lanes, _mm256_mask_expand_epi32(nothing, has, next));
        values += __builtin_popcount(has);
    }
}
#endif

void dbk_run_fields_find(const dbk_run *run, uint32_t field, uint32_t rows, dbk_run_fields *out)
{
#if DBK_HAS_LEVELS
    if (dbk_level_used() == DBK_LEVEL_AVX512) {
        find_avx512(run, field, rows, out);
        fill_up(out);
        return;
    }
#endif
    find_portable(run, field, rows, out);
    fill_up(out);
}

uint32_t dbk_run_fields_absent(const dbk_run_fields *fields, uint32_t rows)
{
    uint32_t r = 0;
    if (fields->count >= rows)
        return rows;
    while (r < rows && (fields->present[r / 8] >> r % 8 & 1))
        r++;
    return r;
}

void dbk_run_fields_spread64(const dbk_run_fields *fields, uint32_t rows, const int64_t *values, int64_t none,
                             int64_t *out)
{
#if DBK_HAS_LEVELS
    if (dbk_level_used() == DBK_LEVEL_AVX512) {
        spread64_avx512(fields, rows, values, none, out);
        return;
    }
#endif
    spread64_portable(fields, rows, values, none, out);
}

void dbk_run_fields_spread32(const dbk_run_fields *fields, uint32_t rows, const uint32_t *values,
                             uint32_t none, uint32_t *out)
{
#if DBK_HAS_LEVELS
    if (dbk_level_used() == DBK_LEVEL_AVX512) {
        spread32_avx512(fields, rows, values, none, out);
        return;
    }
#endif
    spread32_portable(fields, rows, values, none, out);
}
