// SPDX-License-Identifier: Apache-2.0
// Reading far values by runs of places in one vector.
#include "engine/exec/far.h"

#include <stdlib.h>

// Runs from here on are worth decoding the vector: one number alone costs a twentieth of that.
enum { DECODE_RUN = 16 };

void dbk_far_init(dbk_far *far, const dbk_table_view *view, int column, dbk_type type)
{
    *far = (dbk_far){.view = view, .column = column, .type = type, .vector = DBK_NO_PLACE};
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
