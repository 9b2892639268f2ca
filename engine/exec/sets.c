// SPDX-License-Identifier: Apache-2.0
// Open addressing with linear probing, at most half full.
#include "engine/exec/sets.h"

#include "engine/base/hash.h"

#include <stdlib.h>

static bool intern_grow(dbk_intern *intern)
{
    if (intern->capacity > UINT32_MAX / 8)
        return false;
    uint32_t capacity = intern->capacity ? intern->capacity * 2 : 64;
    dbk_text *texts = realloc(intern->texts, ((size_t)capacity + 1) * sizeof *texts);
    if (!texts)
        return false;
    intern->texts = texts;
    uint32_t *table = calloc((size_t)capacity * 2, sizeof *table);
    if (!table)
        return false;
    free(intern->table);
    intern->table = table;
    intern->mask = capacity * 2 - 1;
    intern->capacity = capacity;
    for (uint32_t i = 1; i <= intern->count; i++) {
        uint32_t at = (uint32_t)dbk_hash_bytes(texts[i].data, texts[i].length) & intern->mask;
        while (table[at])
            at = (at + 1) & intern->mask;
        table[at] = i;
    }
    return true;
}

bool dbk_intern_add(dbk_intern *intern, dbk_text text, uint32_t *number)
{
    *number = 0;
    if (text.length == 0)
        return true;
    if (intern->count == intern->capacity && !intern_grow(intern))
        return false;
    uint32_t at = (uint32_t)dbk_hash_bytes(text.data, text.length) & intern->mask;
    for (; intern->table[at]; at = (at + 1) & intern->mask) {
        if (dbk_text_equal(intern->texts[intern->table[at]], text)) {
            *number = intern->table[at];
            return true;
        }
    }
    const char *copy = dbk_arena_copy(&intern->bytes, text.data, text.length);
    if (!copy)
        return false;
    *number = intern->table[at] = ++intern->count;
    intern->texts[intern->count] = (dbk_text){copy, text.length};
    return true;
}

void dbk_intern_dispose(dbk_intern *intern)
{
    free(intern->texts);
    free(intern->table);
    dbk_arena_dispose(&intern->bytes);
    *intern = (dbk_intern){0};
}

static size_t pair_place(const dbk_pair_set *set, uint32_t group, uint64_t value)
{
    return (size_t)dbk_mix(value ^ set->seed, group) & set->mask;
}

static bool pair_set_grow(dbk_pair_set *set)
{
    dbk_pair_set next = {.seed = set->pairs ? set->seed : dbk_hash_u64(0), .count = set->count};
    size_t capacity = set->pairs ? (set->mask + 1) * 2 : 64;
    next.mask = capacity - 1;
    next.pairs = calloc(capacity, sizeof *next.pairs);
    if (!next.pairs)
        return false;
    for (size_t i = 0; set->pairs && i <= set->mask; i++) {
        if (!set->pairs[i].used)
            continue;
        size_t at = pair_place(&next, set->pairs[i].group, set->pairs[i].value);
        while (next.pairs[at].used)
            at = (at + 1) & next.mask;
        next.pairs[at] = set->pairs[i];
    }
    free(set->pairs);
    *set = next;
    return true;
}

bool dbk_pair_set_add(dbk_pair_set *set, uint32_t group, uint64_t value, bool *added)
{
    *added = false;
    if ((!set->pairs || set->count * 2 > set->mask) && !pair_set_grow(set))
        return false;
    size_t at = pair_place(set, group, value);
    for (; set->pairs[at].used; at = (at + 1) & set->mask)
        if (set->pairs[at].value == value && set->pairs[at].group == group)
            return true;
    set->pairs[at] = (dbk_pair){value, group, 1};
    set->count++;
    *added = true;
    return true;
}

void dbk_pair_set_dispose(dbk_pair_set *set)
{
    free(set->pairs);
    *set = (dbk_pair_set){0};
}
