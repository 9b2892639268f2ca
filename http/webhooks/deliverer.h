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

#include "ingest/store/store.h"

typedef struct dbk_deliverer dbk_deliverer;
typedef struct dbk_delivery dbk_delivery;

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

// For announcements (announcement.h). A change with rows of deliveries begins; its end is told with _settle.
void dbk_deliverer_expect(dbk_deliverer *deliverer);
void dbk_deliverer_settle(dbk_deliverer *deliverer);
// Takes a list of deliveries whose rows are stored, and empties it; leaves it alone when it does not send.
void dbk_deliverer_take(dbk_deliverer *deliverer, dbk_delivery **list);

// Whoever changes a webhook holds this from reading its row to storing it, so that no change is lost.
void dbk_deliverer_lock_webhooks(dbk_deliverer *deliverer);
void dbk_deliverer_unlock_webhooks(dbk_deliverer *deliverer);

#endif
