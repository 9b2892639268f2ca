// SPDX-License-Identifier: Apache-2.0
// GET …/preorders/reports/{name}: a report as JSON. What the request resolved to first, then the report's
// sets.
#include "http/app/call.h"
#include "http/stoq/answer.h"
#include "http/stoq/handlers.h"
#include "http/stoq/rows.h"

#include <stdio.h>

// ---- Failures ----

void dbk_stoq_refuse(dbk_call *call, const dbk_stoq_faults *faults)
{
    dbk_out json = dbk_out_init(&call->body);
    dbk_out_object(&json);
    dbk_out_key(&json, "errors");
    dbk_out_array(&json);
    for (int i = 0; i < faults->count; i++)
        dbk_out_string(&json, faults->texts[i]);
    dbk_out_array_end(&json);
    dbk_out_object_end(&json);
    dbk_call_answer_json(call, 422);
}

// ---- The answer ----

typedef struct writer {
    dbk_out json;
    const dbk_stoq_set *set; // whose rows are being written
    int columns_count;
    const dbk_stoq_column *columns[DBK_STOQ_COLUMNS_MAX];
} writer;

static void end_set(writer *w)
{
    if (w->set != NULL && !w->set->is_object)
        dbk_out_array_end(&w->json);
    w->set = NULL;
}

static dbk_status begin_set(void *user, const dbk_stoq_set *set, const dbk_stoq_column *const *columns,
                            int count, dbk_error *err)
{
    (void)err;
    writer *w = user;
    end_set(w);
    w->set = set;
    w->columns_count = count;
    for (int i = 0; i < count; i++)
        w->columns[i] = columns[i];
    dbk_out_key(&w->json, set->key);
    if (!set->is_object)
        dbk_out_array(&w->json);
    return DBK_OK;
}

static dbk_status write_row(void *user, const dbk_stoq_cell *cells, int count, dbk_error *err)
{
    writer *w = user;
    dbk_out_object(&w->json);
    for (int i = 0; i < count; i++) {
        dbk_out_key(&w->json, w->columns[i]->key);
        dbk_stoq_cell_json(&cells[i], &w->json);
    }
    dbk_out_object_end(&w->json);
    return w->json.out->failed ? dbk_fail(err, DBK_NO_MEMORY, "no memory for the answer") : DBK_OK;
}

static void write_echoes(const dbk_stoq_request *request, dbk_out *json)
{
    static const char *const units[] = {
        [DBK_UNIT_DAY] = "day", [DBK_UNIT_WEEK] = "week", [DBK_UNIT_MONTH] = "month"};
    const dbk_stoq_report *report = request->report;
    if (dbk_stoq_report_takes(report, DBK_STOQ_GRANULARITY)) {
        dbk_out_key(json, dbk_stoq_parameters[DBK_STOQ_GRANULARITY].name);
        dbk_out_string(json, units[request->granularity]);
    }
    if (dbk_stoq_report_takes(report, DBK_STOQ_INCLUDE_DEPOSITS)) {
        dbk_out_key(json, dbk_stoq_parameters[DBK_STOQ_INCLUDE_DEPOSITS].name);
        dbk_out_bool(json, request->include_deposits);
        dbk_out_key(json, dbk_stoq_parameters[DBK_STOQ_INCLUDE_BALANCES].name);
        dbk_out_bool(json, request->include_balances);
    }
}

static void write_window(const dbk_stoq_request *request, dbk_out *json)
{
    dbk_out_key(json, "window");
    dbk_out_object(json);
    dbk_out_key(json, "from");
    dbk_out_day(json, request->from_day);
    dbk_out_key(json, "to");
    dbk_out_day(json, request->to_day);
    dbk_out_object_end(json);
    dbk_out_key(json, "currency");
    dbk_out_text_or_null(json, dbk_text_from(request->currency));
    write_echoes(request, json);
}

static void answer(dbk_call *call, const dbk_stoq_request *request)
{
    dbk_error err;
    writer w = {.json = dbk_out_init(&call->body)};
    const dbk_stoq_sink sink = {.begin = begin_set, .row = write_row, .user = &w};
    dbk_out_object(&w.json);
    write_window(request, &w.json);
    dbk_status status =
        dbk_stoq_read(request, dbk_call_snapshot(call), call->tenant, dbk_call_threads(call), &sink, &err);
    if (status == DBK_OK) {
        end_set(&w);
        dbk_out_object_end(&w.json);
        dbk_call_answer_json(call, 200);
    } else if (status == DBK_INVALID || status == DBK_OVERFLOW) {
        dbk_call_fail(call, 422, "%s", err.message);
    } else {
        dbk_call_fail_read(call, status, &err);
    }
}

// The ETag follows from the request as it was resolved.
static bool is_unchanged(dbk_call *call, const dbk_stoq_request *request)
{
    dbk_buffer text = {0};
    dbk_out json = dbk_out_init(&text);
    dbk_stoq_request_write(request, &json);
    if (text.failed)
        call->tag.failed = true;
    else
        dbk_call_tag(call, text.data, text.size);
    dbk_buffer_dispose(&text);
    return dbk_call_is_unchanged(call);
}

void dbk_stoq_report_get(dbk_call *call)
{
    const dbk_stoq_report *report = dbk_stoq_report_find(call->argument);
    const dbk_stoq_input input = {.params = &call->params};
    dbk_stoq_request request;
    dbk_stoq_faults faults;
    dbk_settings settings;
    dbk_error err;
    if (report == NULL) {
        dbk_call_fail_unknown(call);
        return;
    }
    dbk_status status = dbk_settings_read(dbk_call_snapshot(call), call->tenant, &settings, &err);
    if (status != DBK_OK)
        dbk_call_fail_read(call, status, &err);
    else if (!dbk_stoq_prepare(report, &input, &settings, call->now_ms, &request, &faults))
        dbk_stoq_refuse(call, &faults);
    else if (!is_unchanged(call, &request))
        answer(call, &request);
}
