// SPDX-License-Identifier: Apache-2.0
// The naive twin of the executor: rows in plain arrays, queries answered row by row in the simplest way.
#ifndef DBK_TEST_ORACLE_H
#define DBK_TEST_ORACLE_H

#include "engine/batch.h"
#include "engine/query.h"
#include "engine/schema.h"

enum { DBK_ORACLE_TEXT = 64 };

typedef struct dbk_oracle_cell {
    int64_t number; // integers; DBK_NULL = no value
    uint32_t length;
    char text[DBK_ORACLE_TEXT]; // codes and texts
} dbk_oracle_cell;

typedef struct dbk_oracle_row {
    dbk_oracle_cell cells[DBK_COLUMNS_MAX];
} dbk_oracle_row;

typedef struct dbk_oracle_table {
    dbk_oracle_row **rows;
    size_t count, capacity;
} dbk_oracle_table;

// A zeroed struct is an empty company. Tables with one key column only.
typedef struct dbk_oracle {
    dbk_oracle_table tables[DBK_TABLE_END];
} dbk_oracle;

void dbk_oracle_apply(dbk_oracle *oracle, const dbk_batch *batch);
void dbk_oracle_dispose(dbk_oracle *oracle);

// A value of an answer: number for integers, text for texts, sum and count for sums and averages.
typedef struct dbk_oracle_value {
    dbk_oracle_cell cell;
    dbk_i128 sum;
    int64_t count;
} dbk_oracle_value;

typedef struct dbk_oracle_answer {
    size_t rows;
    int columns;
    dbk_oracle_value *values; // row by row
} dbk_oracle_answer;

// The query must be valid. Group queries come ordered, ties by the keys; row queries only as they ask to.
dbk_oracle_answer dbk_oracle_run(const dbk_oracle *oracle, const dbk_query *query);

#endif
