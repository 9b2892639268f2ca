// SPDX-License-Identifier: Apache-2.0
// Loading into the data directory that this process has open. With a log each batch is a change of its own,
// several are under way at a time, and the store syncs them in groups. Without one the store is loaded in
// bulk (store/bulk.h), and everything is on stable storage in the end.
#include "ingest/load.h"

#include "ingest/store/bulk.h"

static void on_done(void *user, const dbk_change_result *result)
{
    dbk_load_done(user, result->status, result->message, result->reports_count > 0 ? result->reports : NULL);
}

// ---- With a log ----

static void submit_change(void *user, dbk_load_ticket *ticket)
{
    const dbk_load_store *target = user;
    ticket->batches[0] = ticket->batch;
    ticket->change = (dbk_change){.tenant = target->tenant, .batches = ticket->batches, .batches_count = 1};
    dbk_store_submit(target->store, &ticket->change, on_done, ticket);
}

// ---- Without ----

static dbk_status prepare(void *user, dbk_load_ticket *ticket)
{
    (void)user;
    dbk_bulk *bulk;
    dbk_status status = dbk_bulk_prepare(ticket->batch, DBK_BULK_ROWS_MIN, &bulk);
    ticket->prepared = bulk;
    return status;
}

static void forget(void *user, dbk_load_ticket *ticket)
{
    (void)user;
    dbk_bulk_free(ticket->prepared);
}

static bool begin(dbk_load_store *target)
{
    if (!target->bulk && target->error.status == DBK_OK)
        target->error.status = dbk_store_bulk_begin(&target->bulk, target->store, target->tenant,
                                                    target->threads, &target->error);
    return target->bulk;
}

static void expect(void *user, const dbk_table_def *table, uint64_t rows)
{
    dbk_load_store *target = user;
    if (begin(target))
        dbk_store_bulk_expect(target->bulk, table->id, rows);
}

static void submit_bulk(void *user, dbk_load_ticket *ticket)
{
    dbk_load_store *target = user;
    if (begin(target)) {
        dbk_store_bulk_store(target->bulk, ticket->batch, ticket->prepared, on_done, ticket);
        return;
    }
    forget(target, ticket);
    dbk_load_done(ticket, target->error.status, target->error.message, NULL);
}

static dbk_status finish(void *user, bool refused, dbk_error *err)
{
    dbk_load_store *target = user;
    dbk_store_bulk *bulk = target->bulk;
    target->bulk = NULL;
    return bulk ? dbk_store_bulk_end(bulk, refused, err) : DBK_OK;
}

dbk_load_sink dbk_load_store_sink(dbk_load_store *target)
{
    if (!dbk_store_is_unlogged(target->store))
        return (dbk_load_sink){.submit = submit_change, .user = target};
    // Batches that fill a segment, with some room for ranges of shorter rows.
    return (dbk_load_sink){.prepare = prepare,
                           .forget = forget,
                           .batch_rows = DBK_SEGMENT_ROWS / 16 * 15,
                           .takes_back = true,
                           .expect = expect,
                           .submit = submit_bulk,
                           .user = target,
                           .finish = finish};
}
