// SPDX-License-Identifier: Apache-2.0
// Reads that are begun anew, because nobody has time for one of their queries where they were begun: of every
// route that reads, whichever of its queries it is, the answer is that of a reader with all the time there
// is. What a handler held at that moment is nobody's any more: AddressSanitizer names what it leaves behind.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/app/route.h"
#include "http/stoq/registry.h"
#include "ingest/gen/gen.h"
#include "tests/support/app_client.h"
#include "tests/support/impatience.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ORDERS = 400, LAST_DAY = 20453 }; // 2025-12-31

static test_app patient, impatient;
static char offer[64]; // an offer's id

// ---- The company ----

static char *read_file(const char *directory, const char *table)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s.csv", directory, table);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return NULL;
    fseek(f, 0, SEEK_END);
    size_t size = (size_t)ftell(f);
    rewind(f);
    char *text = malloc(size + 1);
    assert_int_equal(fread(text, 1, size, f), size);
    text[size] = '\0';
    fclose(f);
    return text;
}

static void load_all(const char *directory)
{
    for (int id = 1; id < DBK_TABLE_END; id++) {
        const dbk_table_def *table = dbk_table_def_by_id(id);
        char *csv = table != NULL ? read_file(directory, table->name) : NULL;
        if (csv != NULL) {
            test_load(&patient, "demo", table->name, csv);
            test_load(&impatient, "demo", table->name, csv);
        }
        if (csv != NULL && id == DBK_OFFERS)
            snprintf(offer, sizeof offer, "%.36s", strchr(csv, '\n') + 1);
        free(csv);
    }
}

static int open_apps(void **state)
{
    (void)state;
    char directory[] = "/tmp/daybook-gen-XXXXXX", command[64];
    dbk_gen_report report;
    dbk_error err;
    assert_non_null(mkdtemp(directory));
    dbk_gen_options options = {
        .orders = ORDERS, .seed = 7, .directory = directory, .last_day = LAST_DAY, .days = 90};
    assert_int_equal(dbk_gen_run(&options, &report, &err), DBK_OK);
    test_set_now("2026-01-01T12:00:00Z");
    test_patience_ns = INT64_MAX;
    test_app_open(&patient, false);
    test_patience_ns = 0;
    test_app_open(&impatient, false);
    load_all(directory);
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    return system(command);
}

static int close_apps(void **state)
{
    (void)state;
    test_app_close(&patient);
    test_app_close(&impatient);
    return 0;
}

// ---- Asking both ----

static int ask(test_app *app, const dbk_route *route, const char *target, const char *body)
{
    static const char *const headers[] = {"content-type", "application/json", NULL};
    return test_ask(app, route->method, target, true, body ? headers : NULL, body);
}

static void expect_same(const char *target)
{
    assert_int_equal(impatient.status, patient.status);
    if (impatient.body.size != patient.body.size ||
        memcmp(impatient.body.data, patient.body.data, patient.body.size) != 0)
        fail_msg("%s: %.*s, wanted %.*s", target, (int)impatient.body.size, (const char *)impatient.body.data,
                 (int)patient.body.size, (const char *)patient.body.data);
    assert_string_equal(impatient.content_type, patient.content_type);
    assert_string_equal(test_header(&impatient, "etag"), test_header(&patient, "etag"));
}

// How many queries were refused.
static int ask_short_of_each(const dbk_route *route, const char *target, const char *body)
{
    for (int nth = 1;; nth++) {
        test_now_ms += 60000; // no answer is kept so long
        impatience_begin((uint64_t)nth);
        ask(&impatient, route, target, body);
        const bool has_refused = impatience_end();
        if (ask(&patient, route, target, body) != 200)
            fail_msg("%s %s: %d %.*s", route->method, target, patient.status, (int)patient.body.size,
                     (const char *)patient.body.data);
        expect_same(target);
        if (!has_refused)
            return nth - 1;
    }
}

// ---- What to ask ----

// The id of a row, for a path such as /api/v1/orders/{id}.
static void find_id(const char *list, char *out, size_t size)
{
    char target[256];
    snprintf(target, sizeof target, "%s?tenant=demo&limit=1", list);
    assert_int_equal(test_ask(&patient, "GET", target, true, NULL, NULL), 200);
    const char *id = test_value(&patient, "data.0.id");
    snprintf(out, size, "%s", id);
    assert_string_not_equal(out, "(none)");
}

static const char *period_of(const dbk_route *route)
{
    if (route->dialect == &dbk_dialect_blocks)
        return "&start_date=2025-11-01&end_date=2025-11-30";
    if (strstr(route->path, "/reports/") || strstr(route->path, "/report/"))
        return strstr(route->path, "inventory") ? "" : "&from=2025-11-01&to=2025-11-30";
    return "";
}

// `more` goes behind the parameters that the route's reads need.
static int ask_at(const dbk_route *route, const char *path, const char *more)
{
    char target[256];
    if (strcmp(route->method, "POST") == 0) {
        snprintf(target, sizeof target, "%s?tenant=demo", path);
        return ask_short_of_each(route, target,
                                 "{\"start_date\":\"2025-11-01\",\"end_date\":\"2025-11-30\"}");
    }
    snprintf(target, sizeof target, "%s?tenant=demo%s%s", path, period_of(route), more);
    return ask_short_of_each(route, target, NULL);
}

// Returns how few queries any of its paths asked.
static int ask_route(const dbk_route *route)
{
    char path[256], list[128], id[128];
    const char *brace = strchr(route->path, '{');
    int before = brace ? (int)(brace - route->path) : 0, least = INT32_MAX;
    if (!brace)
        return ask_at(route, route->path, "");
    if (strcmp(brace, "{id}") == 0) {
        snprintf(list, sizeof list, "%.*s", before - 1, route->path);
        find_id(list, id, sizeof id);
        snprintf(path, sizeof path, "%.*s%s", before, route->path, id);
        return ask_at(route, path, "");
    }
    assert_string_equal(brace, "{name}"); // of a report of STOQ
    for (int i = 0; i < dbk_stoq_reports_count; i++) {
        const dbk_stoq_report *report = &dbk_stoq_reports[i];
        char more[128] = "";
        if (report->needs_offer)
            snprintf(more, sizeof more, "&offer_id=%s", offer);
        snprintf(path, sizeof path, "%.*s%s", before, route->path, report->name);
        int queries = ask_at(route, path, more);
        least = queries < least ? queries : least;
    }
    return least;
}

// Parameters that bring further queries.
static void ask_more(void)
{
    static const char *const more[][2] = {
        {"/api/v1/reports/sales", "&include=realised"},
        {"/reports/orders/summary", "&group_by=day"},
        {"/reports/orders/summary", "&payment_method=card"},
        {"/reports/payments/summary", "&include=breakdown"},
        {"/api/v2/external/preorders/reports/revenue", "&granularity=month"},
    };
    for (size_t i = 0; i < DBK_COUNT(more); i++) {
        dbk_text argument, path = dbk_text_from(more[i][0]);
        char allowed[DBK_ALLOWED_MAX];
        const dbk_route *route = dbk_route_find(DBK_TEXT("GET"), path, &argument, allowed);
        assert_non_null(route);
        assert_true(ask_at(route, more[i][0], more[i][1]) > 0);
    }
}

static void test_reads_begun_anew_answer_alike_whichever_query_was_too_long(void **state)
{
    (void)state;
    int routes = 0;
    for (int i = 0; i < dbk_route_count(); i++) {
        const dbk_route *route = dbk_route_at(i);
        if (route->cost != DBK_COST_READ)
            continue;
        if (ask_route(route) == 0)
            fail_msg("%s %s asks nothing", route->method, route->path);
        routes++;
    }
    assert_true(routes > 30);
    ask_more();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_begun_anew_answer_alike_whichever_query_was_too_long),
    };
    return cmocka_run_group_tests(tests, open_apps, close_apps);
}
