// SPDX-License-Identifier: Apache-2.0
// Callers with tokens: which tenant they are of, what they may do, and that a change of a tenant's settings
// holds from the next request on. The dialects here are the test's own, one that asks for an AppId and one
// that asks for a role.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/app/caller.h"
#include "tests/support/app_client.h"
#include "tests/support/jwt_maker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static test_app app;
static test_issuer rsa, p256, ed25519;

static void write_forbidden(dbk_buffer *text, const char *scope)
{
    dbk_buffer_format(text, "needs %s", scope);
}

static void write_error(dbk_buffer *body, int status, dbk_text message, int retry_after)
{
    (void)retry_after;
    dbk_buffer_format(body, "%d %.*s", status, (int)message.length, message.data);
}

static const dbk_dialect with_app = {.name = "with_app",
                                     .rate_per_minute = 3,
                                     .find_key = dbk_dialect_find_bearer,
                                     .key_missing = "missing",
                                     .key_refused = "refused",
                                     .write_forbidden = write_forbidden,
                                     .rate_exceeded = "too many",
                                     .takes_tokens = true,
                                     .find_app = dbk_dialect_find_app_id,
                                     .app_missing = "no app",
                                     .app_refused = "other app",
                                     .write_error = write_error};
static const dbk_dialect with_role = {.name = "with_role",
                                      .rate_per_minute = DBK_RATE_OFF,
                                      .find_key = dbk_dialect_find_bearer,
                                      .key_missing = "missing",
                                      .key_refused = "refused",
                                      .write_forbidden = write_forbidden,
                                      .takes_tokens = true,
                                      .token_role = DBK_ROLE_ADMIN,
                                      .role_refused = "not an admin",
                                      .find_app = dbk_dialect_find_app_id,
                                      .app_refused = "other app",
                                      .write_error = write_error};
static dbk_dialect for_operators; // as with_role

// What came of the last asking: "tenant=acme subject=user-1", or the error's body.
static char outcome[1000], challenge[300];

static void on_send(dbk_request *request, dbk_reply *reply)
{
    (void)request;
    snprintf(outcome, sizeof(outcome), "%.*s", (int)reply->body.size, (const char *)reply->body.data);
    for (int i = 0; i < reply->headers_count; i++)
        if (dbk_text_equal(reply->headers[i].name, DBK_TEXT("www-authenticate")))
            snprintf(challenge, sizeof(challenge), "%.*s", (int)reply->headers[i].value.length,
                     reply->headers[i].value.data);
    dbk_buffer_dispose(&reply->body);
}

// app_id and also NULL: the header is not sent.
static const char *ask_with(const dbk_dialect *dialect, const char *authorization, const char *app_name,
                            const char *app_id)
{
    dbk_header headers[2];
    dbk_request request = {
        .method = DBK_TEXT("GET"), .path = DBK_TEXT("/x"), .headers = headers, .send = on_send};
    if (authorization != NULL)
        headers[request.headers_count++] =
            (dbk_header){DBK_TEXT("authorization"), dbk_text_from(authorization)};
    if (app_id != NULL)
        headers[request.headers_count++] = (dbk_header){dbk_text_from(app_name), dbk_text_from(app_id)};
    dbk_call *call = calloc(1, sizeof(*call));
    call->app = app.app;
    call->request = &request;
    call->route = dbk_route_at(0);
    call->dialect = dialect;
    call->now_ms = test_now_ms;
    outcome[0] = challenge[0] = 0;
    if (!dbk_caller_authorise(call))
        return outcome;
    snprintf(outcome, sizeof(outcome), "%.*s %s", (int)call->tenant.length, call->tenant.data,
             call->has_token   ? call->token.claims.subject
             : call->key.id[0] ? "key"
                               : "");
    char passed[1000];
    snprintf(passed, sizeof(passed), "%s", outcome);
    dbk_call_answer_json(call, 200);
    snprintf(outcome, sizeof(outcome), "%s", passed);
    return outcome;
}

static const char *ask(const dbk_dialect *dialect, const char *token, const char *app_id)
{
    static char authorization[DBK_JWT_BYTES_MAX + 100];
    snprintf(authorization, sizeof(authorization), "Bearer %s", token);
    return ask_with(dialect, authorization, "appid", app_id);
}

static int set(const char *tenant, const char *name, const char *value)
{
    char target[128];
    snprintf(target, sizeof(target), "/admin/settings?tenant=%s", tenant);
    dbk_buffer body = {0};
    dbk_out json = dbk_out_init(&body);
    dbk_out_object(&json);
    dbk_out_key(&json, name);
    dbk_out_string(&json, value);
    dbk_out_object_end(&json);
    dbk_buffer_u8(&body, 0);
    int status = test_ask(&app, "PUT", target, true, NULL, (const char *)body.data);
    dbk_buffer_dispose(&body);
    return status;
}

static void set_keys(const char *tenant, const test_issuer *issuer)
{
    const char *key = test_jwk(issuer);
    assert_int_equal(set(tenant, "jwks", test_jwks(&key, 1)), 200);
}

// A token of the issuer that holds for an hour from the test's now.
static const char *fresh(const test_issuer *issuer, const char *more)
{
    char payload[400];
    snprintf(payload, sizeof(payload), "{\"sub\":\"user-1\",\"exp\":%lld%s}",
             (long long)(test_now_ms / 1000 + 3600), more);
    return test_token(issuer, payload);
}

static int setup(void **state)
{
    (void)state;
    for_operators = with_role;
    for_operators.token_role = DBK_ROLE_OPERATOR;
    assert_string_equal(dbk_route_at(0)->scope, "reports:read"); // what stands for every route here
    test_issuer_init(&rsa, DBK_JWT_RS256, "r");
    test_issuer_init(&p256, DBK_JWT_ES256, "e");
    test_issuer_init(&ed25519, DBK_JWT_EDDSA, "d");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_issuer_dispose(&rsa);
    test_issuer_dispose(&p256);
    test_issuer_dispose(&ed25519);
    return 0;
}

static int open_app(void **state)
{
    (void)state;
    test_set_now("2026-04-17T12:00:00Z");
    test_app_open(&app, true);
    set_keys("acme", &rsa);
    set_keys("globex", &p256);
    return 0;
}

static int close_app(void **state)
{
    (void)state;
    test_app_close(&app);
    return 0;
}

static void test_B4_an_app_id_and_a_token_of_its_tenant(void **state)
{
    (void)state;
    assert_string_equal(ask(&with_app, fresh(&rsa, ""), "acme"), "acme user-1");
    assert_string_equal(ask(&with_app, fresh(&p256, ",\"tenant\":\"acme\""), "globex"), "globex user-1");
    char authorization[3000];
    snprintf(authorization, sizeof(authorization), "Bearer %s", fresh(&rsa, ""));
    assert_string_equal(ask_with(&with_app, authorization, "x-app-id", "acme"), "acme user-1");
}

static void test_callers_are_refused_in_the_dialects_words(void **state)
{
    (void)state;
    assert_string_equal(ask_with(&with_app, NULL, NULL, NULL), "401 missing");
    assert_string_equal(challenge, "Bearer");
    assert_string_equal(ask_with(&with_app, "Basic YTpi", "appid", "acme"), "401 missing");
    assert_string_equal(ask_with(&with_app, "Bearer ", "appid", "acme"), "401 missing");
    assert_string_equal(ask(&with_app, fresh(&rsa, ""), NULL), "401 no app");
    assert_string_equal(ask(&with_app, "x", "acme"), "401 refused");
    assert_string_equal(
        challenge, "Bearer error=\"invalid_token\", error_description=\"the token has not three parts\"");
    assert_string_equal(ask(&with_app, fresh(&rsa, ""), "globex"), "401 refused");
    assert_string_equal(
        challenge, "Bearer error=\"invalid_token\", error_description=\"no key is known for the token\"");
    assert_string_equal(ask(&with_app, fresh(&rsa, ""), "nobody"), "401 refused");
    assert_string_equal(ask(&with_app, fresh(&ed25519, ""), "acme"), "401 refused");
    // The kid of one tenant, signed by the other's key.
    test_issuer forged = {.algorithm = DBK_JWT_ES256, .id = "r", .key = p256.key};
    assert_string_equal(ask(&with_app, fresh(&forged, ""), "acme"), "401 refused");
    assert_string_equal(ask(&with_app, fresh(&forged, ""), "globex"), "401 refused");
}

static void test_a_dialect_of_keys_takes_no_token(void **state)
{
    (void)state;
    assert_string_equal(ask(&dbk_dialect_distribu, fresh(&rsa, ",\"role\":\"admin\""), "acme"),
                        "{\"error\":\"Invalid, expired, or revoked API key.\"}");
    assert_string_equal(challenge, "Bearer");
}

static void test_keys_work_where_tokens_do(void **state)
{
    (void)state;
    test_use_key(&app, "acme", "[\"reports:read\"]", "off");
    assert_string_equal(ask(&with_app, app.key, NULL), "acme key");
    assert_string_equal(ask(&with_app, app.key, "acme"), "acme key");
    assert_string_equal(ask(&with_app, app.key, "globex"), "403 other app");
    assert_string_equal(ask(&with_app, app.key, "nobody"), "403 other app");
    assert_string_equal(ask(&with_role, app.key, NULL), "acme key");
    // A tenant that came without any setting is its name.
    test_use_key(&app, "initech", "[\"reports:read\"]", "off");
    assert_string_equal(ask(&with_app, app.key, "initech"), "initech key");
    assert_string_equal(ask(&with_app, app.key, "acme"), "403 other app");
    test_use_key(&app, "acme", "[\"orders:read\"]", "off");
    assert_string_equal(ask(&with_app, app.key, "acme"), "403 needs reports:read");
    assert_string_equal(ask(&with_app, "dk_nonsense", "acme"), "401 refused");
    app.key[0] = 0;
}

static void test_roles_open_routes(void **state)
{
    (void)state;
    const char *admin = ",\"role\":\"admin\"", *operator= ",\"roles\":[\"operator\"]";
    assert_string_equal(ask(&with_role, fresh(&rsa, admin), NULL), "acme user-1");
    assert_string_equal(ask(&for_operators, fresh(&rsa, admin), NULL), "acme user-1");
    assert_string_equal(ask(&with_role, fresh(&rsa, operator), NULL), "403 not an admin");
    assert_string_equal(ask(&for_operators, fresh(&rsa, operator), NULL), "acme user-1");
    assert_string_equal(ask(&with_role, fresh(&rsa, ""), NULL), "403 not an admin");
    assert_string_equal(ask(&for_operators, fresh(&rsa, ""), NULL), "403 not an admin");
    assert_string_equal(ask(&with_app, fresh(&rsa, ""), "acme"), "acme user-1");
}

static void test_without_app_id_the_tenant_is_the_only_one_that_fits(void **state)
{
    (void)state;
    const char *admin = ",\"role\":\"admin\"";
    assert_string_equal(ask(&with_role, fresh(&rsa, admin), NULL), "acme user-1");
    assert_string_equal(ask(&with_role, fresh(&p256, admin), NULL), "globex user-1");
    assert_string_equal(ask(&with_role, fresh(&rsa, admin), "globex"), "401 refused");
    // Another tenant with the same kid: nothing tells them apart but the AppId, or the audience.
    set_keys("initech", &rsa);
    assert_string_equal(ask(&with_role, fresh(&rsa, admin), NULL), "401 refused");
    assert_non_null(strstr(challenge, "several tenants have a key for the token: name one by AppId"));
    assert_string_equal(ask(&with_role, fresh(&rsa, admin), "acme"), "acme user-1");
    assert_string_equal(ask(&with_role, fresh(&rsa, admin), "initech"), "initech user-1");
    assert_int_equal(set("acme", "jwt-audience", "a"), 200);
    assert_int_equal(set("initech", "jwt-audience", "i"), 200);
    assert_string_equal(ask(&with_role, fresh(&rsa, ",\"role\":\"admin\",\"aud\":\"a\""), NULL),
                        "acme user-1");
    assert_string_equal(ask(&with_role, fresh(&rsa, ",\"role\":\"admin\",\"aud\":[\"i\"]"), NULL),
                        "initech user-1");
    assert_string_equal(ask(&with_role, fresh(&rsa, ",\"role\":\"admin\",\"aud\":[\"a\",\"i\"]"), NULL),
                        "401 refused");
    assert_string_equal(ask(&with_role, fresh(&rsa, ",\"role\":\"admin\",\"aud\":\"i\""), "acme"),
                        "401 refused");
    // The selection proves nothing: another key of the same kid is chosen for, and refused.
    test_issuer forged;
    test_issuer_init(&forged, DBK_JWT_RS256, "r");
    assert_string_equal(ask(&with_role, fresh(&forged, ",\"role\":\"admin\",\"aud\":\"a\""), NULL),
                        "401 refused");
    assert_non_null(strstr(challenge, "the token's signature is wrong"));
    test_issuer_dispose(&forged);
}

static void test_changes_hold_from_the_next_request_on(void **state)
{
    (void)state;
    char token[3000];
    snprintf(token, sizeof(token), "%s", fresh(&rsa, ",\"role\":\"admin\""));
    assert_string_equal(ask(&with_role, token, "acme"), "acme user-1");
    assert_int_equal(set("acme", "jwt-audience", "x"), 200);
    assert_string_equal(ask(&with_role, token, "acme"), "401 refused");
    assert_int_equal(set("acme", "jwt-audience", ""), 200);
    assert_string_equal(ask(&with_role, token, "acme"), "acme user-1");
    assert_int_equal(set("acme", "app-id", "shop"), 200);
    assert_string_equal(ask(&with_role, token, "acme"), "401 refused");
    assert_string_equal(ask(&with_role, token, "shop"), "acme user-1");
    set_keys("acme", &ed25519);
    assert_string_equal(ask(&with_role, token, "shop"), "401 refused");
    set_keys("acme", &rsa);
    assert_string_equal(ask(&with_role, token, "shop"), "acme user-1");
    assert_int_equal(set("acme", "jwks", ""), 200);
    assert_string_equal(ask(&with_role, token, "shop"), "401 refused");
    set_keys("acme", &rsa);
    test_app_reopen(&app);
    assert_string_equal(ask(&with_role, token, "shop"), "acme user-1");
    assert_string_equal(ask(&with_role, token, "acme"), "401 refused");
}

static void test_a_token_that_was_verified_still_expires(void **state)
{
    (void)state;
    char token[3000];
    int64_t before = test_now_ms;
    snprintf(token, sizeof(token), "%s", fresh(&rsa, ",\"role\":\"admin\""));
    for (int i = 0; i < 3; i++)
        assert_string_equal(ask(&with_role, token, "acme"), "acme user-1");
    test_now_ms = before + 3600000 + DBK_JWT_LEEWAY_MS - 1;
    assert_string_equal(ask(&with_role, token, "acme"), "acme user-1");
    test_now_ms++;
    assert_string_equal(ask(&with_role, token, "acme"), "401 refused");
    assert_non_null(strstr(challenge, "the token is expired"));
    test_now_ms = before;
    assert_string_equal(ask(&with_role, token, "globex"), "401 refused");
}

static void test_app_ids_are_unique(void **state)
{
    (void)state;
    assert_int_equal(set("acme", "app-id", "globex"), 400); // the name of another
    assert_string_equal(test_value(&app, "error"), "app-id \"globex\" is that of tenant globex");
    assert_int_equal(set("acme", "app-id", "shop"), 200);
    assert_int_equal(set("acme", "app-id", "shop"), 200);
    assert_int_equal(set("globex", "app-id", "shop"), 400);
    assert_int_equal(set("globex", "app-id", "acme"), 200); // acme is not acme's any more
    assert_int_equal(set("acme", "app-id", "acme"), 400);
    assert_int_equal(set("acme", "app-id", "with space"), 400);
    // A name that comes later does not take what was set.
    assert_int_equal(set("initech", "app-id", "later"), 200);
    set_keys("later", &ed25519);
    assert_string_equal(ask(&with_role, fresh(&ed25519, ",\"role\":\"admin\""), "later"), "401 refused");
    assert_string_equal(ask(&with_role, fresh(&p256, ",\"role\":\"admin\""), "acme"), "globex user-1");
}

static void test_a_secret_is_taken_checked_and_not_shown(void **state)
{
    (void)state;
    static const char secret[] = "0123456789abcdef0123456789abcdef";
    char payload[100];
    snprintf(payload, sizeof(payload), "{\"sub\":\"u\",\"role\":\"admin\",\"exp\":%lld}",
             (long long)(test_now_ms / 1000 + 60));
    const char *token = test_hmac_token(secret, 32, "{\"alg\":\"HS256\"}", payload);
    assert_string_equal(ask(&with_role, token, "acme"), "401 refused");
    assert_int_equal(set("acme", "jwt-secret", "short"), 400);
    assert_int_equal(set("acme", "jwt-secret", "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkq"), 400);
    assert_int_equal(set("acme", "jwt-secret", secret), 200);
    assert_string_equal(test_value(&app, "jwt-secret"), "(secret)");
    assert_int_equal(test_ask(&app, "GET", "/admin/settings?tenant=acme", true, NULL, NULL), 200);
    assert_null(memmem(app.body.data, app.body.size, secret, 16));
    assert_int_equal(set("acme", "jwt-secret", "(secret)"), 400); // what is shown is not taken back
    token = test_hmac_token(secret, 32, "{\"alg\":\"HS256\"}", payload);
    assert_string_equal(ask(&with_role, token, "acme"), "acme u");
    assert_string_equal(ask(&with_role, token, NULL), "acme u");
    assert_string_equal(ask(&with_role, token, "globex"), "401 refused");
}

static void test_key_sets_are_checked_before_they_are_stored(void **state)
{
    (void)state;
    assert_int_equal(set("acme", "jwks", "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}"), 400);
    assert_string_equal(test_value(&app, "error"),
                        "jwks: key 1 is a shared secret; the setting jwt-secret is for those");
    assert_string_equal(ask(&with_app, fresh(&rsa, ""), "acme"), "acme user-1");
}

static void test_rates_are_per_bearer(void **state)
{
    (void)state;
    char one[3000], other[3000];
    snprintf(one, sizeof(one), "%s", fresh(&rsa, ""));
    snprintf(other, sizeof(other), "%s", fresh(&rsa, ",\"jti\":\"2\"")); // another token, the same bearer
    for (int i = 0; i < 3; i++)
        assert_string_equal(ask(&with_app, i == 1 ? other : one, "acme"), "acme user-1");
    assert_string_equal(ask(&with_app, other, "acme"), "429 too many");
    char payload[100];
    snprintf(payload, sizeof(payload), "{\"sub\":\"user-2\",\"exp\":%lld}",
             (long long)(test_now_ms / 1000 + 60));
    assert_string_equal(ask(&with_app, test_token(&rsa, payload), "acme"), "acme user-2");
    assert_string_equal(ask(&with_app, fresh(&p256, ""), "globex"), "globex user-1"); // a namesake elsewhere
}

// Readers while settings change: each sees the keys of before or of after, and after the last change only
// those.
static atomic_bool ending;
static char shared_token[3000];

static void *verify_on(void *argument)
{
    int64_t *seen = argument;
    dbk_token token;
    dbk_error err;
    while (!ending) {
        dbk_status status = dbk_tokens_verify(app.app->tokens, DBK_TEXT("acme"), dbk_text_from(shared_token),
                                              test_now_ms, &token, &err);
        assert_true(status == DBK_OK || status == DBK_INVALID);
        if (status == DBK_OK)
            assert_string_equal(token.tenant, "acme");
        seen[status == DBK_OK]++;
    }
    return NULL;
}

static void test_readers_see_keys_change_while_they_verify(void **state)
{
    (void)state;
    enum { READERS = 3, CHANGES = 40 };
    pthread_t readers[READERS];
    int64_t seen[READERS][2] = {0};
    ending = false;
    snprintf(shared_token, sizeof(shared_token), "%s", fresh(&rsa, ""));
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, verify_on, seen[i]), 0);
    for (int i = 0; i < CHANGES; i++) {
        dbk_token token;
        dbk_error err;
        set_keys("acme", i % 2 == 0 ? &p256 : &rsa);
        assert_int_equal(dbk_tokens_verify(app.app->tokens, DBK_TEXT("acme"), dbk_text_from(shared_token),
                                           test_now_ms, &token, &err),
                         i % 2 == 0 ? DBK_INVALID : DBK_OK);
    }
    ending = true;
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
}

#define WITH_APP(test) cmocka_unit_test_setup_teardown(test, open_app, close_app)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_APP(test_B4_an_app_id_and_a_token_of_its_tenant),
        WITH_APP(test_callers_are_refused_in_the_dialects_words),
        WITH_APP(test_a_dialect_of_keys_takes_no_token),
        WITH_APP(test_keys_work_where_tokens_do),
        WITH_APP(test_roles_open_routes),
        WITH_APP(test_without_app_id_the_tenant_is_the_only_one_that_fits),
        WITH_APP(test_changes_hold_from_the_next_request_on),
        WITH_APP(test_a_token_that_was_verified_still_expires),
        WITH_APP(test_app_ids_are_unique),
        WITH_APP(test_a_secret_is_taken_checked_and_not_shown),
        WITH_APP(test_key_sets_are_checked_before_they_are_stored),
        WITH_APP(test_rates_are_per_bearer),
        WITH_APP(test_readers_see_keys_change_while_they_verify),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
