// SPDX-License-Identifier: Apache-2.0
// Reading far values by runs of places in one vector.
#include "engine/exec/far.h"

#include "engine/exec/kernel.h"

#include <stdlib.h>
#include <string.h>

// Runs from here on are worth decoding the vector: one number alone costs a twentieth of that.
enum { DECODE_RUN = 16 };

void dbk_far_init(dbk_far *far, const dbk_table_view *view, int column, dbk_type type)
{
    *far = (dbk_far){
        .view = view, .column = column, .type = type, .vector = DBK_NO_PLACE, .judged = DBK_NO_PLACE};
}

void dbk_far_dispose(dbk_far *far)
{
    free(far->scratch);
    far->scratch = NULL;
}

static dbk_place vector_of(dbk_place place)
{
    return place & ~(dbk_place)(DBK_VECTOR_ROWS - 1);
}

static void put(const dbk_far *far, void *out, uint32_t row, const dbk_part *part, dbk_place place)
{
    if (far->type == DBK_CODE)
        ((uint32_t *)out)[row] = dbk_part_code_at(part, far->column, dbk_place_row(place));
    else
        ((int64_t *)out)[row] = dbk_part_int_at(part, far->column, dbk_place_row(place));
}

static void put_none(const dbk_far *far, void *out, uint32_t row)
{
    if (far->type == DBK_CODE)
        ((uint32_t *)out)[row] = 0;
    else
        ((int64_t *)out)[row] = DBK_NULL;
}

static bool decode(dbk_far *far, dbk_place vector)
{
    const dbk_part *part = dbk_view_part(far->view, dbk_place_slot(vector));
    uint32_t number = dbk_place_row(vector) / DBK_VECTOR_ROWS;
    size_t size = far->type == DBK_CODE ? sizeof(uint32_t) : sizeof(int64_t);
    if (!far->scratch && !(far->scratch = aligned_alloc(64, DBK_VECTOR_ROWS * size)))
        return false;
    if (far->type == DBK_CODE)
        far->values = dbk_part_codes(part, far->column, number, far->scratch);
    else
        far->values = dbk_part_ints(part, far->column, number, far->scratch);
    far->vector = vector;
    return true;
}

static void copy_run(const dbk_far *far, const dbk_place *places, const uint16_t *rows, uint32_t count,
                     void *out)
{
    enum { WITHIN = DBK_VECTOR_ROWS - 1 };
    if (far->type == DBK_CODE) {
        const uint32_t *values = far->values;
        for (uint32_t i = 0; i < count; i++)
            ((uint32_t *)out)[rows[i]] = values[places[rows[i]] & WITHIN];
    } else {
        const int64_t *values = far->values;
        for (uint32_t i = 0; i < count; i++)
            ((int64_t *)out)[rows[i]] = values[places[rows[i]] & WITHIN];
    }
}

bool dbk_far_read(dbk_far *far, const dbk_place *places, const uint16_t *rows, uint32_t count, void *out)
{
    for (uint32_t i = 0; i < count;) {
        dbk_place place = places[rows[i]];
        if (place == DBK_NO_PLACE) {
            put_none(far, out, rows[i++]);
            continue;
        }
        dbk_place vector = vector_of(place);
        uint32_t run = 1;
        while (i + run < count && vector_of(places[rows[i + run]]) == vector)
            run++;
        if (vector != far->vector && run >= DECODE_RUN && !decode(far, vector))
            return false;
        if (vector == far->vector) {
            copy_run(far, places, rows + i, run, out);
        } else {
            const dbk_part *part = dbk_view_part(far->view, dbk_place_slot(place));
            for (uint32_t k = 0; k < run; k++)
                put(far, out, rows[i + k], part, places[rows[i + k]]);
        }
        i += run;
    }
    return true;
}

// ---- Intervals ----

static bool is_within(const dbk_far *far, const dbk_part *part, dbk_place place, int64_t lo, int64_t hi)
{
    const int64_t value = far->type == DBK_CODE ? dbk_part_code_at(part, far->column, dbk_place_row(place))
                                                : dbk_part_int_at(part, far->column, dbk_place_row(place));
    return lo <= value && value <= hi;
}

static bool judge_values(dbk_far *far, const dbk_part *part, dbk_place vector, int64_t lo, int64_t hi)
{
    const uint32_t left = dbk_part_rows(part) - dbk_place_row(vector);
    const uint32_t rows = left < DBK_VECTOR_ROWS ? left : DBK_VECTOR_ROWS;
    if (vector != far->vector && !decode(far, vector))
        return false;
    if (far->type != DBK_CODE) {
        dbk_mask_int_range(far->within, far->values, rows, lo, hi);
        return true;
    }
    const uint32_t *codes = far->values;
    for (uint32_t i = 0; i < rows; i++)
        if (codes[i] < lo || codes[i] > hi)
            far->within[i / 64] &= ~((uint64_t)1 << i % 64);
    return true;
}

static bool judge(dbk_far *far, dbk_place vector, int64_t lo, int64_t hi)
{
    const dbk_part *part = dbk_view_part(far->view, dbk_place_slot(vector));
    memset(far->within, 0xFF, sizeof far->within);
    far->judged = DBK_NO_PLACE;
    if (!dbk_part_between(part, far->column, dbk_place_row(vector) / DBK_VECTOR_ROWS, lo, hi, far->within) &&
        !judge_values(far, part, vector, lo, hi))
        return false;
    far->judged = vector;
    far->lo = lo;
    far->hi = hi;
    return true;
}

static bool is_judged(const dbk_far *far, dbk_place vector, int64_t lo, int64_t hi)
{
    return vector == far->judged && lo == far->lo && hi == far->hi;
}

// Rows of the judged vector; those of a word of the mask are put together first.
static void drop_run(const dbk_far *far, const dbk_place *places, const uint16_t *rows, uint32_t count,
                     uint64_t mask[DBK_MASK_WORDS])
{
    enum { WITHIN = DBK_VECTOR_ROWS - 1 };
    uint64_t dropped = 0;
    uint32_t word = rows[0] / 64;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t at = places[rows[i]] & WITHIN;
        if (rows[i] / 64 != word) {
            mask[word] &= ~dropped;
            word = rows[i] / 64;
            dropped = 0;
        }
        dropped |= (~far->within[at / 64] >> at % 64 & 1) << rows[i] % 64;
    }
    mask[word] &= ~dropped;
}

static void drop(uint64_t mask[DBK_MASK_WORDS], uint32_t row)
{
    mask[row / 64] &= ~((uint64_t)1 << row % 64);
}

bool dbk_far_between(dbk_far *far, const dbk_place *places, const uint16_t *rows, uint32_t count, int64_t lo,
                     int64_t hi, uint64_t mask[DBK_MASK_WORDS])
{
    const int64_t none = far->type == DBK_CODE ? 0 : DBK_NULL;
    for (uint32_t i = 0; i < count;) {
        const dbk_place place = places[rows[i]], vector = vector_of(place);
        if (place == DBK_NO_PLACE) {
            if (none < lo || none > hi)
                drop(mask, rows[i]);
            i++;
            continue;
        }
        uint32_t run = 1;
        while (i + run < count && places[rows[i + run]] != DBK_NO_PLACE &&
               vector_of(places[rows[i + run]]) == vector)
            run++;
        if (!is_judged(far, vector, lo, hi) && run >= DECODE_RUN && !judge(far, vector, lo, hi))
            return false;
        if (is_judged(far, vector, lo, hi)) {
            drop_run(far, places, rows + i, run, mask);
        } else {
            const dbk_part *part = dbk_view_part(far->view, dbk_place_slot(place));
            for (uint32_t k = i; k < i + run; k++)
                if (!is_within(far, part, places[rows[k]], lo, hi))
                    drop(mask, rows[k]);
        }
        i += run;
    }
    return true;
}
