// SPDX-License-Identifier: Apache-2.0
// Rows to tuples, times to buckets, values to cells. Rows that follow one another mostly share their buckets
// of every grain, so each run of such rows is added up by tuple first, and what it came to is added to a cell
// of each grain: the cost of a row does not grow with the grains.
#include "engine/table/rollup_state.h"

#include <assert.h>
#include <string.h>

enum { BUCKETS_LOOKED_AT = 8 }; // of those met last, before the calendar is asked

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

static uint16_t bucket_find(dbk_rollup_buckets *b, dbk_grain grain, const dbk_zone *zone, int64_t ms)
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

static bool is_in_first(const dbk_rollup_buckets *b, int64_t ms)
{
    return ms >= b->list[0].start && (ms < b->list[0].end || b->list[0].end == INT64_MAX);
}

// Rows come mostly in the order of their times, and all of them in a bucket or two.
static void buckets_find(dbk_rollups *rollups, dbk_grain grain, const int64_t *times, uint32_t n)
{
    dbk_rollup_buckets *b = &rollups->grains[grain];
    int64_t start = INT64_MAX, end = INT64_MIN;
    uint16_t last = DBK_NO_BUCKET;
    b->count = 0;
    b->is_one = false;
    if (rollups->untimed == 0) {
        (void)bucket_find(b, grain, rollups->zone, rollups->first_ms);
        b->is_one = is_in_first(b, rollups->last_ms);
        b->count = b->is_one; // otherwise the rows say anew which there are: as many as rows, at the most
    }
    for (uint32_t i = 0; i < n && !b->is_one; i++) {
        if (times[i] == DBK_NULL) {
            b->rows[i] = DBK_NO_BUCKET;
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
static bool tuple_find(dbk_rollup *r, const uint32_t codes[DBK_ROLLUP_DIMS_MAX], uint16_t *out)
{
    int dims = r->shape.dims_count;
    uint64_t hash = 0;
    for (int d = 0; d < dims; d++)
        hash = (hash ^ codes[d]) * 0x9e3779b97f4a7c15u;
    uint32_t at = (uint32_t)(hash >> 40) & (DBK_TUPLE_SLOTS - 1);
    for (; r->slots[at]; at = (at + 1) & (DBK_TUPLE_SLOTS - 1)) {
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

_Static_assert(DBK_ROLLUP_DIMS_MAX * 16 <= 64, "the codes of a tuple fit one number");

// Writes each row's codes in 16 bits a dimension; false when some are larger.
static bool codes_pack(const dbk_rollup *r, const dbk_rollup_rows *rows, uint64_t packed[DBK_VECTOR_ROWS])
{
    uint32_t all = 0;
    memset(packed, 0, rows->count * sizeof *packed);
    for (int d = 0; d < r->shape.dims_count; d++) {
        const uint32_t *codes = rows->codes[r->shape.dims[d]];
        for (uint32_t i = 0; codes && i < rows->count; i++) {
            all |= codes[i];
            packed[i] |= (uint64_t)codes[i] << (16 * d);
        }
    }
    return all <= UINT16_MAX;
}

static bool tuple_find_row(dbk_rollup *r, const dbk_rollup_rows *rows, uint32_t row, uint16_t *out)
{
    uint32_t codes[DBK_ROLLUP_DIMS_MAX];
    for (int d = 0; d < r->shape.dims_count; d++) {
        const uint32_t *column = rows->codes[r->shape.dims[d]];
        codes[d] = column ? column[row] : 0;
    }
    return tuple_find(r, codes, out);
}

static bool tuples_find(dbk_rollup *r, const dbk_rollup_rows *rows, uint16_t *tuples)
{
    uint64_t packed[DBK_VECTOR_ROWS];
    bool is_packed = codes_pack(r, rows, packed);
    for (uint32_t i = 0; i < rows->count; i++) {
        uint32_t at = is_packed ? (uint32_t)(packed[i] * 0x9e3779b97f4a7c15u >> 56) : 0;
        if (is_packed && r->recent[at].tuple && r->recent[at].codes == packed[i]) {
            tuples[i] = (uint16_t)(r->recent[at].tuple - 1);
            continue;
        }
        if (!tuple_find_row(r, rows, i, &tuples[i]))
            return false;
        if (is_packed) {
            r->recent[at].codes = packed[i];
            r->recent[at].tuple = (uint16_t)(tuples[i] + 1);
        }
    }
    return true;
}

// ---- Runs ----

// Where the run of rows that begins at `from` and shares its buckets of every grain that is kept ends.
static uint32_t run_end(const dbk_rollups *rollups, const dbk_rollup *r, uint32_t from, uint32_t n)
{
    uint32_t end = n;
    for (int g = 0; g < DBK_GRAIN_COUNT; g++) {
        const dbk_rollup_buckets *b = &rollups->grains[g];
        if (!r->view.grains[g] || b->is_one)
            continue;
        uint32_t at = from + 1;
        while (at < end && b->rows[at] == b->rows[from])
            at++;
        end = at;
    }
    return end;
}

static void run_count(dbk_rollup_run *run, const uint16_t *tuples, uint32_t n)
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
static bool run_gather(dbk_rollups *rollups, const dbk_rollup *r, const dbk_rollup_rows *rows, uint32_t from,
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

static void run_clear(dbk_rollup_run *run, const dbk_rollup_shape *shape)
{
    for (uint32_t c = 0; c < shape->columns; c++)
        for (uint32_t i = 0; i < run->count; i++)
            run->columns[c][run->tuples[i]] = 0;
}

// ---- Cells ----

// Adds the run to its bucket of the grain. False when memory is out or a sum does not fit any more.
static bool run_add(dbk_rollups *rollups, dbk_rollup *r, dbk_grain grain, dbk_cells **place, int sign)
{
    const dbk_rollup_run *run = &rollups->run;
    for (uint32_t i = 0; i < run->count; i++) {
        uint32_t tuple = run->tuples[i];
        if (!dbk_cube_add(&r->view.cubes[grain], place, rollups->versions, tuple, &run->columns[0][tuple],
                          DBK_TUPLES_MAX, r->shape.columns, sign))
            return false;
    }
    return true;
}

static bool places_find(dbk_rollups *rollups, dbk_rollup *r, dbk_grain grain)
{
    const dbk_rollup_buckets *b = &rollups->grains[grain];
    for (uint32_t i = 0; i < b->count; i++) {
        rollups->places[grain][i] = dbk_cube_own(&r->view.cubes[grain], rollups->versions, b->list[i].number);
        if (!rollups->places[grain][i])
            return false;
    }
    return true;
}

static bool rows_add(dbk_rollups *rollups, dbk_rollup *r, const dbk_rollup_rows *rows, int sign)
{
    for (int g = 0; g < DBK_GRAIN_COUNT; g++)
        if (r->view.grains[g] && !places_find(rollups, r, (dbk_grain)g))
            return false;
    bool ok = true;
    for (uint32_t from = 0, end; ok && from < rows->count; from = end) {
        end = run_end(rollups, r, from, rows->count);
        ok = run_gather(rollups, r, rows, from, end - from);
        for (int g = 0; ok && g < DBK_GRAIN_COUNT; g++) {
            const dbk_rollup_buckets *b = &rollups->grains[g];
            uint16_t bucket = b->is_one ? 0 : b->rows[from];
            if (r->view.grains[g] && bucket != DBK_NO_BUCKET)
                ok = run_add(rollups, r, (dbk_grain)g, rollups->places[g][bucket], sign);
        }
        run_clear(&rollups->run, &r->shape);
    }
    return ok;
}

static bool rollup_add(dbk_rollups *rollups, dbk_rollup *r, const dbk_rollup_rows *rows, int sign)
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
        dbk_rollup *r = &rollups->rollups[i];
        const int64_t *times = rows->ints[r->shape.time];
        if (r->shape.time != time && times) { // once for rollups of the same time column
            times_look(rollups, times, rows->count);
            for (int g = 0; g < DBK_GRAIN_COUNT; g++)
                if (has_grain(rollups, (dbk_grain)g))
                    buckets_find(rollups, (dbk_grain)g, times, rows->count);
        }
        time = r->shape.time;
        if (r->view.kept && !rollup_add(rollups, r, rows, sign))
            dbk_rollup_give_up(r, rollups->versions);
    }
}

// ---- Merging ----

typedef struct merge {
    dbk_rollups *into;
    dbk_rollup *r;
    dbk_grain grain;
    uint32_t tuples_count; // of the other's, and what they are here
    uint16_t tuples[DBK_TUPLES_MAX];
    bool ok;
} merge;

static void bucket_merge(void *user, int32_t bucket, const dbk_cells *cells)
{
    merge *m = user;
    dbk_cells **place = m->ok ? dbk_cube_own(&m->r->view.cubes[m->grain], m->into->versions, bucket) : NULL;
    m->ok = place != NULL;
    for (uint32_t t = 0; m->ok && t < m->tuples_count; t++) {
        const void *page = dbk_cells_page(cells, t / DBK_CUBE_PAGE);
        if (!page) {
            t |= DBK_CUBE_PAGE - 1;
            continue;
        }
        if (dbk_cells_number(cells, page, 0, t) == 0) // so no rows, and none of their sums
            continue;
        int64_t numbers[DBK_ROLLUP_COLUMNS_MAX];
        for (uint32_t c = 0; c < m->r->shape.columns; c++)
            numbers[c] = dbk_cells_number(cells, page, c, t);
        m->ok = dbk_cube_add(&m->r->view.cubes[m->grain], place, m->into->versions, m->tuples[t], numbers, 1,
                             m->r->shape.columns, 1);
    }
}

static bool rollup_merge(dbk_rollups *into, dbk_rollup *r, const dbk_rollup *from)
{
    merge m = {.into = into, .r = r, .tuples_count = from->view.tuples_count, .ok = from->view.kept};
    for (uint32_t t = 0; m.ok && t < m.tuples_count; t++) {
        uint32_t codes[DBK_ROLLUP_DIMS_MAX];
        for (int d = 0; d < r->shape.dims_count; d++)
            codes[d] = from->tuples->codes[d][t];
        m.ok = tuple_find(r, codes, &m.tuples[t]);
    }
    for (int g = 0; m.ok && g < DBK_GRAIN_COUNT; g++) {
        m.grain = (dbk_grain)g;
        if (r->view.grains[g])
            dbk_cube_walk(&from->view.cubes[g], INT32_MIN, INT32_MAX, bucket_merge, &m);
    }
    r->view.untimed += from->view.untimed;
    r->view.first_ms = from->view.first_ms < r->view.first_ms ? from->view.first_ms : r->view.first_ms;
    r->view.last_ms = from->view.last_ms > r->view.last_ms ? from->view.last_ms : r->view.last_ms;
    return m.ok;
}

void dbk_rollups_merge(dbk_rollups *into, const dbk_rollups *from)
{
    into->gaps |= from->gaps;
    for (int i = 0; i < into->count; i++) {
        dbk_rollup *r = &into->rollups[i];
        if (r->view.kept && !rollup_merge(into, r, &from->rollups[i]))
            dbk_rollup_give_up(r, into->versions);
    }
}
