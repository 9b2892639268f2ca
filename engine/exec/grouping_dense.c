// SPDX-License-Identifier: Apache-2.0
// Every key is a digit, the group's index is the number they make. No keys make the number 0: one group.
#include "engine/exec/grouping.h"
#include "engine/exec/kernel.h"

typedef struct digits {
    const dbk_key_column *column;
    uint32_t stride;
} digits;

// The first key writes, the others add.
static void write_digits(const digits *key, uint32_t base, uint32_t rows, uint32_t *groups)
{
    if (key->column->form == DBK_KEY_CODES)
        dbk_scale_codes(key->column->codes, rows, key->stride, base, groups);
    else
        for (uint32_t i = 0; i < rows; i++)
            groups[i] = base + (uint32_t)key->column->values[i] * key->stride;
}

static void add_digits(const digits *key, uint32_t rows, uint32_t *groups)
{
    if (key->column->form == DBK_KEY_CODES)
        for (uint32_t i = 0; i < rows; i++)
            groups[i] += key->column->codes[i] * key->stride;
    else
        for (uint32_t i = 0; i < rows; i++)
            groups[i] += (uint32_t)key->column->values[i] * key->stride;
}

static bool assign(dbk_grouping *grouping, uint32_t rows, uint32_t *room, dbk_assigned *out)
{
    const dbk_plan *plan = grouping->plan;
    bool written = false;
    // Codes alone are known to be below their number; how far buckets reach is looked at.
    bool bounded = true;
    uint64_t base = 0, span = 1;
    for (int k = 0; k < plan->keys_count; k++) {
        const dbk_key_column *column = &grouping->columns[k];
        if (dbk_key_is_constant(column))
            base += column->constant * plan->keys[k].stride;
        else
            span += (plan->keys[k].cardinality - 1) * plan->keys[k].stride;
        bounded &= column->form != DBK_KEY_VALUES;
    }
    *out = (dbk_assigned){NULL, (uint32_t)base, (uint32_t)span};
    for (int k = 0; k < plan->keys_count; k++) {
        const digits key = {&grouping->columns[k], (uint32_t)plan->keys[k].stride};
        if (dbk_key_is_constant(key.column))
            continue;
        if (span == plan->keys[k].cardinality && base == 0 && key.column->form == DBK_KEY_CODES) {
            out->groups = key.column->codes; // the only key there is: the code is the group
            return true;
        }
        if (!written)
            write_digits(&key, out->low, rows, room);
        else
            add_digits(&key, rows, room);
        written = true;
        out->groups = room;
    }
    if (!bounded) {
        uint32_t low, high;
        dbk_bounds_codes(room, rows, &low, &high);
        out->low = low;
        out->span = high - low + 1;
    }
    return true;
}

static uint64_t key_of(const dbk_grouping *grouping, uint32_t group, int key)
{
    const dbk_key *k = &grouping->plan->keys[key];
    // Of one key the group itself: divisions are slow.
    uint64_t digit = grouping->plan->keys_count == 1 ? group : group / k->stride % k->cardinality;
    if (!k->bucket)
        return digit;
    if (digit != 0 && k->bucket->unit == DBK_UNIT_HOUR_OF_DAY)
        return digit - 1;
    return (uint64_t)(digit == 0 ? DBK_NULL : k->buckets.starts[digit - 1]);
}

const dbk_grouping_ops dbk_grouping_dense = {assign, key_of};
