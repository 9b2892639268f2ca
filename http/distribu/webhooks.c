// SPDX-License-Identifier: Apache-2.0
// /api/v1/webhooks: subscriptions to a company's events (D79–D81), and the rotation of their secrets, which
// the vendor leaves to its dashboard and Daybook to the command line.
//
// A webhook is changed as a whole row, so each change is made with the deliverer's lock held, from reading
// the row to storing it; its entry in the audit log is part of the same change.
#include "http/app/call.h"
#include "http/app/system_row.h"
#include "http/auth/random_id.h"
#include "http/distribu/handlers.h"
#include "http/distribu/request.h"
#include "http/webhooks/deliverer.h"
#include "http/webhooks/signature.h"
#include "http/webhooks/webhook.h"

#include <curl/curl.h>
#include <string.h>

static dbk_status read_webhooks(dbk_call *call, dbk_text id, dbk_webhook_list *out, dbk_error *err)
{
    return dbk_webhooks_read(dbk_call_snapshot(call), call->tenant, id, &call->arena, out, err);
}

static void answer_one(dbk_call *call, int status, const dbk_webhook *webhook, bool with_secret)
{
    dbk_out out = dbk_out_init(&call->body);
    dbk_out_object(&out);
    dbk_out_key(&out, "data");
    dbk_webhook_write(&out, webhook, call->now_ms, with_secret);
    dbk_out_object_end(&out);
    dbk_call_answer_json(call, status);
}

// ---- Reading ----

void dbk_distribu_webhooks(dbk_call *call)
{
    dbk_webhook_list list;
    dbk_error err;
    dbk_status status = read_webhooks(call, (dbk_text){NULL, 0}, &list, &err);
    if (status != DBK_OK) {
        dbk_call_fail_read(call, status, &err);
        return;
    }
    dbk_out out = dbk_out_init(&call->body);
    dbk_out_object(&out);
    dbk_out_key(&out, "data");
    dbk_out_array(&out);
    for (size_t i = 0; i < list.count; i++)
        dbk_webhook_write(&out, &list.items[i], call->now_ms, false);
    dbk_out_array_end(&out);
    dbk_distribu_pagination(&out, false, (dbk_text){NULL, 0});
    dbk_out_object_end(&out);
    dbk_call_answer_json(call, 200);
}

void dbk_distribu_webhook(dbk_call *call)
{
    dbk_webhook_list list;
    dbk_error err;
    dbk_status status = read_webhooks(call, call->argument, &list, &err);
    if (status != DBK_OK)
        dbk_call_fail_read(call, status, &err);
    else if (list.count == 0)
        dbk_call_fail(call, 404, "Webhook not found.");
    else
        answer_one(call, 200, &list.items[0], false);
}

// ---- Fields ----

// http or https, with a host, of visible ASCII.
static bool is_url(dbk_text text)
{
    char url[DBK_WEBHOOK_URL_MAX + 1], *scheme = NULL, *host = NULL;
    if (text.length == 0 || text.length > DBK_WEBHOOK_URL_MAX)
        return false;
    for (uint32_t i = 0; i < text.length; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return false;
    memcpy(url, text.data, text.length);
    url[text.length] = 0;
    CURLU *parsed = curl_url();
    bool is_good = parsed != NULL && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
                   curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                   curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK && host[0] != 0 &&
                   (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(parsed);
    return is_good;
}

static bool read_url(dbk_call *call, const dbk_json *body, dbk_webhook *webhook)
{
    const dbk_json *value = dbk_json_get(body, "url");
    if (value == NULL)
        return webhook->url.length > 0;
    dbk_text url = dbk_json_string_of(value);
    if (!is_url(url))
        return false;
    // The document goes before the call does.
    webhook->url = (dbk_text){dbk_arena_copy(&call->arena, url.data, url.length), url.length};
    return webhook->url.data != NULL;
}

// Each name once, in the order given.
static bool read_events(dbk_call *call, const dbk_json *body, dbk_webhook *webhook)
{
    enum { NAMES_BYTES_MAX = 512 };
    const dbk_json *list = dbk_json_get(body, "events");
    if (list == NULL)
        return webhook->events.length > 0;
    char *joined = dbk_arena_alloc(&call->arena, NAMES_BYTES_MAX);
    if (list->type != DBK_JSON_ARRAY || joined == NULL)
        return false;
    dbk_webhook chosen = {.events = {joined, 0}};
    for (const dbk_json *m = dbk_json_first(list); m != NULL; m = dbk_json_next(list, m)) {
        dbk_text name = dbk_json_string_of(m);
        if (!dbk_event_is_known(name))
            return false;
        if (dbk_webhook_listens(&chosen, name))
            continue;
        if (chosen.events.length > 0)
            joined[chosen.events.length++] = ',';
        memcpy(joined + chosen.events.length, name.data, name.length);
        chosen.events.length += name.length;
    }
    webhook->events = chosen.events;
    return chosen.events.length > 0;
}

static bool read_active(const dbk_json *body, dbk_webhook *webhook)
{
    const dbk_json *value = dbk_json_get(body, "isActive");
    if (value == NULL)
        return true;
    webhook->is_active = value->type == DBK_JSON_TRUE;
    return value->type == DBK_JSON_TRUE || value->type == DBK_JSON_FALSE;
}

// What the body names replaces what the webhook has.
static bool read_fields(dbk_call *call, const dbk_json *body, dbk_webhook *webhook)
{
    return read_url(call, body, webhook) && read_events(call, body, webhook) && read_active(body, webhook);
}

// ---- Writing ----

static dbk_status store(dbk_call *call, const dbk_webhook *webhook, const char *action, bool removes,
                        dbk_error *err)
{
    dbk_batch row = {0}, audit = {0};
    const dbk_batch *batches[] = {&row, &audit};
    dbk_system_field key = {.column = "id", .text = webhook->id};
    dbk_buffer details = {0};
    dbk_out out = dbk_out_init(&details);
    dbk_webhook_write(&out, webhook, call->now_ms, false);
    dbk_status status = details.failed ? dbk_fail(err, DBK_NO_MEMORY, "no memory for a webhook") : DBK_OK;
    if (status == DBK_OK)
        status = removes ? dbk_system_row_build(&row, DBK_WEBHOOKS, &key, 1, true, err)
                         : dbk_webhook_build(&row, webhook, err);
    if (status == DBK_OK)
        status = dbk_call_audit(call, &audit, action, "webhook", webhook->id,
                                (dbk_text){(const char *)details.data, (uint32_t)details.size}, err);
    dbk_call_end_read(call);
    if (status == DBK_OK)
        status = dbk_system_rows_write(call->app->store, call->tenant, batches, 2, err);
    dbk_batch_dispose(&row);
    dbk_batch_dispose(&audit);
    dbk_buffer_dispose(&details);
    return status;
}

// What a change came to, told after the lock is given back.
typedef struct outcome {
    int status;
    const char *refusal; // for what the request may not do; NULL = none
    dbk_status stored;
    dbk_error err;
    dbk_webhook webhook;
    bool shows_secret;
} outcome;

static void change_webhook(dbk_call *call, void (*change)(dbk_call *call, outcome *result))
{
    outcome result = {.status = 200, .stored = DBK_OK};
    dbk_deliverer_lock_webhooks(call->app->deliverer);
    change(call, &result);
    dbk_deliverer_unlock_webhooks(call->app->deliverer);
    if (result.stored != DBK_OK)
        dbk_call_fail_write(call, result.stored, result.err.message);
    else if (result.refusal != NULL)
        dbk_call_fail_text(call, result.status, dbk_text_from(result.refusal), 0);
    else
        answer_one(call, result.status, &result.webhook, result.shows_secret);
}

static void refuse(outcome *result, int status, const char *text)
{
    result->status = status;
    result->refusal = text;
}

static bool find(dbk_call *call, outcome *result)
{
    dbk_webhook_list list;
    result->stored = read_webhooks(call, call->argument, &list, &result->err);
    if (result->stored != DBK_OK)
        return false;
    if (list.count == 0) {
        refuse(result, 404, "Webhook not found.");
        return false;
    }
    result->webhook = list.items[0];
    return true;
}

// ---- Create ----

static void make_secret(dbk_call *call, outcome *result)
{
    char *secret = dbk_arena_zalloc(&call->arena, DBK_WEBHOOK_SECRET_BYTES + 1);
    if (secret == NULL) {
        result->stored = dbk_fail(&result->err, DBK_NO_MEMORY, "no memory for a secret");
        return;
    }
    result->stored = dbk_webhook_secret_make(secret, &result->err);
    result->webhook.secret = (dbk_text){secret, DBK_WEBHOOK_SECRET_BYTES};
}

static void create(dbk_call *call, outcome *result)
{
    char *id = dbk_arena_zalloc(&call->arena, DBK_RANDOM_ID_MAX + 1);
    dbk_webhook_list list;
    if (id == NULL) {
        result->stored = dbk_fail(&result->err, DBK_NO_MEMORY, "no memory for a webhook");
        return;
    }
    result->stored = read_webhooks(call, (dbk_text){NULL, 0}, &list, &result->err);
    if (result->stored == DBK_OK && list.count >= DBK_WEBHOOKS_MAX) {
        refuse(result, 422, "At most 10 webhooks are allowed.");
        return;
    }
    result->webhook = *(const dbk_webhook *)call->state;
    if (result->stored == DBK_OK)
        make_secret(call, result);
    if (result->stored == DBK_OK)
        result->stored = dbk_random_id("wh_", id, &result->err);
    if (result->stored != DBK_OK)
        return;
    result->webhook.id = dbk_text_from(id);
    result->webhook.created_at = result->webhook.updated_at = call->now_ms;
    result->webhook.grace_expires_at = DBK_NULL;
    result->status = 201;
    result->shows_secret = true;
    result->stored = store(call, &result->webhook, "webhook.created", false, &result->err);
}

void dbk_distribu_webhook_create(dbk_call *call)
{
    dbk_json_doc doc;
    dbk_webhook fields = {.is_active = true};
    if (!dbk_distribu_body(call, &doc))
        return;
    bool is_valid = read_fields(call, doc.root, &fields);
    dbk_json_doc_dispose(&doc);
    call->state = &fields;
    if (is_valid)
        change_webhook(call, create);
    else
        dbk_call_fail(call, 400, "Validation failed.");
}

// ---- Update ----

static void update(dbk_call *call, outcome *result)
{
    if (!find(call, result))
        return;
    if (!read_fields(call, call->state, &result->webhook)) {
        refuse(result, 400, "Validation failed.");
        return;
    }
    result->webhook.updated_at = call->now_ms;
    result->stored = store(call, &result->webhook, "webhook.updated", false, &result->err);
}

void dbk_distribu_webhook_update(dbk_call *call)
{
    dbk_json_doc doc;
    if (!dbk_distribu_body(call, &doc))
        return;
    call->state = (void *)(uintptr_t)doc.root;
    change_webhook(call, update);
    dbk_json_doc_dispose(&doc);
}

// ---- Delete ----

void dbk_distribu_webhook_delete(dbk_call *call)
{
    outcome result = {.stored = DBK_OK};
    dbk_deliverer_lock_webhooks(call->app->deliverer);
    if (find(call, &result))
        result.stored = store(call, &result.webhook, "webhook.deleted", true, &result.err);
    dbk_deliverer_unlock_webhooks(call->app->deliverer);
    if (result.stored != DBK_OK) {
        dbk_call_fail_write(call, result.stored, result.err.message);
    } else if (result.refusal != NULL) {
        dbk_call_fail_text(call, result.status, dbk_text_from(result.refusal), 0);
    } else {
        dbk_out out = dbk_out_init(&call->body);
        dbk_out_object(&out);
        dbk_out_key(&out, "data");
        dbk_out_object(&out);
        dbk_out_key(&out, "id");
        dbk_out_text(&out, call->argument);
        dbk_out_key(&out, "deleted");
        dbk_out_bool(&out, true);
        dbk_out_object_end(&out);
        dbk_out_object_end(&out);
        dbk_call_answer_json(call, 200);
    }
}

// ---- Rotation ----

static void rotate(dbk_call *call, outcome *result)
{
    if (!find(call, result))
        return;
    result->webhook.previous_secret = result->webhook.secret;
    result->webhook.grace_expires_at = call->now_ms + DBK_WEBHOOK_GRACE_MS;
    result->webhook.updated_at = call->now_ms;
    result->shows_secret = true;
    make_secret(call, result);
    if (result->stored == DBK_OK)
        result->stored = store(call, &result->webhook, "webhook.secret_rotated", false, &result->err);
}

void dbk_admin_webhook_rotate(dbk_call *call)
{
    change_webhook(call, rotate);
}

#define WEBHOOK                                                                                              \
    "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"},\"url\":{\"type\":\"string\"},"       \
    "\"events\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},\"isActive\":{\"type\":\"boolean\"},"   \
    "\"secretRotationGraceExpiresAt\":{\"type\":[\"string\",\"null\"]},\"secret\":{\"type\":\"string\"},"    \
    "\"createdAt\":{\"type\":\"string\"},\"updatedAt\":{\"type\":\"string\"}}}"

const char dbk_schema_webhooks[] =
    "{\"type\":\"object\",\"properties\":{\"data\":{\"type\":\"array\",\"items\":" WEBHOOK "},"
    "\"pagination\":{\"type\":\"object\"}}}";
const char dbk_schema_webhook[] = "{\"type\":\"object\",\"properties\":{\"data\":" WEBHOOK "}}";
