// SPDX-License-Identifier: Apache-2.0
// From bytes of CSV or NDJSON to batches. A row parser is fed blocks of whole input and gives typed batches
// plus one reject for each row that cannot be stored; rows in = rows in batches + rejects, always.
//
// CSV is RFC 4180: any column order, quoted fields with newlines and doubled quotes, CRLF or LF, an optional
// BOM, a header line. NDJSON is one object a line, values as JSON strings, numbers (exact text), true, false
// or null. Unknown columns are an error before any row is read unless `ignore_unknown`. Blank values are "no
// value".
#ifndef DBK_PARSE_READER_H
#define DBK_PARSE_READER_H

#include "engine/base/zone.h"
#include "engine/batch.h"

typedef enum dbk_format { DBK_FORMAT_CSV = 1, DBK_FORMAT_NDJSON } dbk_format;

typedef struct dbk_parse_options {
    const dbk_table_def *table;
    dbk_format format;
    const dbk_zone *zone; // of times without offset; NULL = UTC
    bool ignore_unknown;  // columns or keys that the table does not have
    uint32_t batch_rows;  // 0 = DBK_SEGMENT_ROWS
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

typedef struct dbk_parser dbk_parser;
typedef struct dbk_map dbk_map;

dbk_status dbk_parser_create(dbk_parser **out, const dbk_parse_options *options, const dbk_parse_sink *sink,
                             dbk_error *err);
// The same for a foreign CSV file and the map that explains it (map.h), which must outlive the parser.
// Batches are of every table that the map fills; those that need the whole file come at the end.
dbk_status dbk_parser_create_mapped(dbk_parser **out, const dbk_map *map, const dbk_parse_sink *sink,
                                    dbk_error *err);
// Feeds the next bytes of the input; blocks may break anywhere. DBK_INVALID: this is not such a file (not
// UTF-8, a NUL byte, no header, a missing required column, a ZIP, …), with line and what to do. Rows before
// it may have gone to on_batch: whoever needs all or nothing holds them back.
dbk_status dbk_parser_feed(dbk_parser *parser, const void *data, size_t size, dbk_error *err);
// End of input: the last line may lack its newline; an open quote is a reject. Emits the last batch.
dbk_status dbk_parser_finish(dbk_parser *parser, dbk_error *err);
void dbk_parser_destroy(dbk_parser *parser);

// Rows of the input: those that went to a batch and those rejected. Rows of additional batches (categories)
// are not counted; with a map a row is a row of the file, however many rows of tables it made.
typedef struct dbk_parse_totals {
    uint64_t rows, rejected, bytes, lines;
} dbk_parse_totals;
dbk_parse_totals dbk_parser_totals(const dbk_parser *parser);

#endif
