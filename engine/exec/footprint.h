// SPDX-License-Identifier: Apache-2.0
// What the outcome of scanning a part follows from beside its own rows: the rows of another fact that its ids
// lead to, and where its values lie among the intervals of a filter (DBK_OP_WITHIN). Whoever keeps the
// outcome keeps this beside it, to know when it would be another.
#ifndef DBK_EXEC_FOOTPRINT_H
#define DBK_EXEC_FOOTPRINT_H

#include "engine/table/view.h"

typedef struct dbk_footprint {
    int64_t min, max; // of the values that the filter was asked about, or wider; min > max: none
    bool has_lost;    // an id led nowhere
    uint32_t *slots;  // that ids led to, each once
    uint32_t slots_count, slots_capacity;
} dbk_footprint;

// A zeroed footprint must be reset before use; what it holds is freed by disposing of it.
void dbk_footprint_reset(dbk_footprint *footprint);
void dbk_footprint_dispose(dbk_footprint *footprint);

void dbk_footprint_bounds(dbk_footprint *footprint, int64_t min, int64_t max);
// Of the rows in the mask. False: no memory.
void dbk_footprint_values(dbk_footprint *footprint, const uint64_t mask[DBK_MASK_WORDS],
                          const int64_t *values);
bool dbk_footprint_places(dbk_footprint *footprint, const uint64_t mask[DBK_MASK_WORDS],
                          const dbk_place *places);

#endif
