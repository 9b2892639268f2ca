// SPDX-License-Identifier: Apache-2.0
// Codec "radix": texts of one length as numbers of mixed radix, one digit per position, cut into limbs of 64
// bits that are packed as integers (docs/FORMAT.md, "Texts: RADIX"). LZ4 gets nothing out of random
// hexadecimal digits; this halves them, and numbered ids cost what their number costs.
#include "engine/base/bytes.h"
#include "engine/segment/ints.h"
#include "engine/segment/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// A limb holds at least seven positions (256^7 < 2^64 - 1), so 64 positions need at most ten.
enum { LENGTH_MAX = DBK_ID_BYTES_MAX, LIMBS_MAX = 10 };

// How positions map to limbs: position p is a digit of limb[p] with radix[p].
typedef struct pattern {
    uint32_t length;
    int limbs;
    bool nullable;
    uint8_t limb[LENGTH_MAX];
    uint16_t radix[LENGTH_MAX];
    dbk_u128 product[LIMBS_MAX]; // numbers of each limb
} pattern;

// Derives the limbs from length, nullable and radix, the same way for both directions.
static void pattern_cut(pattern *p)
{
    const dbk_u128 limit = ((dbk_u128)1 << 64) - p->nullable;
    p->limbs = 1;
    p->product[0] = 1;
    for (uint32_t at = 0; at < p->length; at++) {
        dbk_u128 product = p->product[p->limbs - 1] * p->radix[at];
        if (product > limit) {
            p->limbs++;
            product = p->radix[at];
        }
        assert(p->limbs <= LIMBS_MAX);
        p->limb[at] = (uint8_t)(p->limbs - 1);
        p->product[p->limbs - 1] = product;
    }
}

static size_t pattern_size(const pattern *p)
{
    size_t size = DBK_PATTERN_HEADER + p->length;
    for (uint32_t at = 0; at < p->length; at++)
        size += p->radix[at];
    return dbk_segment_align(size);
}

// ---- Encoding ----

typedef struct radix_plan {
    pattern pattern;
    uint8_t seen[LENGTH_MAX][256]; // whether a byte stands at a position
    uint64_t (*worth)[256];        // what it adds to its limb there
    uint64_t *ordinals;            // limb after limb
    dbk_ints_plan ints[LIMBS_MAX];
} radix_plan;

enum { ROWS_LOOKED_AT = 1024 };

// Notes the bytes of every step-th row. False when rows differ in length, or are too long.
static bool note_bytes(const dbk_texts_source *source, uint32_t step, radix_plan *plan)
{
    uint32_t length = plan->pattern.length;
    for (uint32_t row = 0; row < source->rows; row += step) {
        const dbk_text text = source->texts[row];
        if (text.length == 0)
            continue;
        if (length == 0)
            length = text.length;
        if (text.length != length || length > LENGTH_MAX)
            return false;
        for (uint32_t at = 0; at < length; at++)
            plan->seen[at][(uint8_t)text.data[at]] = 1;
    }
    plan->pattern.length = length;
    return true;
}

static void find_worth(radix_plan *plan)
{
    pattern *p = &plan->pattern;
    memset(p->radix, 0, sizeof p->radix);
    for (uint32_t at = 0; at < p->length; at++)
        for (int byte = 0; byte < 256; byte++)
            p->radix[at] += plan->seen[at][byte];
    pattern_cut(p);
    uint64_t weight = 1;
    for (uint32_t at = p->length; at-- > 0;) {
        if (at + 1 == p->length || p->limb[at] != p->limb[at + 1])
            weight = 1;
        uint64_t sum = 0;
        for (int byte = 0; byte < 256; byte++) {
            plan->worth[at][byte] = sum;
            sum += plan->seen[at][byte] ? weight : 0;
        }
        weight *= p->radix[at]; // of a full limb, 2^64: nothing stands before it
    }
}

// The numbers of one limb. *strange: a byte stands where it was not noted. False: rows differ in length.
static bool compute_limb(const dbk_texts_source *source, const radix_plan *plan, int limb, bool *strange)
{
    const pattern *p = &plan->pattern;
    uint64_t *out = plan->ordinals + (size_t)limb * source->rows;
    uint32_t begin = 0, end = p->length;
    while (p->limb[begin] != limb)
        begin++;
    while (p->limb[end - 1] != limb)
        end--;
    uint64_t(*const worth)[256] = plan->worth;
    const uint8_t(*const seen)[256] = plan->seen;
    uint8_t known = 1;
    for (uint32_t row = 0; row < source->rows; row++) {
        const dbk_text text = source->texts[row];
        if (text.length == 0) {
            out[row] = 0;
            continue;
        }
        if (text.length != p->length)
            return false;
        uint64_t number = p->nullable;
        const uint8_t *bytes = (const uint8_t *)text.data;
#pragma GCC unroll 4
        for (uint32_t at = begin; at < end; at++) {
            number += worth[at][bytes[at]];
            known &= seen[at][bytes[at]];
        }
        out[row] = number;
    }
    *strange = !known;
    return true;
}

static bool compute_limbs(const dbk_texts_source *source, const radix_plan *plan, bool *strange)
{
    *strange = false;
    for (int limb = 0; limb < plan->pattern.limbs && !*strange; limb++)
        if (!compute_limb(source, plan, limb, strange))
            return false;
    return true;
}

// Room for the tables and the numbers of the pattern, whose limbs may have become more.
static bool make_room(const dbk_texts_source *source, radix_plan *plan)
{
    free(plan->ordinals);
    plan->ordinals = malloc((size_t)plan->pattern.limbs * source->rows * sizeof *plan->ordinals);
    return plan->ordinals != NULL;
}

// Texts to numbers. Some rows tell what bytes there are, and most often all of them; where another turns up
// all rows are looked at. DBK_NOT_FOUND: the texts are not of one length.
static dbk_status number_texts(const dbk_texts_source *source, radix_plan *plan)
{
    bool strange = true;
    const uint32_t few = source->rows / ROWS_LOOKED_AT + 1;
    plan->pattern.nullable = source->nulls > 0;
    for (uint32_t step = few; strange; step = 1) {
        if (!note_bytes(source, step, plan))
            return DBK_NOT_FOUND;
        if (plan->pattern.length == 0)
            continue; // none of those has a value
        if (!plan->worth)
            plan->worth = malloc(plan->pattern.length * sizeof *plan->worth);
        if (!plan->worth)
            return DBK_NO_MEMORY;
        find_worth(plan);
        if (!make_room(source, plan))
            return DBK_NO_MEMORY;
        if (!compute_limbs(source, plan, &strange))
            return DBK_NOT_FOUND;
    }
    return DBK_OK;
}

static dbk_ints_source limb_source(const dbk_texts_source *source, const radix_plan *plan, int limb)
{
    return (dbk_ints_source){.ordinals = plan->ordinals + (size_t)limb * source->rows,
                             .rows = source->rows,
                             .nullable = plan->pattern.nullable};
}

static void radix_forget(void *state)
{
    radix_plan *plan = state;
    free(plan->worth);
    free(plan->ordinals);
    free(plan);
}

static dbk_status radix_analyze(const dbk_texts_source *source, size_t beat, void **out, size_t *size,
                                dbk_error *err)
{
    radix_plan *plan = calloc(1, sizeof *plan);
    *out = NULL;
    if (!plan)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory");
    const dbk_status status = number_texts(source, plan);
    if (status != DBK_OK) {
        radix_forget(plan);
        return status == DBK_NOT_FOUND ? DBK_OK : dbk_fail(err, status, "out of memory");
    }
    *size = pattern_size(&plan->pattern);
    for (int limb = 0; limb < plan->pattern.limbs; limb++) {
        const dbk_ints_source limbs = limb_source(source, plan, limb);
        dbk_ints_analyze(&limbs, &plan->ints[limb]);
        *size += plan->ints[limb].size;
    }
    if (*size > beat) {
        radix_forget(plan);
        return DBK_OK;
    }
    *out = plan;
    return DBK_OK;
}

static void radix_encode(const dbk_texts_source *source, const void *state, uint8_t *block)
{
    const radix_plan *plan = state;
    const pattern *p = &plan->pattern;
    memset(block, 0, pattern_size(p));
    block[0] = (uint8_t)p->length;
    uint8_t *to = block + DBK_PATTERN_HEADER;
    for (uint32_t at = 0; at < p->length; at++)
        *to++ = (uint8_t)(p->radix[at] - 1);
    for (uint32_t at = 0; at < p->length; at++) {
        for (int byte = 0; byte < 256; byte++) {
            if (plan->seen[at][byte])
                *to++ = (uint8_t)byte;
        }
    }
    to = block + pattern_size(p);
    for (int limb = 0; limb < p->limbs; limb++) {
        const dbk_ints_source limbs = limb_source(source, plan, limb);
        dbk_ints_encode(&limbs, &plan->ints[limb], to);
        to += plan->ints[limb].size;
    }
}

// ---- Reading ----

typedef struct radix_column {
    pattern pattern;
    uint32_t rows;
    const uint8_t *alphabet[LENGTH_MAX];
    dbk_ints *limbs[LIMBS_MAX];
} radix_column;

static void radix_close(void *state)
{
    radix_column *column = state;
    for (int limb = 0; limb < LIMBS_MAX; limb++)
        free(column->limbs[limb]);
    free(column);
}

static bool read_pattern(radix_column *column, dbk_reader *r)
{
    pattern *p = &column->pattern;
    const uint8_t *header = dbk_read_bytes(r, DBK_PATTERN_HEADER);
    if (!header)
        return false;
    p->length = header[0];
    for (int i = 1; i < DBK_PATTERN_HEADER; i++) {
        if (header[i] != 0)
            return false;
    }
    if (p->length == 0 || p->length > LENGTH_MAX)
        return false;
    for (uint32_t at = 0; at < p->length; at++)
        p->radix[at] = (uint16_t)(dbk_read_u8(r) + 1);
    for (uint32_t at = 0; at < p->length; at++) {
        const uint8_t *alphabet = dbk_read_bytes(r, p->radix[at]);
        if (!alphabet)
            return false;
        for (int i = 1; i < p->radix[at]; i++) {
            if (alphabet[i - 1] >= alphabet[i])
                return false;
        }
        column->alphabet[at] = alphabet;
    }
    for (size_t padding = dbk_segment_align(r->at) - r->at; padding > 0; padding--) {
        if (dbk_read_u8(r) != 0)
            return false;
    }
    return !r->failed;
}

static dbk_status open_limbs(radix_column *column, dbk_reader *r, uint32_t nulls, dbk_error *err)
{
    const pattern *p = &column->pattern;
    for (int limb = 0; limb < p->limbs; limb++) {
        DBK_TRY(dbk_ints_open(r->data + r->at, dbk_reader_left(r), column->rows, p->nullable,
                              &column->limbs[limb], err));
        const dbk_ints *ints = column->limbs[limb];
        dbk_read_bytes(r, ints->size);
        if (ints->nulls != nulls || ints->max >= p->product[limb] + p->nullable)
            return dbk_fail(err, DBK_CORRUPT, "radix texts: limb %d is out of range", limb);
    }
    if (r->failed || dbk_reader_left(r) != 0)
        return dbk_fail(err, DBK_CORRUPT, "radix texts: the block has the wrong size");
    return DBK_OK;
}

static dbk_status radix_open(const uint8_t *block, size_t size, uint32_t rows, uint32_t nulls, void **out,
                             dbk_error *err)
{
    radix_column *column = calloc(1, sizeof *column);
    if (!column)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory");
    column->rows = rows;
    column->pattern.nullable = nulls > 0;
    dbk_reader r = dbk_reader_init(block, size);
    dbk_status status;
    if (read_pattern(column, &r)) {
        pattern_cut(&column->pattern);
        status = open_limbs(column, &r, nulls, err);
    } else {
        status = dbk_fail(err, DBK_CORRUPT, "radix texts: the pattern is damaged");
    }
    if (status != DBK_OK) {
        radix_close(column);
        return status;
    }
    *out = column;
    return DBK_OK;
}

// Takes the last digit off each number and writes its byte. With a constant radix the division is a shift or
// a multiplication.
static inline __attribute__((always_inline)) void peel_digit(uint64_t *restrict numbers, uint32_t n,
                                                             const uint64_t radix, const uint8_t *alphabet,
                                                             char *restrict to, size_t stride)
{
    for (uint32_t i = 0; i < n; i++) {
        uint64_t rest = numbers[i] / radix;
        to[i * stride] = (char)alphabet[numbers[i] - rest * radix];
        numbers[i] = rest;
    }
}

static void peel(uint64_t *numbers, uint32_t n, uint64_t radix, const uint8_t *alphabet, char *to,
                 size_t stride)
{
    switch (radix) {
    case 1: // the common prefix and the dashes
        for (uint32_t i = 0; i < n; i++)
            to[i * stride] = (char)alphabet[0];
        break;
    case 4: // the variant of a UUID
        peel_digit(numbers, n, 4, alphabet, to, stride);
        break;
    case 10:
        peel_digit(numbers, n, 10, alphabet, to, stride);
        break;
    case 16:
        peel_digit(numbers, n, 16, alphabet, to, stride);
        break;
    case 32: // ULIDs
        peel_digit(numbers, n, 32, alphabet, to, stride);
        break;
    case 36:
        peel_digit(numbers, n, 36, alphabet, to, stride);
        break;
    case 62:
        peel_digit(numbers, n, 62, alphabet, to, stride);
        break;
    case 64:
        peel_digit(numbers, n, 64, alphabet, to, stride);
        break;
    default:
        peel_digit(numbers, n, radix, alphabet, to, stride);
    }
}

static dbk_status radix_read(const void *state, uint32_t vector, dbk_text_scratch *scratch)
{
    const radix_column *column = state;
    const pattern *p = &column->pattern;
    const uint32_t n = dbk_vector_rows(column->rows, vector), length = p->length;
    if (dbk_text_scratch_reserve(scratch, (size_t)n * length) != DBK_OK)
        return DBK_NO_MEMORY;

    // Every position belongs to a limb and is written with it, from the right.
    uint32_t end = length;
    for (int limb = p->limbs - 1; limb >= 0; limb--) {
        uint64_t numbers[DBK_VECTOR_ROWS]; // modulo 2^64, and so is what a row without a value yields
        dbk_ints_read(column->limbs[limb], vector, p->nullable, numbers);
        if (limb == 0) {
            // Less the bias, "no value" is the largest number there is, which no product reaches.
            for (uint32_t i = 0; i < n; i++)
                scratch->texts[i] = p->nullable && numbers[i] == UINT64_MAX
                                        ? DBK_NO_TEXT
                                        : (dbk_text){scratch->bytes + (size_t)i * length, length};
        }
        for (; end > 0 && p->limb[end - 1] == limb; end--)
            peel(numbers, n, p->radix[end - 1], column->alphabet[end - 1], scratch->bytes + end - 1, length);
    }
    return DBK_OK;
}

static dbk_text radix_at(const void *state, uint32_t row, char *single)
{
    const radix_column *column = state;
    const pattern *p = &column->pattern;
    uint32_t end = p->length;
    if (p->nullable && dbk_ints_at(column->limbs[0], row) == 0)
        return DBK_NO_TEXT;
    for (int limb = p->limbs - 1; limb >= 0; limb--) {
        uint64_t number = dbk_ints_at(column->limbs[limb], row) - p->nullable;
        for (; end > 0 && p->limb[end - 1] == limb; end--) {
            uint64_t rest = number / p->radix[end - 1];
            single[end - 1] = (char)column->alphabet[end - 1][number - rest * p->radix[end - 1]];
            number = rest;
        }
    }
    return (dbk_text){single, p->length};
}

static int radix_needs(const void *state, uint32_t vector, dbk_text_span spans[DBK_TEXT_SPANS_MAX])
{
    const radix_column *column = state;
    const pattern *p = &column->pattern;
    const uint8_t *end = column->alphabet[p->length - 1] + p->radix[p->length - 1];
    int count = 0;
    spans[count++] = (dbk_text_span){column->alphabet[0], (size_t)(end - column->alphabet[0])};
    for (int limb = 0; limb < p->limbs; limb++, count++)
        spans[count].size = dbk_ints_needs(column->limbs[limb], vector, &spans[count].from);
    return count;
}
_Static_assert(LIMBS_MAX + 1 <= DBK_TEXT_SPANS_MAX, "the alphabets and each limb are a piece");

static size_t radix_memory(const void *state)
{
    const radix_column *column = state;
    size_t size = sizeof *column;
    for (int limb = 0; limb < column->pattern.limbs; limb++)
        size += dbk_ints_memory(column->limbs[limb]);
    return size;
}

const dbk_text_codec dbk_text_codec_radix = {
    .analyze = radix_analyze,
    .encode = radix_encode,
    .forget = radix_forget,
    .open = radix_open,
    .read = radix_read,
    .at = radix_at,
    .needs = radix_needs,
    .memory = radix_memory,
    .close = radix_close,
};
