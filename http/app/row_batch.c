// SPDX-License-Identifier: Apache-2.0
// Every column is laid out at once, in one piece of memory: batches made here have few rows.
#include "http/app/row_batch.h"

#include <assert.h>

static dbk_status no_memory(dbk_error *err)
{
    return dbk_fail(err, DBK_NO_MEMORY, "Out of memory; nothing was stored.");
}

// What one row of a column takes. A code has a word of its own beside it, and there is the empty word.
static size_t column_bytes(dbk_type type, uint32_t rows)
{
    if (type == DBK_CODE)
        return (rows + 1) * sizeof(dbk_text) + (rows + rows % 2) * sizeof(uint32_t);
    return rows * (type == DBK_TEXT ? sizeof(dbk_text) : sizeof(int64_t));
}

static void lay_out(dbk_batch_column *column, dbk_type type, uint32_t rows, void *memory)
{
    if (type == DBK_CODE) {
        // Each row has a word of its own.
        column->words = memory;
        column->words_count = rows + 1;
        column->codes = (uint32_t *)(column->words + rows + 1);
    } else if (type == DBK_TEXT) {
        column->texts = memory;
    } else {
        column->ints = memory;
        for (uint32_t row = 0; row < rows; row++)
            column->ints[row] = DBK_NULL;
    }
}

dbk_status dbk_row_batch_init(dbk_batch *batch, dbk_table_id table, uint32_t rows, dbk_error *err)
{
    const dbk_table_def *def = dbk_table_def_by_id((int)table);
    *batch = (dbk_batch){.table = def, .rows = rows};
    size_t bytes = 0;
    for (int c = 0; c < def->columns_count; c++)
        bytes += column_bytes(def->columns[c].type, rows);
    uint8_t *memory = dbk_arena_zalloc(&batch->arena, bytes);
    if (!memory)
        return no_memory(err);
    for (int c = 0; c < def->columns_count; c++) {
        lay_out(&batch->columns[c], def->columns[c].type, rows, memory);
        memory += column_bytes(def->columns[c].type, rows);
    }
    return DBK_OK;
}

static int find(const dbk_table_def *table, const char *name)
{
    int column = dbk_column_find(table, dbk_text_from(name));
    assert(column >= 0);
    return column;
}

static dbk_status set_text(dbk_batch *batch, uint32_t row, int c, dbk_text value, dbk_error *err)
{
    dbk_batch_column *column = &batch->columns[c];
    dbk_text copy = {NULL, 0};
    if (value.length > 0) {
        copy = (dbk_text){dbk_arena_copy(&batch->arena, value.data, value.length), value.length};
        if (copy.data == NULL)
            return no_memory(err);
    }
    if (column->texts) {
        column->texts[row] = copy;
    } else {
        column->words[row + 1] = copy;
        column->codes[row] = copy.length > 0 ? row + 1 : 0;
    }
    return DBK_OK;
}

void dbk_row_batch_int(dbk_batch *batch, uint32_t row, const char *column, int64_t value)
{
    dbk_batch_column *at = &batch->columns[find(batch->table, column)];
    assert(at->ints);
    at->ints[row] = value;
}

dbk_status dbk_row_batch_text(dbk_batch *batch, uint32_t row, const char *column, dbk_text value,
                              dbk_error *err)
{
    int c = find(batch->table, column);
    assert(!batch->columns[c].ints);
    return set_text(batch, row, c, value, err);
}

// ---- Stored rows ----

static dbk_status read_by_key(const dbk_snapshot *snapshot, dbk_text tenant, const dbk_table_def *def,
                              dbk_filter filter, const char *const *fields, int fields_count,
                              dbk_result **out, dbk_error *err)
{
    filter.column = def->columns[def->key_column].name;
    const dbk_query query = {.table = def->name,
                             .from_ms = DBK_TIME_OPEN_FROM,
                             .to_ms = DBK_TIME_OPEN_TO,
                             .filters = &filter,
                             .filters_count = 1,
                             .fields = fields,
                             .fields_count = fields_count};
    return dbk_query_run(snapshot, tenant, &query, out, err);
}

dbk_status dbk_stored_rows(const dbk_snapshot *snapshot, dbk_text tenant, dbk_table_id table,
                           const dbk_value *keys, int keys_count, dbk_result **out, dbk_error *err)
{
    const dbk_table_def *def = dbk_table_def_by_id((int)table);
    const dbk_filter filter = {.op = DBK_OP_IN, .values = keys, .values_count = keys_count};
    const char *fields[DBK_COLUMNS_MAX];
    for (int c = 0; c < def->columns_count; c++)
        fields[c] = def->columns[c].name;
    return read_by_key(snapshot, tenant, def, filter, fields, def->columns_count, out, err);
}

dbk_status dbk_stored_row(const dbk_snapshot *snapshot, dbk_text tenant, dbk_table_id table, dbk_text key,
                          const char *const *fields, int fields_count, dbk_result **out, dbk_error *err)
{
    const dbk_value value = {.kind = DBK_VALUE_TEXT, .text = key};
    const dbk_filter filter = {.op = DBK_OP_EQ, .values = &value, .values_count = 1};
    return read_by_key(snapshot, tenant, dbk_table_def_by_id((int)table), filter, fields, fields_count, out,
                       err);
}

dbk_status dbk_row_batch_copy(dbk_batch *batch, uint32_t row, const dbk_result *rows, size_t from,
                              dbk_error *err)
{
    for (int c = 0; c < batch->table->columns_count; c++) {
        if (batch->columns[c].ints)
            batch->columns[c].ints[row] = dbk_result_int(rows, from, c);
        else
            DBK_TRY(set_text(batch, row, c, dbk_result_text(rows, from, c), err));
    }
    return DBK_OK;
}

dbk_status dbk_row_batch_removal(dbk_batch *batch, dbk_table_id table, const dbk_result *ids, dbk_error *err)
{
    uint32_t count = (uint32_t)dbk_result_rows(ids);
    DBK_TRY(dbk_row_batch_init(batch, table, count, err));
    for (uint32_t row = 0; row < count; row++)
        DBK_TRY(dbk_row_batch_text(batch, row, "id", dbk_result_text(ids, row, 0), err));
    batch->remove = true;
    return DBK_OK;
}

int64_t dbk_stored_int(const dbk_result *rows, size_t row, dbk_table_id table, const char *column)
{
    return dbk_result_int(rows, row, find(dbk_table_def_by_id((int)table), column));
}

dbk_text dbk_stored_text(const dbk_result *rows, size_t row, dbk_table_id table, const char *column)
{
    return dbk_result_text(rows, row, find(dbk_table_def_by_id((int)table), column));
}
