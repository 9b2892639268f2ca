// SPDX-License-Identifier: Apache-2.0
// From a request to the rows that it asks about.
#include "http/blocks/report.h"

#include "http/app/json_body.h"
#include "http/app/time_range.h"
#include "http/blocks/problem.h"
#include "http/blocks/status.h"

#include <stdlib.h>
#include <string.h>

// ---- The request ----

// False: the call was answered.
static bool read_body(dbk_call *call, dbk_blocks_report *report)
{
    if (call->request->body.length == 0)
        return true;
    dbk_json_body found = dbk_json_body_read(call, &report->document);
    if (found == DBK_JSON_BODY_OK)
        return true;
    if (found == DBK_JSON_BODY_NO_MEMORY)
        dbk_call_fail(call, 503, "Out of memory. Try again shortly.");
    else if (!dbk_json_body_refuse(call, found))
        dbk_blocks_refuse_json(call);
    return false;
}

// The command line asks with the names of other reports' parameters.
static bool names_preset(const dbk_call *call)
{
    return call->request->local && dbk_call_param(call, "preset").length > 0;
}

static bool read_request(dbk_call *call, dbk_blocks_report *report)
{
    dbk_error err;
    dbk_blocks_request *request = &report->request;
    int groups = report->source->groups | DBK_BLOCKS_CALENDAR;
    int32_t today = dbk_local_day(call->now_ms, report->settings.zone);
    dbk_status status = dbk_text_equal(call->request->method, DBK_TEXT("POST"))
                            ? dbk_blocks_request_of_json(request, report->document.root, groups, today, &err)
                            : dbk_blocks_request_of_params(request, &call->params, groups, today, &err);
    if (status == DBK_OK && names_preset(call))
        status = dbk_fail(&err, DBK_INVALID, "This report has no presets; give its dates.");
    if (status == DBK_OK &&
        !dbk_currency_choose(&report->currency, request->currency, &report->settings, &call->arena))
        status = dbk_fail(&err, DBK_INVALID, "currency must be a code of three letters.");
    if (status != DBK_OK)
        dbk_blocks_refuse_parameters(call, err.message);
    return status == DBK_OK;
}

static void tag_text(dbk_call *call, dbk_text text)
{
    dbk_call_tag(call, text.data, text.length);
}

static void tag_request(dbk_call *call, const dbk_blocks_report *report)
{
    const dbk_blocks_request *request = &report->request;
    int64_t numbers[] = {report->period_from_ms, report->period_to_ms, request->group,
                         request->page,          request->per_page,    request->wants_breakdown};
    dbk_call_tag(call, numbers, sizeof(numbers));
    tag_text(call, request->status);
    tag_text(call, report->currency.name);
    tag_text(call, request->vendor_id);
    tag_text(call, request->payment_method);
}

static void resolve_period(dbk_blocks_report *report)
{
    const dbk_zone *zone = report->settings.zone;
    report->period_from_ms = dbk_local_day_start(report->request.start_day, zone);
    report->period_to_ms = dbk_local_day_start(report->request.end_day + 1, zone);
}

// ---- The rows ----

static void add_equal(dbk_blocks_report *report, const char *column, dbk_text text, dbk_value *value)
{
    if (column == NULL || text.length == 0)
        return;
    *value = (dbk_value){.kind = DBK_VALUE_TEXT, .text = text};
    report->filters[report->filters_count++] =
        (dbk_filter){.column = column, .op = DBK_OP_EQ, .values = value, .values_count = 1};
}

static void add_plain_filters(dbk_blocks_report *report)
{
    const dbk_blocks_source *source = report->source;
    if (source->filter != NULL)
        report->filters[report->filters_count++] = *source->filter;
    add_equal(report, source->vendor, report->request.vendor_id, &report->vendor_value);
    add_equal(report, source->method, report->request.payment_method, &report->method_value);
}

dbk_query dbk_blocks_rows(const dbk_blocks_report *report)
{
    const dbk_blocks_source *source = report->source;
    return (dbk_query){.table = source->table,
                       .from_ms = source->is_stock ? DBK_TIME_OPEN_FROM : report->period_from_ms,
                       .to_ms = report->period_to_ms,
                       .filters = report->filters,
                       .filters_count = report->filters_count,
                       .threads = dbk_call_threads(report->call)};
}

dbk_status dbk_blocks_run(const dbk_blocks_report *report, const dbk_query *query, dbk_result **out,
                          dbk_error *err)
{
    return dbk_query_run(dbk_call_snapshot(report->call), report->call->tenant, query, out, err);
}

dbk_text dbk_blocks_status_of(const dbk_blocks_report *report, dbk_text stored, bool *failed)
{
    if (stored.length == 0 && report->source->initial != NULL)
        return dbk_text_from(report->source->initial);
    return dbk_blocks_status(stored, &report->call->arena, failed);
}

// ---- The first query ----

enum { STATUS, CURRENCY, ROWS, SUMS };

static dbk_status query_census(dbk_blocks_report *report, dbk_error *err)
{
    static const dbk_group_key keys[] = {{.column = "status"}, {.column = "currency"}};
    static const dbk_order order[] = {{.output = STATUS}, {.output = CURRENCY}};
    dbk_aggregate aggregates[1 + DBK_BLOCKS_SUMS_MAX] = {{.kind = DBK_COUNT_ROWS}};
    for (int i = 0; i < report->source->sums_count; i++)
        aggregates[1 + i] = (dbk_aggregate){.kind = DBK_SUM, .column = report->source->sums[i]};
    dbk_query query = dbk_blocks_rows(report);
    query.keys = keys;
    query.keys_count = DBK_COUNT(keys);
    query.aggregates = aggregates;
    query.aggregates_count = 1 + report->source->sums_count;
    query.order = order;
    query.order_count = DBK_COUNT(order);
    return dbk_blocks_run(report, &query, &report->census, err);
}

static void add(dbk_blocks_figure *to, const dbk_blocks_figure *figure)
{
    to->rows += figure->rows;
    for (int i = 0; i < DBK_BLOCKS_SUMS_MAX; i++)
        to->sums[i] += figure->sums[i];
}

static int compare_figures(const void *a, const void *b)
{
    const dbk_blocks_figure *x = a, *y = b;
    return dbk_text_compare(x->status, y->status);
}

// Figures of one status become one.
static void fold_figures(dbk_blocks_report *report)
{
    int kept = 0;
    qsort(report->figures, (size_t)report->figures_count, sizeof(*report->figures), compare_figures);
    for (int i = 0; i < report->figures_count; i++) {
        dbk_blocks_figure *last = kept > 0 ? &report->figures[kept - 1] : NULL;
        if (last != NULL && dbk_text_equal(last->status, report->figures[i].status))
            add(last, &report->figures[i]);
        else
            report->figures[kept++] = report->figures[i];
    }
    report->figures_count = kept;
}

static dbk_blocks_figure figure_at(const dbk_blocks_report *report, size_t row, dbk_text status)
{
    dbk_blocks_figure figure = {.status = status, .rows = dbk_result_int(report->census, row, ROWS)};
    for (int i = 0; i < report->source->sums_count; i++)
        figure.sums[i] = dbk_result_sum(report->census, row, SUMS + i);
    return figure;
}

// Which of the stored words the report counts, and whether it leaves any out.
typedef struct words {
    dbk_text wanted; // length 0 = all but those left out
    int count;
    bool leaves_out, failed;
} words;

static bool takes(const dbk_blocks_report *report, const words *w, dbk_text status)
{
    if (w->wanted.length > 0)
        return dbk_text_equal(status, w->wanted);
    return report->source->left_out == NULL ||
           !dbk_text_equal(status, dbk_text_from(report->source->left_out));
}

// Rows come by status: the same word in another currency is the word before.
static void add_word(dbk_blocks_report *report, words *w, dbk_text word)
{
    dbk_value value = {.kind = word.length > 0 ? DBK_VALUE_TEXT : DBK_VALUE_NULL, .text = word};
    const dbk_value *last = w->count > 0 ? &report->status_values[w->count - 1] : NULL;
    if (last == NULL || last->kind != value.kind || !dbk_text_equal(last->text, word))
        report->status_values[w->count++] = value;
}

static void filter_status(dbk_blocks_report *report, words *w)
{
    if (!w->leaves_out)
        return;
    // No row has the status that is asked for: the word itself finds none.
    if (w->count == 0)
        add_word(report, w, w->wanted);
    report->filters[report->filters_count++] = (dbk_filter){
        .column = "status", .op = DBK_OP_IN, .values = report->status_values, .values_count = w->count};
}

static dbk_status read_census(dbk_blocks_report *report, dbk_error *err)
{
    size_t rows = dbk_result_rows(report->census);
    words w = {0};
    report->figures = dbk_arena_alloc(&report->call->arena, (rows + 1) * sizeof(*report->figures));
    report->status_values = dbk_arena_alloc(&report->call->arena, (rows + 1) * sizeof(dbk_value));
    w.failed = report->figures == NULL || report->status_values == NULL;
    w.wanted = dbk_blocks_status(report->request.status, &report->call->arena, &w.failed);
    for (size_t row = 0; row < rows && !w.failed; row++) {
        dbk_text word = dbk_result_text(report->census, row, STATUS);
        dbk_text status = dbk_blocks_status_of(report, word, &w.failed);
        if (!takes(report, &w, status)) {
            w.leaves_out = true;
            continue;
        }
        add_word(report, &w, word);
        dbk_blocks_figure figure = figure_at(report, row, status);
        if (!dbk_currency_counts(&report->currency, dbk_result_text(report->census, row, CURRENCY),
                                 figure.rows))
            continue;
        report->figures[report->figures_count++] = figure;
        add(&report->total, &figure);
    }
    if (w.failed)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory reading statuses");
    fold_figures(report);
    filter_status(report, &w);
    const dbk_filter *currency = dbk_currency_filter(&report->currency);
    if (currency != NULL)
        report->filters[report->filters_count++] = *currency;
    return DBK_OK;
}

// ---- Begin and end ----

bool dbk_blocks_begin(dbk_call *call, dbk_blocks_report *report, const dbk_blocks_source *source)
{
    *report = (dbk_blocks_report){.call = call, .source = source};
    dbk_error err;
    dbk_status status = dbk_settings_read(dbk_call_snapshot(call), call->tenant, &report->settings, &err);
    if (status != DBK_OK) {
        dbk_call_fail_read(call, status, &err);
        return false;
    }
    if (!read_body(call, report))
        return false;
    bool goes_on = read_request(call, report);
    if (goes_on) {
        resolve_period(report);
        tag_request(call, report);
        goes_on = !dbk_call_is_unchanged(call);
    }
    if (!goes_on) {
        dbk_blocks_dispose(report);
        return false;
    }
    add_plain_filters(report);
    status = query_census(report, &err);
    if (status == DBK_OK)
        status = read_census(report, &err);
    if (status == DBK_OK)
        return true;
    dbk_blocks_end(report, status, &err);
    return false;
}

void dbk_blocks_dispose(dbk_blocks_report *report)
{
    dbk_result_free(report->census);
    dbk_json_doc_dispose(&report->document);
}

void dbk_blocks_end(dbk_blocks_report *report, dbk_status status, const dbk_error *err)
{
    dbk_call *call = report->call;
    if (status == DBK_OK) {
        dbk_currency_name_others(call, &report->currency);
        dbk_call_answer_json(call, 200);
    } else {
        dbk_call_fail_read(call, status, err);
    }
    dbk_blocks_dispose(report);
}

dbk_blocks_figure dbk_blocks_figure_of(const dbk_blocks_report *report, const char *status)
{
    for (int i = 0; i < report->figures_count; i++)
        if (dbk_text_equal(report->figures[i].status, dbk_text_from(status)))
            return report->figures[i];
    return (dbk_blocks_figure){0};
}
