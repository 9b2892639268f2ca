// SPDX-License-Identifier: Apache-2.0
// What a download's address and its Range header may say.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/exports/link.h"
#include "http/exports/range.h"
#include "tests/support/seed.h"

#include <stdio.h>
#include <string.h>

// ---- Ranges ----

static void expect_range(const char *header, uint64_t size, dbk_range_kind kind, uint64_t from, uint64_t to)
{
    uint64_t got_from, got_to;
    dbk_range_kind got = dbk_range_parse(dbk_text_from(header), size, &got_from, &got_to);
    if (got != kind || (kind != DBK_RANGE_NONE && (got_from != from || got_to != to)))
        fail_msg("\"%s\" of %llu gave %d [%llu, %llu)", header, (unsigned long long)size, (int)got,
                 (unsigned long long)got_from, (unsigned long long)got_to);
}

static void test_ranges_that_are_there(void **state)
{
    (void)state;
    expect_range("bytes=0-0", 10, DBK_RANGE_PART, 0, 1);
    expect_range("bytes=0-9", 10, DBK_RANGE_PART, 0, 10);
    expect_range("bytes=3-", 10, DBK_RANGE_PART, 3, 10);
    expect_range("bytes=9-99", 10, DBK_RANGE_PART, 9, 10);
    expect_range("bytes=-3", 10, DBK_RANGE_PART, 7, 10);
    expect_range("bytes=-99", 10, DBK_RANGE_PART, 0, 10);
    expect_range("Bytes= 1-2 ", 10, DBK_RANGE_PART, 1, 3);
    expect_range("bytes=1-99999999999999999999999", 10, DBK_RANGE_PART, 1, 10);
}

static void test_ranges_that_are_not_there(void **state)
{
    (void)state;
    expect_range("bytes=10-", 10, DBK_RANGE_NONE, 0, 0);
    expect_range("bytes=10-20", 10, DBK_RANGE_NONE, 0, 0);
    expect_range("bytes=-0", 10, DBK_RANGE_NONE, 0, 0);
    expect_range("bytes=0-", 0, DBK_RANGE_NONE, 0, 0);
    expect_range("bytes=99999999999999999999999-", 10, DBK_RANGE_NONE, 0, 0);
}

static void test_what_is_no_range_is_ignored(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "",           "bytes",         "bytes=",    "bytes=-",     "lines=1-2",
        "bytes=2-1",  "bytes=1-2,4-5", "bytes=a-b", "bytes=1",     "bytes=1-2x",
        "bytes=+1-2", "bytes=1 -2",    "bytes=--1", "bytes=0x1-2", "1-2"};
    for (size_t i = 0; i < DBK_COUNT(headers); i++)
        expect_range(headers[i], 10, DBK_RANGE_ALL, 0, 10);
}

static void test_any_range_is_within_the_file(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random("ranges");
    static const char alphabet[] = "0123456789-=, bytes";
    for (int i = 0; i < 200000; i++) {
        char text[32] = "bytes=";
        size_t length = 6 + dbk_random_below(&random, 20);
        for (size_t at = 6; at < length; at++)
            text[at] = alphabet[dbk_random_below(&random, i % 2 ? 11 : sizeof(alphabet) - 1)];
        uint64_t size = dbk_random_below(&random, 4) * 50, from, to;
        dbk_range_kind kind = dbk_range_parse((dbk_text){text, (uint32_t)length}, size, &from, &to);
        if (kind == DBK_RANGE_PART)
            assert_true(from < to && to <= size);
        else if (kind == DBK_RANGE_ALL)
            assert_true(from == 0 && to == size);
    }
}

// ---- Addresses ----

static const uint8_t key[DBK_SECRET_KEY_BYTES] = "0123456789abcdef0123456789abcde";
#define PATH DBK_TEXT("/exports/exp_0123456789abcdef/download")

typedef struct parts {
    dbk_text path, tenant, expires, signature;
} parts;

static dbk_text part_of(const char *query, const char *name)
{
    const char *at = strstr(query, name) + strlen(name);
    return (dbk_text){at, (uint32_t)strcspn(at, "&")};
}

// SA13
static void test_an_address_holds_until_it_expires(void **state)
{
    (void)state;
    dbk_buffer out = {0};
    dbk_error err;
    assert_int_equal(dbk_export_link_write(&out, key, PATH, DBK_TEXT("acme"), 1780000000999, &err), DBK_OK);
    dbk_buffer_u8(&out, 0);
    const char *text = (const char *)out.data;
    assert_memory_equal(
        text, "/exports/exp_0123456789abcdef/download?tenant=acme&expires=1780000000&signature=", 79);
    parts p = {PATH, part_of(text, "tenant="), part_of(text, "expires="), part_of(text, "signature=")};
    assert_int_equal(dbk_export_link_check(key, p.path, p.tenant, p.expires, p.signature, 1779999999999),
                     DBK_LINK_GOOD);
    assert_int_equal(dbk_export_link_check(key, p.path, p.tenant, p.expires, p.signature, 1780000000000),
                     DBK_LINK_EXPIRED);
    dbk_buffer_dispose(&out);
}

// The signature is what openssl says it is: printf 'PATH\nacme\n1780000000' | openssl dgst -sha256 -hmac …
static void test_the_signature_is_an_hmac(void **state)
{
    (void)state;
    dbk_buffer out = {0};
    dbk_error err;
    assert_int_equal(dbk_export_link_write(&out, key, PATH, DBK_TEXT("acme"), 1780000000000, &err), DBK_OK);
    dbk_buffer_u8(&out, 0);
    assert_string_equal(part_of((const char *)out.data, "signature=").data,
                        "4ad690eab089596c31a47f1aa91cdfec43f3bd01a09a344b8a3c36a4b280bd83");
    dbk_buffer_dispose(&out);
}

static void test_nothing_of_an_address_can_be_changed(void **state)
{
    (void)state;
    dbk_buffer out = {0};
    dbk_error err;
    assert_int_equal(dbk_export_link_write(&out, key, PATH, DBK_TEXT("acme"), 1780000000000, &err), DBK_OK);
    dbk_buffer_u8(&out, 0);
    char *text = (char *)out.data;
    int64_t now = 1779000000000;
    parts p = {PATH, part_of(text, "tenant="), part_of(text, "expires="), part_of(text, "signature=")};
    uint8_t other[DBK_SECRET_KEY_BYTES] = "x";
    assert_int_equal(dbk_export_link_check(other, p.path, p.tenant, p.expires, p.signature, now),
                     DBK_LINK_FORGED);
    assert_int_equal(dbk_export_link_check(key, DBK_TEXT("/exports/exp_0123456789abcdee/download"), p.tenant,
                                           p.expires, p.signature, now),
                     DBK_LINK_FORGED);
    assert_int_equal(dbk_export_link_check(key, p.path, DBK_TEXT("acmf"), p.expires, p.signature, now),
                     DBK_LINK_FORGED);
    static const char *const expiries[] = {"",   "1780000001",         "01780000000", "1780000000 ",
                                           "-1", "9999999999999999999"};
    for (size_t i = 0; i < DBK_COUNT(expiries); i++)
        assert_int_equal(
            dbk_export_link_check(key, p.path, p.tenant, dbk_text_from(expiries[i]), p.signature, now),
            DBK_LINK_FORGED);
    char *signature = text + (p.signature.data - text);
    for (uint32_t i = 0; i < p.signature.length; i++) {
        signature[i] ^= 1;
        assert_int_equal(dbk_export_link_check(key, p.path, p.tenant, p.expires, p.signature, now),
                         DBK_LINK_FORGED);
        signature[i] ^= 1;
    }
    for (uint32_t length = 0; length < p.signature.length; length++)
        assert_int_equal(dbk_export_link_check(key, p.path, p.tenant, p.expires,
                                               (dbk_text){p.signature.data, length}, now),
                         DBK_LINK_FORGED);
    assert_int_equal(dbk_export_link_check(key, p.path, p.tenant, p.expires, p.signature, now),
                     DBK_LINK_GOOD);
    dbk_buffer_dispose(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges_that_are_there),
        cmocka_unit_test(test_ranges_that_are_not_there),
        cmocka_unit_test(test_what_is_no_range_is_ignored),
        cmocka_unit_test(test_any_range_is_within_the_file),
        cmocka_unit_test(test_an_address_holds_until_it_expires),
        cmocka_unit_test(test_the_signature_is_an_hmac),
        cmocka_unit_test(test_nothing_of_an_address_can_be_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
