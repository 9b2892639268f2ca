// SPDX-License-Identifier: Apache-2.0
// Finding keys.
//
// The table is an array sorted by prefix under a read-write lock that is only written when it is rebuilt. A
// change bumps `version` after it is published; a reader that sees another version than its table was built
// for rebuilds it first. So a revoked key is refused by every request that begins after the revocation was
// acknowledged.
#include "http/auth/keys_state.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

const char *const dbk_scope_names[DBK_SCOPE_COUNT + 1] = {
    "products:read", "products:write", "orders:read",    "orders:write", "customers:read", "customers:write",
    "reports:read",  "webhooks:read",  "webhooks:write", "ingest:write", "closures:write", NULL};

dbk_scopes dbk_scope_find(dbk_text name)
{
    if (name.length == 0)
        return 0;
    for (int i = 0; i < DBK_SCOPE_COUNT; i++) {
        const char *known = dbk_scope_names[i];
        if (known[0] == name.data[0] && dbk_text_equal(name, dbk_text_from(known)))
            return (dbk_scopes)1 << i;
    }
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
    if (pthread_key_create(&keys->digests, dbk_key_digest_free) != 0) {
        EVP_MD_free(keys->sha256);
        free(keys);
        return dbk_fail(err, DBK_NO_MEMORY, "no memory for the keys");
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
    // Threads that have ended have left nothing; this one may have hashed, too.
    dbk_key_digest_free(pthread_getspecific(keys->digests));
    pthread_key_delete(keys->digests);
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

static void copy_text(char *out, size_t size, dbk_text text)
{
    size_t length = text.length < size ? text.length : size - 1;
    if (length > 0)
        memcpy(out, text.data, length);
    out[length] = 0;
}

static bool read_entry(const dbk_result *rows, size_t row, dbk_text tenant, dbk_key_entry *out)
{
    dbk_text prefix = dbk_result_text(rows, row, DBK_KEYS_PREFIX);
    *out = (dbk_key_entry){.expires_at = dbk_result_int(rows, row, DBK_KEYS_EXPIRES),
                           .revoked_at = dbk_result_int(rows, row, DBK_KEYS_REVOKED)};
    if (prefix.length != DBK_KEY_PREFIX_BYTES ||
        !dbk_key_hash_read(dbk_result_text(rows, row, DBK_KEYS_HASH), out->hash))
        return false;
    memcpy(out->prefix, prefix.data, sizeof(out->prefix));
    copy_text(out->key.id, sizeof(out->key.id), dbk_result_text(rows, row, DBK_KEYS_ID));
    copy_text(out->key.tenant, sizeof(out->key.tenant), tenant);
    copy_text(out->key.creator, sizeof(out->key.creator), dbk_result_text(rows, row, DBK_KEYS_CREATOR));
    out->key.scopes = dbk_scopes_parse(dbk_result_text(rows, row, DBK_KEYS_SCOPES));
    return dbk_key_rate_parse(dbk_result_text(rows, row, DBK_KEYS_RATE), &out->key.rate, NULL) == DBK_OK;
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
    return memcmp(((const dbk_key_entry *)a)->prefix, ((const dbk_key_entry *)b)->prefix,
                  DBK_KEY_PREFIX_BYTES);
}

typedef struct entry_list {
    dbk_key_entry *items;
    size_t count, capacity;
} entry_list;

static dbk_status collect_tenant(dbk_keys *keys, entry_list *list, const dbk_snapshot *snapshot,
                                 dbk_text tenant, dbk_error *err)
{
    dbk_result *rows;
    DBK_TRY(dbk_keys_query(snapshot, tenant, (dbk_text){NULL, 0}, &rows, err));
    size_t needed = list->count + dbk_result_rows(rows);
    if (needed > list->capacity) {
        dbk_key_entry *grown = realloc(list->items, needed * 2 * sizeof(*grown));
        if (grown == NULL) {
            dbk_result_free(rows);
            return dbk_fail(err, DBK_NO_MEMORY, "no memory for the keys");
        }
        list->items = grown;
        list->capacity = needed * 2;
    }
    dbk_status status = DBK_OK;
    for (size_t row = 0; row < dbk_result_rows(rows) && status == DBK_OK; row++) {
        dbk_key_entry *e = &list->items[list->count];
        if (!read_entry(rows, row, tenant, e))
            continue;
        e->key.usage = usage_of(keys, &e->key, dbk_result_int(rows, row, DBK_KEYS_USED));
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

static bool is_alive(const dbk_key_entry *e, int64_t now_ms)
{
    return e->revoked_at == DBK_NULL && (e->expires_at == DBK_NULL || now_ms < e->expires_at);
}

dbk_status dbk_keys_find(dbk_keys *keys, dbk_text text, int64_t now_ms, dbk_key *out, dbk_error *err)
{
    uint8_t hash[DBK_KEY_HASH_BYTES];
    if (text.length != DBK_KEY_TEXT_BYTES || !dbk_key_is_shaped(text) || !dbk_key_hash(keys, text, hash))
        return dbk_fail(err, DBK_NOT_FOUND, "no such key");
    DBK_TRY(lock_current(keys, err));
    dbk_status status = DBK_NOT_FOUND;
    for (size_t i = lower_bound(keys, text.data);
         i < keys->count && memcmp(keys->entries[i].prefix, text.data, DBK_KEY_PREFIX_BYTES) == 0; i++) {
        const dbk_key_entry *e = &keys->entries[i];
        if (CRYPTO_memcmp(e->hash, hash, DBK_KEY_HASH_BYTES) == 0 && is_alive(e, now_ms)) {
            *out = e->key;
            status = DBK_OK;
        }
    }
    pthread_rwlock_unlock(&keys->lock);
    return status == DBK_OK ? DBK_OK : dbk_fail(err, status, "no such key");
}

void dbk_keys_used(const dbk_key *key, int64_t now_ms)
{
    int64_t before = atomic_load_explicit(&key->usage->used_at, memory_order_relaxed);
    if (before == DBK_NULL || now_ms - before >= 1000)
        atomic_store_explicit(&key->usage->used_at, now_ms, memory_order_relaxed);
}
