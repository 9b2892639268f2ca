// SPDX-License-Identifier: Apache-2.0
// Key sets: JSON to OpenSSL's keys.
#include "http/auth/jwks.h"

#include "http/auth/base64url.h"
#include "ingest/parse/json.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

// A modulus over 8,192 bits makes verifying slow enough to be an attack; 17 bits are 65537, and OpenSSL
// refuses exponents over 64 bits for large keys.
enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192, EXPONENT_BYTES_MAX = 8, POINT_BYTES = 32 };

struct dbk_jwks {
    dbk_arena arena;
    int count;
    dbk_jwk keys[DBK_JWKS_KEYS_MAX];
};

// Where in the set something is wrong, 1-based.
typedef struct place {
    int number;
    dbk_error *err;
} place;

static dbk_status wrong(const place *at, const char *format, ...) __attribute__((format(printf, 2, 3)));

static dbk_status wrong(const place *at, const char *format, ...)
{
    char reason[300];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof(reason), format, arguments);
    va_end(arguments);
    return dbk_fail(at->err, DBK_INVALID, "jwks: key %d %s", at->number, reason);
}

static bool is_member(const dbk_json *jwk, const char *name, const char *value)
{
    return dbk_text_equal(dbk_json_string_of(dbk_json_get(jwk, name)), dbk_text_from(value));
}

// The bytes that a member holds in base64url.
static dbk_status take_bytes(dbk_jwks *set, const dbk_json *jwk, const char *name, const place *at,
                             const uint8_t **out, size_t *size)
{
    dbk_text text = dbk_json_string_of(dbk_json_get(jwk, name));
    if (text.length == 0)
        return wrong(at, "has no \"%s\"", name);
    *size = dbk_base64url_decoded_size(text.length);
    uint8_t *bytes = dbk_arena_alloc(&set->arena, *size + 1);
    if (bytes == NULL)
        return dbk_fail(at->err, DBK_NO_MEMORY, "no memory for a key set");
    if (!dbk_base64url_decode(text, bytes))
        return wrong(at, "has a \"%s\" that is not base64url without padding", name);
    *out = bytes;
    return DBK_OK;
}

// NULL when OpenSSL takes it for none: a point that is not on its curve it refuses by itself.
static EVP_PKEY *key_of(const char *type, OSSL_PARAM *params)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = params != NULL ? EVP_PKEY_CTX_new_from_name(NULL, type, NULL) : NULL;
    bool is_made = context != NULL && EVP_PKEY_fromdata_init(context) == 1 &&
                   EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) == 1;
    EVP_PKEY_CTX_free(context);
    if (!is_made) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    ERR_clear_error();
    return key;
}

static EVP_PKEY *rsa_key_of(const BIGNUM *n, const BIGNUM *e)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    if (build != NULL && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1) {
        OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
        key = key_of("RSA", params);
        OSSL_PARAM_free(params);
    }
    OSSL_PARAM_BLD_free(build);
    return key;
}

static dbk_status take_rsa(dbk_jwks *set, const dbk_json *jwk, const place *at, dbk_jwk *out)
{
    const uint8_t *n, *e;
    size_t n_size, e_size;
    DBK_TRY(take_bytes(set, jwk, "n", at, &n, &n_size));
    DBK_TRY(take_bytes(set, jwk, "e", at, &e, &e_size));
    BIGNUM *modulus = BN_bin2bn(n, (int)n_size, NULL), *exponent = BN_bin2bn(e, (int)e_size, NULL);
    dbk_status status = DBK_OK;
    if (modulus == NULL || exponent == NULL)
        status = dbk_fail(at->err, DBK_NO_MEMORY, "no memory for a key set");
    else if (BN_num_bits(modulus) < RSA_BITS_MIN)
        status = wrong(at, "is an RSA key of %d bits; it must have at least %d", BN_num_bits(modulus),
                       RSA_BITS_MIN);
    else if (BN_num_bits(modulus) > RSA_BITS_MAX)
        status = wrong(at, "is an RSA key of more than %d bits", RSA_BITS_MAX);
    else if (e_size > EXPONENT_BYTES_MAX || !BN_is_odd(exponent) || BN_is_one(exponent))
        status = wrong(at, "has an RSA exponent that cannot be; 65537 (\"AQAB\") is usual");
    else if (!BN_is_odd(modulus) || (out->key = rsa_key_of(modulus, exponent)) == NULL)
        status = wrong(at, "is no RSA public key");
    BN_free(modulus);
    BN_free(exponent);
    out->algorithm = DBK_JWT_RS256;
    return status;
}

static dbk_status take_p256(dbk_jwks *set, const dbk_json *jwk, const place *at, dbk_jwk *out)
{
    const uint8_t *x, *y;
    size_t x_size, y_size;
    DBK_TRY(take_bytes(set, jwk, "x", at, &x, &x_size));
    DBK_TRY(take_bytes(set, jwk, "y", at, &y, &y_size));
    if (x_size != POINT_BYTES || y_size != POINT_BYTES)
        return wrong(at, "has coordinates that are not %d bytes each", POINT_BYTES);
    uint8_t point[1 + 2 * POINT_BYTES] = {4}; // an uncompressed point, SEC 1, 2.3.3
    for (int i = 0; i < POINT_BYTES; i++) {
        point[1 + i] = x[i];
        point[1 + POINT_BYTES + i] = y[i];
    }
    char group[] = "prime256v1";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                           OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
                           OSSL_PARAM_construct_end()};
    out->algorithm = DBK_JWT_ES256;
    out->key = key_of("EC", params);
    return out->key != NULL ? DBK_OK : wrong(at, "is no point of the curve P-256");
}

static dbk_status take_ed25519(dbk_jwks *set, const dbk_json *jwk, const place *at, dbk_jwk *out)
{
    const uint8_t *x;
    size_t size;
    DBK_TRY(take_bytes(set, jwk, "x", at, &x, &size));
    if (size != POINT_BYTES)
        return wrong(at, "has an \"x\" that is not %d bytes", POINT_BYTES);
    out->algorithm = DBK_JWT_EDDSA;
    out->key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x, size);
    ERR_clear_error();
    return out->key != NULL ? DBK_OK : wrong(at, "is no Ed25519 public key");
}

static const char *name_of(dbk_jwt_algorithm algorithm)
{
    static const char *const names[] = {
        [DBK_JWT_RS256] = "RS256", [DBK_JWT_ES256] = "ES256", [DBK_JWT_EDDSA] = "EdDSA"};
    return names[algorithm];
}

static dbk_status take_by_type(dbk_jwks *set, const dbk_json *jwk, const place *at, dbk_jwk *out)
{
    if (dbk_json_get(jwk, "d") != NULL)
        return wrong(at, "is a private key; only its public half belongs here");
    if (is_member(jwk, "kty", "RSA"))
        return take_rsa(set, jwk, at, out);
    if (is_member(jwk, "kty", "EC") && is_member(jwk, "crv", "P-256"))
        return take_p256(set, jwk, at, out);
    if (is_member(jwk, "kty", "OKP") && is_member(jwk, "crv", "Ed25519"))
        return take_ed25519(set, jwk, at, out);
    if (is_member(jwk, "kty", "oct"))
        return wrong(at, "is a shared secret; the setting jwt-secret is for those");
    return wrong(at, "is none of RSA, EC with curve P-256, OKP with curve Ed25519");
}

static dbk_status take_id(const dbk_jwks *set, const dbk_json *jwk, const place *at, dbk_jwk *out)
{
    const dbk_json *kid = dbk_json_get(jwk, "kid");
    out->id = dbk_json_string_of(kid);
    if (kid != NULL && (out->id.length == 0 || out->id.length > DBK_JWK_ID_MAX))
        return wrong(at, "has a \"kid\" that is not a string of 1 to %d bytes", DBK_JWK_ID_MAX);
    for (int i = 0; i < set->count; i++)
        if (out->id.length > 0 && dbk_text_equal(set->keys[i].id, out->id))
            return wrong(at, "has the \"kid\" of another key");
    return DBK_OK;
}

static bool is_for_signatures(const dbk_json *jwk)
{
    const dbk_json *use = dbk_json_get(jwk, "use"), *operations = dbk_json_get(jwk, "key_ops");
    if (use != NULL && !is_member(jwk, "use", "sig"))
        return false;
    if (operations == NULL)
        return true;
    for (const dbk_json *m = dbk_json_first(operations); m != NULL; m = dbk_json_next(operations, m))
        if (dbk_text_equal(dbk_json_string_of(m), DBK_TEXT("verify")))
            return true;
    return false;
}

static dbk_status take_key(dbk_jwks *set, const dbk_json *jwk, const place *at)
{
    dbk_jwk key = {0};
    if (jwk->type != DBK_JSON_OBJECT)
        return wrong(at, "is not an object");
    if (!is_for_signatures(jwk))
        return DBK_OK;
    DBK_TRY(take_id(set, jwk, at, &key));
    DBK_TRY(take_by_type(set, jwk, at, &key));
    set->keys[set->count++] = key; // from here on the set frees it
    if (dbk_json_get(jwk, "alg") != NULL && !is_member(jwk, "alg", name_of(key.algorithm)))
        return wrong(at, "says another \"alg\" than %s, the one for such keys here", name_of(key.algorithm));
    return DBK_OK;
}

// Ids outlive the document they were read from.
static dbk_status keep_ids(dbk_jwks *set, dbk_error *err)
{
    for (int i = 0; i < set->count; i++) {
        dbk_text *id = &set->keys[i].id;
        if (id->length == 0)
            continue;
        id->data = dbk_arena_copy(&set->arena, id->data, id->length);
        if (id->data == NULL)
            return dbk_fail(err, DBK_NO_MEMORY, "no memory for a key set");
    }
    return DBK_OK;
}

static dbk_status take_keys(dbk_jwks *set, const dbk_json *root, dbk_error *err)
{
    const dbk_json *keys = dbk_json_get(root, "keys");
    if (keys == NULL || keys->type != DBK_JSON_ARRAY)
        return dbk_fail(err, DBK_INVALID, "jwks: it must be an object with a list \"keys\"");
    if (keys->count > DBK_JWKS_KEYS_MAX)
        return dbk_fail(err, DBK_INVALID, "jwks: it has more than %d keys", DBK_JWKS_KEYS_MAX);
    place at = {.err = err};
    for (const dbk_json *m = dbk_json_first(keys); m != NULL; m = dbk_json_next(keys, m)) {
        at.number++;
        DBK_TRY(take_key(set, m, &at));
    }
    if (set->count == 0)
        return dbk_fail(err, DBK_INVALID, "jwks: there is no key for signatures in it");
    return keep_ids(set, err);
}

dbk_status dbk_jwks_parse(dbk_jwks **out, dbk_text json, dbk_error *err)
{
    dbk_json_doc doc;
    dbk_json_fault fault;
    if (json.length > DBK_JWKS_BYTES_MAX)
        return dbk_fail(err, DBK_INVALID, "jwks: it is larger than %d bytes", DBK_JWKS_BYTES_MAX);
    dbk_status status = dbk_json_parse(json.data, json.length, &doc, &fault, err);
    if (status == DBK_INVALID)
        return dbk_fail(err, DBK_INVALID, "jwks: it is not JSON at line %u, column %u: %s", fault.line,
                        fault.column, fault.reason);
    DBK_TRY(status);
    dbk_jwks *set = calloc(1, sizeof(*set));
    status =
        set != NULL ? take_keys(set, doc.root, err) : dbk_fail(err, DBK_NO_MEMORY, "no memory for a key set");
    dbk_json_doc_dispose(&doc);
    if (status != DBK_OK) {
        dbk_jwks_destroy(set);
        return status;
    }
    *out = set;
    return DBK_OK;
}

void dbk_jwks_destroy(dbk_jwks *set)
{
    if (set == NULL)
        return;
    for (int i = 0; i < set->count; i++)
        EVP_PKEY_free(set->keys[i].key);
    dbk_arena_dispose(&set->arena);
    free(set);
}

const dbk_jwk *dbk_jwks_find(const dbk_jwks *set, dbk_text id, dbk_jwt_algorithm algorithm)
{
    const dbk_jwk *found = NULL;
    for (int i = 0; i < set->count; i++) {
        const dbk_jwk *key = &set->keys[i];
        if (key->algorithm != algorithm || (id.length > 0 && !dbk_text_equal(key->id, id)))
            continue;
        if (found != NULL)
            return NULL;
        found = key;
    }
    return found;
}
