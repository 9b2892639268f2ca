// SPDX-License-Identifier: Apache-2.0
// How many distinct values each group has, for engine/exec/state.h. Exact: a bitmap of the values a group,
// where all groups are known and both they and the values are few, else one set of pairs of group and value.
// Codes are values themselves; an id that leads to a row counts as that row; other texts get numbers. No
// value (code 0, DBK_NULL, a text of length 0) is none.
#ifndef DBK_EXEC_DISTINCT_H
#define DBK_EXEC_DISTINCT_H

#include "engine/exec/state.h"

// Of a state that is initialised otherwise. False when memory is out, as in merge.
bool dbk_distinct_init(dbk_state *state, const dbk_plan *plan, uint64_t fixed_groups);
dbk_status dbk_distinct_add(dbk_state *state, dbk_scan *scan, const dbk_assigned *to);
bool dbk_distinct_merge(dbk_state *state, const dbk_state *from, const uint32_t *map, uint32_t groups);
// Counts what stands in bitmaps.
void dbk_distinct_finish(dbk_state *state, uint32_t groups);

#endif
