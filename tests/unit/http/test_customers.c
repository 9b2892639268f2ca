// SPDX-License-Identifier: Apache-2.0
// Distribu's customers, rule by rule, over a real store.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/calendar.h"
#include "tests/support/one_app.h"

#include <stdio.h>
#include <string.h>

static int setup(void **state)
{
    (void)state;
    test_set_now("2026-04-17T12:00:00Z");
    test_app_open(&app, false);
    test_load(&app, "acme", "customers",
              "id,name,email,created_at,status,notes,credit_limit,tax_rate_override,email_verified\n"
              "c1,Acme Group,Buyer@Acme.com,2026-01-01,ACTIVE,vip,500.5,0.075,true\n"
              "c2,,bad@blue.com,2026-01-02,BLOCKED,,,,\nc3,Blue Fish,x@y.z,,,,,,\n");
    test_load(&app, "other", "customers", "id,name,email\nx1,Other,x@other.com\n");
    return 0;
}

static int get(const char *path)
{
    char target[512];
    snprintf(target, sizeof(target), "/api/v1/%s%stenant=acme", path, strchr(path, '?') ? "&" : "?");
    return test_ask(&app, "GET", target, true, NULL, NULL);
}

static int create(const char *body)
{
    return test_ask(&app, "POST", "/api/v1/customers?tenant=acme", true, NULL, body);
}

static int update(const char *id, const char *body)
{
    char target[256];
    snprintf(target, sizeof(target), "/api/v1/customers/%s?tenant=acme", id);
    return test_ask(&app, "PATCH", target, true, NULL, body);
}

#define refuses(body, code, text)                                                                            \
    do {                                                                                                     \
        assert_int_equal(create(body), code);                                                                \
        expect_at(&app, "error", text);                                                                      \
    } while (0)

static void test_D75_one_customer(void **state)
{
    (void)state;
    assert_int_equal(get("customers/c1"), 200);
    assert_int_equal(test_count(&app, "data"), 10);
    expect_at(&app, "data.id", "c1");
    expect_at(&app, "data.email", "Buyer@Acme.com");
    expect_at(&app, "data.name", "Acme Group");
    expect_at(&app, "data.status", "ACTIVE");
    expect_at(&app, "data.notes", "vip");
    expect_at(&app, "data.creditLimit", "500.50");
    expect_at(&app, "data.taxRateOverride", "0.075");
    expect_at(&app, "data.emailVerified", "true");
    expect_at(&app, "data.createdAt", "2026-01-01T00:00:00.000Z");
    expect_at(&app, "data.updatedAt", "null");
    assert_int_equal(get("customers/c3"), 200);
    expect_at(&app, "data.status", "ACTIVE");
    expect_at(&app, "data.creditLimit", "null");
    expect_at(&app, "data.taxRateOverride", "null");
    expect_at(&app, "data.emailVerified", "false");
    // Another company's customer is not there.
    assert_int_equal(get("customers/x1"), 404);
    expect_at(&app, "error", "Customer not found.");
}

static void test_D74_list_search_status(void **state)
{
    (void)state;
    assert_int_equal(get("customers"), 200);
    expect_at(&app, "data", "[3]");
    expect_at(&app, "data.0.id", "c2");
    expect_at(&app, "data.1.id", "c1");
    expect_at(&app, "data.2.id", "c3");
    expect_at(&app, "pagination.hasMore", "false");
    assert_int_equal(get("customers?search=BLUE"), 200);
    expect_at(&app, "data", "[2]");
    expect_at(&app, "data.0.id", "c2");
    expect_at(&app, "data.1.id", "c3");
    assert_int_equal(get("customers?search=acme"), 200);
    expect_at(&app, "data", "[1]");
    assert_int_equal(get("customers?status=ACTIVE"), 200);
    expect_at(&app, "data", "[2]");
    assert_int_equal(get("customers?status=BLOCKED&search=blue"), 200);
    expect_at(&app, "data", "[1]");
    expect_at(&app, "data.0.id", "c2");
    assert_int_equal(get("customers?status=blocked"), 400);
    assert_int_equal(get("customers?limit=2"), 200);
    expect_at(&app, "pagination.hasMore", "true");
    expect_at(&app, "pagination.nextCursor", "c1");
    assert_int_equal(get("customers?limit=2&cursor=c1"), 200);
    expect_at(&app, "data", "[1]");
    expect_at(&app, "data.0.id", "c3");
    expect_at(&app, "pagination.nextCursor", "null");
    assert_int_equal(get("customers?cursor=x1"), 400);
    expect_at(&app, "error", "Invalid cursor.");
}

static void test_D76_D77_create(void **state)
{
    (void)state;
    assert_int_equal(
        create("{\"email\":\" New@Shop.COM \",\"name\":\"New\",\"notes\":\" \",\"creditLimit\":1e3,"
               "\"taxRateOverride\":0.3,\"emailVerified\":true}"),
        201);
    char id[64], path[128];
    snprintf(id, sizeof(id), "%s", test_value(&app, "data.id"));
    expect_at(&app, "data.email", "new@shop.com");
    expect_at(&app, "data.status", "ACTIVE");
    expect_at(&app, "data.notes", "null");
    expect_at(&app, "data.creditLimit", "1000.00");
    expect_at(&app, "data.taxRateOverride", "0.3");
    expect_at(&app, "data.emailVerified", "false");
    expect_at(&app, "data.createdAt", "2026-04-17T12:00:00.000Z");
    test_app_reopen(&app);
    snprintf(path, sizeof(path), "customers/%s", id);
    assert_int_equal(get(path), 200);
    expect_at(&app, "data.email", "new@shop.com");
    expect_at(&app, "data.updatedAt", "2026-04-17T12:00:00.000Z");
    refuses("{\"email\":\"NEW@shop.com\"}", 422, "A customer with this email already exists.");
    refuses("{\"email\":\"buyer@acme.com\"}", 422, "A customer with this email already exists.");
    // Part of another address is another address, and another company's does not matter.
    assert_int_equal(create("{\"email\":\"r@acme.com\"}"), 201);
    assert_int_equal(create("{\"email\":\"x@other.com\",\"status\":\"BLOCKED\"}"), 201);
    expect_at(&app, "data.status", "BLOCKED");
    expect_at(&app, "data.name", "null");
}

static void test_D76_limits(void **state)
{
    (void)state;
    refuses("{}", 400, "email is required");
    refuses("{\"email\":\"  \"}", 400, "email is required");
    refuses("{\"email\":7}", 400, "email must be a string");
    refuses("{\"email\":\"nobody\"}", 400, "email must be a valid email address");
    refuses("{\"email\":\"a@b@c\"}", 400, "email must be a valid email address");
    refuses("{\"email\":\"a b@c\"}", 400, "email must be a valid email address");
    refuses("{\"email\":\"a@b.c\",\"name\":1}", 400, "name must be a string");
    refuses("{\"email\":\"a@b.c\",\"notes\":{}}", 400, "notes must be a string");
    refuses("{\"email\":\"a@b.c\",\"status\":\"active\"}", 400, "status must be ACTIVE or BLOCKED");
    refuses("{\"email\":\"a@b.c\",\"status\":null}", 400, "status must be ACTIVE or BLOCKED");
    refuses("{\"email\":\"a@b.c\",\"creditLimit\":\"5\"}", 400, "creditLimit must be a number");
    refuses("{\"email\":\"a@b.c\",\"creditLimit\":-1}", 400, "creditLimit must be at least 0");
    refuses("{\"email\":\"a@b.c\",\"creditLimit\":1.005}", 400, "creditLimit must have at most 2 decimals");
    refuses("{\"email\":\"a@b.c\",\"creditLimit\":1e30}", 400, "creditLimit is out of range");
    refuses("{\"email\":\"a@b.c\",\"taxRateOverride\":0.31}", 400,
            "taxRateOverride must be between 0 and 0.3");
    refuses("{\"email\":\"a@b.c\",\"taxRateOverride\":true}", 400, "taxRateOverride must be a number");
    refuses("nonsense", 400, "Invalid JSON body.");
    char body[4096], text[2100];
    memset(text, 'x', sizeof(text));
    text[250] = 0;
    snprintf(body, sizeof(body), "{\"email\":\"%s@b.c\"}", text);
    assert_int_equal(create(body), 201); // 254
    snprintf(body, sizeof(body), "{\"email\":\"x%s@b.c\"}", text);
    refuses(body, 400, "email must be at most 254 characters");
    text[101] = 0;
    snprintf(body, sizeof(body), "{\"email\":\"a@b.c\",\"name\":\"%s\"}", text);
    refuses(body, 400, "name must be at most 100 characters");
    memset(text, 'x', sizeof(text));
    text[2001] = 0;
    snprintf(body, sizeof(body), "{\"email\":\"a@b.c\",\"notes\":\"%s\"}", text);
    refuses(body, 400, "notes must be at most 2000 characters");
    assert_int_equal(get("customers"), 200);
    expect_at(&app, "data", "[4]");
}

static void test_D77_update(void **state)
{
    (void)state;
    assert_int_equal(update("c1", "{\"name\":\"Acme Ltd\",\"notes\":null,\"creditLimit\":null}"), 200);
    expect_at(&app, "data.name", "Acme Ltd");
    expect_at(&app, "data.notes", "null");
    expect_at(&app, "data.creditLimit", "null");
    expect_at(&app, "data.email", "Buyer@Acme.com");
    expect_at(&app, "data.taxRateOverride", "0.075");
    expect_at(&app, "data.emailVerified", "true");
    expect_at(&app, "data.createdAt", "2026-01-01T00:00:00.000Z");
    expect_at(&app, "data.updatedAt", "2026-04-17T12:00:00.000Z");
    assert_int_equal(update("c1", "{\"email\":\"buyer@acme.com\"}"), 200);
    expect_at(&app, "data.email", "buyer@acme.com");
    assert_int_equal(update("c1", "{\"email\":\"X@y.Z\"}"), 422);
    expect_at(&app, "error", "A customer with this email already exists.");
    assert_int_equal(update("c1", "{\"email\":null}"), 400);
    expect_at(&app, "error", "email is required");
    assert_int_equal(update("x1", "{\"name\":\"Mine\"}"), 404);
    expect_at(&app, "error", "Customer not found.");
    assert_int_equal(update("c1", "{\"status\":\"BLOCKED\"}"), 200);
    expect_at(&app, "data.status", "BLOCKED");
    assert_int_equal(get("customers?status=BLOCKED"), 200);
    expect_at(&app, "data", "[2]");
}

static void test_D27_a_new_name_stands_in_old_reports(void **state)
{
    (void)state;
    test_load(&app, "acme", "orders",
              "id,created_at,status,customer_id,total\no1,2026-04-02,DELIVERED,c1,10\n");
    assert_int_equal(update("c1", "{\"name\":\"Renamed\",\"email\":\"new@acme.com\"}"), 200);
    assert_int_equal(get("reports/customers?preset=month"), 200);
    expect_at(&app, "data.rows.0.customerName", "Renamed");
    expect_at(&app, "data.rows.0.customerEmail", "new@acme.com");
}

static void test_D88_changes_are_in_the_audit_log(void **state)
{
    (void)state;
    test_use_key(&app, "acme", "[\"customers:write\",\"reports:read\"]", "off");
    assert_int_equal(test_ask(&app, "POST", "/api/v1/customers", false, NULL, "{\"email\":\"k@k.k\"}"), 201);
    char id[64];
    snprintf(id, sizeof(id), "%s", test_value(&app, "data.id"));
    assert_int_equal(
        test_ask(&app, "PATCH", "/api/v1/customers/c1", false, NULL, "{\"name\":null,\"notes\":\"n\"}"), 200);
    assert_int_equal(test_ask(&app, "POST", "/api/v1/customers", false, NULL, "{\"email\":\"K@k.k\"}"), 422);
    assert_int_equal(test_get(&app, "/api/v1/audit-log?entityType=customer"), 200);
    expect_at(&app, "data", "[2]");
    // Both are of the same moment: their ids decide which comes first.
    int created = strcmp(test_value(&app, "data.0.action"), "customer.created") == 0 ? 0 : 1;
    char path[64];
    snprintf(path, sizeof(path), "data.%d.entityId", created);
    expect_at(&app, path, id);
    snprintf(path, sizeof(path), "data.%d.action", 1 - created);
    expect_at(&app, path, "customer.updated");
    snprintf(path, sizeof(path), "data.%d.entityId", 1 - created);
    expect_at(&app, path, "c1");
    snprintf(path, sizeof(path), "data.%d.details.fields", 1 - created);
    expect_at(&app, path, "[2]");
}

static void test_D47_scopes(void **state)
{
    (void)state;
    test_use_key(&app, "acme", "[\"customers:read\"]", "off");
    assert_int_equal(test_get(&app, "/api/v1/customers/c1"), 200);
    assert_int_equal(test_ask(&app, "PATCH", "/api/v1/customers/c1", false, NULL, "{}"), 403);
    expect_at(&app, "error", "Insufficient permissions. This key lacks the \"customers:write\" scope.");
    test_use_key(&app, "acme", "[\"customers:write\"]", "off");
    assert_int_equal(test_get(&app, "/api/v1/customers"), 403);
    assert_int_equal(test_ask(&app, "POST", "/api/v1/customers", false, NULL, "{\"email\":\"k@k.k\"}"), 201);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, one_app_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_D75_one_customer),
        TEST(test_D74_list_search_status),
        TEST(test_D76_D77_create),
        TEST(test_D76_limits),
        TEST(test_D77_update),
        TEST(test_D27_a_new_name_stands_in_old_reports),
        TEST(test_D88_changes_are_in_the_audit_log),
        TEST(test_D47_scopes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
