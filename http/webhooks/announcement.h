// SPDX-License-Identifier: Apache-2.0
// Events on their way into the change that they tell of.
#ifndef DBK_ANNOUNCEMENT_H
#define DBK_ANNOUNCEMENT_H

#include "engine/batch.h"
#include "http/webhooks/deliverer.h"

// The deliveries of a change's events: their rows are batches of that same change, so that an event is stored
// if and only if what it tells of is. A zeroed one is empty. One thread at a time.
typedef struct dbk_announcement {
    dbk_deliverer *deliverer;
    dbk_delivery *deliveries;
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

#endif
