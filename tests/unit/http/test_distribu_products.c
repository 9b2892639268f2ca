// SPDX-License-Identifier: Apache-2.0
// Distribu's products and their pages, rule by rule, over a real store.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/distribu_client.h"
#include "tests/support/one_app.h"

#include <stdio.h>
#include <string.h>

static void load_products(void)
{
    test_load(&app, "acme", "categories", "id,name\nh,Hardware\nt,Tools\n");
    test_load(
        &app, "acme", "products",
        "id,name,sku,category_id,unit,price,stock,is_active,created_at,updated_at,description,image_url\n"
        "p1,Widget "
        "Blue,WDG-001,h,,8.5,42,true,2026-03-01T12:00:00Z,2026-04-10T09:30:00Z,Nice,https://x/y.png\n"
        "p2,Hammer,HAM,t,box,10,0,false,2026-03-02,,,\n"
        "p3,Saw,,t,,1.25,,,2026-03-02,,,\n"
        "p4,Mystery,,,,,,,,,,\n"
        "p5,Blue Paint,PNT,,,3,7,true,2026-03-03,,,\n");
}

static void test_D57_a_product_has_twelve_fields(void **state)
{
    (void)state;
    load_products();
    assert_int_equal(test_products(&app, "/p1"), 200);
    expect_at(&app, "data", "{12}");
    expect_at(&app, "data.id", "p1");
    expect_at(&app, "data.name", "Widget Blue");
    expect_at(&app, "data.sku", "WDG-001");
    expect_at(&app, "data.description", "Nice");
    expect_at(&app, "data.category", "Hardware");
    expect_at(&app, "data.unit", "each");
    expect_at(&app, "data.price", "8.50");
    expect_at(&app, "data.stock", "42");
    expect_at(&app, "data.imageUrl", "https://x/y.png");
    expect_at(&app, "data.isActive", "true");
    expect_at(&app, "data.createdAt", "2026-03-01T12:00:00.000Z");
    expect_at(&app, "data.updatedAt", "2026-04-10T09:30:00.000Z");
    assert_int_equal(test_products(&app, "/p4"), 200);
    expect_at(&app, "data.price", "0.00");
    expect_at(&app, "data.stock", "0");
    expect_at(&app, "data.isActive", "true");
    expect_at(&app, "data.createdAt", "null");
}

static void test_D52_an_unknown_product_is_not_found(void **state)
{
    (void)state;
    load_products();
    assert_int_equal(test_products(&app, "/nope"), 404);
    expect_at(&app, "error", "Product not found.");
    assert_int_equal(test_ask(&app, "GET", "/api/v1/products/p1?tenant=other", true, NULL, NULL), 404); // X24
    expect_at(&app, "error", "Product not found.");
}

static void expect_ids(const char *ids)
{
    char found[128] = "";
    for (int i = 0; i < test_count(&app, "data"); i++) {
        char path[32];
        snprintf(path, sizeof(path), "data.%d.id", i);
        snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s%s", i > 0 ? " " : "",
                 test_value(&app, path));
    }
    assert_string_equal(found, ids);
}

static void test_D42_D55_pages_are_newest_first(void **state)
{
    (void)state;
    load_products();
    assert_int_equal(test_products(&app, ""), 200);
    expect_ids("p5 p2 p3 p1 p4");
    expect_at(&app, "pagination.hasMore", "false");
    expect_at(&app, "pagination.nextCursor", "null");
    char cursor[64] = "", seen[128] = "";
    for (int page = 0; page < 3; page++) {
        char query[128];
        snprintf(query, sizeof(query), "?limit=2%s%s", cursor[0] ? "&cursor=" : "", cursor);
        assert_int_equal(test_products(&app, query), 200);
        for (int i = 0; i < test_count(&app, "data"); i++) {
            char path[32];
            snprintf(path, sizeof(path), "data.%d.id", i);
            strcat(seen, test_value(&app, path));
        }
        expect_at(&app, "pagination.hasMore", page < 2 ? "true" : "false");
        snprintf(cursor, sizeof(cursor), "%s", test_value(&app, "pagination.nextCursor"));
    }
    assert_string_equal(seen, "p5p2p3p1p4");
    assert_int_equal(test_products(&app, "?limit=0"), 200);
    expect_ids("p5");
    assert_int_equal(test_products(&app, "?limit=-3"), 200);
    expect_ids("p5");
    assert_int_equal(test_products(&app, "?limit=abc"), 200);
    expect_ids("p5 p2 p3 p1 p4");
    assert_int_equal(test_products(&app, "?limit=99999999999999999999"), 200);
    expect_ids("p5 p2 p3 p1 p4");
    assert_int_equal(test_products(&app, "?cursor=p4"), 200);
    expect_ids("");
    assert_int_equal(test_products(&app, "?cursor=nope"), 400);
    expect_at(&app, "error", "Invalid cursor.");
}

static void test_D56_filters(void **state)
{
    (void)state;
    load_products();
    assert_int_equal(test_products(&app, "?category=Tools"), 200);
    expect_ids("p2 p3");
    assert_int_equal(test_products(&app, "?category=tools"), 200);
    expect_ids("");
    assert_int_equal(test_products(&app, "?active=true"), 200);
    expect_ids("p5 p3 p1 p4");
    assert_int_equal(test_products(&app, "?active=false"), 200);
    expect_ids("p2");
    assert_int_equal(test_products(&app, "?active=maybe"), 200);
    expect_ids("p5 p2 p3 p1 p4");
    assert_int_equal(test_products(&app, "?search=BLUE"), 200); // name
    expect_ids("p5 p1");
    assert_int_equal(test_products(&app, "?search=ham"), 200); // name and sku: once
    expect_ids("p2");
    assert_int_equal(test_products(&app, "?search=tool"), 200); // category
    expect_ids("p2 p3");
    assert_int_equal(test_products(&app, "?search=w"), 200); // p1 by name, sku and category; p3 by name
    expect_ids("p3 p1");
    assert_int_equal(test_products(&app, "?search=w&limit=1"), 200);
    expect_ids("p3");
    expect_at(&app, "pagination.nextCursor", "p3");
    assert_int_equal(test_products(&app, "?search=w&limit=1&cursor=p3"), 200);
    expect_ids("p1");
    expect_at(&app, "pagination.hasMore", "false");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, one_app_open, one_app_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_D57_a_product_has_twelve_fields),
        TEST(test_D52_an_unknown_product_is_not_found),
        TEST(test_D42_D55_pages_are_newest_first),
        TEST(test_D56_filters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
