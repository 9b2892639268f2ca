// SPDX-License-Identifier: Apache-2.0
// Groups found by the hash of their keys: open addressing, at most half full, tuples apart from the table so
// that a group's index is also its place in every array.
#include "engine/exec/grouping.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static size_t place(const dbk_grouping *grouping, const uint64_t *tuple)
{
    uint64_t hash = grouping->seed;
    for (int k = 0; k < grouping->plan->keys_count; k++)
        hash = dbk_mix(hash ^ tuple[k], grouping->seed + (uint64_t)k);
    return (size_t)hash & grouping->mask;
}

static bool grow(dbk_grouping *grouping)
{
    size_t keys = (size_t)grouping->plan->keys_count;
    if (grouping->tuples_capacity > UINT32_MAX / 8)
        return false;
    uint32_t capacity = grouping->tuples_capacity ? grouping->tuples_capacity * 2 : 64;
    uint64_t *tuples = realloc(grouping->tuples, capacity * keys * sizeof *tuples);
    if (!tuples)
        return false;
    grouping->tuples = tuples;
    uint32_t *table = calloc((size_t)capacity * 2, sizeof *table);
    if (!table)
        return false;
    free(grouping->table);
    grouping->table = table;
    grouping->mask = (size_t)capacity * 2 - 1;
    grouping->tuples_capacity = capacity;
    for (uint32_t g = 0; g < grouping->count; g++) {
        size_t at = place(grouping, tuples + g * keys);
        while (table[at])
            at = (at + 1) & grouping->mask;
        table[at] = g + 1;
    }
    return true;
}

bool dbk_grouping_find(dbk_grouping *grouping, const uint64_t *tuple, uint32_t *group)
{
    size_t keys = (size_t)grouping->plan->keys_count;
    if (grouping->count == grouping->tuples_capacity && !grow(grouping))
        return false;
    size_t at = place(grouping, tuple);
    for (; grouping->table[at]; at = (at + 1) & grouping->mask) {
        const uint64_t *known = grouping->tuples + (grouping->table[at] - 1) * keys;
        size_t k = 0;
        while (k < keys && known[k] == tuple[k])
            k++;
        if (k == keys) {
            *group = grouping->table[at] - 1;
            return true;
        }
    }
    *group = grouping->count;
    memcpy(grouping->tuples + grouping->count * keys, tuple, keys * sizeof *tuple);
    grouping->table[at] = ++grouping->count;
    return true;
}

static uint64_t value_at(const dbk_key_column *column, uint32_t row)
{
    return dbk_key_is_constant(column)     ? column->constant
           : column->form == DBK_KEY_CODES ? column->codes[row]
                                           : column->values[row];
}

static bool assign(dbk_grouping *grouping, uint32_t rows, uint32_t *groups, dbk_assigned *out)
{
    enum { KEYS_MAX = 64 }; // as the plan allows
    uint64_t tuple[KEYS_MAX];
    int keys = grouping->plan->keys_count;
    assert(keys <= KEYS_MAX);
    bool one = true;
    for (int k = 0; k < keys; k++)
        one &= dbk_key_is_constant(&grouping->columns[k]);
    for (uint32_t i = 0; i < (one ? 1 : rows); i++) {
        bool same = i > 0; // neighbours are often alike, and comparing costs less than a look-up
        for (int k = 0; k < keys; k++) {
            uint64_t value = value_at(&grouping->columns[k], i);
            same &= i > 0 && tuple[k] == value;
            tuple[k] = value;
        }
        if (same)
            groups[i] = groups[i - 1];
        else if (!dbk_grouping_find(grouping, tuple, &groups[i]))
            return false;
    }
    uint32_t low, high;
    dbk_bounds_codes(groups, one ? 1 : rows, &low, &high);
    *out = (dbk_assigned){one ? NULL : groups, low, high - low + 1};
    return true;
}

static uint64_t key_of(const dbk_grouping *grouping, uint32_t group, int key)
{
    return grouping->tuples[(size_t)group * (size_t)grouping->plan->keys_count + (size_t)key];
}

bool dbk_grouping_map(dbk_grouping *grouping, const dbk_grouping *from, uint32_t *map)
{
    size_t keys = (size_t)grouping->plan->keys_count;
    uint64_t tuple[64];
    for (uint32_t g = 0; g < from->count; g++) {
        memcpy(tuple, from->tuples + g * keys, keys * sizeof *tuple);
        for (size_t k = 0; k < keys; k++) {
            uint32_t number;
            if (grouping->plan->slots[grouping->plan->keys[k].slot].type != DBK_TEXT || tuple[k] == 0)
                continue;
            // Texts have numbers of the thread that met them.
            if (!dbk_intern_add(&grouping->columns[k].texts, from->columns[k].texts.texts[tuple[k]], &number))
                return false;
            tuple[k] = number;
        }
        if (!dbk_grouping_find(grouping, tuple, &map[g]))
            return false;
    }
    return true;
}

const dbk_grouping_ops dbk_grouping_hash = {assign, key_of};
