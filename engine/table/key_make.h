// SPDX-License-Identifier: Apache-2.0
// The key indexes of restored facts, made from their rows, all at once and on all processors.
//
// Nothing that a report asks needs them but rows found by their ids, so a database that is being opened
// answers first and makes them then (dbk_db_put_off_keys). Until a table has its index it is *keyless*:
// changes of it make the index first, readers that look for an id wait. When the index cannot be made
// (memory, or an id that lives twice) the table stays keyless: readers search its rows, one after the other,
// and changes fail.
//
//     parts ──▶ ids, hashes ──▶ entries, by partition of the index ──▶ one table after the other
//               a part a step, any thread                              a partition a step, any thread
#ifndef DBK_TABLE_KEY_MAKE_H
#define DBK_TABLE_KEY_MAKE_H

#include "engine/table/state.h"

// Between restoring rows and publishing them: the table's keys are to be made from its rows.
void dbk_table_keys_expect(dbk_table *table);
// The writer's, before it looks a key up or changes one: makes the index if the table is keyless. Fails as
// dbk_db_make_keys does.
dbk_status dbk_table_keys_need(dbk_table *table);

// A reader's: false when the index cannot be asked, now or later. Waits while it is being made.
bool dbk_table_keys_wait(const dbk_table *table);
static inline bool dbk_table_has_keys(const dbk_table *table)
{
    return !atomic_load_explicit(&table->keyless, memory_order_acquire) || dbk_table_keys_wait(table);
}

#endif
