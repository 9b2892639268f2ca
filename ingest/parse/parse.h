// SPDX-License-Identifier: Apache-2.0
// What every kind of parsing is told and what it gives: options in, batches, rejects and totals out.
#ifndef DBK_PARSE_PARSE_H
#define DBK_PARSE_PARSE_H

#include "engine/base/zone.h"
#include "engine/batch.h"

typedef enum dbk_format { DBK_FORMAT_CSV = 1, DBK_FORMAT_NDJSON } dbk_format;

typedef struct dbk_parse_options {
    const dbk_table_def *table;
    dbk_format format;
    const dbk_zone *zone;    // of times without offset; NULL = UTC
    bool ignore_unknown;     // columns or keys that the table does not have
    uint32_t batch_rows;     // 0 = DBK_SEGMENT_ROWS
    struct dbk_slabs *slabs; // for the memory of batches; or NULL
    // For a piece of a larger input, cut between two rows: its header row (CSV; empty: the input begins with
    // it) and the number of its first line (0 = 1). A piece is not looked at for what it might be instead.
    dbk_text header;
    uint64_t first_line;
} dbk_parse_options;

// Both are called on the feeding thread. on_batch takes the batch over, which is on the heap:
// dbk_batch_dispose, then free. A file of products that names categories also gives batches of categories,
// each before the products that need it. A reject is valid during the call. A non-OK return of on_batch stops
// the parser, which returns it.
typedef struct dbk_parse_sink {
    dbk_status (*on_batch)(void *user, dbk_batch *batch, dbk_error *err);
    void (*on_reject)(void *user, const dbk_reject *reject,
                      dbk_text row); // row: its raw text, for the rejects file
    void *user;
} dbk_parse_sink;

// Rows of the input: those that went to a batch and those rejected. Rows of additional batches (categories)
// are not counted; with a map a row is a row of the file, however many rows of tables it made.
typedef struct dbk_parse_totals {
    uint64_t rows, rejected, bytes, lines;
} dbk_parse_totals;

#endif
