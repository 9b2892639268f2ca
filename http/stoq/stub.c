// SPDX-License-Identifier: Apache-2.0
// Temporary.
#include "http/app/handlers.h"
#include "http/app/call.h"
#include "http/stoq/rows.h"
#include "http/stoq/exports.h"
#include "http/stoq/stub.h"
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
static const dbk_stoq_column cols[] = {{"date", DBK_STOQ_DAY, false, false, ""}, {"revenue", DBK_STOQ_MONEY, false, false, ""}, {"name", DBK_STOQ_TEXT, true, false, ""}};
static const dbk_stoq_set sets[] = {{"rows", false, true, 3, cols, ""}};
const dbk_stoq_report dbk_stoq_reports[] = {{.name = "revenue", .sets = sets, .sets_count = 1}};
const int dbk_stoq_reports_count = 1;
const dbk_stoq_report *dbk_stoq_report_find(dbk_text name)
{
    return dbk_text_equal(name, DBK_TEXT("revenue")) ? &dbk_stoq_reports[0] : NULL;
}
bool dbk_stoq_prepare(const dbk_stoq_report *report, const dbk_stoq_input *input, const dbk_settings *settings, int64_t now_ms, dbk_stoq_request *out, dbk_stoq_faults *faults)
{
    (void)settings; (void)now_ms;
    *out = (dbk_stoq_request){.report = report};
    int64_t page = 5;
    if (input->body) { const dbk_json *j = dbk_json_get(input->body, "page"); if (j && !dbk_json_int_of(j, &page)) { faults->count = 1; strcpy(faults->texts[0], "page must be"); return false; } }
    out->page = page;
    return true;
}
void dbk_stoq_request_write(const dbk_stoq_request *request, dbk_out *json)
{
    dbk_out_int(json, request->page);
}
dbk_status dbk_stoq_request_read(dbk_text json, dbk_stoq_request *out, dbk_error *err)
{
    (void)err;
    *out = (dbk_stoq_request){.report = &dbk_stoq_reports[0]};
    char t[32]; snprintf(t, sizeof t, "%.*s", (int)json.length, json.data); out->page = atoll(t);
    return DBK_OK;
}
void dbk_stoq_file_name(const dbk_stoq_request *request, char out[DBK_STOQ_FILE_NAME_MAX])
{
    (void)request;
    strcpy(out, "preorders_revenue_2026-01-01_2026-05-28.csv");
}
void dbk_stoq_cell_write(const dbk_stoq_cell *cell, dbk_buffer *out)
{
    if (cell->type == DBK_STOQ_TEXT) dbk_buffer_append(out, cell->text.data, cell->text.length);
    else dbk_buffer_format(out, "%lld", (long long)cell->number);
}
dbk_status dbk_stoq_rows(const dbk_stoq_request *request, const dbk_snapshot *snapshot, dbk_text tenant, int threads, const dbk_stoq_sink *sink, dbk_error *err)
{
    (void)snapshot; (void)tenant; (void)threads;
    const dbk_stoq_column *c[] = {cols, cols + 1, cols + 2};
    DBK_TRY(sink->begin(sink->user, sets, c, 3, err));
    for (int64_t i = 0; i < request->page; i++) {
        dbk_stoq_cell cells[3] = {{.type = DBK_STOQ_DAY, .number = i}, {.type = DBK_STOQ_MONEY, .number = -i}, {.type = DBK_STOQ_TEXT, .text = DBK_TEXT("=a,\"b\"")}};
        DBK_TRY(sink->row(sink->user, cells, 3, err));
        if (i % 1000 == 0) sink->progress(sink->user, (uint64_t)i, (uint64_t)request->page);
    }
    return DBK_OK;
}
void dbk_stoq_fail_faults(dbk_call *call, const dbk_stoq_faults *faults)
{
    dbk_call_fail(call, 422, "%s", faults->texts[0]);
}
void dbk_stoq_fail_no_action(dbk_call *call)
{
    dbk_call_fail(call, 404, "no action");
}
static dbk_key_found find_key(const dbk_request *request, dbk_text *key)
{
    *key = dbk_request_header(request, "x-auth-token");
    return key->length ? DBK_KEY_GIVEN : DBK_KEY_MISSING;
}
static void write_forbidden(dbk_buffer *text, const char *scope) { dbk_buffer_format(text, "no %s", scope); }
static void write_error(dbk_buffer *body, int status, dbk_text message, int retry_after)
{
    (void)status; (void)retry_after;
    dbk_out json = dbk_out_init(body);
    dbk_out_object(&json); dbk_out_key(&json, "errors"); dbk_out_array(&json); dbk_out_text(&json, message); dbk_out_array_end(&json); dbk_out_object_end(&json);
}
const dbk_dialect dbk_dialect_stoq = {.name = "stoq", .prefix = "/api/v2/external", .rate_per_minute = 360, .find_key = find_key, .key_missing = "x", .key_refused = "x", .write_forbidden = write_forbidden, .rate_exceeded = "x", .write_error = write_error};
