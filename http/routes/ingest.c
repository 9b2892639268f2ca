// SPDX-License-Identifier: Apache-2.0
// POST /ingest/{table}: rows in, {"stored": n, "rejected": […]} out.
//
// A body is one change: it is parsed as a whole first, so a body that turns out not to be CSV or NDJSON
// stores nothing, and what can be stored is stored at once or not at all. The reply is written when the store
// says that the rows are on disk.
#include "http/app/call.h"
#include "http/routes/handlers.h"
#include "ingest/parse/reader.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

// Parsing this much takes a fraction of a millisecond; more is a worker's.
enum { INLINE_BYTES_MAX = 65536, REJECTS_LISTED_MAX = 65536 };
// Rows have seldom fewer bytes; where they do, the body becomes several batches.
enum { ROW_BYTES_MIN = 16 };

typedef struct reject {
    uint64_t line;
    uint32_t column;
    const char *column_name, *reason;
} reject;

// Lives in the call's arena, except what grows.
typedef struct ingest {
    dbk_call *call;
    dbk_parse_options options;
    dbk_batch **batches;
    int batches_count, batches_capacity;
    reject *rejects;
    size_t rejects_count, rejects_capacity;
    uint64_t rejected; // all of them, listed or not
    uint64_t stored;
    dbk_change change;
} ingest;

static void dispose(ingest *in)
{
    for (int i = 0; i < in->batches_count; i++) {
        dbk_batch_dispose(in->batches[i]);
        free(in->batches[i]);
    }
    free(in->batches);
    free(in->rejects);
}

// ---- Collecting what the parser gives ----

static dbk_status on_batch(void *user, dbk_batch *batch, dbk_error *err)
{
    ingest *in = user;
    if (in->batches_count == in->batches_capacity) {
        int capacity = in->batches_capacity * 2 + 4;
        dbk_batch **grown = realloc(in->batches, (size_t)capacity * sizeof(*grown));
        if (grown == NULL) {
            dbk_batch_dispose(batch);
            free(batch);
            return dbk_fail(err, DBK_NO_MEMORY, "no memory for the rows");
        }
        in->batches = grown;
        in->batches_capacity = capacity;
    }
    in->batches[in->batches_count++] = batch;
    return DBK_OK;
}

static const char *copy_string(ingest *in, const char *string)
{
    return string == NULL ? NULL : dbk_arena_copy(&in->call->arena, string, strlen(string));
}

static void add_reject(ingest *in, const reject *r)
{
    in->rejected++;
    if (in->rejects_count == REJECTS_LISTED_MAX)
        return;
    if (in->rejects_count == in->rejects_capacity) {
        size_t capacity = in->rejects_capacity * 2 + 16;
        reject *grown = realloc(in->rejects, capacity * sizeof(*grown));
        if (grown == NULL)
            return;
        in->rejects = grown;
        in->rejects_capacity = capacity;
    }
    in->rejects[in->rejects_count++] = *r;
}

static void on_reject(void *user, const dbk_reject *r, dbk_text row)
{
    (void)row;
    ingest *in = user;
    reject kept = {r->line, r->column, copy_string(in, r->column_name), copy_string(in, r->reason)};
    add_reject(in, &kept);
}

// ---- Answering ----

static int compare_rejects(const void *left, const void *right)
{
    const reject *a = left, *b = right;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return (a->column > b->column) - (a->column < b->column);
}

static void write_column(dbk_out *out, const reject *r)
{
    if (r->column_name != NULL)
        dbk_out_string(out, r->column_name);
    else if (r->column > 0)
        dbk_out_int(out, r->column);
    else
        dbk_out_null(out);
}

static void answer(ingest *in)
{
    dbk_call *call = in->call;
    if (in->rejects_count > 0)
        qsort(in->rejects, in->rejects_count, sizeof(*in->rejects), compare_rejects);
    dbk_out out = dbk_out_init(&call->body);
    dbk_out_object(&out);
    dbk_out_key(&out, "stored");
    dbk_out_int(&out, (int64_t)in->stored);
    dbk_out_key(&out, "rejected");
    dbk_out_array(&out);
    for (size_t i = 0; i < in->rejects_count; i++) {
        const reject *r = &in->rejects[i];
        dbk_out_object(&out);
        dbk_out_key(&out, "line");
        dbk_out_int(&out, (int64_t)r->line);
        dbk_out_key(&out, "column");
        write_column(&out, r);
        dbk_out_key(&out, "reason");
        dbk_out_string(&out, r->reason != NULL ? r->reason : "cannot be stored");
        dbk_out_object_end(&out);
    }
    dbk_out_array_end(&out);
    if (in->rejected > in->rejects_count) {
        dbk_out_key(&out, "rejectedCount");
        dbk_out_int(&out, (int64_t)in->rejected);
    }
    dbk_out_object_end(&out);
    dbk_metrics_ingest(call->app->metrics, in->stored, in->rejected);
    dispose(in);
    dbk_call_answer_json(call, 200);
}

static void fail(ingest *in, dbk_status status, const char *message)
{
    dbk_call *call = in->call;
    dispose(in);
    dbk_call_fail_write(call, status, message);
}

static ingest *of_call(dbk_call *call)
{
    return call->state;
}

static void run_answer(dbk_job *job)
{
    answer(of_call((dbk_call *)job));
}

// On the store's writer thread, which has no time for answers. Batches of other tables (categories that
// products named) do not count as rows.
static void on_stored(void *user, const dbk_change_result *result)
{
    ingest *in = user;
    if (result->status != DBK_OK) {
        fail(in, result->status, result->message);
        return;
    }
    for (int i = 0; i < result->reports_count; i++) {
        const dbk_apply_report *report = &result->reports[i];
        const dbk_batch *batch = in->batches[i];
        if (batch->table == in->options.table)
            in->stored += report->stored;
        for (uint32_t r = 0; r < report->rejected_count; r++) {
            uint64_t line = batch->lines != NULL ? batch->lines[report->rejected_rows[r]] : 0;
            reject kept = {.line = line, .reason = copy_string(in, report->rejected_reason)};
            add_reject(in, &kept);
        }
    }
    dbk_call_resume(in->call, run_answer);
}

// ---- Parsing ----

static dbk_status parse(ingest *in, dbk_error *err)
{
    dbk_parse_sink sink = {.on_batch = on_batch, .on_reject = on_reject, .user = in};
    dbk_text body = in->call->request->body;
    dbk_parser *parser;
    DBK_TRY(dbk_parser_create(&parser, &in->options, &sink, err));
    dbk_status status = dbk_parser_feed(parser, body.data, body.length, err);
    if (status == DBK_OK)
        status = dbk_parser_finish(parser, err);
    dbk_parser_destroy(parser);
    return status;
}

// One entry for the whole request, in the same change as its rows.
static dbk_status add_audit(ingest *in, dbk_error *err)
{
    uint64_t rows = 0;
    if (!in->call->has_key)
        return DBK_OK;
    for (int i = 0; i < in->batches_count; i++)
        if (in->batches[i]->table == in->options.table)
            rows += in->batches[i]->rows;
    dbk_buffer details = {0};
    dbk_out out = dbk_out_init(&details);
    dbk_out_object(&out);
    dbk_out_key(&out, "rows");
    dbk_out_int(&out, (int64_t)rows);
    dbk_out_key(&out, "rejected");
    dbk_out_int(&out, (int64_t)in->rejected);
    dbk_out_object_end(&out);
    dbk_batch *batch = calloc(1, sizeof(*batch));
    dbk_status status =
        batch == NULL || details.failed
            ? dbk_fail(err, DBK_NO_MEMORY, "no memory for the rows")
            : dbk_call_audit(in->call, batch, "rows.stored", "table", dbk_text_from(in->options.table->name),
                             (dbk_text){(const char *)details.data, (uint32_t)details.size}, err);
    dbk_buffer_dispose(&details);
    if (status == DBK_OK)
        return on_batch(in, batch, err);
    if (batch != NULL)
        dbk_batch_dispose(batch);
    free(batch);
    return status;
}

static void parse_and_submit(ingest *in)
{
    dbk_error err;
    dbk_status status = parse(in, &err);
    if (status != DBK_OK) {
        fail(in, status, err.message);
        return;
    }
    if (in->batches_count == 0) {
        answer(in);
        return;
    }
    status = add_audit(in, &err);
    if (status != DBK_OK) {
        fail(in, status, err.message);
        return;
    }
    in->change = (dbk_change){.tenant = in->call->tenant,
                              .batches = (const dbk_batch *const *)in->batches,
                              .batches_count = in->batches_count};
    dbk_call_keep(in->call);
    // The reply may be under way before this returns: nothing of the call may be touched any more.
    dbk_store_submit(in->call->app->store, &in->change, on_stored, in);
}

static void run_parse(dbk_job *job)
{
    parse_and_submit(of_call((dbk_call *)job));
}

// ---- The request ----

static bool is_type(dbk_text header, const char *type)
{
    size_t length = strlen(type);
    return header.length >= length && strncasecmp(header.data, type, length) == 0 &&
           (header.length == length || header.data[length] == ';' || header.data[length] == ' ');
}

static bool find_format(dbk_text header, dbk_format *out)
{
    static const char *const ndjson[] = {"application/x-ndjson", "application/ndjson", "application/jsonl",
                                         "application/x-jsonlines", "application/json"};
    *out = DBK_FORMAT_NDJSON;
    if (header.length == 0)
        return true;
    for (size_t i = 0; i < DBK_COUNT(ndjson); i++)
        if (is_type(header, ndjson[i]))
            return true;
    *out = DBK_FORMAT_CSV;
    return is_type(header, "text/csv");
}

static bool check_request(dbk_call *call, ingest *in)
{
    in->options.table = dbk_table_def_by_name(call->argument);
    if (in->options.table == NULL || in->options.table->system) {
        dbk_call_fail(call, 404, "There is no table \"%.*s\".",
                      (int)(call->argument.length < 64 ? call->argument.length : 64), call->argument.data);
        return false;
    }
    if (!find_format(dbk_request_header(call->request, "content-type"), &in->options.format)) {
        dbk_call_fail(call, 415, "Content-Type must be application/x-ndjson or text/csv.");
        return false;
    }
    if (dbk_request_header(call->request, "content-encoding").length > 0) {
        dbk_call_fail(call, 415, "Compressed bodies are not accepted; send the rows as they are.");
        return false;
    }
    return true;
}

void dbk_ingest_handle(dbk_call *call)
{
    ingest *in = dbk_arena_zalloc(&call->arena, sizeof(*in));
    dbk_settings settings;
    dbk_error err;
    if (call->tenant.length == 0) {
        dbk_call_fail(call, 400, "tenant is required");
        return;
    }
    if (in == NULL) {
        dbk_call_fail_write(call, DBK_NO_MEMORY, "Out of memory; nothing was stored.");
        return;
    }
    in->call = call;
    call->state = in;
    if (!check_request(call, in))
        return;
    dbk_status status =
        dbk_settings_read_one(dbk_call_snapshot(call), call->tenant, "timezone", &settings, &err);
    // A read that lasts as long as a write would keep old rows from being freed.
    dbk_call_end_read(call);
    if (status != DBK_OK) {
        dbk_call_fail_read(call, status, &err);
        return;
    }
    in->options.zone = settings.zone;
    // Columns are allocated for as many rows as a batch may have.
    uint32_t rows = call->request->body.length / ROW_BYTES_MIN + 1;
    in->options.batch_rows = rows < DBK_SEGMENT_ROWS ? rows : DBK_SEGMENT_ROWS;
    if (call->request->body.length > INLINE_BYTES_MAX)
        dbk_call_defer(call, run_parse);
    else
        parse_and_submit(in);
}

const char dbk_schema_ingest[] =
    "{\"type\":\"object\",\"required\":[\"stored\",\"rejected\"],\"properties\":{"
    "\"stored\":{\"type\":\"integer\"},\"rejected\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
    "\"properties\":{\"line\":{\"type\":\"integer\"},\"column\":{\"type\":[\"string\",\"integer\",\"null\"]},"
    "\"reason\":{\"type\":\"string\"}}}},\"rejectedCount\":{\"type\":\"integer\"}}}";
