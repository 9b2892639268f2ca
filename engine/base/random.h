// SPDX-License-Identifier: Apache-2.0
// A small seeded generator (xoshiro256**, Blackman and Vigna 2018; seeded with splitmix64) for the
// deterministic company, the tests and the fault simulator. Not for secrets.
#ifndef DBK_BASE_RANDOM_H
#define DBK_BASE_RANDOM_H

#include "engine/base/types.h"

typedef struct dbk_random {
    uint64_t state[4];
} dbk_random;

dbk_random dbk_random_seed(uint64_t seed);
uint64_t dbk_random_u64(dbk_random *r);
// 0 <= result < bound, without bias; bound > 0.
uint64_t dbk_random_below(dbk_random *r, uint64_t bound);
// [0, 1) with 53 bits.
double dbk_random_unit(dbk_random *r);

#endif
