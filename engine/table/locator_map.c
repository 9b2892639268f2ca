// SPDX-License-Identifier: Apache-2.0
// The map of keyed tables, copied on write.
#include "engine/table/locator_map.h"

#include <assert.h>
#include <string.h>

enum { BITS = 8, FANOUT = 1 << BITS };

struct dbk_map_node {
    dbk_object object;
    union {
        uint64_t value;      // in leaves
        dbk_map_node *child; // above
    } entries[FANOUT];
};

static bool is_within(const dbk_locator_map *map, uint32_t code)
{
    return map->height * BITS >= 32 || code >> (map->height * BITS) == 0;
}

uint64_t dbk_locator_map_get(const dbk_locator_map *map, uint32_t code)
{
    if (!is_within(map, code) || !map->root)
        return 0;
    const dbk_map_node *node = map->root;
    for (int level = map->height - 1; level > 0; level--) {
        node = node->entries[code >> (level * BITS) & (FANOUT - 1)].child;
        if (!node)
            return 0;
    }
    return node->entries[code & (FANOUT - 1)].value;
}

// Puts a node of this generation in the place of *at: a copy, or an empty one.
static bool node_own(dbk_map_node **at, dbk_versions *versions)
{
    dbk_map_node *old = *at;
    if (old && dbk_versions_is_own(versions, &old->object))
        return true;
    dbk_map_node *node = dbk_versions_create(versions, sizeof *node, NULL);
    if (!node)
        return false;
    if (old)
        memcpy(node->entries, old->entries, sizeof node->entries);
    *at = node;
    if (old)
        dbk_versions_drop(versions, &old->object);
    return true;
}

bool dbk_locator_map_reserve(dbk_locator_map *map, dbk_versions *versions, uint32_t code)
{
    while (map->height == 0 || !is_within(map, code)) {
        if (map->root) {
            dbk_map_node *root = dbk_versions_create(versions, sizeof *root, NULL);
            if (!root)
                return false;
            root->entries[0].child = map->root;
            map->root = root;
        }
        map->height++;
    }
    dbk_map_node **at = &map->root;
    for (int level = map->height - 1;; level--) {
        if (!node_own(at, versions))
            return false;
        if (level == 0)
            return true;
        at = &(*at)->entries[code >> (level * BITS) & (FANOUT - 1)].child;
    }
}

void dbk_locator_map_set(dbk_locator_map *map, uint32_t code, uint64_t value)
{
    dbk_map_node *node = map->root;
    for (int level = map->height - 1; level > 0; level--)
        node = node->entries[code >> (level * BITS) & (FANOUT - 1)].child;
    node->entries[code & (FANOUT - 1)].value = value;
}

static void node_free(dbk_map_node *node, int height)
{
    if (!node)
        return;
    for (int i = 0; height > 1 && i < FANOUT; i++)
        node_free(node->entries[i].child, height - 1);
    dbk_object_free(&node->object);
}

void dbk_locator_map_dispose(dbk_locator_map *map)
{
    node_free(map->root, map->height);
    *map = (dbk_locator_map){0};
}
