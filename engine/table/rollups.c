// SPDX-License-Identifier: Apache-2.0
// Rows to tuples, times to buckets, values to cells.
#include "engine/table/rollups.h"

#include "engine/base/hash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLOTS = 2 * DBK_TUPLES_MAX, // of the hash table of tuples: at most half full
    BUCKETS_LOOKED_AT = 8,      // of those met last, before the calendar is asked
    NO_BUCKET = UINT16_MAX
};

typedef struct rollup {
    dbk_rollup_view view;
    dbk_rollup_shape shape;
    dbk_tuples *tuples;
    uint16_t slots[SLOTS]; // tuple + 1, by the hash of its codes
} rollup;

// The buckets of a grain that the rows being added are in. One may stand here twice.
typedef struct buckets {
    uint32_t count;
    struct {
        int64_t start, end;
        int32_t number;
    } list[DBK_VECTOR_ROWS];
    uint16_t rows[DBK_VECTOR_ROWS]; // index in the list, NO_BUCKET for a row without time
} buckets;

struct dbk_rollups {
    dbk_object object;
    dbk_versions *versions;
    const dbk_table_def *table;
    const dbk_zone *zone;
    uint32_t gaps; // columns that rows were met without
    int count;
    rollup rollups[DBK_ROLLUPS_PER_TABLE];

    // Of the rows being added.
    buckets grains[DBK_GRAIN_COUNT];
    uint16_t tuples[DBK_VECTOR_ROWS];
    dbk_cells **places[DBK_VECTOR_ROWS];                     // by bucket
    int64_t *cells[DBK_VECTOR_ROWS];                         // each row's first number in its bucket
    int64_t nowhere[DBK_ROLLUP_COLUMNS_MAX * DBK_CUBE_PAGE]; // that of rows without time
};

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
        rollup *r = &rollups->rollups[i];
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

static void rollup_give_up(rollup *r, dbk_versions *versions)
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
        rollup_give_up(&rollups->rollups[i], versions);
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

// ---- Buckets ----

int32_t dbk_rollup_bucket(dbk_grain grain, const dbk_zone *zone, int64_t ms, int64_t *start, int64_t *end)
{
    dbk_bucket bucket = {.unit = grain == DBK_GRAIN_HOUR  ? DBK_UNIT_HOUR
                                 : grain == DBK_GRAIN_DAY ? DBK_UNIT_DAY
                                                          : DBK_UNIT_MONTH,
                         .count = 1,
                         .zone = grain == DBK_GRAIN_HOUR ? NULL : zone};
    return dbk_bucket_number(&bucket, ms, start, end);
}

static uint16_t bucket_find(buckets *b, dbk_grain grain, const dbk_zone *zone, int64_t ms)
{
    for (uint32_t back = 1; back <= BUCKETS_LOOKED_AT && back <= b->count; back++) {
        uint32_t i = b->count - back;
        // The last instant there is lies in the last bucket, whose end it is.
        if (ms >= b->list[i].start && (ms < b->list[i].end || b->list[i].end == INT64_MAX))
            return (uint16_t)i;
    }
    uint32_t i = b->count++;
    b->list[i].number = dbk_rollup_bucket(grain, zone, ms, &b->list[i].start, &b->list[i].end);
    return (uint16_t)i;
}

// Rows come mostly in the order of their times.
static void buckets_find(buckets *b, dbk_grain grain, const dbk_zone *zone, const int64_t *times, uint32_t n)
{
    int64_t start = INT64_MAX, end = INT64_MIN;
    uint16_t last = NO_BUCKET;
    b->count = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (times[i] == DBK_NULL) {
            b->rows[i] = NO_BUCKET;
            continue;
        }
        if (times[i] < start || times[i] >= end) {
            last = bucket_find(b, grain, zone, times[i]);
            start = b->list[last].start;
            end = b->list[last].end;
        }
        b->rows[i] = last;
    }
}

// ---- Tuples ----

// The number of a tuple, given when it is met first. False when there are too many.
static bool tuple_find(rollup *r, const uint32_t codes[DBK_ROLLUP_DIMS_MAX], uint16_t *out)
{
    int dims = r->shape.dims_count;
    uint64_t hash = 0;
    for (int d = 0; d < dims; d++)
        hash = (hash ^ codes[d]) * 0x9e3779b97f4a7c15u;
    uint32_t at = (uint32_t)(hash >> 40) & (SLOTS - 1);
    for (; r->slots[at]; at = (at + 1) & (SLOTS - 1)) {
        uint32_t tuple = r->slots[at] - 1u;
        int d = 0;
        while (d < dims && r->tuples->codes[d][tuple] == codes[d])
            d++;
        if (d == dims) {
            *out = (uint16_t)tuple;
            return true;
        }
    }
    if (r->view.tuples_count == DBK_TUPLES_MAX)
        return false;
    uint32_t tuple = r->view.tuples_count++;
    for (int d = 0; d < dims; d++)
        r->tuples->codes[d][tuple] = codes[d];
    r->slots[at] = (uint16_t)(tuple + 1);
    *out = (uint16_t)tuple;
    return true;
}

static bool tuples_find(rollup *r, const dbk_rollup_rows *rows, uint16_t *tuples)
{
    uint32_t last[DBK_ROLLUP_DIMS_MAX] = {0};
    for (uint32_t i = 0; i < rows->count; i++) {
        uint32_t codes[DBK_ROLLUP_DIMS_MAX];
        bool same = i > 0; // neighbours are often alike
        for (int d = 0; d < r->shape.dims_count; d++) {
            const uint32_t *column = rows->codes[r->shape.dims[d]];
            codes[d] = column ? column[i] : 0;
            same &= codes[d] == last[d];
            last[d] = codes[d];
        }
        if (same)
            tuples[i] = tuples[i - 1];
        else if (!tuple_find(r, codes, &tuples[i]))
            return false;
    }
    return true;
}

// ---- Cells ----

// Finds each row's cell, made when it is missing, and counts the row. False when memory is out.
static bool cells_find(dbk_rollups *rollups, rollup *r, dbk_grain grain, uint32_t n, int sign)
{
    dbk_cube *cube = &r->view.cubes[grain];
    const buckets *b = &rollups->grains[grain];
    for (uint32_t i = 0; i < b->count; i++) {
        rollups->places[i] = dbk_cube_own(cube, rollups->versions, b->list[i].number);
        if (!rollups->places[i])
            return false;
    }
    // Making room moves a bucket's cells, so it comes before any of them is pointed at.
    for (uint32_t i = 0; i < n; i++)
        if (b->rows[i] != NO_BUCKET && !dbk_cube_reserve(cube, rollups->places[b->rows[i]], rollups->versions,
                                                         rollups->tuples[i], r->shape.columns))
            return false;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t tuple = rollups->tuples[i];
        rollups->cells[i] = rollups->nowhere;
        if (b->rows[i] != NO_BUCKET)
            rollups->cells[i] = dbk_cells_own_page(*rollups->places[b->rows[i]], tuple / DBK_CUBE_PAGE) +
                                tuple % DBK_CUBE_PAGE;
        *rollups->cells[i] += sign;
    }
    return true;
}

// Without a count of values: *gap when a row has none. False when a sum does not fit any more.
static bool add_whole(int64_t *const *cells, uint16_t sum, const int64_t *values, uint32_t n, int sign,
                      bool *gap)
{
    bool over = false;
    for (uint32_t i = 0; i < n; i++) {
        bool is_missing = values[i] == DBK_NULL;
        int64_t *at = &cells[i][sum * DBK_CUBE_PAGE];
        *gap |= is_missing;
        over |= __builtin_add_overflow(*at, is_missing ? 0 : values[i] * sign, at);
    }
    return !over;
}

static bool add_counted(int64_t *const *cells, uint16_t sum, uint16_t count, const int64_t *values,
                        uint32_t n, int sign)
{
    bool over = false;
    for (uint32_t i = 0; i < n; i++) {
        if (values[i] == DBK_NULL)
            continue;
        int64_t *at = &cells[i][sum * DBK_CUBE_PAGE];
        over |= __builtin_add_overflow(*at, values[i] * sign, at);
        cells[i][count * DBK_CUBE_PAGE] += sign;
    }
    return !over;
}

static bool grain_add(dbk_rollups *rollups, rollup *r, dbk_grain grain, const dbk_rollup_rows *rows, int sign)
{
    const dbk_rollup_shape *shape = &r->shape;
    if (!cells_find(rollups, r, grain, rows->count, sign))
        return false;
    for (int m = 0; m < shape->measures_count; m++) {
        const int64_t *values = rows->ints[shape->measures[m]];
        bool gap = !values, fits = true;
        if (values && shape->values[m])
            fits = add_counted(rollups->cells, shape->sums[m], shape->values[m], values, rows->count, sign);
        else if (values)
            fits = add_whole(rollups->cells, shape->sums[m], values, rows->count, sign, &gap);
        if (!fits)
            return false;
        if (gap)
            rollups->gaps |= 1u << shape->measures[m];
    }
    return true;
}

static bool rollup_add(dbk_rollups *rollups, rollup *r, const dbk_rollup_rows *rows, int sign)
{
    const int64_t *times = rows->ints[r->shape.time];
    if (!times) {
        r->view.untimed += sign * (int64_t)rows->count;
        return true;
    }
    for (uint32_t i = 0; i < rows->count; i++) {
        if (times[i] == DBK_NULL) {
            r->view.untimed += sign;
            continue;
        }
        r->view.first_ms = times[i] < r->view.first_ms ? times[i] : r->view.first_ms;
        r->view.last_ms = times[i] > r->view.last_ms ? times[i] : r->view.last_ms;
    }
    if (!tuples_find(r, rows, rollups->tuples))
        return false;
    for (int g = 0; g < DBK_GRAIN_COUNT; g++)
        if (r->view.grains[g] && !grain_add(rollups, r, (dbk_grain)g, rows, sign))
            return false;
    return true;
}

static bool has_grain(const dbk_rollups *rollups, dbk_grain grain)
{
    for (int i = 0; i < rollups->count; i++)
        if (rollups->rollups[i].view.grains[grain])
            return true;
    return false;
}

void dbk_rollups_add(dbk_rollups *rollups, const dbk_rollup_rows *rows, int sign)
{
    int time = -1;
    assert(rows->count <= DBK_VECTOR_ROWS);
    memset(rollups->nowhere, 0, sizeof rollups->nowhere);
    for (int i = 0; i < rollups->count; i++) {
        rollup *r = &rollups->rollups[i];
        // Once for rollups of the same time column.
        for (int g = 0; r->shape.time != time && rows->ints[r->shape.time] && g < DBK_GRAIN_COUNT; g++)
            if (has_grain(rollups, (dbk_grain)g))
                buckets_find(&rollups->grains[g], (dbk_grain)g, rollups->zone, rows->ints[r->shape.time],
                             rows->count);
        time = r->shape.time;
        if (r->view.kept && !rollup_add(rollups, r, rows, sign))
            rollup_give_up(r, rollups->versions);
    }
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
        const int64_t *own = dbk_cells_page(cells, t / DBK_CUBE_PAGE), *other = NULL;
        uint32_t partner = c->partners[t];
        if (!own)
            continue;
        if (others && partner < DBK_TUPLES_MAX)
            other = dbk_cells_page(others, partner / DBK_CUBE_PAGE);
        for (uint32_t column = 0; column < cells->columns; column++) {
            int64_t number = other ? other[column * DBK_CUBE_PAGE + partner % DBK_CUBE_PAGE] : 0;
            c->same &= own[column * DBK_CUBE_PAGE + t % DBK_CUBE_PAGE] == number;
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
