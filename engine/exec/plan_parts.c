// SPDX-License-Identifier: Apache-2.0
// Parts are judged by their statistics alone: no value of a column is read here.
#include "engine/exec/plan_parts.h"

#include "engine/exec/points.h"

#include <stdlib.h>

// ---- Rows named by their keys ----

static dbk_status find_points(dbk_plan *plan, const dbk_filter *filter, dbk_error *err)
{
    plan->has_points = true;
    plan->points = dbk_arena_alloc(&plan->arena, ((size_t)filter->values_count + 1) * sizeof *plan->points);
    if (!plan->points)
        return dbk_exec_no_memory(err);
    return dbk_points_find(plan->tenant, plan->view, plan->table, filter, plan->points, &plan->points_count,
                           err);
}

static dbk_status use_key(dbk_plan *plan, dbk_error *err)
{
    if (!plan->view)
        return DBK_OK;
    for (int i = 0; i < plan->query->filters_count; i++) {
        const dbk_filter *filter = &plan->query->filters[i];
        if (dbk_points_named(plan->table, filter)) {
            // What was found by its key needs no comparison any more. Filters still stand as they were bound:
            // the time range's first.
            int bound = i + (plan->range_slot >= 0);
            plan->filters[bound] = plan->filters[--plan->filters_count];
            return find_points(plan, filter, err);
        }
    }
    return DBK_OK;
}

// ---- Parts ----

typedef struct ranked_part {
    int64_t rank; // smaller is visited earlier
    uint32_t part;
} ranked_part;

static int by_rank(const void *a, const void *b)
{
    const ranked_part *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return (x->part > y->part) - (x->part < y->part);
}

static bool can_match(const dbk_plan *plan, const dbk_part *part)
{
    if (dbk_part_rows(part) == dbk_part_dead_rows(part))
        return false;
    for (int i = 0; i < plan->filters_count; i++) {
        dbk_zone_map zone;
        if (plan->filters[i].form == DBK_FORM_NOTHING)
            return false;
        if (dbk_plan_zone_map(plan, part, plan->filters[i].slot, &zone) &&
            dbk_filter_judge(&plan->filters[i], &zone) == DBK_NEVER)
            return false;
    }
    return true;
}

static bool has_point(const dbk_plan *plan, uint32_t part)
{
    for (size_t i = 0; i < plan->points_count; i++)
        if (plan->points[i].part == part)
            return true;
    return false;
}

// The order in which the best rows are met first, so that the rest can be skipped: parts whose values of the
// first order column begin farthest ahead. Hot rows, of which nothing is known, come first.
static int64_t part_rank(const dbk_plan *plan, const dbk_part *part)
{
    dbk_zone_map zone;
    const dbk_query *q = plan->query;
    if (plan->is_group || q->order_count == 0 || q->limit == 0 ||
        !dbk_type_is_int(plan->slots[plan->order_slots[0]].type))
        return 0;
    if (!dbk_plan_zone_map(plan, part, plan->order_slots[0], &zone))
        return INT64_MIN;
    if (q->order[0].descending)
        return zone.max == INT64_MIN ? INT64_MAX : -zone.max;
    return zone.nulls ? INT64_MIN + 1 : zone.min;
}

static dbk_status choose_parts(dbk_plan *plan, dbk_error *err)
{
    plan->parts_total = plan->view ? dbk_view_parts(plan->view) : 0;
    plan->parts = dbk_arena_alloc(&plan->arena, (plan->parts_total + 1) * sizeof *plan->parts);
    ranked_part *ranked = dbk_arena_alloc(&plan->arena, (plan->parts_total + 1) * sizeof *ranked);
    if (!plan->parts || !ranked)
        return dbk_exec_no_memory(err);
    for (uint32_t i = 0; i < plan->parts_total; i++) {
        const dbk_part *part = dbk_view_part(plan->view, i);
        if (!can_match(plan, part) || (plan->has_points && !has_point(plan, i)))
            continue;
        ranked[plan->parts_count++] = (ranked_part){part_rank(plan, part), i};
        plan->rows_estimate += dbk_part_rows(part) - dbk_part_dead_rows(part);
    }
    qsort(ranked, plan->parts_count, sizeof *ranked, by_rank);
    for (size_t i = 0; i < plan->parts_count; i++)
        plan->parts[i] = ranked[i].part;
    if (plan->has_points)
        plan->rows_estimate = plan->points_count;
    return DBK_OK;
}

// Required columns have values in every row that was taken in; segments written before a column existed say
// so in their zone maps.
static void prove_values(dbk_plan *plan)
{
    for (int i = 0; i < plan->slots_count; i++) {
        dbk_slot_def *slot = &plan->slots[i];
        if (slot->path.depth > 1 || !(dbk_path_end(&slot->path)->flags & DBK_REQUIRED) ||
            slot->type == DBK_TEXT)
            continue;
        slot->never_null = true;
        for (size_t p = 0; p < plan->parts_count && slot->never_null; p++) {
            dbk_zone_map zone;
            if (dbk_plan_zone_map(plan, dbk_view_part(plan->view, plan->parts[p]), i, &zone))
                slot->never_null = zone.nulls == 0;
        }
    }
}

// ---- The whole ----

static int by_cost(const void *a, const void *b)
{
    const dbk_bound_filter *x = a, *y = b;
    return x->cost - y->cost;
}

dbk_status dbk_plan_parts(dbk_plan *plan, dbk_error *err)
{
    DBK_TRY(use_key(plan, err));
    qsort(plan->filters, (size_t)plan->filters_count, sizeof *plan->filters, by_cost);
    DBK_TRY(choose_parts(plan, err));
    prove_values(plan);
    return DBK_OK;
}
