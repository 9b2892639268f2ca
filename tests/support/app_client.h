// SPDX-License-Identifier: Apache-2.0
// The whole application over a real store in a temporary directory, asked in this process: requests are built
// by hand, replies are waited for, bodies are read by paths such as "data.daily.0.revenue".
#ifndef DBK_TEST_APP_CLIENT_H
#define DBK_TEST_APP_CLIENT_H

#include "http/app/app.h"
#include "ingest/parse/json.h"

typedef struct test_app {
    char directory[64];
    dbk_store *store;
    dbk_app *app;
    char key[64]; // sent as Bearer; "" = none
    // Of the last reply.
    int status;
    dbk_buffer body;
    dbk_json_doc doc;
    bool has_doc;
    char content_type[128];
    char headers[12][2][256];
    int headers_count;
} test_app;

extern int64_t test_now_ms;      // what the application takes for now
extern int64_t test_patience_ns; // of apps that are opened from here on
// Sets it from a text such as "2026-04-17T12:34:56Z".
void test_set_now(const char *text);

// rate_limits off unless asked for.
void test_app_open(test_app *t, bool rate_limits);
// Closes and opens the store again: what is on disk is what comes back.
void test_app_reopen(test_app *t);
void test_app_close(test_app *t);

// One request; `local` ones are the operator's. headers: name, value, …, NULL; may be NULL. body may be NULL.
// Returns the status; the body must be JSON unless it is empty or of another type.
int test_ask(test_app *t, const char *method, const char *target, bool local, const char *const *headers,
             const char *body);
int test_get(test_app *t, const char *target);
// A local load of CSV; fails the test unless all of it is stored.
void test_load(test_app *t, const char *tenant, const char *table, const char *csv);
// Makes a key and uses it from now on.
void test_use_key(test_app *t, const char *tenant, const char *scopes_json, const char *rate);

// The value at a path of the last body: numbers and strings as they stand, "true", "false", "null", "[3]" and
// "{2}" for containers, "(none)" when there is no such path. Valid until the eighth call from now.
const char *test_value(test_app *t, const char *path);
const char *test_header(const test_app *t, const char *name); // "" when absent
int test_count(test_app *t, const char *path);                // members of a container

#define expect_at(t, path, text) assert_string_equal(test_value(t, path), text)

#endif
