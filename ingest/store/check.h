// SPDX-License-Identifier: Apache-2.0
// The check behind dbk_store_check, on any dbk_io: reads everything, changes nothing.
#ifndef DBK_STORE_CHECK_H
#define DBK_STORE_CHECK_H

#include "ingest/store/store.h"

typedef struct dbk_check {
    void (*problem)(void *user, const char *line); // may be NULL
    void *user;
    dbk_check_report *report;
} dbk_check;

__attribute__((format(printf, 2, 3))) void dbk_check_problem(dbk_check *check, const char *format, ...);

dbk_status dbk_check_directory(dbk_io *io, dbk_check *check, dbk_error *err);

// Compares the statistics, the key index and the dead rows of a snapshot with its rows.
dbk_status dbk_check_rows(const dbk_snapshot *snapshot, dbk_check *check, dbk_error *err);

#endif
