// SPDX-License-Identifier: Apache-2.0
// The single-threaded core of the store: a database, its log and its manifest, moved forward by explicit
// calls. No thread, no clock, no lock: the same calls on the same dbk_io do the same things, which is what
// lets a simulator stop it between any two operations of the disk.
//
// A group goes: append, append, … (applied to the working state, encoded), commit_begin (image frozen, bytes
// written, sync submitted), commit_wait (synced), publish (readers see it; only now may it be acknowledged).
// Between begin and wait further changes may be appended: they are part of the next group.
//
// A failed write or sync is final. The journal is then read-only: nothing that was not published ever will
// be.
#ifndef DBK_STORE_JOURNAL_H
#define DBK_STORE_JOURNAL_H

#include "ingest/store/manifest.h"
#include "ingest/store/segment_files.h"
#include "ingest/store/store.h"

typedef struct dbk_journal dbk_journal;

typedef struct dbk_journal_options {
    uint64_t log_file_bytes;  // of large ones; 0 = 64 MiB; at least 5 blocks are taken
    bool unlogged;            // see dbk_store_options
    dbk_segment_files *files; // what the db reads texts from that are not in memory; NULL = it keeps them all
    uint64_t seed;            // of the file ids; 0 = from the kernel. Only tests choose.
    void (*notice)(void *user, const char *line);
    // Makes a log file; NULL = the journal makes it itself, through its io. The store has another thread
    // prepare files ahead. The caller of dbk_log_file_create's contract, see there.
    dbk_status (*make_log_file)(void *user, const dbk_log_plan *plan, bool again, dbk_error *err);
    void *user;
} dbk_journal_options;

// Recovers the directory into db, which is empty, and publishes what was found. io and db stay the caller's
// and outlive the journal.
dbk_status dbk_journal_open(dbk_journal **out, dbk_io *io, dbk_db *db, const dbk_journal_options *options,
                            dbk_error *err);
// Forgets everything, as a crash would. NULL is fine. Waits for a sync in flight.
void dbk_journal_destroy(dbk_journal *journal);
// Marks the directory as closed in order. Nothing may be appended and not committed. Only destroy may follow.
dbk_status dbk_journal_close(dbk_journal *journal, dbk_error *err);

// ---- Changes ----

// Room in the log is made sure of first, then the batches are applied. On failure nothing of the change is in
// the working state or the group: DBK_NO_SPACE when no log file could be made (it may be tried again later),
// DBK_READ_ONLY after a failure, else what the change deserves. The exception is a change of several
// batches that are not independent (dbk_db_apply_all) and whose second or later one fails: then the working
// state holds a part of it, and the journal turns read-only rather than let anybody see it.
// reports (NULL allowed) has batches_count entries; the caller frees their rejected_rows.
dbk_status dbk_journal_append(dbk_journal *journal, const dbk_change *change, dbk_apply_report *reports,
                              dbk_error *err);
// A journal without a log only applies it: the next checkpoint keeps it, and until then a crash takes it
// back. The same for a change that was checked (dbk_change_check) and encoded (dbk_record_append) before, on
// another thread.
dbk_status dbk_journal_append_record(dbk_journal *journal, const dbk_change *change, const void *record,
                                     size_t size, dbk_apply_report *reports, dbk_error *err);

// A change was applied to the working state past the journal, which has no log: it is part of the group that
// is being built.
void dbk_journal_note_applied(dbk_journal *journal);

// Payload of the group that is being built; 0 = nothing to commit.
size_t dbk_journal_pending_bytes(const dbk_journal *journal);
// Changes applied so far: the number of the next image.
uint64_t dbk_journal_number(const dbk_journal *journal);

// One at a time: begin, wait, publish. begin without pending changes, and the others without a begin, do
// nothing and return DBK_OK. After a failure of begin or wait, publish publishes nothing.
dbk_status dbk_journal_commit_begin(dbk_journal *journal, dbk_error *err);
dbk_status dbk_journal_commit_wait(dbk_journal *journal, dbk_error *err);
void dbk_journal_publish(dbk_journal *journal);
// All three.
dbk_status dbk_journal_commit(dbk_journal *journal, dbk_error *err);

// Appends the confirm group if the last group is a data group; call it when no change is waiting and no
// commit is under way.
dbk_status dbk_journal_confirm(dbk_journal *journal, dbk_error *err);

// The reason when the journal is read-only, else NULL.
const char *dbk_journal_read_only(const dbk_journal *journal);
// Makes it read-only because somebody else's write to the directory failed. It becomes so by itself when rows
// turn out not to be sound (dbk_db_hold): what is applied then is not committed.
void dbk_journal_fail(dbk_journal *journal, const char *reason);

// ---- Log files ahead ----

// True when the log file in use is half full and the next one is not there yet; *plan is then what to make.
bool dbk_journal_wants_file(dbk_journal *journal, dbk_log_plan *plan, bool *again);
// The file of that plan was made. Forgotten when the journal has helped itself meanwhile.
void dbk_journal_file_made(dbk_journal *journal, const dbk_log_plan *plan);

// ---- Checkpoints ----

// Where the log stands behind the last published group: with the published snapshot, the input of a
// checkpoint.
dbk_log_position dbk_journal_published(const dbk_journal *journal);
// The manifest that rules. Valid until adopt.
const dbk_manifest *dbk_journal_manifest(const dbk_journal *journal);
// A checkpoint was written: its manifest rules now. Takes it over, and destroys the one before.
void dbk_journal_adopt(dbk_journal *journal, dbk_manifest *manifest);
// The whole of it, for single-threaded users: writes a checkpoint of what is published, through the journal's
// io, adopts it, sweeps. DBK_NO_SPACE changes nothing; other failures turn the journal read-only.
dbk_status dbk_journal_checkpoint(dbk_journal *journal, dbk_error *err);

typedef struct dbk_journal_figures {
    uint64_t changes, groups;               // committed since opening; groups of data
    uint64_t log_bytes;                     // written to the log since opening
    uint64_t replayed_bytes;                // of log, when opening
    uint64_t checkpoints, segments_written; // by dbk_journal_checkpoint
} dbk_journal_figures;
dbk_journal_figures dbk_journal_figures_read(const dbk_journal *journal);

#endif
