// SPDX-License-Identifier: Apache-2.0
// Issuing and finding keys.
//
// The table is an array sorted by prefix under a read-write lock that is only written when it is rebuilt. A
// change bumps `version` after it is published; a reader that sees another version than its table was built
// for rebuilds it first. So a revoked key is refused by every request that begins after the revocation was
// acknowledged.
#include "http/auth/keys.h"

#include "engine/query.h"
#include "http/app/audit.h"
#include "http/app/system_row.h"
#include "http/auth/base64url.h"
#include "http/auth/limiter.h"
#include "http/auth/random_id.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const dbk_scope_names[DBK_SCOPE_COUNT + 1] = {
    "products:read", "products:write", "orders:read",    "orders:write", "customers:read", "customers:write",
    "reports:read",  "webhooks:read",  "webhooks:write", "ingest:write", "closures:write", NULL};

enum { HASH_BYTES = 32, HASH_HEX = 64 };

typedef struct entry {
    char prefix[DBK_KEY_PREFIX_BYTES];
    char hash[HASH_HEX];
    int64_t expires_at, revoked_at; // DBK_NULL = never
    dbk_key key;
} entry;

// Shared by every copy of a key and kept for good: keys are never taken away, so there are as many as keys.
struct dbk_key_usage {
    struct dbk_key_usage *next;
    atomic_int_fast64_t used_at; // DBK_NULL = never
    int64_t stored;              // what the row says; under change_lock
    char tenant[DBK_TENANT_NAME_MAX + 1], id[DBK_KEY_ID_MAX + 1];
};

struct dbk_keys {
    dbk_store *store;
    EVP_MD *sha256;               // fetched once: a fetch costs more than the digest
    atomic_uint_fast64_t version; // of the stored keys
    // Held from reading a key's row to storing it changed, so that no change is lost.
    pthread_mutex_t change_lock;
    pthread_rwlock_t lock;
    dbk_key_usage *usages; // newest first; added to with the write lock held
    entry *entries;        // sorted by prefix
    size_t count;
    uint64_t built_for; // the version that entries were read after
};

dbk_scopes dbk_scope_find(dbk_text name)
{
    for (int i = 0; i < DBK_SCOPE_COUNT; i++)
        if (dbk_text_equal(name, dbk_text_from(dbk_scope_names[i])))
            return (dbk_scopes)1 << i;
    return 0;
}

bool dbk_key_is_shaped(dbk_text text)
{
    return text.length >= 3 && memcmp(text.data, "dk_", 3) == 0;
}

dbk_status dbk_keys_create(dbk_keys **out, dbk_store *store, dbk_error *err)
{
    dbk_keys *keys = calloc(1, sizeof(*keys));
    if (keys == NULL)
        return dbk_fail(err, DBK_NO_MEMORY, "no memory for the keys");
    keys->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (keys->sha256 == NULL) {
        free(keys);
        return dbk_fail(err, DBK_INVALID, "OpenSSL offers no SHA-256; check its configuration");
    }
    keys->store = store;
    keys->version = 1;
    pthread_rwlock_init(&keys->lock, NULL);
    pthread_mutex_init(&keys->change_lock, NULL);
    *out = keys;
    return DBK_OK;
}

void dbk_keys_destroy(dbk_keys *keys)
{
    if (keys == NULL)
        return;
    EVP_MD_free(keys->sha256);
    for (dbk_key_usage *usage = keys->usages, *next; usage != NULL; usage = next) {
        next = usage->next;
        free(usage);
    }
    pthread_rwlock_destroy(&keys->lock);
    pthread_mutex_destroy(&keys->change_lock);
    free(keys->entries);
    free(keys);
}

static void write_hex(const uint8_t *bytes, size_t size, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
}

static bool hash_key(const dbk_keys *keys, dbk_text text, char out[HASH_HEX])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    if (EVP_Digest(text.data, text.length, digest, NULL, keys->sha256, NULL) != 1)
        return false;
    write_hex(digest, HASH_BYTES, out);
    return true;
}

// ---- Reading the stored keys ----

// The columns of a row query over api_keys, in this order.
enum {
    KEY_ID,
    KEY_NAME,
    KEY_PREFIX,
    KEY_HASH,
    KEY_SCOPES,
    KEY_RATE,
    KEY_CREATED,
    KEY_EXPIRES,
    KEY_REVOKED,
    KEY_USED,
    KEY_CREATOR
};
static const char *const key_fields[] = {"id",         "name",         "prefix",     "hash",
                                         "scopes",     "rate",         "created_at", "expires_at",
                                         "revoked_at", "last_used_at", "created_by"};

static dbk_status query_keys(const dbk_snapshot *snapshot, dbk_text tenant, dbk_text id, dbk_result **out,
                             dbk_error *err)
{
    dbk_value value = {.kind = DBK_VALUE_TEXT, .text = id};
    dbk_filter filter = {.column = "id", .op = DBK_OP_EQ, .values = &value, .values_count = 1};
    dbk_order order[] = {{.output = KEY_CREATED}, {.output = KEY_ID}};
    dbk_query query = {.table = "api_keys",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .filters = &filter,
                       .filters_count = id.length > 0 ? 1 : 0,
                       .fields = key_fields,
                       .fields_count = DBK_COUNT(key_fields),
                       .order = order,
                       .order_count = DBK_COUNT(order)};
    return dbk_query_run(snapshot, tenant, &query, out, err);
}

static dbk_scopes parse_scopes(dbk_text list)
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

// "off", a number, or nothing; anything else is DBK_INVALID.
static dbk_status parse_rate(dbk_text text, int *out, dbk_error *err)
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

static void copy_text(char *out, size_t size, dbk_text text)
{
    size_t length = text.length < size ? text.length : size - 1;
    if (length > 0)
        memcpy(out, text.data, length);
    out[length] = 0;
}

static bool read_entry(const dbk_result *rows, size_t row, dbk_text tenant, entry *out)
{
    dbk_text prefix = dbk_result_text(rows, row, KEY_PREFIX), hash = dbk_result_text(rows, row, KEY_HASH);
    if (prefix.length != DBK_KEY_PREFIX_BYTES || hash.length != HASH_HEX)
        return false;
    *out = (entry){.expires_at = dbk_result_int(rows, row, KEY_EXPIRES),
                   .revoked_at = dbk_result_int(rows, row, KEY_REVOKED)};
    memcpy(out->prefix, prefix.data, sizeof(out->prefix));
    memcpy(out->hash, hash.data, sizeof(out->hash));
    copy_text(out->key.id, sizeof(out->key.id), dbk_result_text(rows, row, KEY_ID));
    copy_text(out->key.tenant, sizeof(out->key.tenant), tenant);
    copy_text(out->key.creator, sizeof(out->key.creator), dbk_result_text(rows, row, KEY_CREATOR));
    out->key.scopes = parse_scopes(dbk_result_text(rows, row, KEY_SCOPES));
    return parse_rate(dbk_result_text(rows, row, KEY_RATE), &out->key.rate, NULL) == DBK_OK;
}

// The key's usage from the table before, or a new one; NULL when memory is out. With the write lock held.
static dbk_key_usage *usage_of(dbk_keys *keys, const dbk_key *key, int64_t stored)
{
    for (dbk_key_usage *usage = keys->usages; usage != NULL; usage = usage->next)
        if (strcmp(usage->id, key->id) == 0 && strcmp(usage->tenant, key->tenant) == 0)
            return usage;
    dbk_key_usage *usage = calloc(1, sizeof(*usage));
    if (usage == NULL)
        return NULL;
    memcpy(usage->id, key->id, sizeof(usage->id));
    memcpy(usage->tenant, key->tenant, sizeof(usage->tenant));
    atomic_init(&usage->used_at, stored);
    usage->stored = stored;
    usage->next = keys->usages;
    keys->usages = usage;
    return usage;
}

static int compare_entries(const void *a, const void *b)
{
    return memcmp(((const entry *)a)->prefix, ((const entry *)b)->prefix, DBK_KEY_PREFIX_BYTES);
}

typedef struct entry_list {
    entry *items;
    size_t count, capacity;
} entry_list;

static dbk_status collect_tenant(dbk_keys *keys, entry_list *list, const dbk_snapshot *snapshot,
                                 dbk_text tenant, dbk_error *err)
{
    dbk_result *rows;
    DBK_TRY(query_keys(snapshot, tenant, (dbk_text){NULL, 0}, &rows, err));
    size_t needed = list->count + dbk_result_rows(rows);
    if (needed > list->capacity) {
        entry *grown = realloc(list->items, needed * 2 * sizeof(*grown));
        if (grown == NULL) {
            dbk_result_free(rows);
            return dbk_fail(err, DBK_NO_MEMORY, "no memory for the keys");
        }
        list->items = grown;
        list->capacity = needed * 2;
    }
    dbk_status status = DBK_OK;
    for (size_t row = 0; row < dbk_result_rows(rows) && status == DBK_OK; row++) {
        entry *e = &list->items[list->count];
        if (!read_entry(rows, row, tenant, e))
            continue;
        e->key.usage = usage_of(keys, &e->key, dbk_result_int(rows, row, KEY_USED));
        if (e->key.usage == NULL)
            status = dbk_fail(err, DBK_NO_MEMORY, "no memory for the keys");
        list->count++;
    }
    dbk_result_free(rows);
    return status;
}

// With the write lock held.
static dbk_status rebuild(dbk_keys *keys, dbk_error *err)
{
    uint64_t version = atomic_load(&keys->version);
    if (keys->built_for == version)
        return DBK_OK;
    dbk_db *db = dbk_store_db(keys->store);
    dbk_read read = dbk_read_begin(db);
    entry_list list = {0};
    dbk_status status = DBK_OK;
    for (size_t i = 0; i < dbk_snapshot_tenants(read.snapshot) && status == DBK_OK; i++)
        status = collect_tenant(keys, &list, read.snapshot, dbk_snapshot_tenant_name(read.snapshot, i), err);
    dbk_read_end(db, &read);
    if (status != DBK_OK) {
        free(list.items);
        return status;
    }
    if (list.count > 0)
        qsort(list.items, list.count, sizeof(*list.items), compare_entries);
    free(keys->entries);
    keys->entries = list.items;
    keys->count = list.count;
    keys->built_for = version;
    return DBK_OK;
}

// Returns with the read lock held and a table of the current version, or with a failure and no lock.
static dbk_status lock_current(dbk_keys *keys, dbk_error *err)
{
    for (;;) {
        pthread_rwlock_rdlock(&keys->lock);
        if (keys->built_for == atomic_load(&keys->version))
            return DBK_OK;
        pthread_rwlock_unlock(&keys->lock);
        pthread_rwlock_wrlock(&keys->lock);
        dbk_status status = rebuild(keys, err);
        pthread_rwlock_unlock(&keys->lock);
        DBK_TRY(status);
    }
}

static size_t lower_bound(const dbk_keys *keys, const char *prefix)
{
    size_t low = 0, high = keys->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(keys->entries[middle].prefix, prefix, DBK_KEY_PREFIX_BYTES) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_alive(const entry *e, int64_t now_ms)
{
    return e->revoked_at == DBK_NULL && (e->expires_at == DBK_NULL || now_ms < e->expires_at);
}

dbk_status dbk_keys_find(dbk_keys *keys, dbk_text text, int64_t now_ms, dbk_key *out, dbk_error *err)
{
    char hash[HASH_HEX];
    if (text.length != DBK_KEY_TEXT_BYTES || !dbk_key_is_shaped(text) || !hash_key(keys, text, hash))
        return dbk_fail(err, DBK_NOT_FOUND, "no such key");
    DBK_TRY(lock_current(keys, err));
    dbk_status status = DBK_NOT_FOUND;
    for (size_t i = lower_bound(keys, text.data);
         i < keys->count && memcmp(keys->entries[i].prefix, text.data, DBK_KEY_PREFIX_BYTES) == 0; i++) {
        const entry *e = &keys->entries[i];
        if (CRYPTO_memcmp(e->hash, hash, HASH_HEX) == 0 && is_alive(e, now_ms)) {
            *out = e->key;
            status = DBK_OK;
        }
    }
    pthread_rwlock_unlock(&keys->lock);
    return status == DBK_OK ? DBK_OK : dbk_fail(err, status, "no such key");
}

// ---- Changing them ----

static dbk_status join_scopes(const dbk_key_request *request, dbk_buffer *out, dbk_error *err)
{
    for (int i = 0; i < request->scopes_count; i++) {
        if (dbk_scope_find(request->scopes[i]) == 0) {
            dbk_buffer known = {0};
            for (int s = 0; s < DBK_SCOPE_COUNT; s++)
                dbk_buffer_format(&known, "%s%s", s > 0 ? ", " : "", dbk_scope_names[s]);
            dbk_status status =
                dbk_fail(err, DBK_INVALID, "unknown scope \"%.*s\"; the scopes are %.*s",
                         (int)(request->scopes[i].length < 40 ? request->scopes[i].length : 40),
                         request->scopes[i].data, (int)known.size, (const char *)known.data);
            dbk_buffer_dispose(&known);
            return status;
        }
        if (i > 0)
            dbk_buffer_u8(out, ',');
        dbk_buffer_append(out, request->scopes[i].data, request->scopes[i].length);
    }
    if (request->scopes_count == 0)
        return dbk_fail(err, DBK_INVALID, "a key needs at least one scope");
    return out->failed ? dbk_fail(err, DBK_NO_MEMORY, "no memory for a key") : DBK_OK;
}

// "dk_" and base64url of 32 bytes: 43 characters.
static bool make_key(char out[DBK_KEY_TEXT_BYTES + 1])
{
    uint8_t bytes[HASH_BYTES];
    if (RAND_bytes(bytes, sizeof(bytes)) != 1)
        return false;
    memcpy(out, "dk_", 3);
    dbk_base64url_encode(bytes, sizeof(bytes), out + 3);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return true;
}

// Stores a key's row and its entry in the audit log as one change; fields[0] is the id.
static dbk_status write_audited(dbk_keys *keys, dbk_text tenant, const dbk_system_field *fields, int count,
                                int64_t now_ms, const char *action, dbk_error *err)
{
    dbk_audit_entry told = {
        .at_ms = now_ms, .action = action, .entity_type = "api_key", .entity_id = fields[0].text};
    dbk_batch row = {0}, audit = {0};
    const dbk_batch *batches[] = {&row, &audit};
    dbk_status status = dbk_system_row_build(&row, DBK_API_KEYS, fields, count, false, err);
    if (status == DBK_OK)
        status = dbk_audit_build(&audit, &told, err);
    if (status == DBK_OK)
        status = dbk_system_rows_write(keys->store, tenant, batches, 2, err);
    atomic_fetch_add(&keys->version, 1);
    dbk_batch_dispose(&row);
    dbk_batch_dispose(&audit);
    return status;
}

dbk_status dbk_keys_issue(dbk_keys *keys, const dbk_key_request *request, char id[DBK_KEY_ID_MAX + 1],
                          char text[DBK_KEY_TEXT_BYTES + 1], dbk_error *err)
{
    int rate;
    if (!dbk_tenant_name_is_valid(request->tenant))
        return dbk_fail(err, DBK_INVALID, "tenant must be 1 to %d letters, digits, '.', '_' or '-'",
                        DBK_TENANT_NAME_MAX);
    if (request->name.length > 100)
        return dbk_fail(err, DBK_INVALID, "name must be at most 100 characters");
    if (request->created_by.length > DBK_KEY_CREATOR_MAX)
        return dbk_fail(err, DBK_INVALID, "createdBy must be at most %d bytes", DBK_KEY_CREATOR_MAX);
    if (request->expires_at != DBK_NULL && request->expires_at <= request->now_ms)
        return dbk_fail(err, DBK_INVALID, "expiresAt must be in the future");
    DBK_TRY(parse_rate(request->rate, &rate, err));
    char hash[HASH_HEX];
    dbk_buffer scopes = {0};
    dbk_status status = join_scopes(request, &scopes, err);
    if (status == DBK_OK && (!make_key(text) || !hash_key(keys, (dbk_text){text, DBK_KEY_TEXT_BYTES}, hash)))
        status = dbk_fail(err, DBK_IO, "the system gives no random bytes");
    if (status == DBK_OK)
        status = dbk_random_id("key_", id, err);
    if (status == DBK_OK) {
        dbk_system_field fields[] = {
            {.column = "id", .text = dbk_text_from(id)},
            {.column = "name", .text = request->name},
            {.column = "prefix", .text = {text, DBK_KEY_PREFIX_BYTES}},
            {.column = "hash", .text = {hash, HASH_HEX}},
            {.column = "scopes", .text = {(const char *)scopes.data, (uint32_t)scopes.size}},
            {.column = "rate", .text = request->rate},
            {.column = "created_at", .number = request->now_ms},
            {.column = "expires_at", .number = request->expires_at},
            {.column = "revoked_at", .number = DBK_NULL},
            {.column = "last_used_at", .number = DBK_NULL},
            {.column = "created_by", .text = request->created_by},
        };
        status = write_audited(keys, request->tenant, fields, DBK_COUNT(fields), request->now_ms,
                               "api_key.created", err);
    }
    dbk_buffer_dispose(&scopes);
    return status;
}

static dbk_status read_key(dbk_keys *keys, dbk_text tenant, dbk_text id, dbk_result **out, dbk_error *err)
{
    dbk_db *db = dbk_store_db(keys->store);
    dbk_read read = dbk_read_begin(db);
    dbk_status status = query_keys(read.snapshot, tenant, id, out, err);
    dbk_read_end(db, &read);
    DBK_TRY(status);
    if (dbk_result_rows(*out) > 0)
        return DBK_OK;
    dbk_result_free(*out);
    return dbk_fail(err, DBK_NOT_FOUND, "Key not found.");
}

static bool is_time_field(int field)
{
    return field >= KEY_CREATED && field <= KEY_USED;
}

// The whole row as it stands, to be stored with something changed.
static void copy_fields(const dbk_result *row, dbk_system_field fields[DBK_COUNT(key_fields)])
{
    for (int i = 0; i < (int)DBK_COUNT(key_fields); i++)
        fields[i] =
            (dbk_system_field){.column = key_fields[i],
                               .text = is_time_field(i) ? (dbk_text){NULL, 0} : dbk_result_text(row, 0, i),
                               .number = is_time_field(i) ? dbk_result_int(row, 0, i) : DBK_NULL};
}

static dbk_status revoke(dbk_keys *keys, dbk_text tenant, dbk_text id, int64_t now_ms, dbk_error *err)
{
    dbk_result *row;
    dbk_system_field fields[DBK_COUNT(key_fields)];
    DBK_TRY(read_key(keys, tenant, id, &row, err));
    dbk_status status = DBK_OK;
    if (dbk_result_is_null(row, 0, KEY_REVOKED)) {
        copy_fields(row, fields);
        fields[KEY_REVOKED].number = now_ms;
        status = write_audited(keys, tenant, fields, DBK_COUNT(fields), now_ms, "api_key.revoked", err);
    }
    dbk_result_free(row);
    return status;
}

dbk_status dbk_keys_revoke(dbk_keys *keys, dbk_text tenant, dbk_text id, int64_t now_ms, dbk_error *err)
{
    pthread_mutex_lock(&keys->change_lock);
    dbk_status status = revoke(keys, tenant, id, now_ms, err);
    pthread_mutex_unlock(&keys->change_lock);
    return status;
}

// ---- When they were used ----

void dbk_keys_used(const dbk_key *key, int64_t now_ms)
{
    int64_t before = atomic_load_explicit(&key->usage->used_at, memory_order_relaxed);
    if (before == DBK_NULL || now_ms - before >= 1000)
        atomic_store_explicit(&key->usage->used_at, now_ms, memory_order_relaxed);
}

static dbk_status store_usage(dbk_keys *keys, dbk_key_usage *usage, dbk_error *err)
{
    int64_t used_at = atomic_load_explicit(&usage->used_at, memory_order_relaxed);
    dbk_result *row;
    dbk_system_field fields[DBK_COUNT(key_fields)];
    if (used_at == usage->stored)
        return DBK_OK;
    DBK_TRY(read_key(keys, dbk_text_from(usage->tenant), dbk_text_from(usage->id), &row, err));
    copy_fields(row, fields);
    fields[KEY_USED].number = used_at;
    dbk_status status = dbk_system_row_write(keys->store, dbk_text_from(usage->tenant), DBK_API_KEYS, fields,
                                             DBK_COUNT(fields), false, err);
    if (status == DBK_OK)
        usage->stored = used_at;
    dbk_result_free(row);
    return status;
}

dbk_status dbk_keys_flush(dbk_keys *keys, dbk_error *err)
{
    pthread_rwlock_rdlock(&keys->lock);
    dbk_key_usage *usage = keys->usages; // what is behind it never changes
    pthread_rwlock_unlock(&keys->lock);
    dbk_status status = DBK_OK;
    pthread_mutex_lock(&keys->change_lock);
    for (; usage != NULL && status == DBK_OK; usage = usage->next)
        status = store_usage(keys, usage, err);
    pthread_mutex_unlock(&keys->change_lock);
    return status;
}

// DBK_NULL when the key was never used. What was noted is newer than what is stored.
static int64_t used_at(dbk_keys *keys, dbk_text tenant, const dbk_result *rows, size_t row)
{
    int64_t at = dbk_result_int(rows, row, KEY_USED);
    pthread_rwlock_rdlock(&keys->lock);
    for (dbk_key_usage *usage = keys->usages; usage != NULL; usage = usage->next)
        if (dbk_text_equal(dbk_text_from(usage->id), dbk_result_text(rows, row, KEY_ID)) &&
            dbk_text_equal(dbk_text_from(usage->tenant), tenant))
            at = atomic_load_explicit(&usage->used_at, memory_order_relaxed);
    pthread_rwlock_unlock(&keys->lock);
    return at;
}

static void write_key(dbk_keys *keys, const dbk_result *rows, size_t row, dbk_text tenant, int64_t now_ms,
                      dbk_out *json)
{
    int64_t expires_at = dbk_result_int(rows, row, KEY_EXPIRES);
    bool is_revoked = !dbk_result_is_null(rows, row, KEY_REVOKED);
    bool is_expired = expires_at != DBK_NULL && expires_at <= now_ms;
    dbk_out_object(json);
    dbk_out_key(json, "id");
    dbk_out_text(json, dbk_result_text(rows, row, KEY_ID));
    dbk_out_key(json, "tenant");
    dbk_out_text(json, tenant);
    dbk_out_key(json, "name");
    dbk_out_text_or_null(json, dbk_result_text(rows, row, KEY_NAME));
    dbk_out_key(json, "prefix");
    dbk_out_text(json, dbk_result_text(rows, row, KEY_PREFIX));
    dbk_out_key(json, "scopes");
    dbk_out_array(json);
    dbk_scopes scopes = parse_scopes(dbk_result_text(rows, row, KEY_SCOPES));
    for (int i = 0; i < DBK_SCOPE_COUNT; i++)
        if (scopes >> i & 1)
            dbk_out_string(json, dbk_scope_names[i]);
    dbk_out_array_end(json);
    dbk_out_key(json, "rate");
    dbk_out_text_or_null(json, dbk_result_text(rows, row, KEY_RATE));
    dbk_out_key(json, "status");
    dbk_out_string(json, is_revoked ? "Revoked" : is_expired ? "Expired" : "Active");
    dbk_out_key(json, "createdAt");
    dbk_out_time(json, dbk_result_int(rows, row, KEY_CREATED));
    dbk_out_key(json, "expiresAt");
    dbk_out_time(json, expires_at);
    dbk_out_key(json, "revokedAt");
    dbk_out_time(json, dbk_result_int(rows, row, KEY_REVOKED));
    dbk_out_key(json, "lastUsedAt");
    dbk_out_time(json, used_at(keys, tenant, rows, row));
    dbk_out_key(json, "createdBy");
    dbk_out_text_or_null(json, dbk_result_text(rows, row, KEY_CREATOR));
    dbk_out_object_end(json);
}

dbk_status dbk_keys_write_list(dbk_keys *keys, dbk_text tenant, int64_t now_ms, dbk_out *json, dbk_error *err)
{
    dbk_db *db = dbk_store_db(keys->store);
    dbk_read read = dbk_read_begin(db);
    dbk_status status = DBK_OK;
    dbk_out_array(json);
    for (size_t i = 0; i < dbk_snapshot_tenants(read.snapshot) && status == DBK_OK; i++) {
        dbk_text name = dbk_snapshot_tenant_name(read.snapshot, i);
        if (tenant.length > 0 && !dbk_text_equal(tenant, name))
            continue;
        dbk_result *rows;
        status = query_keys(read.snapshot, name, (dbk_text){NULL, 0}, &rows, err);
        if (status != DBK_OK)
            break;
        for (size_t row = 0; row < dbk_result_rows(rows); row++)
            write_key(keys, rows, row, name, now_ms, json);
        dbk_result_free(rows);
    }
    dbk_out_array_end(json);
    dbk_read_end(db, &read);
    return status;
}
