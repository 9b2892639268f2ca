// SPDX-License-Identifier: Apache-2.0
// Webhooks as a client sees them (D47, D52, D79–D82), signatures, and the audit log (D43, D88).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/calendar.h"
#include "http/webhooks/signature.h"
#include "http/webhooks/webhook.h"
#include "tests/support/one_app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int setup(void **state)
{
    one_app_open(state);
    test_use_key(&app, "acme", "[\"webhooks:read\",\"webhooks:write\",\"reports:read\",\"ingest:write\"]",
                 "off");
    return 0;
}

static int send_json(const char *method, const char *target, const char *body)
{
    static const char *const headers[] = {"content-type", "application/json", NULL};
    return test_ask(&app, method, target, false, headers, body);
}

static void create(char target[96])
{
    assert_int_equal(send_json("POST", "/api/v1/webhooks",
                               "{\"url\":\"https://example.com/in\",\"events\":[\"order.created\"]}"),
                     201);
    if (target != NULL)
        snprintf(target, 96, "/api/v1/webhooks/%s", test_value(&app, "data.id"));
}

static void test_D80_create_shows_the_secret_once(void **state)
{
    (void)state;
    char target[96];
    create(target);
    const char *secret = test_value(&app, "data.secret");
    assert_int_equal(strlen(secret), DBK_WEBHOOK_SECRET_BYTES); // D81
    assert_memory_equal(secret, "whsec_", 6);
    expect_at(&app, "data.isActive", "true");
    expect_at(&app, "data.events.0", "order.created");
    expect_at(&app, "data.createdAt", "2026-04-17T12:34:56.000Z");
    assert_int_equal(test_get(&app, target), 200);
    expect_at(&app, "data.secret", "(none)");
    expect_at(&app, "data.url", "https://example.com/in");
    expect_at(&app, "data.secretRotationGraceExpiresAt", "null"); // D79
    assert_int_equal(test_get(&app, "/api/v1/webhooks"), 200);
    expect_at(&app, "data", "[1]");
    expect_at(&app, "data.0.secret", "(none)");
    expect_at(&app, "pagination.hasMore", "false"); // D33, D42: every list has it
    expect_at(&app, "pagination.nextCursor", "null");
}

static void test_D80_bad_fields_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{}",
        "[]",
        "{\"url\":\"https://example.com\"}",
        "{\"events\":[\"order.created\"]}",
        "{\"url\":\"https://example.com\",\"events\":[]}",
        "{\"url\":\"https://example.com\",\"events\":\"order.created\"}",
        "{\"url\":\"https://example.com\",\"events\":[\"order.exploded\"]}",
        "{\"url\":\"https://example.com\",\"events\":[1]}",
        "{\"url\":\"https://example.com\",\"events\":[\"order.created\"],\"isActive\":\"yes\"}",
        "{\"url\":7,\"events\":[\"order.created\"]}",
        "{\"url\":null,\"events\":[\"order.created\"]}",
        "{\"url\":\"\",\"events\":[\"order.created\"]}",
        "{\"url\":\"example.com/in\",\"events\":[\"order.created\"]}",
        "{\"url\":\"ftp://example.com/in\",\"events\":[\"order.created\"]}",
        "{\"url\":\"file:///etc/passwd\",\"events\":[\"order.created\"]}",
        "{\"url\":\"gopher://example.com/\",\"events\":[\"order.created\"]}",
        "{\"url\":\"https://\",\"events\":[\"order.created\"]}",
        "{\"url\":\"https://exa mple.com\",\"events\":[\"order.created\"]}",
        "{\"url\":\"https://example.com/\\r\\nX-Evil: 1\",\"events\":[\"order.created\"]}",
    };
    for (size_t i = 0; i < DBK_COUNT(bad); i++) {
        if (send_json("POST", "/api/v1/webhooks", bad[i]) != 400)
            fail_msg("%s was answered with %d", bad[i], app.status);
        expect_at(&app, "error", "Validation failed.");
    }
    assert_int_equal(send_json("POST", "/api/v1/webhooks", "{"), 400);
    expect_at(&app, "error", "Invalid JSON body."); // D51
    static const char *const form[] = {"content-type", "application/x-www-form-urlencoded", NULL};
    assert_int_equal(test_ask(&app, "POST", "/api/v1/webhooks", false, form, "url=x"), 415); // D34
    assert_int_equal(test_get(&app, "/api/v1/webhooks"), 200);
    expect_at(&app, "data", "[0]");
}

static void test_D80_a_url_of_2048_characters_is_the_longest(void **state)
{
    (void)state;
    for (int length = 2048; length <= 2049; length++) {
        dbk_buffer body = {0};
        dbk_buffer_format(&body, "{\"events\":[\"refund.processed\"],\"url\":\"https://example.com/");
        for (int i = 20; i < length; i++)
            dbk_buffer_u8(&body, 'a');
        dbk_buffer_format(&body, "\"}");
        dbk_buffer_u8(&body, 0);
        assert_int_equal(send_json("POST", "/api/v1/webhooks", (const char *)body.data),
                         length == 2048 ? 201 : 400);
        dbk_buffer_dispose(&body);
    }
}

static void test_D79_the_eleventh_is_refused(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        create(NULL);
    assert_int_equal(send_json("POST", "/api/v1/webhooks",
                               "{\"url\":\"https://example.com/in\",\"events\":[\"order.created\"]}"),
                     422);
    assert_int_equal(test_get(&app, "/api/v1/webhooks"), 200);
    expect_at(&app, "data", "[10]");
}

static void test_D80_patch_changes_what_it_names(void **state)
{
    (void)state;
    char target[96];
    create(target);
    test_now_ms += 1000;
    assert_int_equal(send_json("PATCH", target, "{\"isActive\":false}"), 200);
    expect_at(&app, "data.isActive", "false");
    expect_at(&app, "data.url", "https://example.com/in");
    expect_at(&app, "data.secret", "(none)");
    expect_at(&app, "data.updatedAt", "2026-04-17T12:34:57.000Z");
    assert_int_equal(send_json("PATCH", target,
                               "{\"url\":\"http://example.org\",\"events\":[\"order.shipped\","
                               "\"order.cancelled\",\"order.shipped\"]}"),
                     200);
    assert_int_equal(send_json("PATCH", target, "{\"events\":[\"nothing\"]}"), 400);
    test_app_reopen(&app);
    assert_int_equal(test_get(&app, target), 200);
    expect_at(&app, "data.url", "http://example.org");
    expect_at(&app, "data.events", "[2]");
    expect_at(&app, "data.isActive", "false");
}

static void test_D52_unknown_and_foreign_webhooks(void **state)
{
    (void)state;
    char target[96], deliveries[128];
    create(target);
    snprintf(deliveries, sizeof(deliveries), "%s/deliveries", target);
    test_use_key(&app, "other", "[\"webhooks:read\",\"webhooks:write\"]", "off");
    assert_int_equal(test_get(&app, target), 404);
    expect_at(&app, "error", "Webhook not found.");
    assert_int_equal(test_get(&app, deliveries), 404);
    assert_int_equal(send_json("PATCH", target, "{}"), 404);
    assert_int_equal(send_json("DELETE", target, NULL), 404);
    assert_int_equal(send_json("PUT", target, "{}"), 405); // D47
    assert_string_equal(test_header(&app, "allow"), "GET, HEAD, PATCH, DELETE");
}

static void test_D47_scopes(void **state)
{
    (void)state;
    char target[96];
    create(target);
    test_use_key(&app, "acme", "[\"webhooks:read\"]", "off");
    assert_int_equal(test_get(&app, target), 200);
    assert_int_equal(send_json("DELETE", target, NULL), 403);
    expect_at(&app, "error", "Insufficient permissions. This key lacks the \"webhooks:write\" scope."); // D50
    assert_int_equal(test_get(&app, "/api/v1/audit-log"), 403);
    expect_at(&app, "error", "Insufficient permissions. This key lacks the \"reports:read\" scope.");
}

static void test_deleted_is_gone(void **state)
{
    (void)state;
    char target[96];
    create(target);
    assert_int_equal(send_json("DELETE", target, NULL), 200);
    assert_int_equal(test_get(&app, target), 404);
    assert_int_equal(send_json("DELETE", target, NULL), 404);
}

static void test_D79_rotation_has_a_day_of_grace(void **state)
{
    (void)state;
    char target[96], rotate[160];
    create(target);
    char before[64];
    snprintf(before, sizeof(before), "%s", test_value(&app, "data.secret"));
    snprintf(rotate, sizeof(rotate), "/admin/webhooks/%s/rotate?tenant=acme", target + 17);
    assert_int_equal(test_ask(&app, "POST", rotate, false, NULL, NULL), 404); // the operator's alone
    assert_int_equal(test_ask(&app, "POST", rotate, true, NULL, NULL), 200);
    assert_string_not_equal(test_value(&app, "data.secret"), before);
    expect_at(&app, "data.secretRotationGraceExpiresAt", "2026-04-18T12:34:56.000Z");
    test_now_ms += DBK_WEBHOOK_GRACE_MS;
    assert_int_equal(test_get(&app, target), 200);
    expect_at(&app, "data.secretRotationGraceExpiresAt", "null");
}

// ---- Signatures ----

static void test_D82_signature_of_the_vendor(void **state)
{
    (void)state;
    char hex[DBK_SIGNATURE_MAX];
    // RFC 4231, test case 2.
    assert_true(dbk_webhook_sign(DBK_TEXT("Jefe"), DBK_TEXT("what do ya want for nothing?"), hex));
    assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void test_signature_of_standard_webhooks(void **state)
{
    (void)state;
    char signature[DBK_SIGNATURE_MAX];
    // The example of the specification's own libraries.
    assert_true(dbk_webhook_sign_standard(DBK_TEXT("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
                                          DBK_TEXT("msg_p5jXN8AQM9LWM0D4loKWxJek"), 1614265330,
                                          DBK_TEXT("{\"test\": 2432232314}"), signature));
    assert_string_equal(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    assert_false(
        dbk_webhook_sign_standard(DBK_TEXT("no prefix"), DBK_TEXT("a"), 1, DBK_TEXT("b"), signature));
}

static void test_D81_secrets_read_alike_in_both_alphabets(void **state)
{
    (void)state;
    char secret[DBK_WEBHOOK_SECRET_BYTES + 1], first[DBK_WEBHOOK_SECRET_BYTES + 1] = "";
    for (int i = 0; i < 200; i++) {
        assert_int_equal(dbk_webhook_secret_make(secret, NULL), DBK_OK);
        assert_int_equal(strlen(secret), DBK_WEBHOOK_SECRET_BYTES);
        assert_null(strpbrk(secret + 6, "+/-_="));
        assert_string_not_equal(secret, first);
        memcpy(first, secret, sizeof(first));
    }
}

// ---- Audit ----

static void test_D43_writes_name_the_key_and_its_creator(void **state)
{
    (void)state;
    assert_int_equal(test_ask(&app, "POST", "/admin/keys", true, NULL,
                              "{\"tenant\":\"acme\",\"scopes\":[\"webhooks:write\",\"ingest:write\","
                              "\"reports:read\"],\"createdBy\":\"ada\"}"),
                     201);
    char id[64], target[96];
    snprintf(id, sizeof(id), "%s", test_value(&app, "id"));
    snprintf(app.key, sizeof(app.key), "%s", test_value(&app, "key"));
    test_now_ms += 1000;
    create(target);
    test_now_ms += 1000;
    static const char *const csv[] = {"content-type", "text/csv", NULL};
    assert_int_equal(test_ask(&app, "POST", "/ingest/customers", false, csv, "id,name\na,A\nb,B\n"), 200);
    assert_int_equal(test_get(&app, "/api/v1/audit-log"), 200);
    expect_at(&app, "data.0.action", "rows.stored");
    expect_at(&app, "data.0.entityId", "customers");
    expect_at(&app, "data.0.details.rows", "2");
    expect_at(&app, "data.0.actor", id);
    expect_at(&app, "data.0.creator", "ada");
    expect_at(&app, "data.1.action", "webhook.created");
    expect_at(&app, "data.1.entityType", "webhook");
    expect_at(&app, "data.1.entityId", target + 17);
    expect_at(&app, "data.1.actorType", "USER");
    expect_at(&app, "data.1.details.secret", "(none)");
    expect_at(&app, "data.2.action", "api_key.created");
    expect_at(&app, "data.2.actorType", "SYSTEM");
    expect_at(&app, "data.2.actor", "null");
}

static void test_D43_a_refused_write_leaves_no_entry(void **state)
{
    (void)state;
    assert_int_equal(send_json("POST", "/api/v1/webhooks", "{}"), 400);
    assert_int_equal(test_get(&app, "/api/v1/audit-log?entityType=webhook"), 200);
    expect_at(&app, "data", "[0]");
}

static void test_D88_filters_and_pages(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        test_now_ms += 1000;
        create(NULL);
    }
    char seen[64] = "", target[160] = "/api/v1/audit-log?entityType=webhook&limit=2";
    int entries = 0;
    for (;;) {
        assert_int_equal(test_get(&app, target), 200);
        entries += test_count(&app, "data");
        assert_string_not_equal(test_value(&app, "data.0.id"), seen);
        snprintf(seen, sizeof(seen), "%s", test_value(&app, "data.0.id"));
        if (strcmp(test_value(&app, "pagination.hasMore"), "false") == 0)
            break;
        snprintf(target, sizeof(target), "/api/v1/audit-log?entityType=webhook&limit=2&cursor=%s",
                 test_value(&app, "pagination.nextCursor"));
    }
    assert_int_equal(entries, 5);
    assert_int_equal(test_get(&app, "/api/v1/audit-log?actorType=SYSTEM"), 200);
    expect_at(&app, "data", "[1]"); // the key
    assert_int_equal(test_get(&app, "/api/v1/audit-log?to=2026-04-17&entityType=webhook"), 200);
    expect_at(&app, "data", "[5]"); // to the end of that day
    assert_int_equal(test_get(&app, "/api/v1/audit-log?to=2026-04-16"), 200);
    expect_at(&app, "data", "[0]");
    assert_int_equal(test_get(&app, "/api/v1/audit-log?from=2026-04-17T12:35:00Z"), 200);
    expect_at(&app, "data", "[2]");
    assert_int_equal(test_get(&app, "/api/v1/audit-log?from=soon"), 400);
    assert_int_equal(test_get(&app, "/api/v1/audit-log?cursor=aud_none"), 400);
    expect_at(&app, "error", "Invalid cursor.");
}

// ---- Keys ----

static void list_keys(void)
{
    assert_int_equal(test_ask(&app, "GET", "/admin/keys?tenant=acme", true, NULL, NULL), 200);
}

static void test_D48_last_used_is_the_last_successful_call(void **state)
{
    (void)state;
    list_keys();
    expect_at(&app, "data.0.lastUsedAt", "null");
    assert_int_equal(test_get(&app, "/api/v1/webhooks/none"), 404);
    assert_int_equal(test_get(&app, "/api/v1/products"), 403);
    list_keys();
    expect_at(&app, "data.0.lastUsedAt", "null");
    test_now_ms += 5000;
    assert_int_equal(test_get(&app, "/api/v1/webhooks"), 200);
    test_now_ms += 5000;
    assert_int_equal(test_get(&app, "/api/v1/products"), 403);
    list_keys();
    expect_at(&app, "data.0.lastUsedAt", "2026-04-17T12:35:01.000Z");
    test_app_reopen(&app);
    list_keys();
    expect_at(&app, "data.0.lastUsedAt", "2026-04-17T12:35:01.000Z");
    expect_at(&app, "data.0.status", "Active");
}

static void test_D48_revoking_keeps_when_a_key_was_used(void **state)
{
    (void)state;
    assert_int_equal(test_get(&app, "/api/v1/webhooks"), 200);
    list_keys();
    char target[128];
    snprintf(target, sizeof(target), "/admin/keys/%s?tenant=acme", test_value(&app, "data.0.id"));
    assert_int_equal(test_ask(&app, "DELETE", target, true, NULL, NULL), 200);
    assert_int_equal(test_get(&app, "/api/v1/webhooks"), 401);
    test_app_reopen(&app);
    assert_int_equal(test_get(&app, "/api/v1/webhooks"), 401);
    list_keys();
    expect_at(&app, "data.0.status", "Revoked");
    expect_at(&app, "data.0.lastUsedAt", "2026-04-17T12:34:56.000Z");
}

static void test_D48_a_key_is_not_made_expired(void **state)
{
    (void)state;
    assert_int_equal(
        test_ask(&app, "POST", "/admin/keys", true, NULL,
                 "{\"tenant\":\"acme\",\"scopes\":[\"reports:read\"],\"expiresAt\":\"2026-04-17\"}"),
        400);
    assert_int_equal(
        test_ask(&app, "POST", "/admin/keys", true, NULL,
                 "{\"tenant\":\"acme\",\"scopes\":[\"reports:read\"],\"expiresAt\":\"2026-04-18\"}"),
        201);
    snprintf(app.key, sizeof(app.key), "%s", test_value(&app, "key"));
    assert_int_equal(test_get(&app, "/api/v1/audit-log"), 200);
    test_now_ms += DBK_MS_DAY;
    assert_int_equal(test_get(&app, "/api/v1/audit-log"), 401);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, one_app_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_D80_create_shows_the_secret_once),
        TEST(test_D80_bad_fields_are_refused),
        TEST(test_D80_a_url_of_2048_characters_is_the_longest),
        TEST(test_D79_the_eleventh_is_refused),
        TEST(test_D80_patch_changes_what_it_names),
        TEST(test_D52_unknown_and_foreign_webhooks),
        TEST(test_D47_scopes),
        TEST(test_deleted_is_gone),
        TEST(test_D79_rotation_has_a_day_of_grace),
        cmocka_unit_test(test_D82_signature_of_the_vendor),
        cmocka_unit_test(test_signature_of_standard_webhooks),
        cmocka_unit_test(test_D81_secrets_read_alike_in_both_alphabets),
        TEST(test_D43_writes_name_the_key_and_its_creator),
        TEST(test_D43_a_refused_write_leaves_no_entry),
        TEST(test_D88_filters_and_pages),
        TEST(test_D48_last_used_is_the_last_successful_call),
        TEST(test_D48_revoking_keeps_when_a_key_was_used),
        TEST(test_D48_a_key_is_not_made_expired),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
