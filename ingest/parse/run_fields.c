// SPDX-License-Identifier: Apache-2.0
// Where a field of each row of a run lies, rows of no such field left out: ends to starts and lengths, by
// lanes.
#include "ingest/parse/run_fields.h"

#include "engine/base/processor.h"

#include <stdlib.h>
#include <string.h>

// What is made up behind the last field is of no byte, at the text's first.
static inline void fill_up(dbk_run_fields *out)
{
    memset(out->from + out->count, 0, DBK_RUN_LANES * sizeof *out->from);
    memset(out->length + out->count, 0, DBK_RUN_LANES * sizeof *out->length);
}

// Takes the quotes off those that stand in some, and away those of which nothing is left.
static void unquote(const dbk_run *run, dbk_run_fields *out)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < out->count; i++) {
        const uint32_t from = out->from[i], quote = run->text[from] == '"', row = out->row[i];
        const uint32_t length = out->length[i] - 2 * quote;
        out->from[kept] = from + quote;
        out->length[kept] = length;
        out->row[kept] = (uint8_t)row;
        out->present[row / 8] ^= (uint8_t)((length == 0) << row % 8);
        kept += length != 0;
    }
    out->count = kept;
}

static void turn_portable(const dbk_run *run, uint32_t *out)
{
    const uint32_t *ends = run->ends - 1;
    for (uint32_t r = 0; r < run->rows; r++, ends += run->fields) {
        for (size_t f = 0; f <= run->fields; f++)
            out[f * DBK_RUN_ROWS + r] = ends[f];
    }
}

static void find_portable(const dbk_run *run, const dbk_run_ends *ends, uint32_t field, uint32_t rows,
                          dbk_run_fields *out)
{
    const uint32_t *before = ends->before + (size_t)field * DBK_RUN_ROWS, *own = before + DBK_RUN_ROWS;
    const bool is_last = field + 1 == run->fields;
    uint32_t count = 0;
    memset(out->present, 0, sizeof out->present);
    for (uint32_t r = 0; r < rows; r++) {
        const uint32_t from = before[r] + 1;
        uint32_t length = own[r] - from;
        if (is_last && length && run->text[own[r] - 1] == '\r')
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

// Eight rows of eight ends become eight fields of eight ends.
DBK_AVX2 static inline void turn_8(const uint32_t *const rows[8], size_t field, uint32_t *out)
{
    __m256i a[8], b[8];
    for (int i = 0; i < 8; i++)
        a[i] = _mm256_loadu_si256((const void *)(rows[i] + field));
    for (int i = 0; i < 8; i += 2) {
        b[i] = _mm256_unpacklo_epi32(a[i], a[i + 1]);
        b[i + 1] = _mm256_unpackhi_epi32(a[i], a[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        a[i] = _mm256_unpacklo_epi64(b[i], b[i + 2]);
        a[i + 1] = _mm256_unpackhi_epi64(b[i], b[i + 2]);
        a[i + 2] = _mm256_unpacklo_epi64(b[i + 1], b[i + 3]);
        a[i + 3] = _mm256_unpackhi_epi64(b[i + 1], b[i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        _mm256_storeu_si256((void *)(out + i * DBK_RUN_ROWS),
                            _mm256_permute2x128_si256(a[i], a[i + 4], 0x20));
        _mm256_storeu_si256((void *)(out + (i + 4) * DBK_RUN_ROWS),
                            _mm256_permute2x128_si256(a[i], a[i + 4], 0x31));
    }
}

DBK_AVX2 static void turn_avx2(const dbk_run *run, uint32_t *out)
{
    for (uint32_t r = 0; r < run->rows; r += 8) {
        const uint32_t *rows[8];
        for (uint32_t i = 0; i < 8; i++) {
            const uint32_t row = r + i < run->rows ? r + i : run->rows - 1;
            rows[i] = run->ends + (size_t)row * run->fields - 1;
        }
        for (size_t f = 0; f <= run->fields; f += 8)
            turn_8(rows, f, out + f * DBK_RUN_ROWS + r);
    }
}

DBK_AVX512 static void find_avx512(const dbk_run *run, const dbk_run_ends *ends, uint32_t field,
                                   uint32_t rows, dbk_run_fields *out)
{
    const uint32_t *before = ends->before + (size_t)field * DBK_RUN_ROWS, *own = before + DBK_RUN_ROWS;
    const bool is_last = field + 1 == run->fields;
    const __m128i numbers = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i one = _mm512_set1_epi32(1);
    uint32_t count = 0;
    for (uint32_t r = 0; r < rows; r += 16) {
        const uint32_t left = rows - r;
        const __mmask16 lanes = left < 16 ? (__mmask16)((1U << left) - 1) : (__mmask16)0xffff;
        const __m512i from = _mm512_add_epi32(_mm512_loadu_si512((const void *)(before + r)), one);
        const __m512i to = _mm512_loadu_si512((const void *)(own + r));
        __m512i length = _mm512_sub_epi32(to, from);
        __mmask16 has = _mm512_mask_test_epi32_mask(lanes, length, length);
        if (is_last && has) {
            const __m512i tail = _mm512_mask_i32gather_epi32(
                _mm512_setzero_si512(), has, _mm512_sub_epi32(to, _mm512_set1_epi32(4)), run->text, 1);
            const __mmask16 returns =
                _mm512_cmpeq_epi32_mask(_mm512_srli_epi32(tail, 24), _mm512_set1_epi32('\r'));
            length = _mm512_mask_sub_epi32(length, returns, length, one);
            has = _mm512_mask_test_epi32_mask(lanes, length, length);
        }
        _mm512_storeu_si512((void *)(out->from + count), _mm512_maskz_compress_epi32(has, from));
        _mm512_storeu_si512((void *)(out->length + count), _mm512_maskz_compress_epi32(has, length));
        const __m128i row = _mm_add_epi8(numbers, _mm_set1_epi8((char)r));
        _mm_storeu_si128((void *)(out->row + count), _mm_maskz_compress_epi8(has, row));
        memcpy(out->present + r / 8, &has, sizeof has);
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

void dbk_run_ends_dispose(dbk_run_ends *ends)
{
    free(ends->before);
}

bool dbk_run_ends_turn(dbk_run_ends *ends, const dbk_run *run)
{
    if (run->fields > ends->fields) {
        // What stands behind the last field is turned with it.
        uint32_t *before =
            realloc(ends->before, ((size_t)run->fields + 1 + DBK_RUN_ENDS) * DBK_RUN_ROWS * sizeof *before);
        if (!before)
            return false;
        ends->before = before;
        ends->fields = run->fields;
    }
#if DBK_HAS_LEVELS
    if (dbk_level_used() != DBK_LEVEL_PORTABLE) {
        turn_avx2(run, ends->before);
        return true;
    }
#endif
    turn_portable(run, ends->before);
    return true;
}

void dbk_run_fields_find(const dbk_run *run, const dbk_run_ends *ends, uint32_t field, uint32_t rows,
                         dbk_run_fields *out)
{
#if DBK_HAS_LEVELS
    if (dbk_level_used() == DBK_LEVEL_AVX512)
        find_avx512(run, ends, field, rows, out);
    else
#endif
        find_portable(run, ends, field, rows, out);
    if (run->quoted)
        unquote(run, out);
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
