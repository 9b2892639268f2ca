// SPDX-License-Identifier: Apache-2.0
// The distinct texts of a column, numbered as they appear: groups of a map, and what {#Name} counts.
#ifndef DBK_PARSE_MAP_KEYS_H
#define DBK_PARSE_MAP_KEYS_H

#include "engine/base/arena.h"
#include "engine/base/types.h"

// Texts to numbers 0, 1, 2, … in order of appearance. All zero is empty.
typedef struct dbk_map_keys {
    dbk_text *keys;
    uint64_t *counts; // how often each was seen
    uint32_t count, capacity;
    uint32_t *slots; // key number + 1; 0 = free
    uint32_t slots_count;
    dbk_arena arena;
} dbk_map_keys;

// The key's number, or UINT32_MAX.
uint32_t dbk_map_keys_find(const dbk_map_keys *table, dbk_text key);
// The same, adding it if need be. UINT32_MAX: memory is out.
uint32_t dbk_map_keys_add(dbk_map_keys *table, dbk_text key);
void dbk_map_keys_dispose(dbk_map_keys *table);

#endif
