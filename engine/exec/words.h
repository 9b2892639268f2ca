// SPDX-License-Identifier: Apache-2.0
// Count and sum of a group in one word: the rows of a group query with many groups cost one addition in half
// the memory of two. The count stands above the sum of the numbers as they are packed, less a common start.
//
// A word holds what stays below half of each field; what reaches it is moved to the group's tally, which is
// looked at once a vector. So a group's count is that of its word and its tally together, its sum likewise.
#ifndef DBK_EXEC_WORDS_H
#define DBK_EXEC_WORDS_H

#include "engine/exec/tally.h"

typedef struct dbk_group_words {
    uint64_t *words; // NULL: there are none, and nothing is taken
    uint32_t groups;
    // A number n stands for start + divisor * n; divisor 0 = not known yet.
    int64_t start;
    uint64_t divisor;
} dbk_group_words;

// Words of no rows. `start` is at or below every value. False when memory is out.
bool dbk_group_words_init(dbk_group_words *words, uint32_t groups, int64_t start);
void dbk_group_words_dispose(dbk_group_words *words);

// Adds a vector of rows at most. False, and nothing is done, where its numbers do not stand on the words'
// line.
bool dbk_group_words_add(dbk_group_words *words, dbk_tally *tallies, const uint32_t *groups,
                         const uint32_t *numbers, uint32_t n, const dbk_line *line);
// What another thread gathered of the same groups, into words or tallies: first, once, that it is going to
// be; then groups [first, end) of it, and any ranges that do not overlap at once.
void dbk_group_words_merge_begin(dbk_group_words *words, const dbk_group_words *from);
void dbk_group_words_merge(dbk_group_words *words, dbk_tally *tallies, const dbk_group_words *from,
                           uint32_t first, uint32_t end);
// Moves everything to the tallies; afterwards there are no words.
void dbk_group_words_settle(dbk_group_words *words, dbk_tally *tallies);

// What a group's word holds, modulo 2^64.
enum { DBK_WORD_COUNT_SHIFT = 42 };
static inline int64_t dbk_word_count(const dbk_group_words *words, uint32_t group)
{
    return words->words ? (int64_t)(words->words[group] >> DBK_WORD_COUNT_SHIFT) : 0;
}
static inline int64_t dbk_word_sum(const dbk_group_words *words, uint32_t group)
{
    if (!words->words)
        return 0;
    const uint64_t word = words->words[group], count = word >> DBK_WORD_COUNT_SHIFT;
    const uint64_t numbers = word & (((uint64_t)1 << DBK_WORD_COUNT_SHIFT) - 1);
    return (int64_t)((uint64_t)words->start * count + words->divisor * numbers);
}

#endif
