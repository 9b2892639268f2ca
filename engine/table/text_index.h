// SPDX-License-Identifier: Apache-2.0
// Rows of a keyed table by one of their texts, small and capital ASCII letters alike: a multimap from a hash
// of the text to codes of keys. It holds every text that the table's rows have, and may hold texts that rows
// had before they were changed or removed: whoever asks verifies each code against its row.
//
// The writer's alone. It is made from the rows when it is first asked for and follows each change from then
// on; when memory for that is out, or when most of it is of the past, it is given up and made anew when next
// asked for.
#ifndef DBK_TABLE_TEXT_INDEX_H
#define DBK_TABLE_TEXT_INDEX_H

#include "engine/table/state.h"

// One text. `next` is the place in `entries`, plus 1, of the next one of the same bucket.
typedef struct dbk_text_entry {
    uint32_t hash, code, next;
} dbk_text_entry;

struct dbk_text_index {
    dbk_text_index *next; // of the same table, for another column
    int column;
    uint32_t count, capacity; // of entries; a power of two, and as many buckets
    dbk_text_entry *entries;
    uint32_t *buckets; // places in `entries`, plus 1; 0 = empty
};

// Takes in rows that are stored, before or after; cannot fail.
void dbk_text_index_follow(dbk_table *table, const dbk_delta_input *rows, uint32_t count);
void dbk_text_index_dispose(dbk_table *table);

// Whether two texts are the same but for the case of ASCII letters.
bool dbk_text_is_alike(dbk_text a, dbk_text b);

#endif
