// SPDX-License-Identifier: Apache-2.0
// Requests to the application without a connection in between.
#include "tests/support/app_client.h"

#include "engine/base/calendar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t test_now_ms;
int64_t test_patience_ns;

void test_set_now(const char *text)
{
    dbk_time_form form;
    assert_true(dbk_time_parse(text, strlen(text), NULL, &test_now_ms, &form));
}

static int64_t now(void)
{
    return test_now_ms;
}

static void open_store(test_app *t, bool rate_limits)
{
    dbk_error err;
    dbk_store_options options = {.directory = t->directory, .create = true, .memory_bytes = 1 << 30};
    if (dbk_store_open(&t->store, &options, &err) != DBK_OK)
        fail_msg("%s", err.message);
    dbk_app_options app_options = {
        .now_ms = now, .rate_limits = rate_limits, .workers = 2, .patience_ns = test_patience_ns};
    if (dbk_app_create(&t->app, t->store, &app_options, &err) != DBK_OK)
        fail_msg("%s", err.message);
}

void test_app_open(test_app *t, bool rate_limits)
{
    *t = (test_app){0};
    snprintf(t->directory, sizeof(t->directory), "/tmp/daybook-test-XXXXXX");
    assert_non_null(mkdtemp(t->directory));
    open_store(t, rate_limits);
}

static void forget_reply(test_app *t)
{
    if (t->has_doc)
        dbk_json_doc_dispose(&t->doc);
    dbk_buffer_dispose(&t->body);
    t->body = (dbk_buffer){0};
    t->has_doc = false;
    t->headers_count = 0;
    t->content_type[0] = 0;
}

void test_app_reopen(test_app *t)
{
    dbk_app_destroy(t->app);
    dbk_store_close(t->store);
    open_store(t, false);
}

void test_app_close(test_app *t)
{
    char command[128];
    forget_reply(t);
    dbk_app_destroy(t->app);
    dbk_store_close(t->store);
    snprintf(command, sizeof(command), "rm -rf '%s'", t->directory);
    assert_int_equal(system(command), 0);
}

typedef struct exchange {
    dbk_request request; // first: the callbacks see a dbk_request
    test_app *t;
    pthread_mutex_t lock;
    pthread_cond_t replied;
    bool done, kept;
} exchange;

static void take_header(test_app *t, const dbk_header *h)
{
    snprintf(t->headers[t->headers_count][0], 256, "%.*s", (int)h->name.length, h->name.data);
    snprintf(t->headers[t->headers_count][1], 256, "%.*s", (int)h->value.length, h->value.data);
    t->headers_count++;
}

static void on_send(dbk_request *request, dbk_reply *reply)
{
    exchange *x = (exchange *)request;
    pthread_mutex_lock(&x->lock);
    assert_false(x->done);
    assert_false(reply->body.failed);
    x->t->status = reply->status;
    x->t->body = reply->body;
    reply->body = (dbk_buffer){0};
    if (reply->content_type != NULL)
        snprintf(x->t->content_type, sizeof(x->t->content_type), "%s", reply->content_type);
    for (int i = 0; i < reply->headers_count; i++)
        take_header(x->t, &reply->headers[i]);
    x->done = true;
    pthread_cond_signal(&x->replied);
    pthread_mutex_unlock(&x->lock);
}

static void on_keep(dbk_request *request)
{
    exchange *x = (exchange *)request;
    assert_false(x->kept);
    x->kept = true;
}

static int collect_headers(const test_app *t, const char *const *headers, char *authorization, size_t size,
                           dbk_header out[8])
{
    int count = 0;
    if (t->key[0] != 0) {
        snprintf(authorization, size, "Bearer %s", t->key);
        out[count++] = (dbk_header){DBK_TEXT("authorization"), dbk_text_from(authorization)};
    }
    for (; headers != NULL && headers[0] != NULL; headers += 2)
        out[count++] = (dbk_header){dbk_text_from(headers[0]), dbk_text_from(headers[1])};
    return count;
}

int test_ask(test_app *t, const char *method, const char *target, bool local, const char *const *headers,
             const char *body)
{
    char authorization[128];
    dbk_header list[8];
    forget_reply(t);
    const char *mark = strchr(target, '?');
    size_t path_length = mark != NULL ? (size_t)(mark - target) : strlen(target);
    exchange x = {.request = {.method = dbk_text_from(method),
                              .target = dbk_text_from(target),
                              .path = {target, (uint32_t)path_length},
                              .query = dbk_text_from(mark != NULL ? mark + 1 : NULL),
                              .headers = list,
                              .body = dbk_text_from(body),
                              .peer = "127.0.0.1",
                              .local = local,
                              .send = on_send,
                              .keep = on_keep},
                  .t = t,
                  .lock = PTHREAD_MUTEX_INITIALIZER,
                  .replied = PTHREAD_COND_INITIALIZER};
    x.request.headers_count = collect_headers(t, headers, authorization, sizeof(authorization), list);
    dbk_app_handle(t->app, &x.request);
    pthread_mutex_lock(&x.lock);
    while (!x.done)
        pthread_cond_wait(&x.replied, &x.lock);
    pthread_mutex_unlock(&x.lock);
    if (t->body.size > 0 && strncmp(t->content_type, "application/json", 16) == 0) {
        dbk_error err;
        if (dbk_json_parse((const char *)t->body.data, t->body.size, &t->doc, NULL, &err) != DBK_OK)
            fail_msg("%s %s: %s in %.*s", method, target, err.message, (int)t->body.size,
                     (char *)t->body.data);
        t->has_doc = true;
    }
    return t->status;
}

int test_get(test_app *t, const char *target)
{
    return test_ask(t, "GET", target, false, NULL, NULL);
}

void test_load(test_app *t, const char *tenant, const char *table, const char *csv)
{
    static const char *const headers[] = {"content-type", "text/csv", NULL};
    char target[128], key[64];
    snprintf(target, sizeof(target), "/ingest/%s?tenant=%s", table, tenant);
    memcpy(key, t->key, sizeof(key));
    t->key[0] = 0;
    int status = test_ask(t, "POST", target, true, headers, csv);
    memcpy(t->key, key, sizeof(key));
    if (status != 200 || test_count(t, "rejected") != 0)
        fail_msg("load of %s: %d %.*s", table, status, (int)t->body.size, (char *)t->body.data);
}

void test_use_key(test_app *t, const char *tenant, const char *scopes_json, const char *rate)
{
    char body[512];
    snprintf(body, sizeof(body), "{\"tenant\":\"%s\",\"scopes\":%s,\"rate\":\"%s\"}", tenant, scopes_json,
             rate);
    if (test_ask(t, "POST", "/admin/keys", true, NULL, body) != 201)
        fail_msg("key: %d %.*s", t->status, (int)t->body.size, (char *)t->body.data);
    snprintf(t->key, sizeof(t->key), "%s", test_value(t, "key"));
}

static const dbk_json *member_at(const dbk_json *container, const char *name, size_t length)
{
    bool is_array = container->type == DBK_JSON_ARRAY;
    long index = is_array ? strtol(name, NULL, 10) : -1, i = 0;
    for (const dbk_json *m = dbk_json_first(container); m != NULL; m = dbk_json_next(container, m), i++)
        if (is_array ? i == index : m->key.length == length && memcmp(m->key.data, name, length) == 0)
            return m;
    return NULL;
}

static const dbk_json *find(test_app *t, const char *path)
{
    const dbk_json *at = t->has_doc ? t->doc.root : NULL;
    while (at != NULL && *path != 0) {
        size_t length = strcspn(path, ".");
        at = at->type == DBK_JSON_ARRAY || at->type == DBK_JSON_OBJECT ? member_at(at, path, length) : NULL;
        path += length + (path[length] == '.');
    }
    return at;
}

const char *test_value(test_app *t, const char *path)
{
    static char texts[8][512];
    static int next;
    char *text = texts[next++ % 8];
    const dbk_json *value = find(t, path);
    if (value == NULL)
        return "(none)";
    switch (value->type) {
    case DBK_JSON_NULL:
        return "null";
    case DBK_JSON_FALSE:
        return "false";
    case DBK_JSON_TRUE:
        return "true";
    case DBK_JSON_ARRAY:
        snprintf(text, 512, "[%u]", value->count);
        break;
    case DBK_JSON_OBJECT:
        snprintf(text, 512, "{%u}", value->count);
        break;
    default:
        snprintf(text, 512, "%.*s", (int)value->text.length, value->text.data);
    }
    return text;
}

const char *test_header(const test_app *t, const char *name)
{
    for (int i = 0; i < t->headers_count; i++)
        if (strcmp(t->headers[i][0], name) == 0)
            return t->headers[i][1];
    return "";
}

int test_count(test_app *t, const char *path)
{
    const dbk_json *value = find(t, path);
    return value != NULL ? (int)value->count : -1;
}
