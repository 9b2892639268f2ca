// SPDX-License-Identifier: Apache-2.0
// Keys: what they look like, what is kept of them, what they open, and when they stop.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/one_app.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

static int create(const char *body)
{
    return test_ask(&app, "POST", "/admin/keys", true, NULL, body);
}

static int get_with(const char *target, const char *authorization)
{
    const char *headers[] = {"authorization", authorization, NULL};
    return test_ask(&app, "GET", target, false, headers, NULL);
}

static const char missing[] = "Missing or invalid Authorization header. Use: Bearer <api_key>";
static const char refused[] = "Invalid, expired, or revoked API key.";

static void test_D35_a_key_is_random_and_only_its_hash_is_kept(void **state)
{
    (void)state;
    char key[2][64];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(create("{\"tenant\":\"acme\",\"scopes\":[\"reports:read\"],\"name\":\"BI\"}"), 201);
        snprintf(key[i], sizeof(key[i]), "%s", test_value(&app, "key"));
        assert_int_equal(strlen(key[i]), 46);
        assert_memory_equal(key[i], "dk_", 3);
        assert_int_equal(
            strspn(key[i] + 3, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), 43);
        assert_memory_equal(test_value(&app, "id"), "key_", 4);
    }
    assert_string_not_equal(key[0], key[1]);

    static const char *const fields[] = {"prefix", "hash", "id", "name", "scopes"};
    dbk_query query = {.table = "api_keys",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .fields = fields,
                       .fields_count = DBK_COUNT(fields)};
    dbk_db *db = dbk_store_db(app.store);
    dbk_read read = dbk_read_begin(db);
    dbk_result *rows;
    assert_int_equal(dbk_query_run(read.snapshot, DBK_TEXT("acme"), &query, &rows, NULL), DBK_OK);
    assert_int_equal(dbk_result_rows(rows), 2);
    for (size_t row = 0; row < 2; row++) {
        dbk_text prefix = dbk_result_text(rows, row, 0);
        const char *mine = memcmp(prefix.data, key[0], 12) == 0 ? key[0] : key[1];
        assert_int_equal(prefix.length, 12);
        assert_memory_equal(prefix.data, mine, 12);
        uint8_t digest[32];
        char hex[65];
        assert_int_equal(EVP_Digest(mine, 46, digest, NULL, EVP_sha256(), NULL), 1);
        for (int i = 0; i < 32; i++)
            snprintf(hex + 2 * i, 3, "%02x", digest[i]);
        assert_true(dbk_text_equal(dbk_result_text(rows, row, 1), (dbk_text){hex, 64}));
        assert_true(dbk_text_equal(dbk_result_text(rows, row, 4), DBK_TEXT("reports:read")));
    }
    dbk_result_free(rows);
    dbk_read_end(db, &read);
}

static void test_D36_D49_the_two_texts_of_401(void **state)
{
    (void)state;
    static const char sales[] = "/api/v1/reports/sales";
    assert_int_equal(test_get(&app, sales), 401);
    expect_at(&app, "error", missing);
    assert_string_equal(test_header(&app, "www-authenticate"), "Bearer");
    static const char *const bad_forms[] = {"Basic x", "bearer dk_x", "Bearer", "Bearer ", "dk_abc"};
    for (size_t i = 0; i < DBK_COUNT(bad_forms); i++) {
        assert_int_equal(get_with(sales, bad_forms[i]), 401);
        expect_at(&app, "error", missing);
    }
    static const char *const unknown[] = {"Bearer x",
                                          "Bearer dk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    for (size_t i = 0; i < DBK_COUNT(unknown); i++) {
        assert_int_equal(get_with(sales, unknown[i]), 401);
        expect_at(&app, "error", refused);
    }
    // The right beginning is not enough.
    test_use_key(&app, "acme", "[\"reports:read\"]", "off");
    assert_int_equal(test_get(&app, sales), 200);
    app.key[45] = app.key[45] == 'A' ? 'B' : 'A';
    assert_int_equal(test_get(&app, sales), 401);
    expect_at(&app, "error", refused);
}

static void test_D37_D50_the_text_of_403_names_the_scope(void **state)
{
    (void)state;
    test_use_key(&app, "acme", "[\"products:read\",\"orders:write\"]", "off");
    assert_int_equal(test_get(&app, "/api/v1/products"), 200);
    assert_int_equal(test_get(&app, "/api/v1/reports/sales"), 403);
    expect_at(&app, "error", "Insufficient permissions. This key lacks the \"reports:read\" scope.");
    assert_int_equal(test_ask(&app, "POST", "/ingest/orders", false, NULL, ""), 403);
    expect_at(&app, "error", "Insufficient permissions. This key lacks the \"ingest:write\" scope.");
}

static void test_D46_scopes_are_checked_when_a_key_is_made(void **state)
{
    (void)state;
    assert_int_equal(create("{\"tenant\":\"acme\",\"scopes\":[\"reports:read\",\"report:read\"]}"), 400);
    assert_string_equal(
        test_value(&app, "error"),
        "unknown scope \"report:read\"; the scopes are products:read, products:write, orders:read, "
        "orders:write, customers:read, customers:write, reports:read, webhooks:read, webhooks:write, "
        "ingest:write, closures:write");
    static const char *const bad[] = {
        "{\"tenant\":\"acme\",\"scopes\":[]}",
        "{\"tenant\":\"acme\"}",
        "{\"tenant\":\"acme\",\"scopes\":[1]}",
        "{\"tenant\":\"../x\",\"scopes\":[\"reports:read\"]}",
        "{\"scopes\":[\"reports:read\"]}",
        "{\"tenant\":\"a\",\"scopes\":[\"reports:read\"],\"rate\":\"0\"}",
        "{\"tenant\":\"a\",\"scopes\":[\"reports:read\"],\"rate\":\"fast\"}",
        "{\"tenant\":\"a\",\"scopes\":[\"reports:read\"],\"rate\":100001}",
        "{\"tenant\":\"a\",\"scopes\":[\"reports:read\"],\"expiresAt\":\"soon\"}",
        "[]",
        "{",
        ""};
    for (size_t i = 0; i < DBK_COUNT(bad); i++)
        if (create(bad[i]) != 400)
            fail_msg("%s gave %d", bad[i], app.status);
    assert_int_equal(test_ask(&app, "GET", "/admin/keys", true, NULL, NULL), 200);
    expect_at(&app, "data", "[0]");
}

static void test_a_key_opens_its_own_tenant_only(void **state)
{
    (void)state;
    test_load(&app, "acme", "orders", "id,created_at,status,total\na,2026-04-03,SUBMITTED,10\n");
    test_load(&app, "rival", "orders", "id,created_at,status,total\na,2026-04-03,SUBMITTED,99\n");
    test_use_key(&app, "acme", "[\"reports:read\"]", "off");
    assert_int_equal(test_get(&app, "/api/v1/reports/sales?tenant=rival"), 200);
    expect_at(&app, "data.totals.revenue", "10.00");
    test_use_key(&app, "rival", "[\"reports:read\"]", "off");
    assert_int_equal(test_get(&app, "/api/v1/reports/sales"), 200);
    expect_at(&app, "data.totals.revenue", "99.00");
}

static void test_D35_revoked_and_expired_keys_stop_at_once(void **state)
{
    (void)state;
    char id[80], target[160], body[256];
    test_use_key(&app, "acme", "[\"reports:read\"]", "off");
    snprintf(id, sizeof(id), "%s", test_value(&app, "id"));
    assert_int_equal(test_get(&app, "/api/v1/reports/sales"), 200);
    snprintf(target, sizeof(target), "/admin/keys/%s?tenant=rival", id);
    assert_int_equal(test_ask(&app, "DELETE", target, true, NULL, NULL), 404);
    assert_int_equal(test_get(&app, "/api/v1/reports/sales"), 200);
    snprintf(target, sizeof(target), "/admin/keys/%s?tenant=acme", id);
    assert_int_equal(test_ask(&app, "DELETE", target, true, NULL, NULL), 200);
    assert_int_equal(test_get(&app, "/api/v1/reports/sales"), 401);
    expect_at(&app, "error", refused);
    assert_int_equal(test_ask(&app, "DELETE", target, true, NULL, NULL), 200);

    snprintf(body, sizeof(body), "%s",
             "{\"tenant\":\"acme\",\"scopes\":[\"reports:read\"],"
             "\"expiresAt\":\"2026-04-18T00:00:00Z\"}");
    assert_int_equal(create(body), 201);
    snprintf(app.key, sizeof(app.key), "%s", test_value(&app, "key"));
    test_set_now("2026-04-17T23:59:59.999Z");
    assert_int_equal(test_get(&app, "/api/v1/reports/sales"), 200);
    test_set_now("2026-04-18T00:00:00Z");
    assert_int_equal(test_get(&app, "/api/v1/reports/sales"), 401);
    expect_at(&app, "error", refused);

    // D48: dead keys stay listed.
    assert_int_equal(test_ask(&app, "GET", "/admin/keys?tenant=acme", true, NULL, NULL), 200);
    expect_at(&app, "data", "[2]");
    bool revoked_first = strcmp(test_value(&app, "data.0.status"), "Revoked") == 0;
    expect_at(&app, revoked_first ? "data.1.status" : "data.0.status", "Expired");
    expect_at(&app, "data.0.hash", "(none)");
    expect_at(&app, "data.0.key", "(none)");
}

static void test_keys_outlive_a_restart(void **state)
{
    (void)state;
    test_use_key(&app, "acme", "[\"reports:read\"]", "off");
    test_app_reopen(&app);
    assert_int_equal(test_get(&app, "/api/v1/reports/sales"), 200);
}

static void test_D38_one_budget_for_all_routes_of_a_key(void **state)
{
    (void)state;
    test_use_key(&app, "acme", "[\"reports:read\",\"products:read\"]", "");
    for (int i = 0; i < 60; i++)
        assert_int_equal(test_get(&app, i % 2 ? "/api/v1/products" : "/api/v1/reports/inventory"), 200);
    assert_int_equal(test_get(&app, "/api/v1/products"), 429);
    expect_at(&app, "error", "Rate limit exceeded. Try again shortly.");
    expect_at(&app, "", "{2}");
    assert_string_equal(test_value(&app, "retryAfter"), test_header(&app, "retry-after"));
    int wait = 0;
    assert_int_equal(sscanf(test_value(&app, "retryAfter"), "%d", &wait), 1);
    assert_in_range(wait, 1, 60);
    // Another key of the same company has a budget of its own.
    test_use_key(&app, "acme", "[\"products:read\"]", "3");
    for (int i = 0; i < 3; i++)
        assert_int_equal(test_get(&app, "/api/v1/products"), 200);
    assert_int_equal(test_get(&app, "/api/v1/products"), 429);
    test_use_key(&app, "acme", "[\"products:read\"]", "off");
    for (int i = 0; i < 100; i++)
        assert_int_equal(test_get(&app, "/api/v1/products"), 200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, one_app_open_limited, one_app_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_D35_a_key_is_random_and_only_its_hash_is_kept),
        TEST(test_D36_D49_the_two_texts_of_401),
        TEST(test_D37_D50_the_text_of_403_names_the_scope),
        TEST(test_D46_scopes_are_checked_when_a_key_is_made),
        TEST(test_a_key_opens_its_own_tenant_only),
        TEST(test_D35_revoked_and_expired_keys_stop_at_once),
        TEST(test_keys_outlive_a_restart),
        TEST(test_D38_one_budget_for_all_routes_of_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
