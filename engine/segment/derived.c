// SPDX-License-Identifier: Apache-2.0
// Opening and reading derived numbers.
#include "engine/segment/derived_presence.h"

#include "engine/base/bytes.h"
#include "engine/base/processor.h"
#include "engine/base/wide.h"
#include "engine/segment/columns.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#if DBK_HAS_LEVELS
#include <immintrin.h>
#endif

// ---- Opening ----

int dbk_derived_depth(const uint8_t *block, size_t size)
{
    return size < sizeof(dbk_derived_header) ? -1 : block[offsetof(dbk_derived_header, depth)];
}

// The depth of an opened column; -1 when it is none that may be referred to.
static int depth_of(const dbk_segment *segment, int column, bool want_int)
{
    if (column >= segment->table->columns_count)
        return -1;
    const dbk_type type = segment->table->columns[column].type;
    if (type == DBK_TEXT || dbk_type_is_int(type) != want_int)
        return -1;
    return segment->columns[column].depth;
}

static bool references_are_sound(const dbk_segment *segment, const dbk_derived_header *h)
{
    bool any = false;
    for (int i = 0; i < h->terms; i++) {
        const int depth = depth_of(segment, h->columns[i], true);
        if (depth < 0 || depth >= h->depth || (h->signs[i] != 1 && h->signs[i] != -1))
            return false;
        any = true;
    }
    for (int i = h->terms; i < DBK_DERIVED_TERMS_MAX; i++) {
        if (h->columns[i] != 0 || h->signs[i] != 0)
            return false;
    }
    if (h->presence == DBK_PRESENCE_CODES) {
        const int depth = depth_of(segment, h->anchor, false);
        if (depth < 0 || depth >= h->depth)
            return false;
        any = true;
    }
    return any == (h->depth > 0);
}

static bool header_is_sound(const dbk_segment *segment, int column, const dbk_derived_header *h)
{
    const bool is_int = dbk_type_is_int(segment->table->columns[column].type);
    const bool by_codes = h->presence == DBK_PRESENCE_CODES;
    uint8_t any = 0;
    for (size_t i = 0; i < sizeof h->reserved; i++)
        any |= h->reserved[i];
    return any == 0 && h->presence <= DBK_PRESENCE_GAPS && h->terms <= DBK_DERIVED_TERMS_MAX &&
           h->depth <= DBK_DERIVED_DEPTH_MAX && h->own > 0 && h->own <= segment->rows &&
           (h->presence != DBK_PRESENCE_ALL || h->usual == 0) && (is_int || h->usual <= UINT32_MAX) &&
           (is_int || h->terms == 0) && (h->terms > 0 || h->denominator == 0) &&
           (by_codes ? h->codes <= DBK_ANCHOR_CODES_MAX : h->codes == 0 && h->anchor == 0) &&
           references_are_sound(segment, h);
}

static dbk_prediction prediction_of(const dbk_derived_header *h)
{
    dbk_prediction p = {
        .unit = h->unit, .numerator = h->numerator, .denominator = h->denominator, .terms = h->terms};
    memcpy(p.columns, h->columns, sizeof p.columns);
    memcpy(p.signs, h->signs, sizeof p.signs);
    return p;
}

// The extremes and the sum of a vector's rows, "no value" left out; no rows beyond n.
typedef struct vector_truth {
    int64_t min, max;
    uint64_t low, high; // sums of the halves of the rows' ordinals
    uint32_t nulls;
} vector_truth;

#if DBK_HAS_LEVELS
DBK_AVX512 static vector_truth look_512(const int64_t *values, uint32_t n)
{
    const __m512i none = _mm512_set1_epi64(DBK_NULL), half = _mm512_set1_epi64(UINT32_MAX);
    const __m512i bias = _mm512_set1_epi64((long long)DBK_INT_BIAS);
    __m512i min = _mm512_set1_epi64(INT64_MAX), max = none, low = _mm512_setzero_si512(), high = low;
    uint32_t valued = 0;
    for (uint32_t i = 0; i < n; i += 8) {
        const __mmask8 there = (__mmask8)(n - i < 8 ? (1u << (n - i)) - 1 : 0xFF);
        const __m512i v = _mm512_mask_loadu_epi64(none, there, values + i);
        const __mmask8 has = _mm512_cmpneq_epi64_mask(v, none);
        const __m512i ordinal = _mm512_xor_si512(v, bias); // 0 where there is none
        min = _mm512_mask_min_epi64(min, has, min, v);
        max = _mm512_max_epi64(max, v);
        low = _mm512_add_epi64(low, _mm512_and_si512(ordinal, half));
        high = _mm512_add_epi64(high, _mm512_srli_epi64(ordinal, 32));
        valued += (uint32_t)__builtin_popcount(has);
    }
    return (vector_truth){_mm512_reduce_min_epi64(min), _mm512_reduce_max_epi64(max),
                          (uint64_t)_mm512_reduce_add_epi64(low), (uint64_t)_mm512_reduce_add_epi64(high),
                          n - valued};
}
#endif

DBK_WIDE static vector_truth look(const int64_t *values, uint32_t n)
{
    vector_truth t = {.min = INT64_MAX, .max = INT64_MIN};
    for (uint32_t i = 0; i < n; i++) {
        const bool null = values[i] == DBK_NULL;
        const uint64_t ordinal = (uint64_t)values[i] ^ DBK_INT_BIAS;
        const int64_t least = null ? INT64_MAX : values[i];
        t.nulls += null;
        t.min = least < t.min ? least : t.min;
        t.max = values[i] > t.max ? values[i] : t.max;
        t.low += (uint32_t)ordinal;
        t.high += ordinal >> 32;
    }
    return t;
}

// What the rows of a column with a prediction say, decoded.
static dbk_zone_map decoded_zone_map(const dbk_segment *segment, const dbk_derived *d)
{
    dbk_zone_map map = {.min = INT64_MAX, .max = INT64_MIN};
    dbk_u128 sum = 0;
    for (uint32_t v = 0; v < dbk_vectors(d->rows); v++) {
        int64_t values[DBK_VECTOR_ROWS];
        const uint32_t n = dbk_vector_rows(d->rows, v);
        dbk_derived_ints(segment, d, v, values);
#if DBK_HAS_LEVELS
        const vector_truth t = dbk_level_used() == DBK_LEVEL_AVX512 ? look_512(values, n) : look(values, n);
#else
        const vector_truth t = look(values, n);
#endif
        map.min = t.min < map.min ? t.min : map.min;
        map.max = t.max > map.max ? t.max : map.max;
        map.nulls += t.nulls;
        sum += ((dbk_u128)t.high << 32) + t.low;
    }
    map.sum = (dbk_i128)(sum - (dbk_u128)DBK_INT_BIAS * (d->rows - map.nulls));
    return map;
}

// Without a prediction, what is known of the numbers and the usual value is enough.
static dbk_zone_map known_zone_map(const dbk_derived *d)
{
    const uint64_t bias = d->is_int ? DBK_INT_BIAS : 0;
    const dbk_ints *own = d->numbers;
    const uint32_t others = d->rows - d->own, nulls = d->usual == 0 ? others : 0;
    uint64_t min = own->min, max = own->max;
    if (others > nulls) {
        min = d->usual < min ? d->usual : min;
        max = d->usual > max ? d->usual : max;
    }
    dbk_zone_map map = {.min = (int64_t)(min - bias), .max = (int64_t)(max - bias), .nulls = nulls};
    if (d->is_int)
        map.sum = (dbk_i128)(own->sum + (dbk_u128)d->usual * others - (dbk_u128)bias * (d->rows - nulls));
    // A number of one's own is never "no value": then the rows would say more nulls than these.
    map.nulls += own->min == 0;
    return map;
}

// A number of one's own is never "no value": so which rows have none is known from the presence alone.
static bool nulls_are_known(const dbk_derived *d, const dbk_zone_map *map)
{
    return map->nulls == (d->usual == 0 ? d->rows - d->own : 0);
}

static dbk_status open_numbers(dbk_derived *d, dbk_reader *r, dbk_error *err)
{
    DBK_TRY(dbk_ints_open(r->data + r->at, dbk_reader_left(r), d->own, false, &d->numbers, err));
    if (d->numbers->size != dbk_reader_left(r))
        return dbk_fail(err, DBK_CORRUPT, "derived numbers: the block has the wrong size");
    if (!d->is_int && d->numbers->max > UINT32_MAX)
        return dbk_fail(err, DBK_CORRUPT, "derived numbers: a code is out of range");
    return DBK_OK;
}

static dbk_status open_block(const dbk_segment *segment, int column, dbk_derived *d, dbk_reader *r,
                             dbk_zone_map *truth, dbk_error *err)
{
    dbk_derived_header h;
    const uint8_t *view = dbk_read_bytes(r, sizeof h);
    if (!view)
        return dbk_fail(err, DBK_CORRUPT, "derived numbers: the block ends early");
    memcpy(&h, view, sizeof h);
    d->prediction = prediction_of(&h);
    if (!header_is_sound(segment, column, &h) || !dbk_prediction_is_sound(&d->prediction))
        return dbk_fail(err, DBK_CORRUPT, "derived numbers: the header is damaged");
    d->usual = h.usual;
    d->own = h.own;
    DBK_TRY(dbk_derived_read_presence(d, segment, &h, r, err));
    DBK_TRY(open_numbers(d, r, err));
    *truth = d->prediction.terms > 0 ? decoded_zone_map(segment, d) : known_zone_map(d);
    if (!nulls_are_known(d, truth))
        return dbk_fail(err, DBK_CORRUPT, "derived numbers: a row has none where it has to");
    return DBK_OK;
}

dbk_status dbk_derived_open(const dbk_segment *segment, int column, const uint8_t *block, size_t size,
                            dbk_derived **out, dbk_zone_map *truth, dbk_error *err)
{
    dbk_derived *d = calloc(1, sizeof *d);
    if (!d)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory");
    d->rows = segment->rows;
    d->is_int = dbk_type_is_int(segment->table->columns[column].type);
    dbk_reader r = dbk_reader_init(block, size);
    const dbk_status status = open_block(segment, column, d, &r, truth, err);
    if (status != DBK_OK) {
        dbk_derived_close(d);
        return status;
    }
    *out = d;
    return DBK_OK;
}

void dbk_derived_close(dbk_derived *d)
{
    if (!d)
        return;
    free(d->made_bits);
    free(d->numbers);
    free(d);
}

size_t dbk_derived_memory(const dbk_derived *d)
{
    return sizeof *d + dbk_ints_memory(d->numbers) +
           (d->made_bits ? dbk_vectors(d->rows) * DBK_MASK_WORDS * sizeof *d->made_bits : 0);
}

// ---- Reading vectors ----

// How many rows of a vector have a number of their own, in a column where not all have one.
static uint32_t own_count(const dbk_derived *d, uint32_t vector)
{
    const uint32_t end = vector + 1 < dbk_vectors(d->rows) ? d->starts[vector + 1] : d->own;
    return end - d->starts[vector];
}

uint32_t dbk_derived_nulls(const dbk_derived *d, uint32_t vector)
{
    if (!d->bits || d->usual != 0)
        return 0;
    return dbk_vector_rows(d->rows, vector) - own_count(d, vector);
}

bool dbk_derived_between(const dbk_derived *d, uint32_t vector, uint64_t lo, uint64_t hi,
                         uint64_t mask[DBK_MASK_WORDS])
{
    const bool nulls = lo == 0 && hi == 0, values = lo == 1 && hi >= (d->is_int ? UINT64_MAX : UINT32_MAX);
    const bool has_nulls = d->bits && d->usual == 0;
    if (!nulls && !values)
        return false;
    for (int w = 0; w < DBK_MASK_WORDS; w++) {
        const uint64_t own = has_nulls ? dbk_derived_bits(d, vector)[w] : UINT64_MAX;
        mask[w] &= nulls ? ~own : own;
    }
    return true;
}

// Two packed vectors, and a register more that is loaded but not meant.
enum { OWN_ROOM = 2 * DBK_VECTOR_ROWS + 16 };

// The own numbers of a vector's rows, which may begin in the middle of one packed vector and end in the next.
// Returns where in the room the first one is.
static const uint64_t *own_numbers(const dbk_derived *d, uint32_t vector, uint64_t room[OWN_ROOM])
{
    const uint32_t start = d->starts[vector], count = own_count(d, vector);
    const uint32_t first = start / DBK_VECTOR_ROWS, skip = start % DBK_VECTOR_ROWS;
    if (count > 0)
        dbk_ints_read(d->numbers, first, DBK_INT_BIAS, room);
    if (skip + count > DBK_VECTOR_ROWS)
        dbk_ints_read(d->numbers, first + 1, DBK_INT_BIAS, room + DBK_VECTOR_ROWS);
    return room + skip;
}

static const uint32_t *own_codes(const dbk_derived *d, uint32_t vector, uint32_t room[OWN_ROOM])
{
    const uint32_t start = d->starts[vector], count = own_count(d, vector);
    const uint32_t first = start / DBK_VECTOR_ROWS, skip = start % DBK_VECTOR_ROWS;
    if (count > 0)
        dbk_ints_read32(d->numbers, first, room);
    if (skip + count > DBK_VECTOR_ROWS)
        dbk_ints_read32(d->numbers, first + 1, room + DBK_VECTOR_ROWS);
    return room + skip;
}

// Puts own numbers into the places of the rows that have one, the usual one into all others; then adds what
// is predicted to the former, if anything is.
typedef struct spread_source {
    const uint64_t *own, *bits, *predicted; // predicted may be NULL
    uint64_t usual;
} spread_source;

#if DBK_HAS_LEVELS
DBK_AVX512 static void spread_512(const spread_source *s, uint64_t *out)
{
    const uint64_t *own = s->own;
    const __m512i usual = _mm512_set1_epi64((long long)s->usual);
    for (uint32_t i = 0; i < DBK_VECTOR_ROWS; i += 8) {
        const __mmask8 bits = (__mmask8)(s->bits[i / 64] >> i % 64);
        __m512i values = _mm512_mask_expand_epi64(usual, bits, _mm512_loadu_si512(own));
        if (s->predicted)
            values = _mm512_mask_add_epi64(values, bits, values, _mm512_loadu_si512(s->predicted + i));
        _mm512_storeu_si512(out + i, values);
        own += __builtin_popcount(bits);
    }
}

DBK_AVX512 static void spread_codes_512(const uint32_t *own, const uint64_t *all, uint32_t usual,
                                        uint32_t *out)
{
    const __m512i others = _mm512_set1_epi32((int)usual);
    for (uint32_t i = 0; i < DBK_VECTOR_ROWS; i += 16) {
        const __mmask16 bits = (__mmask16)(all[i / 64] >> i % 64);
        _mm512_storeu_si512(out + i, _mm512_mask_expand_epi32(others, bits, _mm512_loadu_si512(own)));
        own += __builtin_popcount(bits);
    }
}
#endif

static void spread(const spread_source *s, uint64_t *out)
{
#if DBK_HAS_LEVELS
    if (dbk_level_used() == DBK_LEVEL_AVX512) {
        spread_512(s, out);
        return;
    }
#endif
    for (uint32_t i = 0, next = 0; i < DBK_VECTOR_ROWS; i++) {
        const uint64_t bit = s->bits[i / 64] >> i % 64 & 1;
        const uint64_t predicted = s->predicted ? s->predicted[i] : 0;
        out[i] = bit ? s->own[next] + predicted : s->usual;
        next += (uint32_t)bit;
    }
}

static void spread_codes(const uint32_t *own, const uint64_t *bits, uint32_t usual, uint32_t *out)
{
#if DBK_HAS_LEVELS
    if (dbk_level_used() == DBK_LEVEL_AVX512) {
        spread_codes_512(own, bits, usual, out);
        return;
    }
#endif
    for (uint32_t i = 0, next = 0; i < DBK_VECTOR_ROWS; i++) {
        const uint32_t bit = bits[i / 64] >> i % 64 & 1;
        out[i] = bit ? own[next] : usual;
        next += bit;
    }
}

static void predict(const dbk_segment *segment, const dbk_prediction *p, uint32_t vector,
                    uint64_t sums[DBK_VECTOR_ROWS])
{
    memset(sums, 0, DBK_VECTOR_ROWS * sizeof *sums);
    for (int i = 0; i < p->terms; i++) {
        int64_t values[DBK_VECTOR_ROWS];
        dbk_segment_ints(segment, p->columns[i], vector, values);
        dbk_prediction_add(sums, values, p->signs[i]);
    }
    dbk_prediction_share(p, sums, DBK_VECTOR_ROWS);
}

DBK_WIDE static void add_all(uint64_t *restrict out, const uint64_t *restrict predicted)
{
    for (int i = 0; i < DBK_VECTOR_ROWS; i++)
        out[i] += predicted[i];
}

// Of so few rows what is predicted is worked out for each of them alone.
enum { FEW_OWN = 160 };

static void spread_few(const dbk_segment *segment, const dbk_derived *d, uint32_t vector, uint64_t *out)
{
    const dbk_prediction *p = &d->prediction;
    const uint64_t *bits = dbk_derived_bits(d, vector);
    const uint32_t count = own_count(d, vector);
    uint64_t room[OWN_ROOM], sums[FEW_OWN] = {0};
    uint16_t rows[FEW_OWN];
    uint32_t n = 0;
    for (uint32_t w = 0; w < DBK_MASK_WORDS; w++)
        for (uint64_t left = bits[w]; left; left &= left - 1)
            rows[n++] = (uint16_t)(w * 64 + (uint32_t)__builtin_ctzll(left));
    for (int t = 0; count > 0 && t < p->terms; t++) {
        int64_t values[DBK_VECTOR_ROWS];
        dbk_segment_ints(segment, p->columns[t], vector, values);
        for (uint32_t i = 0; i < count; i++) {
            const int64_t value = values[rows[i]];
            const uint64_t term = value == DBK_NULL ? 0 : (uint64_t)value;
            sums[i] += p->signs[t] < 0 ? 0 - term : term;
        }
    }
    dbk_prediction_share(p, sums, count);
    const uint64_t *own = own_numbers(d, vector, room);
    for (int i = 0; i < DBK_VECTOR_ROWS; i++)
        out[i] = d->usual - DBK_INT_BIAS;
    for (uint32_t i = 0; i < count; i++)
        out[rows[i]] = own[i] + sums[i];
}

void dbk_derived_ints(const dbk_segment *segment, const dbk_derived *d, uint32_t vector,
                      int64_t out[DBK_VECTOR_ROWS])
{
    if (d->bits && d->prediction.terms > 0 && own_count(d, vector) <= FEW_OWN) {
        spread_few(segment, d, vector, (uint64_t *)out);
        return;
    }
    // Signed and unsigned of the same size may alias.
    uint64_t *to = (uint64_t *)out, predicted[DBK_VECTOR_ROWS];
    const bool predicts = d->prediction.terms > 0;
    if (predicts)
        predict(segment, &d->prediction, vector, predicted);
    if (d->bits) {
        uint64_t room[OWN_ROOM];
        const spread_source source = {.own = own_numbers(d, vector, room),
                                      .bits = dbk_derived_bits(d, vector),
                                      .predicted = predicts ? predicted : NULL,
                                      .usual = d->usual - DBK_INT_BIAS};
        spread(&source, to);
        return;
    }
    dbk_ints_read(d->numbers, vector, DBK_INT_BIAS, to);
    if (predicts)
        add_all(to, predicted);
}

void dbk_derived_codes(const dbk_derived *d, uint32_t vector, uint32_t out[DBK_VECTOR_ROWS])
{
    if (!d->bits) {
        dbk_ints_read32(d->numbers, vector, out);
        return;
    }
    uint32_t room[OWN_ROOM];
    const uint32_t *own = own_codes(d, vector, room);
    spread_codes(own, dbk_derived_bits(d, vector), (uint32_t)d->usual, out);
}

// ---- Reading one row ----

// The ordinal that is stored of a row; false when it has none of its own.
static bool own_at(const dbk_derived *d, uint32_t row, uint64_t *out)
{
    if (!d->bits) {
        *out = dbk_ints_at(d->numbers, row);
        return true;
    }
    const uint32_t vector = row / DBK_VECTOR_ROWS, i = row % DBK_VECTOR_ROWS;
    const uint64_t *bits = dbk_derived_bits(d, vector);
    if (!(bits[i / 64] >> i % 64 & 1))
        return false;
    uint32_t before = d->starts[vector];
    for (uint32_t w = 0; w < i / 64; w++)
        before += (uint32_t)__builtin_popcountll(bits[w]);
    before += (uint32_t)__builtin_popcountll(bits[i / 64] & ((UINT64_C(1) << i % 64) - 1));
    *out = dbk_ints_at(d->numbers, before);
    return true;
}

static uint64_t predict_at(const dbk_segment *segment, const dbk_prediction *p, uint32_t row)
{
    uint64_t sum = 0;
    for (int i = 0; i < p->terms; i++) {
        const int64_t value = dbk_segment_int_at(segment, p->columns[i], row);
        const uint64_t term = value == DBK_NULL ? 0 : (uint64_t)value;
        sum += p->signs[i] < 0 ? 0 - term : term;
    }
    return dbk_prediction_share_of(p, sum);
}

int64_t dbk_derived_int_at(const dbk_segment *segment, const dbk_derived *d, uint32_t row)
{
    uint64_t own;
    if (!own_at(d, row, &own))
        return (int64_t)(d->usual - DBK_INT_BIAS);
    return (int64_t)(own - DBK_INT_BIAS + predict_at(segment, &d->prediction, row));
}

uint32_t dbk_derived_code_at(const dbk_derived *d, uint32_t row)
{
    uint64_t own;
    return (uint32_t)(own_at(d, row, &own) ? own : d->usual);
}
