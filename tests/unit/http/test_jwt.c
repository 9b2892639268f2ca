// SPDX-License-Identifier: Apache-2.0
// Tokens against the vectors of RFC 7515 and the key of RFC 8037, and against what attackers try: every way
// to choose the algorithm, the key or the moment for us.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/auth/base64url.h"
#include "http/auth/jwt.h"
#include "tests/support/jwt_maker.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The moment of every test, and a payload that holds for an hour.
static const int64_t now_ms = 1776000000000;
#define FRESH "\"exp\":1776003600"
static const char fresh[] = "{\"sub\":\"user-1\"," FRESH "}";
static const char secret_text[] = "an-example-secret-of-more-than-32-bytes";

static test_issuer rsa, p256, ed25519;
static dbk_jwks *set;
static dbk_trust trust;
static dbk_error err;
static dbk_claims claims;

static dbk_jwks *parse_set(const char *const *keys, int count)
{
    dbk_jwks *out = NULL;
    assert_int_equal(dbk_jwks_parse(&out, dbk_text_from(test_jwks(keys, count)), &err), DBK_OK);
    return out;
}

static int setup(void **state)
{
    (void)state;
    test_issuer_init(&rsa, DBK_JWT_RS256, "r");
    test_issuer_init(&p256, DBK_JWT_ES256, "e");
    test_issuer_init(&ed25519, DBK_JWT_EDDSA, "d");
    const char *keys[] = {test_jwk(&rsa), test_jwk(&p256), test_jwk(&ed25519)};
    set = parse_set(keys, 3);
    trust = (dbk_trust){.keys = set};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dbk_jwks_destroy(set);
    test_issuer_dispose(&rsa);
    test_issuer_dispose(&p256);
    test_issuer_dispose(&ed25519);
    return 0;
}

static bool verifies_at(const dbk_trust *by, const char *token, int64_t at_ms)
{
    dbk_jwt jwt;
    err.message[0] = 0;
    memset(&claims, 0, sizeof(claims));
    // In memory of its own size, so that a read behind its end is one.
    size_t length = strlen(token);
    char *copy = malloc(length + 1);
    memcpy(copy, token, length);
    dbk_status status = dbk_jwt_read(&jwt, (dbk_text){copy, (uint32_t)length}, &err);
    if (status == DBK_OK) {
        bool is_for = dbk_jwt_is_for(&jwt, by);
        status = dbk_jwt_verify(&jwt, by, at_ms, &claims, &err);
        if (status == DBK_OK)
            assert_true(is_for); // what verifies would also have been chosen
        dbk_jwt_dispose(&jwt);
    }
    free(copy);
    assert_true(status == DBK_OK || status == DBK_INVALID);
    assert_true(status == DBK_OK || err.message[0] != 0);
    return status == DBK_OK;
}

static bool verifies(const char *token)
{
    return verifies_at(&trust, token, now_ms);
}

#define expect_refused(token, reason)                                                                        \
    do {                                                                                                     \
        assert_false(verifies(token));                                                                       \
        assert_string_equal(err.message, reason);                                                            \
    } while (0)

static const char no_key[] = "no key is known for the token";
static const char bad_signature[] = "the token's signature is wrong";
static const char bad_algorithm[] = "the token's algorithm is not accepted";

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

// ---- Attacks ----

static void test_none_is_no_algorithm(void **state)
{
    (void)state;
    static const char *const spellings[] = {"\"none\"",       "\"None\"", "\"NONE\"",   "\"nOnE\"",
                                            "\"\"",           "null",     "[\"none\"]", "\"none \"",
                                            "\"n\\u006fne\"", "{}",       "0"};
    for (size_t i = 0; i < DBK_COUNT(spellings); i++) {
        char header[100];
        snprintf(header, sizeof(header), "{\"alg\":%s}", spellings[i]);
        expect_refused(test_token_of(header, fresh, "", 0), bad_algorithm);
        expect_refused(test_signed(&rsa, header, fresh), bad_algorithm);
    }
    expect_refused(test_token_of("{\"typ\":\"JWT\"}", fresh, "", 0), bad_algorithm);
    // A right algorithm without a signature.
    expect_refused(test_token_of("{\"alg\":\"RS256\",\"kid\":\"r\"}", fresh, "", 0), bad_signature);
    expect_refused(test_token_of("{\"alg\":\"ES256\",\"kid\":\"e\"}", fresh, "", 0), bad_signature);
    expect_refused(test_token_of("{\"alg\":\"EdDSA\",\"kid\":\"d\"}", fresh, "", 0), bad_signature);
}

static void test_other_algorithms_are_refused(void **state)
{
    (void)state;
    static const char *const others[] = {"RS384", "RS512", "PS256",  "ES384",  "ES512",    "ES256K", "HS384",
                                         "HS512", "rs256", "RS256 ", "EdDSA2", "RSA-OAEP", "dir"};
    for (size_t i = 0; i < DBK_COUNT(others); i++) {
        char header[100];
        snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"kid\":\"r\"}", others[i]);
        expect_refused(test_signed(&rsa, header, fresh), bad_algorithm);
    }
}

// Key confusion: what everybody knows, the public key, used as the shared secret, in every form it has.
static void test_a_public_key_is_no_secret(void **state)
{
    (void)state;
    BIO *pem = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PUBKEY(pem, rsa.key), 1);
    char *pem_text;
    long pem_size = BIO_get_mem_data(pem, &pem_text);
    uint8_t *der = NULL;
    int der_size = i2d_PUBKEY(rsa.key, &der);
    char jwk[1000];
    snprintf(jwk, sizeof(jwk), "%s", test_jwk(&rsa));
    const struct {
        const void *data;
        size_t size;
    } secrets[] = {{pem_text, (size_t)pem_size},
                   {pem_text, (size_t)pem_size - 1},
                   {der, (size_t)der_size},
                   {jwk, strlen(jwk)},
                   {"", 0}};
    static const char *const headers[] = {"{\"alg\":\"HS256\"}", "{\"alg\":\"HS256\",\"kid\":\"r\"}",
                                          "{\"alg\":\"HS256\",\"kid\":\"e\"}"};
    dbk_trust with_secret = trust;
    with_secret.secret = DBK_TEXT(secret_text);
    for (size_t i = 0; i < DBK_COUNT(secrets); i++) {
        for (size_t h = 0; h < DBK_COUNT(headers); h++) {
            const char *token = test_hmac_token(secrets[i].data, secrets[i].size, headers[h], fresh);
            expect_refused(token, no_key);
            assert_false(verifies_at(&with_secret, token, now_ms));
        }
        // The other way round: an HMAC called RS256.
        expect_refused(
            test_hmac_token(secrets[i].data, secrets[i].size, "{\"alg\":\"RS256\",\"kid\":\"r\"}", fresh),
            bad_signature);
    }
    OPENSSL_free(der);
    BIO_free(pem);
}

static void test_a_key_verifies_its_own_algorithm_alone(void **state)
{
    (void)state;
    const test_issuer *issuers[] = {&rsa, &p256, &ed25519};
    static const char *const names[] = {"RS256", "ES256", "EdDSA"};
    for (int key = 0; key < 3; key++) {
        for (int alg = 0; alg < 3; alg++) {
            char header[100];
            snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"kid\":\"%s\"}", names[alg], issuers[key]->id);
            assert_int_equal(verifies(test_signed(issuers[key], header, fresh)), key == alg);
            // Signed by the right algorithm's issuer, but naming another's key.
            assert_int_equal(verifies(test_signed(issuers[alg], header, fresh)), key == alg);
        }
    }
}

static void test_a_secret_is_used_only_where_there_is_one(void **state)
{
    (void)state;
    dbk_trust by = {.secret = DBK_TEXT(secret_text)};
    const char *token = test_hmac_token(secret_text, strlen(secret_text), "{\"alg\":\"HS256\"}", fresh);
    assert_true(verifies_at(&by, token, now_ms));
    expect_refused(token, no_key);
    assert_false(verifies_at(&by, test_hmac_token("guess", 5, "{\"alg\":\"HS256\"}", fresh), now_ms));
    assert_string_equal(err.message, bad_signature);
    // A kid names a key of the set; the secret has none.
    assert_false(verifies_at(
        &by, test_hmac_token(secret_text, strlen(secret_text), "{\"alg\":\"HS256\",\"kid\":\"x\"}", fresh),
        now_ms));
    // A secret that is too short to be one is none, even if it came to be stored.
    dbk_trust weak = {.secret = DBK_TEXT("short")};
    assert_false(verifies_at(&weak, test_hmac_token("short", 5, "{\"alg\":\"HS256\"}", fresh), now_ms));
    dbk_trust none = {0};
    assert_false(verifies_at(&none, test_hmac_token("", 0, "{\"alg\":\"HS256\"}", fresh), now_ms));
}

static void test_signatures_of_another_size_or_of_zeros_are_wrong(void **state)
{
    (void)state;
    static const uint8_t zeros[300];
    const struct {
        const char *header;
        const test_issuer *issuer;
        size_t size;
    } kinds[] = {{"{\"alg\":\"RS256\",\"kid\":\"r\"}", &rsa, 256},
                 {"{\"alg\":\"ES256\",\"kid\":\"e\"}", &p256, 64},
                 {"{\"alg\":\"EdDSA\",\"kid\":\"d\"}", &ed25519, 64}};
    for (size_t i = 0; i < DBK_COUNT(kinds); i++) {
        static const int differences[] = {-1, 0, 1, 2};
        for (size_t d = 0; d < DBK_COUNT(differences); d++)
            expect_refused(
                test_token_of(kinds[i].header, fresh, zeros, kinds[i].size + (size_t)differences[d]),
                bad_signature);
        // A right one, cut at every length and with something behind it.
        const char *token = test_signed(kinds[i].issuer, kinds[i].header, fresh);
        assert_true(verifies(token));
        uint8_t signature[300] = {0};
        const char *text = strrchr(token, '.') + 1;
        assert_true(dbk_base64url_decode(dbk_text_from(text), signature));
        for (size_t size = 0; size < kinds[i].size + 2; size++)
            assert_int_equal(verifies(test_token_of(kinds[i].header, fresh, signature, size)),
                             size == kinds[i].size);
        // Every bit counts.
        for (size_t bit = 0; bit < kinds[i].size * 8; bit += 37) {
            signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
            expect_refused(test_token_of(kinds[i].header, fresh, signature, kinds[i].size), bad_signature);
            signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
}

// r and s of an ES256 signature: swapped, the order instead of zero, DER as other libraries write it.
static void test_ES256_takes_r_and_s_as_they_are(void **state)
{
    (void)state;
    static const char header[] = "{\"alg\":\"ES256\",\"kid\":\"e\"}";
    static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                      0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
    uint8_t right[64], forged[64];
    const char *token = test_signed(&p256, header, fresh);
    assert_true(dbk_base64url_decode(dbk_text_from(strrchr(token, '.') + 1), right));
    memcpy(forged, right + 32, 32);
    memcpy(forged + 32, right, 32);
    expect_refused(test_token_of(header, fresh, forged, 64), bad_signature);
    for (int half = 0; half < 2; half++) {
        memcpy(forged, right, 64);
        memcpy(forged + 32 * half, order, 32);
        expect_refused(test_token_of(header, fresh, forged, 64), bad_signature);
        memset(forged + 32 * half, 0, 32);
        expect_refused(test_token_of(header, fresh, forged, 64), bad_signature);
        memset(forged + 32 * half, 0xff, 32);
        expect_refused(test_token_of(header, fresh, forged, 64), bad_signature);
    }
    uint8_t der[80] = {0x30, 0x44, 0x02, 0x20};
    memcpy(der + 4, right, 32);
    der[36] = 0x02;
    der[37] = 0x20;
    memcpy(der + 38, right + 32, 32);
    expect_refused(test_token_of(header, fresh, der, 70), bad_signature);
}

static void test_what_a_header_brings_with_it_is_not_looked_at(void **state)
{
    (void)state;
    test_issuer attacker;
    test_issuer_init(&attacker, DBK_JWT_RS256, "r");
    static const char *const brings[] = {"", "\"jku\":\"http://127.0.0.1:1/k\",", "\"x5c\":[\"MIIB\"],",
                                         "\"x5u\":\"http://127.0.0.1:1/c\","};
    for (size_t i = 0; i < DBK_COUNT(brings); i++) {
        char brought[2000], header[2400];
        snprintf(brought, sizeof(brought), "%s\"jwk\":%s", brings[i], test_jwk(&attacker));
        snprintf(header, sizeof(header), "{\"alg\":\"RS256\",\"kid\":\"r\",%s}", brought);
        expect_refused(test_signed(&attacker, header, fresh), bad_signature);
        assert_true(verifies(test_signed(&rsa, header, fresh))); // passed over, not refused
        snprintf(header, sizeof(header), "{\"alg\":\"RS256\",\"kid\":\"x\",%s}", brought);
        expect_refused(test_signed(&attacker, header, fresh), no_key);
    }
    test_issuer_dispose(&attacker);
}

static void test_kids_must_name_a_key(void **state)
{
    (void)state;
    static const char *const unknown[] = {"\"x\"",    "\"R\"",        "\"r \"",
                                          "\"../r\"", "\"r\\u0000\"", "\"' OR 1=1\""};
    static const char *const no_kids[] = {"\"\"", "null", "1", "[\"r\"]", "{}"};
    char header[600];
    for (size_t i = 0; i < DBK_COUNT(unknown); i++) {
        snprintf(header, sizeof(header), "{\"alg\":\"RS256\",\"kid\":%s}", unknown[i]);
        expect_refused(test_signed(&rsa, header, fresh), no_key);
    }
    for (size_t i = 0; i < DBK_COUNT(no_kids); i++) {
        snprintf(header, sizeof(header), "{\"alg\":\"RS256\",\"kid\":%s}", no_kids[i]);
        expect_refused(test_signed(&rsa, header, fresh), "the token's kid is not accepted");
    }
    snprintf(header, sizeof(header), "{\"alg\":\"RS256\",\"kid\":\"%0300d\"}", 1);
    expect_refused(test_signed(&rsa, header, fresh), "the token's kid is not accepted");
}

static void test_critical_extensions_are_refused(void **state)
{
    (void)state;
    static const char *const crits[] = {"[\"exp\"]", "[]", "[\"b64\"],\"b64\":false", "null"};
    for (size_t i = 0; i < DBK_COUNT(crits); i++) {
        char header[100];
        snprintf(header, sizeof(header), "{\"alg\":\"RS256\",\"kid\":\"r\",\"crit\":%s}", crits[i]);
        expect_refused(test_signed(&rsa, header, fresh), "the token has critical extensions");
    }
}

static void test_documents_are_read_strictly(void **state)
{
    (void)state;
    static const char right[] = "{\"alg\":\"EdDSA\",\"kid\":\"d\"}";
    static const char *const headers[] = {"{\"alg\":\"EdDSA\",\"kid\":\"d\",\"alg\":\"EdDSA\"}",
                                          "{\"alg\":\"EdDSA\",\"kid\":\"x\",\"kid\":\"d\"}",
                                          "{\"alg\":\"EdDSA\",\"k\\u0069d\":\"x\",\"kid\":\"d\"}",
                                          "{\"alg\":\"EdDSA\",\"kid\":\"d\"}{}",
                                          "{\"alg\":\"EdDSA\",\"kid\":\"d\",}",
                                          "{'alg':'EdDSA'}",
                                          "{\"alg\":\"EdDSA\",\"kid\":\"\xff\"}",
                                          ""};
    static const char *const payloads[] = {"{" FRESH ",\"role\":\"x\",\"role\":\"admin\"}",
                                           "{" FRESH "} ,",
                                           "{" FRESH ",\"sub\":\"\xc3\x28\"}",
                                           "{" FRESH ",\"sub\":\"\\ud800\"}",
                                           "",
                                           "{"};
    for (size_t i = 0; i < DBK_COUNT(headers); i++)
        expect_refused(test_signed(&ed25519, headers[i], fresh), "the token's header or payload is not JSON");
    for (size_t i = 0; i < DBK_COUNT(payloads); i++)
        expect_refused(test_signed(&ed25519, right, payloads[i]),
                       "the token's header or payload is not JSON");
    expect_refused(test_signed(&ed25519, "[\"EdDSA\"]", fresh), "the token's header or payload is no object");
    expect_refused(test_signed(&ed25519, right, "\"admin\""), "the token's header or payload is no object");
    expect_refused(test_signed(&ed25519, right, "{" FRESH ",\"sub\":\"a\\u0000b\"}"),
                   "the token's sub is not accepted");
    expect_refused(test_signed(&ed25519, right, "{" FRESH ",\"sub\":\"a\\nb\"}"),
                   "the token's sub is not accepted");
    expect_refused(test_signed(&ed25519, right, "{" FRESH ",\"sub\":7}"), "the token's sub is not accepted");
}

static void test_the_form_is_read_strictly(void **state)
{
    (void)state;
    const char *token = test_token(&ed25519, fresh);
    char changed[1000];
    assert_true(verifies(token));
    static const char *const three[] = {"", "a", "a.b", "a.b.c.d", "a.b.c.d.e", "...."};
    for (size_t i = 0; i < DBK_COUNT(three); i++)
        expect_refused(three[i], "the token has not three parts");
    static const char *const behind[] = {"=", "==", " ", "\n", "+", "%2E", "\xff", "."};
    for (size_t i = 0; i < DBK_COUNT(behind); i++) {
        snprintf(changed, sizeof(changed), "%s%s", token, behind[i]);
        assert_false(verifies(changed));
        snprintf(changed, sizeof(changed), "%s%s", behind[i], token);
        assert_false(verifies(changed));
    }
    // The last character holds two bits of the signature and four that must be zero: of the other fifteen
    // spellings of the same bytes none is accepted.
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    int accepted = 0;
    for (int i = 0; i < 64; i++) {
        snprintf(changed, sizeof(changed), "%s", token);
        changed[strlen(changed) - 1] = alphabet[i];
        accepted += verifies(changed);
    }
    assert_int_equal(accepted, 1);
}

static void test_huge_tokens_are_refused(void **state)
{
    (void)state;
    char *payload = malloc(20000);
    for (int size = 1000; size < 15000; size += 250) {
        snprintf(payload, 20000, "{" FRESH ",\"x\":\"%0*d\"}", size, 1);
        const char *token = test_token(&ed25519, payload);
        bool fits = strlen(token) <= DBK_JWT_BYTES_MAX;
        assert_int_equal(verifies(token), fits);
        if (!fits)
            assert_string_equal(err.message, "the token is too large");
    }
    for (int i = 0; i < 200; i++)
        memcpy(payload + i, "[", 2);
    char header[300];
    snprintf(header, sizeof(header), "{\"alg\":\"EdDSA\",\"x\":%s", payload);
    expect_refused(test_signed(&ed25519, header, fresh), "the token's header or payload is not JSON");
    snprintf(payload, 20000, "{" FRESH ",\"sub\":\"%0256d\"}", 1);
    expect_refused(test_token(&ed25519, payload), "the token's sub is not accepted");
    free(payload);
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
        cmocka_unit_test(test_none_is_no_algorithm),
        cmocka_unit_test(test_other_algorithms_are_refused),
        cmocka_unit_test(test_a_public_key_is_no_secret),
        cmocka_unit_test(test_a_key_verifies_its_own_algorithm_alone),
        cmocka_unit_test(test_a_secret_is_used_only_where_there_is_one),
        cmocka_unit_test(test_signatures_of_another_size_or_of_zeros_are_wrong),
        cmocka_unit_test(test_ES256_takes_r_and_s_as_they_are),
        cmocka_unit_test(test_what_a_header_brings_with_it_is_not_looked_at),
        cmocka_unit_test(test_kids_must_name_a_key),
        cmocka_unit_test(test_critical_extensions_are_refused),
        cmocka_unit_test(test_documents_are_read_strictly),
        cmocka_unit_test(test_the_form_is_read_strictly),
        cmocka_unit_test(test_huge_tokens_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
