// SPDX-License-Identifier: Apache-2.0
// Three issuers, what trusts them, and whether a token verifies.
#ifndef DBK_TEST_JWT_WORLD_H
#define DBK_TEST_JWT_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/auth/jwt.h"
#include "tests/support/jwt_maker.h"

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

static inline dbk_jwks *parse_set(const char *const *keys, int count)
{
    dbk_jwks *out = NULL;
    assert_int_equal(dbk_jwks_parse(&out, dbk_text_from(test_jwks(keys, count)), &err), DBK_OK);
    return out;
}

static inline int setup(void **state)
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

static inline int teardown(void **state)
{
    (void)state;
    dbk_jwks_destroy(set);
    test_issuer_dispose(&rsa);
    test_issuer_dispose(&p256);
    test_issuer_dispose(&ed25519);
    return 0;
}

static inline bool verifies_at(const dbk_trust *by, const char *token, int64_t at_ms)
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

static inline bool verifies(const char *token)
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

#endif
