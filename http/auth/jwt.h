// SPDX-License-Identifier: Apache-2.0
// JSON Web Tokens (RFC 7519) as signed compact texts, RS256, ES256, EdDSA (Ed25519) and HS256, verified with
// what a tenant trusts. Nothing of a token is believed before its signature is verified; until then its kid
// and audience only say which tenant's keys to try.
//
// Keys and certificates inside a token's header (jwk, jku, x5c, x5u) are not looked at; `crit` is refused,
// and so is a token without `exp`.
#ifndef DBK_JWT_H
#define DBK_JWT_H

#include "http/auth/jwks.h"
#include "ingest/parse/json.h"

enum {
    DBK_JWT_BYTES_MAX = 8192,
    DBK_JWT_SUBJECT_MAX = 255,
    DBK_JWT_SECRET_MIN = 32,   // RFC 7518, 3.2: no shorter than the digest
    DBK_JWT_LEEWAY_MS = 30000, // how far the clocks of issuer and server may be apart
};

typedef enum dbk_role {
    DBK_ROLE_NONE, // the token names none that is known here
    DBK_ROLE_OPERATOR,
    DBK_ROLE_ADMIN, // may all that an operator may
} dbk_role;

// What a tenant trusts; the texts are borrowed.
typedef struct dbk_trust {
    const dbk_jwks *keys; // NULL = none
    dbk_text secret;      // for HS256; length 0 = HS256 is refused
    dbk_text audience;    // that `aud` must name; length 0 = not asked
} dbk_trust;

// Of a verified token.
typedef struct dbk_claims {
    char subject[DBK_JWT_SUBJECT_MAX + 1]; // `sub`; "" = none
    dbk_role role;                         // the highest of `role`, `roles` and `scope`
    int64_t expires_ms, not_before_ms;     // not_before_ms: DBK_NULL = none
} dbk_claims;

// A token taken apart. Its texts point into the token and into its documents.
typedef struct dbk_jwt {
    dbk_text signed_text; // header and payload as they were signed
    dbk_jwt_algorithm algorithm;
    dbk_text key_id; // kid; length 0 = none
    uint8_t *signature;
    size_t signature_size;
    dbk_json_doc header, payload;
    dbk_arena arena;
} dbk_jwt;

// Takes a token apart, strictly; nothing is verified. DBK_INVALID says why not (constant text), and there is
// nothing to dispose.
dbk_status dbk_jwt_read(dbk_jwt *jwt, dbk_text token, dbk_error *err);
void dbk_jwt_dispose(dbk_jwt *jwt);

// Whether a key of this tenant could have signed it and the audience is right: chooses between tenants,
// proves nothing.
bool dbk_jwt_is_for(const dbk_jwt *jwt, const dbk_trust *trust);
// Key, signature, audience and times. DBK_INVALID says what is wrong (constant text).
dbk_status dbk_jwt_verify(const dbk_jwt *jwt, const dbk_trust *trust, int64_t now_ms, dbk_claims *out,
                          dbk_error *err);
// The times alone, for a token that was verified before.
dbk_status dbk_claims_check_time(const dbk_claims *claims, int64_t now_ms, dbk_error *err);

#endif
