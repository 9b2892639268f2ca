// SPDX-License-Identifier: Apache-2.0
// The rows of an ordered row query: all of them, or the best `limit`, in a heap with the worst on top.
#ifndef DBK_EXEC_TOPK_H
#define DBK_EXEC_TOPK_H

#include "engine/exec/scan.h"

typedef struct dbk_topk {
    const dbk_plan *plan;
    size_t limit;      // 0 = all
    dbk_locator *rows; // count of them; a heap once there are `limit`
    dbk_cell *cells;   // order_count a row
    size_t count, capacity;
    bool is_heap;
    // Texts of cells, copied. Those of rows that were pushed out stay behind until they are most of it.
    dbk_arena texts;
    size_t texts_live;
} dbk_topk;

void dbk_topk_init(dbk_topk *topk, const dbk_plan *plan);
void dbk_topk_dispose(dbk_topk *topk);
// Takes the row in if it is among the best. Texts are copied.
bool dbk_topk_add(dbk_topk *topk, dbk_locator row, const dbk_cell *cells);
// Full: rows that do not precede the worst are not wanted any more; these are its cells.
const dbk_cell *dbk_topk_worst(const dbk_topk *topk);
// In order; the heap is none afterwards.
bool dbk_topk_sort(dbk_topk *topk);
// The cells against the cursor of the query: do they come after it?
bool dbk_topk_is_after(const dbk_plan *plan, const dbk_cell *cells);

#endif
