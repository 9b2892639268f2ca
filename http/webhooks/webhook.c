// SPDX-License-Identifier: Apache-2.0
// Webhooks as rows.
#include "http/webhooks/webhook.h"

#include "http/app/system_row.h"

#include <string.h>

const char *const dbk_event_names[] = {"order.created",
                                       "order.status_changed",
                                       "order.shipped",
                                       "order.cancelled",
                                       "customer.created",
                                       "customer.updated",
                                       "product.updated",
                                       "product.low_stock",
                                       "invoice.paid",
                                       "return.created",
                                       "return.approved",
                                       "refund.processed",
                                       NULL};

bool dbk_event_is_known(dbk_text name)
{
    for (const char *const *known = dbk_event_names; *known != NULL; known++)
        if (dbk_text_equal(name, dbk_text_from(*known)))
            return true;
    return false;
}

// ---- Reading ----

enum { ID, URL, EVENTS, ACTIVE, SECRET, PREVIOUS, GRACE, CREATED, UPDATED };
static const char *const columns[] = {
    "id",         "url",       "events", "is_active", "secret", "previous_secret", "grace_expires_at",
    "created_at", "updated_at"};

static bool copy(dbk_arena *arena, dbk_text text, dbk_text *out)
{
    const char *data = dbk_arena_copy(arena, text.data, text.length);
    *out = (dbk_text){data, text.length};
    return data != NULL;
}

static bool read_row(const dbk_result *rows, size_t row, dbk_arena *arena, dbk_webhook *out)
{
    *out = (dbk_webhook){.is_active = dbk_result_int(rows, row, ACTIVE) == 1,
                         .grace_expires_at = dbk_result_int(rows, row, GRACE),
                         .created_at = dbk_result_int(rows, row, CREATED),
                         .updated_at = dbk_result_int(rows, row, UPDATED)};
    return copy(arena, dbk_result_text(rows, row, ID), &out->id) &&
           copy(arena, dbk_result_text(rows, row, URL), &out->url) &&
           copy(arena, dbk_result_text(rows, row, EVENTS), &out->events) &&
           copy(arena, dbk_result_text(rows, row, SECRET), &out->secret) &&
           copy(arena, dbk_result_text(rows, row, PREVIOUS), &out->previous_secret);
}

dbk_status dbk_webhooks_read(const dbk_snapshot *snapshot, dbk_text tenant, dbk_text id, dbk_arena *arena,
                             dbk_webhook_list *out, dbk_error *err)
{
    dbk_value value = {.kind = DBK_VALUE_TEXT, .text = id};
    dbk_filter filter = {.column = "id", .op = DBK_OP_EQ, .values = &value, .values_count = 1};
    dbk_order order[] = {{.output = CREATED, .descending = true}, {.output = ID}};
    dbk_query query = {.table = "webhooks",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .filters = &filter,
                       .filters_count = id.length > 0 ? 1 : 0,
                       .fields = columns,
                       .fields_count = DBK_COUNT(columns),
                       .order = order,
                       .order_count = DBK_COUNT(order)};
    dbk_result *rows;
    *out = (dbk_webhook_list){0};
    if (dbk_snapshot_rows(snapshot, tenant, DBK_WEBHOOKS) == 0)
        return DBK_OK;
    DBK_TRY(dbk_query_run(snapshot, tenant, &query, &rows, err));
    size_t count = dbk_result_rows(rows);
    out->items = dbk_arena_zalloc(arena, (count + 1) * sizeof(*out->items));
    bool fits = out->items != NULL;
    for (size_t row = 0; row < count && fits; row++)
        fits = read_row(rows, row, arena, &out->items[row]);
    out->count = fits ? count : 0;
    dbk_result_free(rows);
    return fits ? DBK_OK : dbk_fail(err, DBK_NO_MEMORY, "no memory for the webhooks");
}

// ---- Asking ----

// Takes the first name off a list of names joined by commas.
static dbk_text next_event(dbk_text *list)
{
    const char *comma = memchr(list->data, ',', list->length);
    uint32_t length = comma != NULL ? (uint32_t)(comma - list->data) : list->length;
    dbk_text name = {list->data, length};
    uint32_t step = comma != NULL ? length + 1 : length;
    *list = (dbk_text){list->data + step, list->length - step};
    return name;
}

bool dbk_webhook_listens(const dbk_webhook *webhook, dbk_text event)
{
    dbk_text list = webhook->events;
    while (list.length > 0)
        if (dbk_text_equal(next_event(&list), event))
            return true;
    return false;
}

bool dbk_webhook_in_grace(const dbk_webhook *webhook, int64_t now_ms)
{
    return webhook->previous_secret.length > 0 && webhook->grace_expires_at != DBK_NULL &&
           now_ms < webhook->grace_expires_at;
}

// ---- Writing ----

dbk_status dbk_webhook_build(dbk_batch *batch, const dbk_webhook *webhook, dbk_error *err)
{
    dbk_system_field fields[] = {
        {.column = "id", .text = webhook->id},
        {.column = "url", .text = webhook->url},
        {.column = "events", .text = webhook->events},
        {.column = "is_active", .number = webhook->is_active},
        {.column = "secret", .text = webhook->secret},
        {.column = "previous_secret", .text = webhook->previous_secret},
        {.column = "grace_expires_at", .number = webhook->grace_expires_at},
        {.column = "created_at", .number = webhook->created_at},
        {.column = "updated_at", .number = webhook->updated_at},
    };
    return dbk_system_row_build(batch, DBK_WEBHOOKS, fields, DBK_COUNT(fields), false, err);
}

void dbk_webhook_write(dbk_out *out, const dbk_webhook *webhook, int64_t now_ms, bool with_secret)
{
    dbk_text list = webhook->events;
    dbk_out_object(out);
    dbk_out_key(out, "id");
    dbk_out_text(out, webhook->id);
    dbk_out_key(out, "url");
    dbk_out_text(out, webhook->url);
    dbk_out_key(out, "events");
    dbk_out_array(out);
    while (list.length > 0)
        dbk_out_text(out, next_event(&list));
    dbk_out_array_end(out);
    dbk_out_key(out, "isActive");
    dbk_out_bool(out, webhook->is_active);
    dbk_out_key(out, "secretRotationGraceExpiresAt");
    dbk_out_time(out, dbk_webhook_in_grace(webhook, now_ms) ? webhook->grace_expires_at : DBK_NULL);
    if (with_secret) {
        dbk_out_key(out, "secret");
        dbk_out_text(out, webhook->secret);
    }
    dbk_out_key(out, "createdAt");
    dbk_out_time(out, webhook->created_at);
    dbk_out_key(out, "updatedAt");
    dbk_out_time(out, webhook->updated_at);
    dbk_out_object_end(out);
}
