// SPDX-License-Identifier: Apache-2.0
// Sends events to the webhooks that listen to them, from a thread of its own.
//
// A delivery is a row of webhook_deliveries, stored by the change that it tells of: it survives a restart,
// and what was on its way when the server ended is sent again, under the same id. So a receiver may see a
// delivery twice, never none. The thread keeps what is pending in memory, in one queue for each webhook: a
// receiver that is slow or down keeps nobody waiting but itself. After a failure the pauses grow; after the
// last the delivery has failed for good.
#ifndef DBK_DELIVERER_H
#define DBK_DELIVERER_H

#include "engine/batch.h"
#include "ingest/store/store.h"

typedef struct dbk_deliverer dbk_deliverer;

enum { DBK_DELIVERY_TEXT_MAX = 2000, DBK_DELIVERY_PAUSES_MAX = 16 };

typedef struct dbk_deliverer_options {
    dbk_store *store;
    // false: deliveries are stored and wait for a process that sends.
    bool sends;
    // Called on the thread about once a minute while it sends; optional.
    void (*tick)(void *user);
    void *user;
    // Milliseconds before the second, third, … attempt; 0 of them = the usual ones.
    int64_t pauses_ms[DBK_DELIVERY_PAUSES_MAX];
    int pauses_count;
} dbk_deliverer_options;

dbk_status dbk_deliverer_create(dbk_deliverer **out, const dbk_deliverer_options *options, dbk_error *err);
// Waits until outcomes are stored; gives up attempts under way, which are made again after the next
// start. NULL is fine.
void dbk_deliverer_destroy(dbk_deliverer *deliverer);

// The deliveries of a change's events: their rows are batches of that same change, so that an event is stored
// if and only if what it tells of is. A zeroed one is empty. One thread at a time.
typedef struct dbk_announcement {
    dbk_deliverer *deliverer;
    struct dbk_delivery *deliveries;
    dbk_batch *batches; // one row each
    int batches_count, batches_capacity;
} dbk_announcement;

// Adds the event for each active webhook of the tenant that listens to it as of `working`, the transaction's
// state. `body` is the whole of what will be sent. For the transaction that decides the change: looks at the
// tenant's webhooks only.
dbk_status dbk_announcement_add(dbk_announcement *announcement, dbk_deliverer *deliverer,
                                const dbk_snapshot *working, dbk_text tenant, dbk_text event, dbk_text body,
                                int64_t created_at, dbk_error *err);
// The change is stored: the deliveries begin. Any thread.
void dbk_announcement_begin(dbk_announcement *announcement);
// When the change is over, however it ended; before the deliverer is destroyed.
void dbk_announcement_dispose(dbk_announcement *announcement);

// Whoever changes a webhook holds this from reading its row to storing it, so that no change is lost.
void dbk_deliverer_lock_webhooks(dbk_deliverer *deliverer);
void dbk_deliverer_unlock_webhooks(dbk_deliverer *deliverer);

#endif
