// SPDX-License-Identifier: Apache-2.0
// Collects what a parser gives as lines of text.
#include "tests/support/parsed.h"

#include "engine/base/calendar.h"
#include "engine/base/decimal.h"
#include "engine/base/random.h"
#include "ingest/parse/map.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static dbk_status keep_batch(void *user, dbk_batch *batch, dbk_error *err)
{
    parsed *p = user;
    (void)err;
    assert(p->batches_count < PARSED_MAX);
    assert(batch->rows > 0 && batch->rows <= DBK_SEGMENT_ROWS);
    p->batches[p->batches_count++] = batch;
    return DBK_OK;
}

static void keep_reject(void *user, const dbk_reject *reject, dbk_text row)
{
    parsed *p = user;
    if ((p->rejects_count & (p->rejects_count - 1)) == 0) {
        size_t capacity = p->rejects_count ? 2 * (size_t)p->rejects_count : 1;
        p->rejects = realloc(p->rejects, capacity * sizeof *p->rejects);
        assert(p->rejects);
    }
    parsed_reject *kept = &p->rejects[p->rejects_count++];
    kept->line = reject->line;
    kept->column = reject->column;
    snprintf(kept->column_name, sizeof kept->column_name, "%s",
             reject->column_name ? reject->column_name : "");
    snprintf(kept->reason, sizeof kept->reason, "%s", reject->reason);
    snprintf(kept->row, sizeof kept->row, "%.*s", row.length < 159 ? (int)row.length : 159, row.data);
}

dbk_parse_sink parsed_sink(parsed *p)
{
    return (dbk_parse_sink){keep_batch, keep_reject, p};
}

static void run(parsed *p, dbk_parser *parser, const char *text, size_t size, size_t block_max, uint64_t seed)
{
    dbk_random random = dbk_random_seed(seed);
    for (size_t at = 0; at < size && p->status == DBK_OK;) {
        size_t block = block_max ? 1 + dbk_random_below(&random, block_max) : size;
        if (block > size - at)
            block = size - at;
        // A copy of exactly these bytes, so that AddressSanitizer sees a read past the block.
        char *copy = malloc(block);
        assert(copy);
        memcpy(copy, text + at, block);
        p->status = dbk_parser_feed(parser, copy, block, &p->error);
        free(copy);
        at += block;
    }
    if (p->status == DBK_OK)
        p->status = dbk_parser_finish(parser, &p->error);
    p->totals = dbk_parser_totals(parser);
    dbk_parser_destroy(parser);
}

parsed *parsed_text(const dbk_parse_options *options, const char *text, size_t size, size_t block_max,
                    uint64_t seed)
{
    parsed *p = calloc(1, sizeof *p);
    assert(p);
    dbk_parse_sink sink = parsed_sink(p);
    dbk_parser *parser;
    p->status = dbk_parser_create(&parser, options, &sink, &p->error);
    if (p->status == DBK_OK)
        run(p, parser, text, size, block_max, seed);
    return p;
}

parsed *parsed_csv(const char *table, const char *text)
{
    dbk_parse_options options = {.table = dbk_table_def_by_name(dbk_text_from(table)),
                                 .format = DBK_FORMAT_CSV};
    return parsed_text(&options, text, strlen(text), 0, 0);
}

parsed *parsed_ndjson(const char *table, const char *text)
{
    dbk_parse_options options = {.table = dbk_table_def_by_name(dbk_text_from(table)),
                                 .format = DBK_FORMAT_NDJSON};
    return parsed_text(&options, text, strlen(text), 0, 0);
}

parsed *parsed_mapped(const char *map_text, const char *text)
{
    parsed *p = calloc(1, sizeof *p);
    assert(p);
    dbk_map *map;
    p->status = dbk_map_parse(&map, map_text, strlen(map_text), "test.ini", &p->error);
    if (p->status != DBK_OK)
        return p;
    dbk_parse_sink sink = parsed_sink(p);
    dbk_parser *parser;
    p->status = dbk_parser_create_mapped(&parser, map, &sink, &p->error);
    assert(p->status == DBK_OK);
    run(p, parser, text, strlen(text), 0, 0);
    dbk_map_destroy(map);
    return p;
}

void parsed_dispose(parsed *p)
{
    for (int i = 0; i < p->batches_count; i++) {
        dbk_arena_dispose(&p->batches[i]->arena);
        free(p->batches[i]);
    }
    free(p->rejects);
    free(p);
}

uint32_t parsed_rows(const parsed *p, const char *table)
{
    uint32_t rows = 0;
    for (int i = 0; i < p->batches_count; i++)
        rows += strcmp(p->batches[i]->table->name, table) == 0 ? p->batches[i]->rows : 0;
    return rows;
}

static const dbk_batch *find_row(const parsed *p, const char *table, uint32_t *row)
{
    for (int i = 0; i < p->batches_count; i++) {
        const dbk_batch *batch = p->batches[i];
        if (strcmp(batch->table->name, table) != 0)
            continue;
        if (*row < batch->rows)
            return batch;
        *row -= batch->rows;
    }
    assert(!"no such row");
    return NULL;
}

uint32_t parsed_line(const parsed *p, const char *table, uint32_t row)
{
    const dbk_batch *batch = find_row(p, table, &row);
    return batch->lines[row];
}

const char *parsed_value(const parsed *p, const char *table, uint32_t row, const char *column)
{
    static char texts[8][2048];
    static int next;
    char *out = texts[next++ % 8];
    const dbk_batch *batch = find_row(p, table, &row);
    int index = dbk_column_find(batch->table, dbk_text_from(column));
    assert(index >= 0);
    const dbk_batch_column *c = &batch->columns[index];
    dbk_text text = {"", 0};
    if (c->codes) {
        assert(c->codes[row] < c->words_count);
        text = c->words[c->codes[row]];
    } else if (c->texts) {
        text = c->texts[row];
    } else if (c->ints && c->ints[row] != DBK_NULL) {
        size_t length = 0;
        switch (batch->table->columns[index].type) {
        case DBK_MONEY:
            length = dbk_decimal_write_exact(out, c->ints[row], DBK_MONEY_SCALE);
            break;
        case DBK_RATE:
            length = dbk_decimal_write_exact(out, c->ints[row], DBK_RATE_SCALE);
            break;
        case DBK_TIME:
            length = dbk_time_write(out, c->ints[row]);
            break;
        case DBK_DATE:
            length = dbk_date_write(out, (int32_t)c->ints[row]);
            break;
        default:
            length = dbk_int_write(out, c->ints[row]);
        }
        out[length] = '\0';
        return out;
    }
    snprintf(out, sizeof texts[0], "%.*s", (int)text.length, text.length ? text.data : "");
    return out;
}

uint64_t parsed_seed(void)
{
    const char *given = getenv("DBK_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : 20260401;
    fprintf(stderr, "DBK_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}
