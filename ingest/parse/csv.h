// SPDX-License-Identifier: Apache-2.0
// CSV (RFC 4180) as rows of field texts, whatever the blocks it arrives in.
//
// Quoted fields may hold commas, line feeds and doubled quotes; lines end in LF or CRLF; empty lines are
// skipped; a quote inside an unquoted field is an ordinary character. What a row means is the caller's
// business, its header included.
#ifndef DBK_PARSE_CSV_H
#define DBK_PARSE_CSV_H

#include "engine/base/status.h"
#include "engine/base/types.h"

typedef struct dbk_csv_row {
    uint64_t line;          // 1-based, of its first line
    dbk_text raw;           // without the line end
    const dbk_text *fields; // unquoted and unescaped
    uint32_t count;
    const char *fault;    // not NULL: the row cannot be read; fields hold what could
    uint32_t fault_field; // 1-based
} dbk_csv_row;

// Everything in the row is valid during the call. A non-OK return stops the reader.
typedef dbk_status (*dbk_csv_on_row)(void *user, const dbk_csv_row *row, dbk_error *err);

// Rows that are as plain as can be, several at once (row_run.h has what their members mean): for who can take
// them faster so. *taken: how many were, from the first on; the next one, if any, then goes to on_row.
typedef struct dbk_csv_run {
    const char *text;
    const uint32_t *ends;
    uint32_t rows;
    uint64_t line;
    bool quoted;
} dbk_csv_run;
typedef dbk_status (*dbk_csv_on_run)(void *user, const dbk_csv_run *run, uint32_t *taken, dbk_error *err);
// DBK_CSV_RUN_SLACK bytes before the text and behind a run may be read, and DBK_CSV_SCAN_AHEAD ends behind
// it.
enum { DBK_CSV_RUN_ROWS = 128, DBK_CSV_RUN_SLACK = 32 };

// A row larger than this is a quote that nobody closed; it refuses the input.
enum { DBK_CSV_ROW_MAX = 8 << 20 };

typedef struct dbk_csv dbk_csv;

// first_line numbers the first line fed: 1 for a whole file. NULL when memory is out.
dbk_csv *dbk_csv_create(uint64_t first_line, dbk_csv_on_row on_row, void *user);
// From now on rows of so many fields may come as runs. May be called from within on_row.
void dbk_csv_take_runs(dbk_csv *csv, uint32_t fields, dbk_csv_on_run on_run);
dbk_status dbk_csv_feed(dbk_csv *csv, const char *data, size_t size, dbk_error *err);
// Where up to DBK_CSV_ROOM bytes may be written that are fed next, from there: that saves their copy. NULL:
// memory is out.
enum { DBK_CSV_ROOM = 65536 };
char *dbk_csv_room(dbk_csv *csv);
// End of input: hands out a last row without line end.
dbk_status dbk_csv_finish(dbk_csv *csv, dbk_error *err);
// The number of the line behind everything handed out.
uint64_t dbk_csv_line(const dbk_csv *csv);
void dbk_csv_destroy(dbk_csv *csv);

#endif
