// SPDX-License-Identifier: Apache-2.0
// GET /v1/reports and GET /v1/reports/{id}: reports by window of time (P6, P7, PA1 to PA6).
//
// A range is cut into the windows that it touches; the first and the last may be parts, counted exactly to
// the millisecond and shown under the window's own start and length. The same steps, for a single window,
// read a report again by its id.
#include "http/pos/closure.h"
#include "http/pos/gather.h"
#include "http/pos/handlers.h"
#include "http/pos/hours.h"
#include "http/pos/report.h"

// Of a list, so that it stays of a size that a client can take.
enum { WINDOWS_MAX = 20000 };
static const char too_many[] = "a list has at most 20,000 windows; ask for a shorter range or longer windows";

static const char *const grouping_names[] = {[DBK_POS_1H] = "1h",
                                             [DBK_POS_4H] = "4h",
                                             [DBK_POS_12H] = "12h",
                                             [DBK_POS_DAY] = "day",
                                             [DBK_POS_ALL] = "all"};

typedef struct listing {
    dbk_call *call;
    dbk_settings settings;
    dbk_pos_grouping grouping;
    dbk_bucket room;
    const dbk_bucket *bucket; // NULL: one window over the whole range
    int64_t from_ms, to_ms;   // both inclusive
    bool is_live;             // the range goes on: it ends with this moment only because nothing came after
    bool fills;
    dbk_pos_ledger ledger;
    dbk_pos_figures figures;
} listing;

// ---- What was asked ----

static bool find_grouping(dbk_text name, dbk_pos_grouping *out)
{
    for (size_t i = 0; i < DBK_COUNT(grouping_names); i++) {
        if (!dbk_text_equal(name, dbk_text_from(grouping_names[i])))
            continue;
        *out = (dbk_pos_grouping)i;
        return true;
    }
    return false;
}

// A date alone as `to` means the whole day.
static bool read_to(listing *l, dbk_text text, int64_t *out)
{
    dbk_time_form form;
    if (!dbk_time_parse(text.data, text.length, l->settings.zone, out, &form))
        return false;
    if (form == DBK_TIME_DATE) {
        int64_t start, end;
        const dbk_bucket day = {.unit = DBK_UNIT_DAY, .count = 1, .zone = l->settings.zone};
        dbk_bucket_span(&day, *out, &start, &end);
        *out = end - 1;
    }
    return true;
}

static const char *read_range(listing *l)
{
    dbk_call *call = l->call;
    dbk_text from = dbk_call_param(call, "from"), to = dbk_call_param(call, "to");
    dbk_time_form form;
    if (from.length == 0)
        return "from is required";
    if (!dbk_time_parse(from.data, from.length, l->settings.zone, &l->from_ms, &form))
        return "from must be a date or time as in ISO 8601";
    l->to_ms = call->now_ms;
    l->is_live = true;
    if (to.length == 0)
        return NULL;
    int64_t to_ms;
    if (!read_to(l, to, &to_ms))
        return "to must be a date or time as in ISO 8601";
    if (l->from_ms > to_ms)
        return "from must not be after to";
    if (to_ms < call->now_ms) {
        l->to_ms = to_ms;
        l->is_live = false;
    }
    return NULL;
}

static const char *read_fill(listing *l)
{
    dbk_text fill = dbk_call_param(l->call, "fill");
    l->fills = dbk_text_equal(fill, DBK_TEXT("true"));
    if (fill.length > 0 && !l->fills && !dbk_text_equal(fill, DBK_TEXT("false")))
        return "fill must be true or false";
    if (l->fills && l->bucket != NULL && l->from_ms <= l->to_ms &&
        (l->to_ms - l->from_ms) / DBK_MS_HOUR / (l->bucket->unit == DBK_UNIT_DAY ? 24 : l->bucket->count) >
            WINDOWS_MAX)
        return too_many;
    return NULL;
}

// The reason of a refusal, or NULL.
static const char *read_request(listing *l)
{
    if (!find_grouping(dbk_call_param(l->call, "groupBy"), &l->grouping))
        return "groupBy must be one of 1h, 4h, 12h, day, all";
    l->bucket = dbk_pos_bucket(l->grouping, l->settings.zone, &l->room);
    const char *why = read_range(l);
    return why != NULL ? why : read_fill(l);
}

// ---- Figures ----

static dbk_status gather(listing *l, dbk_error *err)
{
    dbk_call *call = l->call;
    dbk_pos_gathering g = {.snapshot = dbk_call_snapshot(call),
                           .tenant = call->tenant,
                           .currency = dbk_text_from(l->settings.currency),
                           .from_ms = l->from_ms,
                           .to_ms = l->to_ms,
                           .bucket = l->bucket,
                           .window_ms = l->from_ms,
                           .threads = dbk_call_threads(call)};
    dbk_pos_naming naming = {g.snapshot, g.tenant, l->settings.zone, g.bucket, g.from_ms, g.to_ms};
    DBK_TRY(dbk_pos_gather(&l->ledger, DBK_POS_PERIOD, &g, err));
    DBK_TRY(dbk_pos_figures_make(&l->figures, &l->ledger, DBK_POS_PERIOD, true, err));
    DBK_TRY(dbk_pos_hours_name(&l->figures, &naming, err));
    dbk_pos_figures_sort(&l->figures);
    return DBK_OK;
}

// Ends the call when it went wrong.
static void end(listing *l, dbk_status status, const dbk_error *err, bool is_too_long)
{
    dbk_call *call = l->call;
    dbk_pos_figures_dispose(&l->figures);
    dbk_pos_ledger_dispose(&l->ledger);
    if (is_too_long)
        dbk_call_fail(call, 400, too_many);
    else if (status == DBK_OK)
        dbk_call_answer_json(call, 200);
    else
        dbk_call_fail_read(call, status, err);
}

// ---- Windows ----

static void span_of(const listing *l, int64_t ms, int64_t *start, int64_t *stop)
{
    *start = l->from_ms;
    *stop = l->to_ms;
    if (l->bucket != NULL)
        dbk_bucket_span(l->bucket, ms, start, stop);
}

// What the id says of a window: no more than is needed to read it again.
static dbk_pos_span id_span(const listing *l, int64_t start, int64_t stop)
{
    dbk_pos_span span = {.grouping = l->grouping, .from_ms = start, .to_ms = DBK_NULL};
    if (l->from_ms > start)
        span.from_ms = l->from_ms;
    bool is_whole = l->bucket != NULL && l->to_ms >= stop - 1;
    if (!is_whole && !l->is_live)
        span.to_ms = l->to_ms;
    return span;
}

static void write_window(const listing *l, dbk_out *out, int64_t start, int64_t stop,
                         const dbk_pos_window *window, const dbk_pos_span *span)
{
    dbk_pos_report report = {.id = dbk_pos_id_make(l->call->tenant, span),
                             .timestamp_ms = start,
                             .interval_ms = stop - start,
                             .window = window,
                             .digits = l->settings.currency_digits};
    dbk_pos_report_write(out, &report);
}

static void write_one(const listing *l, dbk_out *out, int64_t ms, const dbk_pos_window *window)
{
    int64_t start, stop;
    span_of(l, ms, &start, &stop);
    dbk_pos_span span = id_span(l, start, stop);
    write_window(l, out, start, stop, window, &span);
}

static void write_filled(const listing *l, dbk_out *out)
{
    size_t next = 0;
    int64_t start, stop;
    for (int64_t at = l->from_ms; at <= l->to_ms; at = stop) {
        span_of(l, at, &start, &stop);
        const dbk_pos_window *window =
            next < l->figures.windows_count && l->figures.windows[next].start_ms == start
                ? &l->figures.windows[next++]
                : NULL;
        write_one(l, out, at, window);
        if (l->bucket == NULL)
            return;
    }
}

static void write_list(const listing *l, dbk_buffer *body)
{
    dbk_out out = dbk_out_init(body);
    dbk_out_array(&out);
    if (l->fills)
        write_filled(l, &out);
    else
        for (size_t i = 0; i < l->figures.windows_count; i++)
            write_one(l, &out, l->figures.windows[i].start_ms, &l->figures.windows[i]);
    dbk_out_array_end(&out);
}

void dbk_pos_reports(dbk_call *call)
{
    listing l = {.call = call};
    dbk_error err;
    dbk_status status = dbk_settings_read(dbk_call_snapshot(call), call->tenant, &l.settings, &err);
    if (status != DBK_OK) {
        dbk_call_fail_read(call, status, &err);
        return;
    }
    const char *why = read_request(&l);
    if (why != NULL) {
        dbk_call_fail(call, 400, "%s", why);
        return;
    }
    dbk_call_tag(call, &l.from_ms, sizeof(l.from_ms));
    dbk_call_tag(call, &l.to_ms, sizeof(l.to_ms));
    dbk_call_tag(call, &l.is_live, sizeof(l.is_live));
    dbk_call_tag(call, &l.fills, sizeof(l.fills));
    dbk_call_tag(call, &l.grouping, sizeof(l.grouping));
    if (dbk_call_is_unchanged(call))
        return;
    status = gather(&l, &err);
    bool is_too_long = status == DBK_OK && l.figures.windows_count > WINDOWS_MAX;
    if (status == DBK_OK && !is_too_long)
        write_list(&l, &call->body);
    end(&l, status, &err, is_too_long);
}

// ---- One report ----

static void answer_window(dbk_call *call, const dbk_pos_span *span)
{
    listing l = {.call = call, .grouping = span->grouping, .from_ms = span->from_ms};
    dbk_error err;
    dbk_status status = dbk_settings_read(dbk_call_snapshot(call), call->tenant, &l.settings, &err);
    if (status != DBK_OK) {
        dbk_call_fail_read(call, status, &err);
        return;
    }
    int64_t start, stop;
    l.bucket = dbk_pos_bucket(span->grouping, l.settings.zone, &l.room);
    l.to_ms = span->to_ms != DBK_NULL ? span->to_ms : call->now_ms;
    span_of(&l, l.from_ms, &start, &stop);
    if (l.bucket != NULL && l.to_ms > stop - 1)
        l.to_ms = stop - 1;
    if (l.to_ms > call->now_ms)
        l.to_ms = call->now_ms;
    dbk_call_tag(call, &l.to_ms, sizeof(l.to_ms));
    if (dbk_call_is_unchanged(call))
        return;
    status = gather(&l, &err);
    if (status == DBK_OK) {
        dbk_out out = dbk_out_init(&call->body);
        write_window(&l, &out, start, stop, l.figures.windows_count > 0 ? &l.figures.windows[0] : NULL, span);
    }
    end(&l, status, &err, false);
}

void dbk_pos_report_get(dbk_call *call)
{
    dbk_pos_span span;
    if (!dbk_pos_id_read(call->argument, call->tenant, &span))
        dbk_pos_report_not_found(call);
    else if (span.grouping == DBK_POS_CLOSURE)
        dbk_pos_closure_answer(call, call->argument);
    else
        answer_window(call, &span);
}

#define REPORT_SCHEMA                                                                                        \
    "{\"type\":\"object\",\"required\":[\"id\",\"timestamp\",\"intervalInMinutes\",\"totalRevenue\","        \
    "\"totalCashRevenue\",\"totalCardRevenue\",\"totalOrders\",\"averageCompletitionTime\","                 \
    "\"categoryStats\",\"cashRegisterStats\"],\"properties\":{\"id\":{\"type\":\"string\"},"                 \
    "\"timestamp\":{\"type\":\"string\",\"format\":\"date-time\"},"                                          \
    "\"intervalInMinutes\":{\"type\":\"integer\"},\"totalRevenue\":{\"type\":\"number\"},"                   \
    "\"totalCashRevenue\":{\"type\":\"number\"},\"totalCardRevenue\":{\"type\":\"number\"},"                 \
    "\"totalOrders\":{\"type\":\"integer\"},"                                                                \
    "\"averageCompletitionTime\":{\"type\":[\"integer\",\"null\"]},"                                         \
    "\"categoryStats\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"                  \
    "\"id\":{\"type\":\"string\"},\"reportId\":{\"type\":\"string\"},\"categoryId\":{\"type\":\"string\"},"  \
    "\"categoryName\":{\"type\":\"string\"},\"revenue\":{\"type\":\"number\"},"                              \
    "\"quantity\":{\"type\":\"integer\"},\"foodStats\":{\"type\":\"array\",\"items\":{\"type\":\"object\","  \
    "\"properties\":{\"id\":{\"type\":\"string\"},\"categoryStatsId\":{\"type\":\"string\"},"                \
    "\"foodId\":{\"type\":\"string\"},\"foodName\":{\"type\":\"string\"},\"revenue\":{\"type\":\"number\"}," \
    "\"quantity\":{\"type\":\"integer\"}}}}}}},"                                                             \
    "\"cashRegisterStats\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"              \
    "\"id\":{\"type\":\"string\"},\"reportId\":{\"type\":\"string\"},"                                       \
    "\"cashRegisterId\":{\"type\":\"string\"},\"cashRegisterName\":{\"type\":\"string\"},"                   \
    "\"totalRevenue\":{\"type\":\"number\"},\"totalCardRevenue\":{\"type\":\"number\"},"                     \
    "\"totalCashRevenue\":{\"type\":\"number\"}}}}}}"

const char dbk_schema_pos_report[] = REPORT_SCHEMA;
const char dbk_schema_pos_reports[] = "{\"type\":\"array\",\"items\":" REPORT_SCHEMA "}";
