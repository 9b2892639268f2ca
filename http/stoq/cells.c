// SPDX-License-Identifier: Apache-2.0
// Rows on their way out, and what a cell looks like as text and as JSON.
#include "engine/base/calendar.h"
#include "engine/base/decimal.h"
#include "http/stoq/run.h"

#include <assert.h>
#include <string.h>

enum { RATIO_DIGITS = 4, SUM_SCALE = 9, SUM_DIVISOR = 10000 };

// ---- Which ----

bool dbk_stoq_wants_set(const dbk_stoq_run *run, int set)
{
    return !run->is_export || run->request->report->sets[set].is_exported;
}

static const dbk_stoq_set *exported(const dbk_stoq_run *run)
{
    return dbk_stoq_report_export(run->request->report);
}

bool dbk_stoq_wants_metric(const dbk_stoq_run *run, const char *key)
{
    const dbk_stoq_set *set = exported(run);
    for (int i = 0; i < set->columns_count; i++)
        if (strcmp(set->columns[i].key, key) == 0)
            return run->request->metrics >> i & 1;
    return true;
}

// Metrics are chosen by name, so that totals and rows show the same ones.
static bool wants_column(const dbk_stoq_run *run, const dbk_stoq_column *column)
{
    return !column->is_metric || dbk_stoq_wants_metric(run, column->key);
}

dbk_status dbk_stoq_set_begin(dbk_stoq_run *run, int index, dbk_error *err)
{
    const dbk_stoq_set *set = &run->request->report->sets[index];
    const dbk_stoq_column *columns[DBK_STOQ_COLUMNS_MAX];
    int count = 0;
    for (int i = 0; i < set->columns_count; i++)
        if (wants_column(run, &set->columns[i]))
            columns[count++] = &set->columns[i];
    return run->sink->begin(run->sink->user, set, columns, count, err);
}

void dbk_stoq_progress(const dbk_stoq_run *run, uint64_t done, uint64_t total)
{
    if (run->sink->progress != NULL)
        run->sink->progress(run->sink->user, done, total);
}

// ---- Rows ----

dbk_stoq_row dbk_stoq_row_begin(dbk_stoq_run *run, int set)
{
    return (dbk_stoq_row){.run = run, .set = &run->request->report->sets[set]};
}

// The place of the next column's cell; NULL when it is not wanted.
static dbk_stoq_cell *next_cell(dbk_stoq_row *row, dbk_stoq_cell_type type)
{
    assert(row->column < row->set->columns_count);
    const dbk_stoq_column *column = &row->set->columns[row->column++];
    assert(column->type == type);
    if (!wants_column(row->run, column))
        return NULL;
    dbk_stoq_cell *cell = &row->cells[row->count++];
    *cell = (dbk_stoq_cell){.type = type};
    return cell;
}

static void put_number(dbk_stoq_row *row, dbk_stoq_cell_type type, dbk_i128 value)
{
    dbk_stoq_cell *cell = next_cell(row, type);
    if (cell != NULL)
        cell->number = value;
}

void dbk_stoq_put_int(dbk_stoq_row *row, dbk_i128 value)
{
    put_number(row, DBK_STOQ_INT, value);
}

static dbk_i128 rounded(const dbk_stoq_row *row, dbk_stoq_sum sum, dbk_i128 divisor)
{
    return dbk_decimal_round(sum, SUM_SCALE, SUM_DIVISOR * (int64_t)divisor, row->run->request->digits);
}

static void put_amount(dbk_stoq_row *row, dbk_i128 value)
{
    dbk_stoq_cell *cell = next_cell(row, DBK_STOQ_MONEY);
    if (cell == NULL)
        return;
    cell->digits = row->run->request->digits;
    cell->number = value;
}

void dbk_stoq_put_money(dbk_stoq_row *row, dbk_stoq_sum sum, dbk_i128 divisor)
{
    put_amount(row, divisor > 0 ? rounded(row, sum, divisor) : 0);
}

void dbk_stoq_put_rest(dbk_stoq_row *row, dbk_stoq_sum sum, dbk_stoq_sum part)
{
    put_amount(row, rounded(row, sum, 1) - rounded(row, part, 1));
}

void dbk_stoq_put_text(dbk_stoq_row *row, dbk_text text)
{
    dbk_stoq_cell *cell = next_cell(row, DBK_STOQ_TEXT);
    if (cell == NULL)
        return;
    cell->text = text;
    cell->is_null = text.length == 0;
}

void dbk_stoq_put_day(dbk_stoq_row *row, int32_t day)
{
    put_number(row, DBK_STOQ_DAY, day);
}

void dbk_stoq_put_ratio(dbk_stoq_row *row, dbk_i128 part, dbk_i128 whole)
{
    // Four decimals do not see what is lost here.
    for (; whole > INT64_MAX; whole /= 2)
        part /= 2;
    put_number(row, DBK_STOQ_RATIO, whole > 0 ? dbk_decimal_round(part, 0, (int64_t)whole, RATIO_DIGITS) : 0);
}

void dbk_stoq_put_flag(dbk_stoq_row *row, bool value)
{
    put_number(row, DBK_STOQ_FLAG, value);
}

void dbk_stoq_put_null(dbk_stoq_row *row)
{
    assert(row->column < row->set->columns_count && row->set->columns[row->column].is_nullable);
    dbk_stoq_cell *cell = next_cell(row, row->set->columns[row->column].type);
    if (cell != NULL)
        cell->is_null = true;
}

dbk_status dbk_stoq_row_end(dbk_stoq_row *row, dbk_error *err)
{
    assert(row->column == row->set->columns_count);
    return row->run->sink->row(row->run->sink->user, row->cells, row->count, err);
}

// ---- Looks ----

static size_t write_ratio(char out[DBK_DECIMAL_TEXT_MAX], dbk_i128 value)
{
    return dbk_decimal_write_exact(out, (int64_t)value, RATIO_DIGITS);
}

void dbk_stoq_cell_write(const dbk_stoq_cell *cell, dbk_buffer *out)
{
    char text[DBK_DECIMAL_TEXT_MAX];
    size_t length = 0;
    if (cell->is_null)
        return;
    switch (cell->type) {
    case DBK_STOQ_INT:
        length = dbk_decimal_write(text, cell->number, 0, 1, 0);
        break;
    case DBK_STOQ_MONEY:
        length = dbk_decimal_write(text, cell->number, cell->digits, 1, cell->digits);
        break;
    case DBK_STOQ_RATIO:
        length = write_ratio(text, cell->number);
        break;
    case DBK_STOQ_DAY:
        length = dbk_date_write(text, (int32_t)cell->number);
        break;
    case DBK_STOQ_FLAG:
        dbk_buffer_format(out, "%s", cell->number ? "true" : "false");
        return;
    case DBK_STOQ_TEXT:
        dbk_buffer_append(out, cell->text.data, cell->text.length);
        return;
    }
    dbk_buffer_append(out, text, length);
}

void dbk_stoq_cell_json(const dbk_stoq_cell *cell, dbk_out *json)
{
    char text[DBK_DECIMAL_TEXT_MAX + 1];
    if (cell->is_null) {
        dbk_out_null(json);
        return;
    }
    switch (cell->type) {
    case DBK_STOQ_INT:
        dbk_out_wide(json, cell->number);
        break;
    case DBK_STOQ_MONEY: {
        size_t length = dbk_decimal_write(text, cell->number, cell->digits, 1, cell->digits);
        dbk_out_text(json, (dbk_text){text, (uint32_t)length});
        break;
    }
    case DBK_STOQ_RATIO:
        text[write_ratio(text, cell->number)] = 0;
        dbk_out_raw(json, text);
        break;
    case DBK_STOQ_DAY:
        dbk_out_day(json, (int32_t)cell->number);
        break;
    case DBK_STOQ_FLAG:
        dbk_out_bool(json, cell->number != 0);
        break;
    case DBK_STOQ_TEXT:
        dbk_out_text(json, cell->text);
        break;
    }
}
