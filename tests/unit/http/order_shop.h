// SPDX-License-Identifier: Apache-2.0
// A shop with three customers and four products whose orders are created, moved and read.
#ifndef DBK_TEST_ORDER_SHOP_H
#define DBK_TEST_ORDER_SHOP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/one_app.h"

#include <stdio.h>
#include <string.h>

static inline int setup(void **state)
{
    (void)state;
    test_set_now("2026-04-17T12:00:00Z");
    test_app_open(&app, false);
    test_load(&app, "acme", "customers",
              "id,name,email,status\nc1,Acme,buyer@acme.com,ACTIVE\nc2,Bad,bad@acme.com,BLOCKED\n"
              "c3,New,new@acme.com,\n");
    test_load(&app, "acme", "products",
              "id,name,sku,unit,price,stock,is_active,category,description\n"
              "p1,Widget Blue,WDG-1,each,8.50,42,true,Hardware,a widget\np2,Bolt,BLT,box,0.125,1000,,,\n"
              "p3,Old,OLD,each,1,5,false,,\np4,Bare,,,,,,,\n");
    test_load(&app, "other", "customers", "id,name,email\nx1,Other,x@other.com\n");
    test_load(&app, "other", "products", "id,name,price,stock\nq1,Theirs,5,5\n");
    assert_int_equal(
        test_ask(&app, "PUT", "/admin/settings?tenant=acme", true, NULL, "{\"currency\":\"USD\"}"), 200);
    return 0;
}

static inline int create_with(const char *key, const char *body)
{
    const char *const headers[] = {"content-type", "application/json", "idempotency-key", key, NULL};
    return test_ask(&app, "POST", "/api/v1/orders?tenant=acme", true, headers, body);
}

static inline int create(const char *body)
{
    static const char *const headers[] = {"content-type", "application/json", NULL};
    return test_ask(&app, "POST", "/api/v1/orders?tenant=acme", true, headers, body);
}

static inline int get(const char *path)
{
    char target[512];
    snprintf(target, sizeof(target), "/api/v1/%s%stenant=acme", path, strchr(path, '?') ? "&" : "?");
    return test_ask(&app, "GET", target, true, NULL, NULL);
}

static inline int move(const char *id, const char *status)
{
    char target[256], body[128];
    snprintf(target, sizeof(target), "/api/v1/orders/%s?tenant=acme", id);
    snprintf(body, sizeof(body), "{\"status\":\"%s\"}", status);
    return test_ask(&app, "PATCH", target, true, NULL, body);
}

static inline void expect_stock(const char *product, const char *stock)
{
    char path[64];
    snprintf(path, sizeof(path), "products/%s", product);
    assert_int_equal(get(path), 200);
    expect_at(&app, "data.stock", stock);
}

#define refuses(body, code, text)                                                                            \
    do {                                                                                                     \
        assert_int_equal(create(body), code);                                                                \
        expect_at(&app, "error", text);                                                                      \
    } while (0)

static inline void an_id(char out[64])
{
    snprintf(out, 64, "%s", test_value(&app, "data.id"));
}

static inline void create_one(char id[64])
{
    assert_int_equal(
        create("{\"customerId\":\"c1\",\"items\":[{\"productId\":\"p1\",\"quantity\":2}],\"notes\":\"n\"}"),
        201);
    an_id(id);
}

#endif
