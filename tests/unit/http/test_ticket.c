// SPDX-License-Identifier: Apache-2.0
// Tickets and the secret beneath them (PA13): what a ticket stands for, that nothing of it can be changed,
// and that signatures of one purpose or tenant are not another's.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/auth/base64url.h"
#include "http/auth/secret.h"
#include "http/auth/ticket.h"
#include "tests/support/app_client.h"
#include "tests/support/seed.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static test_app app;
static dbk_error err;
static const int64_t now_ms = 1776000000000;

static int open_app(void **state)
{
    (void)state;
    test_app_open(&app, false);
    return 0;
}

static int close_app(void **state)
{
    (void)state;
    test_app_close(&app);
    return 0;
}

static dbk_status verify_bytes(const char *text, size_t length, int64_t at_ms, dbk_ticket *out)
{
    dbk_status status = dbk_ticket_verify(app.store, (dbk_text){text, (uint32_t)length}, at_ms, out, &err);
    assert_true(status == DBK_OK || status == DBK_INVALID);
    return status;
}

static dbk_status verify(const char *text, int64_t at_ms, dbk_ticket *out)
{
    return verify_bytes(text, strlen(text), at_ms, out);
}

static void issue(const char *tenant, dbk_role role, char out[DBK_TICKET_TEXT_MAX])
{
    dbk_ticket ticket = {.role = role, .expires_ms = now_ms + 1000};
    snprintf(ticket.tenant, sizeof(ticket.tenant), "%s", tenant);
    snprintf(ticket.id, sizeof(ticket.id), "key_%s", tenant);
    assert_int_equal(dbk_ticket_issue(app.store, &ticket, out, &err), DBK_OK);
}

static void test_PA13_a_ticket_stands_for_tenant_and_role_until_it_expires(void **state)
{
    (void)state;
    char text[DBK_TICKET_TEXT_MAX], longest[DBK_TENANT_NAME_MAX + 1];
    dbk_ticket got;
    issue("acme", DBK_ROLE_OPERATOR, text);
    assert_int_equal(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
                     strlen(text));
    assert_int_equal(verify(text, now_ms, &got), DBK_OK);
    assert_string_equal(got.tenant, "acme");
    assert_string_equal(got.id, "key_acme");
    assert_int_equal(got.role, DBK_ROLE_OPERATOR);
    assert_int_equal(verify(text, now_ms + 999, &got), DBK_OK);
    assert_int_equal(verify(text, now_ms + 1000, &got), DBK_INVALID);
    assert_string_equal(err.message, "the ticket is expired");
    // It holds after a restart, and names of any length fit.
    test_app_reopen(&app);
    assert_int_equal(verify(text, now_ms, &got), DBK_OK);
    dbk_ticket wide = {.role = DBK_ROLE_ADMIN, .expires_ms = now_ms + 1};
    memset(longest, 't', sizeof(longest) - 1);
    longest[DBK_TENANT_NAME_MAX] = 0;
    memcpy(wide.tenant, longest, sizeof(longest));
    memset(wide.id, 'i', DBK_TICKET_ID_MAX);
    assert_int_equal(dbk_ticket_issue(app.store, &wide, text, &err), DBK_OK);
    assert_int_equal(verify(text, now_ms, &got), DBK_OK);
    assert_string_equal(got.tenant, longest);
}

static void test_no_byte_of_a_ticket_can_be_changed(void **state)
{
    (void)state;
    char text[DBK_TICKET_TEXT_MAX], changed[DBK_TICKET_TEXT_MAX + 1];
    uint8_t bytes[DBK_TICKET_TEXT_MAX];
    dbk_ticket got;
    issue("acme", DBK_ROLE_OPERATOR, text);
    size_t size = dbk_base64url_decoded_size(strlen(text));
    assert_true(dbk_base64url_decode(dbk_text_from(text), bytes));
    for (size_t bit = 0; bit < size * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        dbk_base64url_encode(bytes, size, changed);
        assert_int_equal(verify(changed, now_ms, &got), DBK_INVALID);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t length = 0; length < strlen(text); length++)
        assert_int_equal(verify_bytes(text, length, now_ms, &got), DBK_INVALID);
    snprintf(changed, sizeof(changed), "%sA", text);
    assert_int_equal(verify(changed, now_ms, &got), DBK_INVALID);
}

static void test_bytes_from_anywhere_are_no_ticket(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random(__func__);
    char text[DBK_TICKET_TEXT_MAX];
    uint8_t bytes[200];
    dbk_ticket got;
    issue("acme", DBK_ROLE_ADMIN, text);
    for (int round = 0; round < 20000; round++) {
        size_t size = dbk_random_below(&random, 180);
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)(dbk_random_below(&random, 3) ? dbk_random_u64(&random) : 0);
        if (size > 0)
            bytes[0] = 1;
        dbk_base64url_encode(bytes, size, text);
        assert_int_equal(verify(text, now_ms, &got), DBK_INVALID);
    }
}

static void test_a_tenants_ticket_is_no_others(void **state)
{
    (void)state;
    char text[DBK_TICKET_TEXT_MAX], changed[DBK_TICKET_TEXT_MAX];
    uint8_t bytes[DBK_TICKET_TEXT_MAX];
    dbk_ticket got;
    issue("aaaa", DBK_ROLE_ADMIN, text);
    issue("bbbb", DBK_ROLE_ADMIN, changed);
    assert_true(dbk_base64url_decode(dbk_text_from(text), bytes));
    size_t size = dbk_base64url_decoded_size(strlen(text));
    char *name = memmem(bytes, size, "aaaa", 4);
    assert_non_null(name);
    memcpy(name, "bbbb", 4);
    dbk_base64url_encode(bytes, size, changed);
    assert_int_equal(verify(changed, now_ms, &got), DBK_INVALID);
    memcpy(name, "cccc", 4); // a tenant that is none: nothing is made for it
    dbk_base64url_encode(bytes, size, changed);
    assert_int_equal(verify(changed, now_ms, &got), DBK_INVALID);
    uint8_t key[DBK_SECRET_KEY_BYTES];
    assert_int_equal(dbk_secret_verifying_key(app.store, DBK_TEXT("cccc"), "ticket", key, &err),
                     DBK_NOT_FOUND);
}

typedef struct maker {
    pthread_t thread;
    uint8_t key[DBK_SECRET_KEY_BYTES];
    dbk_status status;
} maker;

static void *make_key(void *argument)
{
    maker *m = argument;
    dbk_error unused;
    m->status = dbk_secret_signing_key(app.store, DBK_TEXT("acme"), "export", m->key, &unused);
    return NULL;
}

static void test_a_secret_is_made_once_and_keys_differ_by_purpose_and_tenant(void **state)
{
    (void)state;
    enum { MAKERS = 8 };
    maker makers[MAKERS];
    uint8_t key[DBK_SECRET_KEY_BYTES];
    assert_int_equal(dbk_secret_verifying_key(app.store, DBK_TEXT("acme"), "export", key, &err),
                     DBK_NOT_FOUND);
    for (int i = 0; i < MAKERS; i++)
        assert_int_equal(pthread_create(&makers[i].thread, NULL, make_key, &makers[i]), 0);
    for (int i = 0; i < MAKERS; i++)
        pthread_join(makers[i].thread, NULL);
    assert_int_equal(dbk_secret_verifying_key(app.store, DBK_TEXT("acme"), "export", key, &err), DBK_OK);
    for (int i = 0; i < MAKERS; i++) {
        assert_int_equal(makers[i].status, DBK_OK);
        assert_memory_equal(makers[i].key, key, sizeof(key));
    }
    uint8_t other[DBK_SECRET_KEY_BYTES];
    assert_int_equal(dbk_secret_signing_key(app.store, DBK_TEXT("acme"), "ticket", other, &err), DBK_OK);
    assert_memory_not_equal(key, other, sizeof(key));
    assert_int_equal(dbk_secret_signing_key(app.store, DBK_TEXT("globex"), "export", other, &err), DBK_OK);
    assert_memory_not_equal(key, other, sizeof(key));
}

static void test_taking_the_secret_away_ends_what_was_signed(void **state)
{
    (void)state;
    char text[DBK_TICKET_TEXT_MAX];
    dbk_ticket got;
    static const char target[] = "/admin/settings?tenant=acme";
    issue("acme", DBK_ROLE_ADMIN, text);
    assert_int_equal(test_ask(&app, "GET", target, true, NULL, NULL), 200);
    assert_string_equal(test_value(&app, "signing-secret"), "(secret)");
    assert_int_equal(test_ask(&app, "PUT", target, true, NULL, "{\"signing-secret\":\"mine\"}"), 400);
    assert_int_equal(verify(text, now_ms, &got), DBK_OK);
    assert_int_equal(test_ask(&app, "PUT", target, true, NULL, "{\"signing-secret\":null}"), 200);
    assert_int_equal(verify(text, now_ms, &got), DBK_INVALID);
    issue("acme", DBK_ROLE_ADMIN, text);
    assert_int_equal(verify(text, now_ms, &got), DBK_OK);
}

#define WITH_APP(test) cmocka_unit_test_setup_teardown(test, open_app, close_app)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_APP(test_PA13_a_ticket_stands_for_tenant_and_role_until_it_expires),
        WITH_APP(test_no_byte_of_a_ticket_can_be_changed),
        WITH_APP(test_bytes_from_anywhere_are_no_ticket),
        WITH_APP(test_a_tenants_ticket_is_no_others),
        WITH_APP(test_a_secret_is_made_once_and_keys_differ_by_purpose_and_tenant),
        WITH_APP(test_taking_the_secret_away_ends_what_was_signed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
