// SPDX-License-Identifier: Apache-2.0
// Taking tokens apart and verifying them.
#include "http/auth/jwt.h"

#include "http/auth/base64url.h"

#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <string.h>

enum { DIGEST_BYTES = 32, ES256_BYTES = 64, ED25519_BYTES = 64, TIME_DIGITS_MAX = 12 };

static dbk_status refuse(dbk_error *err, const char *reason)
{
    return dbk_fail(err, DBK_INVALID, "%s", reason);
}

// ---- Taking apart ----

// The first of the parts of a text that dots stand between; *rest is what follows it.
static bool split(dbk_text text, dbk_text *part, dbk_text *rest)
{
    const char *dot = text.length > 0 ? memchr(text.data, '.', text.length) : NULL;
    if (dot == NULL)
        return false;
    *part = (dbk_text){text.data, (uint32_t)(dot - text.data)};
    *rest = (dbk_text){dot + 1, text.length - part->length - 1};
    return true;
}

static dbk_status decode(dbk_jwt *jwt, dbk_text part, uint8_t **out, size_t *size, dbk_error *err)
{
    *size = dbk_base64url_decoded_size(part.length);
    *out = dbk_arena_alloc(&jwt->arena, *size + 1);
    if (*out == NULL)
        return dbk_fail(err, DBK_NO_MEMORY, "no memory for a token");
    return dbk_base64url_decode(part, *out) ? DBK_OK : refuse(err, "the token is not base64url");
}

static dbk_status parse_object(dbk_jwt *jwt, dbk_text part, dbk_json_doc *doc, dbk_error *err)
{
    uint8_t *text;
    size_t size;
    DBK_TRY(decode(jwt, part, &text, &size, err));
    dbk_json_doc parsed;
    dbk_status status = dbk_json_parse((const char *)text, size, &parsed, NULL, err);
    if (status == DBK_INVALID)
        return refuse(err, "the token's header or payload is not JSON");
    DBK_TRY(status);
    *doc = parsed;
    return doc->root->type == DBK_JSON_OBJECT ? DBK_OK
                                              : refuse(err, "the token's header or payload is no object");
}

static dbk_status read_header(dbk_jwt *jwt, dbk_error *err)
{
    static const struct {
        const char *name;
        dbk_jwt_algorithm algorithm;
    } algorithms[] = {{"RS256", DBK_JWT_RS256},
                      {"ES256", DBK_JWT_ES256},
                      {"EdDSA", DBK_JWT_EDDSA},
                      {"HS256", DBK_JWT_HS256}};
    const dbk_json *header = jwt->header.root, *kid = dbk_json_get(header, "kid");
    dbk_text name = dbk_json_string_of(dbk_json_get(header, "alg"));
    for (size_t i = 0; i < DBK_COUNT(algorithms); i++)
        if (dbk_text_equal(name, dbk_text_from(algorithms[i].name)))
            jwt->algorithm = algorithms[i].algorithm;
    if (jwt->algorithm == 0)
        return refuse(err, "the token's algorithm is not accepted");
    if (dbk_json_get(header, "crit") != NULL)
        return refuse(err, "the token has critical extensions");
    jwt->key_id = dbk_json_string_of(kid);
    if (kid != NULL && (jwt->key_id.length == 0 || jwt->key_id.length > DBK_JWK_ID_MAX))
        return refuse(err, "the token's kid is not accepted");
    return DBK_OK;
}

static dbk_status read_parts(dbk_jwt *jwt, dbk_text token, dbk_error *err)
{
    dbk_text header, payload, rest;
    if (token.length > DBK_JWT_BYTES_MAX)
        return refuse(err, "the token is too large");
    if (!split(token, &header, &rest) || !split(rest, &payload, &rest) ||
        (rest.length > 0 && memchr(rest.data, '.', rest.length) != NULL))
        return refuse(err, "the token has not three parts");
    jwt->signed_text = (dbk_text){token.data, header.length + 1 + payload.length};
    DBK_TRY(parse_object(jwt, header, &jwt->header, err));
    DBK_TRY(read_header(jwt, err));
    DBK_TRY(parse_object(jwt, payload, &jwt->payload, err));
    return decode(jwt, rest, &jwt->signature, &jwt->signature_size, err);
}

dbk_status dbk_jwt_read(dbk_jwt *jwt, dbk_text token, dbk_error *err)
{
    *jwt = (dbk_jwt){0};
    dbk_status status = read_parts(jwt, token, err);
    if (status != DBK_OK)
        dbk_jwt_dispose(jwt);
    return status;
}

void dbk_jwt_dispose(dbk_jwt *jwt)
{
    dbk_json_doc_dispose(&jwt->header);
    dbk_json_doc_dispose(&jwt->payload);
    dbk_arena_dispose(&jwt->arena);
}

// ---- Signatures ----

static bool is_hmac(const dbk_jwt *jwt, dbk_text secret)
{
    uint8_t digest[DIGEST_BYTES];
    unsigned size = 0;
    return HMAC(EVP_sha256(), secret.data, (int)secret.length, (const uint8_t *)jwt->signed_text.data,
                jwt->signed_text.length, digest, &size) != NULL &&
           size == DIGEST_BYTES && jwt->signature_size == DIGEST_BYTES &&
           CRYPTO_memcmp(digest, jwt->signature, DIGEST_BYTES) == 0;
}

static bool is_signed(const dbk_jwt *jwt, EVP_PKEY *key, const EVP_MD *digest, const uint8_t *signature,
                      size_t size)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_right = context != NULL && EVP_DigestVerifyInit(context, NULL, digest, NULL, key) == 1 &&
                    EVP_DigestVerify(context, signature, size, (const uint8_t *)jwt->signed_text.data,
                                     jwt->signed_text.length) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return is_right;
}

// A token holds r and s, 32 bytes each (RFC 7518, 3.4); OpenSSL wants them in DER.
static bool is_signed_ecdsa(const dbk_jwt *jwt, EVP_PKEY *key)
{
    if (jwt->signature_size != ES256_BYTES)
        return false;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(jwt->signature, ES256_BYTES / 2, NULL);
    BIGNUM *s = BN_bin2bn(jwt->signature + ES256_BYTES / 2, ES256_BYTES / 2, NULL);
    if (pair == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(pair, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(pair);
        return false;
    }
    uint8_t *der = NULL;
    int size = i2d_ECDSA_SIG(pair, &der);
    bool is_right = size > 0 && is_signed(jwt, key, EVP_sha256(), der, (size_t)size);
    OPENSSL_free(der);
    ECDSA_SIG_free(pair);
    return is_right;
}

static bool is_signature(const dbk_jwt *jwt, const dbk_jwk *key)
{
    switch (key->algorithm) {
    case DBK_JWT_RS256:
        return is_signed(jwt, key->key, EVP_sha256(), jwt->signature, jwt->signature_size);
    case DBK_JWT_ES256:
        return is_signed_ecdsa(jwt, key->key);
    case DBK_JWT_EDDSA:
        return jwt->signature_size == ED25519_BYTES &&
               is_signed(jwt, key->key, NULL, jwt->signature, jwt->signature_size);
    default:
        return false; // HS256 is no key's algorithm
    }
}

// A secret has no kid: a token that names a key is not one of a secret.
static bool may_be_hmac(const dbk_jwt *jwt, const dbk_trust *trust)
{
    return jwt->algorithm == DBK_JWT_HS256 && jwt->key_id.length == 0 &&
           trust->secret.length >= DBK_JWT_SECRET_MIN;
}

static const dbk_jwk *find_key(const dbk_jwt *jwt, const dbk_trust *trust)
{
    return trust->keys != NULL ? dbk_jwks_find(trust->keys, jwt->key_id, jwt->algorithm) : NULL;
}

static dbk_status check_signature(const dbk_jwt *jwt, const dbk_trust *trust, dbk_error *err)
{
    const dbk_jwk *key = find_key(jwt, trust);
    if (key == NULL && !may_be_hmac(jwt, trust))
        return refuse(err, "no key is known for the token");
    bool is_right = key != NULL ? is_signature(jwt, key) : is_hmac(jwt, trust->secret);
    return is_right ? DBK_OK : refuse(err, "the token's signature is wrong");
}

// ---- Claims ----

// A string, or a list that has it.
static bool names(const dbk_json *value, dbk_text wanted)
{
    if (value == NULL)
        return false;
    if (value->type == DBK_JSON_STRING)
        return dbk_text_equal(value->text, wanted);
    if (value->type != DBK_JSON_ARRAY)
        return false;
    for (const dbk_json *m = dbk_json_first(value); m != NULL; m = dbk_json_next(value, m))
        if (m->type == DBK_JSON_STRING && dbk_text_equal(m->text, wanted))
            return true;
    return false;
}

// A string of words with spaces between them that has it (RFC 8693, 4.2).
static bool names_word(const dbk_json *value, dbk_text wanted)
{
    dbk_text text = dbk_json_string_of(value);
    for (uint32_t at = 0, end; at < text.length; at = end + 1) {
        for (end = at; end < text.length && text.data[end] != ' ';)
            end++;
        if (dbk_text_equal((dbk_text){text.data + at, end - at}, wanted))
            return true;
    }
    return false;
}

static bool has_role(const dbk_json *payload, dbk_text name)
{
    return names(dbk_json_get(payload, "role"), name) || names(dbk_json_get(payload, "roles"), name) ||
           names_word(dbk_json_get(payload, "scope"), name);
}

static bool is_audience(const dbk_jwt *jwt, const dbk_trust *trust)
{
    return trust->audience.length == 0 || names(dbk_json_get(jwt->payload.root, "aud"), trust->audience);
}

// A NumericDate: seconds since the epoch, perhaps with decimals, which are cut off.
static bool read_time(const dbk_json *value, int64_t *ms)
{
    if (value->type != DBK_JSON_NUMBER)
        return false;
    const char *dot = memchr(value->text.data, '.', value->text.length);
    uint32_t whole = dot != NULL ? (uint32_t)(dot - value->text.data) : value->text.length;
    int64_t seconds = 0;
    if (whole > TIME_DIGITS_MAX)
        return false;
    for (uint32_t i = 0; i < value->text.length; i++) {
        char c = value->text.data[i];
        if (i == whole)
            continue;
        if (c < '0' || c > '9')
            return false;
        if (i < whole)
            seconds = seconds * 10 + c - '0';
    }
    *ms = seconds * 1000;
    return true;
}

static dbk_status read_times(const dbk_json *payload, dbk_claims *out, dbk_error *err)
{
    const dbk_json *expires = dbk_json_get(payload, "exp"), *not_before = dbk_json_get(payload, "nbf");
    out->not_before_ms = DBK_NULL;
    if (expires == NULL)
        return refuse(err, "the token has no exp");
    if (!read_time(expires, &out->expires_ms) ||
        (not_before != NULL && !read_time(not_before, &out->not_before_ms)))
        return refuse(err, "the token's exp or nbf is no time");
    return DBK_OK;
}

static dbk_status read_subject(const dbk_json *payload, dbk_claims *out, dbk_error *err)
{
    const dbk_json *subject = dbk_json_get(payload, "sub");
    dbk_text text = dbk_json_string_of(subject);
    bool is_right =
        subject == NULL || (subject->type == DBK_JSON_STRING && text.length <= DBK_JWT_SUBJECT_MAX);
    for (uint32_t i = 0; is_right && i < text.length; i++)
        is_right = (uint8_t)text.data[i] >= 0x20;
    if (!is_right)
        return refuse(err, "the token's sub is not accepted");
    if (text.length > 0)
        memcpy(out->subject, text.data, text.length);
    out->subject[text.length] = 0;
    return DBK_OK;
}

dbk_status dbk_claims_check_time(const dbk_claims *claims, int64_t now_ms, dbk_error *err)
{
    if (now_ms >= claims->expires_ms + DBK_JWT_LEEWAY_MS)
        return refuse(err, "the token is expired");
    if (claims->not_before_ms != DBK_NULL && now_ms + DBK_JWT_LEEWAY_MS < claims->not_before_ms)
        return refuse(err, "the token is not valid yet");
    return DBK_OK;
}

bool dbk_jwt_is_for(const dbk_jwt *jwt, const dbk_trust *trust)
{
    return (find_key(jwt, trust) != NULL || may_be_hmac(jwt, trust)) && is_audience(jwt, trust);
}

dbk_status dbk_jwt_verify(const dbk_jwt *jwt, const dbk_trust *trust, int64_t now_ms, dbk_claims *out,
                          dbk_error *err)
{
    const dbk_json *payload = jwt->payload.root;
    DBK_TRY(check_signature(jwt, trust, err));
    if (!is_audience(jwt, trust))
        return refuse(err, "the token is for another audience");
    DBK_TRY(read_times(payload, out, err));
    DBK_TRY(dbk_claims_check_time(out, now_ms, err));
    DBK_TRY(read_subject(payload, out, err));
    out->role = has_role(payload, DBK_TEXT("admin"))      ? DBK_ROLE_ADMIN
                : has_role(payload, DBK_TEXT("operator")) ? DBK_ROLE_OPERATOR
                                                          : DBK_ROLE_NONE;
    return DBK_OK;
}
