// SPDX-License-Identifier: Apache-2.0
// From the code of a key to where its row stands, for keyed tables: a radix tree over the code with 256
// entries a node, as high as the largest code needs. Nodes are copied on write once a generation (see
// versions.h), so that an image keeps its own map by keeping the root.
#ifndef DBK_TABLE_LOCATOR_MAP_H
#define DBK_TABLE_LOCATOR_MAP_H

#include "engine/table/versions.h"

typedef struct dbk_map_node dbk_map_node;

// A zeroed struct is an empty map.
typedef struct dbk_locator_map {
    dbk_map_node *root;
    int height; // 1 = the root is a leaf
} dbk_locator_map;

// 0 when there is none: values must not be 0.
uint64_t dbk_locator_map_get(const dbk_locator_map *map, uint32_t code);

// ---- The writer ----

// Makes the way to the code writable; false when memory is out. Contents do not change.
bool dbk_locator_map_reserve(dbk_locator_map *map, dbk_versions *versions, uint32_t code);
// After dbk_locator_map_reserve for this code in the same generation.
void dbk_locator_map_set(dbk_locator_map *map, uint32_t code, uint64_t value);
void dbk_locator_map_dispose(dbk_locator_map *map);

#endif
