// SPDX-License-Identifier: Apache-2.0
// The walk over the rows that match: part by part, vector by vector. One scan belongs to one thread; a query
// on several threads has several, which share the plan and take parts from a common counter.
//
// Of each vector the sink learns which rows match, and asks for columns: decoded at most once a vector, and
// only when somebody needs them.
#ifndef DBK_EXEC_SCAN_H
#define DBK_EXEC_SCAN_H

#include "engine/exec/footprint.h"
#include "engine/exec/plan.h"

typedef struct dbk_scan dbk_scan;
typedef struct dbk_slot dbk_slot;

typedef struct dbk_sink {
    void *self;
    // Rows were found in the current vector; scan->count is not 0.
    dbk_status (*vector)(void *self, dbk_scan *scan);
    // All rows of the part match and none is dead; *answered when its statistics were enough. Optional.
    dbk_status (*part)(void *self, dbk_scan *scan, const dbk_part *part, bool *answered);
    // The part (vector < 0) or vector cannot matter any more. Optional.
    bool (*skip)(void *self, const dbk_part *part, int64_t vector);
} dbk_sink;

struct dbk_scan {
    const dbk_plan *plan;
    dbk_error *err;
    dbk_slot *slots;
    bool stop; // a sink sets it when it wants no more rows

    // The current vector.
    const dbk_part *part;
    uint32_t part_index, vector;
    uint32_t rows; // of the vector, matching or not
    uint64_t mask[DBK_MASK_WORDS];
    uint32_t matched;     // rows that match
    uint32_t first, last; // the first and the last of them
    bool contiguous;      // they stand side by side; else they are listed in picks, once somebody asks
    bool listed;
    uint16_t picks[DBK_VECTOR_ROWS];
    // What the sink looks at: all of them, unless it narrows the window. Columns are given from `start` on.
    uint32_t start, count;

    dbk_footprint *footprint; // optional: what the outcome follows from is noted there
    bool *active;             // which filters the part's zone maps have left open
    dbk_buffer room;
    dbk_result_stats stats;
};

dbk_status dbk_scan_init(dbk_scan *scan, const dbk_plan *plan, dbk_error *err);
void dbk_scan_dispose(dbk_scan *scan);

// Walks one part of the snapshot.
dbk_status dbk_scan_part(dbk_scan *scan, uint32_t part_index, const dbk_sink *sink);

// Lets the calls below give `count` of the matching rows from the start-th on.
static inline void dbk_scan_window(dbk_scan *scan, uint32_t start, uint32_t count)
{
    scan->start = start;
    scan->count = count;
}

// The slot's values of the window's rows, in order: scan->count of them, valid until the next vector. The
// array has room for a whole vector.
dbk_status dbk_scan_ints(dbk_scan *scan, int slot, const int64_t **out);
dbk_status dbk_scan_codes(dbk_scan *scan, int slot, const uint32_t **out);
// The values of an integer slot as start + divisor * number, without making them; NULL where they are made
// already or not packed so. All matching rows then have values.
dbk_status dbk_scan_packed(dbk_scan *scan, int slot, const uint32_t **numbers, dbk_line *line);
dbk_status dbk_scan_texts(dbk_scan *scan, int slot, const dbk_text **out);
// Of a slot with a target: where its ids lead, by the row in the vector (not gathered): only those of
// matching rows are meant.
dbk_status dbk_scan_places(dbk_scan *scan, int slot, const dbk_place **out);

// The matching rows of the vector, when they do not stand side by side.
const uint16_t *dbk_scan_picks(dbk_scan *scan);
// The row's number in the vector and in the part, of the window's i-th row.
static inline uint32_t dbk_scan_row_in_vector(dbk_scan *scan, uint32_t i)
{
    i += scan->start;
    return scan->contiguous ? scan->first + i : dbk_scan_picks(scan)[i];
}
static inline uint32_t dbk_scan_row(dbk_scan *scan, uint32_t i)
{
    return scan->vector * DBK_VECTOR_ROWS + dbk_scan_row_in_vector(scan, i);
}

// The zone map of the current vector.
static inline bool dbk_scan_zone_map(const dbk_scan *scan, int slot, dbk_zone_map *out)
{
    return dbk_plan_vector_zone_map(scan->plan, scan->part, slot, scan->vector, out);
}
// The matching rows' values of the slot ascend.
bool dbk_scan_is_sorted(const dbk_scan *scan, int slot);

#endif
