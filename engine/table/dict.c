// SPDX-License-Identifier: Apache-2.0
// Dictionaries: words to codes and back.
#include "engine/table/dict.h"

#include "engine/base/hash.h"
#include "engine/base/pages.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_FIRST = 16, BLOCK_FIRST = 512, BLOCK_MAX = 1 << 18, LONG_WORD = 255 };
enum { ADD_AT_ONCE = 64 }; // enough to hide misses to memory, few enough to stay cached

// An entry is the tag (32 bits of the hash) and the code; 0 is free, since no word has code 0. The place is
// the tag scaled to the capacity, so a larger table is filled from the entries alone, in one sequential pass
// that looks at no word.
struct dbk_dict_table {
    dbk_object object;
    uint32_t capacity;
    _Atomic uint64_t entries[];
};

static uint32_t home(const dbk_dict_table *table, uint64_t tag)
{
    return (uint32_t)(tag * table->capacity >> 32);
}

static uint32_t following(const dbk_dict_table *table, uint32_t at)
{
    return at + 1 == table->capacity ? 0 : at + 1;
}

struct dbk_dict_block {
    dbk_dict_block *next;
    size_t capacity;
    uint8_t bytes[];
};

static int chunk_of(uint32_t code, uint32_t *index)
{
    uint64_t place = (uint64_t)code - 1 + (1u << DBK_DICT_FIRST_BITS);
    int bits = 63 - __builtin_clzll(place);
    *index = (uint32_t)(place - (1ull << bits));
    return bits - DBK_DICT_FIRST_BITS;
}

static size_t chunk_bytes(int chunk)
{
    return sizeof(uint8_t *) << (DBK_DICT_FIRST_BITS + chunk);
}

void dbk_dict_dispose(dbk_dict *dict)
{
    dbk_dict_table *table = atomic_load_explicit(&dict->table, memory_order_relaxed);
    if (table)
        dbk_object_free(&table->object);
    for (int i = 0; i < DBK_DICT_CHUNKS && dict->chunks[i]; i++) {
        dbk_memory_subtract(&dict->versions->memory, chunk_bytes(i));
        free(dict->chunks[i]);
    }
    for (dbk_dict_block *block = dict->blocks; block;) {
        dbk_dict_block *next = block->next;
        dbk_memory_subtract(&dict->versions->memory, block->capacity + sizeof *block);
        free(block);
        block = next;
    }
    *dict = (dbk_dict){.versions = dict->versions};
}

dbk_text dbk_dict_word(const dbk_dict *dict, uint32_t code)
{
    uint32_t index;
    int chunk = chunk_of(code, &index);
    const uint8_t *at = dict->chunks[chunk][index];
    if (*at < LONG_WORD)
        return (dbk_text){(const char *)at + 1, *at};
    uint32_t length;
    memcpy(&length, at + 1, sizeof length);
    return (dbk_text){(const char *)at + 1 + sizeof length, length};
}

void dbk_dict_expect_place(const dbk_dict *dict, uint32_t code)
{
    uint32_t index;
    const int chunk = chunk_of(code, &index);
    __builtin_prefetch(&dict->chunks[chunk][index]);
}

void dbk_dict_expect_word(const dbk_dict *dict, uint32_t code)
{
    uint32_t index;
    const int chunk = chunk_of(code, &index);
    __builtin_prefetch(dict->chunks[chunk][index]);
}

static uint32_t table_find(const dbk_dict *dict, dbk_text word, uint64_t tag, uint32_t bound)
{
    // Sequentially consistent like its replacement: a weaker load could fall before the claim of the epoch's
    // slot.
    const dbk_dict_table *table = atomic_load(&dict->table);
    if (!table)
        return 0;
    for (uint32_t at = home(table, tag);; at = following(table, at)) {
        uint64_t entry = atomic_load_explicit(&table->entries[at], memory_order_acquire);
        if (entry == 0)
            return 0;
        uint32_t code = (uint32_t)entry;
        if (entry >> 32 == tag && code <= bound && dbk_text_equal(dbk_dict_word(dict, code), word))
            return code;
    }
}

uint32_t dbk_dict_find(const dbk_dict *dict, dbk_text word, uint32_t bound)
{
    if (bound == 0 || word.length == 0)
        return 0;
    return table_find(dict, word, dbk_hash_bytes(word.data, word.length) >> 32, bound);
}

static void table_put(dbk_dict_table *table, uint64_t entry, memory_order order)
{
    uint32_t at = home(table, entry >> 32);
    while (atomic_load_explicit(&table->entries[at], memory_order_relaxed) != 0)
        at = following(table, at);
    atomic_store_explicit(&table->entries[at], entry, order);
}

// Room for so many words in all at a load of at most 4/5.
static bool table_reserve(dbk_dict *dict, uint64_t words)
{
    dbk_dict_table *old = atomic_load_explicit(&dict->table, memory_order_relaxed);
    uint64_t capacity = old ? old->capacity : 0;
    if (words * 5 <= capacity * 4)
        return true;
    do
        capacity = capacity ? capacity * 2 : TABLE_FIRST;
    while (words * 5 > capacity * 4);
    if (capacity > UINT32_MAX)
        return false;
    dbk_dict_table *table = dbk_versions_create(
        dict->versions, sizeof *table + (size_t)capacity * sizeof table->entries[0], NULL);
    if (!table)
        return false;
    dbk_pages_prefer_huge(table, table->object.bytes);
    table->capacity = (uint32_t)capacity;
    for (uint32_t i = 0; old && i < old->capacity; i++) {
        uint64_t entry = atomic_load_explicit(&old->entries[i], memory_order_relaxed);
        if (entry)
            table_put(table, entry, memory_order_relaxed);
    }
    // Sequentially consistent: the epoch protocol asks it of everything that replaces a root pointer.
    atomic_store(&dict->table, table);
    if (old)
        dbk_epoch_retire(&dict->versions->epoch, &old->object);
    return true;
}

static uint8_t *bytes_take(dbk_dict *dict, size_t size)
{
    if (size > dict->block_left) {
        size_t capacity = dict->blocks ? dict->blocks->capacity * 2 : BLOCK_FIRST;
        if (capacity > BLOCK_MAX)
            capacity = BLOCK_MAX;
        if (capacity < size)
            capacity = size;
        dbk_dict_block *block = malloc(sizeof *block + capacity);
        if (!block)
            return NULL;
        dbk_memory_add(&dict->versions->memory, sizeof *block + capacity);
        block->next = dict->blocks;
        block->capacity = capacity;
        dict->blocks = block;
        dict->block_left = capacity;
    }
    uint8_t *at = dict->blocks->bytes + dict->blocks->capacity - dict->block_left;
    dict->block_left -= size;
    return at;
}

static bool chunk_reserve(dbk_dict *dict, int chunk)
{
    if (dict->chunks[chunk])
        return true;
    dict->chunks[chunk] = malloc(chunk_bytes(chunk));
    if (!dict->chunks[chunk])
        return false;
    dbk_pages_prefer_huge(dict->chunks[chunk], chunk_bytes(chunk));
    dbk_memory_add(&dict->versions->memory, chunk_bytes(chunk));
    return true;
}

static dbk_status add(dbk_dict *dict, dbk_text word, uint64_t tag)
{
    if (dict->count == UINT32_MAX - 1)
        return DBK_LIMIT;
    uint32_t index;
    int chunk = chunk_of(dict->count + 1, &index);
    size_t head = word.length < LONG_WORD ? 1 : 1 + sizeof word.length;
    if (!table_reserve(dict, (uint64_t)dict->count + 1) || !chunk_reserve(dict, chunk))
        return DBK_NO_MEMORY;
    uint8_t *bytes = bytes_take(dict, head + word.length);
    if (!bytes)
        return DBK_NO_MEMORY;
    bytes[0] = word.length < LONG_WORD ? (uint8_t)word.length : LONG_WORD;
    if (word.length >= LONG_WORD)
        memcpy(bytes + 1, &word.length, sizeof word.length);
    memcpy(bytes + head, word.data, word.length);

    uint32_t code = ++dict->count;
    dict->chunks[chunk][index] = bytes;
    table_put(atomic_load_explicit(&dict->table, memory_order_relaxed), tag << 32 | code,
              memory_order_release);
    return DBK_OK;
}

static uint64_t tag_of(dbk_text word)
{
    return dbk_hash_bytes(word.data, word.length) >> 32;
}

dbk_status dbk_dict_add(dbk_dict *dict, dbk_text word, uint32_t *code)
{
    assert(word.length > 0);
    uint64_t tag = tag_of(word);
    *code = dict->count ? table_find(dict, word, tag, dict->count) : 0;
    if (*code)
        return DBK_OK;
    DBK_TRY(add(dict, word, tag));
    *code = dict->count;
    return DBK_OK;
}

// The codes of some words that are there. Each look-up waits for memory three times, for the entry, for where
// the word is and for the word: those of many words are waited for together.
static void find_some(const dbk_dict *dict, const dbk_text *words, uint32_t count, uint64_t *tags,
                      uint32_t *codes)
{
    const dbk_dict_table *table = atomic_load_explicit(&dict->table, memory_order_relaxed);
    for (uint32_t i = 0; i < count; i++) {
        tags[i] = words[i].length ? tag_of(words[i]) : 0;
        codes[i] = 0;
        if (table)
            __builtin_prefetch((const void *)&table->entries[home(table, tags[i])]);
    }
    if (!table)
        return;
    const uint8_t **places[ADD_AT_ONCE];
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = home(table, tags[i]), index;
        uint64_t entry = atomic_load_explicit(&table->entries[at], memory_order_relaxed);
        for (; entry && entry >> 32 != tags[i];
             entry = atomic_load_explicit(&table->entries[at], memory_order_relaxed))
            at = following(table, at);
        places[i] = entry ? &dict->chunks[chunk_of((uint32_t)entry, &index)][index] : NULL;
        if (entry)
            __builtin_prefetch(places[i]);
    }
    for (uint32_t i = 0; i < count; i++)
        if (places[i])
            __builtin_prefetch(*places[i]);
    for (uint32_t i = 0; i < count; i++)
        if (words[i].length)
            codes[i] = table_find(dict, words[i], tags[i], dict->count);
}

dbk_status dbk_dict_add_all(dbk_dict *dict, const dbk_text *words, uint32_t count, uint32_t *codes)
{
    for (uint32_t some; count > 0; words += some, codes += some, count -= some) {
        uint64_t tags[ADD_AT_ONCE];
        some = count < ADD_AT_ONCE ? count : ADD_AT_ONCE;
        find_some(dict, words, some, tags, codes);
        for (uint32_t i = 0; i < some; i++)
            if (codes[i] == 0 && words[i].length)
                DBK_TRY(dbk_dict_add(dict, words[i], &codes[i]));
    }
    return DBK_OK;
}

static dbk_status add_some(dbk_dict *dict, const dbk_text *words, uint32_t count, uint32_t *added)
{
    uint64_t tags[ADD_AT_ONCE];
    if (!table_reserve(dict, (uint64_t)dict->count + count))
        return DBK_NO_MEMORY;
    const dbk_dict_table *table = atomic_load_explicit(&dict->table, memory_order_relaxed);
    for (uint32_t i = 0; i < count; i++) {
        assert(words[i].length > 0);
        tags[i] = tag_of(words[i]);
        __builtin_prefetch((const void *)&table->entries[home(table, tags[i])], 1);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (table_find(dict, words[i], tags[i], dict->count))
            return DBK_INVALID;
        DBK_TRY(add(dict, words[i], tags[i]));
        ++*added;
    }
    return DBK_OK;
}

dbk_status dbk_dict_add_new(dbk_dict *dict, const dbk_text *words, uint32_t count, uint32_t *added)
{
    *added = 0;
    while (*added < count) {
        uint32_t left = count - *added;
        DBK_TRY(add_some(dict, words + *added, left < ADD_AT_ONCE ? left : ADD_AT_ONCE, added));
    }
    return DBK_OK;
}

void dbk_dict_expect(dbk_dict *dict, uint32_t words)
{
    (void)table_reserve(dict, words);
}
