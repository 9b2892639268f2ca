// SPDX-License-Identifier: Apache-2.0
// Loading into a data directory of this process in bulk (store/bulk.h): everything is on stable storage in
// the end.
#include "ingest/load.h"

#include "ingest/store/bulk.h"

static void on_done(void *user, const dbk_change_result *result)
{
    dbk_load_done(user, result->status, result->message, result->reports_count > 0 ? result->reports : NULL);
}

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

static dbk_status begin(void *user, const dbk_table_def *table, uint64_t rows, dbk_error *err)
{
    dbk_load_store *target = user;
    if (!target->store)
        DBK_TRY(target->open(target->user, &target->store, err));
    DBK_TRY(dbk_store_bulk_begin(&target->bulk, target->store, target->tenant, err));
    if (table && rows)
        dbk_store_bulk_expect(target->bulk, table->id, rows);
    return DBK_OK;
}

static void submit(void *user, dbk_load_ticket *ticket)
{
    const dbk_load_store *target = user;
    dbk_store_bulk_store(target->bulk, ticket->batch, ticket->prepared, on_done, ticket);
}

static void work(void *user)
{
    const dbk_load_store *target = user;
    dbk_store_bulk_work(target->bulk);
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
    // Batches that fill a segment, with some room for ranges of shorter rows.
    return (dbk_load_sink){.prepare = prepare,
                           .forget = forget,
                           .batch_rows = DBK_SEGMENT_ROWS / 16 * 15,
                           .takes_back = true,
                           .begin = begin,
                           .submit = submit,
                           .work = work,
                           .user = target,
                           .finish = finish};
}
