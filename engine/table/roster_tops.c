// SPDX-License-Identifier: Apache-2.0
// Adding blocks up and keeping the most.
#include "engine/table/roster_tops.h"

#include "engine/table/roster.h"

#include <string.h>

static dbk_roster_tops *tops_create(dbk_versions *versions, int32_t first, int32_t last, uint32_t blocks)
{
    dbk_roster_tops *tops = dbk_versions_create(
        versions, sizeof *tops + (size_t)blocks * DBK_ROSTER_TOPS * sizeof tops->numbers[0], NULL);
    if (!tops)
        return NULL;
    tops->first = first;
    tops->last = last;
    tops->blocks = blocks;
    return tops;
}

static bool is_in(const dbk_roster_entry *entry, int32_t first, int32_t last)
{
    return entry->run && entry->first == first && entry->last == last;
}

// What leaves 64 bits is no less than the most there is.
static bool block_add_up(const dbk_roster_entries *entries, int32_t first, int32_t last, uint32_t block,
                         int64_t numbers[DBK_ROSTER_TOPS][DBK_ROSTER_CODES])
{
    bool fits = true;
    memset(numbers, 0, DBK_ROSTER_TOPS * sizeof numbers[0]);
    for (uint32_t i = 0; i < entries->count; i++) {
        const dbk_roster_entry *entry = &entries->list[i];
        if (is_in(entry, first, last) && block < entry->run->blocks && entry->run->list[block])
            fits &=
                dbk_roster_unpack(entry->run->list[block], numbers[DBK_ROSTER_ROWS], numbers[DBK_ROSTER_SUM]);
    }
    return fits;
}

dbk_roster_tops *dbk_roster_tops_make(dbk_versions *versions, const dbk_roster_entries *entries,
                                      int32_t first, int32_t last)
{
    uint32_t blocks = 0;
    int64_t numbers[DBK_ROSTER_TOPS][DBK_ROSTER_CODES];
    for (uint32_t i = 0; i < entries->count; i++)
        if (is_in(&entries->list[i], first, last) && entries->list[i].run->blocks > blocks)
            blocks = entries->list[i].run->blocks;
    dbk_roster_tops *tops = tops_create(versions, first, last, blocks);
    for (uint32_t block = 0; tops && block < blocks; block++) {
        bool fits = block_add_up(entries, first, last, block, numbers);
        for (int f = 0; f < DBK_ROSTER_TOPS; f++) {
            int64_t most = fits ? 0 : INT64_MAX, least = fits ? 0 : -1;
            for (uint32_t i = 0; i < DBK_ROSTER_CODES; i++) {
                most = numbers[f][i] > most ? numbers[f][i] : most;
                least = numbers[f][i] < least ? numbers[f][i] : least;
            }
            tops->numbers[(size_t)f * blocks + block] = most;
            tops->has_negative |= least < 0;
        }
    }
    // A code of the other dimension may have less than nothing where all together have more.
    for (uint32_t i = 0; tops && i < entries->count; i++)
        tops->has_negative |= is_in(&entries->list[i], first, last) && entries->list[i].run->has_negative;
    return tops;
}
