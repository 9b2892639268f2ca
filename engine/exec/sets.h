// SPDX-License-Identifier: Apache-2.0
// Two hash tables that exact distinct counts and keys of text need: texts numbered, and sets of pairs.
#ifndef DBK_EXEC_SETS_H
#define DBK_EXEC_SETS_H

#include "engine/base/arena.h"

// One multiplication and a fold mix well enough for tables of this size; the seed keeps outsiders from
// choosing values that collide.
static inline uint64_t dbk_mix(uint64_t a, uint64_t b)
{
    dbk_u128 product = (dbk_u128)(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xd6e8feb86659fd93u);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

// Texts numbered from 1 in the order they came; 0 is "no value". Equal texts have equal numbers, by their
// bytes. A zeroed struct is empty.
typedef struct dbk_intern {
    dbk_text *texts; // [1 … count]
    uint32_t count, capacity;
    uint32_t *table;
    uint32_t mask;
    dbk_arena bytes;
} dbk_intern;

bool dbk_intern_add(dbk_intern *intern, dbk_text text, uint32_t *number);
void dbk_intern_dispose(dbk_intern *intern);

// A set of (group, value). A zeroed struct is empty.
typedef struct dbk_pair {
    uint64_t value;
    uint32_t group;
    uint32_t used;
} dbk_pair;

typedef struct dbk_pair_set {
    dbk_pair *pairs;
    size_t count, mask;
    uint64_t seed;
} dbk_pair_set;

// *added: it was not there before. False when memory is out.
bool dbk_pair_set_add(dbk_pair_set *set, uint32_t group, uint64_t value, bool *added);
void dbk_pair_set_dispose(dbk_pair_set *set);

#endif
