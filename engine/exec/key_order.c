// SPDX-License-Identifier: Apache-2.0
// Groups of a dense array: from the last key to the first, each pass keeping the order of the one before
// where digits are equal. The digits of buckets ascend with time; those of codes are ranked by their words
// first. Of few groups only the words that occur are ranked, and what is compared are the groups' ranks.
#include "engine/exec/key_order.h"

#include <stdlib.h>
#include <string.h>

typedef struct word {
    dbk_text text;
    uint32_t code;
} word;

// 0 is "no value".
static dbk_text code_word(const dbk_plan *plan, const dbk_key *key, uint32_t code)
{
    return code ? dbk_tenant_word(plan->tenant, plan->slots[key->slot].domain, code) : (dbk_text){0};
}

static int by_text(const void *a, const void *b)
{
    const word *x = a, *y = b;
    return dbk_text_compare(x->text, y->text);
}

static bool rank_codes(const dbk_plan *plan, const dbk_key *key, uint32_t *ranks)
{
    word *words = malloc(key->cardinality * sizeof *words);
    if (!words)
        return false;
    for (uint32_t code = 0; code < key->cardinality; code++)
        words[code] = (word){code_word(plan, key, code), code};
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

// ---- Few groups ----

enum { FEW = 64 };

static bool is_noted(const word *words, uint32_t count, uint32_t code)
{
    for (uint32_t i = 0; i < count; i++)
        if (words[i].code == code)
            return true;
    return false;
}

// Words stay in their order.
static void note(word *words, uint32_t count, dbk_text text, uint32_t code)
{
    uint32_t at = count;
    for (; at > 0 && dbk_text_compare(words[at - 1].text, text) > 0; at--)
        words[at] = words[at - 1];
    words[at] = (word){text, code};
}

static uint32_t digit_of(const dbk_key *key, uint32_t group)
{
    return (uint32_t)(group / key->stride % key->cardinality);
}

// Behind the ranks by the keys before, that by this one: of a bucket its digit, of a code the place of its
// word among those that occur.
static void rank_few(const dbk_plan *plan, const dbk_key *key, const uint32_t *chosen, uint32_t count,
                     uint64_t *ranks)
{
    word words[FEW];
    uint32_t words_count = 0;
    for (uint32_t i = 0; i < count && !key->bucket; i++) {
        const uint32_t code = digit_of(key, chosen[i]);
        if (!is_noted(words, words_count, code))
            note(words, words_count++, code_word(plan, key, code), code);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t rank = digit_of(key, chosen[i]);
        for (uint32_t w = 0; w < words_count; w++) {
            if (words[w].code == rank) {
                rank = w;
                break;
            }
        }
        ranks[i] = ranks[i] * key->cardinality + rank;
    }
}

static void sort_few(const dbk_plan *plan, uint32_t *chosen, uint32_t count)
{
    uint64_t ranks[FEW] = {0};
    for (int k = 0; k < plan->keys_count; k++)
        rank_few(plan, &plan->keys[k], chosen, count, ranks);
    for (uint32_t i = 1; i < count; i++) {
        const uint64_t rank = ranks[i];
        const uint32_t group = chosen[i];
        uint32_t at = i;
        for (; at > 0 && ranks[at - 1] > rank; at--) {
            ranks[at] = ranks[at - 1];
            chosen[at] = chosen[at - 1];
        }
        ranks[at] = rank;
        chosen[at] = group;
    }
}

// ---- All groups ----

bool dbk_key_order(const dbk_groups *groups, uint32_t *chosen, size_t count)
{
    const dbk_plan *plan = groups->plan;
    uint64_t digits = 0, most = 0;
    if (plan->grouping != DBK_GROUP_DENSE)
        return false;
    if (plan->keys_count == 1 && plan->keys[0].bucket) // as they stand
        return true;
    if (count <= FEW) {
        sort_few(plan, chosen, (uint32_t)count);
        return true;
    }
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
