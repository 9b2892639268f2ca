// SPDX-License-Identifier: Apache-2.0
// A morsel is a part: some 50 microseconds of work, so that threads end together and a cancelled query ends
// soon.
#include "engine/exec/morsels.h"

#include "engine/base/clock.h"
#include "engine/base/pool.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

// Waking a helper costs as much as scanning a part or two.
enum { PARTS_FOR_HELP = 4 };

// ---- How long they take ----

static dbk_morsel_watch watching;

void dbk_morsels_watch(dbk_morsel_watch watch)
{
    watching = watch;
}

dbk_morsel_time dbk_morsel_begin(void)
{
    if (__builtin_expect(watching == NULL, 1))
        return (dbk_morsel_time){0};
    return (dbk_morsel_time){dbk_clock_steady_ns(), dbk_clock_ns(CLOCK_THREAD_CPUTIME_ID)};
}

void dbk_morsel_end(dbk_morsel_time begun)
{
    if (__builtin_expect(watching != NULL, 0))
        watching(dbk_clock_steady_ns() - begun.ns, dbk_clock_ns(CLOCK_THREAD_CPUTIME_ID) - begun.cpu_ns);
}

// ---- The walk ----

static dbk_status work_through(dbk_morsels *morsels, dbk_worker *worker)
{
    DBK_TRY(morsels->create(morsels->plan, &worker->state, &worker->err));
    if (morsels->plan->parts_count == 0)
        return DBK_OK;
    DBK_TRY(dbk_scan_init(&worker->scan, morsels->plan, &worker->err));
    worker->scans = true;
    dbk_sink sink = morsels->sink;
    sink.self = worker->state;
    while (!__atomic_load_n(&morsels->failed, __ATOMIC_RELAXED) && !worker->scan.stop) {
        size_t i = __atomic_fetch_add(&morsels->next, 1, __ATOMIC_RELAXED);
        if (i >= morsels->plan->parts_count)
            break;
        const dbk_morsel_time begun = dbk_morsel_begin();
        DBK_TRY(dbk_scan_part(&worker->scan, morsels->plan->parts[i], &sink));
        dbk_morsel_end(begun);
    }
    return DBK_OK;
}

static void work(void *user, int number)
{
    dbk_morsels *morsels = user;
    dbk_worker *worker = &morsels->workers[number];
    worker->status = work_through(morsels, worker);
    if (worker->status != DBK_OK)
        __atomic_store_n(&morsels->failed, true, __ATOMIC_RELAXED);
}

dbk_status dbk_morsels_run(dbk_morsels *morsels, dbk_error *err)
{
    const dbk_plan *plan = morsels->plan;
    if (morsels->threads < 1 || plan->parts_count < PARTS_FOR_HELP || plan->has_points)
        morsels->threads = 1;
    if (morsels->threads > DBK_POOL_MAX)
        morsels->threads = DBK_POOL_MAX;
    if ((size_t)morsels->threads > plan->parts_count)
        morsels->threads = plan->parts_count ? (int)plan->parts_count : 1;
    morsels->workers = malloc((size_t)morsels->threads * sizeof *morsels->workers);
    if (!morsels->workers)
        return dbk_exec_no_memory(err);
    for (int i = 0; i < morsels->threads; i++)
        memset(&morsels->workers[i], 0, offsetof(dbk_worker, scan));
    dbk_pool_run(morsels->threads, work, morsels);
    for (int i = 0; i < morsels->threads; i++) {
        if (morsels->workers[i].status == DBK_OK)
            continue;
        if (err)
            *err = morsels->workers[i].err;
        return morsels->workers[i].status;
    }
    return DBK_OK;
}

void dbk_morsels_dispose(dbk_morsels *morsels)
{
    for (int i = 0; morsels->workers && i < morsels->threads; i++) {
        if (morsels->workers[i].scans)
            dbk_scan_dispose(&morsels->workers[i].scan);
        if (morsels->workers[i].state)
            morsels->destroy(morsels->workers[i].state);
    }
    free(morsels->workers);
    morsels->workers = NULL;
}

dbk_result_stats dbk_morsels_stats(const dbk_morsels *morsels)
{
    const dbk_plan *plan = morsels->plan;
    dbk_result_stats stats = {.segments_total = plan->parts_total,
                              .segments_skipped = plan->parts_total - plan->parts_count};
    for (int i = 0; i < morsels->threads; i++) {
        const dbk_result_stats *more = &morsels->workers[i].scan.stats;
        if (!morsels->workers[i].scans)
            continue;
        stats.segments_skipped += more->segments_skipped;
        stats.segments_from_statistics += more->segments_from_statistics;
        stats.rows_scanned += more->rows_scanned;
    }
    return stats;
}
