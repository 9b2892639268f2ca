// SPDX-License-Identifier: Apache-2.0
// How many different values each group has met, of pairs of group and value written down as they come. Where
// a set of pairs waits for a cache line at each of them, this appends, and sorts when it is asked: equal
// pairs then stand side by side. Values are below 2^32, which codes are, and the places of four thousand
// million rows.
//
// A full log is sorted and rid of what stands in it twice; it grows when that leaves more than half. So it
// takes 8 to 32 bytes for each different pair, and every pair is sorted about twice, however often it comes.
#ifndef DBK_EXEC_PAIR_LOG_H
#define DBK_EXEC_PAIR_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A zeroed struct is empty.
typedef struct dbk_pair_log {
    uint64_t *pairs; // value << 32 | group
    size_t count, capacity;
} dbk_pair_log;

static inline bool dbk_pair_log_takes(uint64_t value)
{
    return value <= UINT32_MAX;
}

// Room for this many more pairs. False when memory is out.
bool dbk_pair_log_reserve(dbk_pair_log *log, size_t pairs);
// There must be room.
static inline void dbk_pair_log_append(dbk_pair_log *log, uint32_t group, uint32_t value)
{
    log->pairs[log->count++] = (uint64_t)value << 32 | group;
}

// Appends another's, whose group i is our map[i] (NULL: i). False when memory is out.
bool dbk_pair_log_merge(dbk_pair_log *log, const dbk_pair_log *from, const uint32_t *map);
// Adds to each group's number how many different values it has met, and empties the log.
void dbk_pair_log_finish(dbk_pair_log *log, int64_t *numbers);
void dbk_pair_log_dispose(dbk_pair_log *log);

#endif
