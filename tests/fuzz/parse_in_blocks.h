// SPDX-License-Identifier: Apache-2.0
// What the fuzz targets of rows have in common: an input of any table, in two blocks. The first byte chooses
// the table, the second where the blocks meet. The batches must hold what batch.h promises, and rows in
// blocks must equal rows at once.
#ifndef DBK_FUZZ_PARSE_IN_BLOCKS_H
#define DBK_FUZZ_PARSE_IN_BLOCKS_H

#include "ingest/parse/reader.h"

#include <stdint.h>
#include <stdlib.h>

typedef struct counts {
    uint64_t rows, rejects, additional;
    const dbk_table_def *table;
} counts;

static dbk_status take_batch(void *user, dbk_batch *batch, dbk_error *err)
{
    counts *c = user;
    if (dbk_batch_check(batch, err) != DBK_OK)
        abort();
    *(batch->table == c->table ? &c->rows : &c->additional) += batch->rows;
    dbk_batch_dispose(batch);
    free(batch);
    return DBK_OK;
}

static void take_reject(void *user, const dbk_reject *reject, dbk_text row)
{
    (void)row;
    if (!reject->reason || reject->line == 0)
        abort();
    ((counts *)user)->rejects++;
}

static dbk_status parse(dbk_format format, const dbk_table_def *table, const uint8_t *data, size_t size,
                        size_t cut, counts *c)
{
    dbk_parse_options options = {.table = table, .format = format, .batch_rows = 7};
    dbk_parse_sink sink = {take_batch, take_reject, c};
    dbk_parser *parser;
    *c = (counts){.table = table};
    if (dbk_parser_create(&parser, &options, &sink, NULL) != DBK_OK)
        return DBK_INVALID;
    dbk_status status = dbk_parser_feed(parser, data, cut, NULL);
    if (status == DBK_OK)
        status = dbk_parser_feed(parser, data + cut, size - cut, NULL);
    if (status == DBK_OK)
        status = dbk_parser_finish(parser, NULL);
    dbk_parse_totals totals = dbk_parser_totals(parser);
    if (status == DBK_OK && (totals.rows != c->rows || totals.rejected != c->rejects))
        abort();
    dbk_parser_destroy(parser);
    return status;
}

static void parse_in_blocks(dbk_format format, const uint8_t *data, size_t size)
{
    if (size < 2)
        return;
    const dbk_table_def *table = dbk_table_def_by_id(1 + data[0] % (DBK_TABLE_END - 1));
    counts whole, parts;
    size_t cut = size > 2 ? data[1] % (size - 2) : 0;
    dbk_status a = parse(format, table, data + 2, size - 2, size - 2, &whole);
    dbk_status b = parse(format, table, data + 2, size - 2, cut, &parts);
    if (a != b || (a == DBK_OK && (whole.rows != parts.rows || whole.rejects != parts.rejects)))
        abort();
}

#endif
