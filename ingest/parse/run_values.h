// SPDX-License-Identifier: Apache-2.0
// The numbers and times of a column of a run. Texts of the shapes that files are full of are read several at
// once: "2026-04-01T12:30:00.123Z", "1234.50" and "12"; any other is read as a single one is (row.h).
#ifndef DBK_PARSE_RUN_VALUES_H
#define DBK_PARSE_RUN_VALUES_H

#include "ingest/parse/run_fields.h"

// Dates that were met; all zeros to begin with.
typedef struct dbk_run_dates {
    struct {
        uint64_t low;
        uint16_t high;
        int32_t day;
    } known[64];
} dbk_run_dates;

// Reads the fields' values, up to the first that is not one of the column, or is blank where one is required;
// returns how many were read. *blank: how many of these are DBK_NULL. out: room for all fields and
// DBK_RUN_LANES more.
uint32_t dbk_run_values_read(const dbk_column_def *column, const dbk_zone *zone, dbk_run_dates *dates,
                             const dbk_run *run, const dbk_run_fields *fields, int64_t *out, uint32_t *blank);

#endif
