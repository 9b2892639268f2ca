// SPDX-License-Identifier: Apache-2.0
// The groups of a query once all rows are in: compared, chosen, written out.
#ifndef DBK_EXEC_GROUPS_H
#define DBK_EXEC_GROUPS_H

#include "engine/exec/grouping.h"
#include "engine/exec/result_build.h"
#include "engine/exec/state.h"

// What one thread gathers, and what all gathered after merging.
typedef struct dbk_groups {
    const dbk_plan *plan;
    dbk_grouping grouping;
    dbk_state *states; // behind all this
    int joined;        // the sum that stands beside the count of rows, which is state 0; 0 = none
    uint32_t assigned[DBK_VECTOR_ROWS]; // of the current vector; not cleared
} dbk_groups;

// Ready to gather rows of the plan; the caller destroys it (NULL is fine).
dbk_status dbk_groups_create(const dbk_plan *plan, dbk_groups **out, dbk_error *err);
void dbk_groups_destroy(dbk_groups *groups);
// Gathers what matches in one part of the snapshot.
dbk_status dbk_groups_scan(dbk_groups *groups, dbk_scan *scan, uint32_t part);
// Room in every state for the groups that there are by now. False when memory is out.
bool dbk_groups_reserve(dbk_groups *groups);
// Orders, cuts and writes: the last step of a group query.
dbk_status dbk_groups_answer(dbk_groups *groups, dbk_result **out, dbk_error *err);

#endif
