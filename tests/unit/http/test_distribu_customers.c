// SPDX-License-Identifier: Apache-2.0
// Distribu's customer report, rule by rule, over a real store.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/distribu_client.h"
#include "tests/support/one_app.h"

static void test_D20_to_D27_customers(void **state)
{
    (void)state;
    test_load(&app, "acme", "customers",
              "id,name,email\nc1,Acme Restaurant Group,buyer@acme.com\nc2,Old Name,\nc9,Silent,s@x\n");
    test_load(&app, "acme", "orders",
              "id,created_at,status,customer_id,total\na,2026-01-05T08:00:00Z,SUBMITTED,c2,10\nb,2026-03-"
              "28T14:22:00Z,"
              "CANCELLED,c1,8000.50\nc,2026-03-01T00:00:00Z,SUBMITTED,c1,420\nd,2026-02-01,SUBMITTED,,99\n"
              "e,2026-02-02,SUBMITTED,c4,10\nf,2025-12-31,SUBMITTED,c2,5000\n");
    test_load(&app, "acme", "customers", "id,name\nc2,New Name\n");
    test_set_now("2026-03-31T12:00:00Z");
    assert_int_equal(test_customers(&app, "preset=quarter"), 200);
    expect_at(&app, "data.range.label", "Q1 2026");
    expect_at(&app, "data.range.to", "2026-03-31T23:59:59.999Z");
    expect_at(&app, "data.totals.customerCount", "3"); // D22: silent customers are not there
    expect_at(&app, "data.totals.orderCount", "4");    // orders without a customer neither
    expect_at(&app, "data.totals.revenue", "8440.50");
    expect_at(&app, "data.rows.0.customerId", "c1");
    expect_at(&app, "data.rows.0.customerName", "Acme Restaurant Group");
    expect_at(&app, "data.rows.0.customerEmail", "buyer@acme.com");
    expect_at(&app, "data.rows.0.orderCount", "2"); // D25
    expect_at(&app, "data.rows.0.revenue", "8420.50");
    expect_at(&app, "data.rows.0.lastOrderAt", "2026-03-28T14:22:00.000Z");
    expect_at(&app, "data.rows.1.customerId", "c2"); // X22: equal revenue, by id
    expect_at(&app, "data.rows.1.customerName", "New Name");
    expect_at(&app, "data.rows.1.customerEmail", "null");
    expect_at(&app, "data.rows.1.lastOrderAt", "2026-01-05T08:00:00.000Z"); // D24
    expect_at(&app, "data.rows.2.customerId", "c4");
    expect_at(&app, "data.rows.2.customerName", "null");
    // The sales report has the order without a customer.
    assert_int_equal(test_sales(&app, "preset=quarter"), 200);
    expect_at(&app, "data.totals.orderCount", "5");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, one_app_open, one_app_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_D20_to_D27_customers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
