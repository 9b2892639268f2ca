// SPDX-License-Identifier: Apache-2.0
// Which rollups a table has, which grains of them are kept, and whether two say the same.
#include "engine/table/rollup_state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// ---- Shapes ----

static int column_of(const dbk_table_def *table, const char *name)
{
    int column = dbk_column_find(table, dbk_text_from(name));
    assert(column >= 0);
    return column;
}

static void shape_make(dbk_rollup_shape *shape, const dbk_table_def *table, const dbk_rollup_def *def,
                       uint32_t gaps)
{
    *shape = (dbk_rollup_shape){.def = def, .time = column_of(table, def->time), .columns = 1};
    while (shape->dims_count < DBK_ROLLUP_DIMS_MAX && def->dims[shape->dims_count]) {
        shape->dims[shape->dims_count] = column_of(table, def->dims[shape->dims_count]);
        assert(table->columns[shape->dims[shape->dims_count]].type == DBK_CODE);
        shape->dims_count++;
    }
    while (shape->measures_count < DBK_ROLLUP_MEASURES_MAX && def->measures[shape->measures_count]) {
        int m = shape->measures_count++, column = column_of(table, def->measures[m]);
        assert(dbk_type_is_int(table->columns[column].type));
        shape->measures[m] = column;
        shape->sums[m] = shape->columns++;
        if (gaps >> column & 1)
            shape->values[m] = shape->columns++;
    }
}

dbk_rollups *dbk_rollups_create(dbk_versions *versions, const dbk_table_def *table, const dbk_zone *zone,
                                uint32_t gaps, dbk_grain finest)
{
    dbk_rollups *rollups = dbk_versions_create(versions, sizeof *rollups, NULL);
    if (!rollups)
        return NULL;
    const dbk_rollup_def *defs = dbk_rollup_defs(table->id, &rollups->count);
    rollups->versions = versions;
    rollups->table = table;
    rollups->zone = zone;
    rollups->gaps = gaps;
    for (int i = 0; i < rollups->count; i++) {
        dbk_rollup *r = &rollups->rollups[i];
        shape_make(&r->shape, table, &defs[i], gaps);
        r->tuples = dbk_versions_create(versions, sizeof *r->tuples, NULL);
        r->view = (dbk_rollup_view){.shape = &r->shape,
                                    .kept = r->tuples != NULL,
                                    .zone = zone,
                                    .tuples = r->tuples,
                                    .first_ms = INT64_MAX,
                                    .last_ms = INT64_MIN};
        for (int g = (int)finest; g < DBK_GRAIN_COUNT; g++)
            r->view.grains[g] = defs[i].grains[g];
    }
    return rollups;
}

void dbk_rollup_give_up(dbk_rollup *r, dbk_versions *versions)
{
    r->view.kept = false;
    for (int g = 0; g < DBK_GRAIN_COUNT; g++)
        dbk_cube_release(&r->view.cubes[g], versions);
    if (r->tuples && versions)
        dbk_versions_drop(versions, &r->tuples->object);
    else if (r->tuples)
        dbk_object_free(&r->tuples->object);
    r->tuples = NULL;
    r->view.tuples = NULL;
}

void dbk_rollups_destroy(dbk_rollups *rollups, dbk_versions *versions)
{
    if (!rollups)
        return;
    for (int i = 0; i < rollups->count; i++)
        dbk_rollup_give_up(&rollups->rollups[i], versions);
    if (versions)
        dbk_versions_drop(versions, &rollups->object); // images refer to the shapes in it
    else
        dbk_object_free(&rollups->object);
}

const dbk_zone *dbk_rollups_zone(const dbk_rollups *rollups)
{
    return rollups->zone;
}

uint32_t dbk_rollups_gaps(const dbk_rollups *rollups)
{
    return rollups->gaps;
}

bool dbk_rollups_want(const dbk_rollups *rollups, int column)
{
    for (int i = 0; i < rollups->count; i++) {
        const dbk_rollup_shape *shape = &rollups->rollups[i].shape;
        bool wanted = shape->time == column;
        for (int d = 0; d < shape->dims_count; d++)
            wanted |= shape->dims[d] == column;
        for (int m = 0; m < shape->measures_count; m++)
            wanted |= shape->measures[m] == column;
        if (wanted)
            return true;
    }
    return false;
}

// ---- Grains ----

void dbk_rollups_thin(dbk_rollups *rollups, uint64_t rows, uint64_t bucket_rows)
{
    for (int i = 0; i < rollups->count; i++) {
        dbk_rollup_view *view = &rollups->rollups[i].view;
        for (int g = 0; g < DBK_GRAIN_MONTH; g++) {
            if (!view->grains[g] || rows >= bucket_rows * view->cubes[g].buckets)
                continue;
            view->grains[g] = false;
            dbk_cube_release(&view->cubes[g], rollups->versions);
        }
    }
}

bool dbk_rollups_are_thin(const dbk_rollups *rollups, uint64_t rows, uint64_t bucket_rows)
{
    static const uint64_t parts[] = {[DBK_GRAIN_HOUR] = 24, [DBK_GRAIN_DAY] = 31}; // of the next grain
    for (int i = 0; i < rollups->count; i++) {
        const dbk_rollup_view *view = &rollups->rollups[i].view;
        for (int g = 0; view->kept && g < DBK_GRAIN_MONTH; g++)
            if (view->shape->def->grains[g] && !view->grains[g] && view->grains[g + 1] &&
                rows >= 2 * bucket_rows * parts[g] * view->cubes[g + 1].buckets)
                return true;
    }
    return false;
}

dbk_rollups_view *dbk_rollups_freeze(const dbk_rollups *rollups)
{
    dbk_rollups_view *view = dbk_versions_create(rollups->versions, sizeof *view, NULL);
    if (!view)
        return NULL;
    view->gaps = rollups->gaps;
    view->count = rollups->count;
    for (int i = 0; i < rollups->count; i++)
        view->rollups[i] = rollups->rollups[i].view;
    return view;
}

// ---- Comparing ----

typedef struct comparison {
    const dbk_rollup_view *a, *b;
    dbk_grain grain;
    uint16_t partners[DBK_TUPLES_MAX]; // b's number of a's tuple, DBK_TUPLES_MAX for none
    bool same;
} comparison;

static void compare_cells(void *user, int32_t bucket, const dbk_cells *cells)
{
    comparison *c = user;
    const dbk_cells *others = dbk_cube_find(&c->b->cubes[c->grain], bucket);
    for (uint32_t t = 0; t < c->a->tuples_count && c->same; t++) {
        const void *own = dbk_cells_page(cells, t / DBK_CUBE_PAGE), *other = NULL;
        uint32_t partner = c->partners[t];
        if (!own)
            continue;
        if (others && partner < DBK_TUPLES_MAX)
            other = dbk_cells_page(others, partner / DBK_CUBE_PAGE);
        for (uint32_t column = 0; column < cells->columns; column++) {
            int64_t number = other ? dbk_cells_number(others, other, column, partner) : 0;
            c->same &= dbk_cells_number(cells, own, column, t) == number;
        }
    }
}

// Whether b has all that a has.
static bool covers(const dbk_rollup_view *a, const dbk_rollup_view *b)
{
    comparison c = {.a = a, .b = b, .same = a->untimed == b->untimed};
    for (uint32_t t = 0; t < a->tuples_count; t++) {
        c.partners[t] = DBK_TUPLES_MAX;
        for (uint32_t u = 0; u < b->tuples_count && c.partners[t] == DBK_TUPLES_MAX; u++) {
            int d = 0;
            while (d < a->shape->dims_count && a->tuples->codes[d][t] == b->tuples->codes[d][u])
                d++;
            if (d == a->shape->dims_count)
                c.partners[t] = (uint16_t)u;
        }
    }
    for (int g = 0; g < DBK_GRAIN_COUNT; g++) {
        c.grain = (dbk_grain)g;
        if (a->grains[g] && b->grains[g])
            dbk_cube_walk(&a->cubes[g], INT32_MIN, INT32_MAX, compare_cells, &c);
    }
    return c.same;
}

bool dbk_rollups_equal(const dbk_rollups_view *a, const dbk_rollups_view *b, const char **what)
{
    assert(a->count == b->count);
    for (int i = 0; i < a->count; i++) {
        const dbk_rollup_view *x = &a->rollups[i], *y = &b->rollups[i];
        if (x->kept && y->kept && (!covers(x, y) || !covers(y, x))) {
            *what = x->shape->def->name;
            return false;
        }
    }
    return true;
}
