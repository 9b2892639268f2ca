// SPDX-License-Identifier: Apache-2.0
// Split codes, both directions: two parts that other codecs store, cut apart and put together again.
#include "engine/segment/split.h"
#include "engine/base/bytes.h"
#include "engine/base/wide.h"
#include "engine/segment/bitpack.h"
#include "engine/segment/columns.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// ---- Encoding ----

struct dbk_split_plan {
    int low_bits;
    uint32_t rows;
    uint32_t *lows, *highs;
    dbk_ints_plan low;
    dbk_derived_plan *high;
    size_t size;
};

enum { SMALLEST_WIDTH = 12 };

// Less than an eighth saved is not worth putting two parts together.
static bool is_worth(size_t size, size_t packed)
{
    return size < packed / 8 * 7;
}

// How many codes have each width.
static void count_widths(const uint32_t *codes, uint32_t rows, uint32_t counts[33])
{
    for (uint32_t i = 0; i < rows; i++)
        counts[dbk_bits_width(codes[i])]++;
}

// The low bits that make the column smallest: all rows take them and a bit that says whether there are more,
// some take the others.
static int choose_low_bits(const uint32_t counts[33], uint32_t rows, int width, uint64_t *bits)
{
    uint64_t over = 0;
    int best = width;
    *bits = (uint64_t)rows * (uint64_t)width;
    for (int low = width - 1; low > 0; low--) {
        over += counts[low + 1];
        const uint64_t size = (uint64_t)rows * (uint64_t)(low + 1) + over * (uint64_t)(width - low);
        if (over <= rows / 2 && size < *bits) {
            *bits = size;
            best = low;
        }
    }
    return best;
}

DBK_WIDE static void cut(const uint32_t *codes, uint32_t rows, int low_bits, uint32_t *lows, uint32_t *highs)
{
    const uint32_t mask = (UINT32_C(1) << low_bits) - 1;
    for (uint32_t i = 0; i < rows; i++) {
        lows[i] = codes[i] & mask;
        highs[i] = codes[i] >> low_bits;
    }
}

static dbk_ints_source low_source(const dbk_split_plan *plan)
{
    return (dbk_ints_source){.codes = plan->lows, .rows = plan->rows};
}

// High parts are a column of their own, in which most rows have nothing.
static dbk_status plan_highs(const dbk_segment_input *input, int column, dbk_split_plan *plan, dbk_error *err)
{
    const dbk_anchors none = {0};
    dbk_segment_input highs = {.table = input->table, .rows = input->rows};
    highs.codes[column] = plan->highs;
    dbk_ints_plan *packed = malloc(sizeof *packed);
    if (!packed)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory");
    dbk_ints_analyze(&(dbk_ints_source){.codes = plan->highs, .rows = input->rows, .nullable = true}, packed);
    const dbk_status status = dbk_derived_choose(&highs, column, packed, &none, &plan->high, err);
    free(packed);
    return status;
}

static dbk_status choose(const dbk_segment_input *input, int column, size_t packed, dbk_split_plan *plan,
                         dbk_error *err)
{
    plan->lows = malloc(2 * (size_t)input->rows * sizeof *plan->lows);
    if (!plan->lows)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory");
    plan->highs = plan->lows + input->rows;
    cut(input->codes[column], input->rows, plan->low_bits, plan->lows, plan->highs);
    DBK_TRY(plan_highs(input, column, plan, err));
    const dbk_ints_source lows = low_source(plan);
    dbk_ints_analyze(&lows, &plan->low);
    if (plan->high)
        plan->size = DBK_SEGMENT_ALIGN + plan->low.size + dbk_derived_size(plan->high);
    return is_worth(plan->size, packed) ? DBK_OK : DBK_NOT_FOUND;
}

dbk_status dbk_split_choose(const dbk_segment_input *input, int column, const dbk_ints_plan *packed,
                            dbk_split_plan **out, dbk_error *err)
{
    const int width = dbk_bits_width(packed->max);
    uint32_t counts[33] = {0};
    uint64_t bits;
    *out = NULL;
    if (width < SMALLEST_WIDTH || packed->size < DBK_VECTOR_ROWS)
        return DBK_OK;
    count_widths(input->codes[column], input->rows, counts);
    const int low_bits = choose_low_bits(counts, input->rows, width, &bits);
    if (!is_worth(bits / 8, packed->size))
        return DBK_OK;
    dbk_split_plan *plan = calloc(1, sizeof *plan);
    if (!plan)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory");
    plan->low_bits = low_bits;
    plan->rows = input->rows;
    plan->size = SIZE_MAX;
    const dbk_status status = choose(input, column, packed->size, plan, err);
    if (status == DBK_OK)
        *out = plan;
    else
        dbk_split_forget(plan);
    return status == DBK_NOT_FOUND ? DBK_OK : status;
}

size_t dbk_split_size(const dbk_split_plan *plan)
{
    return plan->size;
}

void dbk_split_encode(const dbk_split_plan *plan, uint8_t *block)
{
    const dbk_ints_source lows = low_source(plan);
    memset(block, 0, DBK_SEGMENT_ALIGN);
    block[0] = (uint8_t)plan->low_bits;
    dbk_ints_encode(&lows, &plan->low, block + DBK_SEGMENT_ALIGN);
    dbk_derived_encode(plan->high, 0, block + DBK_SEGMENT_ALIGN + plan->low.size);
}

void dbk_split_forget(dbk_split_plan *plan)
{
    if (!plan)
        return;
    dbk_derived_forget(plan->high);
    free(plan->lows);
    free(plan);
}

// ---- Opening ----

struct dbk_split {
    uint32_t rows, max;
    int low_bits;
    dbk_ints *low;
    dbk_derived *high; // codes without a value where there is no high part
};

// Adds the codes of a vector to the zone map.
DBK_WIDE static void look(const uint32_t *codes, uint32_t n, uint32_t *min, uint32_t *max, uint32_t *nulls)
{
    // Less one, "no value" is the largest code there is.
    uint32_t low = *min - 1, high = *max, zeros = 0;
    for (uint32_t i = 0; i < n; i++) {
        low = codes[i] - 1 < low ? codes[i] - 1 : low;
        high = codes[i] > high ? codes[i] : high;
        zeros += codes[i] == 0;
    }
    *min = low + 1;
    *max = high;
    *nulls += zeros;
}

static dbk_status open_parts(const dbk_segment *segment, int column, dbk_split *s, dbk_reader *r,
                             dbk_error *err)
{
    const uint8_t *header = dbk_read_bytes(r, DBK_SEGMENT_ALIGN);
    uint8_t any = 0;
    for (int i = 1; header && i < DBK_SEGMENT_ALIGN; i++)
        any |= header[i];
    if (!header || any || header[0] < 1 || header[0] > 31)
        return dbk_fail(err, DBK_CORRUPT, "split codes: the header is damaged");
    s->low_bits = header[0];
    DBK_TRY(dbk_ints_open(r->data + r->at, dbk_reader_left(r), s->rows, false, &s->low, err));
    dbk_read_bytes(r, s->low->size);
    // High parts refer to nothing, and are "no value" where there is none.
    const uint8_t *block = r->data + r->at;
    const size_t size = dbk_reader_left(r);
    if (dbk_derived_depth(block, size) != 0)
        return dbk_fail(err, DBK_CORRUPT, "split codes: the high parts are damaged");
    dbk_zone_map high;
    DBK_TRY(dbk_derived_open(segment, column, block, size, &s->high, &high, err));
    if (high.nulls == 0 || s->low->max >> s->low_bits != 0 || (uint64_t)high.max << s->low_bits > UINT32_MAX)
        return dbk_fail(err, DBK_CORRUPT, "split codes: a part is out of range");
    return DBK_OK;
}

dbk_status dbk_split_open(const dbk_segment *segment, int column, const uint8_t *block, size_t size,
                          dbk_split **out, dbk_zone_map *truth, dbk_error *err)
{
    dbk_split *s = calloc(1, sizeof *s);
    if (!s)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory");
    s->rows = segment->rows;
    dbk_reader r = dbk_reader_init(block, size);
    const dbk_status status = open_parts(segment, column, s, &r, err);
    if (status != DBK_OK) {
        dbk_split_close(s);
        return status;
    }
    uint32_t min = 0, max = 0, nulls = 0; // a min of 0 is one more than the largest code
    for (uint32_t v = 0; v < dbk_vectors(s->rows); v++) {
        uint32_t codes[DBK_VECTOR_ROWS];
        dbk_split_codes(s, v, codes);
        look(codes, dbk_vector_rows(s->rows, v), &min, &max, &nulls);
    }
    s->max = max;
    *truth = (dbk_zone_map){.min = min, .max = max, .nulls = nulls};
    *out = s;
    return DBK_OK;
}

void dbk_split_close(dbk_split *s)
{
    if (!s)
        return;
    free(s->low);
    dbk_derived_close(s->high);
    free(s);
}

size_t dbk_split_memory(const dbk_split *s)
{
    return sizeof *s + dbk_ints_memory(s->low) + dbk_derived_memory(s->high);
}

// ---- Reading ----

DBK_WIDE static void join(uint32_t *restrict out, const uint32_t *restrict highs, int low_bits)
{
    for (int i = 0; i < DBK_VECTOR_ROWS; i++)
        out[i] |= highs[i] << low_bits;
}

void dbk_split_codes(const dbk_split *s, uint32_t vector, uint32_t out[DBK_VECTOR_ROWS])
{
    uint32_t highs[DBK_VECTOR_ROWS];
    dbk_ints_read32(s->low, vector, out);
    dbk_derived_codes(s->high, vector, highs);
    join(out, highs, s->low_bits);
}

uint32_t dbk_split_code_at(const dbk_split *s, uint32_t row)
{
    return (uint32_t)dbk_ints_at(s->low, row) | dbk_derived_code_at(s->high, row) << s->low_bits;
}

// Of the rows found by their low bits, those that have these high bits.
static void keep_with_high(const dbk_split *s, uint32_t vector, uint32_t high, uint64_t found[DBK_MASK_WORDS])
{
    const uint64_t *bits = dbk_derived_bits(s->high, vector);
    for (uint32_t w = 0; w < DBK_MASK_WORDS; w++) {
        found[w] &= high ? bits[w] : ~bits[w];
        // Few have the same low bits by chance: they are looked at one by one.
        for (uint64_t word = high ? found[w] : 0; word; word &= word - 1) {
            const uint32_t i = w * 64 + (uint32_t)__builtin_ctzll(word);
            if (dbk_derived_code_at(s->high, vector * DBK_VECTOR_ROWS + i) != high)
                found[w] &= ~(UINT64_C(1) << i % 64);
        }
    }
}

bool dbk_split_between(const dbk_split *s, uint32_t vector, uint64_t lo, uint64_t hi,
                       uint64_t mask[DBK_MASK_WORDS])
{
    const bool one = lo == hi && hi <= UINT32_MAX, any = lo == 1 && hi >= s->max;
    const uint64_t code = one ? lo : 0, low = code & ((UINT64_C(1) << s->low_bits) - 1);
    uint64_t found[DBK_MASK_WORDS];
    memcpy(found, mask, sizeof found);
    if (!(one || any) || !dbk_ints_between(s->low, vector, low, low, found))
        return false;
    keep_with_high(s, vector, (uint32_t)(code >> s->low_bits), found);
    for (uint32_t w = 0; w < DBK_MASK_WORDS; w++)
        mask[w] = one ? found[w] : mask[w] & ~found[w];
    return true;
}
