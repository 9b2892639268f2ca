// SPDX-License-Identifier: Apache-2.0
// What is Daybook's own: routing, ingest, settings, health, metrics, the description of the API.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/app/route.h"
#include "tests/support/one_app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int post(const char *target, const char *type, const char *body)
{
    const char *headers[] = {"content-type", type, NULL};
    return test_ask(&app, "POST", target, true, type != NULL ? headers : NULL, body);
}

// ---- Routing ----

static void test_D33_unknown_paths_and_methods_are_json(void **state)
{
    (void)state;
    static const char *const unknown[] = {"/",
                                          "/api/v1",
                                          "/api/v1/reports/",
                                          "/api/v1/reports/salesx",
                                          "/api/v1/products/",
                                          "/api/v1/products/a/b",
                                          "/nowhere"};
    for (size_t i = 0; i < DBK_COUNT(unknown); i++) {
        assert_int_equal(test_get(&app, unknown[i]), 404);
        expect_at(&app, "error", "Not found.");
        assert_string_equal(app.content_type, "application/json");
    }
    assert_int_equal(test_ask(&app, "DELETE", "/api/v1/reports/sales", false, NULL, NULL), 405);
    assert_string_equal(test_header(&app, "allow"), "GET, HEAD");
    assert_string_equal(app.content_type, "application/json");
    assert_int_equal(test_ask(&app, "GET", "/ingest/orders", false, NULL, NULL), 405);
    assert_string_equal(test_header(&app, "allow"), "POST");
}

static void test_admin_routes_are_local(void **state)
{
    (void)state;
    for (int i = 0; i < dbk_route_count(); i++) {
        const dbk_route *route = dbk_route_at(i);
        if (route->access != DBK_ACCESS_LOCAL)
            continue;
        assert_int_equal(test_ask(&app, route->method, route->path, false, NULL, "{}"), 404);
        expect_at(&app, "error", "Not found.");
    }
    assert_int_equal(test_ask(&app, "PATCH", "/admin/keys", false, NULL, NULL), 404);
    assert_int_equal(test_ask(&app, "PATCH", "/admin/keys", true, NULL, NULL), 405);
    assert_string_equal(test_header(&app, "allow"), "POST, GET, HEAD");
    assert_int_equal(test_ask(&app, "GET", "/admin/report/sales", true, NULL, NULL), 400);
    assert_int_equal(test_ask(&app, "GET", "/admin/report/sales?tenant=a/b", true, NULL, NULL), 400);
}

static void test_head_answers_like_get(void **state)
{
    (void)state;
    test_use_key(&app, "acme", "[\"reports:read\"]", "off");
    assert_int_equal(test_get(&app, "/api/v1/reports/sales"), 200);
    char etag[64];
    snprintf(etag, sizeof(etag), "%s", test_header(&app, "etag"));
    // The transport leaves the body out and keeps its length.
    assert_int_equal(test_ask(&app, "HEAD", "/api/v1/reports/sales", false, NULL, NULL), 200);
    assert_string_equal(test_header(&app, "etag"), etag);
    const char *headers[] = {"if-none-match", etag, NULL};
    assert_int_equal(test_ask(&app, "HEAD", "/api/v1/reports/sales", false, headers, NULL), 304);
}

// ---- Ingest ----

static void test_ingest_stores_and_rejects_by_row(void **state)
{
    (void)state;
    assert_int_equal(
        post("/ingest/orders?tenant=acme", "text/csv; charset=utf-8",
             "id,created_at,status,total\na,2026-04-01,SUBMITTED,1.50\nb,2026-04-31,SUBMITTED,1\n"
             "c,2026-04-02,SUBMITTED,1.23456\nd,2026-04-02,SUBMITTED,2\n"),
        200);
    expect_at(&app, "stored", "2");
    expect_at(&app, "rejected", "[2]");
    expect_at(&app, "rejected.0.line", "3");
    expect_at(&app, "rejected.0.column", "created_at");
    expect_at(&app, "rejected.1.line", "4");
    expect_at(&app, "rejected.1.column", "total");
    expect_at(&app, "rejected.1.reason", "more than 4 decimals");
    assert_int_equal(test_ask(&app, "GET", "/admin/report/sales?tenant=acme", true, NULL, NULL), 200);
    expect_at(&app, "data.totals.revenue", "3.50");
}

static void test_ingest_reads_ndjson_by_default(void **state)
{
    (void)state;
    const char *rows =
        "{\"id\":\"a\",\"created_at\":\"2026-04-01\",\"status\":\"SUBMITTED\",\"total\":1.10}\n"
        "{\"id\":\"b\",\"created_at\":\"2026-04-01\",\"status\":\"SUBMITTED\",\"total\":\"2.20\"}";
    static const char *const types[] = {NULL, "application/x-ndjson", "Application/NDJSON;charset=utf-8"};
    for (size_t i = 0; i < DBK_COUNT(types); i++) {
        assert_int_equal(post("/ingest/orders?tenant=acme", types[i], rows), 200);
        expect_at(&app, "stored", "2");
        expect_at(&app, "rejected", "[0]");
    }
    // Loading the same rows again changes nothing.
    assert_int_equal(test_ask(&app, "GET", "/admin/report/sales?tenant=acme", true, NULL, NULL), 200);
    expect_at(&app, "data.totals.revenue", "3.30");
    assert_int_equal(post("/ingest/orders?tenant=acme", NULL, ""), 200);
    expect_at(&app, "stored", "0");
}

static void test_ingest_refusals(void **state)
{
    (void)state;
    assert_int_equal(post("/ingest/nothing?tenant=acme", "text/csv", "id\n"), 404);
    assert_int_equal(post("/ingest/api_keys?tenant=acme", "text/csv", "id\n"), 404);
    assert_int_equal(post("/ingest/settings?tenant=acme", "text/csv", "id\n"), 404);
    assert_int_equal(post("/ingest/orders?tenant=acme", "application/x-www-form-urlencoded", "id=1"), 415);
    assert_int_equal(post("/ingest/orders?tenant=acme", "text/csv", "id,nonsense\na,b\n"), 400);
    assert_non_null(strstr(test_value(&app, "error"), "nonsense"));
    const char *zipped[] = {"content-type", "text/csv", "content-encoding", "gzip", NULL};
    assert_int_equal(test_ask(&app, "POST", "/ingest/orders?tenant=acme", true, zipped, "x"), 415);
    assert_int_equal(post("/ingest/orders", "text/csv", "id\n"), 400);
}

static void test_ingest_needs_its_scope_and_uses_the_keys_tenant(void **state)
{
    (void)state;
    static const char *const csv[] = {"content-type", "text/csv", NULL};
    test_use_key(&app, "acme", "[\"ingest:write\"]", "off");
    assert_int_equal(test_ask(&app, "POST", "/ingest/orders?tenant=rival", false, csv,
                              "id,created_at,status,total\na,2026-04-01,SUBMITTED,7\n"),
                     200);
    assert_int_equal(test_ask(&app, "GET", "/admin/report/sales?tenant=acme", true, NULL, NULL), 200);
    expect_at(&app, "data.totals.revenue", "7.00");
    assert_int_equal(test_ask(&app, "GET", "/admin/report/sales?tenant=rival", true, NULL, NULL), 200);
    expect_at(&app, "data.totals.revenue", "0.00");
}

// More than the loop thread parses itself, and more than one batch.
static void test_a_large_body_goes_through_a_worker(void **state)
{
    (void)state;
    enum { ROWS = 70000 };
    dbk_buffer csv = {0};
    dbk_buffer_format(&csv, "id,created_at,status,total\n");
    for (int i = 0; i < ROWS; i++)
        dbk_buffer_format(&csv, "order-%d,2026-04-%02dT00:00:00Z,SHIPPED,%s\n", i, i % 17 + 1,
                          i % 1000 == 999 ? "x" : "0.01");
    dbk_buffer_u8(&csv, 0);
    assert_int_equal(post("/ingest/orders?tenant=acme", "text/csv", (const char *)csv.data), 200);
    dbk_buffer_dispose(&csv);
    expect_at(&app, "stored", "69930");
    expect_at(&app, "rejected", "[70]");
    expect_at(&app, "rejected.0.line", "1001");
    expect_at(&app, "rejected.69.line", "70001");
    assert_int_equal(test_ask(&app, "GET", "/admin/report/sales?tenant=acme", true, NULL, NULL), 200);
    expect_at(&app, "data.totals.revenue", "699.30");
}

// Every query of a read is refused at first, so that each is begun anew twice: on a worker, and on one of the
// threads for the longest. Nobody can tell by the answer.
static void test_reads_that_are_begun_anew_answer_alike(void **state)
{
    (void)state;
    static const char *const reads[] = {
        "/admin/report/sales?tenant=acme&preset=year",
        "/admin/report/sales?tenant=acme&preset=month&include=realised",
        "/admin/report/customers?tenant=acme&preset=year",
        "/admin/report/inventory?tenant=acme",
        "/admin/report/sales?tenant=acme&preset=never",
        "/admin/report/sales?tenant=nobody",
    };
    enum { READS = sizeof(reads) / sizeof(reads[0]) };
    char *bodies[READS], tags[READS][64];
    int statuses[READS];
    test_load(&app, "acme", "customers", "id,name\nc1,Ann\nc2,Bob\n");
    test_load(&app, "acme", "products", "id,name,stock\np1,Pen,3\n");
    test_load(&app, "acme", "orders",
              "id,created_at,status,total,customer_id\na,2026-04-01,SUBMITTED,7,c1\n"
              "b,2026-04-02,CANCELLED,1.50,c2\nc,2026-01-02,SHIPPED,3,c1\n");
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < READS; i++) {
            const int status = test_ask(&app, "GET", reads[i], true, NULL, NULL);
            if (pass == 0) {
                statuses[i] = status;
                bodies[i] = strndup((const char *)app.body.data, app.body.size);
                snprintf(tags[i], sizeof(tags[i]), "%s", test_header(&app, "etag"));
                continue;
            }
            assert_int_equal(status, statuses[i]);
            assert_int_equal(app.body.size, strlen(bodies[i]));
            assert_memory_equal(app.body.data, bodies[i], app.body.size);
            assert_string_equal(test_header(&app, "etag"), tags[i]);
            free(bodies[i]);
            const char *known[] = {"if-none-match", tags[i], NULL};
            if (status == 200)
                assert_int_equal(test_ask(&app, "GET", reads[i], true, known, NULL), 304);
        }
        test_patience_ns = -1;
        test_app_reopen(&app);
    }
    test_patience_ns = 0;
}

// ---- Settings ----

static void test_settings_are_checked_and_kept(void **state)
{
    (void)state;
    assert_int_equal(
        test_ask(&app, "PUT", "/admin/settings?tenant=acme", true, NULL,
                 "{\"timezone\":\"Europe/Berlin\",\"currency\":\"EUR\",\"business-day\":\"06:30\","
                 "\"app-id\":\"x\"}"),
        200);
    expect_at(&app, "timezone", "Europe/Berlin");
    static const char *const bad[] = {"{\"timezone\":\"Mars/Olympus\"}",
                                      "{\"timezone\":\"../../etc/passwd\"}",
                                      "{\"currency\":\"eur\"}",
                                      "{\"business-day\":\"25:00\"}",
                                      "{\"business-day\":\"7:00\"}",
                                      "{\"currency\":5}",
                                      "[]",
                                      "nonsense"};
    for (size_t i = 0; i < DBK_COUNT(bad); i++)
        if (test_ask(&app, "PUT", "/admin/settings?tenant=acme", true, NULL, bad[i]) != 400)
            fail_msg("%s gave %d", bad[i], app.status);
    // All or nothing, and null takes a setting away.
    assert_int_equal(test_ask(&app, "PUT", "/admin/settings?tenant=acme", true, NULL,
                              "{\"app-id\":\"y\",\"currency\":\"?\"}"),
                     400);
    assert_int_equal(test_ask(&app, "PUT", "/admin/settings?tenant=acme", true, NULL, "{\"timezone\":null}"),
                     200);
    test_app_reopen(&app);
    assert_int_equal(test_ask(&app, "GET", "/admin/settings?tenant=acme", true, NULL, NULL), 200);
    expect_at(&app, "", "{3}");
    expect_at(&app, "timezone", "(none)");
    expect_at(&app, "currency", "EUR");
    expect_at(&app, "app-id", "x");
    expect_at(&app, "business-day", "06:30");
}

static void test_D88_the_operator_is_in_the_audit_log(void **state)
{
    (void)state;
    static const char *const target = "/admin/settings?tenant=acme";
    static const char *const log = "/api/v1/audit-log?tenant=acme&entityType=tenant";
    assert_int_equal(test_ask(&app, "PUT", target, true, NULL,
                              "{\"currency\":\"EUR\",\"app-id\":null,"
                              "\"jwt-secret\":\"0123456789abcdef0123456789abcdef\"}"),
                     200);
    assert_int_equal(test_ask(&app, "PUT", target, true, NULL, "{\"currency\":\"?\"}"), 400);
    assert_int_equal(test_ask(&app, "PUT", target, true, NULL, "{}"), 200);
    assert_int_equal(test_ask(&app, "GET", log, true, NULL, NULL), 200);
    expect_at(&app, "data", "[1]");
    expect_at(&app, "data.0.actorType", "SYSTEM");
    expect_at(&app, "data.0.actor", "null");
    expect_at(&app, "data.0.action", "tenant.settings_changed");
    expect_at(&app, "data.0.entityId", "acme");
    expect_at(&app, "data.0.details.currency", "EUR");
    expect_at(&app, "data.0.details.app-id", "null");
    expect_at(&app, "data.0.details.jwt-secret", "(changed)");
    // More at once than there can be.
    dbk_buffer many = {0};
    for (int i = 0; i < 33; i++)
        dbk_buffer_format(&many, "%c\"s%d\":\"v\"", i == 0 ? '{' : ',', i);
    dbk_buffer_format(&many, "}%c", 0);
    assert_int_equal(test_ask(&app, "PUT", target, true, NULL, (const char *)many.data), 400);
    dbk_buffer_dispose(&many);
    assert_int_equal(test_ask(&app, "GET", target, true, NULL, NULL), 200);
    expect_at(&app, "s0", "(none)");
}

// ---- Machines ----

static void test_health_and_readiness(void **state)
{
    (void)state;
    assert_int_equal(test_get(&app, "/healthz"), 200);
    expect_at(&app, "status", "ok");
    assert_int_equal(test_get(&app, "/readyz"), 503);
    dbk_app_ready(app.app);
    assert_int_equal(test_get(&app, "/readyz"), 200);
    dbk_app_drain(app.app);
    assert_int_equal(test_get(&app, "/readyz"), 503);
    assert_int_equal(test_get(&app, "/healthz"), 200);
}

static bool has_line(const char *text, const char *line)
{
    const char *found = strstr(text, line);
    return found != NULL && (found == text || found[-1] == '\n') && found[strlen(line)] == '\n';
}

static void test_metrics_are_openmetrics(void **state)
{
    (void)state;
    post("/ingest/orders?tenant=acme", "text/csv", "id,created_at,status,total\na,2026-04-01,S,1\nb,x,S,1\n");
    test_get(&app, "/api/v1/reports/sales");
    test_get(&app, "/nowhere");
    assert_int_equal(test_get(&app, "/metrics"), 200);
    assert_string_equal(app.content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    dbk_buffer_u8(&app.body, 0);
    const char *text = (const char *)app.body.data;
    assert_true(has_line(text, "daybook_http_requests_total{method=\"GET\",route=\"/api/v1/reports/sales\","
                               "status=\"401\"} 1"));
    assert_true(has_line(text, "daybook_http_requests_total{method=\"\",route=\"none\",status=\"404\"} 1"));
    assert_true(has_line(text, "daybook_rows_stored_total 1"));
    assert_true(has_line(text, "daybook_rows_rejected_total 1"));
    assert_true(has_line(text, "daybook_rows{table=\"orders\"} 1"));
    assert_true(has_line(text, "daybook_http_request_seconds_bucket{le=\"+Inf\"} 3"));
    size_t length = strlen(text);
    assert_string_equal(text + length - 6, "# EOF\n");
    // Every sample belongs to a family announced before it.
    for (const char *line = text; *line != 0; line = strchr(line, '\n') + 1) {
        if (*line == '#')
            continue;
        char name[128], announced[160];
        size_t name_length = strcspn(line, "{ ");
        snprintf(name, sizeof(name), "%.*s", (int)name_length, line);
        static const char *const endings[] = {"_total", "_bucket", "_count", "_sum", "_info"};
        for (size_t i = 0; i < DBK_COUNT(endings); i++) {
            size_t at = strlen(name) - strlen(endings[i]);
            if (strlen(name) > strlen(endings[i]) && strcmp(name + at, endings[i]) == 0)
                name[at] = 0;
        }
        snprintf(announced, sizeof(announced), "# TYPE %s ", name);
        const char *found = strstr(text, announced);
        if (found == NULL || found > line)
            fail_msg("%s is not announced", name);
    }
}

static void test_openapi_describes_every_public_route(void **state)
{
    (void)state;
    assert_int_equal(test_get(&app, "/openapi.json"), 200);
    expect_at(&app, "openapi", "3.1.0");
    const dbk_json *paths = dbk_json_get(app.doc.root, "paths");
    for (int i = 0; i < dbk_route_count(); i++) {
        const dbk_route *route = dbk_route_at(i);
        const dbk_json *path = dbk_json_get(paths, route->path);
        // Several paths stand in the place of such a one.
        if (route->describe != NULL) {
            assert_null(path);
            continue;
        }
        if (route->access == DBK_ACCESS_LOCAL) {
            assert_null(path);
            continue;
        }
        char method[16] = {0};
        for (size_t c = 0; route->method[c] != 0; c++)
            method[c] = (char)(route->method[c] | 0x20);
        const dbk_json *operation = dbk_json_get(path, method);
        assert_non_null(operation);
        const dbk_json *answers = dbk_json_get(operation, "responses");
        assert_non_null(dbk_json_get(answers, route->success == 201 ? "201" : "200"));
        // A path's parameters must be described.
        const char *brace = strchr(route->path, '{');
        if (brace != NULL) {
            const dbk_json *first = dbk_json_first(dbk_json_get(operation, "parameters"));
            dbk_text name = dbk_json_string_of(dbk_json_get(first, "name"));
            assert_memory_equal(name.data, brace + 1, name.length);
        }
    }
    char etag[64];
    snprintf(etag, sizeof(etag), "%s", test_header(&app, "etag"));
    const char *headers[] = {"if-none-match", etag, NULL};
    assert_int_equal(test_ask(&app, "GET", "/openapi.json", false, headers, NULL), 304);
}

static void test_refusals_of_the_transport_speak_the_dialect(void **state)
{
    (void)state;
    dbk_reply reply;
    dbk_app_refuse(app.app, 413, "The body is larger than 16 MiB.", DBK_TEXT("/api/v1/x"), &reply);
    dbk_buffer_u8(&reply.body, 0);
    assert_string_equal((const char *)reply.body.data, "{\"error\":\"The body is larger than 16 MiB.\"}");
    assert_string_equal(reply.content_type, "application/json");
    assert_int_equal(reply.status, 413);
    dbk_buffer_dispose(&reply.body);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, one_app_open_limited, one_app_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_D33_unknown_paths_and_methods_are_json),
        TEST(test_admin_routes_are_local),
        TEST(test_head_answers_like_get),
        TEST(test_ingest_stores_and_rejects_by_row),
        TEST(test_ingest_reads_ndjson_by_default),
        TEST(test_ingest_refusals),
        TEST(test_ingest_needs_its_scope_and_uses_the_keys_tenant),
        TEST(test_a_large_body_goes_through_a_worker),
        TEST(test_reads_that_are_begun_anew_answer_alike),
        TEST(test_settings_are_checked_and_kept),
        TEST(test_D88_the_operator_is_in_the_audit_log),
        TEST(test_health_and_readiness),
        TEST(test_metrics_are_openmetrics),
        TEST(test_openapi_describes_every_public_route),
        TEST(test_refusals_of_the_transport_speak_the_dialect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
