// SPDX-License-Identifier: Apache-2.0
// A data directory: the database in memory and what keeps it on disk. One writer thread takes changes from
// any number of submitters, applies them, appends them to the log in groups, syncs, publishes, acknowledges;
// a checkpoint thread turns old log into segment files. docs/FORMAT.md has the bytes, engine/io the promises
// they rest on.
//
// An acknowledged change is on stable storage and visible to the next read. A change is seen whole or not at
// all, also after a crash.
#ifndef DBK_STORE_H
#define DBK_STORE_H

#include "engine/batch.h"
#include "engine/db.h"
#include "engine/io/io.h"
#include "engine/segment/cold.h"

typedef struct dbk_store dbk_store;

typedef struct dbk_store_options {
    const char *directory;
    bool create; // make the directory when it is missing
    // Budget for rows; 0 = three quarters of the machine. Near it texts leave memory and stay on disk; where
    // that is not enough, changes get DBK_NO_SPACE.
    uint64_t memory_bytes;
    uint64_t log_file_bytes;   // of large log files; 0 = 64 MiB
    uint64_t checkpoint_bytes; // log written since the last checkpoint that starts one; 0 = 256 MiB
    // Changes are applied, published and acknowledged without a log: they are on stable storage when a
    // checkpoint has succeeded that began afterwards, and a crash before that takes them back. Writes every
    // row once instead of twice; for one who loads files, serves nobody, and asks for a checkpoint before
    // anybody is told. checkpoint_bytes are then bytes of batches.
    bool unlogged;
    const dbk_watch *watches; // what dbk_store_observe tells of; must outlive the store
    int watches_count;
    // Called before and after the answers to the changes of a group, on the writer's thread, so that whoever
    // has to be woken for them is woken once; optional, both or none.
    void (*answers_begin)(void), (*answers_end)(void);
    // Called on the writer's thread once the store answers reads, before key indexes and rollups are made and
    // changes taken; optional. Tests hold it there.
    void (*opened)(void *user);
    void (*notice)(void *user, const char *line); // one line for the operator ("cut a torn tail …"); optional
    void *user;
} dbk_store_options;

// Locks the directory (DBK_BUSY says who holds it), recovers, starts the threads. Anything on disk that
// cannot be what was written, except the torn tail of the log, is DBK_CORRUPT naming file, offset and what to
// do.
dbk_status dbk_store_open(dbk_store **out, const dbk_store_options *options, dbk_error *err);
// Finishes what was submitted, checkpoints, unlocks. NULL is fine.
void dbk_store_close(dbk_store *store);

dbk_db *dbk_store_db(dbk_store *store);
bool dbk_store_is_unlogged(const dbk_store *store);

// One atomic change: batches of one tenant, in order.
typedef struct dbk_change {
    dbk_text tenant;
    const dbk_batch *const *batches;
    int batches_count;
} dbk_change;

typedef struct dbk_change_result {
    dbk_status status;               // DBK_OK: stored, synced (see `unlogged`), published
    char message[256];               // when not
    uint64_t number;                 // of the snapshot that has it
    const dbk_apply_report *reports; // one a batch; valid during the callback
    int reports_count;
} dbk_change_result;

// Called once, on the writer's thread: copy what you need and return soon.
typedef void (*dbk_change_done)(void *user, const dbk_change_result *result);

// Hands a change over. The change, its batches and tenant stay the caller's and must live until done was
// called. Blocks only while the queue is full (64 MiB of batches). Any thread but the writer's.
void dbk_store_submit(dbk_store *store, const dbk_change *change, dbk_change_done done, void *user);
// Submits and waits. reports (may be NULL) needs batches_count entries; the caller frees their rejected_rows.
dbk_status dbk_store_write(dbk_store *store, const dbk_change *change, dbk_apply_report *reports,
                           dbk_error *err);

// ---- Transactions ----

// Decides a change with everything before it in view, what is applied but not yet synced included. Runs once,
// on the writer's thread, with a look at the working state that is valid until it returns, and keeps all
// other writers waiting: look rows up by key or by text (dbk_db_find_text), do nothing that grows with the
// tenant, never submit.
//
// DBK_OK: *change, whose tenant is set, holds the batches to store; they stay the transaction's own until
// done was called. No batches: nothing is to be stored. Anything else refuses, with err's status and message.
typedef dbk_status (*dbk_transaction)(void *user, const dbk_snapshot *working, dbk_change *change,
                                      dbk_error *err);

// Hands a transaction over. What it decided is stored like any other change: whole, in one record of the log.
// done gets a refusal, or the news that nothing was to be stored, only when what the transaction had read is
// on disk: no answer follows from a change that a crash takes back. The tenant's name must live until then.
// Any thread but the writer's.
void dbk_store_transact(dbk_store *store, dbk_text tenant, dbk_transaction fn, void *user,
                        dbk_change_done done, void *done_user);

// ---- Observing ----

// Watched rows of published changes, in the order in which they were stored.
typedef struct dbk_observed {
    const dbk_watched_row *rows; // the words and names live as long as the store
    size_t count;
    // Rows of changes up to this number are missing from all that was told; 0 = none are that were not said
    // to be before. Never without a reason: what was stored before the log begins, or memory that was out.
    uint64_t missing_to;
} dbk_observed;

// Called after watched rows were published and before their changes are acknowledged, on the writer's thread:
// copy what you need and return soon.
typedef void (*dbk_observer)(void *user, const dbk_observed *observed);

// Sets the one observer; NULL = nobody, and when that returns the former one is called no more. An observer
// hears first, on the calling thread, what the log had that was replayed when the store was opened: so one
// who remembers a number can go on behind it after a crash. Any thread but the writer's; the store must have
// been opened with watches.
void dbk_store_observe(dbk_store *store, dbk_observer observer, void *user);

// Waits until everything published so far is in segment files and the log is empty of it.
dbk_status dbk_store_checkpoint(dbk_store *store, dbk_error *err);

// What memory_bytes is when it is 0.
uint64_t dbk_store_memory_default(void);

typedef struct dbk_store_figures {
    bool read_only; // a write or sync failed: changes get DBK_READ_ONLY until restart
    char read_only_reason[256];
    const char *io_backend;
    uint64_t changes, groups; // groups: synced log writes
    uint64_t log_bytes, log_bytes_since_checkpoint;
    uint64_t checkpoints, segments_written;
    uint64_t memory_bytes, memory_budget;
    dbk_cold_figures cold; // texts of segments
} dbk_store_figures;
void dbk_store_figures_read(dbk_store *store, dbk_store_figures *out);

// ---- Looking without opening ----

typedef struct dbk_check_report {
    uint64_t files, bytes; // read and verified
    uint64_t segments, log_groups, tenants, rows;
    uint64_t problems; // 0 = everything holds
} dbk_check_report;
// Reads every file of a directory that no server has open, verifies every checksum, rebuilds the database and
// compares statistics, key index, dead rows and rollups with the rows themselves. Each problem is one call of
// `problem` with file, offset and what to do. DBK_OK when the check could be made, whatever it found. Changes
// nothing.
dbk_status dbk_store_check(const char *directory, void (*problem)(void *user, const char *line), void *user,
                           dbk_check_report *out, dbk_error *err);

#endif
