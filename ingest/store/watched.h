// SPDX-License-Identifier: Apache-2.0
// Watched rows on their way from the engine, which tells them as they are applied, to the store's observer,
// who hears of them when they are published. Internal to the store; see dbk_store_observe.
#ifndef DBK_STORE_WATCHED_H
#define DBK_STORE_WATCHED_H

#include "ingest/store/store.h"

#include <pthread.h>

typedef struct dbk_watched_list {
    dbk_watched_row *rows;
    size_t count, capacity;
    bool is_cut;         // memory was out: rows are missing
    uint64_t missing_to; // rows of changes up to this number were left out
} dbk_watched_list;

typedef struct dbk_watcher {
    dbk_watched_list building; // the writer's: of the group that is being built …
    dbk_watched_list flying;   // … and of the one whose sync runs
    size_t limit;              // of building, while a log is replayed; 0 = none

    // ---- guarded by the mutex ----
    pthread_mutex_t mutex;
    dbk_watched_list recent; // of the log that was replayed, until the first observer comes
    dbk_observer observer;
    void *user;
} dbk_watcher;

void dbk_watcher_init(dbk_watcher *watcher);
void dbk_watcher_dispose(dbk_watcher *watcher);
// Has the db tell the watcher. To be followed by the replay, and that by dbk_watcher_replayed.
void dbk_watcher_attach(dbk_watcher *watcher, dbk_db *db, const dbk_watch *watches, int count);
// The log has been replayed: the changes behind number `from`, up to number `to`.
void dbk_watcher_replayed(dbk_watcher *watcher, uint64_t from, uint64_t to);

// Tells the observer what the replayed log had, and from now on what is published. NULL: nobody listens, and
// whoever did is not called any more when this returns. Any thread.
void dbk_watcher_observe(dbk_watcher *watcher, dbk_observer observer, void *user);

// The writer's three moments.
void dbk_watcher_begin(dbk_watcher *watcher);                    // building becomes flying
void dbk_watcher_publish(dbk_watcher *watcher, uint64_t number); // flying is told
void dbk_watcher_forget(dbk_watcher *watcher);                   // neither will ever be published

#endif
