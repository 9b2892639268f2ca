// SPDX-License-Identifier: Apache-2.0
// The rows of api_keys: how they are asked for, and what their texts mean.
#include "http/auth/keys_state.h"
#include "http/auth/limiter.h"

#include <string.h>

const char *const dbk_key_fields[DBK_KEYS_FIELDS] = {"id",         "name",         "prefix",     "hash",
                                                     "scopes",     "rate",         "created_at", "expires_at",
                                                     "revoked_at", "last_used_at", "created_by"};

dbk_status dbk_keys_query(const dbk_snapshot *snapshot, dbk_text tenant, dbk_text id, dbk_result **out,
                          dbk_error *err)
{
    dbk_value value = {.kind = DBK_VALUE_TEXT, .text = id};
    dbk_filter filter = {.column = "id", .op = DBK_OP_EQ, .values = &value, .values_count = 1};
    dbk_order order[] = {{.output = DBK_KEYS_CREATED}, {.output = DBK_KEYS_ID}};
    dbk_query query = {.table = "api_keys",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .filters = &filter,
                       .filters_count = id.length > 0 ? 1 : 0,
                       .fields = dbk_key_fields,
                       .fields_count = DBK_COUNT(dbk_key_fields),
                       .order = order,
                       .order_count = DBK_COUNT(order)};
    return dbk_query_run(snapshot, tenant, &query, out, err);
}

dbk_scopes dbk_scopes_parse(dbk_text list)
{
    dbk_scopes scopes = 0;
    while (list.length > 0) {
        const char *comma = memchr(list.data, ',', list.length);
        uint32_t length = comma != NULL ? (uint32_t)(comma - list.data) : list.length;
        scopes |= dbk_scope_find((dbk_text){list.data, length});
        uint32_t step = comma != NULL ? length + 1 : length;
        list = (dbk_text){list.data + step, list.length - step};
    }
    return scopes;
}

dbk_status dbk_key_rate_parse(dbk_text text, int *out, dbk_error *err)
{
    *out = DBK_RATE_DEFAULT;
    if (text.length == 0)
        return DBK_OK;
    *out = DBK_RATE_OFF;
    if (dbk_text_equal(text, DBK_TEXT("off")))
        return DBK_OK;
    int value = 0;
    for (uint32_t i = 0; i < text.length; i++) {
        bool is_digit = text.data[i] >= '0' && text.data[i] <= '9';
        value = is_digit && value <= DBK_LIMITER_RATE_MAX ? value * 10 + (text.data[i] - '0')
                                                          : DBK_LIMITER_RATE_MAX + 1;
    }
    if (value < 1 || value > DBK_LIMITER_RATE_MAX)
        return dbk_fail(err, DBK_INVALID,
                        "rate must be \"off\" or a number of requests a minute from 1 to %d",
                        DBK_LIMITER_RATE_MAX);
    *out = value;
    return DBK_OK;
}

void dbk_key_hash_write(const uint8_t hash[DBK_KEY_HASH_BYTES], char out[DBK_KEY_HASH_HEX])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < DBK_KEY_HASH_BYTES; i++) {
        out[2 * i] = digits[hash[i] >> 4];
        out[2 * i + 1] = digits[hash[i] & 15];
    }
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool dbk_key_hash_read(dbk_text hex, uint8_t out[DBK_KEY_HASH_BYTES])
{
    if (hex.length != DBK_KEY_HASH_HEX)
        return false;
    for (size_t i = 0; i < DBK_KEY_HASH_BYTES; i++) {
        const int high = hex_value(hex.data[2 * i]), low = hex_value(hex.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

void dbk_key_digest_free(void *context)
{
    EVP_MD_CTX_free(context);
}

// The thread's own; NULL when memory is out.
static EVP_MD_CTX *digest_context(const dbk_keys *keys)
{
    EVP_MD_CTX *context = pthread_getspecific(keys->digests);
    if (context == NULL) {
        context = EVP_MD_CTX_new();
        if (context == NULL || pthread_setspecific(keys->digests, context) != 0) {
            EVP_MD_CTX_free(context);
            return NULL;
        }
    }
    return context;
}

bool dbk_key_hash(const dbk_keys *keys, dbk_text text, uint8_t out[DBK_KEY_HASH_BYTES])
{
    EVP_MD_CTX *context = digest_context(keys);
    return context != NULL && EVP_DigestInit_ex(context, keys->sha256, NULL) == 1 &&
           EVP_DigestUpdate(context, text.data, text.length) == 1 &&
           EVP_DigestFinal_ex(context, out, NULL) == 1;
}
