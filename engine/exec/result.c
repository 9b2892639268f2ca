// SPDX-License-Identifier: Apache-2.0
// The columns of an answer, all in one arena.
#include "engine/exec/result_build.h"

#include <assert.h>

dbk_result *dbk_result_create(int columns)
{
    // It stands in its own arena.
    dbk_arena arena = {0};
    const size_t bytes = sizeof(dbk_result_column) * (size_t)(columns ? columns : 1);
    dbk_result *result = dbk_arena_zalloc(&arena, sizeof *result);
    dbk_result_column *its = dbk_arena_zalloc(&arena, bytes);
    if (!result || !its) {
        dbk_arena_dispose(&arena);
        return NULL;
    }
    *result = (dbk_result){.arena = arena, .columns_count = columns, .columns = its};
    return result;
}

bool dbk_result_reserve(dbk_result *result, size_t rows)
{
    result->rows = rows;
    if (rows == 0)
        return true;
    if (rows > SIZE_MAX / 64)
        return false;
    for (int i = 0; i < result->columns_count; i++) {
        dbk_result_column *column = &result->columns[i];
        switch (column->kind) {
        case DBK_RESULT_INT:
            column->ints = dbk_arena_alloc(&result->arena, rows * sizeof *column->ints);
            if (!column->ints)
                return false;
            for (size_t row = 0; row < rows; row++)
                column->ints[row] = DBK_NULL;
            break;
        case DBK_RESULT_TEXT:
            column->texts = dbk_arena_zalloc(&result->arena, rows * sizeof *column->texts);
            if (!column->texts)
                return false;
            break;
        case DBK_RESULT_SUM:
        case DBK_RESULT_AVERAGE:
            column->sums = dbk_arena_zalloc(&result->arena, rows * sizeof *column->sums);
            column->counts = dbk_arena_zalloc(&result->arena, rows * sizeof *column->counts);
            if (!column->sums || !column->counts)
                return false;
            break;
        }
    }
    return true;
}

bool dbk_result_set_text(dbk_result *result, size_t row, int column, dbk_text text)
{
    if (text.length == 0)
        return true;
    const char *copy = dbk_arena_copy(&result->arena, text.data, text.length);
    result->columns[column].texts[row] = (dbk_text){copy, copy ? text.length : 0};
    return copy != NULL;
}

size_t dbk_result_rows(const dbk_result *result)
{
    return result->rows;
}

int dbk_result_columns(const dbk_result *result)
{
    return result->columns_count;
}

static const dbk_result_column *column_of(const dbk_result *result, int column)
{
    assert(column >= 0 && column < result->columns_count);
    return &result->columns[column];
}

dbk_result_kind dbk_result_column_kind(const dbk_result *result, int column)
{
    return column_of(result, column)->kind;
}

dbk_type dbk_result_column_type(const dbk_result *result, int column)
{
    return column_of(result, column)->type;
}

bool dbk_result_is_null(const dbk_result *result, size_t row, int column)
{
    const dbk_result_column *c = column_of(result, column);
    assert(row < result->rows);
    switch (c->kind) {
    case DBK_RESULT_INT:
        return c->ints[row] == DBK_NULL;
    case DBK_RESULT_TEXT:
        return c->texts[row].length == 0;
    default:
        return c->counts[row] == 0;
    }
}

int64_t dbk_result_int(const dbk_result *result, size_t row, int column)
{
    const dbk_result_column *c = column_of(result, column);
    assert(row < result->rows && c->kind == DBK_RESULT_INT);
    return c->ints[row];
}

dbk_text dbk_result_text(const dbk_result *result, size_t row, int column)
{
    const dbk_result_column *c = column_of(result, column);
    assert(row < result->rows && c->kind == DBK_RESULT_TEXT);
    return c->texts[row];
}

dbk_i128 dbk_result_sum(const dbk_result *result, size_t row, int column)
{
    const dbk_result_column *c = column_of(result, column);
    assert(row < result->rows && c->kind != DBK_RESULT_TEXT);
    if (c->kind == DBK_RESULT_INT)
        return c->ints[row] == DBK_NULL ? 0 : c->ints[row];
    return c->sums[row];
}

int64_t dbk_result_count(const dbk_result *result, size_t row, int column)
{
    const dbk_result_column *c = column_of(result, column);
    assert(row < result->rows && (c->kind == DBK_RESULT_AVERAGE || c->kind == DBK_RESULT_SUM));
    return c->counts[row];
}

dbk_result_stats dbk_result_statistics(const dbk_result *result)
{
    return result->stats;
}

void dbk_result_free(dbk_result *result)
{
    if (!result)
        return;
    dbk_arena arena = result->arena;
    dbk_arena_dispose(&arena);
}
