// SPDX-License-Identifier: Apache-2.0
// A list of offers under one lock. Whoever has work puts an offer on the list, works itself, then takes the
// offer back and waits for the helpers that had accepted. A helper that comes late finds the offer gone:
// nobody ever waits for a thread to wake up, and a busy pool costs a query nothing but its help.
#include "engine/base/pool.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct offer {
    void (*work)(void *user, int worker);
    void *user;
    int wanted;   // helpers that may still accept
    int accepted; // gives each its number
    int active;
    struct offer *next;
} offer;

static struct {
    pthread_mutex_t lock;
    pthread_cond_t offered, finished;
    offer *offers;
    pthread_t threads[DBK_POOL_MAX];
    int threads_count;
    bool stopping;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER,
          .offered = PTHREAD_COND_INITIALIZER,
          .finished = PTHREAD_COND_INITIALIZER};

static void *helper_main(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&pool.lock);
    while (!pool.stopping) {
        offer *mine = pool.offers;
        while (mine && mine->wanted == 0)
            mine = mine->next;
        if (!mine) {
            pthread_cond_wait(&pool.offered, &pool.lock);
            continue;
        }
        mine->wanted--;
        mine->active++;
        int worker = ++mine->accepted;
        pthread_mutex_unlock(&pool.lock);
        mine->work(mine->user, worker);
        pthread_mutex_lock(&pool.lock);
        if (--mine->active == 0)
            pthread_cond_broadcast(&pool.finished);
    }
    pthread_mutex_unlock(&pool.lock);
    return NULL;
}

void dbk_pool_run(int threads, void (*work)(void *user, int worker), void *user)
{
    int helpers = (threads < DBK_POOL_MAX ? threads : DBK_POOL_MAX) - 1;
    if (helpers <= 0) {
        work(user, 0);
        return;
    }
    offer mine = {.work = work, .user = user, .wanted = helpers};
    pthread_mutex_lock(&pool.lock);
    // A thread that cannot be made is help not had, no failure.
    while (pool.threads_count < helpers && !pool.stopping &&
           pthread_create(&pool.threads[pool.threads_count], NULL, helper_main, NULL) == 0)
        pool.threads_count++;
    mine.next = pool.offers;
    pool.offers = &mine;
    pthread_cond_broadcast(&pool.offered);
    pthread_mutex_unlock(&pool.lock);

    work(user, 0);

    pthread_mutex_lock(&pool.lock);
    offer **link = &pool.offers;
    while (*link != &mine)
        link = &(*link)->next;
    *link = mine.next;
    while (mine.active > 0)
        pthread_cond_wait(&pool.finished, &pool.lock);
    pthread_mutex_unlock(&pool.lock);
}

__attribute__((destructor)) static void pool_stop(void)
{
    pthread_mutex_lock(&pool.lock);
    pool.stopping = true;
    pthread_cond_broadcast(&pool.offered);
    pthread_mutex_unlock(&pool.lock);
    for (int i = 0; i < pool.threads_count; i++)
        pthread_join(pool.threads[i], NULL);
    pool.threads_count = 0;
}
