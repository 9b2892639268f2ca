// SPDX-License-Identifier: Apache-2.0
// The answer to a query: a small table of typed columns. Immutable, owned by the caller, independent of the
// snapshot that it was computed from.
#ifndef DBK_RESULT_H
#define DBK_RESULT_H

#include "engine/base/types.h"
#include "engine/schema.h"

typedef struct dbk_result dbk_result;

typedef enum dbk_result_kind {
    DBK_RESULT_INT,     // the column's stored unit; buckets: first instant in ms
    DBK_RESULT_TEXT,    // keys and fields of type code or text
    DBK_RESULT_SUM,     // 128 bits, the column's stored unit
    DBK_RESULT_AVERAGE, // sum and count
} dbk_result_kind;

size_t dbk_result_rows(const dbk_result *result);
int dbk_result_columns(const dbk_result *result);
dbk_result_kind dbk_result_column_kind(const dbk_result *result, int column);
// The column's type in the data dictionary; DBK_INT for counts, DBK_TIME for buckets.
dbk_type dbk_result_column_type(const dbk_result *result, int column);

bool dbk_result_is_null(const dbk_result *result, size_t row, int column);
// INT. DBK_NULL when there is no value.
int64_t dbk_result_int(const dbk_result *result, size_t row, int column);
// TEXT. Length 0 when there is no value; valid while the result lives.
dbk_text dbk_result_text(const dbk_result *result, size_t row, int column);
// SUM and AVERAGE (and INT, widened). 0 when there is no value.
dbk_i128 dbk_result_sum(const dbk_result *result, size_t row, int column);
// AVERAGE: how many values the sum has. Divide by it with dbk_decimal_write.
int64_t dbk_result_count(const dbk_result *result, size_t row, int column);

// What the query touched, for metrics and benches.
typedef struct dbk_result_stats {
    uint64_t segments_total, segments_skipped, segments_from_statistics;
    uint64_t rows_scanned;
    uint64_t rollup_buckets; // or blocks, whose kept sums were added up; 0: rows and statistics alone
} dbk_result_stats;
dbk_result_stats dbk_result_statistics(const dbk_result *result);

void dbk_result_free(dbk_result *result);

#endif
