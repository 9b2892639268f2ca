// SPDX-License-Identifier: Apache-2.0
// Each thing that is looked at, by what it costs. The numbers are those of docs/PERFORMANCE.md, rounded up.
#include "engine/exec/plan_cost.h"

#include "engine/exec/plan_rollup.h"
#include "engine/exec/plan_roster.h"

// Beyond so many parts rows are counted by parts instead of by vectors: they are many then in any case.
enum { PARTS_BY_VECTORS = 16 };

// Hundredths of a nanosecond a row.
enum {
    ROW = 5,            // walking at all
    COLUMN = 15,        // a packed column decoded or compared
    PATH = 1500,        // one that is reached through a reference
    TEXT = 2500,        // texts decompressed or looked up
    BUCKET = 60,        // runs of a time
    ADD = 12,           // one more aggregate
    ADD_FAR = 200,      // … in groups that leave the caches
    ADD_HASHED = 1500,  // … that a hash table finds
    ADD_BIT = 40,       // of a bitmap of distinct values
    ADD_DISTINCT = 2000 // … of a set of pairs
};
// Nanoseconds.
enum { PART = 60, VECTOR = 15, GROUP = 2, CELL = 40, POINT = 1000, PIECE = 60, TUPLE = 3, ROSTER_CELL = 4 };
static const uint64_t FAR_GROUPS = 1u << 16;

static int64_t column_cost(const dbk_plan *plan, int slot)
{
    const dbk_slot_def *def = &plan->slots[slot];
    return def->path.depth > 1 ? PATH : def->type == DBK_TEXT ? TEXT : COLUMN;
}

static int64_t add_cost(const dbk_plan *plan, int state)
{
    const dbk_state_def *def = &plan->states[state];
    const bool hashed = plan->grouping == DBK_GROUP_HASH;
    if (def->kind == DBK_STATE_DISTINCT)
        return hashed || plan->slots[def->slot].type != DBK_CODE ? ADD_DISTINCT : ADD_BIT;
    return hashed ? ADD_HASHED : plan->dense_groups > FAR_GROUPS && state == 0 ? ADD_FAR : ADD;
}

static int64_t row_cost(const dbk_plan *plan)
{
    int64_t cost = ROW;
    for (int i = 0; i < plan->slots_count; i++)
        if (i != plan->range_slot)
            cost += column_cost(plan, i);
    if (!plan->is_group)
        return cost;
    for (int i = 0; i < plan->keys_count; i++)
        cost += plan->keys[i].bucket ? BUCKET : 0;
    for (int i = 0; i < plan->states_count; i++)
        cost += add_cost(plan, i);
    return cost;
}

// The worst that the filters' zone maps leave of a part, or of a vector of it.
static dbk_verdict judge(const dbk_plan *plan, const dbk_part *part, int64_t vector)
{
    dbk_verdict verdict = DBK_ALWAYS;
    for (int i = 0; i < plan->filters_count && verdict != DBK_NEVER; i++) {
        const dbk_bound_filter *filter = &plan->filters[i];
        dbk_zone_map zone;
        const bool has = vector < 0
                             ? dbk_plan_zone_map(plan, part, filter->slot, &zone)
                             : dbk_plan_vector_zone_map(plan, part, filter->slot, (uint32_t)vector, &zone);
        const dbk_verdict one = has ? dbk_filter_judge(filter, &zone) : DBK_SOMETIMES;
        verdict = one == DBK_NEVER ? one : one == DBK_SOMETIMES ? one : verdict;
    }
    return verdict;
}

// Sums of whole parts are known.
static bool takes_statistics(const dbk_plan *plan, const dbk_part *part)
{
    if (!plan->is_group || plan->keys_count || dbk_part_dead_rows(part))
        return false;
    for (int i = 0; i < plan->states_count; i++) {
        dbk_zone_map zone;
        const int slot = plan->states[i].slot;
        if (plan->states[i].kind == DBK_STATE_DISTINCT ||
            (slot >= 0 && !dbk_plan_zone_map(plan, part, slot, &zone)))
            return false;
    }
    return judge(plan, part, -1) == DBK_ALWAYS;
}

static uint64_t rows_looked_at(const dbk_plan *plan)
{
    uint64_t rows = 0;
    if (plan->has_points)
        return plan->points_count;
    for (size_t p = 0; p < plan->parts_count; p++) {
        const dbk_part *part = dbk_view_part(plan->view, plan->parts[p]);
        const uint32_t all = dbk_part_rows(part);
        if (takes_statistics(plan, part))
            continue;
        if (plan->parts_count > PARTS_BY_VECTORS || plan->filters_count == 0) {
            rows += all;
            continue;
        }
        for (uint32_t v = 0; v * DBK_VECTOR_ROWS < all; v++)
            if (judge(plan, part, v) != DBK_NEVER)
                rows +=
                    all - v * DBK_VECTOR_ROWS < DBK_VECTOR_ROWS ? all - v * DBK_VECTOR_ROWS : DBK_VECTOR_ROWS;
    }
    return rows;
}

// A page of the newest rows is found in the first parts by time, one of any rows in the first at all.
static uint64_t rows_of_page(const dbk_plan *plan, uint64_t rows)
{
    const dbk_query *q = plan->query;
    if (plan->is_group || q->limit == 0 || plan->filters_count > (plan->range_slot >= 0))
        return rows;
    const bool by_time = q->order_count && plan->slots[plan->order_slots[0]].path.depth == 1 &&
                         plan->slots[plan->order_slots[0]].path.columns[0] == plan->table->time_column;
    const uint64_t most = q->order_count == 0 ? (uint64_t)q->limit + DBK_VECTOR_ROWS
                          : by_time           ? 2 * (uint64_t)DBK_SEGMENT_ROWS + (uint64_t)q->limit
                                              : rows;
    return rows < most ? rows : most;
}

// Putting the answer in order and writing it.
static int64_t answer_cost(const dbk_plan *plan, uint64_t rows)
{
    const dbk_query *q = plan->query;
    uint64_t cells = 1 + (uint64_t)q->fields_count, groups = rows;
    int64_t cost = 0;
    if (plan->is_group) {
        cells += (uint64_t)plan->keys_count + (uint64_t)q->aggregates_count;
        if (plan->grouping != DBK_GROUP_HASH) {
            cost = (int64_t)plan->dense_groups * GROUP;
            groups = groups < plan->dense_groups ? groups : plan->dense_groups;
        }
    }
    if (q->limit && (uint64_t)q->limit < groups)
        groups = (uint64_t)q->limit;
    return cost + (int64_t)(groups * cells) * CELL;
}

int64_t dbk_plan_cost(const dbk_plan *plan)
{
    const uint64_t rows = rows_of_page(plan, rows_looked_at(plan));
    uint64_t met = rows; // rows or sums that groups are made of
    int64_t cost = (int64_t)plan->parts_count * PART + (int64_t)(rows / DBK_VECTOR_ROWS) * VECTOR;
    cost += plan->has_points ? (int64_t)rows * POINT : (int64_t)rows * row_cost(plan) / 100;
    if (plan->rollup) {
        const uint64_t pieces = plan->rollup->pieces_count, tuples = plan->rollup->view->tuples_count;
        cost += (int64_t)(pieces * (PIECE + tuples * TUPLE));
        met += pieces * tuples;
    }
    if (plan->roster) {
        const uint64_t cells = plan->roster->most ? plan->roster->most : plan->roster->cells;
        cost += (int64_t)cells * ROSTER_CELL;
        met += cells;
    }
    return cost + answer_cost(plan, met);
}
