// SPDX-License-Identifier: Apache-2.0
// Helpers: threads of the process that sleep until somebody offers work that can be shared, a query or the
// making of an index.
#ifndef DBK_BASE_POOL_H
#define DBK_BASE_POOL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum {
    DBK_POOL_MAX = 64,
    DBK_POOL_WORTH =
        8, // making an index or reading files is bound by memory or the disk beyond so many threads
};

// Calls work(user, 0) on this thread, and work(user, 1) … work(user, threads - 1) on those helpers that are
// free before the first call returns; so the work must be shared out by the callee (an atomic counter), and
// must be complete when any one of the calls has found nothing left and all have returned. Never waits for a
// helper that did not begin. Any thread; nested calls are not allowed.
void dbk_pool_run(int threads, void (*work)(void *user, int worker), void *user);

// Whether work that nobody waited for when it began is waited for.
typedef struct dbk_haste {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    _Atomic bool is_made;
} dbk_haste;

void dbk_haste_init(dbk_haste *haste, bool is_made);
void dbk_haste_dispose(dbk_haste *haste);
// Any thread, often: costs a load once haste was made.
void dbk_haste_make(dbk_haste *haste);

// As dbk_pool_run, but on threads of their own that take only what others leave of the processors
// (dbk_thread_give_way), and no helper, until haste is made: then the caller and helpers join in. So worker
// numbers go up to twice `threads`, which is DBK_POOL_WORTH at most.
void dbk_pool_run_behind(int threads, void (*work)(void *user, int worker), void *user, dbk_haste *haste);

#endif
