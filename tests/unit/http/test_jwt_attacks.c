// SPDX-License-Identifier: Apache-2.0
// Tokens and what attackers try: every way to choose the algorithm, the key or the moment for us.
#include "http/auth/base64url.h"
#include "tests/unit/http/jwt_world.h"

#include <openssl/pem.h>
#include <stdio.h>

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
