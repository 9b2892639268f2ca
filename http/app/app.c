// SPDX-License-Identifier: Apache-2.0
// From a request to its handler: route, caller, and where to run.
#include "http/app/app.h"

#include "engine/base/clock.h"
#include "engine/patience.h"
#include "http/app/call.h"
#include "http/app/caller.h"
#include "http/exports/exporter.h"
#include "http/pos/books.h"
#include "http/pos/events.h"
#include "http/pos/hours.h"
#include "http/routes/openapi.h"
#include "http/stoq/exports.h"
#include "http/webhooks/deliverer.h"
#include "http/webhooks/retention.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS_DEFAULT = 2, LONG_READERS = 2, STREAMERS = 4 };
// Room that most answers of reads fit into, so that they need not grow.
enum { BODY_ROOM = 4000 };
// What a read may take on an event loop, all of whose connections it keeps waiting, and on a worker, where
// writes and other reads stand behind it.
enum { LOOP_NS = 100000, WORKER_NS = 5000000 };

// ---- Time ----

static int64_t now_ms(const dbk_app *app)
{
    if (app->options.now_ms != NULL)
        return app->options.now_ms();
    return app->frozen_now_ms != DBK_NULL ? app->frozen_now_ms : dbk_clock_wall_ms();
}

static int64_t app_now_ms(void *context)
{
    return now_ms(context);
}

// ---- Life ----

static dbk_status read_frozen_now(dbk_app *app, dbk_error *err)
{
    const char *text = getenv("DAYBOOK_NOW");
    dbk_time_form form;
    app->frozen_now_ms = DBK_NULL;
    if (text == NULL || *text == 0)
        return DBK_OK;
    if (!dbk_time_parse(text, strlen(text), NULL, &app->frozen_now_ms, &form))
        return dbk_fail(err, DBK_INVALID,
                        "DAYBOOK_NOW is \"%.40s\"; it must be a time such as 2026-04-17T12:00:00Z", text);
    return DBK_OK;
}

// What the deliverer's thread does for us now and then.
static void store_key_usage(void *context)
{
    dbk_app *app = context;
    dbk_error err;
    if (dbk_keys_flush(app->keys, &err) != DBK_OK)
        fprintf(stderr, "daybook: when keys were last used was not stored: %s\n", err.message);
}

static void do_chores(void *context)
{
    dbk_app *app = context;
    store_key_usage(app);
    dbk_deliveries_sweep(app->store, dbk_clock_wall_ms());
}

// DAYBOOK_WEBHOOK_PAUSES=100,200: milliseconds between attempts, for tests.
static dbk_status read_pauses(dbk_deliverer_options *options, dbk_error *err)
{
    const char *at = getenv("DAYBOOK_WEBHOOK_PAUSES");
    while (at != NULL && *at != 0) {
        char *end;
        long long value = strtoll(at, &end, 10);
        bool is_last = *end == 0;
        if (end == at || value < 0 || (!is_last && *end != ',') ||
            options->pauses_count == DBK_DELIVERY_PAUSES_MAX)
            return dbk_fail(err, DBK_INVALID,
                            "DAYBOOK_WEBHOOK_PAUSES must be up to %d numbers of milliseconds with commas",
                            DBK_DELIVERY_PAUSES_MAX);
        options->pauses_ms[options->pauses_count++] = value;
        at = is_last ? end : end + 1;
    }
    return DBK_OK;
}

static dbk_status create_deliverer(dbk_app *app, dbk_error *err)
{
    dbk_deliverer_options options = {
        .store = app->store, .sends = app->options.webhooks, .tick = do_chores, .user = app};
    DBK_TRY(read_pauses(&options, err));
    return dbk_deliverer_create(&app->deliverer, &options, err);
}

// A number of milliseconds in the environment, for tests; *out stays when there is none.
static dbk_status read_ms(const char *name, int *out, dbk_error *err)
{
    const char *text = getenv(name);
    if (text == NULL || *text == 0)
        return DBK_OK;
    char *end;
    long value = strtol(text, &end, 10);
    if (*end != 0 || value < 1 || value > INT32_MAX)
        return dbk_fail(err, DBK_INVALID, "%s must be a number of milliseconds", name);
    *out = (int)value;
    return DBK_OK;
}

static dbk_status create_events(dbk_app *app, dbk_error *err)
{
    dbk_pos_events_options options = {.store = app->store};
    if (!app->options.events)
        return DBK_OK;
    DBK_TRY(read_ms("DAYBOOK_EVENTS_KEEP_ALIVE", &options.keep_alive_ms, err));
    DBK_TRY(read_ms("DAYBOOK_EVENTS_RETRY", &options.retry_ms, err));
    return dbk_pos_events_create(&app->events, &options, err);
}

static dbk_status create_keeper(dbk_app *app, dbk_error *err)
{
    dbk_pos_keeper_options options = {
        .store = app->store, .now_ms = app_now_ms, .user = app, .runs = app->options.pos_hours};
    return dbk_pos_keeper_create(&app->pos_keeper, &options, err);
}

// Whose reports can be exported.
static const dbk_export_kind *const export_kinds[] = {&dbk_stoq_exports};

static dbk_status create_exporter(dbk_app *app, dbk_error *err)
{
    dbk_exporter_options options = {.store = app->store,
                                    .directory = app->options.exports_directory,
                                    .kinds = export_kinds,
                                    .kinds_count = DBK_COUNT(export_kinds),
                                    .now_ms = app_now_ms,
                                    .user = app,
                                    .s3 = app->options.s3};
    return dbk_exporter_create(&app->exporter, &options, err);
}

// An origin, without a slash behind it.
static dbk_status copy_public_url(dbk_app *app, dbk_error *err)
{
    const char *url = app->options.public_url;
    if (url == NULL || *url == 0)
        return DBK_OK;
    size_t length = strlen(url);
    bool has_scheme = strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
    if (!has_scheme || length > DBK_PUBLIC_URL_MAX || url[length - 1] == '/' ||
        strpbrk(url, " ?#\"\\") != NULL)
        return dbk_fail(
            err, DBK_INVALID,
            "public-url is \"%.60s\"; it must be such as https://reports.example, without a slash "
            "at its end",
            url);
    memcpy(app->public_url, url, length + 1);
    return DBK_OK;
}

static dbk_status create_parts(dbk_app *app, dbk_error *err)
{
    int threads = app->options.workers > 0 ? app->options.workers : WORKERS_DEFAULT;
    DBK_TRY(read_frozen_now(app, err));
    DBK_TRY(dbk_keys_create(&app->keys, app->store, err));
    DBK_TRY(dbk_tokens_create(&app->tokens, app->store, err));
    DBK_TRY(dbk_limiter_create(&app->limiter, err));
    DBK_TRY(dbk_metrics_create(&app->metrics, err));
    DBK_TRY(dbk_answers_create(&app->answers, err));
    DBK_TRY(copy_public_url(app, err));
    DBK_TRY(create_deliverer(app, err));
    DBK_TRY(create_events(app, err));
    DBK_TRY(create_exporter(app, err));
    DBK_TRY(dbk_workers_create(&app->workers, threads, err));
    DBK_TRY(dbk_workers_create(&app->long_readers, LONG_READERS, err));
    DBK_TRY(dbk_workers_create(&app->streamers, STREAMERS, err));
    DBK_TRY(create_keeper(app, err));
    DBK_TRY(dbk_pos_books_create(&app->pos_books, err));
    dbk_openapi_write(&app->openapi);
    return app->openapi.failed ? dbk_fail(err, DBK_NO_MEMORY, "no memory for the API description") : DBK_OK;
}

dbk_status dbk_app_create(dbk_app **out, dbk_store *store, const dbk_app_options *options, dbk_error *err)
{
    dbk_app *app = calloc(1, sizeof(*app));
    if (app == NULL)
        return dbk_fail(err, DBK_NO_MEMORY, "no memory for the application");
    app->store = store;
    app->db = dbk_store_db(store);
    app->options = *options;
    dbk_status status = create_parts(app, err);
    if (status != DBK_OK) {
        dbk_app_destroy(app);
        return status;
    }
    *out = app;
    return DBK_OK;
}

void dbk_app_destroy(dbk_app *app)
{
    if (app == NULL)
        return;
    dbk_workers_destroy(app->streamers);
    dbk_workers_destroy(app->workers);
    dbk_workers_destroy(app->long_readers); // after those that hand over to them
    dbk_pos_events_destroy(app->events);
    dbk_pos_keeper_destroy(app->pos_keeper);
    dbk_pos_books_destroy(app->pos_books);
    dbk_exporter_destroy(app->exporter);
    dbk_deliverer_destroy(app->deliverer);
    if (app->keys != NULL)
        store_key_usage(app);
    dbk_answers_destroy(app->answers);
    dbk_metrics_destroy(app->metrics);
    dbk_limiter_destroy(app->limiter);
    dbk_tokens_destroy(app->tokens);
    dbk_keys_destroy(app->keys);
    dbk_buffer_dispose(&app->openapi);
    free(app);
}

void dbk_app_ready(dbk_app *app)
{
    app->ready = true;
}

void dbk_app_drain(dbk_app *app)
{
    app->ready = false;
}

// ---- Dispatch ----

static void run_handler(dbk_job *job)
{
    dbk_call *call = (dbk_call *)job;
    call->route->handle(call);
}

// False: it would have taken longer than that, and the call is as if nobody had begun.
static bool read_within(dbk_call *call, int64_t ns)
{
    bool ran_out = false;
    (void)dbk_buffer_reserve(&call->body, BODY_ROOM);
    call->ran_out = &ran_out;
    dbk_patience_begin(ns);
    call->route->handle(call); // unless it ran out, the call is gone
    dbk_patience_end();
    if (ran_out)
        dbk_call_begin_anew(call);
    return !ran_out;
}

static void read_on_worker(dbk_job *job)
{
    dbk_call *call = (dbk_call *)job;
    const int64_t ns = call->app->options.patience_ns;
    if (!read_within(call, ns < 0 ? ns : WORKER_NS))
        dbk_call_defer_long(call, run_handler);
}

// Most reads are answered from kept sums, or look at few rows: handing them over would take longer.
static void read_on_loop(dbk_call *call)
{
    const int64_t ns = call->app->options.patience_ns;
    if (!read_within(call, ns ? ns : LOOP_NS))
        dbk_call_defer(call, read_on_worker);
}

static void refuse_unrouted(dbk_call *call, const char *allowed)
{
    if (allowed[0] == 0 || call->dialect->write_unknown != NULL) {
        dbk_call_fail_unknown(call);
        return;
    }
    char *copy = dbk_arena_copy(&call->arena, allowed, strlen(allowed));
    if (copy != NULL)
        dbk_call_header(call, "allow", dbk_text_from(copy));
    dbk_call_fail(call, 405, "Method not allowed. Use %s.", allowed);
}

static void dispatch(dbk_call *call)
{
    dbk_request *request = call->request;
    char allowed[DBK_ALLOWED_MAX];
    const dbk_route *route = dbk_route_find(request->method, request->path, &call->argument, allowed);
    // Nobody but the operator is told that admin routes exist.
    bool is_admin_path = request->path.length >= 6 && memcmp(request->path.data, "/admin", 6) == 0;
    if (is_admin_path && !request->local) {
        route = NULL;
        allowed[0] = 0;
    }
    if (route == NULL) {
        refuse_unrouted(call, allowed);
        return;
    }
    call->route = route;
    call->dialect = route->dialect;
    if (!dbk_params_parse(&call->params, request->query, &call->arena)) {
        dbk_call_fail(call, 400, "Invalid query string.");
        return;
    }
    if (!dbk_caller_authorise(call))
        return;
    if (route->cost == DBK_COST_READ && dbk_call_is_kept_answer(call))
        return;
    if (route->cost == DBK_COST_READ)
        read_on_loop(call);
    else if (route->cost == DBK_COST_WRITE || route->cost == DBK_COST_LIVE)
        dbk_call_defer(call, run_handler);
    else
        route->handle(call);
}

void dbk_app_handle(void *context, dbk_request *request)
{
    dbk_app *app = context;
    dbk_patience_end(); // should a request come while a read is being answered
    dbk_arena arena = {0};
    dbk_call *call = dbk_arena_zalloc(&arena, sizeof(*call));
    if (call == NULL) {
        dbk_reply reply;
        dbk_app_refuse(app, 503, "Out of memory. Try again shortly.", request->path, &reply);
        dbk_request_reply(request, &reply);
        return;
    }
    call->arena = arena;
    call->app = app;
    call->request = request;
    call->dialect = dbk_dialect_of_path(request->path);
    call->now_ms = now_ms(app);
    call->started_ns = request->received_ns != 0 ? (int64_t)request->received_ns : dbk_clock_steady_ns();
    dispatch(call);
}

void dbk_app_refuse(void *context, int status, const char *detail, dbk_text path, dbk_reply *reply)
{
    dbk_app *app = context;
    *reply = (dbk_reply){.status = status, .content_type = "application/json"};
    dbk_dialect_of_path(path)->write_error(&reply->body, status, dbk_text_from(detail), 0);
    dbk_reply_header(reply, "cache-control", DBK_TEXT("no-store"));
    dbk_metrics_refused(app->metrics, status);
}

// ---- The access log ----

// The key's prefix tells keys apart and opens nothing.
static dbk_text shown_key(const dbk_request *request)
{
    dbk_text key;
    if (dbk_dialect_of_path(request->path)->find_key(request, &key) != DBK_KEY_GIVEN ||
        key.length != DBK_KEY_TEXT_BYTES || !dbk_key_is_shaped(key))
        return (dbk_text){NULL, 0};
    return (dbk_text){key.data, DBK_KEY_PREFIX_BYTES};
}

void dbk_app_log(void *context, const dbk_request *request, int status, size_t bytes, uint64_t nanoseconds)
{
    (void)context;
    dbk_buffer line = {0};
    dbk_out json = dbk_out_init(&line);
    dbk_out_object(&json);
    dbk_out_key(&json, "time");
    dbk_out_time(&json, dbk_clock_wall_ms());
    dbk_out_key(&json, "method");
    dbk_out_text(&json, request->method);
    dbk_out_key(&json, "path"); // without the query, which may hold secrets
    dbk_out_text(&json, request->path);
    dbk_out_key(&json, "status");
    dbk_out_int(&json, status);
    dbk_out_key(&json, "bytes");
    dbk_out_int(&json, (int64_t)bytes);
    dbk_out_key(&json, "us");
    dbk_out_int(&json, (int64_t)(nanoseconds / 1000));
    dbk_out_key(&json, "key");
    dbk_out_text_or_null(&json, shown_key(request));
    dbk_out_key(&json, "peer");
    dbk_out_string(&json, request->peer);
    dbk_out_object_end(&json);
    dbk_buffer_u8(&line, '\n');
    // One write a line, so that lines of several threads do not mix.
    if (!line.failed && write(STDERR_FILENO, line.data, line.size) < 0) {
        // A log that cannot be written is no reason to stop serving.
    }
    dbk_buffer_dispose(&line);
}
