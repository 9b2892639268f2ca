// SPDX-License-Identifier: Apache-2.0
// Where the parts of a check put what they find.
#ifndef DBK_STORE_CHECK_REPORT_H
#define DBK_STORE_CHECK_REPORT_H

#include "ingest/store/segment_files.h"
#include "ingest/store/store.h"

typedef struct dbk_check {
    void (*problem)(void *user, const char *line); // may be NULL
    void *user;
    dbk_check_report *report;
    // How the database is rebuilt where its texts do not fit so much memory; NULL: it keeps them all.
    dbk_segment_files *files;
    uint64_t memory_bytes;
} dbk_check;

// Counts a problem and passes its line on.
__attribute__((format(printf, 2, 3))) void dbk_check_problem(dbk_check *check, const char *format, ...);

#endif
