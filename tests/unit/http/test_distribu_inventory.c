// SPDX-License-Identifier: Apache-2.0
// Distribu's inventory report, rule by rule, over a real store.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/distribu_client.h"
#include "tests/support/one_app.h"

static void test_D28_to_D32_inventory(void **state)
{
    (void)state;
    assert_int_equal(test_ask(&app, "GET", "/admin/report/inventory?tenant=acme", true, NULL, NULL), 200);
    expect_at(&app, "data.totals.totalValue", "0.00");
    expect_at(&app, "data.rows", "[0]");
    expect_at(&app, "data.groups", "[0]");
    test_load(&app, "acme", "categories", "id,name\nh,Hardware\n");
    test_load(&app, "acme", "products",
              "id,name,sku,category_id,price,stock,is_active\np1,Widget "
              "Blue,WDG-001,h,8.50,42,true\np2,Bolt,,h,0.001,1000,"
              "\np3,Loose,,,2,-3,true\np4,Gone,,h,100,100,false\np5,Alpha,,,0.5,2,true\n");
    assert_int_equal(test_ask(&app, "GET", "/admin/report/inventory?tenant=acme", true, NULL, NULL), 200);
    expect_at(&app, "data.totals.productCount", "4");
    expect_at(&app, "data.totals.totalUnits", "1041");
    expect_at(&app, "data.totals.totalValue", "353.00"); // 357 + 1 - 6 + 1
    expect_at(&app, "data.rows.0.productId", "p1");
    expect_at(&app, "data.rows.0.value", "357.00"); // D30
    expect_at(&app, "data.rows.0.category", "Hardware");
    expect_at(&app, "data.rows.0.isActive", "true");
    expect_at(&app, "data.rows.1.productId", "p2"); // DA10: equal values, by id
    expect_at(&app, "data.rows.1.sku", "null");
    expect_at(&app, "data.rows.1.unitPrice", "0.00");
    expect_at(&app, "data.rows.2.productId", "p5");
    expect_at(&app, "data.rows.2.category", "null"); // DA9
    expect_at(&app, "data.rows.3.stock", "-3");
    expect_at(&app, "data.rows.3.value", "-6.00");
    expect_at(&app, "data.groups.0.category", "Hardware");
    expect_at(&app, "data.groups.0.totalUnits", "1042");
    expect_at(&app, "data.groups.1.category", "Uncategorised"); // D31
    expect_at(&app, "data.groups.1.productCount", "2");
    expect_at(&app, "data.groups.1.totalValue", "-5.00");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, one_app_open, one_app_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_D28_to_D32_inventory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
