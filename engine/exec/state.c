// SPDX-License-Identifier: Apache-2.0
// One pass per aggregate over its own array.
//
// Extremes are kept as unsigned numbers of which the largest wins. With u = v + 2^63, "no value" is 0: the
// maximum keeps u, the minimum keeps -u (mod 2^64), which turns the order round and leaves 0 where it was.
#include "engine/exec/state.h"

#include "engine/base/pages.h"
#include "engine/exec/distinct.h"

#include <stdlib.h>
#include <string.h>

// Below this, narrow sums cannot have overflowed, and one more vector of anything is checked before it is
// added.
#define NARROW_MAX ((uint64_t)1 << 62)

bool dbk_state_init(dbk_state *state, const dbk_plan *plan, const dbk_state_def *def, uint64_t fixed_groups)
{
    *state = (dbk_state){.def = def, .step = 1, .slot = def->slot < 0 ? NULL : &plan->slots[def->slot]};
    if (fixed_groups && !dbk_state_reserve(state, (uint32_t)fixed_groups))
        return false;
    return def->kind != DBK_STATE_DISTINCT || dbk_distinct_init(state, plan, fixed_groups);
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
    dbk_pair_log_dispose(&state->log);
    dbk_pair_set_dispose(&state->pairs);
    dbk_intern_dispose(&state->texts);
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
    if (!old) { // cleared memory from the kernel is touched only where groups are
        void *made = calloc(more, size);
        if (made)
            dbk_pages_prefer_huge(made, more * size);
        return made;
    }
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
        *dbk_state_at(state, to->low) += n;
    } else if (is_few(to, n)) {
        uint32_t rows[DBK_FEW_GROUPS];
        uint64_t sums[DBK_FEW_GROUPS];
        dbk_tally_few(to->groups, to->low, to->span, none, n, 0, rows, sums);
        for (uint32_t g = 0; g < to->span; g++)
            *dbk_state_at(state, to->low + g) += rows[g];
    } else {
        for (uint32_t i = 0; i < n; i++)
            *dbk_state_at(state, to->groups[i]) += 1;
    }
}

// ---- Sums ----

static uint64_t magnitude(int64_t v)
{
    return v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

// Of the values of a zone map, by magnitude.
static uint64_t greatest(const dbk_zone_map *zone)
{
    const uint64_t low = magnitude(zone->min), high = magnitude(zone->max);
    return zone->min > zone->max ? 0 : low > high ? low : high;
}

static bool widen(dbk_state *state)
{
    dbk_i128 *wide = calloc(state->capacity, sizeof *wide);
    if (!wide)
        return false;
    if (state->words)
        dbk_group_words_settle(state->words, (dbk_tally *)(state->numbers - 1));
    for (uint32_t i = 0; i < state->capacity; i++)
        wide[i] = *dbk_state_at(state, i);
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
        *dbk_state_at(state, to->low + g) +=
            (int64_t)((uint64_t)line->start * rows[g] + line->divisor * sums[g]);
        if (counts)
            *dbk_state_at(counts, to->low + g) += rows[g];
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
        *dbk_state_at(state, to->low) += (int64_t)(start * n + line->divisor * dbk_sum_numbers(numbers, n));
        if (counts)
            *dbk_state_at(counts, to->low) += n;
    } else if (is_few(to, n)) {
        add_few(state, counts, to, numbers, n, line);
    } else if (counts) {
        if (!state->words ||
            !dbk_group_words_add(state->words, tallies_of(counts), to->groups, numbers, n, line))
            dbk_tally_packed(tallies_of(counts), to->groups, numbers, n, line, is_far(state));
    } else {
        for (uint32_t i = 0; i < n; i++)
            *dbk_state_at(state, to->groups[i]) += (int64_t)(start + line->divisor * numbers[i]);
    }
}

static void add_ints(dbk_state *state, dbk_state *counts, const dbk_assigned *to, const int64_t *values,
                     uint32_t n)
{
    if (!to->groups) {
        *dbk_state_at(state, to->low) += dbk_sum_ints(values, n);
        if (counts)
            *dbk_state_at(counts, to->low) += n;
    } else if (counts) {
        dbk_tally_ints(tallies_of(counts), to->groups, values, n, is_far(state));
    } else {
        for (uint32_t i = 0; i < n; i++)
            *dbk_state_at(state, to->groups[i]) += values[i] == DBK_NULL ? 0 : values[i];
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
        if (!promise(state, (dbk_u128)greatest(&zone) * n))
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
            *dbk_state_at(state, group) += dbk_count_codes(codes, n);
        for (uint32_t i = 0; groups && i < n; i++)
            *dbk_state_at(state, groups[i]) += codes[i] != 0;
    } else if (state->slot->type == DBK_TEXT) {
        const dbk_text *texts;
        DBK_TRY(dbk_scan_texts(scan, state->def->slot, &texts));
        for (uint32_t i = 0; i < n; i++)
            *dbk_state_at(state, groups ? groups[i] : group) += texts[i].length != 0;
    } else {
        const int64_t *values;
        DBK_TRY(dbk_scan_ints(scan, state->def->slot, &values));
        if (!groups)
            *dbk_state_at(state, group) += dbk_count_ints(values, n);
        for (uint32_t i = 0; groups && i < n; i++)
            *dbk_state_at(state, groups[i]) += values[i] != DBK_NULL;
    }
    return DBK_OK;
}

static uint64_t extreme_form(dbk_state_kind kind, int64_t v)
{
    uint64_t u = (uint64_t)v ^ DBK_STATE_SIGN;
    return kind == DBK_STATE_MAX ? u : 0 - u;
}

static void keep_extreme(dbk_state *state, uint32_t group, uint64_t form)
{
    if (form > (uint64_t)*dbk_state_at(state, group))
        *dbk_state_at(state, group) = (int64_t)form;
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
            keep_extreme(state, groups[i], (uint64_t)values[i] ^ DBK_STATE_SIGN);
    } else {
        for (uint32_t i = 0; i < scan->count; i++)
            keep_extreme(state, groups[i], 0 - ((uint64_t)values[i] ^ DBK_STATE_SIGN));
    }
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
        return dbk_distinct_add(state, scan, to);
    }
    return DBK_OK;
}

dbk_status dbk_state_add_both(dbk_state *counts, dbk_state *sums, dbk_scan *scan, const dbk_assigned *to)
{
    return add_sums(sums, counts, scan, to);
}

dbk_status dbk_state_add_runs(dbk_state *counts, dbk_state *sums, dbk_scan *scan, const uint32_t *groups,
                              const uint32_t *ends, uint32_t runs, bool *done)
{
    const uint32_t *numbers = NULL;
    dbk_zone_map zone;
    dbk_line line;
    *done = false;
    if (sums->wide || !dbk_scan_zone_map(scan, sums->def->slot, &zone) || zone.min > zone.max)
        return DBK_OK;
    DBK_TRY(dbk_scan_packed(scan, sums->def->slot, &numbers, &line));
    if (!numbers)
        return DBK_OK;
    if (!promise(sums, (dbk_u128)greatest(&zone) * scan->matched))
        return dbk_exec_no_memory(scan->err);
    if (sums->wide)
        return DBK_OK;
    uint64_t added[DBK_RUNS_MAX];
    dbk_sum_runs(numbers, ends, runs, added);
    for (uint32_t run = 0; run < runs; run++) {
        const uint32_t rows = ends[run] - (run ? ends[run - 1] : 0);
        *dbk_state_at(sums, groups[run]) +=
            (int64_t)((uint64_t)line.start * rows + line.divisor * added[run]);
        *dbk_state_at(counts, groups[run]) += rows;
    }
    *done = true;
    return DBK_OK;
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
        *dbk_state_at(state, group) += (int64_t)total;
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

// Wide sums may be anything.
static dbk_u128 most_added(const dbk_state *from)
{
    return from->wide ? (dbk_u128)UINT64_MAX : from->added_bound;
}

bool dbk_state_merge_both_begin(dbk_state *counts, dbk_state *sums, const dbk_state *from_counts,
                                const dbk_state *from_sums)
{
    // Where these stay narrow, the others are too.
    if (!promise(sums, most_added(from_sums)))
        return false;
    if (counts->words && from_counts->words)
        dbk_group_words_merge_begin(counts->words, from_counts->words);
    return true;
}

void dbk_state_merge_both(dbk_state *counts, dbk_state *sums, const dbk_state *from_counts,
                          const dbk_state *from_sums, uint32_t first, uint32_t end)
{
    for (uint32_t g = first; sums->wide && g < end; g++) {
        *dbk_state_at(counts, g) += dbk_state_number(from_counts, g);
        sums->wide[g] += dbk_state_sum(from_sums, g);
    }
    if (sums->wide)
        return;
    dbk_tally *tallies = tallies_of(counts);
    const dbk_tally *from = tallies_of(from_counts);
    for (uint32_t g = first; g < end; g++) {
        if (from[g].count == 0) // pages that nobody wrote to stay as they are
            continue;
        tallies[g].count += from[g].count;
        tallies[g].sum += from[g].sum;
    }
    if (counts->words)
        dbk_group_words_merge(counts->words, tallies, from_counts->words, first, end);
}

bool dbk_state_merge_begin(dbk_state *state, const dbk_state *from, const uint32_t *map)
{
    if (state->def->kind == DBK_STATE_SUM)
        return promise(state, most_added(from));
    return state->def->kind != DBK_STATE_DISTINCT || dbk_distinct_merge_sets(state, from, map);
}

void dbk_state_merge(dbk_state *state, const dbk_state *from, const uint32_t *map, uint32_t first,
                     uint32_t end)
{
    const dbk_state_kind kind = state->def->kind;
    if (kind == DBK_STATE_DISTINCT) {
        dbk_distinct_merge_bits(state, from, first, end);
        return;
    }
    for (uint32_t i = first; i < end; i++) {
        const uint32_t g = map ? map[i] : i;
        if (kind == DBK_STATE_SUM && state->wide)
            state->wide[g] += dbk_state_sum(from, i);
        else if (kind == DBK_STATE_MIN || kind == DBK_STATE_MAX)
            keep_extreme(state, g, (uint64_t)*dbk_state_at(from, i));
        else
            *dbk_state_at(state, g) += *dbk_state_at(from, i);
    }
}

void dbk_state_finish(dbk_state *state, uint32_t first, uint32_t end)
{
    if (state->def->kind == DBK_STATE_DISTINCT)
        dbk_distinct_finish(state, first, end);
}

size_t dbk_state_group_bytes(const dbk_state *state)
{
    return (state->wide ? sizeof *state->wide : sizeof *state->numbers) +
           state->bits_words * sizeof *state->bits + (state->words && !state->beside ? sizeof(uint64_t) : 0);
}

uint32_t dbk_state_list_met(const dbk_state *rows, uint32_t groups, uint32_t *out)
{
    uint32_t count = 0;
    for (uint32_t g = 0; g < groups; g++) {
        out[count] = g;
        count += dbk_state_number(rows, g) > 0;
    }
    return count;
}
