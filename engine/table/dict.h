// SPDX-License-Identifier: Apache-2.0
// An append-only dictionary: words numbered from 1 in the order they came. One writer adds; readers look up
// at the same time, each up to the bound that its snapshot carries.
//
// code -> word goes through chunks of doubling size that never move; word -> code through an open-addressing
// table of (tag, code) entries, replaced as a whole when it is full. A reader may find codes that were added
// after its snapshot; it takes them for unknown without looking at their words, so words need no atomics.
#ifndef DBK_TABLE_DICT_H
#define DBK_TABLE_DICT_H

#include "engine/base/status.h"
#include "engine/table/versions.h"

enum { DBK_DICT_FIRST_BITS = 4, DBK_DICT_CHUNKS = 33 - DBK_DICT_FIRST_BITS };

typedef struct dbk_dict_table dbk_dict_table;
typedef struct dbk_dict_block dbk_dict_block;

typedef struct dbk_dict {
    dbk_versions *versions;
    _Atomic(dbk_dict_table *) table;
    uint32_t count;
    // Chunk k has 16 << k words, each a pointer to its length (one byte, or 255 and four) and its bytes:
    // 8 bytes a word instead of the 16 of a dbk_text.
    const uint8_t **chunks[DBK_DICT_CHUNKS];
    dbk_dict_block *blocks; // where the bytes are
    size_t block_left;
} dbk_dict;

// A zeroed struct with `versions` set is an empty dictionary.
void dbk_dict_dispose(dbk_dict *dict);

// The writer's. DBK_NO_MEMORY leaves the dictionary as it was.
dbk_status dbk_dict_add(dbk_dict *dict, dbk_text word, uint32_t *code);

// The codes of so many words, each added unless it is there; of an empty one 0. Many at a time cost a
// fraction of one by one. DBK_NO_MEMORY, DBK_LIMIT: some were added.
dbk_status dbk_dict_add_all(dbk_dict *dict, const dbk_text *words, uint32_t count, uint32_t *codes);

// Adds words that must all be new, as their order is what numbers them; *added says how many were. Several at
// a time cost a fraction of one by one, since the table is asked for all of them before it is waited for.
// DBK_NO_MEMORY; DBK_INVALID: words[*added] is known already.
dbk_status dbk_dict_add_new(dbk_dict *dict, const dbk_text *words, uint32_t count, uint32_t *added);
// Room for so many words in all, so that the table need not grow. Optional; no memory is no failure.
void dbk_dict_expect(dbk_dict *dict, uint32_t words);

// Readers with the bound of their snapshot, the writer with dict->count. 0 = unknown.
uint32_t dbk_dict_find(const dbk_dict *dict, dbk_text word, uint32_t bound);
// code in [1, bound].
dbk_text dbk_dict_word(const dbk_dict *dict, uint32_t code);
// A word will be asked for: asks the processor for where it is, and, a little later, for the word.
void dbk_dict_expect_place(const dbk_dict *dict, uint32_t code);
void dbk_dict_expect_word(const dbk_dict *dict, uint32_t code);

#endif
