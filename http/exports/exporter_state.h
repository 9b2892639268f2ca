// SPDX-License-Identifier: Apache-2.0
// What the files behind exporter.h share: changes of rows on their way (exporter.c), running a job
// (exporter_run.c), what starts and outlives jobs (exporter_sweep.c).
#ifndef DBK_EXPORTER_STATE_H
#define DBK_EXPORTER_STATE_H

#include "http/exports/exporter.h"
#include "http/exports/queue.h"

#include <pthread.h>

enum { DBK_EXPORTER_THREADS_MAX = 8 };

struct dbk_exporter {
    dbk_store *store;
    dbk_exporter_options options;
    char directory[DBK_EXPORT_PATH_MAX];

    pthread_mutex_t lock;
    pthread_cond_t changed; // the queue, `unsettled`, `stopping`
    dbk_export_queue queue;
    int unsettled; // changes handed to the store whose end was not told yet
    bool stopping;
    int64_t swept_at; // by the monotonic clock, ms

    pthread_t threads[DBK_EXPORTER_THREADS_MAX];
    int threads_count;
};

// Hands `to` (see dbk_export_advance) to the store as the next state of a job and returns; done may be NULL.
// What `to` points to is copied.
void dbk_exporter_advance(dbk_exporter *exporter, dbk_text tenant, dbk_text id, const dbk_export *to,
                          dbk_exporter_done done, void *user);

// Runs one job to its end. On an exporter's thread.
void dbk_exporter_run(dbk_exporter *exporter, dbk_export_ticket *ticket);

// Queues what was running, before the threads start, and removes files that no job stands behind.
dbk_status dbk_exporter_resume(dbk_exporter *exporter, dbk_error *err);
// Removes jobs whose time is over, files first, so that a file never outlives its row.
void dbk_exporter_sweep(dbk_exporter *exporter);

#endif
