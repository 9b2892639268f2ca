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

typedef struct cells_shape {
    uint32_t directory, capacity;
    uint16_t columns;
    bool is_wide;
} cells_shape;

// With what the old ones have, which may be NULL, and are not wider.
static dbk_cells *cells_create(dbk_versions *versions, const dbk_cells *old, const cells_shape *shape)
{
    const size_t bytes = shape->is_wide ? sizeof(int64_t) : sizeof(int32_t);
    const size_t pages = (size_t)shape->capacity * shape->columns * DBK_CUBE_PAGE * bytes;
    dbk_cells *cells = dbk_versions_create(versions, sizeof *cells + shape->directory + pages, NULL);
    if (!cells)
        return NULL;
    cells->directory = (uint16_t)shape->directory;
    cells->capacity = (uint16_t)shape->capacity;
    cells->columns = (uint8_t)shape->columns;
    cells->is_wide = shape->is_wide;
    if (!old)
        return cells;
    cells->pages = old->pages;
    memcpy(cells->room, old->room, old->directory);
    const void *from = old->room + old->directory;
    void *to = cells->room + cells->directory;
    if (old->is_wide == cells->is_wide)
        memcpy(to, from, old->pages * dbk_cells_page_bytes(old));
    else
        for (size_t i = 0; i < (size_t)old->pages * old->columns * DBK_CUBE_PAGE; i++)
            ((int64_t *)to)[i] = ((const int32_t *)from)[i];
    return cells;
}

static bool cells_replace(dbk_cells **at, dbk_versions *versions, const cells_shape *shape)
{
    dbk_cells *old = *at, *made = cells_create(versions, old, shape);
    if (!made)
        return false;
    *at = made;
    dbk_versions_drop(versions, old ? &old->object : NULL);
    return true;
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
    const dbk_cells *old = (const dbk_cells *)*at;
    if (old && !dbk_versions_is_own(versions, &old->object)) {
        const cells_shape shape = {old->directory, old->pages, old->columns, old->is_wide};
        if (!cells_replace((dbk_cells **)at, versions, &shape))
            return NULL;
    }
    return (dbk_cells **)at;
}

// Makes the page of a tuple be there, zeroed at first.
static bool page_make(dbk_cube *cube, dbk_cells **at, dbk_versions *versions, uint32_t page, uint16_t columns)
{
    dbk_cells *cells = *at;
    assert(page < DBK_TUPLES_MAX / DBK_CUBE_PAGE);
    uint32_t directory = (page / 8 + 1) * 8, pages = cells ? cells->pages : 0;
    if (cells && directory < cells->directory)
        directory = cells->directory;
    if (!cells || directory > cells->directory || pages == cells->capacity) {
        const cells_shape shape = {directory, pages + 1 + pages / 4, columns, cells && cells->is_wide};
        if (!cells_replace(at, versions, &shape))
            return false;
        cube->buckets += cells == NULL;
        cells = *at;
    }
    cells->room[page] = (uint8_t)++cells->pages;
    return true;
}

static bool add_checked(int64_t a, int64_t b, int sign, int64_t *out)
{
    return !(sign > 0 ? __builtin_add_overflow(a, b, out) : __builtin_sub_overflow(a, b, out));
}

static bool wide_add(int64_t *cell, const int64_t *numbers, size_t stride, uint32_t columns, int sign)
{
    bool ok = true;
    for (uint32_t c = 0; c < columns; c++) {
        int64_t *at = &cell[c * DBK_CUBE_PAGE];
        ok &= add_checked(*at, numbers[c * stride], sign, at);
    }
    return ok;
}

// False, and the cell is as it was, where a sum does not fit 32 bits.
static bool narrow_add(int32_t *cell, const int64_t *numbers, size_t stride, uint32_t columns, int sign)
{
    int64_t sums[UINT8_MAX];
    bool fits = true;
    for (uint32_t c = 0; c < columns; c++) {
        fits &= add_checked(cell[c * DBK_CUBE_PAGE], numbers[c * stride], sign, &sums[c]);
        fits &= sums[c] == (int32_t)sums[c];
    }
    for (uint32_t c = 0; fits && c < columns; c++)
        cell[c * DBK_CUBE_PAGE] = (int32_t)sums[c];
    return fits;
}

bool dbk_cube_add(dbk_cube *cube, dbk_cells **at, dbk_versions *versions, uint32_t tuple,
                  const int64_t *numbers, size_t stride, uint16_t columns, int sign)
{
    const uint32_t page = tuple / DBK_CUBE_PAGE, i = tuple % DBK_CUBE_PAGE;
    if ((!*at || !dbk_cells_page(*at, page)) && !page_make(cube, at, versions, page, columns))
        return false;
    void *numbers_there = (void *)(uintptr_t)dbk_cells_page(*at, page);
    if (!(*at)->is_wide) {
        if (narrow_add((int32_t *)numbers_there + i, numbers, stride, columns, sign))
            return true;
        const cells_shape shape = {(*at)->directory, (*at)->capacity, columns, true};
        if (!cells_replace(at, versions, &shape))
            return false;
        numbers_there = (void *)(uintptr_t)dbk_cells_page(*at, page);
    }
    return wide_add((int64_t *)numbers_there + i, numbers, stride, columns, sign);
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
