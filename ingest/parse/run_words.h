// SPDX-License-Identifier: Apache-2.0
// The few words that most rows of a column have, and their codes: a table without collisions, so that a word
// is looked for in one place, and eight words at once.
#ifndef DBK_PARSE_RUN_WORDS_H
#define DBK_PARSE_RUN_WORDS_H

#include "ingest/parse/row_state.h"
#include "ingest/parse/run_fields.h"

enum { DBK_RUN_WORDS = 32, DBK_RUN_WORD_PLACES = 256 };

// All zeros to begin with, which knows no word. A place that nothing has holds the word of no byte.
typedef struct dbk_run_words {
    uint32_t count;
    bool is_full;  // a word found no place
    uint32_t salt; // which of many ways to place them has no collision
    uint64_t low[DBK_RUN_WORD_PLACES], high[DBK_RUN_WORD_PLACES];
    uint32_t code[DBK_RUN_WORD_PLACES];
    dbk_word_key keys[DBK_RUN_WORDS];
    uint32_t codes[DBK_RUN_WORDS];
} dbk_run_words;

// A word of 1 to 16 bytes without NUL. Nothing but is_full changes when there is no room for it.
void dbk_run_words_add(dbk_run_words *words, dbk_word_key key, uint32_t code);
// The code of each field that is a word known, 0 of any other. misses: the fields that got none; returns how
// many. codes: room for all fields and DBK_RUN_LANES more; misses: the same.
uint32_t dbk_run_words_find(const dbk_run_words *words, const dbk_run *run, const dbk_run_fields *fields,
                            uint32_t *codes, uint8_t *misses);

#endif
