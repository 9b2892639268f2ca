// SPDX-License-Identifier: Apache-2.0
// Issuing and revoking keys, and storing when they were used.
#include "http/app/audit.h"
#include "http/app/system_row.h"
#include "http/auth/base64url.h"
#include "http/auth/keys_state.h"
#include "http/auth/random_id.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

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
    uint8_t bytes[DBK_KEY_HASH_BYTES];
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
    DBK_TRY(dbk_key_rate_parse(request->rate, &rate, err));
    uint8_t hash[DBK_KEY_HASH_BYTES];
    char hex[DBK_KEY_HASH_HEX];
    dbk_buffer scopes = {0};
    dbk_status status = join_scopes(request, &scopes, err);
    if (status == DBK_OK &&
        (!make_key(text) || !dbk_key_hash(keys, (dbk_text){text, DBK_KEY_TEXT_BYTES}, hash)))
        status = dbk_fail(err, DBK_IO, "the system gives no random bytes");
    if (status == DBK_OK)
        status = dbk_random_id("key_", id, err);
    if (status == DBK_OK) {
        dbk_key_hash_write(hash, hex);
        dbk_system_field fields[] = {
            {.column = "id", .text = dbk_text_from(id)},
            {.column = "name", .text = request->name},
            {.column = "prefix", .text = {text, DBK_KEY_PREFIX_BYTES}},
            {.column = "hash", .text = {hex, DBK_KEY_HASH_HEX}},
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
    dbk_status status = dbk_keys_query(read.snapshot, tenant, id, out, err);
    dbk_read_end(db, &read);
    DBK_TRY(status);
    if (dbk_result_rows(*out) > 0)
        return DBK_OK;
    dbk_result_free(*out);
    return dbk_fail(err, DBK_NOT_FOUND, "Key not found.");
}

static bool is_time_field(int field)
{
    return field >= DBK_KEYS_CREATED && field <= DBK_KEYS_USED;
}

// The whole row as it stands, to be stored with something changed.
static void copy_fields(const dbk_result *row, dbk_system_field fields[DBK_KEYS_FIELDS])
{
    for (int i = 0; i < DBK_KEYS_FIELDS; i++)
        fields[i] =
            (dbk_system_field){.column = dbk_key_fields[i],
                               .text = is_time_field(i) ? (dbk_text){NULL, 0} : dbk_result_text(row, 0, i),
                               .number = is_time_field(i) ? dbk_result_int(row, 0, i) : DBK_NULL};
}

static dbk_status revoke(dbk_keys *keys, dbk_text tenant, dbk_text id, int64_t now_ms, dbk_error *err)
{
    dbk_result *row;
    dbk_system_field fields[DBK_KEYS_FIELDS];
    DBK_TRY(read_key(keys, tenant, id, &row, err));
    dbk_status status = DBK_OK;
    if (dbk_result_is_null(row, 0, DBK_KEYS_REVOKED)) {
        copy_fields(row, fields);
        fields[DBK_KEYS_REVOKED].number = now_ms;
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

static dbk_status store_usage(dbk_keys *keys, dbk_key_usage *usage, dbk_error *err)
{
    int64_t used_at = atomic_load_explicit(&usage->used_at, memory_order_relaxed);
    dbk_result *row;
    dbk_system_field fields[DBK_KEYS_FIELDS];
    if (used_at == usage->stored)
        return DBK_OK;
    DBK_TRY(read_key(keys, dbk_text_from(usage->tenant), dbk_text_from(usage->id), &row, err));
    copy_fields(row, fields);
    fields[DBK_KEYS_USED].number = used_at;
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
