// SPDX-License-Identifier: Apache-2.0
// From the last key to the first, each pass keeping the order of the one before where digits are equal. The
// digits of buckets ascend with time; those of codes are ranked by their words first.
#include "engine/exec/key_order.h"

#include <stdlib.h>
#include <string.h>

typedef struct word {
    dbk_text text;
    uint32_t code;
} word;

static int by_text(const void *a, const void *b)
{
    const word *x = a, *y = b;
    return dbk_text_compare(x->text, y->text);
}

static bool rank_codes(const dbk_plan *plan, const dbk_key *key, uint32_t *ranks)
{
    const dbk_slot_def *slot = &plan->slots[key->slot];
    word *words = malloc(key->cardinality * sizeof *words);
    if (!words)
        return false;
    words[0] = (word){0};
    for (uint32_t code = 1; code < key->cardinality; code++)
        words[code] = (word){dbk_tenant_word(plan->tenant, slot->domain, code), code};
    qsort(words, key->cardinality, sizeof *words, by_text);
    for (uint32_t i = 0; i < key->cardinality; i++)
        ranks[words[i].code] = i;
    free(words);
    return true;
}

// One pass; `starts` has an entry a digit and one more.
static bool sort_by(const dbk_plan *plan, const dbk_key *key, const uint32_t *from, uint32_t *to,
                    size_t count, uint32_t *ranks, uint32_t *starts)
{
    if (!key->bucket && !rank_codes(plan, key, ranks))
        return false;
    for (uint32_t digit = 0; key->bucket && digit < key->cardinality; digit++)
        ranks[digit] = digit;
    memset(starts, 0, (key->cardinality + 1) * sizeof *starts);
    for (size_t i = 0; i < count; i++)
        starts[ranks[from[i] / key->stride % key->cardinality] + 1]++;
    for (uint32_t rank = 0; rank < key->cardinality; rank++)
        starts[rank + 1] += starts[rank];
    for (size_t i = 0; i < count; i++)
        to[starts[ranks[from[i] / key->stride % key->cardinality]]++] = from[i];
    return true;
}

bool dbk_key_order(const dbk_groups *groups, uint32_t *chosen, size_t count)
{
    const dbk_plan *plan = groups->plan;
    uint64_t digits = 0, most = 0;
    if (plan->grouping != DBK_GROUP_DENSE)
        return false;
    for (int k = 0; k < plan->keys_count; k++) {
        digits += plan->keys[k].cardinality;
        most = plan->keys[k].cardinality > most ? plan->keys[k].cardinality : most;
    }
    if (digits > count)
        return false;
    uint32_t *room = malloc((2 * most + 1 + count) * sizeof *room);
    if (!room)
        return false;
    uint32_t *ranks = room, *starts = ranks + most, *other = starts + most + 1;
    bool ok = true;
    for (int k = plan->keys_count - 1; ok && k >= 0; k--) {
        ok = sort_by(plan, &plan->keys[k], chosen, other, count, ranks, starts);
        if (ok)
            memcpy(chosen, other, count * sizeof *chosen);
    }
    free(room);
    return ok; // else they stand in another order than before, which is none the worse
}
