// SPDX-License-Identifier: Apache-2.0
// The look through a file before it is loaded.
#ifndef DBK_LOAD_CHECK_H
#define DBK_LOAD_CHECK_H

#include "engine/base/bytes.h"
#include "ingest/load.h"
#include "ingest/parse/input.h"

typedef struct dbk_load_plan {
    dbk_format format;
    dbk_buffer header; // CSV: from the first byte to the end of the header row, byte order mark and all
} dbk_load_plan;

// Reads the whole input and leaves it at its start. DBK_INVALID when it must be refused. The caller disposes
// of plan->header.
dbk_status dbk_load_check(const dbk_load_options *options, const char *path, dbk_input *input,
                          dbk_load_plan *plan, dbk_error *err);

#endif
