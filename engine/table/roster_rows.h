// SPDX-License-Identifier: Apache-2.0
// The roster of a table in the working state: when it is made, and the way of the table's rows into it. All
// of it is the writer's but for the wish; nothing here can fail for anybody but the roster.
#ifndef DBK_TABLE_ROSTER_ROWS_H
#define DBK_TABLE_ROSTER_ROWS_H

#include "engine/table/state.h"

// Whether a freeze has a step to take: a roster that was wished for is not whole.
bool dbk_table_roster_is_due(const dbk_table *table);
// Before an image is made: takes a step if one is due. `zone` is the tenant's.
void dbk_table_roster_step(dbk_table *table, const dbk_zone *zone);
// As dbk_table_rollups_change, _forget and _dispose.
void dbk_table_roster_change(dbk_table *table, const dbk_place *old, const dbk_delta_input *input,
                             uint32_t count);
void dbk_table_roster_forget(dbk_table *table);
void dbk_table_roster_dispose(dbk_table *table);

#endif
