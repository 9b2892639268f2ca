// SPDX-License-Identifier: Apache-2.0
// What a group query answers: which groups, in which order, and how they are written out. Between groups.c,
// which chooses, and group_answer.c, which writes.
#ifndef DBK_EXEC_GROUP_ANSWER_H
#define DBK_EXEC_GROUP_ANSWER_H

#include "engine/exec/groups.h"

typedef struct dbk_group_answer {
    const dbk_groups *groups;
    const dbk_plan *plan;
    uint32_t *chosen; // groups
    size_t count;
    dbk_cell **fields; // of fields that are ordered by: a cell a group
    dbk_arena texts;
} dbk_group_answer;

static inline bool dbk_group_key_is_int(const dbk_group_answer *a, int key)
{
    return dbk_type_is_int(a->plan->slots[a->plan->keys[key].slot].type);
}

static inline uint64_t dbk_group_key_value(const dbk_group_answer *a, uint32_t group, int key)
{
    return a->groups->grouping.ops->key(&a->groups->grouping, group, key);
}

// The word of a key's value that is no integer.
dbk_text dbk_group_key_text(const dbk_group_answer *a, int key, uint64_t value);
// The value of a field for a group; a text lasts until the walker's next step.
dbk_status dbk_group_attached(const dbk_group_answer *a, dbk_walker *walker, int field, uint32_t group,
                              dbk_cell *out);
// Declares the result's columns and fills them with the chosen groups.
dbk_status dbk_group_answer_write(const dbk_group_answer *a, dbk_result *result);

#endif
