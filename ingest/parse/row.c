// SPDX-License-Identifier: Apache-2.0
// Building batches row by row. Integers are written to their column at once and simply overwritten when the
// row fails; texts and codes wait until the row is known to be good, since a text takes room in the arena and
// a code a word in the batch's dictionary.
#include "ingest/parse/row.h"

#include "engine/base/hash.h"
#include "engine/base/slabs.h"
#include "ingest/parse/row_run.h"
#include "ingest/parse/row_state.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// A batch of few rows begins smaller.
enum { ROW_TEXT_BYTES = 64, TEXT_CHUNK = 1 << 16 };

static bool needs_value(const dbk_table_def *table, int column)
{
    return (table->columns[column].flags & DBK_REQUIRED) != 0;
}

dbk_rows *dbk_rows_create(const dbk_rows_options *options)
{
    dbk_rows *rows = malloc(sizeof *rows);
    if (!rows)
        return NULL;
    memset(rows, 0, offsetof(dbk_rows, pending));
    rows->options = *options;
    rows->word_seed = dbk_hash_u64(DBK_WORD_KEY_BYTES);
    rows->capacity = options->batch_rows ? options->batch_rows : DBK_SEGMENT_ROWS;
    assert(rows->capacity <= DBK_SEGMENT_ROWS);
    for (int i = 0; i < options->table->columns_count; i++)
        rows->required_mask |= (uint64_t)needs_value(options->table, i) << i;
    if (options->table->id == DBK_PRODUCTS) {
        dbk_rows_options categories = *options;
        categories.table = dbk_table_def_by_id(DBK_CATEGORIES);
        categories.slabs = NULL;
        rows->categories = dbk_rows_create(&categories);
        rows->category_column = dbk_column_find(options->table, DBK_TEXT("category_id"));
        if (!rows->categories) {
            free(rows);
            return NULL;
        }
    }
    return rows;
}

static void drop_batch(dbk_rows *rows)
{
    if (rows->batch) {
        dbk_arena_dispose(&rows->batch->arena);
        free(rows->batch);
        rows->batch = NULL;
    }
}

void dbk_rows_destroy(dbk_rows *rows)
{
    if (!rows)
        return;
    dbk_rows_destroy(rows->categories);
    drop_batch(rows);
    for (uint64_t left = rows->words_mask; left; left &= left - 1)
        dbk_words_dispose(&rows->words[__builtin_ctzll(left)]);
    dbk_run_room_free(rows->room);
    free(rows);
}

int dbk_rows_column(const dbk_table_def *table, dbk_text name)
{
    int found = -1;
    if (table->id == DBK_PRODUCTS && name.length == strlen("category") &&
        strncasecmp(name.data, "category", name.length) == 0)
        return DBK_ROW_CATEGORY;
    for (int i = 0; i < table->columns_count; i++) {
        const dbk_column_def *column = &table->columns[i];
        // Most differ in their first letter.
        if (name.length == 0 || ((column->name[0] ^ name.data[0]) & ~0x20) != 0 ||
            (column->flags & DBK_HIDDEN) || strlen(column->name) != name.length)
            continue;
        if (memcmp(column->name, name.data, name.length) == 0)
            return i;
        if (strncasecmp(column->name, name.data, name.length) == 0)
            found = i;
    }
    return found;
}

void dbk_rows_column_list(const dbk_table_def *table, char *out, size_t size)
{
    size_t at = 0;
    out[0] = '\0';
    for (int i = 0; i <= table->columns_count; i++) {
        bool virtual = i == table->columns_count;
        if (virtual ? table->id != DBK_PRODUCTS : (table->columns[i].flags & DBK_HIDDEN) != 0)
            continue;
        const char *name = virtual ? "category" : table->columns[i].name;
        size_t length = strlen(name) + (at ? 2 : 0);
        if (at + length + 1 > size)
            return;
        memcpy(out + at, ", ", at ? 2 : 0);
        memcpy(out + at + (at ? 2 : 0), name, strlen(name) + 1);
        at += length;
    }
}

void dbk_rows_begin(dbk_rows *rows)
{
    rows->set_mask = 0;
}

// ---- Memory of the batch ----

dbk_status dbk_rows_no_memory(dbk_error *err)
{
    return dbk_fail(err, DBK_NO_MEMORY, "out of memory for a batch of rows");
}

dbk_status dbk_rows_open_batch(dbk_rows *rows, dbk_error *err)
{
    dbk_batch *batch = calloc(1, sizeof *batch);
    if (!batch)
        return dbk_rows_no_memory(err);
    batch->table = rows->options.table;
    dbk_slabs_begin(rows->options.slabs, &batch->arena);
    batch->lines = dbk_arena_alloc(&batch->arena, rows->capacity * sizeof *batch->lines);
    if (!batch->lines) {
        dbk_arena_dispose(&batch->arena);
        free(batch);
        return dbk_rows_no_memory(err);
    }
    rows->batch = batch;
    rows->batches++;
    rows->open_mask = 0;
    rows->chunk = NULL;
    rows->chunk_left = 0;
    return DBK_OK;
}

bool dbk_rows_open_column(dbk_rows *rows, int index)
{
    dbk_batch_column *column = &rows->batch->columns[index];
    dbk_arena *arena = &rows->batch->arena;
    switch (dbk_rows_column_def(rows, index)->type) {
    case DBK_CODE:
        return column->codes || dbk_words_open(rows, index);
    case DBK_TEXT:
        if (!column->texts) {
            column->texts = dbk_arena_alloc(arena, rows->capacity * sizeof *column->texts);
            if (!column->texts)
                return false;
            memset(column->texts, 0, rows->batch->rows * sizeof *column->texts);
        }
        return true;
    default:
        if (!column->ints) {
            column->ints = dbk_arena_alloc(arena, rows->capacity * sizeof *column->ints);
            if (!column->ints)
                return false;
            for (uint32_t i = 0; i < rows->batch->rows; i++)
                column->ints[i] = DBK_NULL;
        }
        return true;
    }
}

static size_t chunk_size(const dbk_rows *rows)
{
    const size_t chunk = (size_t)rows->capacity * ROW_TEXT_BYTES;
    return chunk < TEXT_CHUNK ? chunk : TEXT_CHUNK;
}

bool dbk_rows_reserve_text(dbk_rows *rows, size_t size)
{
    if (size <= rows->chunk_left)
        return true;
    if (size > chunk_size(rows))
        return false;
    rows->chunk = dbk_arena_alloc(&rows->batch->arena, chunk_size(rows));
    rows->chunk_left = rows->chunk ? chunk_size(rows) : 0;
    return rows->chunk != NULL;
}

bool dbk_rows_keep_text(dbk_rows *rows, dbk_text text, dbk_text *out)
{
    if (text.length > rows->chunk_left) {
        if (text.length > chunk_size(rows) / 4) {
            out->data = dbk_arena_copy(&rows->batch->arena, text.data, text.length);
            out->length = text.length;
            return out->data != NULL;
        }
        if (!dbk_rows_reserve_text(rows, text.length))
            return false;
    }
    memcpy(rows->chunk, text.data, text.length);
    *out = (dbk_text){rows->chunk, text.length};
    rows->chunk += text.length;
    rows->chunk_left -= text.length;
    return true;
}

// ---- Rows ----

const char *dbk_rows_set(dbk_rows *rows, int column, dbk_text text)
{
    if (column == DBK_ROW_CATEGORY) {
        text = dbk_text_trim(text);
        if (text.length == 0)
            return NULL;
        const char *reason = dbk_value_check(dbk_rows_column_def(rows->categories, 1), text);
        rows->pending[column] = text;
        rows->set_mask |= (uint64_t)1 << column;
        return reason;
    }
    const dbk_column_def *def = dbk_rows_column_def(rows, column);
    if (dbk_type_is_int(def->type)) {
        int64_t value;
        const char *reason = dbk_value_parse(def, rows->options.zone, text, &value);
        if (reason)
            return reason;
        dbk_rows_set_int(rows, column, value);
        return NULL;
    }
    if (text.length == 0 || ((uint8_t)text.data[0] <= ' ' && dbk_text_blank(text)))
        return NULL;
    if (text.length > DBK_ID_BYTES_MAX || def->values) {
        const char *reason = dbk_value_check(def, text);
        if (reason)
            return reason;
    }
    rows->pending[column] = text;
    rows->set_mask |= (uint64_t)1 << column;
    return NULL;
}

// The value waits as bytes of the pending text, so that nothing is allocated before the row is good.
void dbk_rows_set_int(dbk_rows *rows, int column, int64_t value)
{
    if (value == DBK_NULL)
        return;
    dbk_batch *batch = rows->batch;
    if (batch && batch->columns[column].ints)
        batch->columns[column].ints[batch->rows] = value;
    else
        memcpy(&rows->pending[column], &value, sizeof value);
    rows->set_mask |= (uint64_t)1 << column;
}

const char *dbk_rows_check(const dbk_rows *rows, int *column)
{
    uint64_t missing = rows->required_mask & ~rows->set_mask;
    if (missing) {
        *column = __builtin_ctzll(missing);
        return "required, but empty";
    }
    bool names_category = (rows->set_mask >> DBK_ROW_CATEGORY) & 1;
    if (names_category && !((rows->set_mask >> rows->category_column) & 1) &&
        rows->pending[DBK_ROW_CATEGORY].length > DBK_ID_BYTES_MAX) {
        // The name is to be the id.
        *column = DBK_ROW_CATEGORY;
        return "longer than 64 bytes";
    }
    return NULL;
}

// Rows of categories are unique within a batch, so that the code of the id is the row; the last name wins.
static dbk_status commit_category(dbk_rows *rows, uint64_t line, dbk_error *err)
{
    dbk_rows *categories = rows->categories;
    dbk_text name = rows->pending[DBK_ROW_CATEGORY];
    if (!((rows->set_mask >> rows->category_column) & 1)) {
        rows->pending[rows->category_column] = name;
        rows->set_mask |= (uint64_t)1 << rows->category_column;
    }
    dbk_text id = rows->pending[rows->category_column];
    dbk_batch *batch = categories->batch;
    if (batch && batch->columns[0].codes) {
        uint32_t words = batch->columns[0].words_count;
        uint32_t code = dbk_words_intern(categories, 0, id);
        if (code == 0)
            return dbk_rows_no_memory(err);
        if (code < words) {
            dbk_text *kept = &batch->columns[1].texts[code - 1];
            return dbk_text_equal(*kept, name) || dbk_rows_keep_text(categories, name, kept)
                       ? DBK_OK
                       : dbk_rows_no_memory(err);
        }
    }
    dbk_rows_begin(categories);
    dbk_rows_set(categories, 0, id);
    dbk_rows_set(categories, 1, name);
    // Never full before the products are: at most one category a product.
    return dbk_rows_commit(categories, line, err);
}

static dbk_status store_value(dbk_rows *rows, int index, bool fresh, dbk_error *err)
{
    dbk_batch *batch = rows->batch;
    dbk_batch_column *column = &batch->columns[index];
    dbk_text word = rows->pending[index];
    char capitals[3];
    switch (dbk_rows_column_def(rows, index)->type) {
    case DBK_CODE:
        if (dbk_rows_column_def(rows, index)->domain == DBK_DOMAIN_CURRENCY)
            word = dbk_word_as_currency(word, capitals);
        column->codes[batch->rows] = dbk_words_intern(rows, index, word);
        return column->codes[batch->rows] ? DBK_OK : dbk_rows_no_memory(err);
    case DBK_TEXT:
        return dbk_rows_keep_text(rows, rows->pending[index], &column->texts[batch->rows])
                   ? DBK_OK
                   : dbk_rows_no_memory(err);
    default:
        if (fresh)
            memcpy(&column->ints[batch->rows], &rows->pending[index], sizeof *column->ints);
        return DBK_OK;
    }
}

static void store_nothing(dbk_rows *rows, int index)
{
    dbk_batch_column *column = &rows->batch->columns[index];
    if (column->ints)
        column->ints[rows->batch->rows] = DBK_NULL;
    else if (column->codes)
        column->codes[rows->batch->rows] = 0;
    else if (column->texts)
        column->texts[rows->batch->rows] = (dbk_text){NULL, 0};
}

dbk_status dbk_rows_commit(dbk_rows *rows, uint64_t line, dbk_error *err)
{
    if ((rows->set_mask >> DBK_ROW_CATEGORY) & 1)
        DBK_TRY(commit_category(rows, line, err));
    if (!rows->batch)
        DBK_TRY(dbk_rows_open_batch(rows, err));
    dbk_batch *batch = rows->batch;
    uint64_t set = rows->set_mask & (((uint64_t)1 << DBK_COLUMNS_MAX) - 1);
    uint64_t fresh = set & ~rows->open_mask;
    for (uint64_t left = rows->open_mask & ~set; left; left &= left - 1)
        store_nothing(rows, __builtin_ctzll(left));
    for (uint64_t left = fresh; left; left &= left - 1) {
        if (!dbk_rows_open_column(rows, __builtin_ctzll(left)))
            return dbk_rows_no_memory(err);
    }
    rows->open_mask |= fresh;
    for (uint64_t left = set; left; left &= left - 1) {
        int i = __builtin_ctzll(left);
        DBK_TRY(store_value(rows, i, (fresh >> i) & 1, err));
    }
    batch->lines[batch->rows++] = line > UINT32_MAX ? UINT32_MAX : (uint32_t)line;
    return batch->rows == rows->capacity ? dbk_rows_flush(rows, err) : DBK_OK;
}

dbk_status dbk_rows_flush(dbk_rows *rows, dbk_error *err)
{
    // Rows refer to categories of the same or an earlier batch: these go first.
    if (rows->categories)
        DBK_TRY(dbk_rows_flush(rows->categories, err));
    dbk_batch *batch = rows->batch;
    if (!batch || batch->rows == 0)
        return DBK_OK;
    rows->batch = NULL;
    return rows->options.on_batch(rows->options.user, batch, err);
}
