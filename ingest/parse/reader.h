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

#include "ingest/parse/parse.h"

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
// Where up to DBK_PARSER_ROOM bytes may be written that are fed next, from there: that saves a copy of them.
// NULL: there is no such place, feed them from elsewhere.
enum { DBK_PARSER_ROOM = 65536 };
char *dbk_parser_room(dbk_parser *parser);
// End of input: the last line may lack its newline; an open quote is a reject. Emits the last batch.
dbk_status dbk_parser_finish(dbk_parser *parser, dbk_error *err);
void dbk_parser_destroy(dbk_parser *parser);

dbk_parse_totals dbk_parser_totals(const dbk_parser *parser);

#endif
