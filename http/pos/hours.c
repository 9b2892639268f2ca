// SPDX-License-Identifier: Apache-2.0
// Keeping hours, and taking names from them.
#include "http/pos/hours.h"

#include "http/app/row_batch.h"
#include "http/app/settings.h"
#include "http/app/system_row.h"
#include "http/pos/gather.h"
#include "http/pos/kept.h"

#include <stdio.h>
#include <stdlib.h>

enum { CHUNK_HOURS = 24 };

static dbk_bucket hours_of(const dbk_zone *zone)
{
    return (dbk_bucket){.unit = DBK_UNIT_HOUR, .count = 1, .zone = zone};
}

static int64_t hour_start(const dbk_zone *zone, int64_t ms)
{
    dbk_bucket hours = hours_of(zone);
    int64_t start, end;
    dbk_bucket_span(&hours, ms, &start, &end);
    return start;
}

// ---- Names ----

typedef struct name_search {
    dbk_pos_figures *figures;
    const dbk_pos_naming *of;
    size_t *unnamed; // of each window: how many names are still to be found
} name_search;

static size_t count_names(const dbk_pos_window *window)
{
    size_t count = window->categories_count;
    for (size_t c = 0; c < window->categories_count; c++)
        count += window->categories[c].foods_count;
    for (size_t r = 0; r < window->registers_count; r++)
        count += window->registers[r].id.length > 0;
    return count;
}

static dbk_text keep_text(dbk_pos_figures *figures, dbk_text text)
{
    const char *copy = dbk_arena_copy(&figures->arena, text.data, text.length);
    return copy != NULL ? (dbk_text){copy, text.length} : (dbk_text){NULL, 0};
}

// A name that was empty on the hour says nothing.
static void set_name(name_search *n, size_t window, dbk_text *name, bool *is_named, dbk_text kept)
{
    if (*is_named || kept.length == 0)
        return;
    *is_named = true;
    n->unnamed[window]--;
    if (!dbk_text_equal(*name, kept))
        *name = keep_text(n->figures, kept);
}

static void take_names(name_search *n, size_t index, const dbk_pos_ledger *hour)
{
    const dbk_pos_window *window = &n->figures->windows[index];
    const dbk_pos_tickets *tickets = (const dbk_pos_tickets *)(const void *)hour->tickets.data;
    for (size_t i = 0; i < hour->tickets.size / sizeof(*tickets); i++) {
        dbk_pos_register *r = dbk_pos_register_find(window, tickets[i].register_id);
        if (r != NULL && r->id.length > 0)
            set_name(n, index, &r->name, &r->is_named, tickets[i].register_name);
    }
    const dbk_pos_items *items = (const dbk_pos_items *)(const void *)hour->items.data;
    for (size_t i = 0; i < hour->items.size / sizeof(*items); i++) {
        dbk_pos_category *category = dbk_pos_category_find(window, items[i].category_id);
        if (category == NULL)
            continue;
        set_name(n, index, &category->name, &category->is_named, items[i].category_name);
        dbk_pos_food *food = dbk_pos_food_find(category, items[i].food_id);
        if (food != NULL)
            set_name(n, index, &food->name, &food->is_named, items[i].food_name);
    }
}

static dbk_pos_window *window_of_hour(const name_search *n, int64_t hour)
{
    if (n->of->bucket == NULL)
        return &n->figures->windows[0];
    int64_t start, end;
    dbk_bucket_span(n->of->bucket, hour, &start, &end);
    return dbk_pos_window_find(n->figures, start);
}

static dbk_status name_by(name_search *n, const dbk_result *hours, dbk_error *err)
{
    for (size_t row = 0; row < dbk_result_rows(hours); row++) {
        dbk_pos_window *window = window_of_hour(n, dbk_result_int(hours, row, 0));
        size_t index = window != NULL ? (size_t)(window - n->figures->windows) : 0;
        if (window == NULL || n->unnamed[index] == 0)
            continue;
        dbk_pos_ledger hour = {0};
        dbk_status status =
            dbk_pos_kept_read(&hour, dbk_result_text(hours, row, 1), DBK_POS_PERIOD, 1, 0, err);
        if (status == DBK_OK && (hour.tickets.failed || hour.items.failed))
            status = dbk_fail(err, DBK_NO_MEMORY, "no memory for names");
        if (status == DBK_OK)
            take_names(n, index, &hour);
        dbk_pos_ledger_dispose(&hour);
        if (status != DBK_OK)
            return status;
    }
    return DBK_OK;
}

dbk_status dbk_pos_hours_name(dbk_pos_figures *figures, const dbk_pos_naming *naming, dbk_error *err)
{
    static const char *const fields[] = {"created_at", "report"};
    static const dbk_order newest_first = {.output = 0, .descending = true};
    if (figures->windows_count == 0 ||
        dbk_snapshot_rows(naming->snapshot, naming->tenant, DBK_POS_SNAPSHOTS) == 0)
        return DBK_OK;
    name_search n = {.figures = figures, .of = naming};
    n.unnamed = dbk_arena_alloc(&figures->arena, figures->windows_count * sizeof(*n.unnamed));
    if (n.unnamed == NULL)
        return dbk_fail(err, DBK_NO_MEMORY, "no memory for names");
    for (size_t i = 0; i < figures->windows_count; i++)
        n.unnamed[i] = count_names(&figures->windows[i]);
    // The hour that the span begins in is the first.
    dbk_query query = {.table = "pos_snapshots",
                       .from_ms = hour_start(naming->zone, naming->from_ms),
                       .to_ms = naming->to_ms + 1,
                       .fields = fields,
                       .fields_count = DBK_COUNT(fields),
                       .order = &newest_first,
                       .order_count = 1};
    dbk_result *hours;
    DBK_TRY(dbk_query_run(naming->snapshot, naming->tenant, &query, &hours, err));
    dbk_status status = name_by(&n, hours, err);
    dbk_result_free(hours);
    return status;
}

// ---- Keeping ----

static dbk_status last_kept(const dbk_snapshot *snapshot, dbk_text tenant, int64_t *out, dbk_error *err)
{
    static const dbk_aggregate last = {.kind = DBK_MAX, .column = "created_at"};
    dbk_query query = {.table = "pos_snapshots",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .aggregates = &last,
                       .aggregates_count = 1};
    dbk_result *rows;
    DBK_TRY(dbk_query_run(snapshot, tenant, &query, &rows, err));
    *out = dbk_result_rows(rows) > 0 ? dbk_result_int(rows, 0, 0) : DBK_NULL;
    dbk_result_free(rows);
    return DBK_OK;
}

static dbk_status fill_row(dbk_batch *batch, uint32_t row, const dbk_pos_window *window, int64_t now_ms,
                           dbk_error *err)
{
    char id[24];
    int length = snprintf(id, sizeof(id), "%lld", (long long)window->start_ms);
    dbk_buffer text = {0};
    dbk_out out = dbk_out_init(&text);
    dbk_pos_kept_write(&out, window);
    dbk_status status = text.failed ? dbk_fail(err, DBK_NO_MEMORY, "no memory for an hour") : DBK_OK;
    if (status == DBK_OK)
        status = dbk_row_batch_text(batch, row, "id", (dbk_text){id, (uint32_t)length}, err);
    if (status == DBK_OK)
        status = dbk_row_batch_text(batch, row, "report",
                                    (dbk_text){(const char *)text.data, (uint32_t)text.size}, err);
    dbk_row_batch_int(batch, row, "created_at", window->start_ms);
    dbk_row_batch_int(batch, row, "taken_at", now_ms);
    dbk_buffer_dispose(&text);
    return status;
}

static dbk_status store_hours(dbk_store *store, dbk_text tenant, const dbk_pos_figures *figures,
                              int64_t now_ms, dbk_error *err)
{
    uint32_t count = (uint32_t)figures->windows_count;
    dbk_batch batch = {0};
    const dbk_batch *batches[] = {&batch};
    dbk_status status = dbk_row_batch_init(&batch, DBK_POS_SNAPSHOTS, count, err);
    for (uint32_t row = 0; row < count && status == DBK_OK; row++)
        status = fill_row(&batch, row, &figures->windows[row], now_ms, err);
    if (status == DBK_OK)
        status = dbk_system_rows_write(store, tenant, batches, 1, err);
    dbk_batch_dispose(&batch);
    return status;
}

static dbk_status keep_chunk(dbk_store *store, const dbk_pos_gathering *g, int64_t now_ms, int *taken,
                             dbk_error *err)
{
    dbk_pos_ledger ledger = {0};
    dbk_pos_figures figures = {0};
    dbk_status status = dbk_pos_gather(&ledger, DBK_POS_PERIOD, g, err);
    if (status == DBK_OK)
        status = dbk_pos_figures_make(&figures, &ledger, DBK_POS_PERIOD, true, err);
    if (status == DBK_OK && figures.windows_count > 0)
        status = store_hours(store, g->tenant, &figures, now_ms, err);
    if (status == DBK_OK)
        *taken += (int)figures.windows_count;
    dbk_pos_figures_dispose(&figures);
    dbk_pos_ledger_dispose(&ledger);
    return status;
}

static dbk_status keep_due(dbk_store *store, const dbk_snapshot *snapshot, dbk_text tenant, int64_t now_ms,
                           int *taken, dbk_error *err)
{
    dbk_settings settings;
    int64_t last_ms;
    DBK_TRY(dbk_settings_read(snapshot, tenant, &settings, err));
    DBK_TRY(last_kept(snapshot, tenant, &last_ms, err));
    dbk_bucket hours = hours_of(settings.zone);
    int64_t start, end;
    dbk_bucket_span(&hours, now_ms, &start, &end);
    dbk_pos_gathering g = {
        .snapshot = snapshot,
        .tenant = tenant,
        .currency = dbk_text_from(settings.currency),
        .from_ms = hour_start(settings.zone, now_ms - (int64_t)DBK_POS_HOURS_MISSED_DAYS * DBK_MS_DAY),
        .to_ms = start - 1,
        .bucket = &hours,
        .threads = 1};
    if (last_ms != DBK_NULL && last_ms >= g.from_ms) {
        dbk_bucket_span(&hours, last_ms, &start, &end);
        g.from_ms = end;
    }
    dbk_pos_extent extent;
    DBK_TRY(dbk_pos_measure(&g, &extent, err));
    // Hour by hour would be a walk over the lines for each; all at once would be all of it in memory.
    int64_t to_ms = g.to_ms;
    for (int64_t at = extent.first_ms; extent.orders > 0 && at <= extent.last_ms; at = g.to_ms + 1) {
        g.from_ms = hour_start(settings.zone, at);
        g.to_ms = hour_start(settings.zone, g.from_ms + (int64_t)CHUNK_HOURS * DBK_MS_HOUR) - 1;
        g.to_ms = g.to_ms < to_ms ? g.to_ms : to_ms;
        DBK_TRY(keep_chunk(store, &g, now_ms, taken, err));
    }
    return DBK_OK;
}

dbk_status dbk_pos_hours_take(dbk_store *store, dbk_text tenant, int64_t now_ms, int *taken, dbk_error *err)
{
    dbk_db *db = dbk_store_db(store);
    dbk_read read = dbk_read_begin(db);
    *taken = 0;
    dbk_status status = keep_due(store, read.snapshot, tenant, now_ms, taken, err);
    dbk_read_end(db, &read);
    return status;
}
