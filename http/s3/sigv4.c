// SPDX-License-Identifier: Apache-2.0
// The four steps of the specification: canonical request, text to sign, signing key, signature.
#include "http/s3/sigv4.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HASH_BYTES = 32, SCOPE_MAX = 256, SECRET_MAX = 256 };

// Own additions to a request's headers and query: at most five.
enum { OWN_PAIRS = 6, ALL_PAIRS = DBK_SIGV4_PAIRS_MAX + OWN_PAIRS };

typedef struct pairs {
    dbk_sigv4_pair items[ALL_PAIRS];
    int count;
} pairs;

static void write_hex(const uint8_t *bytes, size_t size, char *out)
{
    for (size_t i = 0; i < size; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

bool dbk_sigv4_hash(const void *data, size_t size, char out[65])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    if (EVP_Digest(size > 0 ? data : "", size, digest, NULL, EVP_sha256(), NULL) != 1)
        return false;
    write_hex(digest, HASH_BYTES, out);
    return true;
}

void dbk_sigv4_time(int64_t now_ms, char out[DBK_SIGV4_TIME_BYTES])
{
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    strftime(out, DBK_SIGV4_TIME_BYTES, "%Y%m%dT%H%M%SZ", &utc);
}

void dbk_sigv4_encode(dbk_buffer *out, const char *text, bool encodes_slash)
{
    for (const char *at = text; *at != 0; at++) {
        char c = *at;
        bool is_plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                        strchr("-._~", c) != NULL || (c == '/' && !encodes_slash);
        if (is_plain)
            dbk_buffer_u8(out, (uint8_t)c);
        else
            dbk_buffer_format(out, "%%%02X", (uint8_t)c);
    }
}

static void add(pairs *list, const char *name, const char *value)
{
    list->items[list->count++] = (dbk_sigv4_pair){name, value};
}

// No two of our names are equal, and none needs encoding, so the order of names is that of their encoding.
static int compare_pairs(const void *a, const void *b)
{
    return strcmp(((const dbk_sigv4_pair *)a)->name, ((const dbk_sigv4_pair *)b)->name);
}

static dbk_status collect(pairs *out, const dbk_sigv4_pair *given, int count, dbk_error *err)
{
    if (count > DBK_SIGV4_PAIRS_MAX)
        return dbk_fail(err, DBK_INVALID, "a request to sign has more than %d headers or parameters",
                        DBK_SIGV4_PAIRS_MAX);
    for (int i = 0; i < count; i++)
        add(out, given[i].name, given[i].value);
    return DBK_OK;
}

static void write_query(dbk_buffer *out, pairs *query)
{
    qsort(query->items, (size_t)query->count, sizeof(query->items[0]), compare_pairs);
    for (int i = 0; i < query->count; i++) {
        if (i > 0)
            dbk_buffer_u8(out, '&');
        dbk_sigv4_encode(out, query->items[i].name, true);
        dbk_buffer_u8(out, '=');
        dbk_sigv4_encode(out, query->items[i].value, true);
    }
}

static void write_names(dbk_buffer *out, const pairs *headers)
{
    for (int i = 0; i < headers->count; i++)
        dbk_buffer_format(out, "%s%s", i > 0 ? ";" : "", headers->items[i].name);
}

static void write_canonical(dbk_buffer *out, const dbk_sigv4_request *request, pairs *query,
                            const pairs *headers)
{
    dbk_buffer_format(out, "%s\n", request->method);
    dbk_sigv4_encode(out, request->path, false);
    dbk_buffer_u8(out, '\n');
    write_query(out, query);
    dbk_buffer_u8(out, '\n');
    for (int i = 0; i < headers->count; i++)
        dbk_buffer_format(out, "%s:%s\n", headers->items[i].name, headers->items[i].value);
    dbk_buffer_u8(out, '\n');
    write_names(out, headers);
    dbk_buffer_format(out, "\n%s", request->payload_hash);
}

static bool mac(const uint8_t *key, size_t key_size, const char *text, uint8_t out[HASH_BYTES])
{
    unsigned size = 0;
    return HMAC(EVP_sha256(), key, (int)key_size, (const uint8_t *)text, strlen(text), out, &size) != NULL;
}

// The chain of keys: of the secret, for a day, for a region, for a service.
static bool make_signing_key(const dbk_sigv4_keys *keys, const char *day, uint8_t out[HASH_BYTES])
{
    char secret[SECRET_MAX];
    int length = snprintf(secret, sizeof(secret), "AWS4%s", keys->secret_key);
    bool is_made = length < SECRET_MAX && mac((const uint8_t *)secret, (size_t)length, day, out) &&
                   mac(out, HASH_BYTES, keys->region, out) && mac(out, HASH_BYTES, keys->service, out) &&
                   mac(out, HASH_BYTES, "aws4_request", out);
    OPENSSL_cleanse(secret, sizeof(secret));
    return is_made;
}

static bool write_scope(const dbk_sigv4_keys *keys, const char *time, char out[SCOPE_MAX])
{
    return snprintf(out, SCOPE_MAX, "%.8s/%s/%s/aws4_request", time, keys->region, keys->service) < SCOPE_MAX;
}

static dbk_status sign(const dbk_sigv4_keys *keys, const char *time, const char *scope,
                       const dbk_buffer *canonical, char signature[65], dbk_error *err)
{
    char hash[65], day[9], text[SCOPE_MAX + 128];
    uint8_t key[HASH_BYTES], digest[HASH_BYTES];
    snprintf(day, sizeof(day), "%.8s", time);
    bool is_signed = !canonical->failed && dbk_sigv4_hash(canonical->data, canonical->size, hash);
    if (is_signed) {
        snprintf(text, sizeof(text), "AWS4-HMAC-SHA256\n%s\n%s\n%s", time, scope, hash);
        is_signed = make_signing_key(keys, day, key) && mac(key, sizeof(key), text, digest);
    }
    OPENSSL_cleanse(key, sizeof(key));
    if (!is_signed)
        return dbk_fail(err, DBK_NO_MEMORY, "no memory for a signature");
    write_hex(digest, sizeof(digest), signature);
    return DBK_OK;
}

dbk_status dbk_sigv4_authorization(const dbk_sigv4_keys *keys, const dbk_sigv4_request *request,
                                   int64_t now_ms, dbk_buffer *out, dbk_error *err)
{
    char time[DBK_SIGV4_TIME_BYTES], scope[SCOPE_MAX], signature[65];
    pairs query = {0}, headers = {0};
    dbk_buffer canonical = {0};
    DBK_TRY(collect(&query, request->query, request->query_count, err));
    DBK_TRY(collect(&headers, request->headers, request->headers_count, err));
    dbk_sigv4_time(now_ms, time);
    if (!write_scope(keys, time, scope))
        return dbk_fail(err, DBK_INVALID, "the region is too long");
    add(&headers, "host", request->host);
    add(&headers, "x-amz-content-sha256", request->payload_hash);
    add(&headers, "x-amz-date", time);
    qsort(headers.items, (size_t)headers.count, sizeof(headers.items[0]), compare_pairs);
    write_canonical(&canonical, request, &query, &headers);
    dbk_status status = sign(keys, time, scope, &canonical, signature, err);
    dbk_buffer_dispose(&canonical);
    DBK_TRY(status);
    dbk_buffer_format(out, "AWS4-HMAC-SHA256 Credential=%s/%s,SignedHeaders=", keys->access_key, scope);
    write_names(out, &headers);
    dbk_buffer_format(out, ",Signature=%s", signature);
    return out->failed ? dbk_fail(err, DBK_NO_MEMORY, "no memory for a signature") : DBK_OK;
}

dbk_status dbk_sigv4_presign(const dbk_sigv4_keys *keys, const dbk_sigv4_request *request, int expires_s,
                             int64_t now_ms, dbk_buffer *out, dbk_error *err)
{
    char time[DBK_SIGV4_TIME_BYTES], scope[SCOPE_MAX], credential[2 * SCOPE_MAX], expires[16], signature[65];
    pairs query = {0}, headers = {0};
    dbk_buffer canonical = {0};
    if (expires_s < 1 || expires_s > DBK_SIGV4_EXPIRY_MAX_S)
        return dbk_fail(err, DBK_INVALID, "a signed URL holds for 1 to %d seconds", DBK_SIGV4_EXPIRY_MAX_S);
    DBK_TRY(collect(&query, request->query, request->query_count, err));
    dbk_sigv4_time(now_ms, time);
    if (!write_scope(keys, time, scope) ||
        snprintf(credential, sizeof(credential), "%s/%s", keys->access_key, scope) >= (int)sizeof(credential))
        return dbk_fail(err, DBK_INVALID, "the region or the access key is too long");
    snprintf(expires, sizeof(expires), "%d", expires_s);
    add(&headers, "host", request->host);
    add(&query, "X-Amz-Algorithm", "AWS4-HMAC-SHA256");
    add(&query, "X-Amz-Credential", credential);
    add(&query, "X-Amz-Date", time);
    add(&query, "X-Amz-Expires", expires);
    add(&query, "X-Amz-SignedHeaders", "host");
    write_canonical(&canonical, request, &query, &headers);
    dbk_status status = sign(keys, time, scope, &canonical, signature, err);
    dbk_buffer_dispose(&canonical);
    DBK_TRY(status);
    dbk_sigv4_encode(out, request->path, false);
    dbk_buffer_u8(out, '?');
    write_query(out, &query);
    dbk_buffer_format(out, "&X-Amz-Signature=%s", signature);
    return out->failed ? dbk_fail(err, DBK_NO_MEMORY, "no memory for a signature") : DBK_OK;
}
