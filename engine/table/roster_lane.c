// SPDX-License-Identifier: Apache-2.0
// Runs, their changes and the log, added up.
#include "engine/table/roster_lane.h"

#include <stdlib.h>
#include <string.h>

static bool has_period(const dbk_roster_lane *lane, int32_t first, int32_t last)
{
    for (uint32_t i = 0; i < lane->entries_count; i++)
        if (lane->entries[i]->first == first && lane->entries[i]->last == last)
            return true;
    return false;
}

static void entry_add(dbk_roster_lane *lane, const dbk_roster_entry *entry)
{
    const dbk_roster_run *runs[] = {entry->run, entry->changes};
    for (int r = 0; r < 2; r++)
        if (runs[r] && runs[r]->blocks > lane->blocks)
            lane->blocks = runs[r]->blocks;
    lane->entries[lane->entries_count++] = entry;
}

// Chains the log's records by block; backwards, so that each chain is in the order of the log.
static bool log_link(dbk_roster_lane *lane, int32_t first, int32_t last,
                     bool (*takes)(void *user, uint32_t dim), void *user)
{
    const dbk_roster_view *view = lane->view;
    for (uint32_t i = 0; i < view->logged; i++) {
        uint32_t block = view->log->records[i].code / DBK_ROSTER_CODES;
        lane->blocks = block >= lane->blocks ? block + 1 : lane->blocks;
    }
    lane->heads = calloc(lane->blocks + 1, sizeof *lane->heads);
    if (!lane->heads)
        return false;
    for (uint32_t i = view->logged; i-- > 0;) {
        const dbk_roster_record *r = &view->log->records[i];
        if (r->month < first || r->month > last || (takes && !takes(user, r->dim)))
            continue;
        uint16_t *head = &lane->heads[r->code / DBK_ROSTER_CODES];
        lane->next[i] = *head;
        *head = (uint16_t)(i + 1);
    }
    return true;
}

// ---- Which periods ----

// The first and last of the months from `first` to `last` that there are; false when there is none.
static bool months_in(const dbk_roster_view *view, int32_t *first, int32_t *last)
{
    int32_t least = INT32_MAX, most = INT32_MIN;
    for (uint32_t i = 0; view->entries && i < view->entries->count; i++) {
        const dbk_roster_entry *entry = &view->entries->list[i];
        if (entry->first != entry->last || entry->first < *first || entry->first > *last)
            continue;
        least = entry->first < least ? entry->first : least;
        most = entry->first > most ? entry->first : most;
    }
    *first = least;
    *last = most;
    return least <= most;
}

// The longest period that has the month `first` and, of those that there are, no other before it, and none
// behind `last`.
static const dbk_roster_entry *longest_of(const dbk_roster_view *view, int32_t first, int32_t last)
{
    const dbk_roster_entry *longest = NULL;
    for (uint32_t i = 0; i < view->entries->count; i++) {
        const dbk_roster_entry *entry = &view->entries->list[i];
        int32_t from = entry->first, to = entry->last;
        if (from <= first && to >= first && months_in(view, &from, &to) && from >= first && to <= last &&
            (!longest || entry->last > longest->last))
            longest = entry;
    }
    return longest;
}

bool dbk_roster_lane_init(dbk_roster_lane *lane, const dbk_roster_view *view, int32_t first, int32_t last,
                          bool (*takes)(void *user, uint32_t dim), void *user)
{
    uint32_t count = view->entries ? view->entries->count : 0;
    lane->view = view;
    lane->entries = malloc((count + 1) * sizeof *lane->entries);
    lane->entries_count = lane->blocks = 0;
    lane->heads = NULL;
    int32_t at = first, end = last;
    while (lane->entries && months_in(view, &at, &end)) {
        const dbk_roster_entry *period = longest_of(view, at, last);
        for (uint32_t i = 0; i < count; i++) {
            const dbk_roster_entry *entry = &view->entries->list[i];
            if (entry->first == period->first && entry->last == period->last &&
                (!takes || takes(user, entry->dim)))
                entry_add(lane, entry);
        }
        if (period->last >= last)
            break;
        at = period->last + 1;
        end = last;
    }
    return lane->entries && log_link(lane, first, last, takes, user);
}

void dbk_roster_lane_dispose(dbk_roster_lane *lane)
{
    free(lane->entries);
    free(lane->heads);
}

static int64_t add_up_to_most(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static void bounds_add(const dbk_roster_lane *lane, int64_t *bounds, const int64_t *more, uint32_t blocks)
{
    for (uint32_t b = 0; b < blocks && b < lane->blocks; b++)
        bounds[b] = add_up_to_most(bounds[b], more[b]);
}

// By the tops of periods; false where they do not say it.
static bool bounds_of_periods(const dbk_roster_lane *lane, dbk_roster_figure figure, int64_t *bounds)
{
    const dbk_roster_periods *periods = lane->view->periods;
    for (uint32_t i = 0; periods && i < periods->count; i++) {
        const dbk_roster_tops *tops = periods->list[i];
        if (!has_period(lane, tops->first, tops->last))
            continue;
        if (tops->has_negative)
            return false;
        bounds_add(lane, bounds, dbk_roster_tops_of(tops, figure), tops->blocks);
    }
    return periods != NULL;
}

static void bounds_of_log(const dbk_roster_lane *lane, dbk_roster_figure figure, int64_t *bounds)
{
    for (uint32_t block = 0; block < lane->blocks; block++) {
        for (uint32_t at = lane->heads[block]; at; at = lane->next[at - 1]) {
            const dbk_roster_record *r = &lane->view->log->records[at - 1];
            // Taking back less than nothing adds.
            int64_t more = figure == DBK_ROSTER_ROWS ? 1 : r->value < 0 ? -(r->value + 1) : r->value;
            bounds[block] = add_up_to_most(add_up_to_most(bounds[block], more), 1);
        }
    }
}

void dbk_roster_lane_bounds(const dbk_roster_lane *lane, dbk_roster_figure figure, int64_t *bounds)
{
    memset(bounds, 0, lane->blocks * sizeof *bounds);
    bool by_entries = lane->entries_count < 2 || !bounds_of_periods(lane, figure, bounds);
    if (by_entries)
        memset(bounds, 0, lane->blocks * sizeof *bounds);
    for (uint32_t i = 0; i < lane->entries_count; i++) {
        const dbk_roster_run *run = lane->entries[i]->run, *changes = lane->entries[i]->changes;
        if (by_entries && run)
            bounds_add(lane, bounds, run->tops[figure], run->blocks);
        if (changes)
            bounds_add(lane, bounds, changes->tops[figure], changes->blocks);
    }
    bounds_of_log(lane, figure, bounds);
}

// Codes that come to no rows are not there.
static void leave_out_empty(dbk_roster_cells *cells)
{
    for (uint32_t w = 0; w < DBK_ROSTER_WORDS; w++) {
        for (uint64_t left = cells->present[w]; left; left &= left - 1) {
            uint32_t code = w * 64 + (uint32_t)__builtin_ctzll(left);
            if (cells->numbers[DBK_ROSTER_ROWS][code])
                continue;
            cells->present[w] &= ~((uint64_t)1 << code % 64);
            cells->numbers[DBK_ROSTER_SUM][code] = 0;
        }
    }
}

static bool run_open(const dbk_roster_run *run, uint32_t block, dbk_roster_cells *cells)
{
    const dbk_roster_block *b = run && block < run->blocks ? run->list[block] : NULL;
    if (!b)
        return true;
    for (uint32_t w = 0; w < DBK_ROSTER_WORDS; w++)
        cells->present[w] |= dbk_roster_present(b)[w];
    return dbk_roster_unpack(b, cells->numbers[DBK_ROSTER_ROWS], cells->numbers[DBK_ROSTER_SUM]);
}

static bool log_open(const dbk_roster_lane *lane, uint32_t block, dbk_roster_cells *cells)
{
    bool over = false;
    for (uint32_t at = lane->heads[block]; at; at = lane->next[at - 1]) {
        const dbk_roster_record *r = &lane->view->log->records[at - 1];
        uint32_t code = r->code % DBK_ROSTER_CODES;
        int64_t *sum = &cells->numbers[DBK_ROSTER_SUM][code];
        cells->numbers[DBK_ROSTER_ROWS][code] += r->sign;
        over |= r->sign > 0 ? __builtin_add_overflow(*sum, r->value, sum)
                            : __builtin_sub_overflow(*sum, r->value, sum);
        cells->present[code / 64] |= (uint64_t)1 << code % 64;
    }
    return !over;
}

bool dbk_roster_lane_open(const dbk_roster_lane *lane, uint32_t block, dbk_roster_cells *cells)
{
    bool fits = true, has_changes = lane->heads[block] != 0;
    for (uint32_t i = 0; i < lane->entries_count; i++) {
        const dbk_roster_entry *entry = lane->entries[i];
        fits &= run_open(entry->run, block, cells) && run_open(entry->changes, block, cells);
        has_changes |= entry->changes && block < entry->changes->blocks && entry->changes->list[block];
    }
    fits &= log_open(lane, block, cells);
    if (has_changes)
        leave_out_empty(cells);
    return fits;
}

void dbk_roster_cells_clear(dbk_roster_cells *cells)
{
    for (uint32_t w = 0; w < DBK_ROSTER_WORDS; w++) {
        for (uint64_t left = cells->present[w]; left; left &= left - 1)
            for (int f = 0; f < DBK_ROSTER_TOPS; f++)
                cells->numbers[f][w * 64 + (uint32_t)__builtin_ctzll(left)] = 0;
        cells->present[w] = 0;
    }
}

// One code in one entry.
typedef struct standing {
    int64_t rows, last, gone;
} standing;

static void stand(standing *s, int64_t rows, int64_t last, int64_t gone)
{
    s->rows += rows;
    s->last = last > s->last ? last : s->last;
    if (last >= s->gone)
        s->gone = INT64_MIN;
    s->gone = gone > s->gone ? gone : s->gone;
}

static standing standing_of(const dbk_roster_lane *lane, const dbk_roster_entry *entry, uint32_t code)
{
    standing s = {.last = INT64_MIN, .gone = INT64_MIN};
    const dbk_roster_run *runs[] = {entry->run, entry->changes};
    uint32_t block = code / DBK_ROSTER_CODES, at = code % DBK_ROSTER_CODES;
    for (int r = 0; r < 2; r++) {
        const dbk_roster_block *b = runs[r] && block < runs[r]->blocks ? runs[r]->list[block] : NULL;
        if (b && dbk_roster_present(b)[at / 64] >> at % 64 & 1)
            stand(&s, dbk_roster_number(b, DBK_ROSTER_ROWS, at), dbk_roster_number(b, DBK_ROSTER_LAST, at),
                  dbk_roster_number(b, DBK_ROSTER_GONE, at));
    }
    for (uint32_t i = lane->heads[block]; i; i = lane->next[i - 1]) {
        const dbk_roster_record *r = &lane->view->log->records[i - 1];
        if (r->code == code && r->month >= entry->first && r->month <= entry->last && r->dim == entry->dim)
            stand(&s, r->sign, r->sign > 0 ? r->ms : INT64_MIN, r->sign > 0 ? INT64_MIN : r->ms);
    }
    return s;
}

bool dbk_roster_lane_last(const dbk_roster_lane *lane, uint32_t code, int64_t *last)
{
    bool is_exact = true;
    *last = INT64_MIN;
    for (uint32_t i = 0; i < lane->entries_count; i++) {
        standing s = standing_of(lane, lane->entries[i], code);
        if (s.rows == 0 || s.last < *last)
            continue;
        // Of two that say the same the exact one counts.
        is_exact = s.gone < s.last || (s.last == *last && is_exact);
        *last = s.last;
    }
    return is_exact;
}
