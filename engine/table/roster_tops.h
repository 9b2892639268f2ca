// SPDX-License-Identifier: Apache-2.0
// The most that a code of a block has in a period, whatever its other dimension: what the sum of the runs'
// own tops would overstate, since the largest by one code of it is not that by the next. Of the runs alone:
// changes have tops of their own. Part of a roster (roster.h), which has one for each period.
#ifndef DBK_TABLE_ROSTER_TOPS_H
#define DBK_TABLE_ROSTER_TOPS_H

#include "engine/table/roster_run.h"

typedef struct dbk_roster_entries dbk_roster_entries; // roster.h

typedef struct dbk_roster_tops {
    dbk_object object;
    int32_t first, last; // months
    uint32_t blocks;
    // A sum is negative: leaving out a code of the other dimension can make one larger than its top.
    bool has_negative;
    int64_t numbers[]; // of each figure that has tops, one a block
} dbk_roster_tops;

static inline const int64_t *dbk_roster_tops_of(const dbk_roster_tops *tops, dbk_roster_figure figure)
{
    return tops->numbers + (size_t)figure * tops->blocks;
}

// Those of the runs of the entries of this period. NULL when memory is out.
dbk_roster_tops *dbk_roster_tops_make(dbk_versions *versions, const dbk_roster_entries *entries,
                                      int32_t first, int32_t last);

#endif
