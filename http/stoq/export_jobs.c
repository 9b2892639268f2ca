// SPDX-License-Identifier: Apache-2.0
// What became of exports: GET …/exports/<id>, GET …/exports, DELETE …/exports/<id> (S22, S43–S48, S55, S59,
// SA12).
#include "http/app/call.h"
#include "http/stoq/exports.h"

#include "http/auth/secret.h"
#include "http/exports/link.h"
#include "http/s3/sigv4.h"
#include "http/s3/upload.h"
#include "http/stoq/handlers.h"

#include <stdio.h>

#define JOB_MEMBERS                                                                                          \
    "\"job_id\":{\"type\":\"string\"},"                                                                      \
    "\"status\":{\"type\":\"string\",\"enum\":[\"running\",\"ready\",\"failed\",\"cancelled\"]},"            \
    "\"download_url\":{\"type\":\"string\",\"description\":\"of a ready one\"},"                             \
    "\"file_name\":{\"type\":\"string\"},\"row_count\":{\"type\":\"integer\"},"                              \
    "\"progress\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":100},"                                     \
    "\"error\":{\"type\":\"string\",\"description\":\"of a failed one\"}"
#define JOB_REQUIRED "\"required\":[\"job_id\",\"status\",\"progress\"]"

const char dbk_schema_export_job[] =
    "{\"type\":\"object\"," JOB_REQUIRED ",\"properties\":{" JOB_MEMBERS "}}";
const char dbk_schema_export_list[] =
    "{\"type\":\"object\",\"required\":[\"exports\",\"meta\"],\"properties\":{\"exports\":{\"type\":"
    "\"array\","
    "\"items\":{\"type\":\"object\"," JOB_REQUIRED ",\"properties\":{" JOB_MEMBERS
    ",\"report\":{\"type\":\"string\"},\"created_at\":{\"type\":\"string\"}}}},"
    "\"meta\":{\"type\":\"object\",\"properties\":{\"total_count\":{\"type\":\"integer\"},\"page\":{\"type\":"
    "\"integer\"},\"per_page\":{\"type\":\"integer\"},\"total_pages\":{\"type\":\"integer\"}}}}}";
const char dbk_schema_export_accepted[] = "{\"type\":\"object\",\"required\":[\"job_id\",\"status_url\"],"
                                          "\"properties\":{\"job_id\":{\"type\":\"string\"},"
                                          "\"status_url\":{\"type\":\"string\"}}}";

enum { PER_PAGE_DEFAULT = 25, PER_PAGE_MAX = 250, PAGE_MAX = 1000000 };

// ---- Writing jobs ----

// Signing for the first time stores the tenant's secret, which waits for the disk: DBK_BUSY on a loop's
// thread.
static dbk_status find_key(const dbk_call *call, uint8_t key[DBK_SECRET_KEY_BYTES], dbk_error *err)
{
    dbk_store *store = call->app->store;
    if (call->is_kept)
        return dbk_secret_signing_key(store, call->tenant, DBK_EXPORT_LINK_PURPOSE, key, err);
    dbk_status status = dbk_secret_verifying_key(store, call->tenant, DBK_EXPORT_LINK_PURPOSE, key, err);
    return status == DBK_NOT_FOUND ? dbk_fail(err, DBK_BUSY, "nothing was signed yet") : status;
}

// A URL of the object store, which opens for as long as the file is there.
static dbk_status write_store_url(const dbk_call *call, const dbk_export *job, dbk_buffer *url,
                                  dbk_error *err)
{
    char object[DBK_ID_BYTES_MAX + 1];
    int64_t left_s = (job->keep_until - call->now_ms) / 1000;
    int expires_s = left_s < 1 ? 1 : left_s > DBK_SIGV4_EXPIRY_MAX_S ? DBK_SIGV4_EXPIRY_MAX_S : (int)left_s;
    snprintf(object, sizeof(object), "%.*s", (int)job->object.length, job->object.data);
    return dbk_s3_presign(call->app->options.s3, object, expires_s, call->now_ms, url, err);
}

// The server's own, which opens a file of the data directory.
static dbk_status write_own_url(const dbk_call *call, const dbk_export *job, dbk_buffer *url, dbk_error *err)
{
    uint8_t key[DBK_SECRET_KEY_BYTES];
    dbk_buffer path = {0};
    DBK_TRY(find_key(call, key, err));
    dbk_buffer_format(&path, "%s/%.*s/download", DBK_STOQ_EXPORTS, (int)job->id.length, job->id.data);
    dbk_call_write_origin(call, url);
    dbk_status status =
        dbk_export_link_write(url, key, (dbk_text){(const char *)path.data, (uint32_t)path.size},
                              call->tenant, job->keep_until, err);
    url->failed = url->failed || path.failed;
    dbk_buffer_dispose(&path);
    return status;
}

// null: the file lies in an object store of which the server's configuration says nothing any more.
static dbk_status write_url(const dbk_call *call, const dbk_export *job, dbk_out *out, dbk_error *err)
{
    if (job->object.length > 0 && call->app->options.s3 == NULL) {
        dbk_out_null(out);
        return DBK_OK;
    }
    dbk_buffer url = {0};
    dbk_status status =
        job->object.length > 0 ? write_store_url(call, job, &url, err) : write_own_url(call, job, &url, err);
    if (status == DBK_OK && url.failed)
        status = dbk_fail(err, DBK_NO_MEMORY, "no memory for an address");
    if (status == DBK_OK)
        dbk_out_text(out, (dbk_text){(const char *)url.data, (uint32_t)url.size});
    dbk_buffer_dispose(&url);
    return status;
}

// The job as a member of the answer; `listed` adds what tells jobs of a list apart.
static dbk_status write_job(const dbk_call *call, const dbk_export *job, bool listed, dbk_out *out,
                            dbk_error *err)
{
    dbk_out_object(out);
    dbk_out_key(out, "job_id");
    dbk_out_text(out, job->id);
    if (listed) {
        dbk_out_key(out, "report");
        dbk_out_text(out, job->report);
    }
    dbk_out_key(out, "status");
    dbk_out_string(out, dbk_export_state_names[job->state]);
    if (job->state == DBK_EXPORT_READY) {
        dbk_out_key(out, "download_url");
        DBK_TRY(write_url(call, job, out, err));
        dbk_out_key(out, "file_name");
        dbk_out_text(out, job->file_name);
        dbk_out_key(out, "row_count");
        dbk_out_int(out, job->rows);
    }
    dbk_out_key(out, "progress");
    dbk_out_int(out, job->progress);
    if (job->state == DBK_EXPORT_FAILED) {
        dbk_out_key(out, "error");
        dbk_out_text(out, job->error);
    }
    if (listed) {
        dbk_out_key(out, "created_at");
        dbk_out_time(out, job->created_at);
    }
    dbk_out_object_end(out);
    return DBK_OK;
}

// ---- One job ----

// The job if it may be seen; DBK_NOT_FOUND otherwise. *rows is to be freed when this succeeds.
static dbk_status find_shown(dbk_call *call, dbk_result **rows, dbk_export *job, dbk_error *err)
{
    DBK_TRY(dbk_export_find(dbk_call_snapshot(call), call->tenant, call->argument, rows, job, err));
    if (call->now_ms < job->expires_at && dbk_text_equal(job->kind, dbk_text_from(dbk_stoq_exports.name)))
        return DBK_OK;
    dbk_result_free(*rows);
    return dbk_fail(err, DBK_NOT_FOUND, "the export is not shown any more");
}

// Runs the handler again, on a worker.
static void run_again(dbk_job *job)
{
    dbk_call *call = (dbk_call *)job;
    call->route->handle(call);
}

// DBK_BUSY: what was written so far is written again where it may wait.
static void fail_find(dbk_call *call, dbk_status status, const dbk_error *err)
{
    if (status == DBK_BUSY) {
        dbk_buffer_reset(&call->body);
        call->headers_count = 0;
        dbk_call_defer(call, run_again);
    } else if (status == DBK_NOT_FOUND)
        dbk_call_fail(call, 404,
                      "Export not found. Jobs are forgotten a day after they end; run the export again.");
    else
        dbk_call_fail_read(call, status, err);
}

void dbk_stoq_export_status(dbk_call *call)
{
    dbk_result *rows;
    dbk_export job;
    dbk_error err;
    dbk_out out = dbk_out_init(&call->body);
    dbk_status status = find_shown(call, &rows, &job, &err);
    if (status == DBK_OK) {
        status = write_job(call, &job, false, &out, &err);
        if (job.state == DBK_EXPORT_RUNNING)
            dbk_call_header(call, "retry-after", DBK_TEXT(DBK_STOQ_POLL_SECONDS));
        dbk_result_free(rows);
    }
    if (status == DBK_OK)
        dbk_call_answer_json(call, 200);
    else
        fail_find(call, status, &err);
}

// ---- All jobs ----

static bool read_whole(dbk_text text, int64_t standard, int64_t max, int64_t *out)
{
    *out = text.length == 0 ? standard : 0;
    for (uint32_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || i > 9)
            return false;
        *out = *out * 10 + (text.data[i] - '0');
    }
    return *out >= 1 && *out <= max;
}

static void write_meta(dbk_out *out, int64_t total, int64_t page, int64_t per_page)
{
    dbk_out_key(out, "meta");
    dbk_out_object(out);
    dbk_out_key(out, "total_count");
    dbk_out_int(out, total);
    dbk_out_key(out, "page");
    dbk_out_int(out, page);
    dbk_out_key(out, "per_page");
    dbk_out_int(out, per_page);
    dbk_out_key(out, "total_pages");
    dbk_out_int(out, (total + per_page - 1) / per_page);
    dbk_out_object_end(out);
}

static dbk_status write_page(dbk_call *call, int64_t page, int64_t per_page, dbk_error *err)
{
    dbk_result *rows;
    size_t first;
    int64_t total;
    DBK_TRY(dbk_exports_page(dbk_call_snapshot(call), call->tenant, dbk_stoq_exports.name, call->now_ms, page,
                             per_page, &rows, &first, &total, err));
    dbk_status status = DBK_OK;
    dbk_out out = dbk_out_init(&call->body);
    dbk_out_object(&out);
    dbk_out_key(&out, "exports");
    dbk_out_array(&out);
    for (size_t row = first; row < dbk_result_rows(rows) && status == DBK_OK; row++) {
        dbk_export job;
        dbk_export_of(rows, row, &job);
        status = write_job(call, &job, true, &out, err);
    }
    dbk_out_array_end(&out);
    write_meta(&out, total, page, per_page);
    dbk_out_object_end(&out);
    dbk_result_free(rows);
    return status;
}

void dbk_stoq_export_list(dbk_call *call)
{
    int64_t page, per_page;
    dbk_error err;
    if (!read_whole(dbk_call_param(call, "page"), 1, PAGE_MAX, &page)) {
        dbk_call_fail(call, 422, "page must be a whole number from 1 to %d", PAGE_MAX);
        return;
    }
    if (!read_whole(dbk_call_param(call, "per_page"), PER_PAGE_DEFAULT, PER_PAGE_MAX, &per_page)) {
        dbk_call_fail(call, 422, "per_page must be a whole number from 1 to %d", PER_PAGE_MAX);
        return;
    }
    dbk_status status = write_page(call, page, per_page, &err);
    if (status == DBK_OK)
        dbk_call_answer_json(call, 200);
    else
        fail_find(call, status, &err);
}

// ---- Cancelling ----

// On a worker; the row says that the job is cancelled.
static void show_cancelled(dbk_job *job)
{
    dbk_stoq_export_status((dbk_call *)job);
}

static void on_cancelled(void *user, const dbk_exporter_reply *reply)
{
    dbk_call *call = user;
    static const char *const hints[] = {
        [DBK_EXPORT_RUNNING] = "",
        [DBK_EXPORT_READY] = ("The export is ready and cannot be cancelled any more. "
                              "Its file goes by itself 7 days after it was made."),
        [DBK_EXPORT_FAILED] = "The export has failed already. Run it again with a new POST.",
        [DBK_EXPORT_CANCELLED] = "The export is cancelled already. Run it again with a new POST.",
    };
    if (reply->status == DBK_OK)
        dbk_call_defer(call, show_cancelled);
    else if (reply->status == DBK_INVALID)
        dbk_call_fail(call, 409, "%s", hints[reply->found]);
    else
        dbk_call_fail_write(call, reply->status, reply->message);
}

void dbk_stoq_export_cancel(dbk_call *call)
{
    dbk_result *rows;
    dbk_export job;
    dbk_error err;
    dbk_status status = find_shown(call, &rows, &job, &err);
    dbk_call_end_read(call);
    if (status != DBK_OK) {
        fail_find(call, status, &err);
        return;
    }
    dbk_result_free(rows);
    dbk_call_keep(call);
    // The answer may be under way before this returns: nothing of the call may be touched any more.
    dbk_exporter_cancel(call->app->exporter, call->tenant, call->argument, on_cancelled, call);
}
