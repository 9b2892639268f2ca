// SPDX-License-Identifier: Apache-2.0
// A sink that keeps everything a parser gives, and shows values as text so that tests can compare them.
#ifndef DBK_TEST_PARSED_H
#define DBK_TEST_PARSED_H

#include "ingest/parse/reader.h"

enum { PARSED_MAX = 4096 };

typedef struct parsed_reject {
    uint64_t line;
    uint32_t column;
    char column_name[32]; // "" for none
    char reason[160];
    char row[160];
} parsed_reject;

typedef struct parsed {
    dbk_batch *batches[PARSED_MAX];
    int batches_count;
    parsed_reject *rejects;
    int rejects_count;
    dbk_parse_totals totals;
    dbk_status status; // of the call that ended the parse
    dbk_error error;
} parsed;

// Parses text in blocks of at most block_max bytes (sizes from the seed; 0 = at once). The caller disposes.
parsed *parsed_text(const dbk_parse_options *options, const char *text, size_t size, size_t block_max,
                    uint64_t seed);
// The same with default options: parsed_csv("orders", "id,…\n…").
parsed *parsed_csv(const char *table, const char *text);
parsed *parsed_ndjson(const char *table, const char *text);
parsed *parsed_mapped(const char *map_text, const char *text);
void parsed_dispose(parsed *p);

dbk_parse_sink parsed_sink(parsed *p);
// The rows of one table's batches.
uint32_t parsed_rows(const parsed *p, const char *table);
// Value of a column in row `row` of the table (over all its batches), in exact text; "" for no value. Valid
// until 8 calls later.
const char *parsed_value(const parsed *p, const char *table, uint32_t row, const char *column);
uint32_t parsed_line(const parsed *p, const char *table, uint32_t row);

// DBK_SEED or a fixed one; printed.
uint64_t parsed_seed(void);

#endif
