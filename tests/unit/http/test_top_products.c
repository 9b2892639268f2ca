// SPDX-License-Identifier: Apache-2.0
// GET /api/v1/reports/products: an addition to the vendor's reports (D44).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/calendar.h"
#include "tests/support/one_app.h"

#include <stdio.h>

static int setup(void **state)
{
    one_app_open(state);
    test_load(&app, "acme", "products", "id,name,sku,category\na,Anvil,A-1,Iron\nb,Bell,B-1,\nc,Cup,,\n");
    test_load(&app, "acme", "orders",
              "id,created_at,status,total,currency\no1,2026-04-02T10:00:00Z,SUBMITTED,100,USD\n"
              "o2,2026-04-03T10:00:00Z,CANCELLED,50,USD\no3,2026-04-04T10:00:00Z,SHIPPED,7,EUR\n"
              "o4,2026-03-04T10:00:00Z,SHIPPED,9,USD\n");
    test_load(&app, "acme", "order_lines",
              "id,order_id,created_at,product_id,quantity,total\n1,o1,2026-04-02T10:00:00Z,a,1,60.10\n"
              "2,o1,2026-04-02T10:00:00Z,b,4,39.90\n3,o2,2026-04-03T10:00:00Z,b,3,20.15\n"
              "4,o3,2026-04-04T10:00:00Z,c,9,999\n5,o4,2026-03-04T10:00:00Z,a,1,9\n"
              "6,o1,2026-04-02T10:00:00Z,,1,5\n7,o1,2026-04-02T10:00:00Z,a,1,0.05\n");
    test_use_key(&app, "acme", "[\"reports:read\"]", "off");
    return 0;
}

static void test_D44_by_revenue(void **state)
{
    (void)state;
    assert_int_equal(test_get(&app, "/api/v1/reports/products"), 200);
    expect_at(&app, "data.range.label", "April 2026");
    expect_at(&app, "data.totals.productCount", "2");
    expect_at(&app, "data.totals.units", "9");
    expect_at(&app, "data.totals.revenue", "120.20");
    expect_at(&app, "data.rows", "[2]");
    expect_at(&app, "data.rows.0.productId", "a");
    expect_at(&app, "data.rows.0.name", "Anvil");
    expect_at(&app, "data.rows.0.category", "Iron");
    expect_at(&app, "data.rows.0.orderCount", "1");
    expect_at(&app, "data.rows.0.units", "2");
    expect_at(&app, "data.rows.0.revenue", "60.15");
    expect_at(&app, "data.rows.1.revenue", "60.05");
    expect_at(&app, "data.rows.1.orderCount", "2"); // the cancelled one counts (D15)
    expect_at(&app, "data.rows.1.category", "null");
    assert_string_equal(test_header(&app, "daybook-other-currencies"), "EUR=1"); // DA13
}

static void test_D44_by_units_and_limit(void **state)
{
    (void)state;
    assert_int_equal(test_get(&app, "/api/v1/reports/products?by=units&limit=1"), 200);
    expect_at(&app, "data.rows", "[1]");
    expect_at(&app, "data.rows.0.productId", "b");
    expect_at(&app, "data.rows.0.units", "7");
    expect_at(&app, "data.totals.productCount", "2");
}

static void test_D44_range_and_currency(void **state)
{
    (void)state;
    assert_int_equal(test_get(&app, "/api/v1/reports/products?from=2026-03-01&to=2026-03-31"), 200);
    expect_at(&app, "data.rows", "[1]");
    expect_at(&app, "data.rows.0.revenue", "9.00");
    assert_int_equal(test_get(&app, "/api/v1/reports/products?currency=EUR"), 200);
    expect_at(&app, "data.rows", "[1]");
    expect_at(&app, "data.rows.0.productId", "c");
    expect_at(&app, "data.rows.0.sku", "null");
}

static void test_D44_fields_of_rows(void **state)
{
    (void)state;
    assert_int_equal(test_get(&app, "/api/v1/reports/products?fields=sku,revenue"), 200);
    expect_at(&app, "data.rows.0", "{2}");
    expect_at(&app, "data.rows.0.sku", "A-1");
    expect_at(&app, "data.rows.0.revenue", "60.15");
    expect_at(&app, "data.totals", "{3}"); // rows alone
    assert_int_equal(test_get(&app, "/api/v1/reports/customers?fields=customerId"), 200);
    assert_int_equal(test_get(&app, "/api/v1/reports/customers?fields=customerId,shoeSize"), 400);
    expect_at(&app, "error", "Unknown field \"shoeSize\".");
}

static void test_D44_another_choice_is_another_answer(void **state)
{
    (void)state;
    char etag[64];
    assert_int_equal(test_get(&app, "/api/v1/reports/products?fields=sku"), 200);
    snprintf(etag, sizeof(etag), "%s", test_header(&app, "etag"));
    const char *const headers[] = {"if-none-match", etag, NULL};
    assert_int_equal(test_ask(&app, "GET", "/api/v1/reports/products?fields=sku", false, headers, NULL), 304);
    assert_int_equal(test_ask(&app, "GET", "/api/v1/reports/products?fields=name", false, headers, NULL),
                     200);
    assert_int_equal(
        test_ask(&app, "GET", "/api/v1/reports/products?by=units&fields=sku", false, headers, NULL), 200);
}

static void test_D15_realised_is_without_cancelled_orders(void **state)
{
    (void)state;
    assert_int_equal(test_get(&app, "/api/v1/reports/sales"), 200);
    expect_at(&app, "data.totals.revenue", "150.00");
    expect_at(&app, "data.realised", "(none)");
    assert_int_equal(test_get(&app, "/api/v1/reports/sales?include=realised"), 200);
    expect_at(&app, "data.totals.revenue", "150.00");
    expect_at(&app, "data.realised.orderCount", "1");
    expect_at(&app, "data.realised.revenue", "100.00");
    expect_at(&app, "data.realised.averageOrderValue", "100.00");
}

static void test_D44_bad_parameters(void **state)
{
    (void)state;
    assert_int_equal(test_get(&app, "/api/v1/reports/products?by=luck"), 400);
    assert_int_equal(test_get(&app, "/api/v1/reports/products?preset=decade"), 400);
    expect_at(&app, "error", "Invalid preset.");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, one_app_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_D44_by_revenue),
        TEST(test_D44_by_units_and_limit),
        TEST(test_D44_range_and_currency),
        TEST(test_D44_fields_of_rows),
        TEST(test_D44_another_choice_is_another_answer),
        TEST(test_D15_realised_is_without_cancelled_orders),
        TEST(test_D44_bad_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
