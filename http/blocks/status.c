// SPDX-License-Identifier: Apache-2.0
// Small letters and two synonyms.
#include "http/blocks/status.h"

static const struct {
    dbk_text word, means;
} synonyms[] = {
    {{"submitted", 9}, {"pending", 7}},
    {{"canceled", 8}, {"cancelled", 9}},
};

static bool has_capital(dbk_text word)
{
    for (uint32_t i = 0; i < word.length; i++)
        if (word.data[i] >= 'A' && word.data[i] <= 'Z')
            return true;
    return false;
}

dbk_text dbk_blocks_status(dbk_text word, dbk_arena *arena, bool *failed)
{
    if (has_capital(word)) {
        char *small = dbk_arena_copy(arena, word.data, word.length);
        if (small == NULL) {
            *failed = true;
            return word;
        }
        for (uint32_t i = 0; i < word.length; i++)
            if (small[i] >= 'A' && small[i] <= 'Z')
                small[i] |= 0x20;
        word.data = small;
    }
    for (size_t i = 0; i < DBK_COUNT(synonyms); i++)
        if (dbk_text_equal(word, synonyms[i].word))
            return synonyms[i].means;
    return word;
}
