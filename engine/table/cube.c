// SPDX-License-Identifier: Apache-2.0
// The tree of buckets, and the cells in it.
#include "engine/table/cube.h"

#include <assert.h>
#include <string.h>

enum { BITS = 6, FANOUT = 1 << BITS, HEIGHT_MAX = (32 + BITS - 1) / BITS };

typedef struct node {
    dbk_object object;
    dbk_object *entries[FANOUT]; // nodes, or cells in the lowest ones
} node;

static bool is_within(const dbk_cube *cube, uint32_t key)
{
    return cube->height >= HEIGHT_MAX || key >> (cube->height * BITS) == 0;
}

static uint32_t entry_of(uint32_t key, int level)
{
    return key >> (level * BITS) & (FANOUT - 1);
}

// ---- Reading ----

const dbk_cells *dbk_cube_find(const dbk_cube *cube, int32_t bucket)
{
    uint32_t key = (uint32_t)bucket;
    if (!cube->root || !is_within(cube, key))
        return NULL;
    const dbk_object *at = cube->root;
    for (int level = cube->height - 1; at && level >= 0; level--)
        at = ((const node *)at)->entries[entry_of(key, level)];
    return (const dbk_cells *)at;
}

typedef struct walk {
    dbk_cube_visit visit;
    void *user;
    uint32_t first, last;
} walk;

static void walk_node(const walk *w, const node *at, int level, uint32_t base)
{
    for (uint32_t i = 0; i < FANOUT; i++) {
        uint64_t from = base + ((uint64_t)i << (level * BITS));
        uint64_t to = from + ((uint64_t)1 << (level * BITS)) - 1;
        if (!at->entries[i] || to < w->first)
            continue;
        if (from > w->last)
            return;
        if (level > 0)
            walk_node(w, (const node *)at->entries[i], level - 1, (uint32_t)from);
        else
            w->visit(w->user, (int32_t)(uint32_t)from, (const dbk_cells *)at->entries[i]);
    }
}

void dbk_cube_walk(const dbk_cube *cube, int32_t first, int32_t last, dbk_cube_visit visit, void *user)
{
    if (!cube->root || first > last)
        return;
    if (first == last) {
        const dbk_cells *cells = dbk_cube_find(cube, first);
        if (cells)
            visit(user, first, cells);
        return;
    }
    if (first < 0 && last >= 0) {
        dbk_cube_walk(cube, first, -1, visit, user);
        first = 0;
    }
    walk w = {visit, user, (uint32_t)first, (uint32_t)last};
    walk_node(&w, (const node *)cube->root, cube->height - 1, 0);
}

// ---- The tree ----

// Puts a node of this generation in the place of *at: a copy, or an empty one.
static bool node_own(dbk_object **at, dbk_versions *versions)
{
    dbk_object *old = *at;
    if (old && dbk_versions_is_own(versions, old))
        return true;
    node *own = dbk_versions_create(versions, sizeof *own, NULL);
    if (!own)
        return false;
    if (old)
        memcpy(own->entries, ((const node *)old)->entries, sizeof own->entries);
    *at = &own->object;
    dbk_versions_drop(versions, old);
    return true;
}

static bool grow_up(dbk_cube *cube, dbk_versions *versions, uint32_t key)
{
    while (cube->height == 0 || !is_within(cube, key)) {
        if (cube->root) {
            node *root = dbk_versions_create(versions, sizeof *root, NULL);
            if (!root)
                return false;
            root->entries[0] = cube->root;
            cube->root = &root->object;
        }
        cube->height++;
    }
    return true;
}

// ---- Cells ----

static dbk_cells *cells_create(dbk_versions *versions, const dbk_cells *old, uint32_t directory,
                               uint32_t capacity, uint16_t columns)
{
    size_t page_bytes = (size_t)columns * DBK_CUBE_PAGE * sizeof(int64_t);
    dbk_cells *cells = dbk_versions_create(versions, sizeof *cells + directory + capacity * page_bytes, NULL);
    if (!cells)
        return NULL;
    cells->directory = (uint16_t)directory;
    cells->capacity = (uint16_t)capacity;
    cells->columns = columns;
    if (old) {
        cells->pages = old->pages;
        memcpy(cells->room, old->room, old->directory);
        memcpy(cells->room + directory, old->room + old->directory, old->pages * page_bytes);
    }
    return cells;
}

dbk_cells **dbk_cube_own(dbk_cube *cube, dbk_versions *versions, int32_t bucket)
{
    uint32_t key = (uint32_t)bucket;
    if (!grow_up(cube, versions, key))
        return NULL;
    dbk_object **at = &cube->root;
    for (int level = cube->height - 1; level >= 0; level--) {
        if (!node_own(at, versions))
            return NULL;
        at = &((node *)*at)->entries[entry_of(key, level)];
    }
    dbk_cells *old = (dbk_cells *)*at;
    if (old && !dbk_versions_is_own(versions, &old->object)) {
        dbk_cells *copy = cells_create(versions, old, old->directory, old->pages, old->columns);
        if (!copy)
            return NULL;
        *at = &copy->object;
        dbk_versions_drop(versions, &old->object);
    }
    return (dbk_cells **)at;
}

bool dbk_cube_make_page(dbk_cube *cube, dbk_cells **at, dbk_versions *versions, uint32_t page,
                        uint16_t columns)
{
    dbk_cells *cells = *at;
    assert(page < DBK_TUPLES_MAX / DBK_CUBE_PAGE);
    uint32_t directory = (page / 8 + 1) * 8, pages = cells ? cells->pages : 0;
    if (cells && directory < cells->directory)
        directory = cells->directory;
    if (!cells || directory > cells->directory || pages == cells->capacity) {
        dbk_cells *larger = cells_create(versions, cells, directory, pages + 1 + pages / 4, columns);
        if (!larger)
            return false;
        *at = larger;
        cube->buckets += cells == NULL;
        dbk_versions_drop(versions, cells ? &cells->object : NULL);
        cells = larger;
    }
    cells->room[page] = (uint8_t)++cells->pages;
    return true;
}

static void release(dbk_object *object, dbk_versions *versions)
{
    if (versions)
        dbk_versions_drop(versions, object);
    else
        dbk_object_free(object);
}

static void node_release(dbk_object *object, int level, dbk_versions *versions)
{
    const node *at = (const node *)object;
    for (uint32_t i = 0; i < FANOUT; i++) {
        if (at->entries[i] && level > 0)
            node_release(at->entries[i], level - 1, versions);
        else
            release(at->entries[i], versions);
    }
    release(object, versions);
}

void dbk_cube_release(dbk_cube *cube, dbk_versions *versions)
{
    if (cube->root)
        node_release(cube->root, cube->height - 1, versions);
    *cube = (dbk_cube){0};
}
