// SPDX-License-Identifier: Apache-2.0
// What the files behind keys.h share: the table in memory, and how the rows of api_keys are read.
#ifndef DBK_KEYS_STATE_H
#define DBK_KEYS_STATE_H

#include "engine/query.h"
#include "http/auth/keys.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>

enum { DBK_KEY_HASH_BYTES = 32, DBK_KEY_HASH_HEX = 64 };

typedef struct dbk_key_entry {
    char prefix[DBK_KEY_PREFIX_BYTES];
    uint8_t hash[DBK_KEY_HASH_BYTES];
    int64_t expires_at, revoked_at; // DBK_NULL = never
    dbk_key key;
} dbk_key_entry;

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
    pthread_key_t digests;        // a thread's context for it: making one costs more than the digest, too
    atomic_uint_fast64_t version; // of the stored keys
    // Held from reading a key's row to storing it changed, so that no change is lost.
    pthread_mutex_t change_lock;
    pthread_rwlock_t lock;
    dbk_key_usage *usages;  // newest first; added to with the write lock held
    dbk_key_entry *entries; // sorted by prefix
    size_t count;
    uint64_t built_for; // the version that entries were read after
};

// The columns of a row query over api_keys, in this order.
enum {
    DBK_KEYS_ID,
    DBK_KEYS_NAME,
    DBK_KEYS_PREFIX,
    DBK_KEYS_HASH,
    DBK_KEYS_SCOPES,
    DBK_KEYS_RATE,
    DBK_KEYS_CREATED,
    DBK_KEYS_EXPIRES,
    DBK_KEYS_REVOKED,
    DBK_KEYS_USED,
    DBK_KEYS_CREATOR,
    DBK_KEYS_FIELDS
};
extern const char *const dbk_key_fields[DBK_KEYS_FIELDS];

// Rows of all keys of a tenant, or of the one with this id, by creation.
dbk_status dbk_keys_query(const dbk_snapshot *snapshot, dbk_text tenant, dbk_text id, dbk_result **out,
                          dbk_error *err);
// The scopes of a list with commas; names that are not known are none.
dbk_scopes dbk_scopes_parse(dbk_text list);
// "off", a number, or nothing; anything else is DBK_INVALID.
dbk_status dbk_key_rate_parse(dbk_text text, int *out, dbk_error *err);
// What a thread leaves in dbk_keys.digests.
void dbk_key_digest_free(void *context);
// A key's SHA-256. False: OpenSSL failed, or memory is out.
bool dbk_key_hash(const dbk_keys *keys, dbk_text text, uint8_t out[DBK_KEY_HASH_BYTES]);
// Its form in the table, lower-case hex. Reading fails for anything else.
void dbk_key_hash_write(const uint8_t hash[DBK_KEY_HASH_BYTES], char out[DBK_KEY_HASH_HEX]);
bool dbk_key_hash_read(dbk_text hex, uint8_t out[DBK_KEY_HASH_BYTES]);

#endif
