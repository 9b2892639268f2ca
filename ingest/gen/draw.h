// SPDX-License-Identifier: Apache-2.0
// Random choices that count the information they put in: each draw adds -log2(probability) to a tally.
#ifndef DBK_GEN_DRAW_H
#define DBK_GEN_DRAW_H

#include "engine/base/random.h"

typedef struct dbk_tally {
    double bits;
} dbk_tally;

// 0 <= result < n, all alike.
uint64_t dbk_draw_uniform(dbk_random *random, dbk_tally *tally, uint64_t n);
// An index by integer weights.
int dbk_draw_weighted(dbk_random *random, dbk_tally *tally, const int *weights, int count);
// A rank in [0, n) with P(r) = log((r+2)/(r+1)) / log(n+1): Zipf's law with exponent 1, inverted in closed
// form.
uint64_t dbk_draw_zipf(dbk_random *random, dbk_tally *tally, uint64_t n);
// true with `per_mille` in a thousand.
bool dbk_draw_chance(dbk_random *random, dbk_tally *tally, int per_mille);
// The information of a sorted list of `count` values drawn from `range`: the order itself is known.
void dbk_tally_sorted(dbk_tally *tally, uint64_t count, uint64_t range);

#endif
