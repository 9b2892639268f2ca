// SPDX-License-Identifier: Apache-2.0
// Distinct values: bitmaps where they are small, elsewhere a log of pairs for what is numbered, and sets for
// the rest.
#include "engine/exec/distinct.h"

#include "engine/base/pages.h"
#include "engine/exec/kernel.h"

// Bitmaps for distinct counts may take 64 MiB.
#define BITS_WORDS_MAX ((uint64_t)1 << 23)

// Ids that name rows are counted by the rows: 1 + their places. Those that name none are counted as texts, by
// numbers with this bit.
#define TEXT_BIT ((uint64_t)1 << 63)
enum { PART_WORDS = DBK_SEGMENT_ROWS / 64 };

static bool by_places(const dbk_state *state)
{
    return state->slot->type == DBK_TEXT && state->slot->target;
}

static uint64_t places_most(const dbk_state *state)
{
    return dbk_view_parts(state->slot->target) * DBK_SEGMENT_ROWS;
}

bool dbk_distinct_init(dbk_state *state, const dbk_plan *plan, uint64_t fixed_groups)
{
    if (fixed_groups && (state->slot->type == DBK_CODE || by_places(state))) {
        uint64_t words = by_places(state) ? dbk_view_parts(state->slot->target) * PART_WORDS + 1
                                          : state->slot->codes / 64 + 1;
        // A bitmap that is mostly empty costs more to count than a set costs to fill.
        if (words <= BITS_WORDS_MAX / fixed_groups && words * fixed_groups <= plan->rows_estimate + 4096) {
            state->bits_words = words;
            state->bits_bytes = words * fixed_groups * sizeof *state->bits;
            state->bits = dbk_pages_create(state->bits_bytes);
            return state->bits != NULL;
        }
    }
    // The words of the bits of runs cost about as much as so many rows.
    if (by_places(state) && places_most(state) / 64 <= plan->rows_estimate &&
        dbk_pair_log_takes(places_most(state)))
        return dbk_pair_log_by_runs(&state->log, (uint32_t)places_most(state));
    return true;
}

static bool add_pair(dbk_state *state, uint32_t group, uint64_t value)
{
    bool added;
    if (!dbk_pair_set_add(&state->pairs, group, value, &added))
        return false;
    state->numbers[group] += added;
    return true;
}

static void set_bits(uint64_t *restrict bits, const uint32_t *codes, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        bits[codes[i] >> 6] |= (uint64_t)1 << (codes[i] & 63);
}

static bool add_distinct_text(dbk_state *state, uint32_t group, dbk_text text, uint64_t bit)
{
    uint32_t number;
    return dbk_intern_add(&state->texts, text, &number) && (!number || add_pair(state, group, number | bit));
}

static dbk_status add_distinct_codes(dbk_state *state, dbk_scan *scan, const dbk_assigned *to)
{
    const uint32_t *codes;
    DBK_TRY(dbk_scan_codes(scan, state->def->slot, &codes));
    if (state->bits && !to->groups)
        set_bits(state->bits + to->low * state->bits_words, codes, scan->count);
    for (uint32_t i = 0; state->bits && to->groups && i < scan->count; i++)
        state->bits[to->groups[i] * state->bits_words + (codes[i] >> 6)] |= (uint64_t)1 << (codes[i] & 63);
    if (state->bits)
        return DBK_OK;
    if (!dbk_pair_log_reserve(&state->log, scan->count))
        return dbk_exec_no_memory(scan->err);
    for (uint32_t i = 0; i < scan->count; i++)
        if (codes[i] != 0)
            dbk_pair_log_append(&state->log, to->groups ? to->groups[i] : to->low, codes[i]);
    return DBK_OK;
}

// Of ids that lead to no row.
static dbk_status add_lost_id(dbk_state *state, dbk_scan *scan, uint32_t group, uint32_t i)
{
    const dbk_text *texts;
    DBK_TRY(dbk_scan_texts(scan, state->def->slot, &texts));
    return add_distinct_text(state, group, texts[i], TEXT_BIT) ? DBK_OK : dbk_exec_no_memory(scan->err);
}

static dbk_status add_runs_of_places(dbk_state *state, dbk_scan *scan, const dbk_assigned *to,
                                     const dbk_place *places)
{
    uint32_t groups[DBK_VECTOR_ROWS], values[DBK_VECTOR_ROWS], n = 0;
    for (uint32_t i = 0; i < scan->count; i++) {
        const dbk_place place = places[dbk_scan_row_in_vector(scan, i)];
        groups[n] = to->groups ? to->groups[i] : to->low;
        values[n] = (uint32_t)place + 1;
        n += place != DBK_NO_PLACE;
        if (place == DBK_NO_PLACE)
            DBK_TRY(add_lost_id(state, scan, groups[n], i));
    }
    if (n > 0)
        dbk_pair_log_append_runs(&state->log, groups, values, n);
    return DBK_OK;
}

// The lines of an order stand together, and mostly each is of the order of the one before.
static dbk_status add_distinct_places(dbk_state *state, dbk_scan *scan, const dbk_assigned *to)
{
    const dbk_place *places;
    uint64_t last = 0;
    uint32_t last_group = 0;
    DBK_TRY(dbk_scan_places(scan, state->def->slot, &places));
    if (!state->bits && !dbk_pair_log_reserve(&state->log, scan->count))
        return dbk_exec_no_memory(scan->err);
    if (state->log.met)
        return add_runs_of_places(state, scan, to, places);
    for (uint32_t i = 0; i < scan->count; i++) {
        uint64_t value = places[dbk_scan_row_in_vector(scan, i)] + 1; // DBK_NO_PLACE + 1 is 0
        uint32_t g = to->groups ? to->groups[i] : to->low;
        if (value == 0) {
            DBK_TRY(add_lost_id(state, scan, g, i));
        } else if (value != last || g != last_group) {
            if (state->bits)
                state->bits[g * state->bits_words + (value >> 6)] |= (uint64_t)1 << (value & 63);
            else if (dbk_pair_log_takes(value))
                dbk_pair_log_append(&state->log, g, (uint32_t)value);
            else if (!add_pair(state, g, value))
                return dbk_exec_no_memory(scan->err);
        }
        last = value;
        last_group = g;
    }
    return DBK_OK;
}

static dbk_status add_distinct_texts(dbk_state *state, dbk_scan *scan, const dbk_assigned *to)
{
    const dbk_text *texts;
    DBK_TRY(dbk_scan_texts(scan, state->def->slot, &texts));
    for (uint32_t i = 0; i < scan->count; i++)
        if (!add_distinct_text(state, to->groups ? to->groups[i] : to->low, texts[i], 0))
            return dbk_exec_no_memory(scan->err);
    return DBK_OK;
}

dbk_status dbk_distinct_add(dbk_state *state, dbk_scan *scan, const dbk_assigned *to)
{
    if (state->slot->type == DBK_CODE)
        return add_distinct_codes(state, scan, to);
    if (state->slot->type == DBK_TEXT)
        return by_places(state) ? add_distinct_places(state, scan, to) : add_distinct_texts(state, scan, to);
    const int64_t *values;
    DBK_TRY(dbk_scan_ints(scan, state->def->slot, &values));
    for (uint32_t i = 0; i < scan->count; i++)
        if (values[i] != DBK_NULL &&
            !add_pair(state, to->groups ? to->groups[i] : to->low, (uint64_t)values[i]))
            return dbk_exec_no_memory(scan->err);
    return DBK_OK;
}

bool dbk_distinct_merge_sets(dbk_state *state, const dbk_state *from, const uint32_t *map)
{
    if (!dbk_pair_log_merge(&state->log, &from->log, map))
        return false;
    for (size_t i = 0; from->pairs.pairs && i <= from->pairs.mask; i++) {
        const dbk_pair *pair = &from->pairs.pairs[i];
        uint64_t value = pair->value;
        if (!pair->used)
            continue;
        uint32_t group = map ? map[pair->group] : pair->group;
        uint64_t bit = by_places(state) ? TEXT_BIT : 0;
        bool is_text = state->slot->type == DBK_TEXT && (value & bit) == bit;
        if (is_text ? !add_distinct_text(state, group, from->texts.texts[value & ~bit], bit)
                    : !add_pair(state, group, value))
            return false;
    }
    return true;
}

void dbk_distinct_merge_bits(dbk_state *state, const dbk_state *from, uint32_t first, uint32_t end)
{
    // Bitmaps stand only where groups are fixed, and then in every thread.
    for (size_t i = first * state->bits_words; state->bits && i < end * state->bits_words; i++)
        state->bits[i] |= from->bits[i];
}

void dbk_distinct_finish(dbk_state *state, uint32_t first, uint32_t end)
{
    if (first == 0)
        dbk_pair_log_finish(&state->log, state->numbers);
    for (uint32_t g = first; state->bits && g < end; g++) {
        uint64_t *bits = state->bits + g * state->bits_words;
        bits[0] &= ~(uint64_t)1; // code 0 is no value
        // … beside what has no bit.
        state->numbers[g] += (int64_t)dbk_count_bits(bits, state->bits_words);
    }
}
