// SPDX-License-Identifier: Apache-2.0
// An opened column of derived numbers, and which of its rows have a number of their own: between the files
// that read them.
#ifndef DBK_SEGMENT_DERIVED_PRESENCE_H
#define DBK_SEGMENT_DERIVED_PRESENCE_H

#include "engine/base/bytes.h"
#include "engine/segment/derived.h"

struct dbk_derived {
    dbk_prediction prediction;
    uint64_t usual; // ordinal of a row without a number of its own
    uint32_t rows, own;
    bool is_int;
    const uint64_t *bits;                 // rows with a number of their own; NULL when all have one
    uint64_t *made_bits;                  // those bits, unless they stand in the block
    uint16_t starts[DBK_SEGMENT_VECTORS]; // own numbers before each vector; 65,536 before one does not occur
    dbk_ints *numbers;
};

// Reads which rows have one, all of which are counted, from where the header ends; `rows` and `own` are
// known. DBK_CORRUPT, DBK_NO_MEMORY or DBK_OK.
dbk_status dbk_derived_read_presence(dbk_derived *d, const dbk_segment *segment, const dbk_derived_header *h,
                                     dbk_reader *r, dbk_error *err);

#endif
