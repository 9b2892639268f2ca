// SPDX-License-Identifier: Apache-2.0
// Whether a column is better stored as what others do not say of it, and how. Three questions, each answered
// by counting bytes: which value is usual, how is it told which rows have another, what predicts those.
#include "engine/base/processor.h"
#include "engine/base/wide.h"
#include "engine/segment/derived.h"
#include "engine/segment/gaps.h"
#include "engine/segment/relations.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#if DBK_HAS_LEVELS
#include <immintrin.h>
#endif

struct dbk_derived_plan {
    dbk_derived_header header;
    size_t size, presence_size;
    uint64_t *bits; // NULL when all rows have a number of their own
    uint32_t vectors, rows;
    uint32_t codes[DBK_ANCHOR_CODES_MAX];
    uint32_t low_bits, gaps_size; // of presence 4
    uint64_t *ordinals;
    dbk_ints_plan numbers;
};

// What the questions are asked about.
typedef struct subject {
    const dbk_segment_input *input;
    int column;
    bool is_int;
    const dbk_ints_plan *packed;
    const dbk_anchors *anchors;
} subject;

// Less than a quarter saved is not worth reading values several times as slowly.
static bool is_worth(size_t size, size_t packed)
{
    return size < packed / 4 * 3;
}

bool dbk_anchor_fits(const dbk_ints_plan *packed)
{
    return packed->nulls == 0 && packed->max - packed->min < DBK_ANCHOR_CODES_MAX;
}

// ---- The usual value ----

DBK_WIDE static uint32_t count_int(const int64_t *ints, uint32_t rows, int64_t value)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < rows; i++)
        count += ints[i] == value;
    return count;
}

// The code that most of the first rows have, and how many.
static uint32_t count_mode(const subject *s, uint32_t rows, uint64_t *mode)
{
    const uint32_t *codes = s->input->codes[s->column], min = (uint32_t)s->packed->min;
    uint32_t counts[DBK_ANCHOR_CODES_MAX] = {0}, best = 0;
    for (uint32_t i = 0; i < rows; i++)
        counts[codes[i] - min]++;
    for (uint32_t c = 1; c < DBK_ANCHOR_CODES_MAX; c++)
        best = counts[c] > counts[best] ? c : best;
    *mode = s->packed->min + best;
    return counts[best];
}

// The ordinal that most rows have, and how many; none when there is no such thing. No value, where there is
// one that does not have it; nothing paid; a code that fifteen of sixteen rows have, since codes are grouped
// and filtered.
static uint32_t find_usual(const subject *s, uint64_t *usual)
{
    const uint32_t rows = s->input->rows;
    *usual = 0;
    if (s->packed->nulls > 0)
        return s->packed->nulls;
    if (s->is_int) {
        *usual = DBK_INT_BIAS;
        const uint32_t zeros = count_int(s->input->ints[s->column], rows, 0);
        return zeros >= rows / 2 ? zeros : 0;
    }
    if (s->packed->max - s->packed->min >= DBK_ANCHOR_CODES_MAX)
        return 0;
    // The first vector tells of most columns that they have no such code.
    const uint32_t some = dbk_vector_rows(rows, 0);
    const uint32_t few = count_mode(s, some, usual);
    const uint32_t all = few < some / 8 * 7 ? 0 : count_mode(s, rows, usual);
    return all >= rows / 16 * 15 ? all : 0;
}

#if DBK_HAS_LEVELS
// Sixty-four rows at a time; so many there must be.
DBK_AVX512 static uint64_t other_ints_512(const int64_t *ints, int64_t value)
{
    const __m512i usual = _mm512_set1_epi64(value);
    uint64_t word = 0;
    for (int i = 0; i < 64; i += 8)
        word |= (uint64_t)_mm512_cmpneq_epi64_mask(_mm512_loadu_si512(ints + i), usual) << i;
    return word;
}

DBK_AVX512 static uint64_t other_codes_512(const uint32_t *codes, uint32_t value)
{
    const __m512i usual = _mm512_set1_epi32((int)value);
    uint64_t word = 0;
    for (int i = 0; i < 64; i += 16)
        word |= (uint64_t)_mm512_cmpneq_epi32_mask(_mm512_loadu_si512(codes + i), usual) << i;
    return word;
}

// A whole vector.
static void find_others_512(const subject *s, uint32_t first, uint64_t usual, uint64_t bits[DBK_MASK_WORDS])
{
    for (uint32_t w = 0; w < DBK_MASK_WORDS; w++)
        bits[w] = s->is_int ? other_ints_512(s->input->ints[s->column] + first + w * 64,
                                             (int64_t)(usual ^ DBK_INT_BIAS))
                            : other_codes_512(s->input->codes[s->column] + first + w * 64, (uint32_t)usual);
}
#endif

// Which rows of a vector do not have the usual value.
DBK_WIDE static void find_others(const subject *s, uint32_t first, uint32_t n, uint64_t usual,
                                 uint8_t match[DBK_VECTOR_ROWS])
{
    if (s->is_int) {
        const int64_t *ints = s->input->ints[s->column] + first, value = (int64_t)(usual ^ DBK_INT_BIAS);
        for (uint32_t i = 0; i < n; i++)
            match[i] = ints[i] != value;
    } else {
        const uint32_t *codes = s->input->codes[s->column] + first, value = (uint32_t)usual;
        for (uint32_t i = 0; i < n; i++)
            match[i] = codes[i] != value;
    }
}

static bool find_bits(const subject *s, dbk_derived_plan *plan)
{
    plan->bits = malloc((size_t)plan->vectors * DBK_MASK_WORDS * sizeof *plan->bits);
    if (!plan->bits)
        return false;
    memset(plan->bits, 0xFF, (size_t)plan->vectors * DBK_MASK_WORDS * sizeof *plan->bits);
    for (uint32_t v = 0; v < plan->vectors; v++) {
        const uint32_t first = v * DBK_VECTOR_ROWS, n = dbk_vector_rows(plan->rows, v);
#if DBK_HAS_LEVELS
        if (n == DBK_VECTOR_ROWS && dbk_level_used() == DBK_LEVEL_AVX512) {
            find_others_512(s, first, plan->header.usual, plan->bits + v * DBK_MASK_WORDS);
            continue;
        }
#endif
        uint8_t match[DBK_VECTOR_ROWS] = {0};
        find_others(s, first, n, plan->header.usual, match);
        dbk_mask_and_bytes(plan->bits + v * DBK_MASK_WORDS, match, DBK_VECTOR_ROWS);
    }
    return true;
}

static bool has_own(const dbk_derived_plan *plan, uint32_t row)
{
    return !plan->bits || (plan->bits[row / 64] >> row % 64 & 1);
}

// ---- Which rows have another ----

// What is known of each code: rows with it have the usual value (1), another (2), or both (3).
typedef struct code_knowledge {
    uint8_t seen[DBK_ANCHOR_CODES_MAX];
} code_knowledge;

// Learns from a vector; false when some code has both kinds of rows.
static bool learn(code_knowledge *k, const uint32_t *codes, uint32_t min, const uint64_t *bits, uint32_t n)
{
    bool ok = true;
    for (uint32_t i = 0; i < n; i++) {
        uint8_t *seen = &k->seen[codes[i] - min];
        *seen |= (uint8_t)(1 << (bits[i / 64] >> i % 64 & 1));
        ok &= *seen != 3;
    }
    return ok;
}

#if DBK_HAS_LEVELS
// Of a whole vector with sixteen codes at most, which a register has room for; others are not confirmed.
DBK_AVX512 static bool confirms_512(const code_knowledge *k, const uint32_t *codes, uint32_t min,
                                    const uint64_t *bits)
{
    const __m512i known = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)k->seen));
    const __m512i least = _mm512_set1_epi32((int)min), most = _mm512_set1_epi32(15);
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < DBK_VECTOR_ROWS; i += 16) {
        const uint32_t others = bits[i / 64] >> i % 64 & 0xFFFF;
        const __m512i code = _mm512_sub_epi32(_mm512_loadu_si512(codes + i), least);
        const __m512i seen = _mm512_permutexvar_epi32(code, known);
        wrong |= _mm512_cmpgt_epu32_mask(code, most);
        wrong |= _mm512_cmpeq_epi32_mask(seen, _mm512_set1_epi32(2)) ^ others;
        wrong |= _mm512_cmpneq_epi32_mask(seen, _mm512_set1_epi32(1)) ^ others;
    }
    return wrong == 0;
}
#endif

// Whether a vector has nothing new, which costs a quarter of learning.
static bool confirms(const code_knowledge *k, const uint32_t *codes, uint32_t min, const uint64_t *bits,
                     uint32_t n)
{
#if DBK_HAS_LEVELS
    if (n == DBK_VECTOR_ROWS && dbk_level_used() == DBK_LEVEL_AVX512 && confirms_512(k, codes, min, bits))
        return true;
#endif
    uint64_t wrong = 0;
    for (uint32_t i = 0; i < n; i++)
        wrong |= k->seen[codes[i] - min] ^ (1 + (bits[i / 64] >> i % 64 & 1));
    return wrong == 0;
}

// Whether the codes of an anchor say it: no code has both kinds of rows.
static bool codes_tell(const subject *s, const dbk_derived_plan *plan, int anchor, uint8_t *seen)
{
    const uint32_t *codes = s->input->codes[s->anchors->columns[anchor]], min = s->anchors->min[anchor];
    code_knowledge known = {{0}};
    for (uint32_t v = 0; v < plan->vectors; v++, codes += DBK_VECTOR_ROWS) {
        const uint64_t *bits = plan->bits + v * DBK_MASK_WORDS;
        const uint32_t n = dbk_vector_rows(plan->rows, v);
        if (!confirms(&known, codes, min, bits, n) && !learn(&known, codes, min, bits, n))
            return false;
    }
    memcpy(seen, known.seen, sizeof known.seen);
    return true;
}

static void note_codes(const subject *s, dbk_derived_plan *plan, int anchor, const uint8_t *seen)
{
    plan->header.presence = DBK_PRESENCE_CODES;
    plan->header.anchor = s->anchors->columns[anchor];
    for (uint32_t c = 0; c < DBK_ANCHOR_CODES_MAX; c++) {
        if (seen[c] == 2)
            plan->codes[plan->header.codes++] = s->anchors->min[anchor] + c;
    }
    plan->presence_size = dbk_segment_align(plan->header.codes * sizeof *plan->codes);
}

// Low bits and size, then the gaps.
enum { GAPS_HEADER = 2 * sizeof(uint32_t) };

static void choose_presence(const subject *s, dbk_derived_plan *plan)
{
    uint8_t seen[DBK_ANCHOR_CODES_MAX];
    for (int a = 0; a < s->anchors->count; a++) {
        if (s->anchors->columns[a] != s->column && codes_tell(s, plan, a, seen)) {
            note_codes(s, plan, a, seen);
            return;
        }
    }
    // Gaps are read into a bitmap, which is to be worth its memory: where a row in five is meant they never
    // are.
    const size_t bitmap = (size_t)plan->vectors * DBK_VECTOR_ROWS / 8;
    size_t size = SIZE_MAX;
    if (plan->header.own <= plan->rows / 5) {
        plan->low_bits = (uint32_t)dbk_gaps_low_bits(plan->rows, plan->header.own);
        plan->gaps_size = (uint32_t)dbk_gaps_size(plan->bits, plan->rows, (int)plan->low_bits);
        size = dbk_segment_align(GAPS_HEADER + plan->gaps_size);
    }
    const bool is_sparse = size < bitmap / 4 * 3;
    plan->header.presence = is_sparse ? DBK_PRESENCE_GAPS : DBK_PRESENCE_BITMAP;
    plan->presence_size = is_sparse ? size : bitmap;
}

// ---- What predicts the others ----

// The fraction of the smallest terms strictly between a/b and c/d (the continued fractions of both, as long
// as they agree).
static void simplest_between(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t *p, uint64_t *q)
{
    const uint64_t whole = a / b;
    a -= whole * b;
    c -= whole * d;
    if (c > d) {
        *p = whole + 1;
        *q = 1;
    } else if (a == 0) {
        *q = d / c + 1;
        *p = whole * *q + 1;
    } else {
        simplest_between(d, c, b, a, q, p);
        *p += whole * *q;
    }
}

static void predict(const subject *s, const dbk_prediction *p, uint32_t vector,
                    uint64_t sums[DBK_VECTOR_ROWS])
{
    const uint32_t first = vector * DBK_VECTOR_ROWS, n = dbk_vector_rows(s->input->rows, vector);
    memset(sums, 0, DBK_VECTOR_ROWS * sizeof *sums);
    for (int i = 0; i < p->terms; i++) {
        const int64_t *ints = s->input->ints[p->columns[i]];
        int64_t values[DBK_VECTOR_ROWS] = {0};
        if (!ints)
            continue;
        if (n < DBK_VECTOR_ROWS)
            memcpy(values, ints + first, n * sizeof *values);
        dbk_prediction_add(sums, n < DBK_VECTOR_ROWS ? values : ints + first, p->signs[i]);
    }
    dbk_prediction_share(p, sums, DBK_VECTOR_ROWS);
}

// Some vectors are enough to find a rate in.
enum { VECTORS_LOOKED_AT = 8 };

// The row with the largest sum of the terms within reach, of those looked at.
static uint32_t find_largest(const subject *s, const dbk_prediction *terms, const dbk_derived_plan *plan,
                             int64_t *largest)
{
    const uint32_t step = (plan->vectors + VECTORS_LOOKED_AT - 1) / VECTORS_LOOKED_AT;
    uint32_t found = 0;
    *largest = 0;
    for (uint32_t v = 0; v < plan->vectors; v += step) {
        uint64_t sums[DBK_VECTOR_ROWS];
        predict(s, terms, v, sums);
        for (uint32_t i = 0; i < dbk_vector_rows(plan->rows, v); i++) {
            const uint32_t row = v * DBK_VECTOR_ROWS + i;
            if ((int64_t)sums[i] > *largest && sums[i] < DBK_SHARE_REACH && has_own(plan, row)) {
                *largest = (int64_t)sums[i];
                found = row;
            }
        }
    }
    return found;
}

// The rate of that row, as the simplest fraction that explains it to the unit: the larger the sum, the fewer
// fractions do.
static bool find_share(const subject *s, const dbk_derived_plan *plan, dbk_prediction *p)
{
    int64_t largest;
    const int64_t part = s->input->ints[s->column][find_largest(s, p, plan, &largest)];
    const int64_t min = (int64_t)(s->packed->min ^ DBK_INT_BIAS);
    const bool has_unit = s->packed->divisor <= DBK_SHARE_STEP_MAX && min % (int64_t)s->packed->divisor == 0;
    p->unit = has_unit ? s->packed->divisor : 1;
    if (part <= (int64_t)p->unit || part >= largest)
        return false;
    uint64_t numerator, denominator;
    simplest_between((uint64_t)part - p->unit, (uint64_t)largest, (uint64_t)part + p->unit, (uint64_t)largest,
                     &numerator, &denominator);
    if (numerator > DBK_SHARE_NUMERATOR_MAX || denominator > DBK_SHARE_STEP_MAX)
        return false;
    p->numerator = (uint32_t)numerator;
    p->denominator = (uint32_t)denominator;
    return dbk_prediction_is_sound(p);
}

#if DBK_HAS_LEVELS
// Writes a register more than it means.
DBK_AVX512 static uint32_t pick_own_512(const uint64_t numbers[DBK_VECTOR_ROWS], const uint64_t *bits,
                                        uint64_t *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < DBK_VECTOR_ROWS; i += 8) {
        const __mmask8 own = (__mmask8)(bits[i / 64] >> i % 64);
        _mm512_storeu_si512(out + count, _mm512_maskz_compress_epi64(own, _mm512_loadu_si512(numbers + i)));
        count += (uint32_t)__builtin_popcount(own);
    }
    return count;
}
#endif

// The numbers that the rows of a vector have of their own, one behind the other; returns how many.
static uint32_t pick_own(const uint64_t numbers[DBK_VECTOR_ROWS], const uint64_t *bits, uint64_t *out)
{
#if DBK_HAS_LEVELS
    if (dbk_level_used() == DBK_LEVEL_AVX512)
        return pick_own_512(numbers, bits, out);
#endif
    uint32_t count = 0;
    for (uint32_t w = 0; w < DBK_MASK_WORDS; w++) {
        for (uint64_t word = bits[w]; word; word &= word - 1)
            out[count++] = numbers[w * 64 + (uint32_t)__builtin_ctzll(word)];
    }
    return count;
}

DBK_WIDE static void subtract(const subject *s, uint32_t first, uint32_t n, const uint64_t *predicted,
                              uint64_t *out)
{
    if (s->is_int) {
        const int64_t *ints = s->input->ints[s->column] + first;
        for (uint32_t i = 0; i < n; i++)
            out[i] = ((uint64_t)ints[i] ^ DBK_INT_BIAS) - predicted[i];
    } else {
        const uint32_t *codes = s->input->codes[s->column] + first;
        for (uint32_t i = 0; i < n; i++)
            out[i] = codes[i];
    }
}

static void find_ordinals(const subject *s, const dbk_derived_plan *plan, const dbk_prediction *p,
                          uint64_t *out)
{
    for (uint32_t v = 0; v < plan->vectors; v++) {
        const uint32_t first = v * DBK_VECTOR_ROWS, n = dbk_vector_rows(s->input->rows, v);
        uint64_t predicted[DBK_VECTOR_ROWS], numbers[DBK_VECTOR_ROWS];
        predict(s, p, v, predicted);
        subtract(s, first, n, predicted, plan->bits ? numbers : out);
        out += plan->bits ? pick_own(numbers, plan->bits + v * DBK_MASK_WORDS, out) : n;
    }
}

// What picking may write behind the last one.
enum { ORDINALS_SLACK = 8 };

typedef struct trial {
    dbk_prediction prediction;
    uint64_t *ordinals;
    dbk_ints_plan numbers;
} trial;

static dbk_status try_prediction(const subject *s, const dbk_derived_plan *plan, trial *t, dbk_error *err)
{
    t->ordinals = malloc((plan->header.own + ORDINALS_SLACK) * sizeof *t->ordinals);
    if (!t->ordinals)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory");
    find_ordinals(s, plan, &t->prediction, t->ordinals);
    dbk_ints_analyze(&(dbk_ints_source){.ordinals = t->ordinals, .rows = plan->header.own}, &t->numbers);
    return DBK_OK;
}

// The plan becomes that of the trial, which loses its ordinals, if that is smaller.
static void keep_the_smaller(dbk_derived_plan *plan, trial *t)
{
    if (!plan->ordinals || t->numbers.size < plan->numbers.size) {
        const dbk_prediction *p = &t->prediction;
        free(plan->ordinals);
        plan->ordinals = t->ordinals;
        plan->numbers = t->numbers;
        plan->header.terms = (uint8_t)p->terms;
        plan->header.unit = p->unit;
        plan->header.numerator = p->numerator;
        plan->header.denominator = p->denominator;
        memcpy(plan->header.columns, p->columns, sizeof plan->header.columns);
        memcpy(plan->header.signs, p->signs, sizeof plan->header.signs);
        plan->size = sizeof plan->header + plan->presence_size + plan->numbers.size;
    } else {
        free(t->ordinals);
    }
    t->ordinals = NULL;
}

// Tries the relations in turn; where there are none, that most rows are usual has to be enough.
static dbk_status choose_prediction(const subject *s, dbk_derived_plan *plan, dbk_error *err)
{
    dbk_relation relations[DBK_RELATIONS_MAX];
    const int count = s->is_int ? dbk_relations_of(s->input->table, s->column, relations) : 0;
    trial *t = malloc(sizeof *t);
    dbk_status status = t ? DBK_OK : dbk_fail(err, DBK_NO_MEMORY, "out of memory");
    for (int i = 0; status == DBK_OK && i < count; i++) {
        *t = (trial){.prediction.terms = relations[i].terms};
        memcpy(t->prediction.columns, relations[i].columns, sizeof t->prediction.columns);
        memcpy(t->prediction.signs, relations[i].signs, sizeof t->prediction.signs);
        if (relations[i].is_share && !find_share(s, plan, &t->prediction))
            continue;
        status = try_prediction(s, plan, t, err);
        if (status == DBK_OK)
            keep_the_smaller(plan, t);
        if (plan->ordinals && plan->numbers.min == plan->numbers.max)
            break; // nothing is left to be said
    }
    if (status == DBK_OK && !plan->ordinals && plan->bits) {
        *t = (trial){0};
        status = try_prediction(s, plan, t, err);
        if (status == DBK_OK)
            keep_the_smaller(plan, t);
    }
    free(t);
    return status;
}

// ---- The choice ----

// Whether looking closer can lead to anything: that is so of columns with a usual value, and of those that
// something predicts.
static bool is_hopeless(const subject *s, uint32_t usual)
{
    dbk_relation relations[DBK_RELATIONS_MAX];
    return s->packed->size < 1024 ||
           (usual == 0 && (!s->is_int || dbk_relations_of(s->input->table, s->column, relations) == 0));
}

// Without a prediction and without codes that tell, half of the rows must be usual.
static bool is_sparse_enough(const dbk_derived_plan *plan)
{
    return !plan->bits || plan->header.presence == DBK_PRESENCE_CODES || plan->header.terms > 0 ||
           plan->header.own <= plan->rows / 2;
}

static dbk_status choose(const subject *s, dbk_derived_plan *plan, dbk_error *err)
{
    const uint32_t usual = find_usual(s, &plan->header.usual);
    plan->size = SIZE_MAX;
    if (is_hopeless(s, usual))
        return DBK_OK;
    plan->header.own = s->input->rows - usual;
    if (usual > 0) {
        if (!find_bits(s, plan))
            return dbk_fail(err, DBK_NO_MEMORY, "out of memory");
        choose_presence(s, plan);
    } else {
        plan->header.usual = 0;
    }
    DBK_TRY(choose_prediction(s, plan, err));
    if (!is_sparse_enough(plan))
        plan->size = SIZE_MAX;
    return DBK_OK;
}

dbk_status dbk_derived_choose(const dbk_segment_input *input, int column, const dbk_ints_plan *packed,
                              const dbk_anchors *anchors, dbk_derived_plan **out, dbk_error *err)
{
    *out = NULL;
    dbk_derived_plan *plan = calloc(1, sizeof *plan);
    if (!plan)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory");
    plan->rows = input->rows;
    plan->vectors = dbk_vectors(input->rows);
    const subject s = {input, column, dbk_type_is_int(input->table->columns[column].type), packed, anchors};
    const dbk_status status = choose(&s, plan, err);
    if (status != DBK_OK || !is_worth(plan->size, packed->size))
        dbk_derived_forget(plan);
    else
        *out = plan;
    return status;
}

size_t dbk_derived_size(const dbk_derived_plan *plan)
{
    return plan->size;
}

uint32_t dbk_derived_references(const dbk_derived_plan *plan)
{
    uint32_t columns = 0;
    for (int i = 0; i < plan->header.terms; i++)
        columns |= UINT32_C(1) << plan->header.columns[i];
    if (plan->header.presence == DBK_PRESENCE_CODES)
        columns |= UINT32_C(1) << plan->header.anchor;
    return columns;
}

void dbk_derived_forget(dbk_derived_plan *plan)
{
    if (!plan)
        return;
    free(plan->bits);
    free(plan->ordinals);
    free(plan);
}

// ---- Writing ----

static void write_gaps(const dbk_derived_plan *plan, uint8_t *to)
{
    memcpy(to, (const uint32_t[]){plan->low_bits, plan->gaps_size}, GAPS_HEADER);
    dbk_gaps_write(plan->bits, plan->rows, (int)plan->low_bits, to + GAPS_HEADER);
}

void dbk_derived_encode(const dbk_derived_plan *plan, int depth, uint8_t *block)
{
    assert(depth >= 0 && depth <= DBK_DERIVED_DEPTH_MAX);
    dbk_derived_header header = plan->header;
    header.depth = (uint8_t)depth;
    memcpy(block, &header, sizeof header);
    uint8_t *presence = block + sizeof header;
    memset(presence, 0, plan->presence_size);
    if (header.presence == DBK_PRESENCE_BITMAP)
        memcpy(presence, plan->bits, plan->presence_size);
    else if (header.presence == DBK_PRESENCE_GAPS)
        write_gaps(plan, presence);
    else if (header.presence == DBK_PRESENCE_CODES)
        memcpy(presence, plan->codes, header.codes * sizeof *plan->codes);
    dbk_ints_encode(&(dbk_ints_source){.ordinals = plan->ordinals, .rows = header.own}, &plan->numbers,
                    presence + plan->presence_size);
}
