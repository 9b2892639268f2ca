// SPDX-License-Identifier: Apache-2.0
// The routes about STOQ's exports, over an application that stores jobs and writes none: what runs, runs for
// ever, so that every answer about it can be looked at.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/app_client.h"

#include <stdio.h>
#include <string.h>

#define REPORTS "/api/v2/external/preorders/reports"

static test_app app;

static int set_up(void **state)
{
    (void)state;
    test_set_now("2026-06-01T12:00:00Z");
    test_app_open(&app, false);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_app_close(&app);
    return 0;
}

static int ask(const char *method, const char *target)
{
    return test_ask(&app, method, target, true, NULL, NULL);
}

// The path of a job that was accepted for the tenant.
static const char *submit(const char *tenant)
{
    static char path[4][160];
    static int next;
    char target[128];
    snprintf(target, sizeof(target), REPORTS "/revenue/export?tenant=%s", tenant);
    assert_int_equal(ask("POST", target), 202);
    char *out = path[next++ % 4];
    snprintf(out, 160, "%s?tenant=%s", test_value(&app, "status_url"), tenant);
    return out;
}

static void test_S43_S59_what_runs_says_so(void **state)
{
    (void)state;
    const char *job = submit("acme");
    assert_int_equal(ask("GET", job), 200);
    expect_at(&app, "status", "running");
    expect_at(&app, "progress", "0");
    expect_at(&app, "download_url", "(none)");
    expect_at(&app, "error", "(none)");
    assert_int_equal(test_count(&app, ""), 3);
    assert_string_equal(test_header(&app, "retry-after"), "2");
}

static void test_S43_S55_a_running_job_is_cancelled_once(void **state)
{
    (void)state;
    const char *job = submit("acme");
    assert_int_equal(ask("DELETE", job), 200);
    expect_at(&app, "status", "cancelled");
    assert_int_equal(test_count(&app, ""), 3);
    assert_int_equal(ask("GET", job), 200);
    expect_at(&app, "status", "cancelled");
    assert_int_equal(ask("DELETE", job), 409);
    assert_non_null(strstr(test_value(&app, "errors.0"), "new POST"));
}

static void test_S47_jobs_of_others_are_not_found(void **state)
{
    (void)state;
    char target[160];
    const char *job = submit("acme");
    snprintf(target, sizeof(target), "%.*s?tenant=beta", (int)strcspn(job, "?"), job);
    assert_int_equal(ask("GET", target), 404);
    assert_int_equal(ask("DELETE", target), 404);
    assert_int_equal(ask("GET", job), 200);
    expect_at(&app, "status", "running");
}

static void test_SA12_a_running_job_never_expires(void **state)
{
    (void)state;
    const char *running = submit("acme"), *cancelled = submit("acme");
    assert_int_equal(ask("DELETE", cancelled), 200);
    test_set_now("2026-06-02T11:59:59.999Z");
    assert_int_equal(ask("GET", cancelled), 200);
    assert_int_equal(ask("GET", REPORTS "/exports?tenant=acme"), 200);
    expect_at(&app, "meta.total_count", "2");
    test_set_now("2026-06-02T12:00:00Z");
    assert_int_equal(ask("GET", cancelled), 404);
    assert_int_equal(ask("DELETE", cancelled), 404);
    test_set_now("2027-06-02T12:00:00Z");
    assert_int_equal(ask("GET", running), 200);
    assert_int_equal(ask("GET", REPORTS "/exports?tenant=acme"), 200);
    expect_at(&app, "meta.total_count", "1");
    expect_at(&app, "exports.0.report", "revenue");
    expect_at(&app, "exports.0.created_at", "2026-06-01T12:00:00.000Z");
}

static void test_an_accepted_job_survives_a_restart(void **state)
{
    (void)state;
    const char *job = submit("acme");
    test_app_reopen(&app);
    assert_int_equal(ask("GET", job), 200);
    expect_at(&app, "status", "running");
}

static void test_a_download_needs_a_signature_and_a_file(void **state)
{
    (void)state;
    assert_int_equal(ask("GET", REPORTS "/exports/exp_0123456789abcdef/download"), 403);
    assert_int_equal(
        ask("GET",
            REPORTS "/exports/exp_0123456789abcdef/download?tenant=acme&expires=9999999999&signature=00"),
        403);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_S43_S59_what_runs_says_so),          TEST(test_S43_S55_a_running_job_is_cancelled_once),
        TEST(test_S47_jobs_of_others_are_not_found),   TEST(test_SA12_a_running_job_never_expires),
        TEST(test_an_accepted_job_survives_a_restart), TEST(test_a_download_needs_a_signature_and_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
