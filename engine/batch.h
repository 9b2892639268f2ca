// SPDX-License-Identifier: Apache-2.0
// The seam between ingest and the engine: up to 65,536 validated rows of one table as typed columns.
//
// A batch is built by one thread (any), then read-only. Everything it points to lives in its arena. Rows are
// in the order of the source; when the same key stands twice in a batch, the later row wins.
#ifndef DBK_BATCH_H
#define DBK_BATCH_H

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "engine/schema.h"

// A column of a batch; which members are set depends on the column's type. A column that the source did not
// have is absent: all members NULL, every row "no value".
typedef struct dbk_batch_column {
    int64_t *ints; // DBK_BOOL … DBK_DATE: rows values, DBK_NULL = no value
    // DBK_CODE: row i has words[codes[i]]; words[0] is "no value". The codes are the batch's own: appliers
    // translate each distinct word once.
    uint32_t *codes;
    dbk_text *words;
    uint32_t words_count; // including word 0
    dbk_text *texts;      // DBK_TEXT: rows texts, length 0 = no value
} dbk_batch_column;

typedef struct dbk_batch {
    const dbk_table_def *table;
    uint32_t rows;
    bool remove; // the rows' keys are to be removed; only key columns are present
    dbk_batch_column columns[DBK_COLUMNS_MAX];
    uint32_t *lines; // optional, rows entries: where each row came from, for messages
    dbk_arena arena;
} dbk_batch;

// What a file of rows came to, for every path by which rows enter: rows = stored + rejected, always.
typedef struct dbk_reject {
    uint64_t line;           // 1-based line of the source, 0 when unknown
    uint32_t column;         // 1-based field of the line, 0 when the whole row is meant
    const char *column_name; // or NULL
    const char *reason;      // one clause, lower case, no full stop: "more than 4 decimals"
} dbk_reject;

void dbk_batch_dispose(dbk_batch *batch);

// Checks what the engine relies on: rows <= DBK_SEGMENT_ROWS; key columns present; no required column without
// value (order_lines.created_at excepted); codes < words_count; ids, and texts of columns that are
// references, at most DBK_ID_BYTES_MAX bytes; other texts at most 1 MiB; valid UTF-8. Parsers guarantee all
// this row by row; batches from the log or the network pass through here.
dbk_status dbk_batch_check(const dbk_batch *batch, dbk_error *err);

// The stored form of a batch (docs/FORMAT.md, "Batch"): what the log keeps. Columns that are absent or
// without any value cost a few bytes. dbk_batch_decode copies everything it needs into the batch's own arena
// and ends with dbk_batch_check, failing as DBK_CORRUPT; on failure *batch holds nothing.
void dbk_batch_encode(const dbk_batch *batch, dbk_buffer *out);
dbk_status dbk_batch_decode(dbk_batch *batch, const void *data, size_t size, dbk_error *err);

#endif
