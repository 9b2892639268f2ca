// SPDX-License-Identifier: Apache-2.0
// Opening and reading ascending numbers.
#include "engine/segment/ascending.h"
#include "engine/base/bytes.h"
#include "engine/base/processor.h"
#include "engine/base/wide.h"
#include "engine/segment/ascending_layout.h"
#include "engine/segment/bitpack.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#if DBK_HAS_LEVELS
#include <immintrin.h>
#endif

static const uint8_t *lows_of(const dbk_ascending *a, const dbk_ascending_vector *v)
{
    return a->lows + (size_t)v->low_at * 128;
}

// The low bits of all 1,024 numbers: those of a cut vector are put into the room first.
static const uint8_t *whole_lows_of(const dbk_ascending *a, const dbk_ascending_vector *v,
                                    dbk_bits_room *room)
{
    if (!v->cut)
        return lows_of(a, v);
    return dbk_bits_whole(lows_of(a, v), v->low_bits, dbk_vector_rows(a->rows, dbk_vectors(a->rows) - 1),
                          room);
}

static uint32_t words_of(const dbk_ascending *a, uint32_t vector)
{
    const dbk_ascending_vector *v = &a->vectors[vector];
    return dbk_ascending_words(dbk_vector_rows(a->rows, vector), v->range, v->low_bits);
}

// ---- Decoding ----

// A register more than a vector, which is written but not meant.
enum { PLACES_ROOM = DBK_VECTOR_ROWS + 64 };

// The places of all 1s of so many words; there are no more of them than a vector has rows.
static void list_places(const uint64_t *words, uint32_t count, uint16_t out[PLACES_ROOM])
{
    uint32_t n = 0;
    for (uint32_t w = 0; w < count; w++) {
        for (uint64_t word = words[w]; word; word &= word - 1)
            out[n++] = (uint16_t)(w * 64 + (uint32_t)__builtin_ctzll(word));
    }
}

// The high part of number i is its place less i.
DBK_WIDE static void join(const uint16_t *restrict places, int low_bits, uint32_t *restrict numbers)
{
    for (uint32_t i = 0; i < DBK_VECTOR_ROWS; i++)
        numbers[i] |= ((uint32_t)places[i] - i) << low_bits;
}

#if DBK_HAS_LEVELS
DBK_AVX512 static void list_places_512(const uint64_t *words, uint32_t count, uint16_t out[PLACES_ROOM])
{
    uint8_t bytes[64];
    for (int i = 0; i < 64; i++)
        bytes[i] = (uint8_t)i;
    const __m512i each = _mm512_loadu_si512(bytes);
    for (uint32_t w = 0; w < count; w++) {
        const __m512i places = _mm512_maskz_compress_epi8(words[w], each);
        const __m512i before = _mm512_set1_epi16((short)(w * 64));
        const __m512i first = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(places));
        _mm512_storeu_si512(out, _mm512_add_epi16(first, before));
        const uint32_t n = (uint32_t)__builtin_popcountll(words[w]);
        if (n > 32) {
            const __m512i rest = _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(places, 1));
            _mm512_storeu_si512(out + 32, _mm512_add_epi16(rest, before));
        }
        out += n;
    }
}
#endif

static void find_places(const dbk_ascending *a, uint32_t vector, uint16_t places[PLACES_ROOM])
{
    const uint64_t *words = a->highs + a->vectors[vector].high_at;
    const uint32_t count = words_of(a, vector);
    if (dbk_vector_rows(a->rows, vector) < DBK_VECTOR_ROWS)
        memset(places, 0, PLACES_ROOM * sizeof *places);
#if DBK_HAS_LEVELS
    if (dbk_level_used() == DBK_LEVEL_AVX512) {
        list_places_512(words, count, places);
        return;
    }
#endif
    list_places(words, count, places);
}

// The numbers of a vector; those past its last row are undefined.
static void read_numbers(const dbk_ascending *a, uint32_t vector, uint32_t out[DBK_VECTOR_ROWS])
{
    const dbk_ascending_vector *v = &a->vectors[vector];
    uint16_t places[PLACES_ROOM];
    find_places(a, vector, places);
    dbk_bits_room room;
    dbk_bits_unpack32(whole_lows_of(a, v, &room), v->low_bits, out);
    join(places, v->low_bits, out);
}

// ---- Opening ----

// The vector's numbers ascend from 0 to its range; adds them to the sum.
DBK_WIDE static bool numbers_are_true(const uint32_t *numbers, uint32_t n, uint32_t range, uint64_t *sum)
{
    uint32_t descends = 0;
    uint64_t total = 0;
    for (uint32_t i = 0; i < n; i++)
        total += numbers[i];
    for (uint32_t i = 1; i < n; i++)
        descends |= numbers[i] < numbers[i - 1];
    *sum = total;
    return !descends && numbers[0] == 0 && numbers[n - 1] == range;
}

DBK_WIDE static uint32_t count_ones(const uint64_t *words, uint32_t count)
{
    uint32_t ones = 0;
    for (uint32_t w = 0; w < count; w++)
        ones += (uint32_t)__builtin_popcountll(words[w]);
    return ones;
}

static bool vector_is_true(dbk_ascending *a, uint32_t vector)
{
    const dbk_ascending_vector *v = &a->vectors[vector];
    const uint32_t n = dbk_vector_rows(a->rows, vector), words = words_of(a, vector);
    const uint64_t *high = a->highs + v->high_at;
    const uint32_t bits = n + (v->range >> v->low_bits), last = bits % 64;
    if (count_ones(high, words) != n || (last && high[words - 1] >> last))
        return false;
    uint32_t numbers[DBK_VECTOR_ROWS];
    uint64_t sum;
    read_numbers(a, vector, numbers);
    if (!numbers_are_true(numbers, n, v->range, &sum))
        return false;
    a->sum += (dbk_u128)(a->min + a->divisor * v->base) * n + (dbk_u128)sum * a->divisor;
    return true;
}

static uint64_t little(const uint8_t *bytes, size_t size)
{
    uint64_t number = 0;
    memcpy(&number, bytes, size);
    return number;
}

// Places the vectors one behind the other; false when one leaves the column's range or the one before.
static bool read_directory(dbk_ascending *a, const dbk_ascending_header *h, const uint8_t *entries,
                           size_t *low_size, size_t *high_size)
{
    const uint32_t vectors = dbk_vectors(a->rows);
    const uint8_t *ranges = entries + (size_t)vectors * h->base_bytes;
    uint64_t last = 0;
    uint32_t low_at = 0, high_at = 0;
    for (uint32_t i = 0; i < vectors; i++) {
        dbk_ascending_vector *v = &a->vectors[i];
        v->base = little(entries + (size_t)i * h->base_bytes, h->base_bytes);
        v->range = (uint32_t)little(ranges + (size_t)i * h->range_bytes, h->range_bytes);
        const dbk_u128 top = (dbk_u128)v->base + v->range;
        if (v->base < last || top > UINT64_MAX || top * a->divisor > a->max - a->min)
            return false;
        last = (uint64_t)top;
        v->low_bits = (uint8_t)dbk_ascending_low_bits(dbk_vector_rows(a->rows, i), v->range);
        v->low_at = low_at;
        v->high_at = high_at;
        low_at += v->low_bits;
        high_at += words_of(a, i);
    }
    dbk_ascending_vector *end = &a->vectors[vectors - 1];
    const size_t whole = dbk_bits_size(end->low_bits);
    const size_t stored =
        h->cut ? dbk_bits_size_of(end->low_bits, dbk_vector_rows(a->rows, vectors - 1)) : whole;
    end->cut = stored < whole;
    *low_size = (size_t)low_at * 128 - whole + stored;
    *high_size = (size_t)high_at * sizeof(uint64_t);
    return a->vectors[0].base == 0 && last * a->divisor == a->max - a->min;
}

static dbk_status open_vectors(dbk_ascending *a, const dbk_ascending_header *h, dbk_reader *r, dbk_error *err)
{
    const uint32_t vectors = dbk_vectors(a->rows);
    const uint8_t *entries = dbk_read_bytes(r, (size_t)vectors * ((size_t)h->base_bytes + h->range_bytes));
    uint8_t any = 0;
    for (size_t padding = dbk_segment_align(r->at) - r->at; padding > 0; padding--)
        any |= dbk_read_u8(r);
    size_t low_size, high_size;
    if (r->failed || any || !read_directory(a, h, entries, &low_size, &high_size))
        return dbk_fail(err, DBK_CORRUPT, "ascending numbers: the directory is damaged");
    a->lows = dbk_read_bytes(r, low_size);
    a->highs = (const uint64_t *)dbk_read_bytes(r, high_size); // everything before it is a multiple of 64
    any = 0;
    for (size_t padding = dbk_segment_align(r->at) - r->at; padding > 0; padding--)
        any |= dbk_read_u8(r);
    if (r->failed || any || dbk_reader_left(r) != 0)
        return dbk_fail(err, DBK_CORRUPT, "ascending numbers: the block has the wrong size");
    for (uint32_t v = 0; v < vectors; v++) {
        if (!vector_is_true(a, v))
            return dbk_fail(err, DBK_CORRUPT, "ascending numbers: vector %u is not what its header says", v);
    }
    return DBK_OK;
}

dbk_status dbk_ascending_open(const uint8_t *block, size_t size, uint32_t rows, dbk_ascending **out,
                              dbk_error *err)
{
    dbk_reader r = dbk_reader_init(block, size);
    dbk_ascending_header h;
    const uint8_t *view = dbk_read_bytes(&r, sizeof h);
    if (!view)
        return dbk_fail(err, DBK_CORRUPT, "ascending numbers: the block ends early");
    memcpy(&h, view, sizeof h);
    if (h.min == 0 || h.min > h.max || h.divisor == 0 || h.base_bytes > 8 || h.range_bytes > 4 || h.cut > 1 ||
        h.reserved[0] || h.reserved[1] || h.reserved[2] || h.reserved[3] || h.reserved[4])
        return dbk_fail(err, DBK_CORRUPT, "ascending numbers: the header is damaged");
    dbk_ascending *a = calloc(1, sizeof *a + dbk_vectors(rows) * sizeof *a->vectors);
    if (!a)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory");
    a->min = h.min;
    a->max = h.max;
    a->divisor = h.divisor;
    a->rows = rows;
    dbk_status status = open_vectors(a, &h, &r, err);
    if (status != DBK_OK) {
        free(a);
        return status;
    }
    *out = a;
    return DBK_OK;
}

size_t dbk_ascending_memory(const dbk_ascending *a)
{
    return sizeof *a + dbk_vectors(a->rows) * sizeof *a->vectors;
}

// ---- Reading ----

static uint64_t start_of(const dbk_ascending *a, const dbk_ascending_vector *v)
{
    return a->min + a->divisor * v->base;
}

void dbk_ascending_read_packed(const dbk_ascending *a, uint32_t vector, uint32_t out[DBK_VECTOR_ROWS],
                               dbk_ints_line *line)
{
    const dbk_ascending_vector *v = &a->vectors[vector];
    *line = (dbk_ints_line){start_of(a, v), a->divisor, dbk_bits_width(v->range)};
    read_numbers(a, vector, out);
}

DBK_WIDE static void scale(const uint32_t *restrict numbers, uint64_t start, uint64_t divisor,
                           uint64_t *restrict out)
{
    for (int i = 0; i < DBK_VECTOR_ROWS; i++)
        out[i] = start + numbers[i] * divisor;
}

#if DBK_HAS_LEVELS
// All steps of most columns in one: their divisor fits 32 bits.
DBK_AVX512 static void read_512(const uint16_t *places, const uint32_t *lows, int low_bits, uint64_t start,
                                uint32_t divisor, uint64_t *out)
{
    const __m128i shift = _mm_cvtsi32_si128(low_bits);
    const __m512i from = _mm512_set1_epi64((long long)start), by = _mm512_set1_epi64(divisor);
    __m512i row = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    for (uint32_t i = 0; i < DBK_VECTOR_ROWS; i += 16) {
        __m512i n = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)(places + i)));
        n = _mm512_sll_epi32(_mm512_sub_epi32(n, row), shift);
        n = _mm512_or_si512(n, _mm512_loadu_si512(lows + i));
        row = _mm512_add_epi32(row, _mm512_set1_epi32(16));
        __m512i first = _mm512_cvtepu32_epi64(_mm512_castsi512_si256(n));
        __m512i second = _mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64(n, 1));
        if (divisor != 1) {
            first = _mm512_mul_epu32(first, by);
            second = _mm512_mul_epu32(second, by);
        }
        _mm512_storeu_si512(out + i, _mm512_add_epi64(first, from));
        _mm512_storeu_si512(out + i + 8, _mm512_add_epi64(second, from));
    }
}
#endif

void dbk_ascending_read(const dbk_ascending *a, uint32_t vector, int64_t out[DBK_VECTOR_ROWS])
{
    const dbk_ascending_vector *v = &a->vectors[vector];
    const uint64_t start = start_of(a, v) - DBK_INT_BIAS;
    // Signed and unsigned of the same size may alias.
    uint64_t *to = (uint64_t *)out;
    uint32_t numbers[DBK_VECTOR_ROWS];
#if DBK_HAS_LEVELS
    if (a->divisor <= UINT32_MAX && dbk_level_used() == DBK_LEVEL_AVX512) {
        uint16_t places[PLACES_ROOM];
        find_places(a, vector, places);
        dbk_bits_room room;
        dbk_bits_unpack32(whole_lows_of(a, v, &room), v->low_bits, numbers);
        read_512(places, numbers, v->low_bits, start, (uint32_t)a->divisor, to);
        return;
    }
#endif
    read_numbers(a, vector, numbers);
    scale(numbers, start, a->divisor, to);
}

// Index of the n-th 1 of a word that has more than n.
static inline uint32_t select_one(uint64_t word, uint32_t n)
{
    while (n-- > 0)
        word &= word - 1;
    return (uint32_t)__builtin_ctzll(word);
}

DBK_WIDE uint64_t dbk_ascending_at(const dbk_ascending *a, uint32_t row)
{
    assert(row < a->rows);
    const dbk_ascending_vector *v = &a->vectors[row / DBK_VECTOR_ROWS];
    const uint64_t *word = a->highs + v->high_at;
    const uint32_t index = row % DBK_VECTOR_ROWS;
    uint32_t left = index;
    for (uint32_t ones = (uint32_t)__builtin_popcountll(*word); left >= ones;
         ones = (uint32_t)__builtin_popcountll(*++word))
        left -= ones;
    const uint32_t place = (uint32_t)(word - (a->highs + v->high_at)) * 64 + select_one(*word, left);
    const uint64_t number =
        (uint64_t)(place - index) << v->low_bits | dbk_bits_at(lows_of(a, v), v->low_bits, index);
    return start_of(a, v) + a->divisor * number;
}

// How many numbers of the vector are below a bound that is at most its range: those with a smaller high part
// stand before as many 0s; then low bits are compared.
DBK_WIDE static uint32_t count_below(const dbk_ascending *a, uint32_t vector, uint32_t bound)
{
    const dbk_ascending_vector *v = &a->vectors[vector];
    const uint64_t *words = a->highs + v->high_at;
    const uint32_t high = bound >> v->low_bits, low = bound - (high << v->low_bits);
    uint32_t zeros = high, w = 0, place = 0;
    if (zeros > 0) {
        for (uint32_t some = 64 - (uint32_t)__builtin_popcountll(words[0]); zeros > some;
             some = 64 - (uint32_t)__builtin_popcountll(words[++w]))
            zeros -= some;
        place = w * 64 + select_one(~words[w], zeros - 1) + 1;
    }
    uint32_t index = place - high;
    const uint32_t n = dbk_vector_rows(a->rows, vector);
    const uint8_t *lows = lows_of(a, v);
    while (index < n && (words[place / 64] >> place % 64 & 1) &&
           dbk_bits_at(lows, v->low_bits, index) < low) {
        place++;
        index++;
    }
    return index;
}

// How many rows of the vector have an ordinal below the bound.
static uint32_t rows_below(const dbk_ascending *a, uint32_t vector, uint64_t bound)
{
    const dbk_ascending_vector *v = &a->vectors[vector];
    const uint64_t start = start_of(a, v);
    if (bound <= start)
        return 0;
    const uint64_t number = (bound - start - 1) / a->divisor + 1;
    return number > v->range ? dbk_vector_rows(a->rows, vector) : count_below(a, vector, (uint32_t)number);
}

void dbk_ascending_between(const dbk_ascending *a, uint32_t vector, uint64_t lo, uint64_t hi,
                           uint64_t mask[DBK_MASK_WORDS])
{
    const uint32_t from = lo > hi ? 0 : rows_below(a, vector, lo);
    const uint32_t to = lo > hi            ? 0
                        : hi == UINT64_MAX ? dbk_vector_rows(a->rows, vector)
                                           : rows_below(a, vector, hi + 1);
    for (uint32_t w = 0; w < DBK_MASK_WORDS; w++) {
        const uint32_t first = w * 64;
        const uint64_t up = from <= first ? UINT64_MAX : from - first < 64 ? UINT64_MAX << (from - first) : 0;
        const uint64_t down = to <= first ? 0 : to - first < 64 ? ~(UINT64_MAX << (to - first)) : UINT64_MAX;
        mask[w] &= up & down;
    }
}
