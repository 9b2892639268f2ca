// SPDX-License-Identifier: Apache-2.0
// Pairs once each: by runs where values come together, else by sorting.
#include "engine/exec/pair_log.h"

#include "engine/base/pages.h"
#include "engine/exec/kernel.h"
#include "engine/exec/sort.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 1 << 12, FEW = 16, GROWTH = 4 };
// Longer runs are sorted.
enum { RUN_MAX = 16 };

static int ascending(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

// Sorts, and keeps one of each; returns how many.
static size_t sort_once(uint64_t *pairs, size_t count)
{
    size_t kept = 0;
    // Without room for a copy it is slower, not refused.
    if (!dbk_sort_numbers(pairs, count, 0))
        qsort(pairs, count, sizeof *pairs, ascending);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || pairs[kept - 1] != pairs[i])
            pairs[kept++] = pairs[i];
    return kept;
}

static uint32_t value_of(uint64_t pair)
{
    return (uint32_t)(pair >> 32);
}

// The end of the run of pairs with the same value that begins at `first`.
static size_t run_end(const uint64_t *pairs, size_t first, size_t count)
{
    size_t end = first + 1;
    while (end < count && value_of(pairs[end]) == value_of(pairs[first]))
        end++;
    return end;
}

// Moves a run to `to`, which does not lie behind it, one of each pair; returns how many.
static size_t move_once(uint64_t *to, const uint64_t *run, size_t count)
{
    size_t kept = 0;
    if (count > FEW) {
        memmove(to, run, count * sizeof *to);
        return sort_once(to, count);
    }
    for (size_t i = 0; i < count; i++) {
        const uint64_t pair = run[i];
        size_t k = 0;
        while (k < kept && to[k] != pair)
            k++;
        to[k] = pair;
        kept += k == kept;
    }
    return kept;
}

// A bit for each value between the smallest and the largest.
typedef struct value_bits {
    uint64_t *words;
    uint32_t first;
} value_bits;

static bool is_set(const value_bits *bits, uint32_t value)
{
    const uint32_t i = value - bits->first;
    return bits->words[i >> 6] >> (i & 63) & 1;
}

static void set(const value_bits *bits, uint32_t value)
{
    const uint32_t i = value - bits->first;
    bits->words[i >> 6] |= (uint64_t)1 << (i & 63);
}

// Of values whose pairs stand together only equal neighbours have to be dropped: the lines of an order do.
// The others are sorted, and stand behind them. False, and nothing was done, where most values come again.
static bool keep_runs_once(dbk_pair_log *log, const value_bits *met, const value_bits *again)
{
    uint64_t *pairs = log->pairs;
    size_t scattered = 0, kept = 0, end;
    for (size_t i = 0; i < log->count; i = run_end(pairs, i, log->count)) {
        if (is_set(met, value_of(pairs[i])))
            set(again, value_of(pairs[i]));
        set(met, value_of(pairs[i]));
    }
    for (size_t i = 0; i < log->count; i++)
        scattered += is_set(again, value_of(pairs[i]));
    uint64_t *others = scattered <= log->count / 2 ? malloc((scattered + 1) * sizeof *others) : NULL;
    if (!others)
        return false;
    scattered = 0;
    for (size_t i = 0; i < log->count; i = end) {
        end = run_end(pairs, i, log->count);
        if (is_set(again, value_of(pairs[i])))
            for (; i < end; i++)
                others[scattered++] = pairs[i];
        else
            kept += move_once(pairs + kept, pairs + i, end - i);
    }
    scattered = sort_once(others, scattered);
    memcpy(pairs + kept, others, scattered * sizeof *pairs);
    log->count = kept + scattered;
    free(others);
    return true;
}

static void compact(dbk_pair_log *log)
{
    uint32_t least = UINT32_MAX, most = 0;
    for (size_t i = 0; i < log->count; i++) {
        const uint32_t value = value_of(log->pairs[i]);
        least = value < least ? value : least;
        most = value > most ? value : most;
    }
    if (log->count == 0)
        return;
    const size_t words = (most - least) / 64 + 1;
    value_bits met = {words <= log->count ? calloc(2 * words, sizeof *met.words) : NULL, least};
    value_bits again = {met.words ? met.words + words : NULL, least};
    if (!met.words || !keep_runs_once(log, &met, &again))
        log->count = sort_once(log->pairs, log->count);
    free(met.words);
}

static bool grow(dbk_pair_log *log, size_t least)
{
    size_t capacity = log->capacity ? log->capacity : FIRST_CAPACITY;
    while (capacity < least)
        capacity *= 2;
    uint64_t *pairs = realloc(log->pairs, capacity * sizeof *pairs);
    if (!pairs)
        return false;
    log->pairs = pairs;
    log->capacity = capacity;
    return true;
}

bool dbk_pair_log_reserve(dbk_pair_log *log, size_t pairs)
{
    if (log->count + pairs <= log->capacity)
        return true;
    if (log->met) // hardly any pair stands in it twice
        return grow(log, log->count + pairs);
    compact(log);
    size_t least = log->count + pairs;
    if (log->count > log->capacity / 2 && least < GROWTH * log->capacity)
        least = GROWTH * log->capacity;
    return least <= log->capacity || grow(log, least);
}

// ---- By runs ----

bool dbk_pair_log_by_runs(dbk_pair_log *log, uint32_t most)
{
    log->words = most / 64 + 1;
    log->met = dbk_pages_create(log->words * sizeof *log->met);
    log->again = dbk_pages_create(log->words * sizeof *log->again);
    return log->met && log->again;
}

static uint64_t bit_of(uint32_t value)
{
    return (uint64_t)1 << (value & 63);
}

void dbk_pair_log_append_runs(dbk_pair_log *log, const uint32_t *groups, const uint32_t *values, uint32_t n)
{
    uint8_t fresh[DBK_VECTOR_ROWS];
    uint32_t distance = 1, before = ~values[0];
    uint64_t *pairs = log->pairs + log->count;
    memset(fresh, 1, n);
    // Where no value is that of the row so far before it, no run is longer.
    while (distance < RUN_MAX && dbk_drop_pairs(groups, values, n, distance, fresh))
        distance++;
    for (uint32_t i = distance; distance == RUN_MAX && i < n; i++)
        if (values[i] == values[i - distance])
            log->again[values[i] / 64] |= bit_of(values[i]);
    // Runs that follow each other mostly have their bits in one word, which stays at hand.
    uint32_t word = values[0] / 64;
    uint64_t had = log->met[word];
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t value = values[i];
        if (value / 64 != word) {
            log->met[word] = had;
            word = value / 64;
            had = log->met[word];
        }
        if ((value != before) & ((had & bit_of(value)) != 0))
            log->again[word] |= bit_of(value);
        had |= bit_of(value);
        *pairs = (uint64_t)value << 32 | groups[i];
        pairs += fresh[i];
        before = value;
    }
    log->met[word] = had;
    log->count = (size_t)(pairs - log->pairs);
}

static void merge_bits(dbk_pair_log *log, const dbk_pair_log *from)
{
    for (size_t w = 0; w < log->words; w++) {
        if (from->met[w] == 0) // pages that nobody wrote to stay as they are
            continue;
        log->again[w] |= from->again[w] | (log->met[w] & from->met[w]);
        log->met[w] |= from->met[w];
    }
}

// Counts the pairs of values that had one run, and keeps the others.
static void count_single(dbk_pair_log *log, int64_t *numbers)
{
    size_t kept = 0;
    for (size_t i = 0; i < log->count; i++) {
        const uint64_t pair = log->pairs[i];
        const bool comes_again = (log->again[value_of(pair) / 64] & bit_of(value_of(pair))) != 0;
        log->pairs[kept] = pair;
        kept += comes_again;
        numbers[(uint32_t)pair] += !comes_again;
    }
    log->count = kept;
}

// ---- The whole ----

bool dbk_pair_log_merge(dbk_pair_log *log, const dbk_pair_log *from, const uint32_t *map)
{
    if (!dbk_pair_log_reserve(log, from->count))
        return false;
    if (log->met)
        merge_bits(log, from);
    for (size_t i = 0; i < from->count; i++) {
        const uint32_t group = (uint32_t)from->pairs[i];
        dbk_pair_log_append(log, map ? map[group] : group, (uint32_t)(from->pairs[i] >> 32));
    }
    return true;
}

void dbk_pair_log_finish(dbk_pair_log *log, int64_t *numbers)
{
    if (log->met)
        count_single(log, numbers);
    compact(log);
    for (size_t i = 0; i < log->count; i++)
        numbers[(uint32_t)log->pairs[i]]++;
    log->count = 0;
}

void dbk_pair_log_dispose(dbk_pair_log *log)
{
    free(log->pairs);
    dbk_pages_free(log->met, log->words * sizeof *log->met);
    dbk_pages_free(log->again, log->words * sizeof *log->again);
    *log = (dbk_pair_log){0};
}
