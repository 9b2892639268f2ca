// SPDX-License-Identifier: Apache-2.0
// Key sets: which are taken, which are refused and what is said about them; base64url beneath them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/auth/base64url.h"
#include "tests/support/jwt_maker.h"
#include "tests/support/seed.h"

#include <stdio.h>
#include <string.h>

static dbk_error err;

static dbk_status parse(const char *json, dbk_jwks **out)
{
    *out = NULL;
    err.message[0] = 0;
    return dbk_jwks_parse(out, dbk_text_from(json), &err);
}

static void expect_refused(const char *json, const char *message)
{
    dbk_jwks *set;
    assert_int_equal(parse(json, &set), DBK_INVALID);
    assert_string_equal(err.message, message);
}

#define P256_X     "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define P256_Y     "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define P256(more) "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" P256_X "\",\"y\":\"" P256_Y "\"" more "}"
#define ED_X       "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define ED(more)   "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" ED_X "\"" more "}"
#define SET(keys)  "{\"keys\":[" keys "]}"

static void test_keys_are_found_by_kid_and_algorithm(void **state)
{
    (void)state;
    dbk_jwks *set;
    const dbk_text none = {NULL, 0};
    assert_int_equal(parse(SET(P256(",\"kid\":\"a\",\"alg\":\"ES256\",\"use\":\"sig\"") "," ED(
                               ",\"kid\":\"b\",\"key_ops\":[\"verify\"]") "," ED(",\"kid\":\"c\"")),
                           &set),
                     DBK_OK);
    assert_int_equal(dbk_jwks_find(set, DBK_TEXT("a"), DBK_JWT_ES256)->algorithm, DBK_JWT_ES256);
    assert_non_null(dbk_jwks_find(set, DBK_TEXT("b"), DBK_JWT_EDDSA));
    assert_null(dbk_jwks_find(set, DBK_TEXT("a"), DBK_JWT_EDDSA));
    assert_null(dbk_jwks_find(set, DBK_TEXT("a"), DBK_JWT_HS256));
    assert_null(dbk_jwks_find(set, DBK_TEXT("x"), DBK_JWT_ES256));
    assert_non_null(dbk_jwks_find(set, none, DBK_JWT_ES256));
    assert_null(dbk_jwks_find(set, none, DBK_JWT_EDDSA)); // two of them
    assert_null(dbk_jwks_find(set, none, DBK_JWT_RS256));
    dbk_jwks_destroy(set);
}

static void test_keys_that_are_not_for_signatures_are_passed_over(void **state)
{
    (void)state;
    dbk_jwks *set;
    assert_int_equal(
        parse(SET("{\"kty\":\"RSA\",\"use\":\"enc\",\"alg\":\"RSA-OAEP\",\"n\":\"AQAB\",\"e\":\"AQAB\"},"
                  "{\"kty\":\"EC\",\"crv\":\"P-521\",\"key_ops\":[\"deriveKey\"]}," ED("")),
              &set),
        DBK_OK);
    assert_non_null(dbk_jwks_find(set, (dbk_text){NULL, 0}, DBK_JWT_EDDSA));
    dbk_jwks_destroy(set);
    expect_refused(SET("{\"kty\":\"RSA\",\"use\":\"enc\"}"), "jwks: there is no key for signatures in it");
    expect_refused(SET(""), "jwks: there is no key for signatures in it");
}

static void test_a_set_with_a_key_that_cannot_be_used_is_refused(void **state)
{
    (void)state;
    const struct {
        const char *json, *message;
    } cases[] = {
        {"", "jwks: it is not JSON at line 1, column 1: a value is missing"},
        {"[]", "jwks: it must be an object with a list \"keys\""},
        {"{\"keys\":{}}", "jwks: it must be an object with a list \"keys\""},
        {SET("7"), "jwks: key 1 is not an object"},
        {SET(ED("") ",{}"), "jwks: key 2 is none of RSA, EC with curve P-256, OKP with curve Ed25519"},
        {SET("{\"kty\":\"EC\",\"crv\":\"P-384\"}"),
         "jwks: key 1 is none of RSA, EC with curve P-256, OKP with curve Ed25519"},
        {SET("{\"kty\":\"OKP\",\"crv\":\"X25519\"}"),
         "jwks: key 1 is none of RSA, EC with curve P-256, OKP with curve Ed25519"},
        {SET("{\"kty\":\"oct\",\"k\":\"AAAA\"}"),
         "jwks: key 1 is a shared secret; the setting jwt-secret is for those"},
        {SET(ED(",\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\"")),
         "jwks: key 1 is a private key; only its public half belongs here"},
        {SET(ED(",\"kid\":\"a\"") "," P256(",\"kid\":\"a\"")), "jwks: key 2 has the \"kid\" of another key"},
        {SET(ED(",\"kid\":\"\"")), "jwks: key 1 has a \"kid\" that is not a string of 1 to 256 bytes"},
        {SET(ED(",\"kid\":1")), "jwks: key 1 has a \"kid\" that is not a string of 1 to 256 bytes"},
        {SET(ED(",\"alg\":\"RS256\"")),
         "jwks: key 1 says another \"alg\" than EdDSA, the one for such keys here"},
        {SET(P256(",\"alg\":\"none\"")),
         "jwks: key 1 says another \"alg\" than ES256, the one for such keys here"},
        {SET(P256(",\"alg\":7")), "jwks: key 1 says another \"alg\" than ES256, the one for such keys here"},
        {SET("{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}"), "jwks: key 1 has no \"x\""},
        {SET("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}"),
         "jwks: key 1 has an \"x\" that is not 32 bytes"},
        {SET("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" ED_X "=\"}"),
         "jwks: key 1 has a \"x\" that is not base64url without padding"},
        {SET("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" P256_X "\",\"y\":\"" P256_X "\"}"),
         "jwks: key 1 is no point of the curve P-256"},
        {SET("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"" P256_Y "\"}"),
         "jwks: key 1 has coordinates that are not 32 bytes each"},
        {SET("{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}"),
         "jwks: key 1 is an RSA key of 17 bits; it must have at least 2048"},
        {SET("{\"kty\":\"RSA\",\"e\":\"AQAB\"}"), "jwks: key 1 has no \"n\""},
    };
    for (size_t i = 0; i < DBK_COUNT(cases); i++)
        expect_refused(cases[i].json, cases[i].message);
}

static void test_weak_RSA_keys_are_refused(void **state)
{
    (void)state;
    uint8_t number[2000];
    char json[8000];
    const struct {
        size_t size;
        const char *exponent, *message;
    } cases[] = {
        {255, "AQAB", "jwks: key 1 is an RSA key of 2040 bits; it must have at least 2048"},
        {1025, "AQAB", "jwks: key 1 is an RSA key of more than 8192 bits"},
        {256, "AQ", "jwks: key 1 has an RSA exponent that cannot be; 65537 (\"AQAB\") is usual"},
        {256, "AA", "jwks: key 1 has an RSA exponent that cannot be; 65537 (\"AQAB\") is usual"},
        {256, "Ag", "jwks: key 1 has an RSA exponent that cannot be; 65537 (\"AQAB\") is usual"},
        {256, "AQAAAAAAAAAB", "jwks: key 1 has an RSA exponent that cannot be; 65537 (\"AQAB\") is usual"},
    };
    memset(number, 0xff, sizeof(number));
    for (size_t i = 0; i < DBK_COUNT(cases); i++) {
        snprintf(json, sizeof(json), SET("{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"}"),
                 test_base64url(number, cases[i].size), cases[i].exponent);
        expect_refused(json, cases[i].message);
    }
    number[255] = 0xfe; // an even modulus is none
    snprintf(json, sizeof(json), SET("{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQAB\"}"),
             test_base64url(number, 256));
    expect_refused(json, "jwks: key 1 is no RSA public key");
}

static void test_sets_are_bounded(void **state)
{
    (void)state;
    static char json[100000];
    size_t used = (size_t)snprintf(json, sizeof(json), "{\"keys\":[");
    for (int i = 0; i < 65; i++)
        used += (size_t)snprintf(json + used, sizeof(json) - used, "%s" ED(",\"kid\":\"k%d\""),
                                 i > 0 ? "," : "", i);
    snprintf(json + used, sizeof(json) - used, "]}");
    expect_refused(json, "jwks: it has more than 64 keys");
    memset(json, ' ', 70000);
    json[70000] = 0;
    expect_refused(json, "jwks: it is larger than 65536 bytes");
}

static void test_base64url_is_one_text_for_the_same_bytes(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random(__func__);
    for (int round = 0; round < 2000; round++) {
        uint8_t bytes[64], back[64];
        char text[96], other[96];
        size_t size = dbk_random_below(&random, sizeof(bytes));
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)dbk_random_u64(&random);
        dbk_base64url_encode(bytes, size, text);
        assert_int_equal(strlen(text), DBK_BASE64URL_LENGTH(size));
        assert_int_equal(dbk_base64url_decoded_size(strlen(text)), size);
        assert_true(dbk_base64url_decode(dbk_text_from(text), back));
        assert_memory_equal(bytes, back, size);
        if (size == 0)
            continue;
        // Another character anywhere is another text: other bytes, or none at all.
        snprintf(other, sizeof(other), "%s", text);
        char *place = &other[dbk_random_below(&random, strlen(text))];
        char before = *place;
        *place = (char)(1 + dbk_random_below(&random, 255));
        if (*place != before && dbk_base64url_decode(dbk_text_from(other), back))
            assert_memory_not_equal(bytes, back, size);
    }
    uint8_t out[8];
    static const char *const wrong[] = {
        "A", "AAAAA", "AB", "AAB", "AA=", "AA==", "A+AA", "A/AA", "AA\n", " AAA"};
    for (size_t i = 0; i < DBK_COUNT(wrong); i++)
        assert_false(dbk_base64url_decode(dbk_text_from(wrong[i]), out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_are_found_by_kid_and_algorithm),
        cmocka_unit_test(test_keys_that_are_not_for_signatures_are_passed_over),
        cmocka_unit_test(test_a_set_with_a_key_that_cannot_be_used_is_refused),
        cmocka_unit_test(test_weak_RSA_keys_are_refused),
        cmocka_unit_test(test_sets_are_bounded),
        cmocka_unit_test(test_base64url_is_one_text_for_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
