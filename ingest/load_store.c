// SPDX-License-Identifier: Apache-2.0
// Loading into the data directory that this process has open: each batch is a change of its own, several are
// under way at a time, and the store syncs them in groups, or in the end all of them.
#include "ingest/load.h"

static void on_done(void *user, const dbk_change_result *result)
{
    dbk_load_done(user, result->status, result->message, result->reports_count > 0 ? result->reports : NULL);
}

static void submit(void *user, dbk_load_ticket *ticket)
{
    const dbk_load_store *target = user;
    ticket->batches[0] = ticket->batch;
    ticket->change = (dbk_change){.tenant = target->tenant, .batches = ticket->batches, .batches_count = 1};
    dbk_store_submit(target->store, &ticket->change, on_done, ticket);
}

static dbk_status finish(void *user, dbk_error *err)
{
    const dbk_load_store *target = user;
    return dbk_store_is_unlogged(target->store) ? dbk_store_checkpoint(target->store, err) : DBK_OK;
}

dbk_load_sink dbk_load_store_sink(dbk_load_store *target)
{
    return (dbk_load_sink){submit, target, finish};
}
