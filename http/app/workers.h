// SPDX-License-Identifier: Apache-2.0
// A few threads for what would keep an event loop waiting: long reads, large bodies, writes that wait for the
// disk. First come, first served.
#ifndef DBK_WORKERS_H
#define DBK_WORKERS_H

#include "engine/base/status.h"

typedef struct dbk_workers dbk_workers;

// Embedded in whatever the job works on, so that handing over cannot fail.
typedef struct dbk_job {
    struct dbk_job *next;
    void (*run)(struct dbk_job *job);
} dbk_job;

dbk_status dbk_workers_create(dbk_workers **out, int threads, dbk_error *err);
// Finishes every job handed over before.
void dbk_workers_destroy(dbk_workers *workers);
void dbk_workers_submit(dbk_workers *workers, dbk_job *job);

#endif
