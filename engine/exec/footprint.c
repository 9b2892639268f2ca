// SPDX-License-Identifier: Apache-2.0
// Noting what a scan meets.
#include "engine/exec/footprint.h"

#include <stdlib.h>

void dbk_footprint_reset(dbk_footprint *f)
{
    f->min = INT64_MAX;
    f->max = INT64_MIN;
    f->has_lost = false;
    f->slots_count = 0;
}

void dbk_footprint_dispose(dbk_footprint *f)
{
    free(f->slots);
    *f = (dbk_footprint){0};
}

void dbk_footprint_bounds(dbk_footprint *f, int64_t min, int64_t max)
{
    if (min > max)
        return;
    f->min = min < f->min ? min : f->min;
    f->max = max > f->max ? max : f->max;
}

void dbk_footprint_values(dbk_footprint *f, const uint64_t mask[DBK_MASK_WORDS], const int64_t *values)
{
    int64_t min = f->min, max = f->max;
    for (uint32_t w = 0; w < DBK_MASK_WORDS; w++)
        for (uint64_t word = mask[w]; word; word &= word - 1) {
            int64_t value = values[w * 64 + (uint32_t)__builtin_ctzll(word)];
            if (value == DBK_NULL)
                continue;
            min = value < min ? value : min;
            max = value > max ? value : max;
        }
    dbk_footprint_bounds(f, min, max);
}

static bool add_slot(dbk_footprint *f, uint32_t slot)
{
    for (uint32_t i = f->slots_count; i-- > 0;)
        if (f->slots[i] == slot)
            return true;
    if (f->slots_count == f->slots_capacity) {
        uint32_t capacity = f->slots_capacity ? 2 * f->slots_capacity : 8;
        uint32_t *slots = realloc(f->slots, capacity * sizeof *slots);
        if (!slots)
            return false;
        f->slots = slots;
        f->slots_capacity = capacity;
    }
    f->slots[f->slots_count++] = slot;
    return true;
}

bool dbk_footprint_places(dbk_footprint *f, const uint64_t mask[DBK_MASK_WORDS], const dbk_place *places)
{
    uint32_t last = UINT32_MAX;
    for (uint32_t w = 0; w < DBK_MASK_WORDS; w++)
        for (uint64_t word = mask[w]; word; word &= word - 1) {
            dbk_place place = places[w * 64 + (uint32_t)__builtin_ctzll(word)];
            if (place == DBK_NO_PLACE) {
                f->has_lost = true;
            } else if (dbk_place_slot(place) != last) {
                last = dbk_place_slot(place);
                if (!add_slot(f, last))
                    return false;
            }
        }
    return true;
}
