// SPDX-License-Identifier: Apache-2.0
// Entries in a sorted array: there are few of them, and questions bring theirs in order.
#include "http/stoq/sales.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static int compare_keys(const dbk_stoq_entry *entry, dbk_text first, dbk_text second)
{
    int order = dbk_text_compare(entry->keys[0], first);
    return order != 0 ? order : dbk_text_compare(entry->keys[1], second);
}

dbk_status dbk_stoq_ledger_measure(dbk_stoq_run *run, dbk_stoq_ledger *ledger,
                                   const dbk_stoq_question *question, const dbk_stoq_figures **out,
                                   dbk_error *err)
{
    assert(ledger->figures_count < DBK_STOQ_LEDGER_FIGURES);
    dbk_stoq_figures *figures = &ledger->figures[ledger->figures_count];
    DBK_TRY(dbk_stoq_measure(run, question, figures, err));
    ledger->figures_count++;
    *out = figures;
    return DBK_OK;
}

static bool has_room(dbk_stoq_ledger *ledger)
{
    if (ledger->count < ledger->capacity)
        return true;
    size_t capacity = ledger->capacity > 0 ? 2 * ledger->capacity : 16;
    dbk_stoq_entry *entries = realloc(ledger->entries, capacity * sizeof(*entries));
    if (entries == NULL)
        return false;
    ledger->entries = entries;
    ledger->capacity = capacity;
    return true;
}

dbk_stoq_entry *dbk_stoq_ledger_entry(dbk_stoq_ledger *ledger, dbk_text first, dbk_text second)
{
    size_t low = 0, high = ledger->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        int order = compare_keys(&ledger->entries[mid], first, second);
        if (order == 0)
            return &ledger->entries[mid];
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    if (!has_room(ledger))
        return NULL;
    dbk_stoq_entry *entry = &ledger->entries[low];
    memmove(entry + 1, entry, (ledger->count++ - low) * sizeof(*entry));
    *entry = (dbk_stoq_entry){.keys = {first, second}};
    return entry;
}

static int compare_entries(const void *a, const void *b, void *sum)
{
    const dbk_stoq_entry *x = a, *y = b;
    int at = *(int *)sum;
    if (x->sums[at] != y->sums[at])
        return x->sums[at] > y->sums[at] ? -1 : 1;
    return compare_keys(x, y->keys[0], y->keys[1]);
}

void dbk_stoq_ledger_sort(dbk_stoq_ledger *ledger, int sum)
{
    if (ledger->count > 1)
        qsort_r(ledger->entries, ledger->count, sizeof(*ledger->entries), compare_entries, &sum);
}

void dbk_stoq_ledger_dispose(dbk_stoq_ledger *ledger)
{
    for (int i = 0; i < ledger->figures_count; i++)
        dbk_stoq_figures_dispose(&ledger->figures[i]);
    free(ledger->entries);
    *ledger = (dbk_stoq_ledger){0};
}
