// SPDX-License-Identifier: Apache-2.0
// What the measurements of the machine share: calls that must not fail, and a clock in microseconds.
#ifndef DBK_BENCH_MUST_H
#define DBK_BENCH_MUST_H

#include "engine/base/clock.h"

#include <stdio.h>
#include <stdlib.h>

// Ends the program with errno's message behind `what`.
static inline void must(int ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(1);
}

static inline double now_us(void)
{
    return (double)dbk_clock_steady_ns() / 1e3;
}

#endif
