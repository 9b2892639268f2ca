// SPDX-License-Identifier: Apache-2.0
// A queue, a lock, a condition.
#include "http/app/workers.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct dbk_workers {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    dbk_job *first, **last;
    bool stopping;
    int threads_count;
    pthread_t threads[];
};

static void *work(void *argument)
{
    dbk_workers *workers = argument;
    pthread_mutex_lock(&workers->lock);
    for (;;) {
        while (workers->first == NULL && !workers->stopping)
            pthread_cond_wait(&workers->wake, &workers->lock);
        dbk_job *job = workers->first;
        if (job == NULL)
            break;
        workers->first = job->next;
        if (workers->first == NULL)
            workers->last = &workers->first;
        pthread_mutex_unlock(&workers->lock);
        job->run(job);
        pthread_mutex_lock(&workers->lock);
    }
    pthread_mutex_unlock(&workers->lock);
    return NULL;
}

dbk_status dbk_workers_create(dbk_workers **out, int threads, dbk_error *err)
{
    dbk_workers *workers = calloc(1, sizeof(*workers) + (size_t)threads * sizeof(pthread_t));
    if (workers == NULL)
        return dbk_fail(err, DBK_NO_MEMORY, "no memory for worker threads");
    workers->last = &workers->first;
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->wake, NULL);
    for (; workers->threads_count < threads; workers->threads_count++) {
        int fault = pthread_create(&workers->threads[workers->threads_count], NULL, work, workers);
        if (fault != 0) {
            dbk_workers_destroy(workers);
            return dbk_fail(err, DBK_NO_MEMORY, "cannot start a worker thread: %s", strerror(fault));
        }
    }
    *out = workers;
    return DBK_OK;
}

void dbk_workers_destroy(dbk_workers *workers)
{
    if (workers == NULL)
        return;
    pthread_mutex_lock(&workers->lock);
    workers->stopping = true;
    pthread_cond_broadcast(&workers->wake);
    pthread_mutex_unlock(&workers->lock);
    for (int i = 0; i < workers->threads_count; i++)
        pthread_join(workers->threads[i], NULL);
    pthread_cond_destroy(&workers->wake);
    pthread_mutex_destroy(&workers->lock);
    free(workers);
}

void dbk_workers_submit(dbk_workers *workers, dbk_job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&workers->lock);
    *workers->last = job;
    workers->last = &job->next;
    pthread_cond_signal(&workers->wake);
    pthread_mutex_unlock(&workers->lock);
}
