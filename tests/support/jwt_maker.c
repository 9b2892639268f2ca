// SPDX-License-Identifier: Apache-2.0
// Signing with OpenSSL.
#include "tests/support/jwt_maker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/auth/base64url.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES = 32768, TEXTS = 32 };

static char *next_text(void)
{
    static char *texts[TEXTS];
    static int at;
    char **text = &texts[at++ % TEXTS];
    free(*text);
    *text = malloc(TEXT_BYTES);
    assert_non_null(*text);
    return *text;
}

void test_issuer_init(test_issuer *issuer, dbk_jwt_algorithm algorithm, const char *id)
{
    *issuer = (test_issuer){.algorithm = algorithm, .id = id};
    issuer->key = algorithm == DBK_JWT_RS256   ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048)
                  : algorithm == DBK_JWT_ES256 ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256")
                                               : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    assert_non_null(issuer->key);
}

void test_issuer_dispose(test_issuer *issuer)
{
    EVP_PKEY_free(issuer->key);
}

const char *test_base64url(const void *data, size_t size)
{
    char *out = next_text();
    assert_true(DBK_BASE64URL_LENGTH(size) < TEXT_BYTES);
    dbk_base64url_encode(data, size, out);
    return out;
}

static const char *number_of(const EVP_PKEY *key, const char *name, int size)
{
    uint8_t bytes[512];
    BIGNUM *number = NULL;
    assert_int_equal(EVP_PKEY_get_bn_param(key, name, &number), 1);
    if (size == 0)
        size = BN_num_bytes(number);
    assert_int_equal(BN_bn2binpad(number, bytes, size), size);
    BN_free(number);
    return test_base64url(bytes, (size_t)size);
}

const char *test_jwk(const test_issuer *issuer)
{
    char kid[300] = "";
    uint8_t raw[32];
    size_t size = sizeof(raw);
    if (issuer->id != NULL)
        snprintf(kid, sizeof(kid), ",\"kid\":\"%s\"", issuer->id);
    char *out = next_text();
    if (issuer->algorithm == DBK_JWT_RS256) {
        snprintf(out, TEXT_BYTES, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"%s}",
                 number_of(issuer->key, OSSL_PKEY_PARAM_RSA_N, 0),
                 number_of(issuer->key, OSSL_PKEY_PARAM_RSA_E, 0), kid);
    } else if (issuer->algorithm == DBK_JWT_ES256) {
        snprintf(out, TEXT_BYTES, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"%s}",
                 number_of(issuer->key, OSSL_PKEY_PARAM_EC_PUB_X, 32),
                 number_of(issuer->key, OSSL_PKEY_PARAM_EC_PUB_Y, 32), kid);
    } else {
        assert_int_equal(EVP_PKEY_get_raw_public_key(issuer->key, raw, &size), 1);
        snprintf(out, TEXT_BYTES, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%s\"%s}",
                 test_base64url(raw, size), kid);
    }
    return out;
}

const char *test_jwks(const char *const *keys, int count)
{
    char *out = next_text();
    size_t used = (size_t)snprintf(out, TEXT_BYTES, "{\"keys\":[");
    for (int i = 0; i < count; i++)
        used += (size_t)snprintf(out + used, TEXT_BYTES - used, "%s%s", i > 0 ? "," : "", keys[i]);
    used += (size_t)snprintf(out + used, TEXT_BYTES - used, "]}");
    assert_true(used < TEXT_BYTES);
    return out;
}

static const char *signed_part(const char *header, const char *payload)
{
    char *out = next_text();
    int length = snprintf(out, TEXT_BYTES, "%s.%s", test_base64url(header, strlen(header)),
                          test_base64url(payload, strlen(payload)));
    assert_true(length < TEXT_BYTES);
    return out;
}

static const char *with_signature(const char *text, const void *signature, size_t size)
{
    char *out = next_text();
    int length = snprintf(out, TEXT_BYTES, "%s.%s", text, test_base64url(signature, size));
    assert_true(length < TEXT_BYTES);
    return out;
}

const char *test_token_of(const char *header, const char *payload, const void *signature, size_t size)
{
    return with_signature(signed_part(header, payload), signature, size);
}

// DER to the 64 bytes of a token.
static size_t unpack_ecdsa(uint8_t *signature, size_t size)
{
    const uint8_t *at = signature;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)size);
    assert_non_null(pair);
    uint8_t raw[64];
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, 32), 32);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + 32, 32), 32);
    ECDSA_SIG_free(pair);
    memcpy(signature, raw, sizeof(raw));
    return sizeof(raw);
}

const char *test_signed(const test_issuer *issuer, const char *header, const char *payload)
{
    const char *text = signed_part(header, payload);
    uint8_t signature[512];
    size_t size = sizeof(signature);
    const EVP_MD *digest = issuer->algorithm == DBK_JWT_EDDSA ? NULL : EVP_sha256();
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(context, NULL, digest, NULL, issuer->key), 1);
    assert_int_equal(EVP_DigestSign(context, signature, &size, (const uint8_t *)text, strlen(text)), 1);
    EVP_MD_CTX_free(context);
    if (issuer->algorithm == DBK_JWT_ES256)
        size = unpack_ecdsa(signature, size);
    return with_signature(text, signature, size);
}

const char *test_token(const test_issuer *issuer, const char *payload)
{
    static const char *const names[] = {
        [DBK_JWT_RS256] = "RS256", [DBK_JWT_ES256] = "ES256", [DBK_JWT_EDDSA] = "EdDSA"};
    char header[400];
    if (issuer->id != NULL)
        snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"kid\":\"%s\"}", names[issuer->algorithm],
                 issuer->id);
    else
        snprintf(header, sizeof(header), "{\"alg\":\"%s\"}", names[issuer->algorithm]);
    return test_signed(issuer, header, payload);
}

const char *test_hmac_token(const void *secret, size_t size, const char *header, const char *payload)
{
    const char *text = signed_part(header, payload);
    uint8_t digest[32];
    assert_non_null(HMAC(EVP_sha256(), secret, (int)size, (const uint8_t *)text, strlen(text), digest, NULL));
    return with_signature(text, digest, sizeof(digest));
}
