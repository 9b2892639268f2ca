// SPDX-License-Identifier: Apache-2.0
// API keys. A key is "dk_" and 32 random bytes in base64url; the store keeps its SHA-256 and its first 12
// characters, never the key. Keys are found through a table in memory that is rebuilt after a change of any
// tenant's keys; all changes go through here, so a look-up only compares two versions.
#ifndef DBK_KEYS_H
#define DBK_KEYS_H

#include "http/json/writer.h"
#include "ingest/store/store.h"
#include "ingest/store/tenant_name.h"

enum { DBK_KEY_TEXT_BYTES = 46, DBK_KEY_PREFIX_BYTES = 12, DBK_KEY_ID_MAX = 64, DBK_KEY_CREATOR_MAX = 100 };

// A scope is one bit, in the order of dbk_scope_names.
typedef uint32_t dbk_scopes;
enum { DBK_SCOPE_COUNT = 11 };
extern const char *const dbk_scope_names[DBK_SCOPE_COUNT + 1];
// The bit of a scope's name, 0 when there is no such scope.
dbk_scopes dbk_scope_find(dbk_text name);

enum { DBK_RATE_DEFAULT = -1, DBK_RATE_OFF = 0 };

// When a key was last used. Lives as long as the dbk_keys.
typedef struct dbk_key_usage dbk_key_usage;

typedef struct dbk_key {
    char id[DBK_KEY_ID_MAX + 1];
    char tenant[DBK_TENANT_NAME_MAX + 1];
    dbk_scopes scopes;
    int rate;                              // requests a minute, DBK_RATE_OFF or DBK_RATE_DEFAULT
    char creator[DBK_KEY_CREATOR_MAX + 1]; // who made it; "" = not known
    dbk_key_usage *usage;
} dbk_key;

typedef struct dbk_keys dbk_keys;

// Whether a text says that it is a key: it begins with "dk_", which no token does.
bool dbk_key_is_shaped(dbk_text text);

dbk_status dbk_keys_create(dbk_keys **out, dbk_store *store, dbk_error *err);
void dbk_keys_destroy(dbk_keys *keys);

// DBK_OK and the key; DBK_NOT_FOUND for one that is unknown, revoked or expired at now_ms, all three alike.
// Any thread.
dbk_status dbk_keys_find(dbk_keys *keys, dbk_text text, int64_t now_ms, dbk_key *out, dbk_error *err);

// Notes a successful call, to the second. Costs no more than a comparison most of the time; any thread.
void dbk_keys_used(const dbk_key *key, int64_t now_ms);
// Stores what dbk_keys_used noted since the last time. Waits for the disk; call it now and then, and before
// the end.
dbk_status dbk_keys_flush(dbk_keys *keys, dbk_error *err);

typedef struct dbk_key_request {
    dbk_text tenant, name;
    dbk_text created_by; // who makes it; may be empty
    const dbk_text *scopes;
    int scopes_count;
    dbk_text rate; // "off", a number from 1 to 100,000, or nothing
    int64_t now_ms, expires_at;
} dbk_key_request;

// Makes a key and stores its hash. `text` is the only copy there will be. Waits for the disk.
dbk_status dbk_keys_issue(dbk_keys *keys, const dbk_key_request *request, char id[DBK_KEY_ID_MAX + 1],
                          char text[DBK_KEY_TEXT_BYTES + 1], dbk_error *err);
// Revokes for ever; a second time changes nothing. DBK_NOT_FOUND: the tenant has no such key. Waits for the
// disk.
dbk_status dbk_keys_revoke(dbk_keys *keys, dbk_text tenant, dbk_text id, int64_t now_ms, dbk_error *err);
// The tenant's keys (of every tenant when the text is empty) as a JSON array, dead ones included, by tenant
// and creation.
dbk_status dbk_keys_write_list(dbk_keys *keys, dbk_text tenant, int64_t now_ms, dbk_out *json,
                               dbk_error *err);

#endif
