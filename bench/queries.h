// SPDX-License-Identifier: Apache-2.0
// The queries of the suites `scan` and `summaries` as Daybook is asked them, by name; peers/queries.mjs has
// them as SQL.
#ifndef DBK_BENCH_QUERIES_H
#define DBK_BENCH_QUERIES_H

#include "engine/query.h"
#include "engine/schema.h"

// They have numbers from 0.
size_t bench_queries_count(void);
const char *bench_query_name(size_t number);
// The number of a name; their count where there is none.
size_t bench_query_find(const char *name);
// The query of a number, in a variation (so many months earlier, another word). Names that begin with "kept_"
// may be answered from sums kept beside the rows, the others look at rows.
dbk_query bench_query_make(size_t number, int variation, int threads);
const dbk_table_def *bench_query_table(const dbk_query *query);

#endif
