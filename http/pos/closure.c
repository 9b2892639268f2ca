// SPDX-License-Identifier: Apache-2.0
// What a closure says.
#include "http/pos/closure.h"

#include "http/app/row_batch.h"
#include "http/pos/kept.h"
#include "http/pos/report.h"
#include "ingest/store/closure_chain.h"

#include <string.h>

// ---- The newest closure ----

static dbk_status query_last(const dbk_snapshot *snapshot, dbk_text tenant, const char *const *fields,
                             int fields_count, dbk_result **out, dbk_error *err)
{
    static const dbk_order newest_first = {.output = 0, .descending = true}; // the number
    dbk_query query = {.table = "closures",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .fields = fields,
                       .fields_count = fields_count,
                       .order = &newest_first,
                       .order_count = 1,
                       .limit = 1};
    return dbk_query_run(snapshot, tenant, &query, out, err);
}

dbk_status dbk_pos_closure_last(const dbk_snapshot *snapshot, dbk_text tenant, dbk_pos_last_closure *out,
                                dbk_error *err)
{
    static const char *const fields[] = {"number", "created_at", "hash"};
    *out = (dbk_pos_last_closure){.at_ms = DBK_NULL};
    memcpy(out->hash, dbk_closure_chain_start, DBK_SHA256_HEX);
    dbk_result *rows;
    DBK_TRY(query_last(snapshot, tenant, fields, DBK_COUNT(fields), &rows, err));
    if (dbk_result_rows(rows) > 0) {
        dbk_text hash = dbk_result_text(rows, 0, 2);
        out->number = dbk_result_int(rows, 0, 0);
        out->at_ms = dbk_result_int(rows, 0, 1);
        memcpy(out->hash, hash.data, hash.length < DBK_SHA256_HEX ? hash.length : DBK_SHA256_HEX);
    }
    dbk_result_free(rows);
    return DBK_OK;
}

// ---- Periods ----

typedef struct drafting {
    dbk_pos_draft *draft;
    dbk_pos_book *book;
    dbk_pos_gathering g;
    dbk_settings settings;
    dbk_pos_ledger ledger;
    dbk_pos_figures all, totals, adjustment;
} drafting;

static void set_period(drafting *d, int64_t now_ms)
{
    dbk_pos_draft *draft = d->draft;
    const dbk_bucket business_day = {.unit = DBK_UNIT_DAY,
                                     .count = 1,
                                     .day_start_minutes = d->settings.business_day_minutes,
                                     .zone = d->settings.zone};
    int64_t last_ms = draft->last.at_ms, day_end;
    draft->number = draft->last.number + 1;
    // A clock that was put back makes an empty period, never one that overlaps.
    draft->at_ms = last_ms != DBK_NULL && last_ms > now_ms ? last_ms : now_ms;
    dbk_bucket_span(&business_day, draft->at_ms, &draft->from_ms, &day_end);
    if (last_ms != DBK_NULL && last_ms >= draft->from_ms)
        draft->from_ms = last_ms + 1;
    dbk_pos_span span = {.grouping = DBK_POS_CLOSURE, .from_ms = draft->number, .to_ms = DBK_NULL};
    draft->id = dbk_pos_id_make(d->g.tenant, &span);
}

// What the closures so far said all together is what the last of them was sealed with.
static dbk_status read_sealed(drafting *d, dbk_error *err)
{
    static const char *const fields[] = {"number", "totals"};
    if (d->draft->last.number == 0)
        return DBK_OK;
    dbk_result *rows;
    DBK_TRY(query_last(d->g.snapshot, d->g.tenant, fields, DBK_COUNT(fields), &rows, err));
    dbk_status status =
        dbk_pos_kept_read(&d->ledger, dbk_result_text(rows, 0, 1), DBK_POS_SEALED, -1, 0, err);
    dbk_result_free(rows);
    return status;
}

// ---- The draft ----

static const dbk_pos_window *only_window(const dbk_pos_figures *figures)
{
    return figures->windows_count > 0 ? &figures->windows[0] : NULL;
}

static bool is_something(const dbk_pos_window *window)
{
    return window != NULL && (window->registers_count > 0 || window->categories_count > 0);
}

static dbk_status write_draft(drafting *d, dbk_error *err)
{
    dbk_pos_draft *draft = d->draft;
    dbk_out totals = dbk_out_init(&draft->totals);
    dbk_pos_kept_write(&totals, only_window(&d->totals));
    dbk_pos_figures_sort(&d->all);
    const dbk_pos_window *adjustment = only_window(&d->adjustment);
    dbk_pos_report report = {.id = draft->id,
                             .timestamp_ms = draft->at_ms,
                             .interval_ms = draft->at_ms > draft->from_ms ? draft->at_ms - draft->from_ms : 0,
                             .window = only_window(&d->all),
                             .digits = d->settings.currency_digits,
                             .hides_average = true,
                             .adjustment = is_something(adjustment) ? adjustment : NULL};
    dbk_out out = dbk_out_init(&draft->report);
    dbk_pos_report_write(&out, &report);
    return draft->report.failed || draft->totals.failed
               ? dbk_fail(err, DBK_NO_MEMORY, "Out of memory; nothing was stored.")
               : DBK_OK;
}

static dbk_status draft_with(drafting *d, int64_t now_ms, dbk_error *err)
{
    enum { EVERYTHING = DBK_POS_PERIOD | DBK_POS_BEFORE | DBK_POS_SEALED };
    DBK_TRY(dbk_settings_read(d->g.snapshot, d->g.tenant, &d->settings, err));
    DBK_TRY(dbk_pos_closure_last(d->g.snapshot, d->g.tenant, &d->draft->last, err));
    d->g.currency = dbk_text_from(d->settings.currency);
    set_period(d, now_ms);
    d->g.from_ms = d->draft->from_ms;
    d->g.to_ms = d->draft->at_ms;
    DBK_TRY(dbk_pos_book_gather(d->book, &d->ledger, &d->g, err));
    DBK_TRY(read_sealed(d, err));
    DBK_TRY(dbk_pos_figures_make(&d->all, &d->ledger, EVERYTHING, false, err));
    DBK_TRY(dbk_pos_figures_make(&d->totals, &d->ledger, DBK_POS_PERIOD | DBK_POS_BEFORE, false, err));
    DBK_TRY(dbk_pos_figures_make(&d->adjustment, &d->ledger, DBK_POS_BEFORE | DBK_POS_SEALED, false, err));
    return write_draft(d, err);
}

dbk_status dbk_pos_draft_make(dbk_pos_draft *out, dbk_pos_book *book, const dbk_snapshot *snapshot,
                              dbk_text tenant, int64_t now_ms, int threads, dbk_error *err)
{
    *out = (dbk_pos_draft){0};
    drafting d = {
        .draft = out, .book = book, .g = {.snapshot = snapshot, .tenant = tenant, .threads = threads}};
    dbk_status status = draft_with(&d, now_ms, err);
    dbk_pos_figures_dispose(&d.all);
    dbk_pos_figures_dispose(&d.totals);
    dbk_pos_figures_dispose(&d.adjustment);
    dbk_pos_ledger_dispose(&d.ledger);
    return status;
}

void dbk_pos_draft_dispose(dbk_pos_draft *draft)
{
    dbk_buffer_dispose(&draft->report);
    dbk_buffer_dispose(&draft->totals);
}

// ---- Reading one ----

void dbk_pos_closure_answer(dbk_call *call, dbk_text id)
{
    dbk_value key = {.kind = DBK_VALUE_TEXT, .text = id};
    dbk_result *rows;
    dbk_error err;
    dbk_status status =
        dbk_stored_rows(dbk_call_snapshot(call), call->tenant, DBK_CLOSURES, &key, 1, &rows, &err);
    if (status != DBK_OK) {
        dbk_call_fail_read(call, status, &err);
        return;
    }
    bool is_there = dbk_result_rows(rows) > 0;
    if (is_there) {
        dbk_text report = dbk_stored_text(rows, 0, DBK_CLOSURES, "report");
        dbk_buffer_append(&call->body, report.data, report.length);
    }
    dbk_result_free(rows);
    if (is_there)
        dbk_call_answer_json(call, 200);
    else
        dbk_pos_report_not_found(call);
}
