// SPDX-License-Identifier: Apache-2.0
// One row into a keyed table: how Daybook writes its own settings and keys. The row replaces the one with the
// same key.
#ifndef DBK_SYSTEM_ROW_H
#define DBK_SYSTEM_ROW_H

#include "ingest/store/store.h"

typedef struct dbk_system_field {
    const char *column;
    dbk_text text;  // columns of type code and text; length 0 = no value
    int64_t number; // all others; DBK_NULL = no value
} dbk_system_field;

// Columns that are not named have no value. `remove` takes the row away; only the key column may be named.
// Waits for the disk: not for loop threads.
dbk_status dbk_system_row_write(dbk_store *store, dbk_text tenant, dbk_table_id table,
                                const dbk_system_field *fields, int fields_count, bool remove,
                                dbk_error *err);

#endif
