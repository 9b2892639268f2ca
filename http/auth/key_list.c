// SPDX-License-Identifier: Apache-2.0
// Keys as JSON, for the operator.
#include "http/auth/keys_state.h"

#include <string.h>

// DBK_NULL when the key was never used. What was noted is newer than what is stored.
static int64_t used_at(dbk_keys *keys, dbk_text tenant, const dbk_result *rows, size_t row)
{
    int64_t at = dbk_result_int(rows, row, DBK_KEYS_USED);
    pthread_rwlock_rdlock(&keys->lock);
    for (dbk_key_usage *usage = keys->usages; usage != NULL; usage = usage->next)
        if (dbk_text_equal(dbk_text_from(usage->id), dbk_result_text(rows, row, DBK_KEYS_ID)) &&
            dbk_text_equal(dbk_text_from(usage->tenant), tenant))
            at = atomic_load_explicit(&usage->used_at, memory_order_relaxed);
    pthread_rwlock_unlock(&keys->lock);
    return at;
}

static void write_key(dbk_keys *keys, const dbk_result *rows, size_t row, dbk_text tenant, int64_t now_ms,
                      dbk_out *json)
{
    int64_t expires_at = dbk_result_int(rows, row, DBK_KEYS_EXPIRES);
    bool is_revoked = !dbk_result_is_null(rows, row, DBK_KEYS_REVOKED);
    bool is_expired = expires_at != DBK_NULL && expires_at <= now_ms;
    dbk_out_object(json);
    dbk_out_key(json, "id");
    dbk_out_text(json, dbk_result_text(rows, row, DBK_KEYS_ID));
    dbk_out_key(json, "tenant");
    dbk_out_text(json, tenant);
    dbk_out_key(json, "name");
    dbk_out_text_or_null(json, dbk_result_text(rows, row, DBK_KEYS_NAME));
    dbk_out_key(json, "prefix");
    dbk_out_text(json, dbk_result_text(rows, row, DBK_KEYS_PREFIX));
    dbk_out_key(json, "scopes");
    dbk_out_array(json);
    dbk_scopes scopes = dbk_scopes_parse(dbk_result_text(rows, row, DBK_KEYS_SCOPES));
    for (int i = 0; i < DBK_SCOPE_COUNT; i++)
        if (scopes >> i & 1)
            dbk_out_string(json, dbk_scope_names[i]);
    dbk_out_array_end(json);
    dbk_out_key(json, "rate");
    dbk_out_text_or_null(json, dbk_result_text(rows, row, DBK_KEYS_RATE));
    dbk_out_key(json, "status");
    dbk_out_string(json, is_revoked ? "Revoked" : is_expired ? "Expired" : "Active");
    dbk_out_key(json, "createdAt");
    dbk_out_time(json, dbk_result_int(rows, row, DBK_KEYS_CREATED));
    dbk_out_key(json, "expiresAt");
    dbk_out_time(json, expires_at);
    dbk_out_key(json, "revokedAt");
    dbk_out_time(json, dbk_result_int(rows, row, DBK_KEYS_REVOKED));
    dbk_out_key(json, "lastUsedAt");
    dbk_out_time(json, used_at(keys, tenant, rows, row));
    dbk_out_key(json, "createdBy");
    dbk_out_text_or_null(json, dbk_result_text(rows, row, DBK_KEYS_CREATOR));
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
        status = dbk_keys_query(read.snapshot, name, (dbk_text){NULL, 0}, &rows, err);
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
