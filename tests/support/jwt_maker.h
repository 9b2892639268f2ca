// SPDX-License-Identifier: Apache-2.0
// Makes keys, JWKs and tokens: the side of an issuer. Texts that come back live until the eighth call from
// now.
#ifndef DBK_TEST_JWT_MAKER_H
#define DBK_TEST_JWT_MAKER_H

#include "http/auth/jwks.h"

typedef struct test_issuer {
    dbk_jwt_algorithm algorithm; // RS256, ES256 or EDDSA
    const char *id;              // kid; NULL = none
    EVP_PKEY *key;
} test_issuer;

void test_issuer_init(test_issuer *issuer, dbk_jwt_algorithm algorithm, const char *id);
void test_issuer_dispose(test_issuer *issuer);

// The public key as JSON.
const char *test_jwk(const test_issuer *issuer);
// {"keys":[…]} of so many texts.
const char *test_jwks(const char *const *keys, int count);

const char *test_base64url(const void *data, size_t size);
// header.payload.signature of what the parts hold, the first two being texts.
const char *test_token_of(const char *header, const char *payload, const void *signature, size_t size);
// Signed by the issuer, whatever the header says.
const char *test_signed(const test_issuer *issuer, const char *header, const char *payload);
// … with the header that belongs to the issuer.
const char *test_token(const test_issuer *issuer, const char *payload);
const char *test_hmac_token(const void *secret, size_t size, const char *header, const char *payload);

#endif
