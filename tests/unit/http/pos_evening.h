// SPDX-License-Identifier: Apache-2.0
// An evening at the tills, for the tests of the point of sale: tickets, foods and registers in a real store,
// and how reports and closures are asked for.
#ifndef DBK_TEST_POS_EVENING_H
#define DBK_TEST_POS_EVENING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/random.h"
#include "http/app/row_batch.h"
#include "http/app/system_row.h"
#include "http/pos/gather.h"
#include "http/pos/report_id.h"
#include "tests/support/app_client.h"
#include "tests/support/seed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static test_app app;

#define TICKETS                                                                                              \
    "id,created_at,confirmed_at,completed_at,kind,status,total,currency,payment_method,cash_register_id\n"
#define LINES "id,order_id,product_id,quantity,total\n"

static inline int setup(void **state)
{
    (void)state;
    test_set_now("2026-01-15T12:30:00Z");
    test_app_open(&app, false);
    test_load(&app, "acme", "cash_registers", "id,name\nr1,Cassa Principale\nr2,Bar\n");
    test_load(&app, "acme", "products",
              "id,name,category_id\nf1,Spaghetti,c1\nf2,Penne,c1\nf3,Birra,c2\nf4,Nameless,\n");
    test_load(&app, "acme", "categories", "id,name\nc1,Primi Piatti\nc2,Bevande\n");
    test_load(
        &app, "acme", "orders",
        TICKETS
        "o1,2026-01-15T10:00:00Z,2026-01-15T10:05:00Z,2026-01-15T10:08:00Z,pos,COMPLETED,20,EUR,CASH,r1\n"
        "o2,2026-01-15T10:10:00Z,2026-01-15T10:59:59.999Z,2026-01-15T10:23:00Z,pos,PICKED_UP,30.50,EUR,"
        "card,r2\n"
        "o3,2026-01-15T10:50:00Z,2026-01-15T11:00:00Z,,pos,CONFIRMED,5,EUR,voucher,\n"
        "o4,2026-01-15T11:00:00Z,,,pos,PENDING,99,EUR,CASH,r1\n"
        "o5,2026-01-15T11:00:00Z,2026-01-15T11:01:00Z,,pos,CANCELLED,99,EUR,CASH,r1\n"
        "o6,2026-01-15T11:00:00Z,2026-01-15T11:01:00Z,,standard,CONFIRMED,99,EUR,CASH,r1\n"
        "o7,2026-01-15T12:00:00Z,2026-01-15T12:30:00Z,,pos,CONFIRMED,1,,CASH,r1\n"
        "o8,2026-01-15T12:00:00Z,2026-01-15T12:30:00.001Z,,pos,CONFIRMED,1,EUR,CASH,r1\n"
        "o9,2026-01-15T12:00:00Z,2026-01-15T12:10:00Z,,pos,CONFIRMED,7,USD,CASH,r1\n");
    test_load(&app, "acme", "order_lines",
              LINES
              "l1,o1,f1,2,16\nl2,o1,f3,1,5\nl3,o2,f2,3,30.50\nl4,o3,f4,1,2.5\nl5,o3,,1,2.5\nl6,o4,f1,9,99\n"
              "l7,o6,f1,9,99\nl8,o7,f1,1,1\nl9,o9,f1,1,7\n");
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    test_app_close(&app);
    return 0;
}

static inline int get(const char *path)
{
    char target[2048];
    snprintf(target, sizeof(target), "/v1/reports%s%stenant=acme", path, strchr(path, '?') ? "&" : "?");
    return test_ask(&app, "GET", target, true, NULL, NULL);
}

static inline int make_closure(const char *body, const char *key)
{
    const char *const headers[] = {"content-type", "application/json", key ? "idempotency-key" : NULL, key,
                                   NULL};
    return test_ask(&app, "POST", "/v1/reports/general-closure?tenant=acme", true, headers, body);
}

#define CLOSE "{\"cashRegister\":\"r1\"}"

static inline void keep_hours(const char *kept)
{
    assert_int_equal(test_ask(&app, "POST", "/admin/pos-hours?tenant=acme", true, NULL, NULL), 200);
    expect_at(&app, "kept", kept);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
