// SPDX-License-Identifier: Apache-2.0
// Tokens against the vectors of RFC 7515 and the key of RFC 8037, and what else is accepted.
#include "http/auth/base64url.h"
#include "tests/unit/http/jwt_world.h"

#include <openssl/pem.h>
#include <stdio.h>

// ---- Vectors ----

#define RFC7515_PAYLOAD                                                                                      \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
static const int64_t rfc7515_ms = 1300819380000 - 1;

static void expect_vector(const char *key, const char *token)
{
    dbk_jwks *keys = parse_set(&key, 1);
    dbk_trust by = {.keys = keys};
    assert_true(verifies_at(&by, token, rfc7515_ms));
    assert_int_equal(claims.expires_ms, 1300819380000);
    // One bit of the payload (its 'j' of "joe") makes it another.
    char changed[1024];
    snprintf(changed, sizeof(changed), "%s", token);
    char *payload = strchr(changed, '.') + 1;
    payload[11] = payload[11] == 'J' ? 'K' : 'J';
    assert_false(verifies_at(&by, changed, rfc7515_ms));
    dbk_jwks_destroy(keys);
}

static void test_RFC7515_A1_HS256(void **state)
{
    (void)state;
    uint8_t secret[64];
    dbk_text text =
        DBK_TEXT("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
    assert_int_equal(dbk_base64url_decoded_size(text.length), sizeof(secret));
    assert_true(dbk_base64url_decode(text, secret));
    dbk_trust by = {.secret = {(const char *)secret, sizeof(secret)}};
    const char token[] = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." RFC7515_PAYLOAD
                         ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    assert_true(verifies_at(&by, token, rfc7515_ms));
    assert_false(verifies_at(&by, token, now_ms));
    assert_string_equal(err.message, "the token is expired");
}

static void test_RFC7515_A2_RS256(void **state)
{
    (void)state;
    expect_vector("{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_"
                  "wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw"
                  "-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_"
                  "7OMg0LOL-bSf63kpaSH"
                  "SXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_"
                  "I5IhlJH7aGhyxXFvUK"
                  "-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\"}",
                  "eyJhbGciOiJSUzI1NiJ9." RFC7515_PAYLOAD
                  ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
                  "O8W2Fp5jujGbds9uJdb"
                  "F9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_"
                  "nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383Lc"
                  "OLn6_dO--xi12jzDwusC-"
                  "eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVm"
                  "tVrBp0igcN_IoypGlUPQGe77Rw");
}

static void test_RFC7515_A3_ES256(void **state)
{
    (void)state;
    expect_vector("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
                  "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
                  "eyJhbGciOiJFUzI1NiJ9." RFC7515_PAYLOAD
                  ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q");
}

// Its own example signs a text that is no JSON; the same key over a token, signed by node's crypto.
static void test_RFC8037_A1_EdDSA(void **state)
{
    (void)state;
    expect_vector(
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
        "eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJqb2UiLCJleHAiOjEzMDA4MTkzODB9."
        "QJzJecKs27DYlOI8iOIpZ_lPlRkanJJe0StuTJhUjPpobhtnPThTlvGHvXUdOeaPneTDsJPj3RI_aCGkC_4tCg");
}

// ---- What is accepted ----

static void test_each_algorithm_is_verified_with_its_key(void **state)
{
    (void)state;
    const test_issuer *issuers[] = {&rsa, &p256, &ed25519};
    for (int i = 0; i < 3; i++) {
        assert_true(verifies(test_token(issuers[i], fresh)));
        assert_string_equal(claims.subject, "user-1");
        assert_int_equal(claims.role, DBK_ROLE_NONE);
        assert_int_equal(claims.expires_ms, 1776003600000);
        assert_true(claims.not_before_ms == DBK_NULL);
    }
}

static void test_roles_are_read_from_role_roles_and_scope(void **state)
{
    (void)state;
    const struct {
        const char *claim;
        dbk_role role;
    } cases[] = {
        {"\"role\":\"admin\"", DBK_ROLE_ADMIN},
        {"\"role\":\"operator\"", DBK_ROLE_OPERATOR},
        {"\"role\":\"Admin\"", DBK_ROLE_NONE},
        {"\"role\":\"administrator\"", DBK_ROLE_NONE},
        {"\"role\":\"operator admin\"", DBK_ROLE_NONE},
        {"\"roles\":[\"operator\",\"admin\"]", DBK_ROLE_ADMIN},
        {"\"roles\":[[\"admin\"],{\"x\":\"admin\"},7]", DBK_ROLE_NONE},
        {"\"roles\":\"operator\"", DBK_ROLE_OPERATOR},
        {"\"scope\":\"openid operator profile\"", DBK_ROLE_OPERATOR},
        {"\"scope\":\" admin\"", DBK_ROLE_ADMIN},
        {"\"scope\":\"admin:read\"", DBK_ROLE_NONE},
        {"\"scope\":\"\"", DBK_ROLE_NONE},
        {"\"role\":\"operator\",\"scope\":\"admin\"", DBK_ROLE_ADMIN},
        {"\"user\":{\"role\":\"admin\"}", DBK_ROLE_NONE},
        {"\"role\":true", DBK_ROLE_NONE},
        {"\"role\":\"\\u0061dmin\"", DBK_ROLE_ADMIN}, // the same string, written another way
    };
    for (size_t i = 0; i < DBK_COUNT(cases); i++) {
        char payload[200];
        snprintf(payload, sizeof(payload), "{" FRESH ",%s}", cases[i].claim);
        assert_true(verifies(test_token(&ed25519, payload)));
        assert_int_equal(claims.role, cases[i].role);
    }
}

static void test_without_kid_the_only_key_of_the_algorithm_is_meant(void **state)
{
    (void)state;
    assert_true(verifies(test_signed(&rsa, "{\"alg\":\"RS256\"}", fresh)));
    test_issuer second;
    test_issuer_init(&second, DBK_JWT_ES256, "e2");
    const char *keys[] = {test_jwk(&p256), test_jwk(&second)};
    dbk_jwks *two = parse_set(keys, 2);
    dbk_trust by = {.keys = two};
    assert_false(verifies_at(&by, test_signed(&p256, "{\"alg\":\"ES256\"}", fresh), now_ms));
    assert_string_equal(err.message, no_key);
    assert_true(verifies_at(&by, test_token(&p256, fresh), now_ms));
    assert_true(verifies_at(&by, test_token(&second, fresh), now_ms));
    dbk_jwks_destroy(two);
    test_issuer_dispose(&second);
}

// ---- Times and audience ----

static void test_times_have_a_leeway_and_no_more(void **state)
{
    (void)state;
    const char *token = test_token(&ed25519, "{\"exp\":1776000000,\"nbf\":1775999000}");
    int64_t exp = 1776000000000, nbf = 1775999000000;
    assert_true(verifies_at(&trust, token, exp + DBK_JWT_LEEWAY_MS - 1));
    assert_false(verifies_at(&trust, token, exp + DBK_JWT_LEEWAY_MS));
    assert_string_equal(err.message, "the token is expired");
    assert_true(verifies_at(&trust, token, nbf - DBK_JWT_LEEWAY_MS));
    assert_false(verifies_at(&trust, token, nbf - DBK_JWT_LEEWAY_MS - 1));
    assert_string_equal(err.message, "the token is not valid yet");
    expect_refused(test_token(&ed25519, "{\"sub\":\"a\"}"), "the token has no exp");
    assert_true(verifies(test_token(&ed25519, "{\"exp\":1776003600.75}")));
    static const char *const no_times[] = {"\"1776003600\"", "-1",   "1e12",           "1.7e9",
                                           "null",           "true", "17760036000000", "[1776003600]"};
    for (size_t i = 0; i < DBK_COUNT(no_times); i++) {
        char payload[100];
        snprintf(payload, sizeof(payload), "{\"exp\":%s}", no_times[i]);
        expect_refused(test_token(&ed25519, payload), "the token's exp or nbf is no time");
        snprintf(payload, sizeof(payload), "{" FRESH ",\"nbf\":%s}", no_times[i]);
        expect_refused(test_token(&ed25519, payload), "the token's exp or nbf is no time");
    }
}

static void test_the_audience_must_be_named_where_one_is_asked_for(void **state)
{
    (void)state;
    dbk_trust by = trust;
    by.audience = DBK_TEXT("daybook");
    const struct {
        const char *claim;
        bool passes;
    } cases[] = {{"\"aud\":\"daybook\"", true},
                 {"\"aud\":[\"x\",\"daybook\"]", true},
                 {"\"aud\":\"daybook2\"", false},
                 {"\"aud\":\"Daybook\"", false},
                 {"\"aud\":[]", false},
                 {"\"aud\":{\"daybook\":1}", false},
                 {"\"aud\":\"x daybook\"", false},
                 {"\"iss\":\"daybook\"", false}};
    for (size_t i = 0; i < DBK_COUNT(cases); i++) {
        char payload[100];
        snprintf(payload, sizeof(payload), "{" FRESH ",%s}", cases[i].claim);
        assert_int_equal(verifies_at(&by, test_token(&ed25519, payload), now_ms), cases[i].passes);
        if (!cases[i].passes)
            assert_string_equal(err.message, "the token is for another audience");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_RFC7515_A1_HS256),
        cmocka_unit_test(test_RFC7515_A2_RS256),
        cmocka_unit_test(test_RFC7515_A3_ES256),
        cmocka_unit_test(test_RFC8037_A1_EdDSA),
        cmocka_unit_test(test_each_algorithm_is_verified_with_its_key),
        cmocka_unit_test(test_roles_are_read_from_role_roles_and_scope),
        cmocka_unit_test(test_without_kid_the_only_key_of_the_algorithm_is_meant),
        cmocka_unit_test(test_times_have_a_leeway_and_no_more),
        cmocka_unit_test(test_the_audience_must_be_named_where_one_is_asked_for),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
