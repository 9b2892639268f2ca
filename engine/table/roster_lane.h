// SPDX-License-Identifier: Apache-2.0
// Reading a roster: the codes of several months, and of several codes of the other dimension, added up block
// by block.
#ifndef DBK_TABLE_ROSTER_LANE_H
#define DBK_TABLE_ROSTER_LANE_H

#include "engine/table/roster.h"

typedef struct dbk_roster_lane {
    const dbk_roster_view *view;
    const dbk_roster_entry **entries;
    uint32_t entries_count;
    uint32_t blocks;
    // Records of the log: 1 + the first of each block, and of each the next of its block; 0 = none.
    uint16_t *heads;
    uint16_t next[DBK_ROSTER_LOG];
} dbk_roster_lane;

// What the codes of a block come to.
typedef struct dbk_roster_cells {
    uint64_t present[DBK_ROSTER_WORDS]; // codes with rows
    int64_t numbers[DBK_ROSTER_TOPS][DBK_ROSTER_CODES];
} dbk_roster_cells;

// The entries of months from first to last that `takes` takes (NULL: all). False when memory is out.
bool dbk_roster_lane_init(dbk_roster_lane *lane, const dbk_roster_view *view, int32_t first, int32_t last,
                          bool (*takes)(void *user, uint32_t dim), void *user);
void dbk_roster_lane_dispose(dbk_roster_lane *lane);

// Of each block what no code of it has more of.
void dbk_roster_lane_bounds(const dbk_roster_lane *lane, dbk_roster_figure figure, int64_t *bounds);
// Adds a block up into cells that are zeroed, or were cleared. False when a sum leaves 64 bits.
bool dbk_roster_lane_open(const dbk_roster_lane *lane, uint32_t block, dbk_roster_cells *cells);
void dbk_roster_cells_clear(dbk_roster_cells *cells);
// The last time of a code that has rows. False: a row that may have been the last was taken back.
bool dbk_roster_lane_last(const dbk_roster_lane *lane, uint32_t code, int64_t *last);

#endif
