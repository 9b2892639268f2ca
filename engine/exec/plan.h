// SPDX-License-Identifier: Apache-2.0
// A query bound to a snapshot: every name resolved, every literal typed, every way of answering chosen. Built
// once by the thread that asks (plan_init.h), then read-only and shared by all that work on it.
#ifndef DBK_EXEC_PLAN_H
#define DBK_EXEC_PLAN_H

#include "engine/base/arena.h"
#include "engine/exec/filter.h"
#include "engine/exec/path.h"

// A column that the scan reads, each once per vector however often the query names it.
typedef struct dbk_slot_def {
    dbk_path path;
    dbk_type type;
    dbk_domain domain;
    int base;        // for a path: the slot of its first column; else -1
    bool never_null; // proven for every row that can be met
    bool is_judged;  // a column that a fact's ids lead to, of which nobody wants to know more than what
                     // filters do
    uint32_t codes;  // type code: codes are below this
    // A column of the table itself whose texts are ids of a fact, which ids are looked for in; else NULL.
    const dbk_table_view *target;
} dbk_slot_def;

// Bucket starts over a range of time, ascending; starts[count] is where the last one ends.
typedef struct dbk_bucket_list {
    int64_t *starts;
    uint32_t count; // 0 = not listed
} dbk_bucket_list;

typedef struct dbk_key {
    int slot;
    const dbk_bucket *bucket; // NULL = the column itself
    dbk_bucket_list buckets;
    // How many different digits the key has, digit 0 being "no value"; 0 = unknown, so only a hash table can
    // hold it.
    uint64_t cardinality;
    uint64_t stride; // dense: what a digit weighs in the group's index
} dbk_key;

// What is accumulated. Several aggregates may read one state: an average is a sum and a count.
typedef enum dbk_state_kind {
    DBK_STATE_ROWS,
    DBK_STATE_VALUES,
    DBK_STATE_SUM,
    DBK_STATE_MIN,
    DBK_STATE_MAX,
    DBK_STATE_DISTINCT,
} dbk_state_kind;

typedef struct dbk_state_def {
    dbk_state_kind kind;
    int slot; // -1 for rows
} dbk_state_def;

typedef struct dbk_bound_aggregate {
    dbk_aggregate_kind kind;
    int state;
    int count_state; // sums and averages: how many rows had a value
    dbk_type type;
} dbk_bound_aggregate;

// A field: of a row query a path from the row, of a group query the rest of a path from a key's value.
typedef struct dbk_field {
    dbk_path path;
    int slot; // row query: of a column of the table itself; -1 for a path
    int key;  // group query: which key it hangs on
    int from; // group query: the path's column that the key gives
} dbk_field;

typedef enum dbk_grouping_kind { DBK_GROUP_NONE, DBK_GROUP_DENSE, DBK_GROUP_HASH } dbk_grouping_kind;

typedef struct dbk_plan_rollup dbk_plan_rollup; // plan_rollup.h
typedef struct dbk_plan_roster dbk_plan_roster; // plan_roster.h

typedef struct dbk_plan {
    const dbk_query *query;
    const dbk_snapshot *snapshot;
    const dbk_tenant_view *tenant; // NULL = unknown
    const dbk_table_def *table;
    const dbk_table_view *view; // NULL = no rows
    bool is_group;

    dbk_slot_def *slots;
    int slots_count;
    dbk_bound_filter *filters; // cheapest first
    int filters_count;
    dbk_key *keys;
    int keys_count;
    dbk_state_def *states; // of a group query; the first counts rows
    int states_count;
    dbk_bound_aggregate *aggregates;
    dbk_field *fields;
    int *order_slots; // row query: the slot of each order column

    int range_slot;             // the time column of the range, -1 when both ends are open
    int64_t range_lo, range_hi; // inclusive

    // Where sums are kept of most rows; NULL when all are looked at.
    const dbk_plan_rollup *rollup;
    // What has all that is asked for; NULL when rows, or a rollup, are asked.
    const dbk_plan_roster *roster;

    // Rows named by their keys: nothing else is looked at. Sorted by part and row.
    bool has_points;
    dbk_locator *points;
    size_t points_count;

    uint32_t *parts; // those that can have matching rows, in the order they are visited
    size_t parts_count, parts_total;
    uint64_t rows_estimate; // upper bound of matching rows

    dbk_grouping_kind grouping;
    uint64_t dense_groups;

    dbk_arena arena;
} dbk_plan;

void dbk_plan_dispose(dbk_plan *plan);

// A chart of more buckets than this is a mistake in the range.
enum { DBK_FILL_MAX = 1 << 20 };
// Whether the groups are the buckets of the range, with rows and without: dense, all of them.
static inline bool dbk_plan_fills(const dbk_plan *plan)
{
    return plan->query->fill && plan->range_slot == plan->keys[0].slot && !plan->has_points;
}

// The zone map of a slot: false when there is none (paths, hot rows, texts).
bool dbk_plan_zone_map(const dbk_plan *plan, const dbk_part *part, int slot, dbk_zone_map *out);
bool dbk_plan_vector_zone_map(const dbk_plan *plan, const dbk_part *part, int slot, uint32_t vector,
                              dbk_zone_map *out);

dbk_status dbk_exec_no_memory(dbk_error *err);

#endif
