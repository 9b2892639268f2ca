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
    bool is_one; // every row is in list[0]; `rows` is not filled
    uint32_t count;
    struct {
        int64_t start, end;
        int32_t number;
    } list[DBK_VECTOR_ROWS];
    uint16_t rows[DBK_VECTOR_ROWS]; // index in the list, NO_BUCKET for a row without time
} buckets;

// What a run of rows that share their buckets adds up to, by tuple; zero but for the tuples that are listed.
typedef struct row_run {
    uint32_t count;
    uint16_t tuples[DBK_VECTOR_ROWS];
    int64_t columns[DBK_ROLLUP_COLUMNS_MAX][DBK_TUPLES_MAX]; // as in the cells
} row_run;

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
    int64_t first_ms, last_ms; // of their times; first_ms > last_ms: there is none
    uint32_t untimed;
    uint16_t tuples[DBK_VECTOR_ROWS];
    dbk_cells **places[DBK_GRAIN_COUNT][DBK_VECTOR_ROWS]; // by bucket
    row_run run;
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

static bool is_in_first(const buckets *b, int64_t ms)
{
    return ms >= b->list[0].start && (ms < b->list[0].end || b->list[0].end == INT64_MAX);
}

// Rows come mostly in the order of their times, and all of them in a bucket or two.
static void buckets_find(dbk_rollups *rollups, dbk_grain grain, const int64_t *times, uint32_t n)
{
    buckets *b = &rollups->grains[grain];
    int64_t start = INT64_MAX, end = INT64_MIN;
    uint16_t last = NO_BUCKET;
    b->count = 0;
    b->is_one = false;
    if (rollups->untimed == 0) {
        (void)bucket_find(b, grain, rollups->zone, rollups->first_ms);
        b->is_one = is_in_first(b, rollups->last_ms);
    }
    for (uint32_t i = 0; i < n && !b->is_one; i++) {
        if (times[i] == DBK_NULL) {
            b->rows[i] = NO_BUCKET;
            continue;
        }
        if (times[i] < start || times[i] >= end) {
            last = bucket_find(b, grain, rollups->zone, times[i]);
            start = b->list[last].start;
            end = b->list[last].end;
        }
        b->rows[i] = last;
    }
}

static void times_look(dbk_rollups *rollups, const int64_t *times, uint32_t n)
{
    int64_t first = INT64_MAX, last = INT64_MIN;
    uint32_t untimed = 0;
    for (uint32_t i = 0; i < n; i++) {
        bool is_timed = times[i] != DBK_NULL; // which is the least there is, so it never is the last
        first = is_timed && times[i] < first ? times[i] : first;
        last = times[i] > last ? times[i] : last;
        untimed += !is_timed;
    }
    rollups->first_ms = first;
    rollups->last_ms = last;
    rollups->untimed = untimed;
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

// ---- Runs ----

// Where the run of rows that begins at `from` and shares its buckets of every grain that is kept ends.
static uint32_t run_end(const dbk_rollups *rollups, const rollup *r, uint32_t from, uint32_t n)
{
    uint32_t end = n;
    for (int g = 0; g < DBK_GRAIN_COUNT; g++) {
        const buckets *b = &rollups->grains[g];
        if (!r->view.grains[g] || b->is_one)
            continue;
        uint32_t at = from + 1;
        while (at < end && b->rows[at] == b->rows[from])
            at++;
        end = at;
    }
    return end;
}

static void run_count(row_run *run, const uint16_t *tuples, uint32_t n)
{
    run->count = 0;
    for (uint32_t i = 0; i < n; i++) {
        run->tuples[run->count] = tuples[i];
        run->count += run->columns[0][tuples[i]]++ == 0;
    }
}

// *gap when a row has no value. False when a sum does not fit.
static bool run_sum(int64_t *sums, const uint16_t *tuples, const int64_t *values, uint32_t n, bool *gap)
{
    bool over = false, any_missing = false;
    for (uint32_t i = 0; i < n; i++) {
        bool is_missing = values[i] == DBK_NULL;
        any_missing |= is_missing;
        over |= __builtin_add_overflow(sums[tuples[i]], is_missing ? 0 : values[i], &sums[tuples[i]]);
    }
    *gap |= any_missing;
    return !over;
}

static void run_count_values(int64_t *counts, const uint16_t *tuples, const int64_t *values, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        counts[tuples[i]] += values[i] != DBK_NULL;
}

// Adds rows [from, from + n) up. False when a sum does not fit.
static bool run_gather(dbk_rollups *rollups, const rollup *r, const dbk_rollup_rows *rows, uint32_t from,
                       uint32_t n)
{
    const dbk_rollup_shape *shape = &r->shape;
    const uint16_t *tuples = rollups->tuples + from;
    bool fits = true;
    run_count(&rollups->run, tuples, n);
    for (int m = 0; m < shape->measures_count; m++) {
        const int64_t *values = rows->ints[shape->measures[m]];
        bool gap = !values;
        if (values)
            fits &= run_sum(rollups->run.columns[shape->sums[m]], tuples, values + from, n, &gap);
        if (values && shape->values[m])
            run_count_values(rollups->run.columns[shape->values[m]], tuples, values + from, n);
        if (gap)
            rollups->gaps |= 1u << shape->measures[m];
    }
    return fits;
}

static void run_clear(row_run *run, const dbk_rollup_shape *shape)
{
    for (uint32_t c = 0; c < shape->columns; c++)
        for (uint32_t i = 0; i < run->count; i++)
            run->columns[c][run->tuples[i]] = 0;
}

// ---- Cells ----

// Adds a cell's numbers, of so many columns that stand `stride` apart, to those of another.
static bool cell_add(int64_t *cell, const int64_t *numbers, size_t stride, uint32_t columns, int sign)
{
    bool over = false;
    for (uint32_t c = 0; c < columns; c++) {
        int64_t *at = &cell[c * DBK_CUBE_PAGE], number = numbers[c * stride];
        over |= sign > 0 ? __builtin_add_overflow(*at, number, at) : __builtin_sub_overflow(*at, number, at);
    }
    return !over;
}

// The cell of a tuple among those of a bucket, made when it is missing; NULL when memory is out.
static int64_t *cell_own(const dbk_rollups *rollups, rollup *r, dbk_grain grain, dbk_cells **place,
                         uint32_t tuple)
{
    if (!dbk_cube_reserve(&r->view.cubes[grain], place, rollups->versions, tuple, r->shape.columns))
        return NULL;
    return dbk_cells_own_page(*place, tuple / DBK_CUBE_PAGE) + tuple % DBK_CUBE_PAGE;
}

// Adds the run to its bucket of the grain. False when memory is out or a sum does not fit any more.
static bool run_add(dbk_rollups *rollups, rollup *r, dbk_grain grain, dbk_cells **place, int sign)
{
    const row_run *run = &rollups->run;
    for (uint32_t i = 0; i < run->count; i++) {
        uint32_t tuple = run->tuples[i];
        int64_t *cell = cell_own(rollups, r, grain, place, tuple);
        if (!cell || !cell_add(cell, &run->columns[0][tuple], DBK_TUPLES_MAX, r->shape.columns, sign))
            return false;
    }
    return true;
}

static bool places_find(dbk_rollups *rollups, rollup *r, dbk_grain grain)
{
    const buckets *b = &rollups->grains[grain];
    for (uint32_t i = 0; i < b->count; i++) {
        rollups->places[grain][i] = dbk_cube_own(&r->view.cubes[grain], rollups->versions, b->list[i].number);
        if (!rollups->places[grain][i])
            return false;
    }
    return true;
}

static bool rows_add(dbk_rollups *rollups, rollup *r, const dbk_rollup_rows *rows, int sign)
{
    for (int g = 0; g < DBK_GRAIN_COUNT; g++)
        if (r->view.grains[g] && !places_find(rollups, r, (dbk_grain)g))
            return false;
    bool ok = true;
    for (uint32_t from = 0, end; ok && from < rows->count; from = end) {
        end = run_end(rollups, r, from, rows->count);
        ok = run_gather(rollups, r, rows, from, end - from);
        for (int g = 0; ok && g < DBK_GRAIN_COUNT; g++) {
            const buckets *b = &rollups->grains[g];
            uint16_t bucket = b->is_one ? 0 : b->rows[from];
            if (r->view.grains[g] && bucket != NO_BUCKET)
                ok = run_add(rollups, r, (dbk_grain)g, rollups->places[g][bucket], sign);
        }
        run_clear(&rollups->run, &r->shape);
    }
    return ok;
}

static bool rollup_add(dbk_rollups *rollups, rollup *r, const dbk_rollup_rows *rows, int sign)
{
    if (!rows->ints[r->shape.time]) {
        r->view.untimed += sign * (int64_t)rows->count;
        return true;
    }
    r->view.untimed += sign * (int64_t)rollups->untimed;
    r->view.first_ms = rollups->first_ms < r->view.first_ms ? rollups->first_ms : r->view.first_ms;
    r->view.last_ms = rollups->last_ms > r->view.last_ms ? rollups->last_ms : r->view.last_ms;
    return tuples_find(r, rows, rollups->tuples) && rows_add(rollups, r, rows, sign);
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
    for (int i = 0; i < rollups->count; i++) {
        rollup *r = &rollups->rollups[i];
        const int64_t *times = rows->ints[r->shape.time];
        if (r->shape.time != time && times) { // once for rollups of the same time column
            times_look(rollups, times, rows->count);
            for (int g = 0; g < DBK_GRAIN_COUNT; g++)
                if (has_grain(rollups, (dbk_grain)g))
                    buckets_find(rollups, (dbk_grain)g, times, rows->count);
        }
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
