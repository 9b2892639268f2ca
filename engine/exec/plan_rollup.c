// SPDX-License-Identifier: Apache-2.0
// Cutting a range into buckets that are kept costs a few calendar computations for each bucket of the answer,
// none for the buckets between two ends: those are a range of numbers.
#include "engine/exec/plan_rollup.h"

#include <string.h>

// More buckets than this are not worth cutting; in less time than this no month, or day, is looked for.
enum { BUCKETS_MAX = 1 << 17, SHORTEST_MONTH_DAYS = 27, SHORTEST_DAY_HOURS = 20 };

// ---- Does it have what is asked for? ----

static int index_of(const int *columns, int count, const dbk_slot_def *slot)
{
    for (int i = 0; slot->path.depth == 1 && i < count; i++)
        if (columns[i] == slot->path.columns[0])
            return i;
    return -1;
}

int dbk_plan_rollup_dim(const dbk_plan *plan, const dbk_rollup_view *view, int slot)
{
    return index_of(view->shape->dims, view->shape->dims_count, &plan->slots[slot]);
}

int dbk_plan_rollup_measure(const dbk_plan *plan, const dbk_rollup_view *view, int slot)
{
    return index_of(view->shape->measures, view->shape->measures_count, &plan->slots[slot]);
}

static bool is_time(const dbk_plan *plan, const dbk_rollup_view *view, int slot)
{
    return index_of(&view->shape->time, 1, &plan->slots[slot]) == 0;
}

static bool has_range(const dbk_plan *plan, const dbk_rollup_view *view)
{
    if (plan->range_slot < 0)
        return view->untimed == 0;
    return is_time(plan, view, plan->range_slot) && plan->range_lo <= plan->range_hi;
}

static bool has_filters(const dbk_plan *plan, const dbk_rollup_view *view)
{
    for (int i = plan->range_slot >= 0; i < plan->filters_count; i++)
        if (plan->filters[i].form == DBK_FORM_NOTHING ||
            dbk_plan_rollup_dim(plan, view, plan->filters[i].slot) < 0)
            return false;
    return true;
}

static bool has_keys(const dbk_plan *plan, const dbk_rollup_view *view, int *bucket_key)
{
    *bucket_key = -1;
    for (int i = 0; i < plan->keys_count; i++) {
        const dbk_key *key = &plan->keys[i];
        if (!key->bucket && dbk_plan_rollup_dim(plan, view, key->slot) >= 0)
            continue;
        if (!key->bucket || *bucket_key >= 0 || !is_time(plan, view, key->slot) ||
            key->bucket->unit == DBK_UNIT_MINUTE || key->bucket->unit == DBK_UNIT_HOUR_OF_DAY)
            return false;
        *bucket_key = i;
    }
    return true;
}

static bool has_aggregates(const dbk_plan *plan, const dbk_rollup_view *view)
{
    for (int i = 0; i < plan->query->aggregates_count; i++) {
        const dbk_bound_aggregate *aggregate = &plan->aggregates[i];
        bool kept = aggregate->kind == DBK_COUNT_VALUES || aggregate->kind == DBK_SUM ||
                    aggregate->kind == DBK_AVERAGE;
        if (aggregate->kind != DBK_COUNT_ROWS &&
            (!kept || dbk_plan_rollup_measure(plan, view, aggregate->state) < 0))
            return false;
    }
    return true;
}

// ---- Cutting ----

typedef struct cut {
    dbk_plan *plan;
    dbk_plan_rollup *out;
    size_t capacity;
    dbk_rollup_piece piece; // the answer's bucket that is being cut
    bool failed;            // no memory
} cut;

// [start, end) lies in no bucket that is kept. Only the ends of the range may be so.
static bool leave(cut *c, int64_t start, int64_t end)
{
    if (start == c->out->from) {
        c->out->from = end;
        return true;
    }
    c->out->to = start;
    return end == c->out->hi;
}

static bool take(cut *c, dbk_grain grain, int32_t first, int32_t last)
{
    dbk_plan_rollup *out = c->out;
    if (out->pieces_count == c->capacity) {
        size_t capacity = c->capacity ? 2 * c->capacity : 64;
        dbk_rollup_piece *more = dbk_arena_alloc(&c->plan->arena, capacity * sizeof *more);
        if (!more) {
            c->failed = true;
            return false;
        }
        if (out->pieces_count)
            memcpy(more, out->pieces, out->pieces_count * sizeof *more);
        out->pieces = more;
        c->capacity = capacity;
    }
    dbk_rollup_piece *piece = &out->pieces[out->pieces_count++];
    *piece = c->piece;
    piece->grain = grain;
    piece->first = first;
    piece->last = last;
    return true;
}

static bool is_long_enough(dbk_grain grain, int64_t start, int64_t end)
{
    int64_t least = grain == DBK_GRAIN_MONTH ? (int64_t)SHORTEST_MONTH_DAYS * DBK_MS_DAY
                    : grain == DBK_GRAIN_DAY ? SHORTEST_DAY_HOURS * DBK_MS_HOUR
                                             : DBK_MS_HOUR;
    return (dbk_u128)((dbk_i128)end - start) >= (dbk_u128)least;
}

// Cuts [start, end) into buckets of this grain and finer ones.
static bool cut_into(cut *c, int grain, int64_t start, int64_t end)
{
    const dbk_rollup_view *view = c->out->view;
    if (start >= end)
        return true;
    while (grain >= 0 && (!view->grains[grain] || !is_long_enough((dbk_grain)grain, start, end)))
        grain--;
    if (grain < 0)
        return leave(c, start, end);
    // The whole buckets between start and end are those of [a, b).
    int64_t a, b, begin, next;
    int32_t first = dbk_rollup_bucket((dbk_grain)grain, view->zone, start, &begin, &next), last = first;
    a = begin == start ? start : next;
    first += begin != start;
    b = next;
    if (next != end) {
        last = dbk_rollup_bucket((dbk_grain)grain, view->zone, end - 1, &begin, &next);
        b = next == end ? end : begin;
        last -= next != end;
    }
    if (a >= b)
        return cut_into(c, grain - 1, start, end);
    return cut_into(c, grain - 1, start, a) && take(c, (dbk_grain)grain, first, last) &&
           cut_into(c, grain - 1, b, end);
}

// [lo, hi) with all rows of the range, ends moved outwards where there are no rows. False: no row is in it.
static bool bounds(const dbk_plan *plan, dbk_plan_rollup *out)
{
    const dbk_rollup_view *view = out->view;
    int64_t start, end;
    out->lo = plan->range_slot < 0 ? INT64_MIN : plan->range_lo;
    out->hi = plan->range_slot < 0 || plan->range_hi == INT64_MAX ? INT64_MAX : plan->range_hi + 1;
    if (view->first_ms > view->last_ms || out->lo > view->last_ms || out->hi <= view->first_ms)
        return false;
    dbk_rollup_bucket(DBK_GRAIN_MONTH, view->zone, view->first_ms, &start, &end);
    if (out->lo <= view->first_ms)
        out->lo = start;
    dbk_rollup_bucket(DBK_GRAIN_MONTH, view->zone, view->last_ms, &start, &end);
    if (out->hi > view->last_ms)
        out->hi = end;
    return true;
}

// Each bucket of the answer is one that is kept, and its number the walk's.
static bool is_kept_day(const dbk_rollup_view *view, const dbk_bucket *bucket)
{
    return bucket->unit == DBK_UNIT_DAY && bucket->day_start_minutes == 0 && bucket->zone == view->zone &&
           view->grains[DBK_GRAIN_DAY];
}

static bool cut_all(cut *c)
{
    dbk_plan_rollup *out = c->out;
    const dbk_bucket *bucket = out->bucket_key < 0 ? NULL : c->plan->keys[out->bucket_key].bucket;
    if (!bucket)
        return cut_into(c, DBK_GRAIN_MONTH, out->lo, out->hi);
    const bool are_kept = is_kept_day(out->view, bucket);
    dbk_bucket_walk walk = dbk_bucket_walk_begin(bucket, out->lo);
    for (int64_t at = out->lo, end; at < out->hi; at = end, c->piece.ordinal++) {
        // Where not even the second bucket can be had, none can.
        if (c->piece.ordinal == BUCKETS_MAX || (c->piece.ordinal == 2 && out->pieces_count == 0))
            return false;
        c->piece.start = walk.start;
        end = walk.end < out->hi ? walk.end : out->hi;
        bool is_whole =
            are_kept && at == walk.start && end == walk.end && is_long_enough(DBK_GRAIN_DAY, at, end);
        if (!(is_whole ? take(c, DBK_GRAIN_DAY, walk.day, walk.day) : cut_into(c, DBK_GRAIN_MONTH, at, end)))
            return false;
        if (end < out->hi)
            dbk_bucket_walk_next(&walk);
    }
    return true;
}

// ---- The choice ----

static dbk_status try(dbk_plan *plan, const dbk_rollup_view *view, dbk_plan_rollup **best, dbk_error *err)
{
    int bucket_key;
    if (!view->kept || !has_range(plan, view) || !has_filters(plan, view) ||
        !has_keys(plan, view, &bucket_key) || !has_aggregates(plan, view))
        return DBK_OK;
    dbk_plan_rollup *out = dbk_arena_zalloc(&plan->arena, sizeof *out);
    if (!out)
        return dbk_exec_no_memory(err);
    *out = (dbk_plan_rollup){.view = view, .bucket_key = bucket_key};
    if (!bounds(plan, out)) {
        *best = out;
        out->lo = out->hi = out->from = out->to = 0;
        return DBK_OK;
    }
    out->from = out->lo;
    out->to = out->hi;
    cut c = {.plan = plan, .out = out};
    bool whole = cut_all(&c);
    if (c.failed)
        return dbk_exec_no_memory(err);
    if (!whole || out->pieces_count == 0)
        return DBK_OK;
    // The larger what it has, the less is left.
    if (!*best ||
        (dbk_u128)((dbk_i128)out->to - out->from) > (dbk_u128)((dbk_i128)(*best)->to - (*best)->from))
        *best = out;
    return DBK_OK;
}

// Where a rollup counts no values apart, no row is without, and it has all rows that can be met.
static void prove_values(dbk_plan *plan, const dbk_rollup_view *view)
{
    for (int i = 0; i < plan->slots_count; i++) {
        int measure = dbk_plan_rollup_measure(plan, view, i);
        if (measure >= 0 && view->shape->values[measure] == 0)
            plan->slots[i].never_null = true;
    }
}

dbk_status dbk_plan_rollup_choose(dbk_plan *plan, dbk_error *err)
{
    const dbk_rollups_view *rollups = plan->view ? dbk_view_rollups(plan->view) : NULL;
    dbk_plan_rollup *best = NULL;
    if (!rollups || !plan->is_group || plan->query->from_rows)
        return DBK_OK;
    for (int i = 0; i < rollups->count && !(best && !dbk_plan_rollup_has_rest(best)); i++)
        DBK_TRY(try(plan, &rollups->rollups[i], &best, err));
    plan->rollup = best;
    if (best)
        prove_values(plan, best->view);
    if (best && dbk_plan_rollup_has_rest(best)) {
        // A range without ends leaves rows only where a bucket key cuts through what is kept.
        int slot = plan->range_slot >= 0 ? plan->range_slot : plan->keys[best->bucket_key].slot;
        plan->filters[plan->filters_count++] = (dbk_bound_filter){
            .form = DBK_FORM_INT_OUTSIDE, .slot = slot, .lo = best->from, .hi = best->to - 1};
    }
    return DBK_OK;
}
