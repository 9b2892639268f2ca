// SPDX-License-Identifier: Apache-2.0
// From an event to a row for each webhook that listens.
#include "http/webhooks/announcement.h"

#include "http/webhooks/delivery.h"
#include "http/webhooks/webhook.h"

#include <stdlib.h>
#include <string.h>

// Room for one batch more.
static bool grow(dbk_announcement *a)
{
    if (a->batches_count < a->batches_capacity)
        return true;
    int capacity = a->batches_capacity * 2 + 4;
    dbk_batch *grown = realloc(a->batches, (size_t)capacity * sizeof(*grown));
    if (grown == NULL)
        return false;
    memset(grown + a->batches_capacity, 0, (size_t)(capacity - a->batches_capacity) * sizeof(*grown));
    a->batches = grown;
    a->batches_capacity = capacity;
    return true;
}

static dbk_status announce_to(dbk_announcement *a, const dbk_webhook *webhook, dbk_text tenant,
                              dbk_text event, dbk_text body, int64_t created_at, dbk_error *err)
{
    static const dbk_outcome fresh = {
        .state = "pending", .next_attempt_at = DBK_NULL, .done_at = DBK_NULL, .status = DBK_NULL};
    char id[DBK_RANDOM_ID_MAX + 1];
    DBK_TRY(dbk_random_id("msg_", id, err));
    dbk_delivery *d = dbk_delivery_create(dbk_text_from(id), tenant, webhook->id, event, body);
    if (d == NULL || !grow(a)) {
        free(d);
        return dbk_fail(err, DBK_NO_MEMORY, "Out of memory; nothing was stored.");
    }
    d->created_at = created_at;
    d->due_at = DBK_NULL;
    d->next = a->deliveries;
    a->deliveries = d;
    return dbk_delivery_build(&a->batches[a->batches_count++], d, &fresh, err);
}

dbk_status dbk_announcement_add(dbk_announcement *a, dbk_deliverer *deliverer, const dbk_snapshot *working,
                                dbk_text tenant, dbk_text event, dbk_text body, int64_t created_at,
                                dbk_error *err)
{
    dbk_arena arena = {0};
    dbk_webhook_list list = {0};
    if (a->deliverer == NULL) {
        a->deliverer = deliverer;
        dbk_deliverer_expect(deliverer);
    }
    dbk_status status = dbk_webhooks_read(working, tenant, (dbk_text){NULL, 0}, &arena, &list, err);
    for (size_t i = 0; i < list.count && status == DBK_OK; i++)
        if (list.items[i].is_active && dbk_webhook_listens(&list.items[i], event))
            status = announce_to(a, &list.items[i], tenant, event, body, created_at, err);
    dbk_arena_dispose(&arena);
    return status;
}

void dbk_announcement_begin(dbk_announcement *a)
{
    if (a->deliverer != NULL)
        dbk_deliverer_take(a->deliverer, &a->deliveries);
}

void dbk_announcement_dispose(dbk_announcement *a)
{
    if (a->deliverer != NULL)
        dbk_deliverer_settle(a->deliverer);
    dbk_deliveries_free(a->deliveries);
    for (int i = 0; i < a->batches_count; i++)
        dbk_batch_dispose(&a->batches[i]);
    free(a->batches);
    *a = (dbk_announcement){0};
}
