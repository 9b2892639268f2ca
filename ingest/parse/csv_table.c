// SPDX-License-Identifier: Apache-2.0
// CSV whose header names the columns of a table.
#include "ingest/parse/csv.h"
#include "ingest/parse/csv_header.h"
#include "ingest/parse/csv_scan.h"
#include "ingest/parse/reader.h"
#include "ingest/parse/row_run.h"
#include "ingest/parse/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct csv_source {
    dbk_source super;
    dbk_parse_options options;
    dbk_csv *csv;
    dbk_rows *rows;
    int *columns; // of each field: the table's column, or -1 to skip it; NULL before the header
    uint32_t columns_count;
} csv_source;

static dbk_status bind_header(csv_source *source, const dbk_csv_row *header, dbk_error *err)
{
    const dbk_table_def *table = source->options.table;
    uint64_t seen = 0;
    DBK_TRY(dbk_csv_header_check(header, err));
    source->columns = malloc(header->count * sizeof *source->columns);
    if (!source->columns)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory for a header");
    source->columns_count = header->count;
    for (uint32_t i = 0; i < header->count; i++) {
        dbk_text name = dbk_text_trim(header->fields[i]);
        int column = dbk_rows_column(table, name);
        source->columns[i] = column;
        if (column < 0) {
            if (!source->options.ignore_unknown)
                return dbk_source_unknown(table, header->line, name, err);
            continue;
        }
        if ((seen >> column) & 1)
            return dbk_fail(err, DBK_INVALID, "line %llu: the header names column \"%s\" twice",
                            (unsigned long long)header->line, dbk_source_column_name(table, column));
        seen |= (uint64_t)1 << column;
    }
    for (int i = 0; i < table->columns_count; i++) {
        const dbk_column_def *def = &table->columns[i];
        if ((def->flags & DBK_REQUIRED) && !((seen >> i) & 1))
            return dbk_fail(err, DBK_INVALID, "line %llu: the header lacks \"%s\", which %s requires",
                            (unsigned long long)header->line, def->name, table->name);
    }
    return DBK_OK;
}

static void reject(csv_source *source, const dbk_csv_row *row, uint32_t field, const char *reason)
{
    const dbk_table_def *table = source->options.table;
    int column = field > 0 && field <= source->columns_count ? source->columns[field - 1] : -1;
    dbk_reject what = {row->line, field, dbk_source_column_name(table, column), reason};
    dbk_source_reject(&source->super, &what, row->raw);
}

static void reject_ragged(csv_source *source, const dbk_csv_row *row)
{
    char reason[80];
    snprintf(reason, sizeof reason, "%u field%s where the header has %u", row->count,
             row->count == 1 ? "" : "s", source->columns_count);
    reject(source, row, 0, reason);
}

// The field that holds a column of the table, for messages; 0 when the file does not have it.
static uint32_t field_of(const csv_source *source, int column)
{
    for (uint32_t i = 0; i < source->columns_count; i++) {
        if (source->columns[i] == column)
            return i + 1;
    }
    return 0;
}

_Static_assert((int)DBK_CSV_RUN_ROWS <= (int)DBK_RUN_ROWS && (int)DBK_CSV_RUN_SLACK >= (int)DBK_RUN_SLACK &&
                   (int)DBK_CSV_SCAN_AHEAD >= (int)DBK_RUN_ENDS,
               "a run of rows of text is a run of rows");

static dbk_status on_run(void *user, const dbk_csv_run *run, uint32_t *taken, dbk_error *err)
{
    csv_source *source = user;
    const dbk_run fields = {run->text,       run->ends, run->rows,  source->columns_count,
                            source->columns, run->line, run->quoted};
    DBK_TRY(dbk_rows_add_run(source->rows, &fields, taken, err));
    source->super.totals.rows += *taken;
    return DBK_OK;
}

static dbk_status on_row(void *user, const dbk_csv_row *row, dbk_error *err)
{
    csv_source *source = user;
    if (!source->columns) {
        DBK_TRY(bind_header(source, row, err));
        // An empty line is no row, and one field cannot be told from it.
        if (source->columns_count > 1)
            dbk_csv_take_runs(source->csv, source->columns_count, on_run);
        return DBK_OK;
    }
    if (row->fault) {
        reject(source, row, row->fault_field, row->fault);
        return DBK_OK;
    }
    if (row->count != source->columns_count) {
        reject_ragged(source, row);
        return DBK_OK;
    }
    dbk_rows_begin(source->rows);
    const int *columns = source->columns;
    for (uint32_t i = 0; i < row->count; i++) {
        if (columns[i] < 0)
            continue;
        const char *reason = dbk_rows_set(source->rows, columns[i], row->fields[i]);
        if (reason) {
            reject(source, row, i + 1, reason);
            return DBK_OK;
        }
    }
    int column;
    const char *reason = dbk_rows_check(source->rows, &column);
    if (reason) {
        reject(source, row, field_of(source, column), reason);
        return DBK_OK;
    }
    source->super.totals.rows++;
    return dbk_rows_commit(source->rows, row->line, err);
}

static dbk_status csv_feed(dbk_source *super, const char *data, size_t size, dbk_error *err)
{
    csv_source *source = (csv_source *)super;
    dbk_status status = dbk_csv_feed(source->csv, data, size, err);
    super->totals.lines = dbk_csv_line(source->csv) - source->options.first_line;
    return status;
}

static dbk_status csv_finish(dbk_source *super, dbk_error *err)
{
    csv_source *source = (csv_source *)super;
    DBK_TRY(dbk_csv_finish(source->csv, err));
    super->totals.lines = dbk_csv_line(source->csv) - source->options.first_line;
    if (!source->columns) {
        char known[360];
        dbk_rows_column_list(source->options.table, known, sizeof known);
        return dbk_fail(err, DBK_INVALID, "empty input: the first line must name the columns, from %s",
                        known);
    }
    return dbk_rows_flush(source->rows, err);
}

_Static_assert((int)DBK_PARSER_ROOM <= (int)DBK_CSV_ROOM, "the reader's room is the parser's");

static char *csv_room(dbk_source *super)
{
    return dbk_csv_room(((csv_source *)super)->csv);
}

static void csv_destroy(dbk_source *super)
{
    csv_source *source = (csv_source *)super;
    dbk_csv_destroy(source->csv);
    dbk_rows_destroy(source->rows);
    free(source->columns);
    free(source);
}

static dbk_status read_header(csv_source *source, dbk_error *err)
{
    dbk_csv *csv = dbk_csv_create(1, on_row, source);
    if (!csv)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory for a header");
    dbk_text header = source->options.header;
    if (header.length >= 3 && memcmp(header.data, "\xef\xbb\xbf", 3) == 0)
        header = (dbk_text){header.data + 3, header.length - 3};
    dbk_status status = dbk_csv_feed(csv, header.data, header.length, err);
    if (status == DBK_OK)
        status = dbk_csv_finish(csv, err);
    dbk_csv_destroy(csv);
    return status;
}

dbk_source *dbk_source_csv_create(const dbk_parse_options *options, const dbk_parse_sink *sink,
                                  dbk_error *err)
{
    static const dbk_source_ops ops = {csv_feed, csv_finish, csv_destroy, csv_room};
    csv_source *source = calloc(1, sizeof *source);
    if (!source)
        return NULL;
    source->super.ops = &ops;
    source->super.sink = *sink;
    source->options = *options;
    dbk_rows_options rows = {options->table, options->zone, options->batch_rows,
                             sink->on_batch, sink->user,    options->slabs};
    source->csv = dbk_csv_create(options->first_line, on_row, source);
    source->rows = dbk_rows_create(&rows);
    bool made = source->csv && source->rows;
    if (made && options->header.length > 0)
        made = read_header(source, err) == DBK_OK;
    if (!made) {
        csv_destroy(&source->super);
        return NULL;
    }
    return &source->super;
}
