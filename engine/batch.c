// SPDX-License-Identifier: Apache-2.0
// Batches: freed and checked.
#include "engine/batch.h"

#include "engine/base/utf8.h"

#include <string.h>

enum { TEXT_BYTES_MAX = 1 << 20 };

void dbk_batch_dispose(dbk_batch *batch)
{
    dbk_arena_dispose(&batch->arena);
    *batch = (dbk_batch){0};
}

// Texts that are ids or name rows of other tables: they become keys of indexes and dictionaries.
static bool is_reference(const dbk_column_def *def)
{
    if (def->type == DBK_CODE)
        return dbk_table_def_by_domain(def->domain) != NULL;
    size_t length = strlen(def->name);
    return def->flags & DBK_KEY || (length > 3 && strcmp(def->name + length - 3, "_id") == 0);
}

typedef struct checker {
    const dbk_batch *batch;
    const dbk_column_def *def;
    const dbk_batch_column *column;
    dbk_error *err;
} checker;

static dbk_status bad(const checker *c, uint32_t row, const char *what)
{
    return dbk_fail(c->err, DBK_INVALID, "%s.%s: row %u %s", c->batch->table->name, c->def->name, row + 1,
                    what);
}

// `row` is where the text stands, or the number of a word.
static dbk_status text_check(const checker *c, dbk_text text, uint32_t row)
{
    if (text.length > DBK_ID_BYTES_MAX && is_reference(c->def))
        return bad(c, row, "has an id of more than 64 bytes");
    if (text.length > TEXT_BYTES_MAX)
        return bad(c, row, "has a text of more than 1 MiB");
    if (text.length && dbk_utf8_invalid_at(text.data, text.length) != text.length)
        return bad(c, row, "is not valid UTF-8");
    return DBK_OK;
}

static dbk_status codes_check(const checker *c)
{
    const dbk_batch_column *column = c->column;
    if (!column->words || column->words_count == 0 || column->words[0].length != 0)
        return bad(c, 0, "has codes without words");
    for (uint32_t i = 1; i < column->words_count; i++)
        DBK_TRY(text_check(c, column->words[i], i - 1));
    for (uint32_t i = 0; i < c->batch->rows; i++) {
        if (column->codes[i] >= column->words_count)
            return bad(c, i, "has a code that is no word");
    }
    return DBK_OK;
}

static bool has_value(const checker *c, uint32_t row)
{
    const dbk_batch_column *column = c->column;
    if (c->def->type == DBK_TEXT)
        return column->texts && column->texts[row].length > 0;
    if (c->def->type == DBK_CODE)
        return column->codes && column->words[column->codes[row]].length > 0;
    return column->ints && column->ints[row] != DBK_NULL;
}

static dbk_status values_check(const checker *c)
{
    const dbk_batch_column *column = c->column;
    if (c->def->type == DBK_CODE)
        return column->codes ? codes_check(c) : DBK_OK;
    for (uint32_t i = 0; c->def->type == DBK_TEXT && column->texts && i < c->batch->rows; i++)
        DBK_TRY(text_check(c, column->texts[i], i));
    for (uint32_t i = 0; column->ints && i < c->batch->rows; i++) {
        int64_t value = column->ints[i];
        if (value == DBK_NULL)
            continue;
        if (c->def->type == DBK_BOOL && value != 0 && value != 1)
            return bad(c, i, "is neither 0 nor 1");
        if (c->def->type == DBK_DATE && (value < INT32_MIN || value > INT32_MAX))
            return bad(c, i, "is no date");
    }
    return DBK_OK;
}

// The engine makes hidden columns itself; a removal needs nothing but the key; and the time of an order's
// line may be its order's.
static bool must_be_there(const dbk_batch *batch, const dbk_column_def *def)
{
    return !(def->flags & DBK_HIDDEN) && def->flags & (batch->remove ? DBK_KEY : DBK_REQUIRED);
}

static dbk_status presence_check(const checker *c)
{
    if (!must_be_there(c->batch, c->def))
        return DBK_OK;
    for (uint32_t i = 0; i < c->batch->rows; i++) {
        if (!has_value(c, i))
            return bad(c, i, "has no value");
    }
    return DBK_OK;
}

// Only the members that belong to the column's type may be set.
static bool is_of_its_type(const checker *c)
{
    const dbk_batch_column *column = c->column;
    bool none = !(c->def->flags & DBK_HIDDEN);
    return (!column->ints || (none && dbk_type_is_int(c->def->type))) &&
           (!column->codes || (none && c->def->type == DBK_CODE)) &&
           (!column->texts || (none && c->def->type == DBK_TEXT));
}

dbk_status dbk_batch_check(const dbk_batch *batch, dbk_error *err)
{
    if (!batch->table)
        return dbk_fail(err, DBK_INVALID, "a batch of no table");
    if (batch->rows > DBK_SEGMENT_ROWS)
        return dbk_fail(err, DBK_INVALID, "%s: a batch of %u rows, more than %d", batch->table->name,
                        batch->rows, DBK_SEGMENT_ROWS);
    for (int i = 0; i < batch->table->columns_count; i++) {
        checker c = {batch, &batch->table->columns[i], &batch->columns[i], err};
        // Most columns of a batch of few rows are absent.
        bool is_absent = !c.column->ints && !c.column->codes && !c.column->texts;
        if (is_absent && !must_be_there(batch, c.def))
            continue;
        if (!is_of_its_type(&c))
            return bad(&c, 0, "is of another type");
        DBK_TRY(values_check(&c));
        DBK_TRY(presence_check(&c));
    }
    return DBK_OK;
}
