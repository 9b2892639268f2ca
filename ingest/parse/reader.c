// SPDX-License-Identifier: Apache-2.0
// The parser of reader.h: looks at the first bytes, drops a byte order mark and hands the rest to the source
// that knows the format.
#include "ingest/parse/reader.h"

#include "ingest/parse/sniff.h"
#include "ingest/parse/source.h"

#include <stdlib.h>
#include <string.h>

struct dbk_parser {
    dbk_source *source;
    dbk_format format;
    bool started; // the first bytes were looked at
    char first[DBK_SNIFF_BYTES];
    size_t first_size;
    uint64_t bytes;
};

static dbk_status create(dbk_parser **out, dbk_source *source, dbk_format format, bool piece, dbk_error *err)
{
    dbk_parser *parser = source ? calloc(1, sizeof *parser) : NULL;
    if (!parser) {
        if (source)
            source->ops->destroy(source);
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory for a parser");
    }
    parser->source = source;
    parser->format = format;
    parser->started = piece;
    *out = parser;
    return DBK_OK;
}

dbk_status dbk_parser_create(dbk_parser **out, const dbk_parse_options *options, const dbk_parse_sink *sink,
                             dbk_error *err)
{
    *out = NULL;
    if (!options->table || options->table->system)
        return dbk_fail(err, DBK_INVALID, "%s cannot be loaded from files",
                        options->table ? options->table->name : "no table");
    if (options->batch_rows > DBK_SEGMENT_ROWS)
        return dbk_fail(err, DBK_INVALID, "a batch has at most %d rows", DBK_SEGMENT_ROWS);
    dbk_parse_options complete = *options;
    bool piece = options->header.length > 0 || options->first_line > 1;
    if (!complete.first_line)
        complete.first_line = 1;
    dbk_source *source = NULL;
    if (options->format == DBK_FORMAT_NDJSON) {
        source = dbk_source_ndjson_create(&complete, sink);
    } else {
        dbk_error why = {.status = DBK_OK};
        source = dbk_source_csv_create(&complete, sink, &why);
        if (!source && why.status != DBK_OK)
            return dbk_fail(err, why.status, "%s", why.message);
    }
    return create(out, source, options->format, piece, err);
}

dbk_status dbk_parser_create_mapped(dbk_parser **out, const dbk_map *map, const dbk_parse_sink *sink,
                                    dbk_error *err)
{
    *out = NULL;
    return create(out, dbk_source_map_create(map, sink), DBK_FORMAT_CSV, false, err);
}

static dbk_status start(dbk_parser *parser, dbk_error *err)
{
    size_t skip;
    DBK_TRY(dbk_sniff(parser->format, parser->first, parser->first_size, &skip, err));
    parser->started = true;
    return parser->source->ops->feed(parser->source, parser->first + skip, parser->first_size - skip, err);
}

dbk_status dbk_parser_feed(dbk_parser *parser, const void *data, size_t size, dbk_error *err)
{
    const char *at = data;
    // No bytes may come without an address, and nothing may be added to that.
    if (size == 0)
        return DBK_OK;
    parser->bytes += size;
    if (!parser->started) {
        size_t room = sizeof parser->first - parser->first_size;
        size_t part = size < room ? size : room;
        if (part)
            memcpy(parser->first + parser->first_size, at, part);
        parser->first_size += part;
        at += part;
        size -= part;
        if (parser->first_size < sizeof parser->first)
            return DBK_OK;
        DBK_TRY(start(parser, err));
    }
    return size ? parser->source->ops->feed(parser->source, at, size, err) : DBK_OK;
}

char *dbk_parser_room(dbk_parser *parser)
{
    return parser->started && parser->source->ops->room ? parser->source->ops->room(parser->source) : NULL;
}

dbk_status dbk_parser_finish(dbk_parser *parser, dbk_error *err)
{
    if (!parser->started)
        DBK_TRY(start(parser, err));
    return parser->source->ops->finish(parser->source, err);
}

void dbk_parser_destroy(dbk_parser *parser)
{
    if (!parser)
        return;
    parser->source->ops->destroy(parser->source);
    free(parser);
}

dbk_parse_totals dbk_parser_totals(const dbk_parser *parser)
{
    dbk_parse_totals totals = parser->source->totals;
    totals.bytes = parser->bytes;
    return totals;
}
