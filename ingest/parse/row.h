// SPDX-License-Identifier: Apache-2.0
// From field texts to the typed rows of a batch: what every format has in common.
//
// A row is begun, set column by column and committed; a row that fails on the way leaves no trace, not even a
// word in a dictionary. Columns that never had a value stay absent from the batch. Products take one column
// more than their table has, `category`: a category's name, which sets category_id and creates the category
// through a batch of its own that is emitted first.
#ifndef DBK_PARSE_ROW_H
#define DBK_PARSE_ROW_H

#include "engine/base/zone.h"
#include "engine/batch.h"

// The number of the virtual column `category` of products.
enum { DBK_ROW_CATEGORY = DBK_COLUMNS_MAX, DBK_TEXT_BYTES_MAX = 1 << 20 };

typedef struct dbk_rows_options {
    const dbk_table_def *table;
    const dbk_zone *zone; // of times without offset; NULL = UTC
    uint32_t batch_rows;  // 0 = DBK_SEGMENT_ROWS
    // Takes over the batch, which is on the heap: dbk_batch_dispose, then free.
    dbk_status (*on_batch)(void *user, dbk_batch *batch, dbk_error *err);
    void *user;
    struct dbk_slabs *slabs; // for the memory of batches; or NULL
} dbk_rows_options;

typedef struct dbk_rows dbk_rows;

// NULL when memory is out.
dbk_rows *dbk_rows_create(const dbk_rows_options *options);
void dbk_rows_destroy(dbk_rows *rows);

// The column that a name in a file means (first exactly, then in any case), DBK_ROW_CATEGORY, or -1; hidden
// columns have no name.
int dbk_rows_column(const dbk_table_def *table, dbk_text name);
// "id, created_at, …", cut to fit.
void dbk_rows_column_list(const dbk_table_def *table, char *out, size_t size);

void dbk_rows_begin(dbk_rows *rows);
// Sets a column from its text; blank is no value. Returns NULL or the reason why the text cannot be stored,
// one clause. The text must live until the row is committed.
const char *dbk_rows_set(dbk_rows *rows, int column, dbk_text text);
// Sets an integer column to what is already its value; DBK_NULL is no value.
void dbk_rows_set_int(dbk_rows *rows, int column, int64_t value);
// What is wrong with the row as a whole, above all a required column without a value: the reason, with the
// column; or NULL.
const char *dbk_rows_check(const dbk_rows *rows, int *column);
// Adds the row, which must have passed dbk_rows_check; a full batch is emitted.
dbk_status dbk_rows_commit(dbk_rows *rows, uint64_t line, dbk_error *err);
// Emits the rows so far.
dbk_status dbk_rows_flush(dbk_rows *rows, dbk_error *err);

// ---- One value (row_value.c) ----

// The value of a text in a column of integers; blank is DBK_NULL. Returns NULL or the reason.
const char *dbk_value_parse(const dbk_column_def *column, const dbk_zone *zone, dbk_text text, int64_t *out);
// Whether a text may stand in a column of text or codes: its length, and the values allowed. Blank may.
const char *dbk_value_check(const dbk_column_def *column, dbk_text text);
bool dbk_text_blank(dbk_text text);
// Without the spaces and tabs around it.
dbk_text dbk_text_trim(dbk_text text);

#endif
