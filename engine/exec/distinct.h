// SPDX-License-Identifier: Apache-2.0
// How many distinct values each group has, for engine/exec/state.h. Exact: a bitmap of the values a group,
// where all groups are known and both they and the values are few, else pairs of group and value: a log of
// codes and of rows (pair_log.h), a set of the others. Codes are values themselves; an id that leads to a row
// counts as that row; other texts get numbers. No value (code 0, DBK_NULL, a text of length 0) is none.
#ifndef DBK_EXEC_DISTINCT_H
#define DBK_EXEC_DISTINCT_H

#include "engine/exec/state.h"

// Of a state that is initialised otherwise. False when memory is out, as in merge_sets.
bool dbk_distinct_init(dbk_state *state, const dbk_plan *plan, uint64_t fixed_groups);
dbk_status dbk_distinct_add(dbk_state *state, dbk_scan *scan, const dbk_assigned *to);
// Adds what another thread gathered: what stands in sets, and what stands in the bitmaps of groups
// [first, end).
bool dbk_distinct_merge_sets(dbk_state *state, const dbk_state *from, const uint32_t *map);
void dbk_distinct_merge_bits(dbk_state *state, const dbk_state *from, uint32_t first, uint32_t end);
// Counts what stands in the bitmaps of these groups, and, with the first group, what stands in the log, of
// whatever group.
void dbk_distinct_finish(dbk_state *state, uint32_t first, uint32_t end);

#endif
