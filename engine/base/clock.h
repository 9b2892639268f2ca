// SPDX-License-Identifier: Apache-2.0
// The two clocks: what a calendar shows, which operators set and leap seconds bend, and one that only ever
// goes on, for durations and deadlines.
#ifndef DBK_CLOCK_H
#define DBK_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t dbk_clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

// Since 1970, UTC.
static inline int64_t dbk_clock_wall_ms(void)
{
    return dbk_clock_ns(CLOCK_REALTIME) / 1000000;
}

// Since some moment of this boot.
static inline int64_t dbk_clock_steady_ns(void)
{
    return dbk_clock_ns(CLOCK_MONOTONIC);
}

static inline int64_t dbk_clock_steady_ms(void)
{
    return dbk_clock_steady_ns() / 1000000;
}

// For waits that take a moment of the steady clock.
static inline struct timespec dbk_clock_steady_after(int64_t ms)
{
    int64_t at = dbk_clock_steady_ns() + ms * 1000000;
    return (struct timespec){.tv_sec = at / 1000000000, .tv_nsec = at % 1000000000};
}

#endif
