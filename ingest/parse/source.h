// SPDX-License-Identifier: Apache-2.0
// What stands behind a parser: one implementation for each kind of input. Of no interest outside this folder.
#ifndef DBK_PARSE_SOURCE_H
#define DBK_PARSE_SOURCE_H

#include "ingest/parse/parse.h"
#include "ingest/parse/row.h"

typedef struct dbk_source dbk_source;
typedef struct dbk_map dbk_map;

typedef struct dbk_source_ops {
    dbk_status (*feed)(dbk_source *source, const char *data, size_t size, dbk_error *err);
    dbk_status (*finish)(dbk_source *source, dbk_error *err);
    void (*destroy)(dbk_source *source);
    char *(*room)(dbk_source *source); // as dbk_parser_room, once the input has begun; or NULL
} dbk_source_ops;

// The first member of every implementation.
struct dbk_source {
    const dbk_source_ops *ops;
    dbk_parse_sink sink;
    dbk_parse_totals totals; // bytes is kept by the parser
};

// Each returns NULL when memory is out. options are complete and of the right format.
dbk_source *dbk_source_csv_create(const dbk_parse_options *options, const dbk_parse_sink *sink,
                                  dbk_error *err);
dbk_source *dbk_source_ndjson_create(const dbk_parse_options *options, const dbk_parse_sink *sink);
dbk_source *dbk_source_map_create(const dbk_map *map, const dbk_parse_sink *sink);

void dbk_source_reject(dbk_source *source, const dbk_reject *reject, dbk_text row);
// The refusal of a column name that the table does not have; lists those it has.
dbk_status dbk_source_unknown(const dbk_table_def *table, uint64_t line, dbk_text name, dbk_error *err);
// "id" of column number 3, "category" of DBK_ROW_CATEGORY.
const char *dbk_source_column_name(const dbk_table_def *table, int column);

#endif
