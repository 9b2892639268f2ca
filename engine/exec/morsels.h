// SPDX-License-Identifier: Apache-2.0
// A plan's parts shared out among threads: each worker has a scan of its own and takes the next part when it
// is through with one.
#ifndef DBK_EXEC_MORSELS_H
#define DBK_EXEC_MORSELS_H

#include "engine/exec/scan.h"

typedef struct dbk_worker {
    void *state; // the sink's self
    dbk_status status;
    bool scans; // it has a scan: where there are no parts it needs none
    dbk_scan scan;
    dbk_error err;
} dbk_worker;

typedef struct dbk_morsels {
    const dbk_plan *plan;
    // Makes and frees a worker's state. It lives until dbk_morsels_dispose.
    dbk_status (*create)(const dbk_plan *plan, void **state, dbk_error *err);
    void (*destroy)(void *state);
    dbk_sink sink; // without self
    int threads;
    dbk_worker *workers; // those that did not run have no state; the first always has one
    size_t next;
    bool failed;
} dbk_morsels;

// Walks all parts of the plan. Afterwards the workers' states are the caller's to merge.
dbk_status dbk_morsels_run(dbk_morsels *morsels, dbk_error *err);
void dbk_morsels_dispose(dbk_morsels *morsels);
// What all workers touched.
dbk_result_stats dbk_morsels_stats(const dbk_morsels *morsels);

// For measurements: is told after each piece of work that a thread does without looking up in between, what
// it took by the clock and of the processor. NULL = nobody. Not while queries run.
typedef void (*dbk_morsel_watch)(int64_t ns, int64_t cpu_ns);
void dbk_morsels_watch(dbk_morsel_watch watch);
// Around such a piece: what begin returned goes into end.
typedef struct dbk_morsel_time {
    int64_t ns, cpu_ns;
} dbk_morsel_time;
dbk_morsel_time dbk_morsel_begin(void);
void dbk_morsel_end(dbk_morsel_time begun);

#endif
