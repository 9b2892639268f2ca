// SPDX-License-Identifier: Apache-2.0
// Where the parts of a check put what they find.
#ifndef DBK_STORE_CHECK_REPORT_H
#define DBK_STORE_CHECK_REPORT_H

#include "ingest/store/store.h"

typedef struct dbk_check {
    void (*problem)(void *user, const char *line); // may be NULL
    void *user;
    dbk_check_report *report;
} dbk_check;

// Counts a problem and passes its line on.
__attribute__((format(printf, 2, 3))) void dbk_check_problem(dbk_check *check, const char *format, ...);

#endif
