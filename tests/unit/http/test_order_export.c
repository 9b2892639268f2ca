// SPDX-License-Identifier: Apache-2.0
// Orders as CSV, asked in this process.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/one_app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int setup(void **state)
{
    (void)state;
    test_set_now("2026-04-17T12:00:00Z");
    test_app_open(&app, false);
    test_load(&app, "acme", "customers",
              "id,name,email\nc1,\"Acme, Inc.\",buyer@acme.com\nc2,=1+1,@evil.com\n");
    test_load(&app, "acme", "products",
              "id,name,sku,price\np1,Widget Blue,WDG-1,8.50\np2,-Bolt,+BLT,0.125\n");
    test_load(&app, "acme", "orders",
              "id,created_at,status,customer_id,total,currency,po_number,notes\n"
              "o1,2026-04-01T10:00:00Z,SUBMITTED,c1,17.5,USD,PO-1,\"two\nlines\"\n"
              "o2,2026-04-02T10:00:00.250Z,delivered,c2,1.005,USD,,\n"
              "o3,2026-04-03T10:00:00Z,CANCELLED,,500,JPY,=cmd,\n"
              "o4,2026-04-04T10:00:00Z,parked,c1,0,,,\n");
    test_load(&app, "acme", "order_lines",
              "id,order_id,product_id,quantity,unit_price,total,created_at\n"
              "l1,o1,p1,2,8.5,17,2026-04-01T10:00:00Z\nl2,o1,p2,4,0.125,0.5,2026-04-01T10:00:00Z\n"
              "l3,o2,p2,3,,1.005,2026-04-20T10:00:00Z\nl4,o3,,1,500,500,2026-04-03T10:00:00Z\n");
    test_load(&app, "other", "orders", "id,created_at,status,total\nx1,2026-04-01T10:00:00Z,SUBMITTED,9\n");
    test_use_key(&app, "acme", "[\"orders:read\"]", "off");
    return 0;
}

static void expect_csv(const char *target, const char *text)
{
    assert_int_equal(test_get(&app, target), 200);
    assert_string_equal(app.content_type, "text/csv; charset=utf-8; header=present");
    if (app.body.size != strlen(text) || memcmp(app.body.data, text, app.body.size) != 0)
        fail_msg("%s:\n%.*s\n--- expected:\n%s", target, (int)app.body.size, (char *)app.body.data, text);
}

#define SUMMARY                                                                                              \
    "orderId,createdAt,status,total,itemCount,customerEmail,customerName,poNumber,notes,shippingCity,"       \
    "shippingRegion,shippingCountry\r\n"
#define O1                                                                                                   \
    "o1,2026-04-01T10:00:00.000Z,SUBMITTED,17.50,2,buyer@acme.com,\"Acme, Inc.\",PO-1,\"two\nlines\",,,\r\n"
#define O2 "o2,2026-04-02T10:00:00.250Z,DELIVERED,1.01,1,'@evil.com,'=1+1,,,,,\r\n"
#define O3 "o3,2026-04-03T10:00:00.000Z,CANCELLED,500,1,,,'=cmd,,,,\r\n"
#define O4 "o4,2026-04-04T10:00:00.000Z,parked,0.00,0,buyer@acme.com,\"Acme, Inc.\",,,,,\r\n"

static void test_summary(void **state)
{
    (void)state;
    expect_csv("/api/v1/orders/export", SUMMARY O1 O2 O3 O4);
    assert_string_equal(test_header(&app, "content-disposition"),
                        "attachment; filename=\"orders-summary-2026-04-17.csv\"");
    expect_csv("/api/v1/orders/export?mode=summary", SUMMARY O1 O2 O3 O4);
    // The filters of the list, with its rules.
    expect_csv("/api/v1/orders/export?status=DELIVERED", SUMMARY O2);
    expect_csv("/api/v1/orders/export?customerId=c1", SUMMARY O1 O4);
    expect_csv("/api/v1/orders/export?customerId=c1&status=SUBMITTED", SUMMARY O1);
    expect_csv("/api/v1/orders/export?since=2026-04-02&until=2026-04-03T10:00:00Z", SUMMARY O2 O3);
    expect_csv("/api/v1/orders/export?until=2026-04-02", SUMMARY O1);
    expect_csv("/api/v1/orders/export?customerId=x", SUMMARY);
}

#define LINES "orderId,createdAt,status,customerEmail,productSku,productName,quantity,unitPrice,lineTotal\r\n"
#define L1    "o1,2026-04-01T10:00:00.000Z,SUBMITTED,buyer@acme.com,WDG-1,Widget Blue,2,8.50,17.00\r\n"
#define L2    "o1,2026-04-01T10:00:00.000Z,SUBMITTED,buyer@acme.com,'+BLT,'-Bolt,4,0.13,0.50\r\n"
#define L3    "o2,2026-04-02T10:00:00.250Z,DELIVERED,'@evil.com,'+BLT,'-Bolt,3,0.34,1.01\r\n"
#define L4    "o3,2026-04-03T10:00:00.000Z,CANCELLED,,,,1,500,500\r\n"

static void test_lines(void **state)
{
    (void)state;
    // Their order's time is what is shown, and what since and until mean.
    expect_csv("/api/v1/orders/export?mode=line-items", LINES L1 L2 L3 L4);
    assert_string_equal(test_header(&app, "content-disposition"),
                        "attachment; filename=\"orders-line-items-2026-04-17.csv\"");
    expect_csv("/api/v1/orders/export?mode=line-items&status=DELIVERED", LINES L3);
    expect_csv("/api/v1/orders/export?mode=line-items&customerId=c2", LINES L3);
    expect_csv("/api/v1/orders/export?mode=line-items&since=2026-04-02&until=2026-04-03", LINES L3);
    expect_csv("/api/v1/orders/export?mode=line-items&status=SUBMITTED&until=2026-04-01T10:00:00Z",
               LINES L1 L2);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *query, *error;
    } cases[] = {{"mode=lines", "mode must be summary or line-items"},
                 {"status=submitted", "Invalid order status."},
                 {"since=yesterday", "Invalid since date."},
                 {"until=2026-02-30", "Invalid until date."}};
    for (size_t i = 0; i < DBK_COUNT(cases); i++) {
        char target[128];
        snprintf(target, sizeof target, "/api/v1/orders/export?%s", cases[i].query);
        assert_int_equal(test_get(&app, target), 400);
        expect_at(&app, "error", cases[i].error);
    }
    test_use_key(&app, "acme", "[\"reports:read\"]", "off");
    assert_int_equal(test_get(&app, "/api/v1/orders/export"), 403);
    test_use_key(&app, "other", "[\"orders:read\"]", "off");
    expect_csv("/api/v1/orders/export", SUMMARY "x1,2026-04-01T10:00:00.000Z,SUBMITTED,9.00,0,,,,,,,\r\n");
    test_use_key(&app, "acme", "[\"orders:read\"]", "off");
}

static void test_unchanged(void **state)
{
    (void)state;
    char tag[64];
    assert_int_equal(test_get(&app, "/api/v1/orders/export"), 200);
    snprintf(tag, sizeof tag, "%s", test_header(&app, "etag"));
    assert_true(tag[0] == '"');
    const char *const headers[] = {"if-none-match", tag, NULL};
    assert_int_equal(test_ask(&app, "GET", "/api/v1/orders/export", false, headers, NULL), 304);
    assert_int_equal(test_ask(&app, "GET", "/api/v1/orders/export?mode=line-items", false, headers, NULL),
                     200);
    test_load(&app, "acme", "customers", "id,name,email\nc9,Late,l@x.y\n");
    assert_int_equal(test_ask(&app, "GET", "/api/v1/orders/export", false, headers, NULL), 200);
}

// On a company of its own: what is loaded, and what an order that is placed here keeps of its customer.
static void test_D71_an_order_keeps_address_and_email(void **state)
{
    (void)state;
    test_load(&app, "ship", "customers", "id,name,email\nc1,Acme,old@acme.com\nc2,Blank,\n");
    test_load(&app, "ship", "products", "id,name,price,stock\np1,Widget,8.50,42\n");
    test_load(&app, "ship", "orders",
              "id,created_at,status,customer_id,total,currency,customer_email,shipping_city,shipping_region,"
              "shipping_country\n"
              "o1,2026-04-01T10:00:00Z,DELIVERED,c1,1,USD,then@acme.com,=Bonn,NRW,DE\n"
              "o2,2026-04-02T10:00:00Z,DELIVERED,c1,1,USD,,,,\n");
    static const char *const headers[] = {"content-type", "application/json", NULL};
    static const char *const bodies[] = {
        "{\"customerId\":\"c1\",\"items\":[{\"productId\":\"p1\",\"quantity\":1}]}",
        "{\"customerId\":\"c2\",\"items\":[{\"productId\":\"p1\",\"quantity\":1}]}"};
    char ids[2][64], target[128], expected[1024];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(test_ask(&app, "POST", "/api/v1/orders?tenant=ship", true, headers, bodies[i]), 201);
        snprintf(ids[i], sizeof ids[i], "%s", test_value(&app, "data.id"));
    }
    assert_int_equal(test_ask(&app, "PATCH", "/api/v1/customers/c1?tenant=ship", true, headers,
                              "{\"email\":\"new@acme.com\",\"name\":\"Acme Ltd\"}"),
                     200);
    // Moving an order on changes nothing of it.
    snprintf(target, sizeof target, "/api/v1/orders/%s?tenant=ship", ids[0]);
    assert_int_equal(test_ask(&app, "PATCH", target, true, headers, "{\"status\":\"CONFIRMED\"}"), 200);
    assert_int_equal(test_ask(&app, "PATCH", "/api/v1/customers/c2?tenant=ship", true, headers,
                              "{\"email\":\"late@blank.com\"}"),
                     200);
    test_app_reopen(&app);
    test_use_key(&app, "ship", "[\"orders:read\"]", "off");
    snprintf(expected, sizeof expected,
             SUMMARY "o1,2026-04-01T10:00:00.000Z,DELIVERED,1.00,0,then@acme.com,Acme Ltd,,,'=Bonn,NRW,DE\r\n"
                     "o2,2026-04-02T10:00:00.000Z,DELIVERED,1.00,0,new@acme.com,Acme Ltd,,,,,\r\n"
                     "%s,2026-04-17T12:00:00.000Z,SUBMITTED,8.50,1,late@blank.com,Blank,,,,,\r\n"
                     "%s,2026-04-17T12:00:00.000Z,CONFIRMED,8.50,1,old@acme.com,Acme Ltd,,,,,\r\n",
             ids[1], ids[0]);
    expect_csv("/api/v1/orders/export", expected);
    snprintf(expected, sizeof expected,
             LINES "%s,2026-04-17T12:00:00.000Z,CONFIRMED,old@acme.com,,Widget,1,8.50,8.50\r\n"
                   "%s,2026-04-17T12:00:00.000Z,SUBMITTED,late@blank.com,,Widget,1,8.50,8.50\r\n",
             ids[0], ids[1]);
    expect_csv("/api/v1/orders/export?mode=line-items", expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_summary),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_unchanged),
        cmocka_unit_test(test_D71_an_order_keeps_address_and_email),
    };
    return cmocka_run_group_tests(tests, setup, one_app_close);
}
