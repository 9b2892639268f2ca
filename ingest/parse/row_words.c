// SPDX-License-Identifier: Apache-2.0
// The words of a batch: each distinct one gets a code. Short words, which nearly all are, are compared and
// hashed as two numbers; nothing looks at their bytes again.
#include "engine/base/hash.h"
#include "ingest/parse/row_state.h"

#include <stddef.h>
#include <stdlib.h>

// The first sizes of what grows with a batch; a batch of few rows begins smaller.
enum { SLOTS_MANY = 256, WORDS_MANY = 64 };

// count: places, a power of two. Those that are there are freed, unless they are `own`.
static bool grow_slots(dbk_word_slot **slots, uint32_t *slots_count, uint32_t count, const dbk_word_slot *own)
{
    dbk_word_slot *grown = calloc(count, sizeof *grown);
    if (!grown)
        return false;
    for (uint32_t i = 0; i < *slots_count; i++) {
        const dbk_word_slot slot = (*slots)[i];
        uint32_t at = slot.hash & (count - 1);
        if (!slot.code)
            continue;
        while (grown[at].code)
            at = (at + 1) & (count - 1);
        grown[at] = slot;
    }
    if (*slots != own)
        free(*slots);
    *slots = grown;
    *slots_count = count;
    return true;
}

static void begin_table(const dbk_rows *rows, dbk_word_table *table)
{
    memset(table, 0, offsetof(dbk_word_table, few_slots));
    if (rows->capacity >= WORDS_MANY)
        return;
    table->shorts = table->few_slots;
    table->shorts_count = DBK_SLOTS_FEW;
    table->keys = table->few_keys;
    table->keys_count = DBK_KEYS_FEW;
}

bool dbk_words_open(dbk_rows *rows, int index)
{
    dbk_word_table *table = &rows->words[index];
    dbk_batch_column *column = &rows->batch->columns[index];
    if (!(rows->words_mask >> index & 1)) {
        begin_table(rows, table);
        rows->words_mask |= (uint64_t)1 << index;
    }
    if (!table->shorts && !grow_slots(&table->shorts, &table->shorts_count, SLOTS_MANY, NULL))
        return false;
    memset(table->shorts, 0, table->shorts_count * sizeof *table->shorts);
    if (table->longs)
        memset(table->longs, 0, table->longs_count * sizeof *table->longs);
    table->shorts_used = table->longs_used = 0;
    table->words_capacity = rows->capacity < WORDS_MANY ? rows->capacity + 1 : WORDS_MANY;
    table->last_code = 0;
    column->words = dbk_arena_zalloc(&rows->batch->arena, table->words_capacity * sizeof *column->words);
    column->words_count = 1;
    column->codes = dbk_arena_alloc(&rows->batch->arena, rows->capacity * sizeof *column->codes);
    if (!column->words || !column->codes)
        return false;
    memset(column->codes, 0, rows->batch->rows * sizeof *column->codes);
    return true;
}

void dbk_words_dispose(dbk_word_table *table)
{
    if (table->shorts != table->few_slots)
        free(table->shorts);
    if (table->keys != table->few_keys)
        free(table->keys);
    free(table->longs);
}

// Returns its code, or 0.
static uint32_t add_word(dbk_rows *rows, int index, dbk_text word)
{
    dbk_word_table *table = &rows->words[index];
    dbk_batch_column *column = &rows->batch->columns[index];
    if (column->words_count == table->words_capacity) {
        dbk_text *words = dbk_arena_alloc(&rows->batch->arena, 2 * table->words_capacity * sizeof *words);
        if (!words)
            return 0;
        memcpy(words, column->words, column->words_count * sizeof *words);
        column->words = words;
        table->words_capacity *= 2;
    }
    if (!dbk_rows_keep_text(rows, word, &column->words[column->words_count]))
        return 0;
    return column->words_count++;
}

// ---- Short words ----

static bool is_same_key(dbk_word_key a, dbk_word_key b)
{
    return ((a.low ^ b.low) | (a.high ^ b.high)) == 0;
}

// Keeps the key of the word with this code.
static bool keep_key(dbk_word_table *table, dbk_word_key key, uint32_t code)
{
    if (code >= table->keys_count) {
        uint32_t count = table->keys_count ? table->keys_count : DBK_KEYS_FEW;
        while (count <= code)
            count *= 2;
        const bool was_own = table->keys == table->few_keys;
        dbk_word_key *keys = realloc(was_own ? NULL : table->keys, count * sizeof *keys);
        if (!keys)
            return false;
        if (was_own)
            memcpy(keys, table->few_keys, sizeof table->few_keys);
        table->keys = keys;
        table->keys_count = count;
    }
    table->keys[code] = key;
    return true;
}

uint32_t dbk_words_intern_short(dbk_rows *rows, int index, dbk_word_key key, uint32_t hash, uint32_t length)
{
    dbk_word_table *table = &rows->words[index];
    uint32_t at = hash & (table->shorts_count - 1);
    for (; table->shorts[at].code; at = (at + 1) & (table->shorts_count - 1)) {
        if (table->shorts[at].hash == hash && is_same_key(table->keys[table->shorts[at].code], key))
            return table->shorts[at].code;
    }
    const uint32_t code = add_word(rows, index, (dbk_text){(const char *)&key, length});
    if (!code || !keep_key(table, key, code))
        return 0;
    table->shorts[at] = (dbk_word_slot){hash, code};
    return ++table->shorts_used * 2 > table->shorts_count &&
                   !grow_slots(&table->shorts, &table->shorts_count, table->shorts_count * 4,
                               table->few_slots)
               ? 0
               : code;
}

// ---- Long words ----

static uint32_t intern_long(dbk_rows *rows, int index, dbk_text word)
{
    dbk_word_table *table = &rows->words[index];
    if (!table->longs && !grow_slots(&table->longs, &table->longs_count, DBK_SLOTS_FEW, NULL))
        return 0;
    const dbk_text *words = rows->batch->columns[index].words;
    const uint32_t hash = (uint32_t)dbk_hash_bytes(word.data, word.length);
    uint32_t at = hash & (table->longs_count - 1);
    for (; table->longs[at].code; at = (at + 1) & (table->longs_count - 1)) {
        if (table->longs[at].hash == hash && dbk_text_equal(words[table->longs[at].code], word))
            return table->longs[at].code;
    }
    const uint32_t code = add_word(rows, index, word);
    if (!code)
        return 0;
    table->longs[at] = (dbk_word_slot){hash, code};
    return ++table->longs_used * 2 > table->longs_count &&
                   !grow_slots(&table->longs, &table->longs_count, table->longs_count * 2, NULL)
               ? 0
               : code;
}

uint32_t dbk_words_intern(dbk_rows *rows, int index, dbk_text word)
{
    dbk_word_table *table = &rows->words[index];
    const dbk_text *words = rows->batch->columns[index].words;
    if (table->last_code && dbk_text_equal(words[table->last_code], word))
        return table->last_code;
    uint32_t code;
    if (word.length > DBK_WORD_KEY_BYTES) {
        code = intern_long(rows, index, word);
    } else {
        char bytes[DBK_WORD_KEY_BYTES] = {0};
        memcpy(bytes, word.data, word.length);
        const dbk_word_key key = dbk_word_key_of(bytes, word.length);
        code = dbk_words_intern_short(rows, index, key, dbk_word_hash(rows, key, word.length), word.length);
    }
    return table->last_code = code;
}

dbk_text dbk_word_as_currency(dbk_text word, char capitals[3])
{
    if (word.length != 3)
        return word;
    for (int i = 0; i < 3; i++) {
        char c = word.data[i] & ~0x20;
        if (c < 'A' || c > 'Z')
            return word;
        capitals[i] = c;
    }
    return (dbk_text){capitals, 3};
}
