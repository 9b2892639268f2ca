// SPDX-License-Identifier: Apache-2.0
// A JSON Web Key Set (RFC 7517): the public keys that a tenant's tokens are verified with. What a key is
// decides its one algorithm, RSA: RS256, P-256: ES256, Ed25519: EdDSA. A token's header never does.
//
// A set is refused whole when one of its keys cannot be used as it stands: a private key, a shared secret, an
// RSA key under 2,048 bits, a point that is not on the curve, another algorithm, two keys with one kid. Keys
// that say themselves that they are not for signatures ("use":"enc") are passed over.
#ifndef DBK_JWKS_H
#define DBK_JWKS_H

#include "engine/base/status.h"
#include "engine/base/types.h"

#include <openssl/evp.h>

enum { DBK_JWKS_BYTES_MAX = 65536, DBK_JWKS_KEYS_MAX = 64, DBK_JWK_ID_MAX = 256 };

typedef enum dbk_jwt_algorithm {
    DBK_JWT_RS256 = 1,
    DBK_JWT_ES256,
    DBK_JWT_EDDSA,
    DBK_JWT_HS256, // never in a set: the shared secret is a setting of its own
} dbk_jwt_algorithm;

typedef struct dbk_jwk {
    dbk_text id; // kid; length 0 = the key has none
    dbk_jwt_algorithm algorithm;
    EVP_PKEY *key;
} dbk_jwk;

typedef struct dbk_jwks dbk_jwks;

// DBK_INVALID names the key by its place in the set and says what is wrong with it.
dbk_status dbk_jwks_parse(dbk_jwks **out, dbk_text json, dbk_error *err);
void dbk_jwks_destroy(dbk_jwks *set);

// The key of that kid and algorithm; without a kid, the only key of that algorithm. NULL when there is none,
// and when there are several. Lives as long as the set. Any thread.
const dbk_jwk *dbk_jwks_find(const dbk_jwks *set, dbk_text id, dbk_jwt_algorithm algorithm);

#endif
