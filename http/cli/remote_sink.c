// SPDX-License-Identifier: Apache-2.0
// A batch becomes one request or several; their answers add up to what a store would say of it.
#include "http/cli/remote_sink.h"

#include "http/cli/batch_json.h"
#include "ingest/parse/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Well under the server's limit of a body, and enough to make the round trip small beside the work.
enum { BODY_BYTES = 4 << 20 };

// What the server rejected of one piece: rows by line, in order, added to the report of the whole batch.
static dbk_status note_rejected(const dbk_client_reply *reply, uint32_t first_row, dbk_apply_report *report,
                                char reason[256], dbk_error *err)
{
    dbk_json_doc doc;
    DBK_TRY(dbk_json_parse((const char *)reply->body.data, reply->body.size, &doc, NULL, err));
    int64_t stored = 0;
    dbk_json_int_of(dbk_json_get(doc.root, "stored"), &stored);
    report->stored += (uint32_t)stored;
    const dbk_json *rejected = dbk_json_get(doc.root, "rejected");
    dbk_status status = DBK_OK;
    for (const dbk_json *r = dbk_json_first(rejected); r && status == DBK_OK;
         r = dbk_json_next(rejected, r)) {
        int64_t line = 1;
        dbk_json_int_of(dbk_json_get(r, "line"), &line);
        uint32_t *grown =
            realloc(report->rejected_rows, (report->rejected_count + 1) * sizeof(*report->rejected_rows));
        if (!grown) {
            status = dbk_fail(err, DBK_NO_MEMORY, "out of memory");
            break;
        }
        report->rejected_rows = grown;
        report->rejected_rows[report->rejected_count++] = first_row + (uint32_t)line - 1;
        dbk_text text = dbk_json_string_of(dbk_json_get(r, "reason"));
        snprintf(reason, 256, "%.*s", (int)text.length, text.data);
    }
    dbk_json_doc_dispose(&doc);
    return status;
}

static dbk_status status_of(int http_status)
{
    switch (http_status) {
    case 507:
        return DBK_NO_SPACE;
    case 503:
        return DBK_READ_ONLY;
    case 404:
        return DBK_NOT_FOUND;
    default:
        return http_status / 100 == 5 ? DBK_IO : DBK_INVALID;
    }
}

static dbk_status post(const dbk_remote_sink *sink, const dbk_table_def *table, const dbk_buffer *body,
                       dbk_client_reply *reply, dbk_error *err)
{
    dbk_buffer target = {0};
    dbk_buffer_format(&target, "/ingest/%s", table->name);
    if (sink->tenant) {
        dbk_buffer_format(&target, "?tenant=");
        dbk_client_escape(&target, sink->tenant);
    }
    dbk_buffer_u8(&target, 0);
    dbk_status status = DBK_NO_MEMORY;
    if (!target.failed && !body->failed)
        status = dbk_client_call(sink->client, "POST", (const char *)target.data, "application/x-ndjson",
                                 body->data, body->size, reply, err);
    dbk_buffer_dispose(&target);
    if (status == DBK_OK && reply->status != 200) {
        char message[400];
        dbk_client_message(reply, message, sizeof(message));
        status = dbk_fail(err, status_of(reply->status), "the server refused rows: %s", message);
    }
    return status;
}

static void submit(void *user, dbk_load_ticket *ticket)
{
    const dbk_remote_sink *sink = user;
    const dbk_batch *batch = ticket->batch;
    dbk_apply_report report = {0};
    dbk_buffer body = {0};
    dbk_error err = {0};
    dbk_status status = DBK_OK;
    char reason[256] = "";
    for (uint32_t row = 0, first = 0; row < batch->rows && status == DBK_OK; row++) {
        dbk_batch_row_json(batch, row, &body);
        if (body.size < BODY_BYTES && row + 1 < batch->rows)
            continue;
        dbk_client_reply reply = {0};
        status = post(sink, batch->table, &body, &reply, &err);
        if (status == DBK_OK)
            status = note_rejected(&reply, first, &report, reason, &err);
        dbk_buffer_dispose(&reply.body);
        dbk_buffer_reset(&body);
        first = row + 1;
    }
    dbk_buffer_dispose(&body);
    report.rejected_reason = reason;
    dbk_load_done(ticket, status, err.message, &report);
    free(report.rejected_rows);
}

dbk_load_sink dbk_remote_sink_of(dbk_remote_sink *target)
{
    return (dbk_load_sink){.submit = submit, .user = target};
}
