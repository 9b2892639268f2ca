// SPDX-License-Identifier: Apache-2.0
// Distribu's sales report, rule by rule, over a real store.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/distribu_client.h"
#include "tests/support/one_app.h"
#include "tests/support/seed.h"

#include <stdio.h>

static void test_D10_to_D18_the_seed_example(void **state)
{
    (void)state;
    test_load_seed_month(&app);
    assert_int_equal(test_sales(&app, "preset=month"), 200);
    assert_string_equal(app.content_type, "application/json");
    expect_at(&app, "data.range.from", "2026-04-01T00:00:00.000Z");
    expect_at(&app, "data.range.to", "2026-04-17T23:59:59.999Z");
    expect_at(&app, "data.range.preset", "month");
    expect_at(&app, "data.range.label", "April 2026");
    expect_at(&app, "data.totals.orderCount", "42");
    expect_at(&app, "data.totals.revenue", "18743.50");
    expect_at(&app, "data.totals.averageOrderValue", "446.27");
    expect_at(&app, "data.byStatus", "[5]");
    expect_at(&app, "data.byStatus.0.status", "SUBMITTED");
    expect_at(&app, "data.byStatus.0.revenue", "410.00");
    expect_at(&app, "data.byStatus.1.revenue", "2100.50");
    expect_at(&app, "data.byStatus.2.orderCount", "10");
    expect_at(&app, "data.byStatus.3.status", "DELIVERED");
    expect_at(&app, "data.byStatus.3.revenue", "10533.00");
    expect_at(&app, "data.byStatus.4.orderCount", "2");
    expect_at(&app, "data.byStatus.4.revenue", "1200.00");
    assert_string_equal(test_header(&app, "daybook-other-currencies"), "");
}

static void test_D17_daily_has_no_gaps(void **state)
{
    (void)state;
    test_load(&app, "acme", "orders",
              "id,created_at,status,total\na,2026-04-03T00:00:00Z,SUBMITTED,10\nb,2026-04-03T23:59:59.999Z,"
              "SUBMITTED,"
              "2.5\nc,2026-04-15,SUBMITTED,1\n");
    assert_int_equal(test_sales(&app, ""), 200);
    assert_int_equal(test_count(&app, "data.daily"), 17);
    for (int i = 0; i < 17; i++) {
        char path[64], date[16];
        snprintf(path, sizeof(path), "data.daily.%d.date", i);
        snprintf(date, sizeof(date), "2026-04-%02d", i + 1);
        expect_at(&app, path, date);
    }
    expect_at(&app, "data.daily.2.orderCount", "2");
    expect_at(&app, "data.daily.2.revenue", "12.50");
    expect_at(&app, "data.daily.3.orderCount", "0");
    expect_at(&app, "data.daily.3.revenue", "0.00");
    expect_at(&app, "data.daily.14.revenue", "1.00");
}

static void test_X21_an_empty_company_has_zeros(void **state)
{
    (void)state;
    assert_int_equal(test_sales(&app, "preset=all"), 200);
    expect_at(&app, "data.totals.orderCount", "0");
    expect_at(&app, "data.totals.revenue", "0.00");
    expect_at(&app, "data.totals.averageOrderValue", "0.00");
    expect_at(&app, "data.daily", "[1]");
    expect_at(&app, "data.daily.0.date", "2026-04-17");
    expect_at(&app, "data.byStatus", "[5]");
    expect_at(&app, "data.range.label", "All time");
}

static void test_D9_D11_DA3_the_ends_are_inclusive(void **state)
{
    (void)state;
    test_load(
        &app, "acme", "orders",
        "id,created_at,status,total\na,2026-03-31T23:59:59.999Z,SUBMITTED,1\nb,2026-04-01T00:00:00.000Z,"
        "SUBMITTED,2\nc,2026-04-02T23:59:59.999Z,SUBMITTED,4\nd,2026-04-03T00:00:00.000Z,SUBMITTED,8\n");
    assert_int_equal(test_sales(&app, "from=2026-04-01&to=2026-04-02"), 200);
    expect_at(&app, "data.totals.revenue", "6.00");
    expect_at(&app, "data.range.preset", "custom");
    expect_at(&app, "data.range.label", "2026-04-01 \u2192 2026-04-02");
    assert_int_equal(test_sales(&app, "from=2026-04-02T23:59:59.999Z&to=2026-04-03T00:00:00Z"), 200);
    expect_at(&app, "data.totals.revenue", "12.00");
    expect_at(&app, "data.daily", "[2]");
    assert_int_equal(test_sales(&app, "from=April%201,%202026&to=Apr+1+2026"), 200);
    expect_at(&app, "data.totals.revenue", "2.00");
}

static void test_DA1_all_begins_with_the_first_order(void **state)
{
    (void)state;
    test_load(&app, "acme", "orders",
              "id,created_at,status,total\na,2026-04-10T13:00:00Z,SUBMITTED,1\nb,2026-04-12,SUBMITTED,2\n");
    assert_int_equal(test_sales(&app, "preset=all"), 200);
    expect_at(&app, "data.range.from", "2026-04-10T00:00:00.000Z");
    expect_at(&app, "data.daily", "[8]");
    expect_at(&app, "data.totals.revenue", "3.00");
}

static void test_DA6_other_statuses_follow_by_name(void **state)
{
    (void)state;
    test_load(&app, "acme", "orders",
              "id,created_at,status,total\na,2026-04-10,returned,1\nb,2026-04-10,delivered,2\nc,2026-04-10,"
              "DELIVERED,4\n"
              "d,2026-04-10,Archived,8\ne,2026-04-11,returned,16\n");
    assert_int_equal(test_sales(&app, ""), 200);
    expect_at(&app, "data.byStatus", "[7]");
    expect_at(&app, "data.byStatus.3.status", "DELIVERED");
    expect_at(&app, "data.byStatus.3.orderCount", "2");
    expect_at(&app, "data.byStatus.3.revenue", "6.00");
    expect_at(&app, "data.byStatus.5.status", "Archived");
    expect_at(&app, "data.byStatus.6.status", "returned");
    expect_at(&app, "data.byStatus.6.revenue", "17.00");
}

static void test_DA8_days_are_the_tenants(void **state)
{
    (void)state;
    assert_int_equal(test_settings(&app, "{\"timezone\":\"Europe/Berlin\"}"), 200);
    test_load(&app, "acme", "orders",
              "id,created_at,status,total\na,2026-04-09T22:00:00Z,SUBMITTED,1\nb,2026-04-10T21:59:59.999Z,"
              "SUBMITTED,2\n"
              "c,2026-04-10T22:00:00Z,SUBMITTED,4\nd,2026-04-10T12:00:00,SUBMITTED,8\n");
    assert_int_equal(test_sales(&app, "from=2026-04-10&to=2026-04-10"), 200);
    expect_at(&app, "data.range.from", "2026-04-09T22:00:00.000Z");
    expect_at(&app, "data.range.to", "2026-04-10T21:59:59.999Z");
    expect_at(&app, "data.totals.revenue", "11.00");
    expect_at(&app, "data.daily", "[1]");
    expect_at(&app, "data.daily.0.date", "2026-04-10");
    // Ten o'clock in the evening UTC is tomorrow there.
    test_set_now("2026-04-17T22:30:00Z");
    assert_int_equal(test_sales(&app, "preset=today"), 200);
    expect_at(&app, "data.daily.0.date", "2026-04-18");
    // A year with both clock changes has as many rows as days.
    assert_int_equal(test_sales(&app, "from=2025-01-01&to=2025-12-31"), 200);
    expect_at(&app, "data.daily", "[365]");
    expect_at(&app, "data.daily.364.date", "2025-12-31");
}

static void test_DA5_bad_parameters(void **state)
{
    (void)state;
    static const struct {
        const char *query, *message;
    } bad[] = {{"preset=fortnight", "Invalid preset."},
               {"from=soon", "Invalid from date."},
               {"to=2026-02-30", "Invalid to date."},
               {"from=1775001600000", "Invalid from date."},
               {"from=2026-04-02&to=2026-04-01", "Invalid date range: from is after to."},
               {"currency=EURO", "Invalid currency."},
               {"currency=%zz", "Invalid query string."}};
    for (size_t i = 0; i < DBK_COUNT(bad); i++) {
        assert_int_equal(test_sales(&app, bad[i].query), 400);
        expect_at(&app, "error", bad[i].message);
        expect_at(&app, "", "{1}");
        assert_string_equal(app.content_type, "application/json");
    }
    assert_int_equal(test_sales(&app, "unknown=1&preset="), 200); // X23
}

static void test_DA11_a_range_has_a_limit(void **state)
{
    (void)state;
    assert_int_equal(test_sales(&app, "from=1925-01-01&to=2025-03-15"), 200);
    expect_at(&app, "data.daily", "[36599]");
    assert_int_equal(test_sales(&app, "from=1925-01-01&to=2025-03-16"), 200);
    expect_at(&app, "data.daily", "[36600]");
    assert_int_equal(test_sales(&app, "from=1925-01-01&to=2025-03-17"), 400);
    expect_at(&app, "error", "Date range too long. At most 36600 days.");
    assert_int_equal(test_customers(&app, "from=1925-01-01&to=2025-03-17"), 200);
}

static void test_DA13_X18_currencies_are_never_added(void **state)
{
    (void)state;
    test_load(&app, "acme", "orders",
              "id,created_at,status,customer_id,currency,total\na,2026-04-10,SUBMITTED,c1,EUR,10\nb,2026-04-"
              "10,SUBMITTED,"
              "c1,USD,3\nc,2026-04-11,SUBMITTED,c2,,1.005\nd,2026-04-11,SHIPPED,c2,JPY,500\ne,2026-04-11,"
              "SHIPPED,c2,"
              "USD,4\n");
    assert_int_equal(test_sales(&app, ""), 200);
    expect_at(&app, "data.totals.orderCount", "2");
    expect_at(&app, "data.totals.revenue", "11.01");
    expect_at(&app, "data.daily.10.revenue", "1.01");
    expect_at(&app, "data.byStatus.2.orderCount", "0");
    assert_string_equal(test_header(&app, "daybook-other-currencies"), "JPY=1, USD=2");
    assert_int_equal(test_sales(&app, "currency=JPY"), 200);
    expect_at(&app, "data.totals.revenue", "500");
    expect_at(&app, "data.totals.averageOrderValue", "500");
    expect_at(&app, "data.daily.0.revenue", "0");
    assert_string_equal(test_header(&app, "daybook-other-currencies"), "EUR=2, USD=2");
    assert_int_equal(test_customers(&app, "currency=USD"), 200);
    expect_at(&app, "data.totals.revenue", "7.00");
    expect_at(&app, "data.rows.0.customerId", "c2");
    assert_string_equal(test_header(&app, "daybook-other-currencies"), "EUR=2, JPY=1");
    // Asked again the answer comes from the cache, header included.
    assert_int_equal(test_customers(&app, "currency=USD"), 200);
    assert_string_equal(test_header(&app, "daybook-other-currencies"), "EUR=2, JPY=1");
    // The tenant may count in another currency.
    assert_int_equal(test_settings(&app, "{\"currency\":\"USD\"}"), 200);
    assert_int_equal(test_sales(&app, ""), 200);
    expect_at(&app, "data.totals.revenue", "8.01"); // 7 and the order without currency
}

static void test_a_changed_order_is_retracted_exactly(void **state)
{
    (void)state;
    test_load_seed_month(&app);
    test_load(&app, "acme", "orders",
              "id,created_at,status,customer_id,total\no0,2026-04-02T10:00:00Z,CANCELLED,c0,205.00\n");
    assert_int_equal(test_sales(&app, ""), 200);
    expect_at(&app, "data.totals.orderCount", "42");
    expect_at(&app, "data.totals.revenue", "18743.50");
    expect_at(&app, "data.byStatus.0.orderCount", "1");
    expect_at(&app, "data.byStatus.4.orderCount", "3");
    expect_at(&app, "data.byStatus.4.revenue", "1405.00");
    test_app_reopen(&app);
    assert_int_equal(test_sales(&app, ""), 200);
    expect_at(&app, "data.byStatus.4.revenue", "1405.00");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, one_app_open, one_app_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_D10_to_D18_the_seed_example),
        TEST(test_D17_daily_has_no_gaps),
        TEST(test_X21_an_empty_company_has_zeros),
        TEST(test_D9_D11_DA3_the_ends_are_inclusive),
        TEST(test_DA1_all_begins_with_the_first_order),
        TEST(test_DA6_other_statuses_follow_by_name),
        TEST(test_DA8_days_are_the_tenants),
        TEST(test_DA5_bad_parameters),
        TEST(test_DA11_a_range_has_a_limit),
        TEST(test_DA13_X18_currencies_are_never_added),
        TEST(test_a_changed_order_is_retracted_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
