// SPDX-License-Identifier: Apache-2.0
// Batches of one row.
#include "http/app/system_row.h"

#include <assert.h>

static dbk_status fill_column(dbk_batch *batch, const dbk_system_field *field, dbk_error *err)
{
    int index = dbk_column_find(batch->table, dbk_text_from(field->column));
    assert(index >= 0);
    dbk_batch_column *column = &batch->columns[index];
    dbk_type type = batch->table->columns[index].type;
    char *copy = dbk_arena_copy(&batch->arena, field->text.data, field->text.length);
    dbk_text text = {copy, field->text.length};
    if (copy == NULL)
        return dbk_fail(err, DBK_NO_MEMORY, "no memory for a row");
    if (type == DBK_CODE) {
        column->codes = dbk_arena_zalloc(&batch->arena, sizeof(uint32_t));
        column->words = dbk_arena_zalloc(&batch->arena, 2 * sizeof(dbk_text));
        if (column->codes == NULL || column->words == NULL)
            return dbk_fail(err, DBK_NO_MEMORY, "no memory for a row");
        column->words_count = text.length > 0 ? 2 : 1;
        column->words[1] = text;
        column->codes[0] = text.length > 0 ? 1 : 0;
    } else if (type == DBK_TEXT) {
        column->texts = dbk_arena_zalloc(&batch->arena, sizeof(dbk_text));
        if (column->texts == NULL)
            return dbk_fail(err, DBK_NO_MEMORY, "no memory for a row");
        column->texts[0] = text;
    } else {
        column->ints = dbk_arena_zalloc(&batch->arena, sizeof(int64_t));
        if (column->ints == NULL)
            return dbk_fail(err, DBK_NO_MEMORY, "no memory for a row");
        column->ints[0] = field->number;
    }
    return DBK_OK;
}

dbk_status dbk_system_row_build(dbk_batch *batch, dbk_table_id table, const dbk_system_field *fields,
                                int fields_count, bool remove, dbk_error *err)
{
    batch->table = dbk_table_def_by_id((int)table);
    batch->rows = 1;
    batch->remove = remove;
    for (int i = 0; i < fields_count; i++)
        DBK_TRY(fill_column(batch, &fields[i], err));
    return DBK_OK;
}

dbk_status dbk_system_rows_write(dbk_store *store, dbk_text tenant, const dbk_batch *const *batches,
                                 int batches_count, dbk_error *err)
{
    dbk_change change = {.tenant = tenant, .batches = batches, .batches_count = batches_count};
    return dbk_store_write(store, &change, NULL, err);
}

dbk_status dbk_system_row_write(dbk_store *store, dbk_text tenant, dbk_table_id table,
                                const dbk_system_field *fields, int fields_count, bool remove, dbk_error *err)
{
    dbk_batch batch = {0};
    const dbk_batch *batches[] = {&batch};
    dbk_status status = dbk_system_row_build(&batch, table, fields, fields_count, remove, err);
    if (status == DBK_OK)
        status = dbk_system_rows_write(store, tenant, batches, 1, err);
    dbk_batch_dispose(&batch);
    return status;
}
