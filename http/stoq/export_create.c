// SPDX-License-Identifier: Apache-2.0
// POST …/<report>/export (S13–S21, S41–S42, SA8). What was asked is judged and resolved before the job is
// accepted, so that it asks the same whenever it runs, and is on disk before the client hears of it. Whether
// all exchange rates are there is a question about the rows: a worker asks it where the shop has rates at
// all.
#include "http/app/call.h"
#include "http/stoq/exports.h"

#include "engine/base/hash.h"
#include "http/exports/exporter.h"
#include "http/stoq/answer.h"
#include "http/stoq/handlers.h"
#include "http/stoq/rows.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { BODY_BYTES_MAX = 64 << 10 };

typedef struct submission {
    dbk_call *call;
    dbk_export job;
    char id[DBK_EXPORT_ID_BYTES + 1];
    dbk_stoq_request request;
    uint64_t trial; // names the question and the rows it is about
} submission;

// ---- Afterwards ----

// On a worker; the job is on disk.
static void finish(dbk_job *job)
{
    dbk_call *call = (dbk_call *)job;
    submission *s = call->state;
    dbk_buffer url = {0};
    dbk_buffer_format(&url, "%s/%s", DBK_STOQ_EXPORTS, s->id);
    const char *copy = url.failed ? NULL : dbk_arena_copy(&call->arena, (const char *)url.data, url.size);
    dbk_text status_url = {copy, copy != NULL ? (uint32_t)url.size : 0};
    dbk_buffer_dispose(&url);
    if (copy != NULL)
        dbk_call_header(call, "location", status_url);
    dbk_call_header(call, "retry-after", DBK_TEXT(DBK_STOQ_POLL_SECONDS));
    dbk_out out = dbk_out_init(&call->body);
    dbk_out_object(&out);
    dbk_out_key(&out, "job_id");
    dbk_out_string(&out, s->id);
    dbk_out_key(&out, "status_url");
    dbk_out_text(&out, status_url);
    dbk_out_object_end(&out);
    dbk_call_answer_json(call, 202);
}

static void on_done(void *user, const dbk_exporter_reply *reply)
{
    submission *s = user;
    if (reply->status == DBK_OK)
        dbk_call_defer(s->call, finish);
    else if (reply->status == DBK_LIMIT)
        dbk_call_fail(s->call, 409,
                      "%d exports are running already. Wait for some to finish, or cancel them.",
                      DBK_EXPORT_JOBS_MAX);
    else
        dbk_call_fail_write(s->call, reply->status, reply->message);
}

// ---- What was asked ----

// The parameters of a JSON body, or of the query string when there is no body. False: the call was answered.
static bool judge(submission *s, const dbk_stoq_report *report, const dbk_settings *settings)
{
    dbk_call *call = s->call;
    dbk_text body = call->request->body;
    dbk_json_doc doc = {0};
    dbk_stoq_input input = {.params = &call->params};
    if (body.length > 0) {
        if (dbk_json_parse(body.data, body.length, &doc, NULL, NULL) != DBK_OK) {
            dbk_call_fail(call, 400, "The body must be a JSON object.");
            return false;
        }
        input = (dbk_stoq_input){.body = doc.root};
    }
    dbk_stoq_faults faults = {0};
    bool is_object = input.body == NULL || input.body->type == DBK_JSON_OBJECT;
    bool is_good =
        is_object && dbk_stoq_prepare(report, &input, settings, call->now_ms, &s->request, &faults);
    if (body.length > 0)
        dbk_json_doc_dispose(&doc);
    if (!is_object)
        dbk_call_fail(call, 400, "The body must be a JSON object.");
    else if (!is_good)
        dbk_stoq_refuse(call, &faults);
    return is_good;
}

// Everything that the job's row has, in the call's arena. False when memory is out.
static bool describe(submission *s)
{
    dbk_call *call = s->call;
    char name[DBK_STOQ_FILE_NAME_MAX];
    dbk_buffer json = {0};
    dbk_out out = dbk_out_init(&json);
    dbk_stoq_request_write(&s->request, &out);
    dbk_stoq_file_name(&s->request, name);
    char *parameters = json.failed ? NULL : dbk_arena_copy(&call->arena, (const char *)json.data, json.size);
    char *file_name = dbk_arena_copy(&call->arena, name, strlen(name));
    s->job = (dbk_export){
        .id = dbk_text_from(s->id),
        .kind = dbk_text_from(dbk_stoq_exports.name),
        .report = dbk_text_from(s->request.report->name),
        .parameters = {parameters, (uint32_t)json.size},
        .file_name = dbk_text_from(file_name),
        .actor = dbk_text_from(call->key.id),
        .state = DBK_EXPORT_RUNNING,
        .created_at = call->now_ms,
        .done_at = DBK_NULL,
        .rows = DBK_NULL,
        .bytes = DBK_NULL,
    };
    dbk_buffer_dispose(&json);
    return parameters != NULL && file_name != NULL;
}

// ---- Acceptance ----

// Trials that went well lately, by their hash: many exports of the same reports cost reads no more than a few
// do. A hash that is another trial's only has the job fail instead of its submission.
enum { TRIALS = 256 };
static _Atomic uint64_t trials[TRIALS];

static uint64_t name_trial(submission *s)
{
    dbk_call *call = s->call;
    uint64_t number = dbk_snapshot_tenant_data_number(dbk_call_snapshot(call), call->tenant);
    uint64_t name = dbk_hash_bytes(s->job.parameters.data, s->job.parameters.length);
    name = dbk_hash_u64(name ^ number) ^ dbk_hash_bytes(call->tenant.data, call->tenant.length);
    name ^= dbk_hash_u64((uint64_t)(uintptr_t)call->app->store);
    dbk_call_end_read(call);
    return name != 0 ? name : 1;
}

static bool went_well(uint64_t trial)
{
    return atomic_load(&trials[trial % TRIALS]) == trial;
}

static void submit(submission *s)
{
    dbk_call *call = s->call;
    dbk_call_keep(call);
    // The answer may be under way before this returns: nothing of the call may be touched any more.
    dbk_exporter_submit(call->app->exporter, call->tenant, &s->job, on_done, s);
}

// On a worker.
static void try_and_submit(dbk_job *job)
{
    dbk_call *call = (dbk_call *)job;
    submission *s = call->state;
    dbk_error err;
    dbk_status status = DBK_OK;
    if (!went_well(s->trial)) // while this one waited
        status =
            dbk_stoq_try(&s->request, dbk_call_snapshot(call), call->tenant, dbk_call_threads(call), &err);
    dbk_call_end_read(call);
    if (status == DBK_OK) {
        atomic_store(&trials[s->trial % TRIALS], s->trial);
        submit(s);
    } else if (status == DBK_INVALID || status == DBK_OVERFLOW) {
        dbk_call_fail(call, 422, "%s", err.message);
    } else {
        dbk_call_fail_read(call, status, &err);
    }
}

void dbk_stoq_export_create(dbk_call *call)
{
    const dbk_stoq_report *report = dbk_stoq_report_find(call->argument);
    submission *s = dbk_arena_zalloc(&call->arena, sizeof(*s));
    dbk_settings settings;
    dbk_error err;
    if (report == NULL) {
        dbk_call_fail_unknown(call);
        return;
    }
    if (call->request->body.length > BODY_BYTES_MAX) {
        dbk_call_fail(call, 413, "The body is larger than the parameters of a report can be.");
        return;
    }
    dbk_status status = s != NULL ? dbk_settings_read(dbk_call_snapshot(call), call->tenant, &settings, &err)
                                  : dbk_fail(&err, DBK_NO_MEMORY, "no memory for an export");
    bool has_rates = dbk_snapshot_rows(dbk_call_snapshot(call), call->tenant, DBK_FX_RATES) > 0;
    dbk_call_end_read(call);
    if (status != DBK_OK) {
        dbk_call_fail_read(call, status, &err);
        return;
    }
    s->call = call;
    call->state = s;
    if (!judge(s, report, &settings))
        return;
    status = dbk_export_id(s->id, &err);
    if (status == DBK_OK && !describe(s))
        status = dbk_fail(&err, DBK_NO_MEMORY, "Out of memory; nothing was stored.");
    if (status != DBK_OK) {
        dbk_call_fail_write(call, status, err.message);
        return;
    }
    s->trial = has_rates ? name_trial(s) : 0;
    if (has_rates && !went_well(s->trial))
        dbk_call_defer(call, try_and_submit);
    else
        submit(s);
}
