// SPDX-License-Identifier: Apache-2.0
// The generator of a property test: a new seed each run, printed so that a failure can be run again with
// DBK_SEED.
#ifndef DBK_TEST_SEED_H
#define DBK_TEST_SEED_H

#include "engine/base/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline dbk_random dbk_test_random(const char *test)
{
    const char *given = getenv("DBK_SEED");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t seed =
        given ? strtoull(given, NULL, 0) : (uint64_t)now.tv_sec * 1000003u ^ (uint64_t)now.tv_nsec;
    printf("%s: DBK_SEED=%llu\n", test, (unsigned long long)seed);
    fflush(stdout);
    return dbk_random_seed(seed);
}

#endif
