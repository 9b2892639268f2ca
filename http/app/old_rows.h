// SPDX-License-Identifier: Apache-2.0
// Rows that are kept for a while only: what is older is taken away, some rows at a time, by whoever comes by.
#ifndef DBK_OLD_ROWS_H
#define DBK_OLD_ROWS_H

#include "engine/db.h"
#include "ingest/store/store.h"

typedef struct dbk_old_rows {
    dbk_table_id table;
    int64_t before_ms;        // by the table's time
    const dbk_filter *filter; // what must hold besides; lives as long as the program. NULL: nothing
    int most;                 // rows at a time
} dbk_old_rows;

// Whether there are any, so that the writer is not asked in vain.
bool dbk_old_rows_exist(const dbk_snapshot *snapshot, dbk_text tenant, const dbk_old_rows *which);
// Has the store remove some in one transaction, and returns without waiting. What could not be removed is
// found by the next call. Any thread but the store's writer.
void dbk_old_rows_remove(dbk_store *store, dbk_text tenant, const dbk_old_rows *which);

#endif
