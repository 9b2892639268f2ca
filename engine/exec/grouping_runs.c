// SPDX-License-Identifier: Apache-2.0
// Facts are sorted by time inside a segment, so a calendar bucket is a run of rows. Where the runs of a
// vector end is found without looking at the times of all rows: few ends by single look-ups, which guess
// where the end should be from the times at both sides; more of them in the decoded column, by halving.
#include "engine/exec/grouping.h"

#include <assert.h>

// A look-up costs several tens of nanoseconds, decoding a vector a hundred and some; and what runs save is
// lost when there are few rows in each.
enum { LOOKED_UP = 1, ROWS_A_RUN = 16 };

// Every key's bucket of an instant, noted as those of a run. Returns where the first of them ends.
static int64_t enter_buckets(dbk_grouping *grouping, int64_t at, uint32_t run)
{
    int64_t end = INT64_MAX;
    for (int k = 0; k < grouping->plan->keys_count; k++) {
        dbk_key_column *column = &grouping->columns[k];
        if (column->form != DBK_KEY_RUNS)
            continue;
        bool inside = dbk_grouping_seek(grouping, &grouping->plan->keys[k], column, at);
        assert(inside);
        (void)inside;
        column->run_values[run] = column->span_value;
        end = column->span_end < end ? column->span_end : end;
    }
    return end;
}

// How many matching rows stand before a row of the vector.
static uint32_t matching_before(const dbk_scan *scan, uint32_t row)
{
    if (scan->contiguous)
        return row - scan->first;
    uint32_t count = 0, words = row / 64;
    for (uint32_t w = 0; w < words; w++)
        count += (uint32_t)__builtin_popcountll(scan->mask[w]);
    if (row % 64)
        count += (uint32_t)__builtin_popcountll(scan->mask[words] & ~(UINT64_MAX << row % 64));
    return count;
}

typedef struct instant {
    uint32_t row; // of the vector
    int64_t at;
} instant;

// The first row that is not before `end`: one after `low`, which is before it, up to `high`, which is not.
static instant first_not_before(const dbk_part *part, int column, uint32_t vector, instant low, instant high,
                                int64_t end)
{
    for (uint32_t step = 0; high.row - low.row > 1; step++) {
        const uint32_t rows = high.row - low.row;
        // A guess can be wrong again and again at one side: every third step halves.
        uint32_t ahead = rows / 2;
        if (step % 3 != 2)
            ahead = (uint32_t)((double)rows * ((double)end - (double)low.at) /
                               ((double)high.at - (double)low.at));
        ahead = ahead < 1 ? 1 : ahead >= rows ? rows - 1 : ahead;
        instant middle = {.row = low.row + ahead};
        middle.at = dbk_part_int_at(part, column, vector * DBK_VECTOR_ROWS + middle.row);
        if (middle.at < end)
            low = middle;
        else
            high = middle;
    }
    return high;
}

static void look_up_runs(dbk_grouping *grouping, const dbk_scan *scan, int column, instant first,
                         instant last)
{
    uint32_t run = 0;
    for (;;) {
        const int64_t end = enter_buckets(grouping, first.at, run);
        if (last.at < end || end == INT64_MAX)
            break;
        first = first_not_before(scan->part, column, scan->vector, first, last, end);
        const uint32_t before = matching_before(scan, first.row);
        // Rows that do not match may fill a bucket by themselves.
        if (before > (run ? grouping->run_ends[run - 1] : 0))
            grouping->run_ends[run++] = before;
        if (run == DBK_RUNS_MAX) {
            grouping->runs = 0;
            return;
        }
    }
    grouping->run_ends[run] = scan->matched;
    grouping->runs = run + 1;
}

static void halve_runs(dbk_grouping *grouping, const int64_t *times, uint32_t n)
{
    uint32_t run = 0;
    for (uint32_t i = 0; i < n; run++) {
        if (run == DBK_RUNS_MAX) {
            grouping->runs = 0;
            return;
        }
        const int64_t end = enter_buckets(grouping, times[i], run);
        i = end == INT64_MAX ? n : i + dbk_near_bound(times + i, n - i, end);
        grouping->run_ends[run] = i;
    }
    grouping->runs = run;
}

dbk_status dbk_grouping_find_runs(dbk_grouping *grouping, dbk_scan *scan, const dbk_zone_map *times,
                                  bool *found)
{
    const dbk_table_def *table = grouping->plan->table;
    const int column = table->time_column;
    const uint32_t base = scan->vector * DBK_VECTOR_ROWS;
    instant first = {scan->first, times->min}, last = {scan->last, times->max};
    if (first.row > 0)
        first.at = dbk_part_int_at(scan->part, column, base + first.row);
    if (last.row + 1 < scan->rows)
        last.at = dbk_part_int_at(scan->part, column, base + last.row);

    // Buckets of one key are about as long as each other: the first says how many runs to expect.
    const int64_t end = enter_buckets(grouping, first.at, 0);
    int64_t start = INT64_MIN;
    for (int k = 0; k < grouping->plan->keys_count; k++) {
        const dbk_key_column *c = &grouping->columns[k];
        if (c->form == DBK_KEY_RUNS && c->span_end == end)
            start = c->span_start;
    }
    const double expected = ((double)last.at - (double)first.at) / ((double)end - (double)start);
    *found = false;
    if (expected * ROWS_A_RUN > (double)scan->matched)
        return DBK_OK;
    if (expected < LOOKED_UP) {
        look_up_runs(grouping, scan, column, first, last);
    } else {
        const int64_t *values;
        int slot = 0;
        for (int k = 0; k < grouping->plan->keys_count; k++)
            if (grouping->columns[k].form == DBK_KEY_RUNS)
                slot = grouping->plan->keys[k].slot;
        DBK_TRY(dbk_scan_ints(scan, slot, &values));
        halve_runs(grouping, values, scan->count);
    }
    *found = grouping->runs > 0;
    return DBK_OK;
}
