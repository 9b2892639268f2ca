// SPDX-License-Identifier: Apache-2.0
// Rows counted and numbers summed by groups, both in one pass: the inner loops of a group query.
#ifndef DBK_EXEC_TALLY_H
#define DBK_EXEC_TALLY_H

#include "engine/segment/segment.h"

// So few groups that neighbouring rows often meet in one: then each addition would wait for the store of the
// one before, and a vector is added up beside them first.
enum { DBK_FEW_GROUPS = 64 };

// Of n rows in groups [low, low + span), span <= DBK_FEW_GROUPS: how many each has, and the sum of their
// numbers, which are below 2^width. Index 0 is group `low`. At most a vector of rows.
void dbk_tally_few(const uint32_t *groups, uint32_t low, uint32_t span, const uint32_t *numbers, uint32_t n,
                   int width, uint32_t counts[DBK_FEW_GROUPS], uint64_t sums[DBK_FEW_GROUPS]);

// A group's count and sum side by side, so that they share a cache line.
typedef struct dbk_tally {
    int64_t count, sum;
} dbk_tally;

// Adds start + divisor * number of each row to its group. `far`: there are so many groups that their
// memory is worth asking for ahead.
void dbk_tally_packed(dbk_tally *tallies, const uint32_t *groups, const uint32_t *numbers, uint32_t n,
                      const dbk_line *line, bool far);
// Adds each row's value; rows without one are counted all the same.
void dbk_tally_ints(dbk_tally *tallies, const uint32_t *groups, const int64_t *values, uint32_t n, bool far);

#endif
