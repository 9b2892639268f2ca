// SPDX-License-Identifier: Apache-2.0
// The database in memory: tenants, their tables, and the snapshots that readers see.
//
// One writer thread applies batches; any number of readers work on snapshots without locks and without
// waiting. The writer's changes become visible in three steps, so that rows are never seen before they are on
// disk and the disk never waits for the processor:
//
//     apply, apply, …      the writer's own working state moves on; readers see nothing
//     freeze               an immutable image of the working state; the writer may go on applying at once
//     publish              the image becomes what readers get (after its log group was synced)
//
// Reclamation is by epochs: what a published snapshot no longer needs is freed when the last reader that
// could still see it has ended.
#ifndef DBK_DB_H
#define DBK_DB_H

#include "engine/batch.h"
#include "engine/query.h"
#include "engine/result.h"

typedef struct dbk_db dbk_db;
typedef struct dbk_snapshot dbk_snapshot;

dbk_status dbk_db_create(dbk_db **out, dbk_error *err);
// No reader may be active. NULL is fine.
void dbk_db_destroy(dbk_db *db);

// ---- Writer (one thread at a time) ----

// What applying one batch came to. Rows that parsers could not judge because they depend on stored rows (a
// line without created_at whose order is unknown) are rejected here, the same ones when a log is replayed.
typedef struct dbk_apply_report {
    uint32_t stored;
    uint32_t rejected_count;
    uint32_t *rejected_rows;     // row numbers in the batch, ascending; malloc'd, the caller frees
    const char *rejected_reason; // the one reason there is
} dbk_apply_report;

// Inserts or replaces the rows by key (or removes them: batch->remove) in the tenant's working state. Creates
// the tenant on first use. All or nothing: on failure (no memory, sum overflow) the working state is as
// before.
//
// Beside storing rows this does what the data dictionary promises: a line without created_at takes its
// order's; the first currency a tenant loads becomes its setting `currency` unless that is set.
dbk_status dbk_db_apply(dbk_db *db, dbk_text tenant, const dbk_batch *batch, dbk_apply_report *report,
                        dbk_error *err);
// Applies several batches in order, with a report for each. All or nothing when they are independent: each
// table stands once, none is `settings`, and no line wants the time of an order that comes with it. Otherwise
// batch by batch. After a failure *applied says how many stay applied.
dbk_status dbk_db_apply_all(dbk_db *db, dbk_text tenant, const dbk_batch *const *batches, int count,
                            dbk_apply_report *reports, int *applied, dbk_error *err);

// Whether a row of a keyed table other than that of the key `except` has this text, the case of ASCII letters
// aside. The writer's, of its working state: a transaction asks this where a query would read every row. The
// first time for a column costs that, later a look-up.
dbk_status dbk_db_find_text(dbk_db *db, dbk_text tenant, dbk_table_id table, const char *column,
                            dbk_text text, dbk_text except, bool *found, dbk_error *err);

// ---- Watching rows change (the writer's) ----

// Rows to be told of when they are stored.
typedef struct dbk_watch {
    dbk_table_id table;     // a fact; each table once
    const char *where, *is; // a column of codes, and the word that it has in such rows; NULL = every row
    const char *column;     // a column of codes whose word before and after is told; NULL = none
} dbk_watch;

// A watched row at the moment it was stored. Words and the tenant's name live as long as the db.
typedef struct dbk_watched_row {
    dbk_table_id table;
    uint64_t number; // as dbk_db_watch_number said
    dbk_text tenant;
    bool was_there;         // the id had a row before, which this one replaced …
    dbk_text before, after; // … the column's word then (length 0 = no value), and now
    uint8_t id_length;
    char id[DBK_ID_BYTES_MAX];
} dbk_watched_row;

// Called while a batch is applied, on the writer's thread, for each watched row in the batch's order; of rows
// with the same id for the last. The change is neither on disk nor published yet. Must not fail.
typedef void (*dbk_row_stored)(void *user, const dbk_watched_row *row);

// Rows are told from the next dbk_db_apply on; `watches` must live as long as the db. Costs a few comparisons
// for a batch without such rows.
void dbk_db_watch(dbk_db *db, const dbk_watch *watches, int count, dbk_row_stored stored, void *user);
// The number of the change that is applied next.
void dbk_db_watch_number(dbk_db *db, uint64_t number);

// ---- Keys after restoring rows (the writer's) ----

// Where the rows of a fact's ids stand is not kept on disk: dbk_image_restore_end makes that index from the
// rows, some 15 ns of a processor a row, on all of them. A database that is being opened can put it off until
// dbk_db_make_keys, and publish images meanwhile. Queries that look for a fact by its id wait then; the first
// change of a table makes its index.
void dbk_db_put_off_keys(dbk_db *db);
// Makes what is missing, and lets readers go on that wait. DBK_NO_MEMORY; DBK_CORRUPT when an id lives twice:
// then the ids that there is no index for are searched among the rows, and changes of the table fail.
// DBK_CANCELLED: dbk_db_stop_making_keys.
dbk_status dbk_db_make_keys(dbk_db *db, dbk_error *err);
// Any thread: whoever makes keys, proofs or rollups gives up soon, and no more are made.
void dbk_db_stop_making_keys(dbk_db *db);

// Keys, proofs and rollups are made on all processors. From dbk_db_give_way on they are made on what others
// leave of them, so that nobody waits for what nobody has asked for; until dbk_db_hurry, or until a query
// waits for keys. Before other threads see the db, and any thread, often.
void dbk_db_give_way(dbk_db *db);
void dbk_db_hurry(dbk_db *db);

// ---- Proofs after restoring rows ----

// Whether the columns of a restored fact are sound is proved when somebody first needs them
// (engine/segment/proof.h). Until then nothing of a column is believed; once a proof has failed, every query
// of that tenant is DBK_CORRUPT and tells the file and the column, and so is dbk_db_hold, which the writer
// asks before what it has applied leaves its hands.
//
// The writer's: proves what is left, on all processors, some 15 ns of a processor a row; gives up when
// dbk_db_stop_making_keys is called. Returns what dbk_db_hold does then.
dbk_status dbk_db_prove(dbk_db *db, dbk_error *err);
// Any thread. DBK_OK while every proof has held; DBK_CORRUPT, or DBK_NO_MEMORY when one could not be made.
dbk_status dbk_db_hold(const dbk_db *db, dbk_error *err);
// `found` is called once, when the first proof fails, by the thread that made it, before anything that came
// of it can be seen. Must return soon, and read no rows; set before the first read.
void dbk_db_on_damage(dbk_db *db, void (*found)(void *user, const char *story), void *user);

// ---- Images (the writer's) ----

// Sums kept beside the rows (engine/rollup.h) are made by the freeze that finds them missing, some 80 ns a
// row. A database that is being opened can put that off: until dbk_db_make_rollups, freezes make none, and
// queries are answered from the rows.
void dbk_db_put_off_rollups(dbk_db *db);
// Ends the wait. True when a freeze would make some now, though nothing else may have changed.
bool dbk_db_make_rollups(dbk_db *db);

// Some sums are kept only when they were asked for. `wish` is called, on the thread of a query that they
// would have answered, when there is something new to be made: by the next freezes, step by step. Must return
// soon; set before the first read.
void dbk_db_on_wish(dbk_db *db, void (*wish)(void *user), void *user);
// True when a freeze would take a step, though nothing else may have changed.
bool dbk_db_make_wished(dbk_db *db);

// An image of the working state. `number` names it (the log sequence number of the last change in it); it
// must not shrink. NULL when memory is out. Owned by the db; publish it or freeze a newer one.
dbk_snapshot *dbk_db_freeze(dbk_db *db, uint64_t number);
// The working state as it is, for the writer's own queries before its next change: no image, and so nothing
// has to be copied when that change comes. End it before anything else is called that changes the db. NULL
// when memory is out.
const dbk_snapshot *dbk_db_look(dbk_db *db, uint64_t number);
void dbk_db_look_end(dbk_db *db, const dbk_snapshot *look);
// Makes the image current. Images are published in the order they were frozen; some may be left out.
void dbk_db_publish(dbk_db *db, dbk_snapshot *snapshot);
// Frees what no reader can see any more; publishing does that, too.
void dbk_db_reclaim(dbk_db *db);

// Bytes held for rows, keys and dictionaries, including what waits for reclamation; not texts that are on
// disk only. Any thread.
uint64_t dbk_db_memory(const dbk_db *db);

// ---- Readers (any thread, any number) ----

// A read holds one snapshot. It may be handed to another thread; it must be ended. Wait-free but for the
// first use of more than 1,024 reads at a time.
typedef struct dbk_read {
    const dbk_snapshot *snapshot;
    uint32_t slot;
} dbk_read;

dbk_read dbk_read_begin(dbk_db *db);
void dbk_read_end(dbk_db *db, dbk_read *read);

uint64_t dbk_snapshot_number(const dbk_snapshot *snapshot);
// The number of the last snapshot that changed anything of this tenant; 0 for an unknown tenant. Other
// tenants' writes do not move it, so answers stay cached and traffic stays private.
uint64_t dbk_snapshot_tenant_number(const dbk_snapshot *snapshot, dbk_text tenant);
// The same without Daybook's own tables, but for settings: what reports are made of. A key that was used, a
// delivery that was made leave it alone.
uint64_t dbk_snapshot_tenant_data_number(const dbk_snapshot *snapshot, dbk_text tenant);
size_t dbk_snapshot_tenants(const dbk_snapshot *snapshot);
dbk_text dbk_snapshot_tenant_name(const dbk_snapshot *snapshot, size_t index);
// Rows of a table; 0 for unknown tenants.
uint64_t dbk_snapshot_rows(const dbk_snapshot *snapshot, dbk_text tenant, dbk_table_id table);

// As dbk_db_hold, of one tenant. Queries end with this.
dbk_status dbk_snapshot_hold(const dbk_snapshot *snapshot, dbk_text tenant, dbk_error *err);

// Answers a query. An unknown tenant has empty tables. DBK_INVALID names the part of the query that cannot be
// (unknown table or column, wrong type of value, …). DBK_IO and DBK_CORRUPT: what it needs could not be read,
// or is not sound. The result is the caller's (dbk_result_free).
dbk_status dbk_query_run(const dbk_snapshot *snapshot, dbk_text tenant, const dbk_query *query,
                         dbk_result **out, dbk_error *err);

// Calls emit for each block of up to 1,024 rows of a row query without order, limit or cursor, in storage
// order, in bounded memory: for exports of any size. The block is freed after emit returns; emit's failure
// ends the walk.
typedef dbk_status (*dbk_emit)(void *user, const dbk_result *block, dbk_error *err);
dbk_status dbk_query_stream(const dbk_snapshot *snapshot, dbk_text tenant, const dbk_query *query,
                            dbk_emit emit, void *user, dbk_error *err);

#endif
