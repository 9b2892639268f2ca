// SPDX-License-Identifier: Apache-2.0
// The rollups of a table in the working state: which there are, and the way of its rows into them. All of it
// is the writer's; nothing here can fail for anybody but the rollups.
#ifndef DBK_TABLE_ROLLUP_ROWS_H
#define DBK_TABLE_ROLLUP_ROWS_H

#include "engine/table/state.h"

// Before an image is made: gives tables that have grown large enough their rollups, and makes them anew when
// the tenant's time zone is another one now.
void dbk_tenant_rollups_prepare(dbk_tenant *tenant);
// What a change of `count` rows makes of them, before it is committed: `old` are the places of the rows that
// go (DBK_NO_PLACE where there is none); the new rows are those of the input, NULL for a removal.
void dbk_table_rollups_change(dbk_table *table, const dbk_place *old, const dbk_delta_input *input,
                              uint32_t count);
// Forgets the rollups until the next image; rows may then come and go unseen.
void dbk_table_rollups_forget(dbk_table *table);
// At the end of the database, when no image is left.
void dbk_table_rollups_dispose(dbk_table *table);

#endif
