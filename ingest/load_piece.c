// SPDX-License-Identifier: Apache-2.0
// A sink that keeps batches as they are and copies rejects, whose texts end with their row.
#include "ingest/load_piece.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool dbk_load_grow(void **array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return true;
    size_t more = *capacity ? *capacity * 2 : 16;
    void *grown = realloc(*array, more * size);
    if (!grown)
        return false;
    *array = grown;
    *capacity = more;
    return true;
}

void dbk_load_batch_free(dbk_batch *batch)
{
    dbk_batch_dispose(batch);
    free(batch);
}

static dbk_status no_memory(dbk_error *err)
{
    return dbk_fail(err, DBK_NO_MEMORY, "out of memory for loading");
}

static dbk_status keep_batch(void *user, dbk_batch *batch, dbk_error *err)
{
    dbk_load_piece *p = user;
    if (!dbk_load_grow((void **)&p->tickets, p->tickets_count, &p->tickets_capacity, sizeof *p->tickets)) {
        dbk_load_batch_free(batch);
        return no_memory(err);
    }
    dbk_load_ticket *ticket = dbk_load_ticket_make(p->load, batch, err);
    if (!ticket)
        return DBK_NO_MEMORY;
    p->tickets[p->tickets_count++] = ticket;
    return DBK_OK;
}

static void keep_reject(void *user, const dbk_reject *reject, dbk_text row)
{
    dbk_load_piece *p = user;
    char *copy = malloc(row.length + 1);
    if (!copy ||
        !dbk_load_grow((void **)&p->rejects, p->rejects_count, &p->rejects_capacity, sizeof *p->rejects)) {
        free(copy);
        p->no_memory = true;
        return;
    }
    dbk_load_kept *kept = &p->rejects[p->rejects_count++];
    if (row.length)
        memcpy(copy, row.data, row.length);
    kept->reject = *reject;
    kept->row = copy;
    kept->row_length = row.length;
    snprintf(kept->reason, sizeof kept->reason, "%s", reject->reason);
    snprintf(kept->column_name, sizeof kept->column_name, "%s",
             reject->column_name ? reject->column_name : "");
}

void dbk_load_piece_parse(dbk_load_piece *p, struct dbk_load *load, const dbk_load_options *load_options,
                          const dbk_load_plan *plan, const dbk_input *input)
{
    dbk_parse_sink sink = {keep_batch, keep_reject, p};
    dbk_parse_options options = {.table = load_options->table,
                                 .format = plan->format,
                                 .zone = load_options->zone,
                                 .ignore_unknown = load_options->ignore_unknown,
                                 .slabs = plan->slabs,
                                 .first_line = p->first_line};
    if (p->first_line > 1)
        options.header = (dbk_text){(const char *)plan->header.data, (uint32_t)plan->header.size};
    dbk_parser *parser = NULL;
    p->load = load;
    p->no_memory = false;
    p->status = dbk_parser_create(&parser, &options, &sink, &p->error);
    if (p->status == DBK_OK && p->to > 0)
        p->status = dbk_load_range_feed(p, input, plan->format, parser, &p->error);
    else if (p->status == DBK_OK)
        p->status = dbk_parser_feed(parser, p->data, p->size, &p->error);
    if (p->status == DBK_OK)
        p->status = dbk_parser_finish(parser, &p->error);
    if (p->status == DBK_OK && p->no_memory)
        p->status = no_memory(&p->error);
    dbk_parse_totals totals = parser ? dbk_parser_totals(parser) : (dbk_parse_totals){0};
    p->rows = totals.rows;
    p->lines = totals.lines;
    dbk_parser_destroy(parser);
}
