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

// A row larger than this is a quote that nobody closed; it refuses the input.
enum { DBK_CSV_ROW_MAX = 8 << 20 };

typedef struct dbk_csv dbk_csv;

// first_line numbers the first line fed: 1 for a whole file. NULL when memory is out.
dbk_csv *dbk_csv_create(uint64_t first_line, dbk_csv_on_row on_row, void *user);
dbk_status dbk_csv_feed(dbk_csv *csv, const char *data, size_t size, dbk_error *err);
// End of input: hands out a last row without line end.
dbk_status dbk_csv_finish(dbk_csv *csv, dbk_error *err);
// The number of the line behind everything handed out.
uint64_t dbk_csv_line(const dbk_csv *csv);
void dbk_csv_destroy(dbk_csv *csv);

#endif
