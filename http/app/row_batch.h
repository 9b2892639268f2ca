// SPDX-License-Identifier: Apache-2.0
// Batches that are made row by row: new rows, and stored rows that get some new values. A stored row is
// replaced as a whole, so whoever changes one reads all its columns and writes them back.
#ifndef DBK_ROW_BATCH_H
#define DBK_ROW_BATCH_H

#include "engine/batch.h"
#include "engine/db.h"

// A batch of so many rows without any value; dispose of it with dbk_batch_dispose, whatever this returns.
dbk_status dbk_row_batch_init(dbk_batch *batch, dbk_table_id table, uint32_t rows, dbk_error *err);
// The column must be there and of the right kind: integers, or codes and texts. Texts are copied.
void dbk_row_batch_int(dbk_batch *batch, uint32_t row, const char *column, int64_t value);
dbk_status dbk_row_batch_text(dbk_batch *batch, uint32_t row, const char *column, dbk_text value,
                              dbk_error *err);

// Every column of a table's rows with these keys, in no particular order; columns of the result are those of
// the data dictionary. For tables without hidden columns.
dbk_status dbk_stored_rows(const dbk_snapshot *snapshot, dbk_text tenant, dbk_table_id table,
                           const dbk_value *keys, int keys_count, dbk_result **out, dbk_error *err);
// Some columns of the row with this key, or what paths from it lead to; no row when there is none.
dbk_status dbk_stored_row(const dbk_snapshot *snapshot, dbk_text tenant, dbk_table_id table, dbk_text key,
                          const char *const *fields, int fields_count, dbk_result **out, dbk_error *err);
// Copies a row that dbk_stored_rows gave. DBK_NO_MEMORY.
dbk_status dbk_row_batch_copy(dbk_batch *batch, uint32_t row, const dbk_result *rows, size_t from,
                              dbk_error *err);
// A batch that removes the rows whose ids stand in the result's first column; dispose of it as above. The
// table's key is its column `id`.
dbk_status dbk_row_batch_removal(dbk_batch *batch, dbk_table_id table, const dbk_result *ids, dbk_error *err);
// A column of such a row, by name.
int64_t dbk_stored_int(const dbk_result *rows, size_t row, dbk_table_id table, const char *column);
dbk_text dbk_stored_text(const dbk_result *rows, size_t row, dbk_table_id table, const char *column);

#endif
