// SPDX-License-Identifier: Apache-2.0
// Distribu's orders as they are read, rule by rule, over a real store.
#include "tests/unit/http/order_shop.h"

#include <stdlib.h>

static void test_D60_list_filters(void **state)
{
    (void)state;
    test_load(&app, "acme", "orders",
              "id,created_at,status,customer_id,total\n"
              "a,2026-04-01T00:00:00Z,SUBMITTED,c1,1\nb,2026-04-02T00:00:00Z,delivered,c1,2\n"
              "c,2026-04-02T00:00:00.001Z,DELIVERED,c3,3\nd,2026-04-03T00:00:00Z,Delivered,,4\n");
    assert_int_equal(get("orders"), 200);
    expect_at(&app, "data", "[4]");
    expect_at(&app, "data.0.id", "d");
    expect_at(&app, "data.0.customerId", "null");
    expect_at(&app, "data.0.status", "DELIVERED");
    expect_at(&app, "data.0.items", "[0]");
    expect_at(&app, "data.3.id", "a");
    expect_at(&app, "pagination.hasMore", "false");
    expect_at(&app, "pagination.nextCursor", "null");
    assert_int_equal(get("orders?status=DELIVERED"), 200);
    expect_at(&app, "data", "[3]");
    assert_int_equal(get("orders?status=DELIVERED&customerId=c1"), 200);
    expect_at(&app, "data", "[1]");
    expect_at(&app, "data.0.id", "b");
    assert_int_equal(get("orders?status=delivered"), 400);
    expect_at(&app, "error", "Invalid order status.");
    assert_int_equal(get("orders?customerId=nobody"), 200);
    expect_at(&app, "data", "[0]");
    // Both ends are inclusive, and a date alone is its midnight.
    assert_int_equal(get("orders?since=2026-04-02&until=2026-04-02"), 200);
    expect_at(&app, "data", "[1]");
    expect_at(&app, "data.0.id", "b");
    assert_int_equal(get("orders?since=2026-04-02T00:00:00.001Z"), 200);
    expect_at(&app, "data", "[2]");
    assert_int_equal(get("orders?since=soon"), 400);
    expect_at(&app, "error", "Invalid since date.");
    assert_int_equal(get("orders?until=never"), 400);
    expect_at(&app, "error", "Invalid until date.");
}

static void test_D42_D55_pages(void **state)
{
    (void)state;
    dbk_buffer csv = {0};
    dbk_buffer_format(&csv, "id,created_at,status,total\n");
    for (int i = 0; i < 120; i++) // three orders a moment
        dbk_buffer_format(&csv, "o%03d,2026-04-01T00:%02d:00Z,SUBMITTED,1\n", i, i / 3);
    dbk_buffer_u8(&csv, 0);
    test_load(&app, "acme", "orders", (const char *)csv.data);
    dbk_buffer_dispose(&csv);
    char path[128] = "orders?limit=7", seen[120] = {0};
    int pages = 0, shown = 0;
    for (bool more = true; more; pages++) {
        assert_int_equal(get(path), 200);
        int rows = test_count(&app, "data");
        for (int i = 0; i < rows; i++) {
            char at[32];
            snprintf(at, sizeof(at), "data.%d.id", i);
            int number = atoi(test_value(&app, at) + 1);
            assert_false(seen[number]);
            seen[number] = 1;
            assert_int_equal(number / 3, 39 - shown / 3);
            assert_int_equal(number % 3, shown % 3);
            shown++;
        }
        more = strcmp(test_value(&app, "pagination.hasMore"), "true") == 0;
        snprintf(path, sizeof(path), "orders?limit=7&cursor=%s", test_value(&app, "pagination.nextCursor"));
    }
    assert_int_equal(shown, 120);
    assert_int_equal(pages, 18);
    static const char *const limits[][2] = {
        {"0", "[1]"}, {"-5", "[1]"}, {"1000", "[100]"}, {"x", "[50]"}, {"", "[50]"}};
    for (size_t i = 0; i < DBK_COUNT(limits); i++) {
        snprintf(path, sizeof(path), "orders?limit=%s", limits[i][0]);
        assert_int_equal(get(path), 200);
        expect_at(&app, "data", limits[i][1]);
    }
    assert_int_equal(get("orders?cursor=vanished"), 400);
    expect_at(&app, "error", "Invalid cursor.");
}

static void test_X24_foreign_orders_are_not_found(void **state)
{
    (void)state;
    test_load(&app, "other", "orders", "id,created_at,status,total\ntheirs,2026-04-01,SUBMITTED,1\n");
    assert_int_equal(get("orders/theirs"), 404);
    expect_at(&app, "error", "Order not found.");
    assert_int_equal(get("orders?cursor=theirs"), 400);
}

static void test_D62_names_are_current_and_prices_frozen(void **state)
{
    (void)state;
    char id[64], path[128];
    create_one(id);
    test_load(&app, "acme", "products", "id,name,sku,price,stock\np1,Renamed,NEW,99,1\n");
    snprintf(path, sizeof(path), "orders/%s", id);
    assert_int_equal(get(path), 200);
    expect_at(&app, "data.items.0.productName", "Renamed");
    expect_at(&app, "data.items.0.productSku", "NEW");
    expect_at(&app, "data.items.0.unitPrice", "8.50");
    expect_at(&app, "data.total", "17.00");
    // The list shows the same.
    assert_int_equal(get("orders"), 200);
    expect_at(&app, "data.0.items.0.productName", "Renamed");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, one_app_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_D60_list_filters),
        TEST(test_D42_D55_pages),
        TEST(test_X24_foreign_orders_are_not_found),
        TEST(test_D62_names_are_current_and_prices_frozen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
