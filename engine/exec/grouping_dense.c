// SPDX-License-Identifier: Apache-2.0
// Every key is a digit, the group's index is the number they make. No keys make the number 0: one group.
#include "engine/exec/grouping.h"

static bool assign(dbk_grouping *grouping, uint32_t rows, uint32_t *groups, bool *one)
{
    const dbk_plan *plan = grouping->plan;
    uint32_t base = 0;
    for (int k = 0; k < plan->keys_count; k++)
        if (grouping->columns[k].form == DBK_KEY_CONSTANT)
            base += (uint32_t)(grouping->columns[k].constant * plan->keys[k].stride);
    *one = true;
    groups[0] = base;
    for (int k = 0; k < plan->keys_count; k++) {
        const dbk_key_column *column = &grouping->columns[k];
        uint32_t stride = (uint32_t)plan->keys[k].stride;
        if (column->form == DBK_KEY_CONSTANT)
            continue;
        if (*one)
            for (uint32_t i = 0; i < rows; i++)
                groups[i] = base;
        *one = false;
        if (column->form == DBK_KEY_CODES)
            for (uint32_t i = 0; i < rows; i++)
                groups[i] += column->codes[i] * stride;
        else
            for (uint32_t i = 0; i < rows; i++)
                groups[i] += (uint32_t)column->values[i] * stride;
    }
    return true;
}

static uint64_t key_of(const dbk_grouping *grouping, uint32_t group, int key)
{
    const dbk_key *k = &grouping->plan->keys[key];
    uint64_t digit = group / k->stride % k->cardinality;
    if (!k->bucket)
        return digit;
    return (uint64_t)(digit == 0 ? DBK_NULL : k->buckets.starts[digit - 1]);
}

const dbk_grouping_ops dbk_grouping_dense = {assign, key_of};
