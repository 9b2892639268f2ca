// SPDX-License-Identifier: Apache-2.0
// Rows of Daybook's own tables, one at a time: settings, keys, webhooks, the audit log. A row replaces the
// one with the same key. Rows of several tables can be one change.
#ifndef DBK_SYSTEM_ROW_H
#define DBK_SYSTEM_ROW_H

#include "ingest/store/store.h"

typedef struct dbk_system_field {
    const char *column;
    dbk_text text;  // columns of type code and text; length 0 = no value
    int64_t number; // all others; DBK_NULL = no value
} dbk_system_field;

// Makes a batch of one row, which the store checks; *batch must be zeroed, and disposed of whatever this
// returns. Columns that are not named have no value. `remove` takes the row away; only the key column may be
// named.
dbk_status dbk_system_row_build(dbk_batch *batch, dbk_table_id table, const dbk_system_field *fields,
                                int fields_count, bool remove, dbk_error *err);
// Stores batches as one change. Waits for the disk: not for loop threads.
dbk_status dbk_system_rows_write(dbk_store *store, dbk_text tenant, const dbk_batch *const *batches,
                                 int batches_count, dbk_error *err);

// Both for a single row. Columns that are not named have no value. `remove` takes the row away; only the key
// column may be named. Waits for the disk: not for loop threads.
dbk_status dbk_system_row_write(dbk_store *store, dbk_text tenant, dbk_table_id table,
                                const dbk_system_field *fields, int fields_count, bool remove,
                                dbk_error *err);

#endif
