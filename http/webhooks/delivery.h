// SPDX-License-Identifier: Apache-2.0
// One delivery in memory, its queue, and its row. Internal to the folder.
#ifndef DBK_DELIVERY_H
#define DBK_DELIVERY_H

#include "engine/batch.h"
#include "engine/db.h"
#include "http/auth/random_id.h"
#include "ingest/store/tenant_name.h"

typedef struct dbk_delivery {
    struct dbk_delivery *next;
    char id[DBK_RANDOM_ID_MAX + 1], tenant[DBK_TENANT_NAME_MAX + 1], webhook_id[DBK_ID_BYTES_MAX + 1];
    int64_t created_at, due_at;
    int attempts;         // made so far
    dbk_text event, body; // in the same piece of memory, behind the struct
} dbk_delivery;

// malloc'd, everything copied; NULL when memory is out. free() ends it.
dbk_delivery *dbk_delivery_create(dbk_text id, dbk_text tenant, dbk_text webhook_id, dbk_text event,
                                  dbk_text body);

// All of a list.
void dbk_deliveries_free(dbk_delivery *list);

// What an attempt came to.
typedef struct dbk_outcome {
    const char *state;                // "pending", "delivered", "failed"
    int64_t next_attempt_at, done_at; // DBK_NULL = none
    int64_t status;                   // of the answer; DBK_NULL = there was none
    dbk_text error, body;
} dbk_outcome;

// The batch of its row; see dbk_system_row_build.
dbk_status dbk_delivery_build(dbk_batch *batch, const dbk_delivery *delivery, const dbk_outcome *outcome,
                              dbk_error *err);

// Calls `emit` for the pending deliveries of all tenants, oldest first within a tenant, at most `limit` each;
// the delivery is emit's. *is_cut tells whether there were more.
dbk_status dbk_deliveries_load(const dbk_snapshot *snapshot, size_t limit,
                               void (*emit)(void *user, dbk_delivery *delivery), void *user, bool *is_cut,
                               dbk_error *err);

// What waits for one webhook: a heap, the next due on top.
typedef struct dbk_target {
    struct dbk_target *next;
    char tenant[DBK_TENANT_NAME_MAX + 1], webhook_id[DBK_ID_BYTES_MAX + 1];
    dbk_delivery **items;
    size_t count, capacity;
    int running;
} dbk_target;

// false when memory is out.
bool dbk_target_push(dbk_target *target, dbk_delivery *delivery);
// NULL when nothing waits.
dbk_delivery *dbk_target_top(const dbk_target *target);
dbk_delivery *dbk_target_pop(dbk_target *target);

#endif
