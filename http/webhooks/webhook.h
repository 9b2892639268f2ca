// SPDX-License-Identifier: Apache-2.0
// A company's webhooks as rows of the table `webhooks`: reading them, and making the batch that changes one.
#ifndef DBK_WEBHOOK_H
#define DBK_WEBHOOK_H

#include "engine/base/arena.h"
#include "engine/batch.h"
#include "engine/db.h"
#include "http/json/writer.h"

enum { DBK_WEBHOOKS_MAX = 10, DBK_WEBHOOK_URL_MAX = 2048, DBK_WEBHOOK_GRACE_MS = 24 * 3600 * 1000 };

// The twelve events (D86), ended by NULL.
extern const char *const dbk_event_names[];
bool dbk_event_is_known(dbk_text name);

typedef struct dbk_webhook {
    dbk_text id, url;
    dbk_text events; // names joined by commas
    bool is_active;
    dbk_text secret;
    dbk_text previous_secret; // signs too until …
    int64_t grace_expires_at; // … this, DBK_NULL = there is none
    int64_t created_at, updated_at;
} dbk_webhook;

typedef struct dbk_webhook_list {
    dbk_webhook *items; // newest first
    size_t count;
} dbk_webhook_list;

// All of a tenant's webhooks, or the one with that id when it has a value. In the arena.
dbk_status dbk_webhooks_read(const dbk_snapshot *snapshot, dbk_text tenant, dbk_text id, dbk_arena *arena,
                             dbk_webhook_list *out, dbk_error *err);
bool dbk_webhook_listens(const dbk_webhook *webhook, dbk_text event);
// Whether the secret before still holds.
bool dbk_webhook_in_grace(const dbk_webhook *webhook, int64_t now_ms);
// The batch that stores it as it is now; see dbk_system_row_build.
dbk_status dbk_webhook_build(dbk_batch *batch, const dbk_webhook *webhook, dbk_error *err);
// As D79 has it; the secret only when asked for.
void dbk_webhook_write(dbk_out *out, const dbk_webhook *webhook, int64_t now_ms, bool with_secret);

#endif
