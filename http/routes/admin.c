// SPDX-License-Identifier: Apache-2.0
// The operator's routes, for local requests only: keys, settings, checkpoint. The command line is their
// client.
#include "http/app/call.h"
#include "http/app/js_date.h"
#include "http/app/system_row.h"
#include "http/routes/handlers.h"
#include "ingest/parse/json.h"

#include <stdio.h>

// False: the call was answered.
static bool parse_body(dbk_call *call, dbk_json_doc *doc)
{
    dbk_text body = call->request->body;
    dbk_error err;
    dbk_status status = dbk_json_parse(body.data, body.length, doc, NULL, &err);
    if (status != DBK_OK) {
        dbk_call_fail(call, 400, "Invalid JSON body.");
        return false;
    }
    if (doc->root->type != DBK_JSON_OBJECT) {
        dbk_json_doc_dispose(doc);
        dbk_call_fail(call, 400, "The body must be a JSON object.");
        return false;
    }
    return true;
}

// ---- Keys ----

static bool read_scopes(dbk_call *call, const dbk_json *list, dbk_key_request *request)
{
    if (list == NULL || list->type != DBK_JSON_ARRAY)
        return false;
    dbk_text *scopes = dbk_arena_alloc(&call->arena, (list->count + 1) * sizeof(*scopes));
    if (scopes == NULL)
        return false;
    for (const dbk_json *m = dbk_json_first(list); m != NULL; m = dbk_json_next(list, m)) {
        if (m->type != DBK_JSON_STRING)
            return false;
        scopes[request->scopes_count++] = m->text;
    }
    request->scopes = scopes;
    return true;
}

// A number as it stands or a string: dbk_keys_issue judges both.
static dbk_text text_or_number(const dbk_json *value)
{
    if (value != NULL && (value->type == DBK_JSON_STRING || value->type == DBK_JSON_NUMBER))
        return value->text;
    return (dbk_text){NULL, 0};
}

static void issue_key(dbk_call *call, const dbk_json *body)
{
    char id[DBK_KEY_ID_MAX + 1], text[DBK_KEY_TEXT_BYTES + 1];
    dbk_error err;
    dbk_time_form form;
    dbk_key_request request = {.tenant = dbk_json_string_of(dbk_json_get(body, "tenant")),
                               .name = dbk_json_string_of(dbk_json_get(body, "name")),
                               .created_by = dbk_json_string_of(dbk_json_get(body, "createdBy")),
                               .rate = text_or_number(dbk_json_get(body, "rate")),
                               .now_ms = call->now_ms,
                               .expires_at = DBK_NULL};
    dbk_text expires = dbk_json_string_of(dbk_json_get(body, "expiresAt"));
    if (request.tenant.length == 0)
        request.tenant = call->tenant;
    if (expires.length > 0 && !dbk_js_date_parse(expires, NULL, &request.expires_at, &form)) {
        dbk_call_fail(call, 400, "expiresAt must be a date or time");
        return;
    }
    if (!read_scopes(call, dbk_json_get(body, "scopes"), &request)) {
        dbk_call_fail(call, 400, "scopes must be a list of strings");
        return;
    }
    dbk_status status = dbk_keys_issue(call->app->keys, &request, id, text, &err);
    if (status != DBK_OK) {
        dbk_call_fail_write(call, status, err.message);
        return;
    }
    dbk_out out = dbk_out_init(&call->body);
    dbk_out_object(&out);
    dbk_out_key(&out, "id");
    dbk_out_string(&out, id);
    dbk_out_key(&out, "key");
    dbk_out_string(&out, text);
    dbk_out_object_end(&out);
    dbk_call_answer_json(call, 201);
}

void dbk_admin_key_create(dbk_call *call)
{
    dbk_json_doc doc;
    if (!parse_body(call, &doc))
        return;
    issue_key(call, doc.root);
    dbk_json_doc_dispose(&doc);
}

void dbk_admin_key_list(dbk_call *call)
{
    dbk_error err;
    dbk_out out = dbk_out_init(&call->body);
    dbk_out_object(&out);
    dbk_out_key(&out, "data");
    dbk_status status = dbk_keys_write_list(call->app->keys, call->tenant, call->now_ms, &out, &err);
    dbk_out_object_end(&out);
    if (status == DBK_OK)
        dbk_call_answer_json(call, 200);
    else
        dbk_call_fail_read(call, status, &err);
}

// Ids are random: one names a key of one tenant, so the operator need not say which.
static dbk_status revoke(dbk_call *call, dbk_error *err)
{
    dbk_keys *keys = call->app->keys;
    if (call->tenant.length > 0)
        return dbk_keys_revoke(keys, call->tenant, call->argument, call->now_ms, err);
    const dbk_snapshot *snapshot = dbk_call_snapshot(call);
    dbk_status status =
        dbk_fail(err, DBK_NOT_FOUND, "there is no key %.*s", (int)call->argument.length, call->argument.data);
    for (size_t i = 0; i < dbk_snapshot_tenants(snapshot) && status == DBK_NOT_FOUND; i++)
        status =
            dbk_keys_revoke(keys, dbk_snapshot_tenant_name(snapshot, i), call->argument, call->now_ms, err);
    return status;
}

void dbk_admin_key_revoke(dbk_call *call)
{
    dbk_error err;
    dbk_status status = revoke(call, &err);
    if (status != DBK_OK) {
        dbk_call_fail_write(call, status, err.message);
        return;
    }
    dbk_out out = dbk_out_init(&call->body);
    dbk_out_object(&out);
    dbk_out_key(&out, "id");
    dbk_out_text(&out, call->argument);
    dbk_out_key(&out, "status");
    dbk_out_string(&out, "Revoked");
    dbk_out_object_end(&out);
    dbk_call_answer_json(call, 200);
}

// ---- Settings ----

void dbk_admin_settings_get(dbk_call *call)
{
    dbk_error err;
    dbk_out out = dbk_out_init(&call->body);
    dbk_status status = dbk_settings_write_all(dbk_call_snapshot(call), call->tenant, &out, &err);
    if (status == DBK_OK)
        dbk_call_answer_json(call, 200);
    else
        dbk_call_fail_read(call, status, &err);
}

enum { SETTINGS_MAX = 32 };

// Checks all of them before the first is stored.
static dbk_status check_settings(dbk_call *call, const dbk_json *body, dbk_error *err)
{
    if (body->count > SETTINGS_MAX)
        return dbk_fail(err, DBK_INVALID, "at most %d settings can be changed at once", SETTINGS_MAX);
    for (const dbk_json *m = dbk_json_first(body); m != NULL; m = dbk_json_next(body, m)) {
        if (m->type != DBK_JSON_STRING && m->type != DBK_JSON_NULL)
            return dbk_fail(err, DBK_INVALID, "settings are strings; null takes one away");
        dbk_text value = dbk_json_string_of(m);
        DBK_TRY(dbk_setting_check(m->key, value, err));
        if (dbk_text_equal(m->key, DBK_TEXT("app-id")) && value.length > 0)
            DBK_TRY(dbk_tokens_check_app(call->app->tokens, value, call->tenant, err));
    }
    return DBK_OK;
}

// What each of them became: null for one that was taken away, no more than that it changed for secrets and
// key sets.
static dbk_status audit_settings(dbk_call *call, const dbk_json *body, dbk_batch *batch, dbk_error *err)
{
    dbk_buffer details = {0};
    dbk_out out = dbk_out_init(&details);
    dbk_out_object(&out);
    for (const dbk_json *m = dbk_json_first(body); m != NULL; m = dbk_json_next(body, m)) {
        dbk_text value = dbk_json_string_of(m);
        bool is_shown = !dbk_setting_is_secret(m->key) && value.length <= DBK_SETTING_VALUE_MAX;
        dbk_out_key_text(&out, m->key);
        dbk_out_text_or_null(&out, value.length == 0 || is_shown ? value : DBK_TEXT("(changed)"));
    }
    dbk_out_object_end(&out);
    dbk_status status =
        details.failed ? dbk_fail(err, DBK_NO_MEMORY, "Out of memory; nothing was stored.")
                       : dbk_call_audit(call, batch, "tenant.settings_changed", "tenant", call->tenant,
                                        (dbk_text){(const char *)details.data, (uint32_t)details.size}, err);
    dbk_buffer_dispose(&details);
    return status;
}

static dbk_status build_setting(const dbk_json *member, dbk_batch *batch, dbk_error *err)
{
    dbk_system_field fields[] = {{.column = "id", .text = member->key},
                                 {.column = "value", .text = dbk_json_string_of(member)}};
    bool removes = fields[1].text.length == 0;
    return dbk_system_row_build(batch, DBK_SETTINGS, fields, removes ? 1 : 2, removes, err);
}

// All of them and the entry that tells of them, as one change.
static dbk_status store_settings(dbk_call *call, const dbk_json *body, dbk_error *err)
{
    dbk_batch batches[SETTINGS_MAX + 1] = {0};
    const dbk_batch *change[SETTINGS_MAX + 1];
    int count = 0;
    dbk_status status = DBK_OK;
    for (const dbk_json *m = dbk_json_first(body); m != NULL && status == DBK_OK; m = dbk_json_next(body, m))
        status = build_setting(m, &batches[count++], err);
    if (status == DBK_OK)
        status = audit_settings(call, body, &batches[count++], err);
    for (int i = 0; i < count; i++)
        change[i] = &batches[i];
    if (status == DBK_OK)
        status = dbk_system_rows_write(call->app->store, call->tenant, change, count, err);
    for (int i = 0; i < count; i++)
        dbk_batch_dispose(&batches[i]);
    return status;
}

void dbk_admin_settings_put(dbk_call *call)
{
    dbk_json_doc doc;
    dbk_error err;
    if (!parse_body(call, &doc))
        return;
    dbk_status status = check_settings(call, doc.root, &err);
    if (status == DBK_OK && doc.root->count > 0)
        status = store_settings(call, doc.root, &err);
    dbk_tokens_changed(call->app->tokens);
    dbk_json_doc_dispose(&doc);
    dbk_call_end_read(call);
    if (status == DBK_OK)
        dbk_admin_settings_get(call);
    else
        dbk_call_fail_write(call, status, err.message);
}

// ---- The data directory ----

void dbk_admin_checkpoint(dbk_call *call)
{
    dbk_error err;
    dbk_status status = dbk_store_checkpoint(call->app->store, &err);
    if (status != DBK_OK) {
        dbk_call_fail_write(call, status, err.message);
        return;
    }
    dbk_store_figures figures;
    dbk_store_figures_read(call->app->store, &figures);
    dbk_out out = dbk_out_init(&call->body);
    dbk_out_object(&out);
    dbk_out_key(&out, "checkpoints");
    dbk_out_int(&out, (int64_t)figures.checkpoints);
    dbk_out_object_end(&out);
    dbk_call_answer_json(call, 200);
}
