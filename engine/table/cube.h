// SPDX-License-Identifier: Apache-2.0
// Cells by time bucket and tuple: one grain of a rollup.
//
//     cube ── node ── … ── node ── cells of a bucket ── pages of 8 tuples ── columns of 8 numbers
//
// A bucket is found by its number in a radix tree with 64 entries a node, as high as the largest number
// needs; numbers before 1970 are negative and stand at the far end of the unsigned ones. A tuple is a number
// below DBK_TUPLES_MAX; its page is found through a byte of the bucket's directory, so that tuples that do
// not occur in a bucket cost it an eighth of a page or nothing. Eight numbers of a column stand side by side
// in a cache line: a query reads the columns it asks for only. Numbers have 32 bits until one of the bucket's
// does not fit; then all of the bucket's get 64. A day of a small company fits, and it is small companies
// that have few orders a cell.
//
// Everything is copied on write once a generation (versions.h): an image keeps its cells by keeping the root.
// One bucket is one allocation, so that a change of a row copies one short path and one bucket a grain.
#ifndef DBK_TABLE_CUBE_H
#define DBK_TABLE_CUBE_H

#include "engine/base/types.h"
#include "engine/table/versions.h"

enum { DBK_TUPLES_MAX = 1024, DBK_CUBE_PAGE = 8 };

// A zeroed struct is an empty cube.
typedef struct dbk_cube {
    dbk_object *root;
    int height;       // of nodes; 1 = the root's entries are cells
    uint64_t buckets; // that have cells
} dbk_cube;

typedef struct dbk_cells {
    dbk_object object;
    uint16_t directory;       // its bytes, a multiple of 8: one a page of tuples, 1 + the place of the page
    uint16_t pages, capacity; // of the places, how many are used
    uint8_t columns;
    bool is_wide;   // numbers are int64_t; otherwise int32_t
    uint8_t room[]; // the directory, then the pages
} dbk_cells;

static inline size_t dbk_cells_page_bytes(const dbk_cells *cells)
{
    return (size_t)cells->columns * DBK_CUBE_PAGE * (cells->is_wide ? sizeof(int64_t) : sizeof(int32_t));
}
// columns times DBK_CUBE_PAGE numbers of the tuples [8 * page, …), column by column; NULL when none of them
// is there.
static inline const void *dbk_cells_page(const dbk_cells *cells, uint32_t page)
{
    return page < cells->directory && cells->room[page]
               ? cells->room + cells->directory + (cells->room[page] - 1u) * dbk_cells_page_bytes(cells)
               : NULL;
}
// One of a page that is there.
static inline int64_t dbk_cells_number(const dbk_cells *cells, const void *page, uint32_t column,
                                       uint32_t tuple)
{
    const uint32_t at = column * DBK_CUBE_PAGE + tuple % DBK_CUBE_PAGE;
    return cells->is_wide ? ((const int64_t *)page)[at] : ((const int32_t *)page)[at];
}

// The cells of a bucket; NULL when there are none.
const dbk_cells *dbk_cube_find(const dbk_cube *cube, int32_t bucket);
// Calls visit for each bucket of [first, last] that has cells, in an order of its own.
typedef void (*dbk_cube_visit)(void *user, int32_t bucket, const dbk_cells *cells);
void dbk_cube_walk(const dbk_cube *cube, int32_t first, int32_t last, dbk_cube_visit visit, void *user);

// ---- The writer ----

// The place of a bucket's cells, writable in this generation, and what it holds too (NULL for none yet). NULL
// when memory is out.
dbk_cells **dbk_cube_own(dbk_cube *cube, dbk_versions *versions, int32_t bucket);
// Adds numbers, one a column, that stand `stride` apart, to those of a tuple, or subtracts them where the
// sign is -1; what dbk_cube_own gave may get another address. False when memory is out or a sum leaves 64
// bits.
bool dbk_cube_add(dbk_cube *cube, dbk_cells **cells, dbk_versions *versions, uint32_t tuple,
                  const int64_t *numbers, size_t stride, uint16_t columns, int sign);
// Takes everything out of the working state; frees it at once, versions being NULL, when no image is left.
void dbk_cube_release(dbk_cube *cube, dbk_versions *versions);

#endif
