// SPDX-License-Identifier: Apache-2.0
// Records on their way into runs.
#include "engine/table/roster.h"

#include "engine/base/days.h"
#include "engine/table/rollups.h"

#include <stdlib.h>
#include <string.h>

// Gathered at most before they are put into runs: some for each block of many customers, in 20 MB.
enum { GATHERED_MAX = 1 << 19 };
// Changes are put into a run when there is one for so many of its codes.
enum { CHANGES_SHARE = 8, MONTHS = 12 };
// Of periods. Years and all time are made of the months when these are whole.
enum { MONTH, YEAR, ALL_TIME, LEVELS };

struct dbk_roster {
    dbk_versions *versions;
    dbk_roster_shape shape;
    const dbk_zone *zone;
    uint32_t counted;
    dbk_roster_entries *entries;
    dbk_roster_periods *periods; // NULL until it is whole
    dbk_roster_log *log;         // NULL until the first change
    uint32_t logged;
    int64_t first_ms, last_ms;
    dbk_roster_record *gathered; // while it is being made
    size_t gathered_count;
    // The month that was met last, and the entries of each level.
    int64_t month_start, month_end;
    int32_t month;
    uint32_t met[LEVELS];
};

static int column_of(const dbk_table_def *table, const char *name)
{
    return dbk_column_find(table, dbk_text_from(name));
}

dbk_roster *dbk_roster_create(dbk_versions *versions, const dbk_table_def *table, const dbk_zone *zone)
{
    const dbk_roster_def *def = dbk_roster_def_of(table->id);
    dbk_roster *roster = def ? calloc(1, sizeof *roster) : NULL;
    if (!roster)
        return NULL;
    *roster = (dbk_roster){.versions = versions,
                           .shape = {.def = def,
                                     .time = column_of(table, def->time),
                                     .who = column_of(table, def->who),
                                     .dim = column_of(table, def->dim),
                                     .measure = column_of(table, def->measure)},
                           .zone = zone,
                           .first_ms = INT64_MAX,
                           .last_ms = INT64_MIN,
                           .month_start = INT64_MAX,
                           .month_end = INT64_MIN};
    return roster;
}

static void object_release(dbk_object *object, dbk_versions *versions)
{
    if (versions)
        dbk_versions_drop(versions, object);
    else
        dbk_object_free(object);
}

void dbk_roster_destroy(dbk_roster *roster, dbk_versions *versions)
{
    if (!roster)
        return;
    for (uint32_t i = 0; roster->entries && i < roster->entries->count; i++) {
        dbk_roster_run_release(roster->entries->list[i].run, versions);
        dbk_roster_run_release(roster->entries->list[i].changes, versions);
    }
    for (uint32_t i = 0; roster->periods && i < roster->periods->count; i++)
        object_release(&roster->periods->list[i]->object, versions);
    object_release(roster->periods ? &roster->periods->object : NULL, versions);
    object_release(roster->entries ? &roster->entries->object : NULL, versions);
    object_release(roster->log ? &roster->log->object : NULL, versions);
    free(roster->gathered);
    free(roster);
}

const dbk_zone *dbk_roster_zone(const dbk_roster *roster)
{
    return roster->zone;
}

const dbk_roster_shape *dbk_roster_shape_of(const dbk_roster *roster)
{
    return &roster->shape;
}

uint32_t dbk_roster_counted(const dbk_roster *roster)
{
    return roster->counted;
}

void dbk_roster_set_counted(dbk_roster *roster, uint32_t slots)
{
    roster->counted = slots;
}

// ---- Entries ----

static void span_of(int level, int32_t month, int32_t *first, int32_t *last)
{
    int32_t year = (int32_t)dbk_floor_div(month, MONTHS) * MONTHS;
    *first = level == MONTH ? month : level == YEAR ? year : INT32_MIN;
    *last = level == MONTH ? month : level == YEAR ? year + MONTHS - 1 : INT32_MAX;
}

static bool is_entry(const dbk_roster_entry *entry, int32_t first, int32_t last, uint32_t dim)
{
    return entry->first == first && entry->last == last && entry->dim == dim;
}

static dbk_roster_entries *entries_create(dbk_versions *versions, const dbk_roster_entries *old,
                                          uint32_t capacity)
{
    dbk_roster_entries *entries =
        dbk_versions_create(versions, sizeof *entries + capacity * sizeof entries->list[0], NULL);
    if (!entries)
        return NULL;
    entries->capacity = capacity;
    entries->count = old ? old->count : 0;
    if (old)
        memcpy(entries->list, old->list, old->count * sizeof old->list[0]);
    return entries;
}

// Makes them this generation's, with room for one more.
static bool entries_own(dbk_roster *roster)
{
    dbk_roster_entries *old = roster->entries;
    if (old && dbk_versions_is_own(roster->versions, &old->object) && old->count < old->capacity)
        return true;
    dbk_roster_entries *own =
        entries_create(roster->versions, old, old ? old->count + 1 + old->count / 4 : 16);
    if (!own)
        return false;
    roster->entries = own;
    dbk_versions_drop(roster->versions, old ? &old->object : NULL);
    return true;
}

// The entry's index, made when it is not there. UINT32_MAX when memory is out.
static uint32_t entry_find(dbk_roster *roster, int level, int32_t month, uint32_t dim)
{
    int32_t first, last;
    uint32_t *met = &roster->met[level];
    span_of(level, month, &first, &last);
    const dbk_roster_entries *entries = roster->entries;
    if (entries && *met < entries->count && is_entry(&entries->list[*met], first, last, dim))
        return *met;
    for (uint32_t i = entries ? entries->count : 0; i-- > 0;)
        if (is_entry(&entries->list[i], first, last, dim))
            return *met = i;
    if (!entries_own(roster))
        return UINT32_MAX;
    *met = roster->entries->count++;
    roster->entries->list[*met] = (dbk_roster_entry){.first = first, .last = last, .dim = dim};
    return *met;
}

// ---- Sorting ----

// Stable, by keys[i] of the i-th in `from`, all below `keys_count`; starts[k] is where those of key k begin.
static void sort_by(const dbk_roster_record *const *from, const uint32_t *keys, size_t count,
                    uint32_t keys_count, uint32_t *starts, const dbk_roster_record **to)
{
    memset(starts, 0, (keys_count + 1) * sizeof *starts);
    for (size_t i = 0; i < count; i++)
        starts[keys[i] + 1]++;
    for (uint32_t k = 0; k < keys_count; k++)
        starts[k + 1] += starts[k];
    for (size_t i = 0; i < count; i++)
        to[starts[keys[i]]++] = from[i];
    memmove(starts + 1, starts, keys_count * sizeof *starts);
    starts[0] = 0;
}

// Those of one entry, by block and into its run.
static bool put_entry(dbk_roster *roster, uint32_t at, const dbk_roster_record **records, size_t count,
                      const dbk_roster_record **room, uint32_t *keys, bool are_changes)
{
    uint32_t blocks = 0;
    for (size_t i = 0; i < count; i++) {
        keys[i] = records[i]->code / DBK_ROSTER_CODES;
        blocks = keys[i] >= blocks ? keys[i] + 1 : blocks;
    }
    uint32_t *starts = malloc((blocks + 1) * sizeof *starts);
    if (!starts)
        return false;
    sort_by(records, keys, count, blocks, starts, room);
    free(starts);
    dbk_roster_entry *entry = &roster->entries->list[at];
    return dbk_roster_run_add(are_changes ? &entry->changes : &entry->run, roster->versions, room, count,
                              are_changes);
}

// Puts records into the runs of a level, in order.
static bool put(dbk_roster *roster, const dbk_roster_record *records, size_t count, int level,
                bool are_changes)
{
    if (count == 0)
        return true;
    const dbk_roster_record **lists = malloc(2 * count * sizeof(*lists));
    uint32_t *keys = malloc(count * sizeof *keys), *starts = NULL;
    bool ok = lists && keys && entries_own(roster);
    for (size_t i = 0; ok && i < count; i++) {
        lists[i] = &records[i];
        keys[i] = entry_find(roster, level, records[i].month, records[i].dim);
        ok = keys[i] != UINT32_MAX;
    }
    uint32_t entries = ok ? roster->entries->count : 0;
    starts = ok ? malloc((entries + 1) * sizeof *starts) : NULL;
    ok = starts != NULL;
    if (ok)
        sort_by(lists, keys, count, entries, starts, lists + count);
    for (uint32_t e = 0; ok && e < entries; e++)
        if (starts[e + 1] > starts[e])
            ok = put_entry(roster, e, lists + count + starts[e], starts[e + 1] - starts[e], lists, keys,
                           are_changes);
    free(lists);
    free(keys);
    free(starts);
    return ok;
}

// ---- Tops ----

static bool is_of(const dbk_roster_tops *tops, int32_t first, int32_t last)
{
    return tops->first == first && tops->last == last;
}

// Puts tops in the place of those of the same months, or beside the others.
static bool tops_put(dbk_roster *roster, dbk_roster_tops *tops)
{
    dbk_roster_periods *old = roster->periods;
    uint32_t count = old ? old->count : 0, at = 0;
    if (!tops)
        return false;
    while (at < count && !is_of(old->list[at], tops->first, tops->last))
        at++;
    dbk_roster_periods *own =
        dbk_versions_create(roster->versions, sizeof *own + (count + 1) * sizeof own->list[0], NULL);
    if (!own) {
        dbk_object_free(&tops->object);
        return false;
    }
    own->count = at < count ? count : count + 1;
    if (old)
        memcpy(own->list, old->list, count * sizeof own->list[0]);
    if (at < count)
        dbk_versions_drop(roster->versions, &old->list[at]->object);
    own->list[at] = tops;
    roster->periods = own;
    dbk_versions_drop(roster->versions, old ? &old->object : NULL);
    return true;
}

static bool has_tops(const dbk_roster *roster, const dbk_roster_entry *entry)
{
    for (uint32_t i = 0; roster->periods && i < roster->periods->count; i++)
        if (is_of(roster->periods->list[i], entry->first, entry->last))
            return true;
    return false;
}

// Of the entry's period.
static bool tops_make(dbk_roster *roster, const dbk_roster_entry *entry)
{
    return tops_put(roster,
                    dbk_roster_tops_make(roster->versions, roster->entries, entry->first, entry->last));
}

// ---- Changes into runs ----

// Puts an entry's changes into its run when they are worth it, or at once.
static bool fold(dbk_roster *roster, uint32_t at, bool at_once)
{
    dbk_roster_entry *entry = &roster->entries->list[at];
    dbk_roster_run *changes = entry->changes;
    if (!changes || (!at_once && entry->run && changes->cells * CHANGES_SHARE <= entry->run->cells))
        return true;
    if (!dbk_roster_run_merge(&entry->run, roster->versions, changes))
        return false;
    entry->changes = NULL;
    dbk_roster_run_release(changes, roster->versions);
    return !roster->periods || tops_make(roster, entry);
}

// Records that change what is whole, or what is being made: then longer periods wait for the months.
static bool put_changes(dbk_roster *roster, const dbk_roster_record *records, size_t count)
{
    bool ok = true;
    for (int level = 0; ok && level < (dbk_roster_is_whole(roster) ? LEVELS : MONTH + 1); level++)
        ok = put(roster, records, count, level, true);
    for (uint32_t i = 0; ok && roster->entries && i < roster->entries->count; i++)
        ok = fold(roster, i, false);
    return ok;
}

// ---- Longer periods ----

// A run of the months that an entry is of.
static bool derive(dbk_roster *roster, uint32_t at)
{
    dbk_roster_entry *entry = &roster->entries->list[at];
    uint32_t count = 0;
    const dbk_roster_run **runs = malloc(roster->entries->count * sizeof(*runs));
    for (uint32_t i = 0; runs && i < roster->entries->count; i++) {
        const dbk_roster_entry *month = &roster->entries->list[i];
        if (month->first == month->last && month->dim == entry->dim && month->first >= entry->first &&
            month->first <= entry->last && month->run)
            runs[count++] = month->run;
    }
    entry->run = runs ? dbk_roster_run_sum(roster->versions, runs, count) : NULL;
    free(runs);
    return entry->run != NULL;
}

// Entries of all levels for the months that there are. Changes of counted rows may have made some already.
static bool entries_complete(dbk_roster *roster)
{
    uint32_t months = roster->entries ? roster->entries->count : 0;
    for (uint32_t i = 0; i < months; i++) {
        const dbk_roster_entry entry = roster->entries->list[i];
        for (int level = YEAR; entry.first == entry.last && level < LEVELS; level++)
            if (entry_find(roster, level, entry.first, entry.dim) == UINT32_MAX)
                return false;
    }
    return entries_own(roster);
}

bool dbk_roster_finish(dbk_roster *roster)
{
    bool ok = dbk_roster_gathered(roster) && dbk_roster_flush(roster) && entries_complete(roster);
    // Months' changes first, so that what is made of the months has them.
    for (uint32_t i = 0; ok && i < roster->entries->count; i++)
        ok = fold(roster, i, true);
    for (uint32_t i = 0; ok && i < roster->entries->count; i++)
        ok = roster->entries->list[i].first == roster->entries->list[i].last || derive(roster, i);
    for (uint32_t i = 0; ok && i < roster->entries->count; i++)
        ok = has_tops(roster, &roster->entries->list[i]) || tops_make(roster, &roster->entries->list[i]);
    roster->counted = DBK_ROSTER_WHOLE;
    return ok;
}

// ---- Changes ----

bool dbk_roster_flush(dbk_roster *roster)
{
    dbk_roster_log *log = roster->log;
    if (roster->logged == 0)
        return true;
    if (!put_changes(roster, log->records, roster->logged))
        return false;
    roster->log = NULL;
    roster->logged = 0;
    dbk_versions_drop(roster->versions, &log->object);
    return true;
}

static bool record_make(dbk_roster *roster, const dbk_roster_rows *rows, uint32_t i, int sign,
                        dbk_roster_record *out)
{
    int64_t ms = rows->times ? rows->times[i] : DBK_NULL, value = rows->values ? rows->values[i] : DBK_NULL;
    if (ms == DBK_NULL || value == DBK_NULL)
        return false;
    if (ms < roster->month_start || ms >= roster->month_end)
        roster->month =
            dbk_rollup_bucket(DBK_GRAIN_MONTH, roster->zone, ms, &roster->month_start, &roster->month_end);
    roster->first_ms = ms < roster->first_ms ? ms : roster->first_ms;
    roster->last_ms = ms > roster->last_ms ? ms : roster->last_ms;
    *out = (dbk_roster_record){.ms = ms,
                               .value = value,
                               .sign = sign,
                               .month = roster->month,
                               .dim = rows->dims ? rows->dims[i] : 0,
                               .code = rows->who ? rows->who[i] : 0};
    return true;
}

bool dbk_roster_log_rows(dbk_roster *roster, const dbk_roster_rows *rows, int sign)
{
    for (uint32_t i = 0; i < rows->count; i++) {
        if (!roster->log && !(roster->log = dbk_versions_create(roster->versions, sizeof *roster->log, NULL)))
            return false;
        dbk_roster_record *r = &roster->log->records[roster->logged];
        if (!record_make(roster, rows, i, sign, r))
            return false;
        for (int level = 0; level < LEVELS; level++)
            if (entry_find(roster, level, r->month, r->dim) == UINT32_MAX)
                return false;
        if (++roster->logged == DBK_ROSTER_LOG && !dbk_roster_flush(roster))
            return false;
    }
    return true;
}

// While it is made there is nothing that they would be changes of.
static bool put_gathered(dbk_roster *roster)
{
    size_t count = roster->gathered_count;
    roster->gathered_count = 0;
    return dbk_roster_is_whole(roster) ? put_changes(roster, roster->gathered, count)
                                       : put(roster, roster->gathered, count, MONTH, false);
}

bool dbk_roster_gather(dbk_roster *roster, const dbk_roster_rows *rows, int sign)
{
    if (!roster->gathered && !(roster->gathered = malloc(GATHERED_MAX * sizeof *roster->gathered)))
        return false;
    for (uint32_t i = 0; i < rows->count; i++) {
        if (!record_make(roster, rows, i, sign, &roster->gathered[roster->gathered_count]))
            return false;
        if (++roster->gathered_count < GATHERED_MAX)
            continue;
        if (!put_gathered(roster))
            return false;
    }
    return true;
}

bool dbk_roster_gathered(dbk_roster *roster)
{
    bool ok = put_gathered(roster);
    free(roster->gathered);
    roster->gathered = NULL;
    return ok;
}

// ---- Images ----

dbk_roster_view *dbk_roster_freeze(const dbk_roster *roster)
{
    dbk_roster_view *view = dbk_versions_create(roster->versions, sizeof *view, NULL);
    if (!view)
        return NULL;
    view->shape = roster->shape;
    view->zone = roster->zone;
    view->entries = roster->entries;
    view->periods = roster->periods;
    view->log = roster->log;
    view->logged = roster->logged;
    view->first_ms = roster->first_ms;
    view->last_ms = roster->last_ms;
    return view;
}
