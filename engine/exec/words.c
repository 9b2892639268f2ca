// SPDX-License-Identifier: Apache-2.0
// Halves: a count below 2^21 and a sum below 2^41 take a vector of 1,024 rows with numbers below 2^31, which
// is at most 2^10 and 2^41 more, without a carry out of either field.
#include "engine/exec/words.h"

#include "engine/base/pages.h"

static const uint64_t ONE = (uint64_t)1 << DBK_WORD_COUNT_SHIFT;
static const uint64_t HALVES = (uint64_t)1 << 63 | (uint64_t)1 << (DBK_WORD_COUNT_SHIFT - 1);
static const uint64_t NUMBERS_MAX = (uint64_t)1 << 31;

// Words beyond the second-level cache are asked for this many rows ahead: far enough for a line to arrive
// from memory, near enough to fit the first cache.
enum { AHEAD = 48 };
static const uint32_t FAR_GROUPS = (1u << 20) / sizeof(uint64_t);

bool dbk_group_words_init(dbk_group_words *words, uint32_t groups, int64_t start)
{
    *words = (dbk_group_words){.groups = groups, .start = start};
    words->words = dbk_pages_create(groups * sizeof(uint64_t));
    return words->words != NULL;
}

void dbk_group_words_dispose(dbk_group_words *words)
{
    dbk_pages_free(words->words, words->groups * sizeof(uint64_t));
    words->words = NULL;
}

static void spill(dbk_group_words *words, dbk_tally *tallies, uint32_t group)
{
    tallies[group].count += dbk_word_count(words, group);
    tallies[group].sum += dbk_word_sum(words, group);
    words->words[group] = 0;
}

// Returns the words met, by OR.
static uint64_t add_all(uint64_t *words, const uint32_t *groups, const uint32_t *numbers, uint32_t n,
                        uint64_t more)
{
    uint64_t met = 0;
    for (uint32_t i = 0; i < n; i++)
        met |= words[groups[i]] += more + numbers[i];
    return met;
}

static uint64_t add_ahead(uint64_t *words, const uint32_t *groups, const uint32_t *numbers, uint32_t n,
                          uint64_t more)
{
    uint64_t met = 0;
    const uint32_t first = n < AHEAD ? n : AHEAD;
    for (uint32_t i = 0; i < first; i++)
        __builtin_prefetch(&words[groups[i]], 1);
    for (uint32_t i = 0; i + first < n; i++) {
        __builtin_prefetch(&words[groups[i + first]], 1);
        met |= words[groups[i]] += more + numbers[i];
    }
    return met | add_all(words, groups + n - first, numbers + n - first, first, more);
}

bool dbk_group_words_add(dbk_group_words *words, dbk_tally *tallies, const uint32_t *groups,
                         const uint32_t *numbers, uint32_t n, const dbk_line *line)
{
    if (!words->words || (words->divisor && words->divisor != line->divisor) || line->width > 31)
        return false;
    // How far the line's numbers are from the words'.
    const uint64_t gap = (uint64_t)line->start - (uint64_t)words->start, apart = gap / line->divisor;
    if (line->start < words->start || apart * line->divisor != gap ||
        apart + ((uint64_t)1 << line->width) > NUMBERS_MAX)
        return false;
    words->divisor = line->divisor;
    const uint64_t met = words->groups > FAR_GROUPS ? add_ahead(words->words, groups, numbers, n, ONE + apart)
                                                    : add_all(words->words, groups, numbers, n, ONE + apart);
    if (__builtin_expect((met & HALVES) != 0, 0))
        for (uint32_t i = 0; i < n; i++)
            if (words->words[groups[i]] & HALVES)
                spill(words, tallies, groups[i]);
    return true;
}

void dbk_group_words_merge_begin(dbk_group_words *words, const dbk_group_words *from)
{
    if (words->words && from->words && words->divisor == 0)
        words->divisor = from->divisor;
}

void dbk_group_words_merge(dbk_group_words *words, dbk_tally *tallies, const dbk_group_words *from,
                           uint32_t first, uint32_t end)
{
    if (!from->words || from->divisor == 0)
        return;
    const bool alike = words->words && words->start == from->start && words->divisor == from->divisor;
    for (uint32_t g = first; g < end; g++) {
        if (!alike) {
            tallies[g].count += dbk_word_count(from, g);
            tallies[g].sum += dbk_word_sum(from, g);
            continue;
        }
        words->words[g] += from->words[g]; // both below the halves
        if (words->words[g] & HALVES)
            spill(words, tallies, g);
    }
}

void dbk_group_words_settle(dbk_group_words *words, dbk_tally *tallies)
{
    for (uint32_t g = 0; words->words && g < words->groups; g++)
        spill(words, tallies, g);
    dbk_group_words_dispose(words);
}
