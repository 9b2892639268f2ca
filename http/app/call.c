// SPDX-License-Identifier: Apache-2.0
// The ways a call can end.
#include "http/app/call.h"

#include "engine/base/clock.h"
#include "engine/base/decimal.h"
#include "engine/base/hash.h"
#include "engine/base/pool.h"
#include "engine/base/processors.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const dbk_snapshot *dbk_call_snapshot(dbk_call *call)
{
    if (!call->is_reading) {
        call->read = dbk_read_begin(call->app->db);
        call->is_reading = true;
    }
    return call->read.snapshot;
}

void dbk_call_end_read(dbk_call *call)
{
    if (call->is_reading)
        dbk_read_end(call->app->db, &call->read);
    call->is_reading = false;
}

void dbk_call_header(dbk_call *call, const char *name, dbk_text value)
{
    if (call->headers_count < (int)DBK_COUNT(call->headers))
        call->headers[call->headers_count++] = (dbk_header){dbk_text_from(name), value};
}

dbk_text dbk_call_param(const dbk_call *call, const char *name)
{
    return dbk_params_get(&call->params, name);
}

// ---- Where we are ----

// A name and a port, as RFC 3986 writes them; what else a client may send as Host goes into no address.
static bool is_authority(dbk_text host)
{
    static const char others[] = ".-_:[]";
    for (uint32_t i = 0; i < host.length; i++) {
        char c = host.data[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_plain && (c == 0 || strchr(others, c) == NULL))
            return false;
    }
    return host.length > 0 && host.length <= 255;
}

void dbk_call_write_origin(const dbk_call *call, dbk_buffer *out)
{
    const dbk_app *app = call->app;
    dbk_text host = dbk_request_header(call->request, "host");
    if (app->public_url[0] != 0)
        dbk_buffer_append(out, app->public_url, strlen(app->public_url));
    else if (is_authority(host))
        dbk_buffer_format(out, "http%s://%.*s", app->options.tls ? "s" : "", (int)host.length, host.data);
}

// ---- Entity tags ----

void dbk_call_tag(dbk_call *call, const void *data, size_t size)
{
    dbk_buffer_u32(&call->tag, (uint32_t)size);
    dbk_buffer_append(&call->tag, data, size);
}

// If-None-Match: "*" or a list of tags, compared weakly: W/ does not matter.
static bool matches_tag(dbk_text header, const char *etag)
{
    size_t length = strlen(etag);
    const char *at = header.data, *end = header.data + header.length;
    while (at < end) {
        if (*at == ' ' || *at == '\t' || *at == ',') {
            at++;
            continue;
        }
        if (*at == '*')
            return true;
        if (end - at > 2 && at[0] == 'W' && at[1] == '/')
            at += 2;
        if (*at != '"')
            return false;
        const char *close = memchr(at + 1, '"', (size_t)(end - at - 1));
        if (close == NULL)
            return false;
        if ((size_t)(close + 1 - at) == length && memcmp(at, etag, length) == 0)
            return true;
        at = close + 1;
    }
    return false;
}

// A report whose question comes in a body is as much a read as one whose question comes in the path.
static bool is_read(const dbk_call *call)
{
    dbk_text method = call->request->method;
    return dbk_text_equal(method, DBK_TEXT("GET")) || dbk_text_equal(method, DBK_TEXT("HEAD")) ||
           (call->route != NULL && call->route->cost == DBK_COST_READ);
}

static void finish(dbk_call *call, int status, const char *content_type);

bool dbk_call_is_known(dbk_call *call)
{
    dbk_text header = dbk_request_header(call->request, "if-none-match");
    if (header.length == 0 || !is_read(call) || !matches_tag(header, call->etag))
        return false;
    finish(call, 304, NULL);
    return true;
}

// The number of the last change of what the route reads.
static uint64_t number_read(dbk_call *call)
{
    const dbk_snapshot *snapshot = dbk_call_snapshot(call);
    return call->route->cost == DBK_COST_READ ? dbk_snapshot_tenant_data_number(snapshot, call->tenant)
                                              : dbk_snapshot_tenant_number(snapshot, call->tenant);
}

// At least so many digits.
static char *write_hex(char *at, uint64_t value, int least)
{
    const int needed = (67 - __builtin_clzll(value | 1)) / 4, count = needed > least ? needed : least;
    for (int i = count - 1; i >= 0; i--, value >>= 4)
        at[i] = "0123456789abcdef"[value & 15];
    return at + count;
}

bool dbk_call_is_unchanged(dbk_call *call)
{
    dbk_call_tag(call, DBK_VERSION, sizeof(DBK_VERSION));
    dbk_call_tag(call, call->route->path, strlen(call->route->path));
    dbk_call_tag(call, call->argument.data, call->argument.length);
    dbk_call_tag(call, call->tenant.data, call->tenant.length);
    if (!call->tag.failed) {
        uint64_t number = number_read(call);
        char *at = call->etag;
        *at++ = '"';
        at = write_hex(at, number, 1);
        *at++ = '-';
        at = write_hex(at, dbk_checksum(call->tag.data, call->tag.size), 16);
        memcpy(at, "\"", 2);
    }
    return call->etag[0] != 0 && dbk_call_is_known(call);
}

// ---- Answers that are kept ----

enum { MINUTE_MS = 60000 };

// The key of a call's answer: fixed parts first, then texts with their lengths. 0 when it does not fit.
static size_t make_key(dbk_call *call, uint8_t key[DBK_ANSWER_KEY_MAX])
{
    uint64_t fixed[3] = {number_read(call), (uint64_t)(call->now_ms / MINUTE_MS),
                         (uint64_t)dbk_route_number(call->route)};
    const dbk_request *request = call->request;
    bool has_body = request->body.length > 0;
    dbk_text none = {NULL, 0};
    // How a body is to be read decides whether it can be, so it is part of the question.
    dbk_text texts[] = {call->tenant,
                        request->path,
                        request->query,
                        request->body,
                        has_body ? dbk_request_header(request, "content-type") : none,
                        has_body ? dbk_request_header(request, "content-encoding") : none};
    size_t size = sizeof(fixed);
    memcpy(key, fixed, size);
    for (size_t i = 0; i < DBK_COUNT(texts); i++) {
        uint32_t length = texts[i].length;
        if (size + sizeof(length) + length > DBK_ANSWER_KEY_MAX)
            return 0;
        memcpy(key + size, &length, sizeof(length));
        if (length > 0)
            memcpy(key + size + sizeof(length), texts[i].data, length);
        size += sizeof(length) + length;
    }
    return size;
}

bool dbk_call_is_kept_answer(dbk_call *call)
{
    uint8_t key[DBK_ANSWER_KEY_MAX];
    dbk_answer answer;
    size_t key_size = make_key(call, key);
    if (key_size == 0)
        return false;
    call->is_from_answers =
        dbk_answers_find(call->app->answers, key, key_size, &call->body, &call->arena, &answer);
    dbk_metrics_cache(call->app->metrics, call->is_from_answers);
    if (!call->is_from_answers)
        return false;
    memcpy(call->etag, answer.etag, sizeof(call->etag));
    for (int i = 0; i < answer.headers_count; i++)
        dbk_call_header(call, answer.headers[i].name.data, answer.headers[i].value);
    if (!dbk_call_is_known(call))
        dbk_call_answer(call, 200, answer.content_type);
    return true;
}

static void keep_answer(dbk_call *call, const char *content_type)
{
    uint8_t key[DBK_ANSWER_KEY_MAX];
    bool is_kept_kind = call->route != NULL && call->route->cost == DBK_COST_READ &&
                        call->headers_count <= DBK_ANSWER_HEADERS_MAX;
    size_t key_size = is_kept_kind ? make_key(call, key) : 0;
    if (key_size == 0)
        return;
    dbk_answer answer = {.content_type = content_type};
    memcpy(answer.etag, call->etag, sizeof(answer.etag));
    for (int i = 0; i < call->headers_count; i++)
        answer.headers[answer.headers_count++] = call->headers[i];
    dbk_answers_keep(call->app->answers, key, key_size, &call->body, &answer);
}

// ---- Endings ----

static void dispose(dbk_call *call)
{
    dbk_buffer_dispose(&call->body);
    dbk_buffer_dispose(&call->tag);
    dbk_arena arena = call->arena;
    dbk_arena_dispose(&arena);
}

static void add_headers(const dbk_call *call, int status, dbk_reply *reply)
{
    bool says_caching = false;
    for (int i = 0; i < call->headers_count; i++) {
        reply->headers[reply->headers_count++] = call->headers[i];
        says_caching |= dbk_text_equal(call->headers[i].name, DBK_TEXT("cache-control"));
    }
    bool has_tag = (status == 200 || status == 206 || status == 304) && call->etag[0] != 0;
    if (has_tag)
        dbk_reply_header(reply, "etag", dbk_text_from(call->etag));
    bool is_open = call->route != NULL && call->route->access == DBK_ACCESS_OPEN;
    if (has_tag && !is_open)
        dbk_reply_header(reply, "vary",
                         dbk_text_from(call->dialect->vary != NULL ? call->dialect->vary : "Authorization"));
    if (!says_caching)
        dbk_reply_header(reply, "cache-control",
                         has_tag ? DBK_TEXT("private, no-cache") : DBK_TEXT("no-store"));
    dbk_reply_header(reply, "x-content-type-options", DBK_TEXT("nosniff"));
}

// What every end of a call leaves behind it.
static void account(dbk_call *call, int status)
{
    dbk_call_end_read(call);
    if (call->has_key && status < 400)
        dbk_keys_used(&call->key, call->now_ms);
    if (call->has_key || call->has_token)
        dbk_db_hurry(call->app->db); // the first answer after a start does not wait for what later ones need
    dbk_metrics_request(call->app->metrics, call->route, status, dbk_clock_steady_ns() - call->started_ns);
}

static void add_number(dbk_call *call, dbk_reply *reply, const char *name, int64_t value)
{
    char *text = dbk_arena_alloc(&call->arena, DBK_DECIMAL_TEXT_MAX);
    if (text != NULL)
        dbk_reply_header(reply, name, (dbk_text){text, (uint32_t)dbk_int_write(text, value)});
}

static void add_points(dbk_call *call, dbk_reply *reply)
{
    if (call->points.limit == 0)
        return;
    add_number(call, reply, "x-ratelimit-limit", call->points.limit);
    add_number(call, reply, "x-ratelimit-remaining", call->points.remaining);
    add_number(call, reply, "x-ratelimit-reset", call->points.reset_s);
}

static void finish(dbk_call *call, int status, const char *content_type)
{
    dbk_reply reply = {.status = status, .content_type = content_type};
    add_headers(call, status, &reply);
    add_points(call, &reply);
    if (content_type != NULL) {
        reply.body = call->body;
        call->body = (dbk_buffer){0};
    }
    account(call, status);
    dbk_request_reply(call->request, &reply);
    dispose(call);
}

void dbk_call_answer(dbk_call *call, int status, const char *content_type)
{
    if (call->body.failed) {
        dbk_buffer_dispose(&call->body);
        call->body = (dbk_buffer){0};
        dbk_call_fail(call, 503, "Out of memory. Try again shortly.");
        return;
    }
    // What has no tag of its own is tagged by its bytes.
    bool is_tagged = status == 200 && is_read(call);
    if (is_tagged && call->etag[0] == 0) {
        snprintf(call->etag, sizeof(call->etag), "\"%016llx\"",
                 (unsigned long long)dbk_checksum(call->body.data, call->body.size));
        if (dbk_call_is_known(call))
            return;
    }
    if (is_tagged && !call->is_from_answers)
        keep_answer(call, content_type);
    finish(call, status, content_type);
}

bool dbk_call_stream(dbk_call *call, int status, const char *content_type, const dbk_stream_options *options)
{
    dbk_reply head = {.status = status, .content_type = content_type};
    add_headers(call, status, &head);
    // The request is given up, and its path with it.
    if (call->argument.length > 0) {
        char *copy = dbk_arena_copy(&call->arena, call->argument.data, call->argument.length);
        if (copy == NULL) {
            dbk_call_fail(call, 503, "Out of memory. Try again shortly.");
            return false;
        }
        call->argument.data = copy;
    }
    call->stream = dbk_request_stream(call->request, &head, options);
    if (call->stream == NULL) {
        account(call, 503);
        dispose(call);
        return false;
    }
    call->request = (dbk_request *)dbk_stream_request(call->stream);
    call->stream_status = status;
    return true;
}

void dbk_call_stream_end(dbk_call *call, bool whole)
{
    account(call, call->stream_status);
    dbk_stream_end(call->stream, whole);
    dispose(call);
}

dbk_stream *dbk_call_stream_leave(dbk_call *call)
{
    dbk_stream *stream = call->stream;
    account(call, call->stream_status);
    dispose(call);
    return stream;
}

void dbk_call_answer_json(dbk_call *call, int status)
{
    dbk_call_answer(call, status, "application/json");
}

// A reason may hold bytes of the request, of which a header takes only some.
static void tell_detail(dbk_call *call, dbk_text reason)
{
    char *copy = dbk_arena_copy(&call->arena, reason.data, reason.length);
    if (copy == NULL)
        return;
    for (uint32_t i = 0; i < reason.length; i++)
        if (copy[i] < ' ' || copy[i] > '~')
            copy[i] = '?';
    dbk_call_header(call, "daybook-detail", (dbk_text){copy, reason.length});
}

void dbk_call_fail_text(dbk_call *call, int status, dbk_text message, int retry_after)
{
    dbk_buffer_reset(&call->body);
    if (status == 400 && call->dialect->bad_request != NULL) {
        tell_detail(call, message);
        message = dbk_text_from(call->dialect->bad_request);
    }
    call->dialect->write_error(&call->body, status, message, retry_after);
    if (retry_after > 0) {
        char *text = dbk_arena_alloc(&call->arena, DBK_DECIMAL_TEXT_MAX);
        if (text != NULL)
            dbk_call_header(call, "retry-after",
                            (dbk_text){text, (uint32_t)dbk_int_write(text, retry_after)});
    }
    finish(call, status, "application/json");
}

void dbk_call_fail_unknown(dbk_call *call)
{
    if (call->dialect->write_unknown == NULL) {
        dbk_call_fail(call, 404, "Not found.");
        return;
    }
    dbk_buffer text = {0};
    call->dialect->write_unknown(&text, call->request->method, call->request->path);
    dbk_call_fail_text(call, 404, (dbk_text){(const char *)text.data, (uint32_t)text.size}, 0);
    dbk_buffer_dispose(&text);
}

void dbk_call_fail(dbk_call *call, int status, const char *format, ...)
{
    char message[600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    dbk_call_fail_text(call, status, dbk_text_from(message), 0);
}

void dbk_call_fail_read(dbk_call *call, dbk_status status, const dbk_error *err)
{
    if (status == DBK_LONG && call->ran_out != NULL) {
        *call->ran_out = true;
        return;
    }
    int code = status == DBK_NO_MEMORY ? 503 : status == DBK_CANCELLED ? 503 : 500;
    if (code == 500)
        fprintf(stderr, "daybook: %.*s failed: %s\n", (int)call->request->path.length,
                call->request->path.data, err->message);
    dbk_call_fail(call, code, "%s",
                  code == 503 ? "The server is out of memory. Try again shortly." : "Internal server error.");
}

void dbk_call_fail_write(dbk_call *call, dbk_status status, const char *message)
{
    int code;
    switch (status) {
    case DBK_INVALID:
        code = 400;
        break;
    case DBK_NOT_FOUND:
        code = 404;
        break;
    case DBK_LIMIT:
        code = 413;
        break;
    case DBK_OVERFLOW:
        code = 422;
        break;
    case DBK_READ_ONLY:
    case DBK_BUSY:
    case DBK_IO:
        code = 503;
        break;
    case DBK_NO_SPACE:
    case DBK_NO_MEMORY:
        code = 507;
        break;
    default:
        code = 500;
    }
    dbk_call_fail(call, code, "%s", message);
}

dbk_status dbk_call_audit(const dbk_call *call, dbk_batch *batch, const char *action, const char *entity_type,
                          dbk_text entity_id, dbk_text details, dbk_error *err)
{
    dbk_audit_entry entry = {
        .at_ms = call->now_ms,
        .actor = dbk_text_from(call->has_token ? call->token.id : call->key.id),
        .creator = dbk_text_from(call->has_token ? call->token.claims.subject : call->key.creator),
        .action = action,
        .entity_type = entity_type,
        .entity_id = entity_id,
        .details = details};
    return dbk_audit_build(batch, &entry, err);
}

void dbk_call_keep(dbk_call *call)
{
    if (!call->is_kept)
        dbk_request_keep(call->request);
    call->is_kept = true;
}

int dbk_call_threads(const dbk_call *call)
{
    return call->is_kept ? dbk_processors(DBK_POOL_MAX) : 1;
}

static void run_job(void *job)
{
    ((dbk_job *)job)->run(job);
}

void dbk_call_begin_anew(dbk_call *call)
{
    dbk_buffer_dispose(&call->body);
    dbk_buffer_dispose(&call->tag);
    call->body = (dbk_buffer){0};
    call->tag = (dbk_buffer){0};
    call->etag[0] = 0;
    call->headers_count = 0;
    call->state = NULL;
}

// Hands over to one of those threads, which has time.
static void submit(dbk_call *call, dbk_workers *to, void (*run)(dbk_job *job))
{
    dbk_call_keep(call);
    call->ran_out = NULL;
    call->job.run = run;
    dbk_workers_submit(to, &call->job);
}

void dbk_call_resume(dbk_call *call, void (*run)(dbk_job *job))
{
    call->job.run = run;
    dbk_request_resume(call->request, run_job, &call->job);
}

void dbk_call_defer(dbk_call *call, void (*run)(dbk_job *job))
{
    submit(call, call->app->workers, run);
}

void dbk_call_defer_long(dbk_call *call, void (*run)(dbk_job *job))
{
    submit(call, call->app->long_readers, run);
}

void dbk_call_defer_stream(dbk_call *call, void (*run)(dbk_job *job))
{
    submit(call, call->app->streamers, run);
}
