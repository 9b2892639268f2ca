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
    // Without a map: where pieces end; the last of them is the end of the input. Each is behind a row, or
    // anywhere if they are ranges.
    uint64_t *cuts;
    size_t cuts_count, cuts_capacity;
    uint64_t rows; // that it has, about; 0 = unknown
    // Of a plain file that was not read through: its size, and that of its ranges but the last ones.
    uint64_t file_bytes, range_bytes;
    struct dbk_slabs *slabs; // for batches that fill segments; or NULL
} dbk_load_plan;

enum { DBK_LOAD_PIECE_BYTES = 4 << 20, DBK_LOAD_PIECE_BYTES_MAX = 64 << 20 }; // of a piece, about

// Reads the whole input and leaves it at its start. DBK_INVALID when it must be refused. piece_rows: that a
// piece should have, about; 0 = no matter. The caller disposes of the plan.
dbk_status dbk_load_check(const dbk_load_options *options, const char *path, dbk_input *input,
                          uint32_t piece_rows, dbk_load_plan *plan, dbk_error *err);
// Looks at the beginning only, of a plain file that is loaded in ranges of so many rows, about, and leaves it
// at its start. What else would have it refused is found on the way.
dbk_status dbk_load_check_start(const dbk_load_options *options, const char *path, dbk_input *input,
                                uint32_t range_rows, dbk_load_plan *plan, dbk_error *err);
void dbk_load_plan_dispose(dbk_load_plan *plan);

#endif
