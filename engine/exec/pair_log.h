// SPDX-License-Identifier: Apache-2.0
// How many different values each group has met, of pairs of group and value written down as they come. Where
// a set of pairs waits for a cache line at each of them, this appends, and sorts when it is asked: equal
// pairs then stand side by side. Values are below 2^32, which codes are, and the places of four thousand
// million rows.
//
// A full log is sorted and rid of what stands in it twice; it grows when that leaves more than half. So it
// takes 8 to 32 bytes for each different pair, and every pair is sorted about twice, however often it comes.
//
// A log by runs is for values that mostly come in runs, as the orders of lines do, which stand together.
// Equal pairs of a run are dropped as they are written down, and of each value a bit says that a run of it
// has been, another that a second has. So pairs of values that had one run are all different, and are counted
// as they stand; the others are sorted.
#ifndef DBK_EXEC_PAIR_LOG_H
#define DBK_EXEC_PAIR_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A zeroed struct is empty.
typedef struct dbk_pair_log {
    uint64_t *pairs; // value << 32 | group
    size_t count, capacity;
    // By runs: a bit a value each, of those that had a run, and of those that had another.
    uint64_t *met, *again;
    size_t words;
} dbk_pair_log;

static inline bool dbk_pair_log_takes(uint64_t value)
{
    return value <= UINT32_MAX;
}

// Makes an empty log one by runs, of values up to this one. False when memory is out.
bool dbk_pair_log_by_runs(dbk_pair_log *log, uint32_t most);
// Room for this many more pairs. False when memory is out.
bool dbk_pair_log_reserve(dbk_pair_log *log, size_t pairs);
// There must be room. Not by runs.
static inline void dbk_pair_log_append(dbk_pair_log *log, uint32_t group, uint32_t value)
{
    log->pairs[log->count++] = (uint64_t)value << 32 | group;
}

// By runs: n pairs, at most a vector of them, in the order of their rows. There must be room.
void dbk_pair_log_append_runs(dbk_pair_log *log, const uint32_t *groups, const uint32_t *values, uint32_t n);

// Appends another's, which is of the same kind and whose group i is our map[i] (NULL: i). False when memory
// is out.
bool dbk_pair_log_merge(dbk_pair_log *log, const dbk_pair_log *from, const uint32_t *map);
// Adds to each group's number how many different values it has met, and empties the log.
void dbk_pair_log_finish(dbk_pair_log *log, int64_t *numbers);
void dbk_pair_log_dispose(dbk_pair_log *log);

#endif
