// SPDX-License-Identifier: Apache-2.0
// Rows by the run: the same as setting, checking and committing each, a column at a time, which takes a
// third of the time. Only rows that are good are taken; the first that is not, or that may not be, ends the
// run and is left to the way row by row, which finds the reasons.
#ifndef DBK_PARSE_ROW_RUN_H
#define DBK_PARSE_ROW_RUN_H

#include "ingest/parse/row.h"

// So few that their ends and bytes stay in the first-level cache from column to column.
enum { DBK_RUN_ROWS = 128, DBK_RUN_SLACK = 32, DBK_RUN_ENDS = 8 };

// Fields as they stand in the text: field f of row r ends at ends[r * fields + f], where a comma or line feed
// is, and begins behind the end before it; so does the first, behind ends[-1], which is UINT32_MAX where the
// text begins with it. No quotes but those around a field, nothing but valid UTF-8, no NUL. A carriage return
// before a line feed is part of neither. DBK_RUN_SLACK bytes before the text's first and behind the run's
// last may be read, and DBK_RUN_ENDS ends behind the last. All is within INT32_MAX bytes.
typedef struct dbk_run {
    const char *text;
    const uint32_t *ends;
    uint32_t rows, fields; // rows: 1 to DBK_RUN_ROWS
    const int *columns;    // of each field: the table's column, or -1
    uint64_t line;         // of the first row; each has one
    bool quoted;           // fields may stand in quotes, which are not part of them
} dbk_run;

// *taken: how many rows from the first on were added.
dbk_status dbk_rows_add_run(dbk_rows *rows, const dbk_run *run, uint32_t *taken, dbk_error *err);
// NULL is fine.
typedef struct dbk_run_room dbk_run_room;
void dbk_run_room_free(dbk_run_room *room);

#endif
