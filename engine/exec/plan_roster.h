// SPDX-License-Identifier: Apache-2.0
// Whether a roster (engine/rollup.h) answers a group query.
//
// It does when one key is its column of many words, another may be its other dimension, every filter is on
// one of the two, the range is whole months of its time column (or open), and the aggregates are counts of
// rows, sums and averages of its measure, and the last time. No row is looked at then. A query that it would
// answer if it were there is noted as a wish for it, and answered from the rows.
#ifndef DBK_EXEC_PLAN_ROSTER_H
#define DBK_EXEC_PLAN_ROSTER_H

#include "engine/exec/plan.h"
#include "engine/table/roster_lane.h"

struct dbk_plan_roster {
    const dbk_roster_view *view;
    int32_t first, last;  // months; first > last: no row is in the range
    int who_key, dim_key; // the query's keys; the latter -1 without
    // Of the largest by this figure alone, so many are wanted; 0: all.
    dbk_roster_figure figure;
    uint64_t most;
    uint64_t cells; // upper bound of the groups
};

// After binding, where no rollup was found.
dbk_status dbk_plan_roster_choose(dbk_plan *plan, dbk_error *err);

// What a bound filter, or aggregate, is about.
bool dbk_plan_roster_is(const dbk_plan *plan, int slot, int column);

#endif
