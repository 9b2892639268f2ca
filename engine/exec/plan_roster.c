// SPDX-License-Identifier: Apache-2.0
// Recognising what a roster answers.
#include "engine/exec/plan_roster.h"

#include "engine/table/rollups.h"

#include <string.h>

bool dbk_plan_roster_is(const dbk_plan *plan, int slot, int column)
{
    return slot >= 0 && plan->slots[slot].path.depth == 1 && plan->slots[slot].path.columns[0] == column;
}

typedef struct columns {
    int time, who, dim, measure;
} columns;

static columns columns_of(const dbk_table_def *table, const dbk_roster_def *def)
{
    return (columns){
        dbk_column_find(table, dbk_text_from(def->time)), dbk_column_find(table, dbk_text_from(def->who)),
        dbk_column_find(table, dbk_text_from(def->dim)), dbk_column_find(table, dbk_text_from(def->measure))};
}

static bool has_keys(const dbk_plan *plan, const columns *c, int *who_key, int *dim_key)
{
    *who_key = *dim_key = -1;
    for (int i = 0; i < plan->keys_count; i++) {
        int *key = dbk_plan_roster_is(plan, plan->keys[i].slot, c->who)   ? who_key
                   : dbk_plan_roster_is(plan, plan->keys[i].slot, c->dim) ? dim_key
                                                                          : NULL;
        if (!key || *key >= 0)
            return false;
        *key = i;
    }
    return *who_key >= 0;
}

static bool has_filters(const dbk_plan *plan, const columns *c)
{
    for (int i = plan->range_slot >= 0; i < plan->filters_count; i++)
        if (plan->filters[i].form == DBK_FORM_NOTHING ||
            !(dbk_plan_roster_is(plan, plan->filters[i].slot, c->who) ||
              dbk_plan_roster_is(plan, plan->filters[i].slot, c->dim)))
            return false;
    return plan->range_slot < 0 ||
           (dbk_plan_roster_is(plan, plan->range_slot, c->time) && plan->range_lo <= plan->range_hi);
}

static bool has_aggregates(const dbk_plan *plan, const columns *c)
{
    for (int i = 0; i < plan->query->aggregates_count; i++) {
        const dbk_bound_aggregate *aggregate = &plan->aggregates[i];
        bool of_measure = aggregate->kind == DBK_SUM || aggregate->kind == DBK_AVERAGE ||
                          aggregate->kind == DBK_COUNT_VALUES;
        if (aggregate->kind != DBK_COUNT_ROWS &&
            !(of_measure && dbk_plan_roster_is(plan, aggregate->state, c->measure)) &&
            !(aggregate->kind == DBK_MAX && dbk_plan_roster_is(plan, aggregate->state, c->time)))
            return false;
    }
    return true;
}

// The months of the range; what lies before the first row or behind the last does not count. False: an end
// cuts a month that has rows.
static bool has_months(const dbk_plan *plan, dbk_plan_roster *out)
{
    const dbk_roster_view *view = out->view;
    int64_t start, end, lo = plan->range_slot < 0 ? INT64_MIN : plan->range_lo,
                        hi = plan->range_slot < 0 ? INT64_MAX : plan->range_hi; // inclusive
    out->first = 1;
    out->last = 0;
    if (view->first_ms > view->last_ms || lo > view->last_ms || hi < view->first_ms)
        return true;
    lo = lo < view->first_ms ? view->first_ms : lo;
    hi = hi > view->last_ms ? view->last_ms : hi;
    out->first = dbk_rollup_bucket(DBK_GRAIN_MONTH, view->zone, lo, &start, &end);
    if (lo > view->first_ms && lo != start)
        return false;
    out->last = dbk_rollup_bucket(DBK_GRAIN_MONTH, view->zone, hi, &start, &end);
    return hi == view->last_ms || hi + 1 == end;
}

// Where the order begins with the largest of one figure and a limit follows, only those can be among the
// first.
static void choose_most(const dbk_plan *plan, dbk_plan_roster *out)
{
    const dbk_query *q = plan->query;
    int output = q->order_count > 0 ? q->order[0].output - plan->keys_count - q->fields_count : -1;
    out->most = 0;
    if (q->limit <= 0 || q->after_count > 0 || output < 0 || !q->order[0].descending)
        return;
    dbk_aggregate_kind kind = plan->aggregates[output].kind;
    if (kind != DBK_COUNT_ROWS && kind != DBK_SUM && kind != DBK_COUNT_VALUES)
        return;
    out->figure = kind == DBK_SUM ? DBK_ROSTER_SUM : DBK_ROSTER_ROWS;
    out->most = (uint64_t)q->limit;
}

static uint64_t count_cells(const dbk_plan_roster *roster)
{
    const dbk_roster_entries *entries = roster->view->entries;
    uint64_t cells = roster->view->logged;
    for (uint32_t i = 0; entries && i < entries->count; i++) {
        const dbk_roster_entry *entry = &entries->list[i];
        if (entry->first == entry->last && entry->first >= roster->first && entry->first <= roster->last)
            cells += (entry->run ? entry->run->cells : 0) + (entry->changes ? entry->changes->cells : 0);
    }
    return cells;
}

dbk_status dbk_plan_roster_choose(dbk_plan *plan, dbk_error *err)
{
    const dbk_roster_def *def = plan->view ? dbk_roster_def_of(plan->table->id) : NULL;
    if (!def || !plan->is_group || plan->query->from_rows)
        return DBK_OK;
    columns c = columns_of(plan->table, def);
    dbk_plan_roster found = {.view = dbk_view_roster(plan->view)};
    if (!has_keys(plan, &c, &found.who_key, &found.dim_key) || !has_filters(plan, &c) ||
        !has_aggregates(plan, &c))
        return DBK_OK;
    if (!found.view) {
        dbk_view_roster_wish(plan->view);
        return DBK_OK;
    }
    if (!has_months(plan, &found))
        return DBK_OK;
    choose_most(plan, &found);
    found.cells = count_cells(&found);
    if (found.most > found.cells) // there are no more, and all are wanted
        found.most = 0;
    dbk_plan_roster *roster = dbk_arena_alloc(&plan->arena, sizeof *roster);
    if (!roster)
        return dbk_exec_no_memory(err);
    *roster = found;
    plan->roster = roster;
    return DBK_OK;
}
