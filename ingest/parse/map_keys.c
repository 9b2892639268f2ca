// SPDX-License-Identifier: Apache-2.0
// A table of open addressing, at most half full, of indexes into the list of keys.
#include "ingest/parse/map_keys.h"

#include "engine/base/hash.h"

#include <stdlib.h>

static uint32_t *find_slot(const dbk_map_keys *table, dbk_text key)
{
    uint32_t mask = table->slots_count - 1, at = (uint32_t)dbk_hash_bytes(key.data, key.length) & mask;
    while (table->slots[at] && !dbk_text_equal(table->keys[table->slots[at] - 1], key))
        at = (at + 1) & mask;
    return &table->slots[at];
}

static bool grow_keys(dbk_map_keys *table)
{
    uint32_t capacity = table->capacity ? table->capacity * 2 : 64, slots_count = capacity * 2;
    uint32_t *slots = calloc(slots_count, sizeof *slots);
    dbk_text *keys = realloc(table->keys, capacity * sizeof *keys);
    if (keys)
        table->keys = keys;
    uint64_t *counts = realloc(table->counts, capacity * sizeof *counts);
    if (counts)
        table->counts = counts;
    if (!slots || !keys || !counts) {
        free(slots);
        return false;
    }
    free(table->slots);
    table->slots = slots;
    table->slots_count = slots_count;
    table->capacity = capacity;
    for (uint32_t i = 0; i < table->count; i++)
        *find_slot(table, table->keys[i]) = i + 1;
    return true;
}

uint32_t dbk_map_keys_find(const dbk_map_keys *table, dbk_text key)
{
    uint32_t slot = table->slots_count ? *find_slot(table, key) : 0;
    return slot ? slot - 1 : UINT32_MAX;
}

uint32_t dbk_map_keys_add(dbk_map_keys *table, dbk_text key)
{
    uint32_t found = dbk_map_keys_find(table, key);
    if (found != UINT32_MAX)
        return found;
    if (table->count == table->capacity && !grow_keys(table))
        return UINT32_MAX;
    const char *copy = dbk_arena_copy(&table->arena, key.data, key.length);
    if (!copy)
        return UINT32_MAX;
    table->keys[table->count] = (dbk_text){copy, key.length};
    table->counts[table->count] = 0;
    *find_slot(table, key) = table->count + 1;
    return table->count++;
}

void dbk_map_keys_dispose(dbk_map_keys *table)
{
    free(table->keys);
    free(table->counts);
    free(table->slots);
    dbk_arena_dispose(&table->arena);
}
