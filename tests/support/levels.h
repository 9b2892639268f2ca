// SPDX-License-Identifier: Apache-2.0
// Every level of the processor in turn:
//
//     DBK_TEST_LEVELS(level) { … }
//
// A level that this processor lacks is passed over with a message. The best one is used again afterwards.
#ifndef DBK_TEST_LEVELS_H
#define DBK_TEST_LEVELS_H

#include "engine/base/processor.h"

#include <stdio.h>

// The first level from this one on that can be used, and is from here; DBK_LEVELS when there is none.
static inline int dbk_test_level(int level)
{
    static bool told[DBK_LEVELS];
    for (; level < DBK_LEVELS; level++) {
        if (dbk_level_use((dbk_level)level))
            return level;
        if (!told[level])
            printf("skipped: this processor does not run %s\n", dbk_level_name((dbk_level)level));
        told[level] = true;
        fflush(stdout);
    }
    dbk_level_use(dbk_level_best());
    return DBK_LEVELS;
}

#define DBK_TEST_LEVELS(level)                                                                               \
    for (int level = dbk_test_level(0); level < DBK_LEVELS; level = dbk_test_level(level + 1))

#endif
