// SPDX-License-Identifier: Apache-2.0
// Deliveries as rows and as items of a heap.
#include "http/webhooks/delivery.h"

#include "http/app/system_row.h"

#include <stdlib.h>
#include <string.h>

static bool copy_name(char *out, size_t size, dbk_text text)
{
    if (text.length >= size)
        return false;
    memcpy(out, text.data, text.length);
    out[text.length] = 0;
    return true;
}

dbk_delivery *dbk_delivery_create(dbk_text id, dbk_text tenant, dbk_text webhook_id, dbk_text event,
                                  dbk_text body)
{
    dbk_delivery *d = calloc(1, sizeof(*d) + event.length + body.length);
    if (d == NULL)
        return NULL;
    if (!copy_name(d->id, sizeof(d->id), id) || !copy_name(d->tenant, sizeof(d->tenant), tenant) ||
        !copy_name(d->webhook_id, sizeof(d->webhook_id), webhook_id)) {
        free(d);
        return NULL;
    }
    char *texts = (char *)(d + 1);
    memcpy(texts, event.data, event.length);
    memcpy(texts + event.length, body.data, body.length);
    d->event = (dbk_text){texts, event.length};
    d->body = (dbk_text){texts + event.length, body.length};
    return d;
}

void dbk_deliveries_free(dbk_delivery *list)
{
    while (list != NULL) {
        dbk_delivery *next = list->next;
        free(list);
        list = next;
    }
}

dbk_status dbk_delivery_build(dbk_batch *batch, const dbk_delivery *d, const dbk_outcome *outcome,
                              dbk_error *err)
{
    dbk_system_field fields[] = {
        {.column = "id", .text = dbk_text_from(d->id)},
        {.column = "created_at", .number = d->created_at},
        {.column = "webhook_id", .text = dbk_text_from(d->webhook_id)},
        {.column = "event", .text = d->event},
        {.column = "body", .text = d->body},
        {.column = "state", .text = dbk_text_from(outcome->state)},
        {.column = "attempts", .number = d->attempts},
        {.column = "next_attempt_at", .number = outcome->next_attempt_at},
        {.column = "last_status", .number = outcome->status},
        {.column = "last_error", .text = outcome->error},
        {.column = "last_body", .text = outcome->body},
        {.column = "done_at", .number = outcome->done_at},
    };
    return dbk_system_row_build(batch, DBK_WEBHOOK_DELIVERIES, fields, DBK_COUNT(fields), false, err);
}

// ---- Loading ----

enum { ID, CREATED, WEBHOOK, EVENT, BODY, ATTEMPTS, NEXT };
static const char *const columns[] = {"id",   "created_at", "webhook_id",     "event",
                                      "body", "attempts",   "next_attempt_at"};

static dbk_status load_tenant(const dbk_snapshot *snapshot, dbk_text tenant, size_t limit,
                              void (*emit)(void *user, dbk_delivery *delivery), void *user, bool *is_cut,
                              dbk_error *err)
{
    dbk_value pending = {.kind = DBK_VALUE_TEXT, .text = DBK_TEXT("pending")};
    dbk_filter filter = {.column = "state", .op = DBK_OP_EQ, .values = &pending, .values_count = 1};
    dbk_order order[] = {{.output = CREATED}, {.output = ID}};
    dbk_query query = {.table = "webhook_deliveries",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .filters = &filter,
                       .filters_count = 1,
                       .fields = columns,
                       .fields_count = DBK_COUNT(columns),
                       .order = order,
                       .order_count = DBK_COUNT(order),
                       .limit = (int64_t)limit + 1};
    dbk_result *rows;
    DBK_TRY(dbk_query_run(snapshot, tenant, &query, &rows, err));
    dbk_status status = DBK_OK;
    for (size_t row = 0; row < dbk_result_rows(rows) && row < limit && status == DBK_OK; row++) {
        dbk_delivery *d =
            dbk_delivery_create(dbk_result_text(rows, row, ID), tenant, dbk_result_text(rows, row, WEBHOOK),
                                dbk_result_text(rows, row, EVENT), dbk_result_text(rows, row, BODY));
        if (d == NULL) {
            status = dbk_fail(err, DBK_NO_MEMORY, "no memory for the deliveries that are pending");
            break;
        }
        d->created_at = dbk_result_int(rows, row, CREATED);
        d->attempts = (int)dbk_result_int(rows, row, ATTEMPTS);
        d->due_at = dbk_result_int(rows, row, NEXT); // no value is the least of all: at once
        emit(user, d);
    }
    *is_cut = *is_cut || dbk_result_rows(rows) > limit;
    dbk_result_free(rows);
    return status;
}

dbk_status dbk_deliveries_load(const dbk_snapshot *snapshot, size_t limit,
                               void (*emit)(void *user, dbk_delivery *delivery), void *user, bool *is_cut,
                               dbk_error *err)
{
    *is_cut = false;
    for (size_t i = 0; i < dbk_snapshot_tenants(snapshot); i++) {
        dbk_text tenant = dbk_snapshot_tenant_name(snapshot, i);
        if (dbk_snapshot_rows(snapshot, tenant, DBK_WEBHOOK_DELIVERIES) > 0)
            DBK_TRY(load_tenant(snapshot, tenant, limit, emit, user, is_cut, err));
    }
    return DBK_OK;
}

// ---- The heap ----

// By time due, then in the order of the events, then by id so that the order is a total one.
static bool is_before(const dbk_delivery *a, const dbk_delivery *b)
{
    if (a->due_at != b->due_at)
        return a->due_at < b->due_at;
    if (a->created_at != b->created_at)
        return a->created_at < b->created_at;
    return strcmp(a->id, b->id) < 0;
}

bool dbk_target_push(dbk_target *target, dbk_delivery *delivery)
{
    if (target->count == target->capacity) {
        size_t capacity = target->capacity * 2 + 8;
        dbk_delivery **grown = realloc(target->items, capacity * sizeof(dbk_delivery *));
        if (grown == NULL)
            return false;
        target->items = grown;
        target->capacity = capacity;
    }
    size_t at = target->count++;
    while (at > 0 && is_before(delivery, target->items[(at - 1) / 2])) {
        target->items[at] = target->items[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    target->items[at] = delivery;
    return true;
}

dbk_delivery *dbk_target_top(const dbk_target *target)
{
    return target->count > 0 ? target->items[0] : NULL;
}

dbk_delivery *dbk_target_pop(dbk_target *target)
{
    if (target->count == 0)
        return NULL;
    dbk_delivery *top = target->items[0], *last = target->items[--target->count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= target->count)
            break;
        if (child + 1 < target->count && is_before(target->items[child + 1], target->items[child]))
            child++;
        if (!is_before(target->items[child], last))
            break;
        target->items[at] = target->items[child];
        at = child;
    }
    if (target->count > 0)
        target->items[at] = last;
    return top;
}
