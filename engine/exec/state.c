// SPDX-License-Identifier: Apache-2.0
// One pass per aggregate over its own array.
//
// Extremes are kept as unsigned numbers of which the largest wins. With u = v + 2^63, "no value" is 0: the
// maximum keeps u, the minimum keeps -u (mod 2^64), which turns the order round and leaves 0 where it was.
#include "engine/exec/state.h"

#include "engine/base/pages.h"

#include <stdlib.h>
#include <string.h>

#define SIGN ((uint64_t)1 << 63)

// Below this, narrow sums cannot have overflowed, and one more vector of anything is checked before it is
// added.
#define NARROW_MAX ((uint64_t)1 << 62)

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

bool dbk_state_init(dbk_state *state, const dbk_plan *plan, const dbk_state_def *def, uint64_t fixed_groups)
{
    *state = (dbk_state){.def = def, .step = 1, .slot = def->slot < 0 ? NULL : &plan->slots[def->slot]};
    if (fixed_groups && !dbk_state_reserve(state, (uint32_t)fixed_groups))
        return false;
    if (fixed_groups && def->kind == DBK_STATE_DISTINCT &&
        (state->slot->type == DBK_CODE || by_places(state))) {
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
    return true;
}

// Joined numbers are tallies, which came in pages with their words.
static void numbers_free(dbk_state *state)
{
    if (state->step > 1)
        dbk_pages_free(state->numbers, state->capacity * sizeof(dbk_tally));
    else
        free(state->numbers);
    if (state->words)
        dbk_group_words_dispose(state->words);
    free(state->words);
}

void dbk_state_dispose(dbk_state *state)
{
    if (!state->beside)
        numbers_free(state);
    free(state->wide);
    dbk_pages_free(state->bits, state->bits_bytes);
    dbk_pair_set_dispose(&state->pairs);
    dbk_intern_dispose(&state->texts);
}

static inline int64_t *number(const dbk_state *state, uint32_t group)
{
    return &state->numbers[(size_t)group * state->step];
}

// Nothing that is looked at is below this: words count from here. False where that is not known.
static bool least_value(const dbk_plan *plan, int slot, int64_t *least)
{
    *least = INT64_MAX;
    for (size_t p = 0; p < plan->parts_count; p++) {
        dbk_zone_map zone;
        if (dbk_plan_zone_map(plan, dbk_view_part(plan->view, plan->parts[p]), slot, &zone) &&
            zone.min <= zone.max && zone.min < *least)
            *least = zone.min;
    }
    return *least != INT64_MAX;
}

bool dbk_state_join(dbk_state *counts, dbk_state *sums, const dbk_plan *plan, uint64_t groups)
{
    dbk_tally *tallies = dbk_pages_create(groups * sizeof *tallies);
    if (!tallies)
        return false;
    counts->capacity = sums->capacity = (uint32_t)groups;
    counts->numbers = &tallies->count;
    sums->numbers = &tallies->sum;
    counts->step = sums->step = sizeof *tallies / sizeof(int64_t);
    sums->beside = true;
    int64_t least;
    if (groups <= DBK_FEW_GROUPS || !least_value(plan, sums->def->slot, &least))
        return true;
    counts->words = sums->words = malloc(sizeof *counts->words);
    return counts->words && dbk_group_words_init(counts->words, (uint32_t)groups, least);
}

static dbk_tally *tallies_of(const dbk_state *counts)
{
    return (dbk_tally *)counts->numbers;
}

static void *grow(void *old, size_t count, size_t more, size_t size)
{
    if (!old) // cleared memory from the kernel is touched only where groups are
        return calloc(more, size);
    char *grown = realloc(old, more * size);
    if (grown)
        memset(grown + count * size, 0, (more - count) * size);
    return grown;
}

bool dbk_state_reserve(dbk_state *state, uint32_t groups)
{
    if (groups <= state->capacity)
        return true;
    size_t capacity = state->capacity ? (size_t)state->capacity * 2 : groups;
    if (capacity < groups)
        capacity = groups;
    if (capacity > UINT32_MAX)
        capacity = UINT32_MAX;
    if (!state->wide) {
        int64_t *numbers = grow(state->numbers, state->capacity, capacity, sizeof *numbers);
        if (!numbers)
            return false;
        state->numbers = numbers;
    } else {
        dbk_i128 *wide = grow(state->wide, state->capacity, capacity, sizeof *wide);
        if (!wide)
            return false;
        state->wide = wide;
    }
    state->capacity = (uint32_t)capacity;
    return true;
}

// ---- Counts of rows ----

static bool is_few(const dbk_assigned *to, uint32_t n)
{
    return to->span <= DBK_FEW_GROUPS && n >= 4 * to->span;
}

static void add_rows(dbk_state *state, uint32_t n, const dbk_assigned *to)
{
    static const uint32_t none[DBK_VECTOR_ROWS];
    if (!to->groups) {
        *number(state, to->low) += n;
    } else if (is_few(to, n)) {
        uint32_t rows[DBK_FEW_GROUPS];
        uint64_t sums[DBK_FEW_GROUPS];
        dbk_tally_few(to->groups, to->low, to->span, none, n, 0, rows, sums);
        for (uint32_t g = 0; g < to->span; g++)
            *number(state, to->low + g) += rows[g];
    } else {
        for (uint32_t i = 0; i < n; i++)
            *number(state, to->groups[i]) += 1;
    }
}

// ---- Sums ----

static uint64_t magnitude(int64_t v)
{
    return v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

static bool widen(dbk_state *state)
{
    dbk_i128 *wide = calloc(state->capacity, sizeof *wide);
    if (!wide)
        return false;
    if (state->words)
        dbk_group_words_settle(state->words, (dbk_tally *)(state->numbers - 1));
    for (uint32_t i = 0; i < state->capacity; i++)
        wide[i] = *number(state, i);
    if (!state->beside)
        free(state->numbers);
    state->numbers = NULL;
    state->wide = wide;
    return true;
}

// Makes sure that values of together at most `bound` can be added.
static bool promise(dbk_state *state, dbk_u128 bound)
{
    if (state->wide)
        return true;
    if (bound <= NARROW_MAX && state->added_bound + (uint64_t)bound <= NARROW_MAX) {
        state->added_bound += (uint64_t)bound;
        return true;
    }
    return widen(state);
}

// Counts rows in `counts` too, if it is given.
static void add_few(dbk_state *state, dbk_state *counts, const dbk_assigned *to, const uint32_t *numbers,
                    uint32_t n, const dbk_line *line)
{
    uint32_t rows[DBK_FEW_GROUPS];
    uint64_t sums[DBK_FEW_GROUPS];
    dbk_tally_few(to->groups, to->low, to->span, numbers, n, line->width, rows, sums);
    for (uint32_t g = 0; g < to->span; g++) {
        *number(state, to->low + g) += (int64_t)((uint64_t)line->start * rows[g] + line->divisor * sums[g]);
        if (counts)
            *number(counts, to->low + g) += rows[g];
    }
}

// Tallies that leave the second cache.
static bool is_far(const dbk_state *state)
{
    return state->capacity > (1u << 20) / sizeof(dbk_tally);
}

static void add_packed(dbk_state *state, dbk_state *counts, const dbk_assigned *to, const uint32_t *numbers,
                       uint32_t n, const dbk_line *line)
{
    const uint64_t start = (uint64_t)line->start;
    if (!to->groups) {
        *number(state, to->low) += (int64_t)(start * n + line->divisor * dbk_sum_numbers(numbers, n));
        if (counts)
            *number(counts, to->low) += n;
    } else if (is_few(to, n)) {
        add_few(state, counts, to, numbers, n, line);
    } else if (counts) {
        if (!state->words ||
            !dbk_group_words_add(state->words, tallies_of(counts), to->groups, numbers, n, line))
            dbk_tally_packed(tallies_of(counts), to->groups, numbers, n, line, is_far(state));
    } else {
        for (uint32_t i = 0; i < n; i++)
            *number(state, to->groups[i]) += (int64_t)(start + line->divisor * numbers[i]);
    }
}

static void add_ints(dbk_state *state, dbk_state *counts, const dbk_assigned *to, const int64_t *values,
                     uint32_t n)
{
    if (!to->groups) {
        *number(state, to->low) += dbk_sum_ints(values, n);
        if (counts)
            *number(counts, to->low) += n;
    } else if (counts) {
        dbk_tally_ints(tallies_of(counts), to->groups, values, n, is_far(state));
    } else {
        for (uint32_t i = 0; i < n; i++)
            *number(state, to->groups[i]) += values[i] == DBK_NULL ? 0 : values[i];
    }
}

static dbk_status add_sums(dbk_state *state, dbk_state *counts, dbk_scan *scan, const dbk_assigned *to)
{
    const int64_t *values = NULL;
    const uint32_t n = scan->count;
    if (!state->wide) {
        dbk_zone_map zone;
        if (!dbk_scan_zone_map(scan, state->def->slot, &zone)) {
            DBK_TRY(dbk_scan_ints(scan, state->def->slot, &values));
            dbk_bounds_ints(values, n, &zone.min, &zone.max);
        }
        uint64_t low = magnitude(zone.min), high = magnitude(zone.max);
        dbk_u128 most = zone.min > zone.max ? 0 : low > high ? low : high;
        if (!promise(state, most * n))
            return dbk_exec_no_memory(scan->err);
    }
    if (!state->wide && !values) {
        const uint32_t *numbers;
        dbk_line line;
        DBK_TRY(dbk_scan_packed(scan, state->def->slot, &numbers, &line));
        if (numbers) {
            add_packed(state, counts, to, numbers, n, &line);
            return DBK_OK;
        }
    }
    if (!values)
        DBK_TRY(dbk_scan_ints(scan, state->def->slot, &values));
    if (!state->wide) {
        add_ints(state, counts, to, values, n);
        return DBK_OK;
    }
    for (uint32_t i = 0; i < n; i++)
        state->wide[to->groups ? to->groups[i] : to->low] += values[i] == DBK_NULL ? 0 : values[i];
    if (counts)
        add_rows(counts, n, to);
    return DBK_OK;
}

static dbk_status add_values(dbk_state *state, dbk_scan *scan, const dbk_assigned *to)
{
    const uint32_t *groups = to->groups, group = to->low;
    uint32_t n = scan->count;
    if (state->slot->type == DBK_CODE) {
        const uint32_t *codes;
        DBK_TRY(dbk_scan_codes(scan, state->def->slot, &codes));
        if (!groups)
            *number(state, group) += dbk_count_codes(codes, n);
        for (uint32_t i = 0; groups && i < n; i++)
            *number(state, groups[i]) += codes[i] != 0;
    } else if (state->slot->type == DBK_TEXT) {
        const dbk_text *texts;
        DBK_TRY(dbk_scan_texts(scan, state->def->slot, &texts));
        for (uint32_t i = 0; i < n; i++)
            *number(state, groups ? groups[i] : group) += texts[i].length != 0;
    } else {
        const int64_t *values;
        DBK_TRY(dbk_scan_ints(scan, state->def->slot, &values));
        if (!groups)
            *number(state, group) += dbk_count_ints(values, n);
        for (uint32_t i = 0; groups && i < n; i++)
            *number(state, groups[i]) += values[i] != DBK_NULL;
    }
    return DBK_OK;
}

static uint64_t extreme_form(dbk_state_kind kind, int64_t v)
{
    uint64_t u = (uint64_t)v ^ SIGN;
    return kind == DBK_STATE_MAX ? u : 0 - u;
}

static void keep_extreme(dbk_state *state, uint32_t group, uint64_t form)
{
    if (form > (uint64_t)*number(state, group))
        *number(state, group) = (int64_t)form;
}

static dbk_status add_extremes(dbk_state *state, dbk_scan *scan, const dbk_assigned *to)
{
    const uint32_t *groups = to->groups, group = to->low;
    const int64_t *values;
    DBK_TRY(dbk_scan_ints(scan, state->def->slot, &values));
    if (!groups) {
        int64_t min, max;
        dbk_bounds_ints(values, scan->count, &min, &max);
        if (min <= max)
            keep_extreme(state, group,
                         extreme_form(state->def->kind, state->def->kind == DBK_STATE_MIN ? min : max));
        return DBK_OK;
    }
    if (state->def->kind == DBK_STATE_MAX) {
        for (uint32_t i = 0; i < scan->count; i++)
            keep_extreme(state, groups[i], (uint64_t)values[i] ^ SIGN);
    } else {
        for (uint32_t i = 0; i < scan->count; i++)
            keep_extreme(state, groups[i], 0 - ((uint64_t)values[i] ^ SIGN));
    }
    return DBK_OK;
}

// ---- Distinct values ----

static bool add_pair(dbk_state *state, uint32_t group, uint64_t value)
{
    bool added;
    if (!dbk_pair_set_add(&state->pairs, group, value, &added))
        return false;
    *number(state, group) += added;
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
    for (uint32_t i = 0; !state->bits && i < scan->count; i++)
        if (codes[i] != 0 && !add_pair(state, to->groups ? to->groups[i] : to->low, codes[i]))
            return dbk_exec_no_memory(scan->err);
    return DBK_OK;
}

// The lines of an order stand together, and mostly each is of the order of the one before.
static dbk_status add_distinct_places(dbk_state *state, dbk_scan *scan, const dbk_assigned *to)
{
    const dbk_place *places;
    const dbk_text *texts = NULL;
    uint64_t last = 0;
    uint32_t last_group = 0;
    DBK_TRY(dbk_scan_places(scan, state->def->slot, &places));
    for (uint32_t i = 0; i < scan->count; i++) {
        uint64_t value = places[dbk_scan_row_in_vector(scan, i)] + 1; // DBK_NO_PLACE + 1 is 0
        uint32_t g = to->groups ? to->groups[i] : to->low;
        if (value == 0) {
            if (!texts)
                DBK_TRY(dbk_scan_texts(scan, state->def->slot, &texts));
            if (!add_distinct_text(state, g, texts[i], TEXT_BIT))
                return dbk_exec_no_memory(scan->err);
        } else if (value != last || g != last_group) {
            if (state->bits)
                state->bits[g * state->bits_words + (value >> 6)] |= (uint64_t)1 << (value & 63);
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

static dbk_status add_distinct(dbk_state *state, dbk_scan *scan, const dbk_assigned *to)
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

// ---- All kinds ----

dbk_status dbk_state_add(dbk_state *state, dbk_scan *scan, const dbk_assigned *to)
{
    switch (state->def->kind) {
    case DBK_STATE_ROWS:
        add_rows(state, scan->count, to);
        return DBK_OK;
    case DBK_STATE_VALUES:
        return add_values(state, scan, to);
    case DBK_STATE_SUM:
        return add_sums(state, NULL, scan, to);
    case DBK_STATE_MIN:
    case DBK_STATE_MAX:
        return add_extremes(state, scan, to);
    case DBK_STATE_DISTINCT:
        return add_distinct(state, scan, to);
    }
    return DBK_OK;
}

dbk_status dbk_state_add_both(dbk_state *counts, dbk_state *sums, dbk_scan *scan, const dbk_assigned *to)
{
    return add_sums(sums, counts, scan, to);
}

bool dbk_state_takes_zone_map(const dbk_state *state)
{
    if (state->def->kind == DBK_STATE_ROWS)
        return true;
    return state->def->kind != DBK_STATE_DISTINCT && state->slot->path.depth == 1 &&
           state->slot->type != DBK_TEXT;
}

bool dbk_state_add_total(dbk_state *state, uint32_t group, dbk_i128 total)
{
    if (state->def->kind == DBK_STATE_SUM &&
        !promise(state, total < 0 ? 0 - (dbk_u128)total : (dbk_u128)total))
        return false;
    if (state->wide)
        state->wide[group] += total;
    else
        *number(state, group) += (int64_t)total;
    return true;
}

bool dbk_state_add_zone_map(dbk_state *state, uint32_t group, uint32_t rows, const dbk_zone_map *zone)
{
    switch (state->def->kind) {
    case DBK_STATE_ROWS:
        return dbk_state_add_total(state, group, rows);
    case DBK_STATE_VALUES:
        return dbk_state_add_total(state, group, (dbk_i128)rows - zone->nulls);
    case DBK_STATE_SUM:
        return dbk_state_add_total(state, group, zone->sum);
    case DBK_STATE_MIN:
    case DBK_STATE_MAX:
        if (zone->min <= zone->max)
            keep_extreme(
                state, group,
                extreme_form(state->def->kind, state->def->kind == DBK_STATE_MIN ? zone->min : zone->max));
        break;
    case DBK_STATE_DISTINCT:
        break;
    }
    return true;
}

static bool merge_sums(dbk_state *state, const dbk_state *from, const uint32_t *map, uint32_t groups)
{
    if (!promise(state, from->wide ? (dbk_u128)UINT64_MAX : from->added_bound))
        return false;
    for (uint32_t i = 0; i < groups; i++) {
        uint32_t g = map ? map[i] : i;
        if (state->wide)
            state->wide[g] += dbk_state_sum(from, i);
        else
            *number(state, g) += *number(from, i);
    }
    return true;
}

static bool merge_pairs(dbk_state *state, const dbk_state *from, const uint32_t *map)
{
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

bool dbk_state_merge_both(dbk_state *counts, dbk_state *sums, const dbk_state *from_counts,
                          const dbk_state *from_sums, uint32_t groups)
{
    // Where these stay narrow, the others are too.
    if (!promise(sums, from_sums->wide ? (dbk_u128)UINT64_MAX : from_sums->added_bound))
        return false;
    for (uint32_t g = 0; sums->wide && g < groups; g++) {
        *number(counts, g) += dbk_state_number(from_counts, g);
        sums->wide[g] += dbk_state_sum(from_sums, g);
    }
    if (sums->wide)
        return true;
    dbk_tally *tallies = tallies_of(counts);
    const dbk_tally *from = tallies_of(from_counts);
    for (uint32_t g = 0; g < groups; g++) {
        if (from[g].count == 0) // pages that nobody wrote to stay as they are
            continue;
        tallies[g].count += from[g].count;
        tallies[g].sum += from[g].sum;
    }
    if (counts->words)
        dbk_group_words_merge(counts->words, tallies, from_counts->words);
    return true;
}

bool dbk_state_merge(dbk_state *state, const dbk_state *from, const uint32_t *map, uint32_t groups)
{
    switch (state->def->kind) {
    case DBK_STATE_SUM:
        return merge_sums(state, from, map, groups);
    case DBK_STATE_DISTINCT:
        // Bitmaps stand only where groups are fixed, and then in every thread.
        for (size_t i = 0; state->bits && i < groups * state->bits_words; i++)
            state->bits[i] |= from->bits[i];
        return merge_pairs(state, from, map);
    default:
        break;
    }
    for (uint32_t i = 0; i < groups; i++) {
        uint32_t g = map ? map[i] : i;
        if (state->def->kind == DBK_STATE_ROWS || state->def->kind == DBK_STATE_VALUES)
            *number(state, g) += *number(from, i);
        else
            keep_extreme(state, g, (uint64_t)*number(from, i));
    }
    return true;
}

void dbk_state_finish(dbk_state *state, uint32_t groups)
{
    for (uint32_t g = 0; state->bits && g < groups; g++) {
        uint64_t *bits = state->bits + g * state->bits_words;
        bits[0] &= ~(uint64_t)1; // code 0 is no value
        // … beside what has no bit.
        *number(state, g) += (int64_t)dbk_count_bits(bits, state->bits_words);
    }
}

int64_t dbk_state_number(const dbk_state *state, uint32_t group)
{
    uint64_t form = (uint64_t)*number(state, group);
    switch (state->def->kind) {
    case DBK_STATE_ROWS:
        return (int64_t)form + (state->words ? dbk_word_count(state->words, group) : 0);
    case DBK_STATE_MAX:
        return (int64_t)(form ^ SIGN);
    case DBK_STATE_MIN:
        return (int64_t)((0 - form) ^ SIGN);
    default:
        return (int64_t)form;
    }
}

dbk_i128 dbk_state_sum(const dbk_state *state, uint32_t group)
{
    if (state->wide)
        return state->wide[group];
    return *number(state, group) + (state->words ? dbk_word_sum(state->words, group) : 0);
}
