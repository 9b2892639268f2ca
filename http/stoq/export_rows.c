// SPDX-License-Identifier: Apache-2.0
// The rows of a report as lines of a CSV.
#include "http/csv/writer.h"
#include "http/stoq/exports.h"
#include "http/stoq/rows.h"

typedef struct csv_lines {
    dbk_export_sink *sink;
    dbk_sheet sheet; // writes into the sink's buffer
    dbk_buffer cell;
} csv_lines;

static dbk_status write_header(void *user, const dbk_stoq_set *set, const dbk_stoq_column *const *columns,
                               int count, dbk_error *err)
{
    csv_lines *lines = user;
    (void)set;
    for (int i = 0; i < count; i++)
        dbk_sheet_key(&lines->sheet, columns[i]->key);
    dbk_sheet_row_end(&lines->sheet);
    return dbk_export_sink_lines(lines->sink, 0, err);
}

static void write_cell(csv_lines *lines, const dbk_stoq_cell *cell)
{
    dbk_buffer_reset(&lines->cell);
    dbk_stoq_cell_write(cell, &lines->cell);
    dbk_text text = {(const char *)lines->cell.data, (uint32_t)lines->cell.size};
    // Numbers and dates are our own and no formulas, though some begin with a minus.
    if (cell->type == DBK_STOQ_TEXT)
        dbk_sheet_text(&lines->sheet, text);
    else
        dbk_sheet_plain(&lines->sheet, text);
}

static dbk_status write_row(void *user, const dbk_stoq_cell *cells, int count, dbk_error *err)
{
    csv_lines *lines = user;
    for (int i = 0; i < count; i++)
        write_cell(lines, &cells[i]);
    dbk_sheet_row_end(&lines->sheet);
    if (lines->cell.failed)
        return dbk_fail(err, DBK_NO_MEMORY, "no memory for the lines of an export");
    return dbk_export_sink_lines(lines->sink, 1, err);
}

static void note_progress(void *user, uint64_t done, uint64_t total)
{
    csv_lines *lines = user;
    dbk_export_sink_reached(lines->sink, (int64_t)done, (int64_t)total);
}

static dbk_status write_report(const dbk_export_task *task, dbk_export_sink *sink, dbk_error *err)
{
    dbk_stoq_request request;
    csv_lines lines = {.sink = sink, .sheet = dbk_sheet_init(&sink->out)};
    dbk_stoq_sink rows = {.begin = write_header,
                          .row = write_row,
                          .progress = note_progress,
                          .user = &lines,
                          .cancelled = sink->cancelled};
    DBK_TRY(dbk_stoq_request_read(task->parameters, &request, err));
    dbk_status status = dbk_stoq_rows(&request, task->snapshot, task->tenant, 1, &rows, err);
    dbk_buffer_dispose(&lines.cell);
    return status;
}

const dbk_export_kind dbk_stoq_exports = {.name = "preorders", .write = write_report};
