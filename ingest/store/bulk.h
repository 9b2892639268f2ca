// SPDX-License-Identifier: Apache-2.0
// Loading into a store without a log (dbk_store_options.unlogged) on all cores.
//
//     store   (one at a time, in order) ──▶ keys and words
//     work    (any threads)             ──▶ build ──▶ take the slot; the batch is done with
//     writers (threads of its own)      ──▶ write, sync
//
// Batches that engine/bulk.h takes become segments, which are written to their files while the next ones are
// parsed and built; all others are applied. Nothing of it is seen, and a crash takes all of it back, until
// dbk_store_bulk_end has named the files in a manifest.
#ifndef DBK_STORE_BULK_H
#define DBK_STORE_BULK_H

#include "engine/bulk.h"
#include "ingest/store/store.h"

typedef struct dbk_store_bulk dbk_store_bulk;

// Takes the place of the store's writer: until the end nobody may submit to the store. tenant must live as
// long. DBK_INVALID when the store has a log, or rows of it are watched.
dbk_status dbk_store_bulk_begin(dbk_store_bulk **out, dbk_store *store, dbk_text tenant, dbk_error *err);
// Room for the keys of so many rows in a table that has none yet. Optional.
void dbk_store_bulk_expect(dbk_store_bulk *bulk, dbk_table_id table, uint64_t rows);

// Stores a batch: one thread at a time, in the order of the source. prepared: what dbk_bulk_prepare made of
// the batch, or NULL; it is taken over. May block. The batch must live until done was called, once, on any
// thread, also before this returns; its result is the change's, but that nothing is on stable storage yet.
void dbk_store_bulk_store(dbk_store_bulk *bulk, dbk_batch *batch, dbk_bulk *prepared, dbk_change_done done,
                          void *user);

// Does what stores left to be done of one batch: called once after each of them, on any thread, several at a
// time. It does not wait for the disk. What nobody worked on when it is needed is done by who needs it.
void dbk_store_bulk_work(dbk_store_bulk *bulk);

// Ends it, when nobody stores or works on it any more, after which the store has its writer again: what was
// stored is on stable storage when this returns DBK_OK. A failure on the way, of memory or of the disk, is
// told here too; then nothing was stored since the beginning, and the store takes no more changes. give_up:
// nothing of it is to be kept, and the same.
dbk_status dbk_store_bulk_end(dbk_store_bulk *bulk, bool give_up, dbk_error *err);

#endif
