// SPDX-License-Identifier: Apache-2.0
// Helpers: threads of the process that sleep until somebody offers work that can be shared, a query or the
// making of an index.
#ifndef DBK_BASE_POOL_H
#define DBK_BASE_POOL_H

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

#endif
