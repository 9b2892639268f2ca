// SPDX-License-Identifier: Apache-2.0
// Keys of a vector. Facts are sorted by time, so a bucket key is mostly one value a vector, which its zone
// map proves without decoding; else runs of rows (grouping_runs.c).
#include "engine/exec/grouping.h"

#include "engine/base/hash.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

bool dbk_grouping_init(dbk_grouping *grouping, const dbk_plan *plan)
{
    *grouping = (dbk_grouping){.plan = plan, .seed = dbk_hash_u64(1)};
    if (plan->keys_count) {
        grouping->columns = malloc((size_t)plan->keys_count * sizeof *grouping->columns);
        if (!grouping->columns)
            return false;
        for (int i = 0; i < plan->keys_count; i++)
            memset(&grouping->columns[i], 0, offsetof(dbk_key_column, run_values));
    }
    if (plan->grouping == DBK_GROUP_HASH) {
        grouping->ops = &dbk_grouping_hash;
    } else {
        grouping->ops = &dbk_grouping_dense;
        grouping->count = (uint32_t)plan->dense_groups;
    }
    return true;
}

void dbk_grouping_dispose(dbk_grouping *grouping)
{
    for (int i = 0; grouping->columns && i < grouping->plan->keys_count; i++)
        dbk_intern_dispose(&grouping->columns[i].texts);
    free(grouping->columns);
    free(grouping->tuples);
    free(grouping->table);
    *grouping = (dbk_grouping){0};
}

static bool is_dense(const dbk_grouping *grouping)
{
    return grouping->plan->grouping != DBK_GROUP_HASH;
}

static uint64_t null_value(const dbk_grouping *grouping)
{
    return is_dense(grouping) ? 0 : (uint64_t)DBK_NULL;
}

static void seek_hour(const dbk_grouping *grouping, const dbk_key *key, dbk_key_column *column, int64_t ms)
{
    const uint64_t first = is_dense(grouping); // of the hours; 0 is no value
    if (ms >= column->span_end && ms < column->steady_end && ms - column->span_end < DBK_MS_HOUR &&
        column->steady_end - column->span_end >= DBK_MS_HOUR) {
        column->span_start = column->span_end;
        column->span_end += DBK_MS_HOUR;
        column->span_value = column->span_value - first == 23 ? first : column->span_value + 1;
        return;
    }
    const int hour =
        dbk_hour_of_day(key->bucket->zone, ms, &column->span_start, &column->span_end, &column->steady_end);
    column->span_value = (uint64_t)hour + first;
}

bool dbk_grouping_seek(const dbk_grouping *grouping, const dbk_key *key, dbk_key_column *column, int64_t ms)
{
    if (ms == INT64_MAX) // lies in the last bucket, whose end it is
        ms--;
    if (ms >= column->span_start && ms < column->span_end)
        return true;
    if (key->bucket->unit == DBK_UNIT_HOUR_OF_DAY) {
        seek_hour(grouping, key, column, ms);
        return true;
    }
    const dbk_bucket_list *list = &key->buckets;
    if (list->count && ms >= list->starts[0] && ms < list->starts[list->count]) {
        uint32_t low = dbk_lower_bound(list->starts, list->count, ms + 1) - 1;
        column->span_start = list->starts[low];
        column->span_end = list->starts[low + 1];
        column->span_value = is_dense(grouping) ? low + 1 : (uint64_t)list->starts[low];
        return true;
    }
    if (is_dense(grouping))
        return false;
    dbk_bucket_span(key->bucket, ms, &column->span_start, &column->span_end);
    column->span_value = (uint64_t)column->span_start;
    return true;
}

static bool is_one_bucket(const dbk_grouping *grouping, const dbk_key *key, dbk_key_column *column,
                          const dbk_zone_map *zone)
{
    if (zone->min > zone->max || zone->nulls)
        return false;
    return dbk_grouping_seek(grouping, key, column, zone->min) && zone->max < column->span_end;
}

// The key by a zone map alone.
static bool load_constant(const dbk_grouping *grouping, const dbk_key *key, dbk_key_column *column,
                          const dbk_zone_map *zone)
{
    const dbk_slot_def *slot = &grouping->plan->slots[key->slot];
    column->form = DBK_KEY_CONSTANT;
    if (key->bucket) {
        if (!is_one_bucket(grouping, key, column, zone))
            return false;
        column->constant = column->span_value;
        return true;
    }
    if (zone->min > zone->max)
        column->constant = slot->type == DBK_CODE ? 0 : null_value(grouping);
    else if (zone->min == zone->max && zone->nulls == 0)
        column->constant = (uint64_t)zone->min;
    else
        return false;
    return true;
}

static void load_runs(const dbk_grouping *grouping, const dbk_key *key, dbk_key_column *column,
                      const int64_t *values, uint32_t n)
{
    uint32_t i = 0;
    while (i < n) {
        uint64_t value = null_value(grouping);
        uint32_t next = i + 1;
        if (values[i] != DBK_NULL) {
            bool found = dbk_grouping_seek(grouping, key, column, values[i]);
            assert(found);
            (void)found;
            value = column->span_value;
            next = i + dbk_lower_bound(values + i, n - i, column->span_end);
            if (next == i)
                next++;
        }
        if (i == 0 && next == n) {
            column->form = DBK_KEY_CONSTANT;
            column->constant = value;
            return;
        }
        for (; i < next; i++)
            column->room[i] = value;
    }
}

static void load_scattered(const dbk_grouping *grouping, const dbk_key *key, dbk_key_column *column,
                           const int64_t *values, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (values[i] == DBK_NULL) {
            column->room[i] = null_value(grouping);
            continue;
        }
        if (values[i] < column->span_start || values[i] >= column->span_end) {
            bool found = dbk_grouping_seek(grouping, key, column, values[i]);
            assert(found);
            (void)found;
        }
        column->room[i] = column->span_value;
    }
}

static dbk_status load_key(dbk_grouping *grouping, dbk_scan *scan, int index, const dbk_key **runs)
{
    const dbk_key *key = &grouping->plan->keys[index];
    dbk_key_column *column = &grouping->columns[index];
    const dbk_slot_def *slot = &grouping->plan->slots[key->slot];
    dbk_zone_map zone;
    if (dbk_scan_zone_map(scan, key->slot, &zone) && load_constant(grouping, key, column, &zone))
        return DBK_OK;
    if (slot->type == DBK_CODE) {
        column->form = DBK_KEY_CODES;
        return dbk_scan_codes(scan, key->slot, &column->codes);
    }
    if (key->bucket && dbk_scan_is_sorted(scan, key->slot)) {
        column->form = DBK_KEY_RUNS; // for load_buckets to find
        *runs = key;
        return DBK_OK;
    }
    column->form = DBK_KEY_VALUES;
    column->values = column->room;
    if (slot->type == DBK_TEXT) {
        const dbk_text *texts;
        DBK_TRY(dbk_scan_texts(scan, key->slot, &texts));
        for (uint32_t i = 0; i < scan->count; i++) {
            uint32_t number;
            if (!dbk_intern_add(&column->texts, texts[i], &number))
                return dbk_exec_no_memory(scan->err);
            column->room[i] = number;
        }
        return DBK_OK;
    }
    const int64_t *values;
    DBK_TRY(dbk_scan_ints(scan, key->slot, &values));
    if (!key->bucket)
        for (uint32_t i = 0; i < scan->count; i++)
            column->room[i] = (uint64_t)values[i];
    else
        load_scattered(grouping, key, column, values, scan->count);
    return DBK_OK;
}

// Buckets of a time that ascends: by runs, else by rows.
static dbk_status load_buckets(dbk_grouping *grouping, dbk_scan *scan, int slot)
{
    dbk_zone_map times;
    const int64_t *values;
    bool found = false;
    if (dbk_scan_zone_map(scan, slot, &times) && times.nulls == 0)
        DBK_TRY(dbk_grouping_find_runs(grouping, scan, &times, &found));
    if (found)
        return DBK_OK;
    DBK_TRY(dbk_scan_ints(scan, slot, &values));
    for (int i = 0; i < grouping->plan->keys_count; i++) {
        dbk_key_column *column = &grouping->columns[i];
        if (column->form != DBK_KEY_RUNS)
            continue;
        column->form = DBK_KEY_VALUES;
        column->values = column->room;
        load_runs(grouping, &grouping->plan->keys[i], column, values, scan->count);
    }
    return DBK_OK;
}

dbk_status dbk_grouping_load(dbk_grouping *grouping, dbk_scan *scan)
{
    const dbk_key *runs = NULL; // any of the keys that come in runs: all are of the table's own time
    grouping->runs = 0;
    for (int i = 0; i < grouping->plan->keys_count; i++)
        DBK_TRY(load_key(grouping, scan, i, &runs));
    return runs ? load_buckets(grouping, scan, runs->slot) : DBK_OK;
}

void dbk_grouping_enter(dbk_grouping *grouping, dbk_scan *scan, uint32_t run)
{
    const uint32_t before = run ? grouping->run_ends[run - 1] : 0;
    const uint32_t skipped = run ? scan->count : 0;
    assert(run == 0 || scan->start + scan->count == before);
    dbk_scan_window(scan, before, grouping->run_ends[run] - before);
    for (int i = 0; i < grouping->plan->keys_count; i++) {
        dbk_key_column *column = &grouping->columns[i];
        if (column->form == DBK_KEY_CODES)
            column->codes += skipped;
        else if (column->form == DBK_KEY_VALUES)
            column->values += skipped;
        else if (column->form == DBK_KEY_RUNS)
            column->constant = column->run_values[run];
    }
}

bool dbk_grouping_load_part(dbk_grouping *grouping, const dbk_part *part)
{
    for (int i = 0; i < grouping->plan->keys_count; i++) {
        const dbk_key *key = &grouping->plan->keys[i];
        dbk_zone_map zone;
        if (!dbk_plan_zone_map(grouping->plan, part, key->slot, &zone) ||
            !load_constant(grouping, key, &grouping->columns[i], &zone))
            return false;
    }
    return true;
}
