// SPDX-License-Identifier: Apache-2.0
// Distribu's reports and products, rule by rule, over a real store.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/calendar.h"
#include "engine/base/decimal.h"
#include "engine/base/random.h"
#include "tests/support/app_client.h"
#include "tests/support/seed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static test_app app;

static void set_now(const char *text)
{
    dbk_time_form form;
    assert_true(dbk_time_parse(text, strlen(text), NULL, &test_now_ms, &form));
}

static int setup(void **state)
{
    (void)state;
    set_now("2026-04-17T12:34:56Z");
    test_app_open(&app, false);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_app_close(&app);
    return 0;
}

static int sales(const char *query)
{
    char target[512];
    snprintf(target, sizeof(target), "/admin/report/sales?tenant=acme%s%s", query[0] ? "&" : "", query);
    return test_ask(&app, "GET", target, true, NULL, NULL);
}

static int customers(const char *query)
{
    char target[512];
    snprintf(target, sizeof(target), "/admin/report/customers?tenant=acme%s%s", query[0] ? "&" : "", query);
    return test_ask(&app, "GET", target, true, NULL, NULL);
}

static int products(const char *rest)
{
    char target[512];
    snprintf(target, sizeof(target), "/api/v1/products%s%stenant=acme", rest, strchr(rest, '?') ? "&" : "?");
    return test_ask(&app, "GET", target, true, NULL, NULL);
}

static int settings(const char *json)
{
    return test_ask(&app, "PUT", "/admin/settings?tenant=acme", true, NULL, json);
}

// The seed's month: 42 orders, 18743.50, with the seed's split by status. Cents are spread so that each
// status comes to its sum.
static void load_seed_month(void)
{
    static const struct {
        const char *status;
        int orders;
        int64_t cents;
    } groups[] = {{"SUBMITTED", 2, 41000},
                  {"CONFIRMED", 5, 210050},
                  {"SHIPPED", 10, 450000},
                  {"DELIVERED", 23, 1053300},
                  {"CANCELLED", 2, 120000}};
    dbk_buffer csv = {0};
    dbk_buffer_format(&csv, "id,created_at,status,customer_id,total\n");
    int id = 0;
    for (size_t g = 0; g < DBK_COUNT(groups); g++) {
        int64_t left = groups[g].cents;
        for (int i = 0; i < groups[g].orders; i++, id++) {
            int64_t cents = i + 1 == groups[g].orders ? left : groups[g].cents / groups[g].orders;
            left -= cents;
            dbk_buffer_format(&csv, "o%d,2026-04-%02dT10:00:00Z,%s,c%d,%lld.%02lld\n", id, id % 17 + 1,
                              groups[g].status, id % 5, (long long)(cents / 100), (long long)(cents % 100));
        }
    }
    dbk_buffer_u8(&csv, 0);
    test_load(&app, "acme", "orders", (const char *)csv.data);
    dbk_buffer_dispose(&csv);
}

// ---- Sales ----

static void test_D10_to_D18_the_seed_example(void **state)
{
    (void)state;
    load_seed_month();
    assert_int_equal(sales("preset=month"), 200);
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
    assert_int_equal(sales(""), 200);
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
    assert_int_equal(sales("preset=all"), 200);
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
    assert_int_equal(sales("from=2026-04-01&to=2026-04-02"), 200);
    expect_at(&app, "data.totals.revenue", "6.00");
    expect_at(&app, "data.range.preset", "custom");
    expect_at(&app, "data.range.label", "2026-04-01 \u2192 2026-04-02");
    assert_int_equal(sales("from=2026-04-02T23:59:59.999Z&to=2026-04-03T00:00:00Z"), 200);
    expect_at(&app, "data.totals.revenue", "12.00");
    expect_at(&app, "data.daily", "[2]");
    assert_int_equal(sales("from=April%201,%202026&to=Apr+1+2026"), 200);
    expect_at(&app, "data.totals.revenue", "2.00");
}

static void test_DA1_all_begins_with_the_first_order(void **state)
{
    (void)state;
    test_load(&app, "acme", "orders",
              "id,created_at,status,total\na,2026-04-10T13:00:00Z,SUBMITTED,1\nb,2026-04-12,SUBMITTED,2\n");
    assert_int_equal(sales("preset=all"), 200);
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
    assert_int_equal(sales(""), 200);
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
    assert_int_equal(settings("{\"timezone\":\"Europe/Berlin\"}"), 200);
    test_load(&app, "acme", "orders",
              "id,created_at,status,total\na,2026-04-09T22:00:00Z,SUBMITTED,1\nb,2026-04-10T21:59:59.999Z,"
              "SUBMITTED,2\n"
              "c,2026-04-10T22:00:00Z,SUBMITTED,4\nd,2026-04-10T12:00:00,SUBMITTED,8\n");
    assert_int_equal(sales("from=2026-04-10&to=2026-04-10"), 200);
    expect_at(&app, "data.range.from", "2026-04-09T22:00:00.000Z");
    expect_at(&app, "data.range.to", "2026-04-10T21:59:59.999Z");
    expect_at(&app, "data.totals.revenue", "11.00");
    expect_at(&app, "data.daily", "[1]");
    expect_at(&app, "data.daily.0.date", "2026-04-10");
    // Ten o'clock in the evening UTC is tomorrow there.
    set_now("2026-04-17T22:30:00Z");
    assert_int_equal(sales("preset=today"), 200);
    expect_at(&app, "data.daily.0.date", "2026-04-18");
    // A year with both clock changes has as many rows as days.
    assert_int_equal(sales("from=2025-01-01&to=2025-12-31"), 200);
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
        assert_int_equal(sales(bad[i].query), 400);
        expect_at(&app, "error", bad[i].message);
        expect_at(&app, "", "{1}");
        assert_string_equal(app.content_type, "application/json");
    }
    assert_int_equal(sales("unknown=1&preset="), 200); // X23
}

static void test_DA11_a_range_has_a_limit(void **state)
{
    (void)state;
    assert_int_equal(sales("from=1925-01-01&to=2025-03-15"), 200);
    expect_at(&app, "data.daily", "[36599]");
    assert_int_equal(sales("from=1925-01-01&to=2025-03-16"), 200);
    expect_at(&app, "data.daily", "[36600]");
    assert_int_equal(sales("from=1925-01-01&to=2025-03-17"), 400);
    expect_at(&app, "error", "Date range too long. At most 36600 days.");
    assert_int_equal(customers("from=1925-01-01&to=2025-03-17"), 200);
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
    assert_int_equal(sales(""), 200);
    expect_at(&app, "data.totals.orderCount", "2");
    expect_at(&app, "data.totals.revenue", "11.01");
    expect_at(&app, "data.daily.10.revenue", "1.01");
    expect_at(&app, "data.byStatus.2.orderCount", "0");
    assert_string_equal(test_header(&app, "daybook-other-currencies"), "JPY=1, USD=2");
    assert_int_equal(sales("currency=JPY"), 200);
    expect_at(&app, "data.totals.revenue", "500");
    expect_at(&app, "data.totals.averageOrderValue", "500");
    expect_at(&app, "data.daily.0.revenue", "0");
    assert_string_equal(test_header(&app, "daybook-other-currencies"), "EUR=2, USD=2");
    assert_int_equal(customers("currency=USD"), 200);
    expect_at(&app, "data.totals.revenue", "7.00");
    expect_at(&app, "data.rows.0.customerId", "c2");
    assert_string_equal(test_header(&app, "daybook-other-currencies"), "EUR=2, JPY=1");
    // Asked again the answer comes from the cache, header included.
    assert_int_equal(customers("currency=USD"), 200);
    assert_string_equal(test_header(&app, "daybook-other-currencies"), "EUR=2, JPY=1");
    // The tenant may count in another currency.
    assert_int_equal(settings("{\"currency\":\"USD\"}"), 200);
    assert_int_equal(sales(""), 200);
    expect_at(&app, "data.totals.revenue", "8.01"); // 7 and the order without currency
}

static void test_a_changed_order_is_retracted_exactly(void **state)
{
    (void)state;
    load_seed_month();
    test_load(&app, "acme", "orders",
              "id,created_at,status,customer_id,total\no0,2026-04-02T10:00:00Z,CANCELLED,c0,205.00\n");
    assert_int_equal(sales(""), 200);
    expect_at(&app, "data.totals.orderCount", "42");
    expect_at(&app, "data.totals.revenue", "18743.50");
    expect_at(&app, "data.byStatus.0.orderCount", "1");
    expect_at(&app, "data.byStatus.4.orderCount", "3");
    expect_at(&app, "data.byStatus.4.revenue", "1405.00");
    test_app_reopen(&app);
    assert_int_equal(sales(""), 200);
    expect_at(&app, "data.byStatus.4.revenue", "1405.00");
}

// ---- Customers ----

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
    set_now("2026-03-31T12:00:00Z");
    assert_int_equal(customers("preset=quarter"), 200);
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
    assert_int_equal(sales("preset=quarter"), 200);
    expect_at(&app, "data.totals.orderCount", "5");
}

// ---- Inventory ----

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

// ---- Products ----

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
    assert_int_equal(products("/p1"), 200);
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
    assert_int_equal(products("/p4"), 200);
    expect_at(&app, "data.price", "0.00");
    expect_at(&app, "data.stock", "0");
    expect_at(&app, "data.isActive", "true");
    expect_at(&app, "data.createdAt", "null");
}

static void test_D52_an_unknown_product_is_not_found(void **state)
{
    (void)state;
    load_products();
    assert_int_equal(products("/nope"), 404);
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
    assert_int_equal(products(""), 200);
    expect_ids("p5 p2 p3 p1 p4");
    expect_at(&app, "pagination.hasMore", "false");
    expect_at(&app, "pagination.nextCursor", "null");
    char cursor[64] = "", seen[128] = "";
    for (int page = 0; page < 3; page++) {
        char query[128];
        snprintf(query, sizeof(query), "?limit=2%s%s", cursor[0] ? "&cursor=" : "", cursor);
        assert_int_equal(products(query), 200);
        for (int i = 0; i < test_count(&app, "data"); i++) {
            char path[32];
            snprintf(path, sizeof(path), "data.%d.id", i);
            strcat(seen, test_value(&app, path));
        }
        expect_at(&app, "pagination.hasMore", page < 2 ? "true" : "false");
        snprintf(cursor, sizeof(cursor), "%s", test_value(&app, "pagination.nextCursor"));
    }
    assert_string_equal(seen, "p5p2p3p1p4");
    assert_int_equal(products("?limit=0"), 200);
    expect_ids("p5");
    assert_int_equal(products("?limit=-3"), 200);
    expect_ids("p5");
    assert_int_equal(products("?limit=abc"), 200);
    expect_ids("p5 p2 p3 p1 p4");
    assert_int_equal(products("?limit=99999999999999999999"), 200);
    expect_ids("p5 p2 p3 p1 p4");
    assert_int_equal(products("?cursor=p4"), 200);
    expect_ids("");
    assert_int_equal(products("?cursor=nope"), 400);
    expect_at(&app, "error", "Invalid cursor.");
}

static void test_D56_filters(void **state)
{
    (void)state;
    load_products();
    assert_int_equal(products("?category=Tools"), 200);
    expect_ids("p2 p3");
    assert_int_equal(products("?category=tools"), 200);
    expect_ids("");
    assert_int_equal(products("?active=true"), 200);
    expect_ids("p5 p3 p1 p4");
    assert_int_equal(products("?active=false"), 200);
    expect_ids("p2");
    assert_int_equal(products("?active=maybe"), 200);
    expect_ids("p5 p2 p3 p1 p4");
    assert_int_equal(products("?search=BLUE"), 200); // name
    expect_ids("p5 p1");
    assert_int_equal(products("?search=ham"), 200); // name and sku: once
    expect_ids("p2");
    assert_int_equal(products("?search=tool"), 200); // category
    expect_ids("p2 p3");
    assert_int_equal(products("?search=w"), 200); // p1 by name, sku and category; p3 by name
    expect_ids("p3 p1");
    assert_int_equal(products("?search=w&limit=1"), 200);
    expect_ids("p3");
    expect_at(&app, "pagination.nextCursor", "p3");
    assert_int_equal(products("?search=w&limit=1&cursor=p3"), 200);
    expect_ids("p1");
    expect_at(&app, "pagination.hasMore", "false");
}

// ---- ETags ----

static void test_X22_equal_reads_are_equal_bytes_and_not_sent_twice(void **state)
{
    (void)state;
    char first[64], body[4096];
    load_seed_month();
    sales("");
    snprintf(first, sizeof(first), "%s", test_header(&app, "etag"));
    size_t size = app.body.size;
    assert_true(size < sizeof(body));
    memcpy(body, app.body.data, size);
    assert_int_equal(first[0], '"');
    // The whole preset and the same days spelt out differ in their label, so in their tag.
    sales("from=2026-04-01&to=2026-04-17");
    assert_string_not_equal(test_header(&app, "etag"), first);
    // A query that means the same has the same tag and the same bytes.
    sales("preset=month&x=y");
    assert_string_equal(test_header(&app, "etag"), first);
    assert_int_equal(app.body.size, size);
    assert_memory_equal(app.body.data, body, size);

    static const char *const forms[] = {"%s", "W/%s", "\"other\", %s", "\"a\",W/\"b\" , %s", "*"};
    for (size_t i = 0; i < DBK_COUNT(forms); i++) {
        char value[256];
        snprintf(value, sizeof(value), forms[i], first);
        const char *headers[] = {"if-none-match", value, NULL};
        assert_int_equal(test_ask(&app, "GET", "/admin/report/sales?tenant=acme", true, headers, NULL), 304);
        assert_int_equal(app.body.size, 0);
        assert_string_equal(test_header(&app, "etag"), first);
    }
    const char *other[] = {"if-none-match", "\"other\"", NULL};
    assert_int_equal(test_ask(&app, "GET", "/admin/report/sales?tenant=acme", true, other, NULL), 200);
    // Midnight changes it, and so does a change.
    set_now("2026-04-18T00:00:00Z");
    sales("");
    assert_string_not_equal(test_header(&app, "etag"), first);
    set_now("2026-04-17T12:34:56Z");
    test_load(&app, "elsewhere", "orders", "id,created_at,status,total\na,2026-04-03,SUBMITTED,10\n");
    sales("");
    assert_string_equal(test_header(&app, "etag"), first);
    test_load(&app, "acme", "orders", "id,created_at,status,total\nnew,2026-04-03,SUBMITTED,10\n");
    sales("");
    assert_string_not_equal(test_header(&app, "etag"), first);
    expect_at(&app, "data.totals.orderCount", "43");
}

// ---- D19, D26: everything adds up ----

static int64_t money(const char *text)
{
    int64_t value;
    assert_int_equal(dbk_decimal_parse(text, strlen(text), DBK_MONEY_SCALE, &value), DBK_DECIMAL_OK);
    return value;
}

static void sum_rows(const char *list, int64_t *orders, int64_t *revenue)
{
    *orders = *revenue = 0;
    for (int i = 0; i < test_count(&app, list); i++) {
        char path[64];
        snprintf(path, sizeof(path), "%s.%d.orderCount", list, i);
        *orders += atoll(test_value(&app, path));
        snprintf(path, sizeof(path), "%s.%d.revenue", list, i);
        *revenue += money(test_value(&app, path));
    }
}

static void test_D19_D26_sums_agree_on_random_data(void **state)
{
    (void)state;
    static const char *const statuses[] = {"SUBMITTED", "confirmed", "Shipped",
                                           "DELIVERED", "CANCELLED", "odd"};
    static const char *const zones[] = {"UTC", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"};
    dbk_random random = dbk_test_random("distribu");
    char body[64];
    snprintf(body, sizeof(body), "{\"timezone\":\"%s\"}", zones[dbk_random_below(&random, DBK_COUNT(zones))]);
    assert_int_equal(settings(body), 200);

    enum { ORDERS = 3000, ROUNDS = 3 };
    static struct {
        int64_t ms, cents;
        bool has_customer;
    } orders[ORDERS];
    int64_t first = (int64_t)dbk_day_from_civil(2025, 9, 1) * DBK_MS_DAY;
    for (int round = 0; round < ROUNDS; round++) {
        dbk_buffer csv = {0};
        dbk_buffer_format(&csv, "id,created_at,status,customer_id,total\n");
        for (int i = 0; i < ORDERS; i++) {
            // Later rounds replace some orders, moving them in time, state and amount.
            if (round > 0 && dbk_random_below(&random, 4) != 0)
                continue;
            char time[DBK_TIME_TEXT_MAX];
            orders[i].ms = first + (int64_t)dbk_random_below(&random, 240ull * DBK_MS_DAY);
            orders[i].cents = (int64_t)dbk_random_below(&random, 1000000) - 1000;
            orders[i].has_customer = dbk_random_below(&random, 5) != 0;
            size_t length = dbk_time_write(time, orders[i].ms);
            dbk_buffer_format(&csv, "o%d,%.*s,%s,", i, (int)length, time,
                              statuses[dbk_random_below(&random, DBK_COUNT(statuses))]);
            if (orders[i].has_customer)
                dbk_buffer_format(&csv, "c%d", (int)dbk_random_below(&random, 200));
            char amount[DBK_DECIMAL_TEXT_MAX];
            length = dbk_decimal_write(amount, (dbk_i128)orders[i].cents * 100, DBK_MONEY_SCALE, 1, 2);
            dbk_buffer_format(&csv, ",%.*s\n", (int)length, amount);
        }
        dbk_buffer_u8(&csv, 0);
        test_load(&app, "acme", "orders", (const char *)csv.data);
        dbk_buffer_dispose(&csv);

        int64_t from = first + (int64_t)dbk_random_below(&random, 120ull * DBK_MS_DAY);
        int64_t to = from + (int64_t)dbk_random_below(&random, 120ull * DBK_MS_DAY);
        int64_t count = 0, total = 0, anonymous_count = 0, anonymous_total = 0;
        for (int i = 0; i < ORDERS; i++) {
            bool inside = orders[i].ms >= from && orders[i].ms <= to;
            count += inside;
            total += inside ? orders[i].cents * 100 : 0;
            anonymous_count += inside && !orders[i].has_customer;
            anonymous_total += inside && !orders[i].has_customer ? orders[i].cents * 100 : 0;
        }
        char query[128], from_text[DBK_TIME_TEXT_MAX], to_text[DBK_TIME_TEXT_MAX];
        int from_length = (int)dbk_time_write(from_text, from), to_length = (int)dbk_time_write(to_text, to);
        snprintf(query, sizeof(query), "from=%.*s&to=%.*s", from_length, from_text, to_length, to_text);

        int64_t sum_count, sum_total;
        assert_int_equal(sales(query), 200);
        assert_int_equal(atoll(test_value(&app, "data.totals.orderCount")), count);
        assert_int_equal(money(test_value(&app, "data.totals.revenue")), total);
        sum_rows("data.byStatus", &sum_count, &sum_total);
        assert_int_equal(sum_count, count);
        assert_int_equal(sum_total, total);
        sum_rows("data.daily", &sum_count, &sum_total);
        assert_int_equal(sum_count, count);
        assert_int_equal(sum_total, total);
        assert_int_equal(customers(query), 200);
        sum_rows("data.rows", &sum_count, &sum_total);
        assert_int_equal(sum_count + anonymous_count, count);
        assert_int_equal(sum_total + anonymous_total, total);
        assert_int_equal(atoll(test_value(&app, "data.totals.orderCount")), sum_count);
        assert_int_equal(money(test_value(&app, "data.totals.revenue")), sum_total);
        assert_int_equal(atoll(test_value(&app, "data.totals.customerCount")), test_count(&app, "data.rows"));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
        TEST(test_D20_to_D27_customers),
        TEST(test_D28_to_D32_inventory),
        TEST(test_D57_a_product_has_twelve_fields),
        TEST(test_D52_an_unknown_product_is_not_found),
        TEST(test_D42_D55_pages_are_newest_first),
        TEST(test_D56_filters),
        TEST(test_X22_equal_reads_are_equal_bytes_and_not_sent_twice),
        TEST(test_D19_D26_sums_agree_on_random_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
