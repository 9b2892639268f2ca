// SPDX-License-Identifier: Apache-2.0
// How the executor fills a result: columns are declared, rows are set, texts are copied into it.
#ifndef DBK_EXEC_RESULT_BUILD_H
#define DBK_EXEC_RESULT_BUILD_H

#include "engine/base/arena.h"
#include "engine/result.h"

// "No value" is DBK_NULL in ints, length 0 in texts, and a count of 0 for sums and averages.
typedef struct dbk_result_column {
    dbk_result_kind kind;
    dbk_type type;
    int64_t *ints;
    dbk_text *texts;
    dbk_i128 *sums;
    int64_t *counts;
} dbk_result_column;

struct dbk_result {
    dbk_arena arena;
    size_t rows;
    int columns_count;
    dbk_result_column *columns;
    dbk_result_stats stats;
};

// A result of so many columns without rows; NULL when memory is out. Set each column's kind and type, then
// make room.
dbk_result *dbk_result_create(int columns);
// Room for the rows, everything "no value". Once.
bool dbk_result_reserve(dbk_result *result, size_t rows);
// Copies the text.
bool dbk_result_set_text(dbk_result *result, size_t row, int column, dbk_text text);

#endif
