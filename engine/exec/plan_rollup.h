// SPDX-License-Identifier: Apache-2.0
// Whether a rollup answers a group query, and how: the range as buckets of it, and what is left over.
//
// A rollup answers when its time column is that of the range and of the bucket key, every other key and every
// filter is on one of its dimensions, and the aggregates are counts of rows and sums, averages and counts of
// values of its measures. Each bucket asked for is then cut into the largest buckets kept: whole months,
// whole days beside them, whole hours beside those. Only the two ends of the range may be cut finer; the rows
// there are scanned and added. A bucket in between that is not made of whole ones (quarters of an hour)
// cannot be had from a rollup.
//
// The first rollup declared that leaves no rows to scan is taken, else the one that leaves least.
#ifndef DBK_EXEC_PLAN_ROLLUP_H
#define DBK_EXEC_PLAN_ROLLUP_H

#include "engine/exec/plan.h"
#include "engine/table/rollups.h"

// Buckets [first, last] of a grain, which belong to one bucket of the answer.
typedef struct dbk_rollup_piece {
    int64_t start;    // of the answer's bucket
    uint32_t ordinal; // which of the answer's buckets, from 0
    dbk_grain grain;
    int32_t first, last;
} dbk_rollup_piece;

struct dbk_plan_rollup {
    const dbk_rollup_view *view;
    // [lo, hi) holds every row of the range and begins with a bucket of the answer or inside of one; the
    // pieces make up [from, to) of it, in order. What is outside is scanned.
    int64_t lo, hi, from, to;
    dbk_rollup_piece *pieces;
    size_t pieces_count;
    int bucket_key; // the query's key that is a bucket; -1 without
};

// After binding. Sets plan->rollup when there is one, and then adds the filter that leaves to the scan what
// the pieces do not have.
dbk_status dbk_plan_rollup_choose(dbk_plan *plan, dbk_error *err);

// The rollup's dimension, or measure, that a slot is; -1 when it is none.
int dbk_plan_rollup_dim(const dbk_plan *plan, const dbk_rollup_view *view, int slot);
int dbk_plan_rollup_measure(const dbk_plan *plan, const dbk_rollup_view *view, int slot);

// Whether rows are left to the scan.
static inline bool dbk_plan_rollup_has_rest(const dbk_plan_rollup *rollup)
{
    return rollup->from > rollup->lo || rollup->to < rollup->hi;
}

#endif
