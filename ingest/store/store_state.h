// SPDX-License-Identifier: Apache-2.0
// What a store is made of: the journal, and the two threads that move it.
//
//     submitters ──▶ queue ──▶ writer thread ──▶ log            housekeeper thread: log files ahead,
//     (check, encode,          (apply, commit,   (group by       checkpoints (works on snapshots, with a
//      compress)                publish, answer)  group)          dbk_io of its own)
//
// The journal belongs to the writer while it runs. One mutex guards everything below the line; it is held for
// moments, never over a disk operation. The published snapshot and `published` move together under it, so
// that a checkpoint gets a pair that belongs together.
#ifndef DBK_STORE_STATE_OF_STORE_H
#define DBK_STORE_STATE_OF_STORE_H

#include <pthread.h>

#include "ingest/store/checkpoint.h"
#include "ingest/store/journal.h"
#include "ingest/store/watched.h"

typedef struct dbk_pending dbk_pending; // a change that was handed over, writer.c

// The next log file, as the two threads talk about it.
typedef enum dbk_file_request {
    DBK_REQUEST_NONE,
    DBK_REQUEST_WANTED,
    DBK_REQUEST_MAKING,
    DBK_REQUEST_MADE
} dbk_file_request;

struct dbk_store {
    char *directory;
    dbk_db *db;
    dbk_io *io;       // the writer's
    dbk_io *house_io; // the housekeeper's
    dbk_segment_files *files;
    dbk_journal *journal;
    int lock;
    uint64_t memory_budget, checkpoint_bytes;
    bool unlogged;
    void (*answers_begin)(void), (*answers_end)(void);
    void (*opened)(void *user);
    void (*notice)(void *user, const char *line);
    void *user;
    pthread_t writer, housekeeper;
    bool writer_runs, housekeeper_runs;
    uint64_t initial_log_bytes; // replayed at the start: log since the last checkpoint
    uint64_t no_room_number;    // the writer's: the state of which a checkpoint made no room
    bool checkpoint_again;      // the housekeeper's: the last checkpoint failed
    // Segments that a load wrote ahead of the checkpoint that it asks for (bulk.h); ascending by id.
    dbk_written_segment *written;
    size_t written_count, written_capacity;
    dbk_watcher watcher;

    // ---- guarded by the mutex ----
    pthread_mutex_t mutex;
    pthread_cond_t work;    // for the writer: the queue has something, or stopping
    pthread_cond_t room;    // for submitters: the queue has room
    pthread_cond_t chores;  // for the housekeeper
    pthread_cond_t changed; // for who waits for a checkpoint, a log file or an idle writer
    dbk_pending *first, *last;
    size_t queued_bytes;
    bool stopping, house_stopping;
    bool wished;         // a query asked for sums that the writer makes when it has nothing else to do
    bool writer_is_idle; // it waits for work, and touches neither journal nor database

    dbk_log_position published; // belongs to the published snapshot
    dbk_file_request request;
    dbk_log_plan request_plan;
    bool request_again;
    uint64_t checkpoints_wanted, checkpoints_done; // tickets
    uint64_t room_wanted, room_made;               // tickets: texts are to leave memory
    bool room_is_urgent;                           // a change waits for it
    dbk_error checkpoint_error;                    // of the last one done
    uint64_t checkpoint_at;                        // log bytes at which the next one starts by itself
    dbk_error failure;                             // why the store is read-only
    dbk_store_figures figures;
};

void *dbk_store_writer_run(void *store);
void *dbk_store_housekeeper_run(void *store);
// The journal's make_log_file: uses the file that the housekeeper prepares, or makes it here.
dbk_status dbk_store_make_log_file(void *store, const dbk_log_plan *plan, bool again, dbk_error *err);
// Mutex held: whether memory is so full that texts should leave, and some may.
bool dbk_store_wants_room(const dbk_store *store);
// Any thread: lets texts go that have a file, until memory is below its limit or none is left; those that are
// being read only if it `waits` for the reads (cold.h).
void dbk_store_trim(dbk_store *store, bool waits);
// What a change is told that finds no room: DBK_NO_SPACE.
dbk_status dbk_store_fail_full(const dbk_store *store, dbk_error *err);
// The writer's: waits until as many texts have left memory as may, after a checkpoint where that helps.
void dbk_store_make_room(dbk_store *store);
// Mutex held: notes the failure, once.
void dbk_store_note_failure(dbk_store *store, const char *reason);

#endif
