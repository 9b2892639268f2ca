// SPDX-License-Identifier: Apache-2.0
// What a group query accumulates: per state one contiguous array with an entry a group. Fresh entries are all
// zero bits, so that arrays grow and start as cleared memory.
#ifndef DBK_EXEC_STATE_H
#define DBK_EXEC_STATE_H

#include "engine/exec/grouping.h"
#include "engine/exec/pair_log.h"
#include "engine/exec/sets.h"
#include "engine/exec/words.h"

typedef struct dbk_state {
    const dbk_state_def *def;
    const dbk_slot_def *slot; // NULL for rows
    uint32_t capacity;        // groups there is room for
    // Counts; narrow sums; or the extreme in a form whose largest is wanted and whose 0 is "none" (state.c).
    int64_t *numbers; // a group's at [group * step]
    uint32_t step;
    bool beside; // they belong to the state of the counts that they stand beside
    // Of many groups, counts and sums stand here too (words.h); they belong to the counts' state.
    dbk_group_words *words;
    // Sums. Narrow ones are used while the sum of all |values| added so far is proven to fit; from then on
    // wide ones.
    dbk_i128 *wide;
    uint64_t added_bound;
    // Distinct values: a bitmap a group where groups and codes (or rows that ids name) are few, else pairs.
    uint64_t *bits;
    size_t bits_words; // a group
    size_t bits_bytes; // in all
    dbk_pair_log log;
    dbk_pair_set pairs;
    dbk_intern texts; // gives texts the numbers that stand in the set
} dbk_state;

// `fixed_groups` if all groups are known (dense), else 0: then call reserve before new groups are used.
bool dbk_state_init(dbk_state *state, const dbk_plan *plan, const dbk_state_def *def, uint64_t fixed_groups);
void dbk_state_dispose(dbk_state *state);
bool dbk_state_reserve(dbk_state *state, uint32_t groups);

// Adds the matching rows of the current vector.
dbk_status dbk_state_add(dbk_state *state, dbk_scan *scan, const dbk_assigned *to);
// A count of rows and a sum, which were initialised without groups, get that many fixed ones side by side;
// one call adds to both.
bool dbk_state_join(dbk_state *counts, dbk_state *sums, const dbk_plan *plan, uint64_t groups);
dbk_status dbk_state_add_both(dbk_state *counts, dbk_state *sums, dbk_scan *scan, const dbk_assigned *to);
// The same of a vector's rows that come in runs, each of one group: groups[i] up to row ends[i]. *done is
// false, and nothing was added, where they have to be taken one by one.
dbk_status dbk_state_add_runs(dbk_state *counts, dbk_state *sums, dbk_scan *scan, const uint32_t *groups,
                              const uint32_t *ends, uint32_t runs, bool *done);
// Can a zone map stand for the rows?
bool dbk_state_takes_zone_map(const dbk_state *state);
// Adds all rows of a part by its statistics. zone NULL for rows.
bool dbk_state_add_zone_map(dbk_state *state, uint32_t group, uint32_t rows, const dbk_zone_map *zone);
// Adds what is known of many rows: how many there are, or have a value, or the sum of those. Of extremes and
// distinct values nothing is known this way.
bool dbk_state_add_total(dbk_state *state, uint32_t group, dbk_i128 total);
// Adds what another thread gathered: its group i is our map[i] (NULL: i). First, once, what does not stand by
// groups (false: no memory); then its groups [first, end), and without a map any ranges that do not overlap
// at once, on several threads.
bool dbk_state_merge_begin(dbk_state *state, const dbk_state *from, const uint32_t *map);
void dbk_state_merge(dbk_state *state, const dbk_state *from, const uint32_t *map, uint32_t first,
                     uint32_t end);
// The same of a count and a sum that stand side by side; groups are fixed.
bool dbk_state_merge_both_begin(dbk_state *counts, dbk_state *sums, const dbk_state *from_counts,
                                const dbk_state *from_sums);
void dbk_state_merge_both(dbk_state *counts, dbk_state *sums, const dbk_state *from_counts,
                          const dbk_state *from_sums, uint32_t first, uint32_t end);
// Counts the distinct values of these groups; after the last add and merge.
void dbk_state_finish(dbk_state *state, uint32_t first, uint32_t end);
// About how many bytes of a state a group has.
size_t dbk_state_group_bytes(const dbk_state *state);

// The groups below `groups` that have rows, ascending; returns how many.
uint32_t dbk_state_list_met(const dbk_state *rows, uint32_t groups, uint32_t *out);

// Extremes are kept as unsigned numbers of which the largest wins (state.c).
#define DBK_STATE_SIGN ((uint64_t)1 << 63)

static inline int64_t *dbk_state_at(const dbk_state *state, uint32_t group)
{
    return &state->numbers[(size_t)group * state->step];
}

// The value: for extremes DBK_NULL when there is none.
static inline int64_t dbk_state_number(const dbk_state *state, uint32_t group)
{
    uint64_t form = (uint64_t)*dbk_state_at(state, group);
    switch (state->def->kind) {
    case DBK_STATE_ROWS:
        return (int64_t)form + (state->words ? dbk_word_count(state->words, group) : 0);
    case DBK_STATE_MAX:
        return (int64_t)(form ^ DBK_STATE_SIGN);
    case DBK_STATE_MIN:
        return (int64_t)((0 - form) ^ DBK_STATE_SIGN);
    default:
        return (int64_t)form;
    }
}

static inline dbk_i128 dbk_state_sum(const dbk_state *state, uint32_t group)
{
    if (state->wide)
        return state->wide[group];
    return *dbk_state_at(state, group) + (state->words ? dbk_word_sum(state->words, group) : 0);
}

#endif
