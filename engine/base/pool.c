// SPDX-License-Identifier: Apache-2.0
// A list of offers under one lock. Whoever has work puts an offer on the list, works itself, then takes the
// offer back and waits for the helpers that had accepted. A helper that comes late finds the offer gone:
// nobody ever waits for a thread to wake up, and a busy pool costs a query nothing but its help.
#include "engine/base/pool.h"

#include "engine/base/thread.h"

#include <assert.h>
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

// ---- Behind ----

typedef struct crew {
    void (*work)(void *user, int worker);
    void *user;
    dbk_haste *haste;
    _Atomic int next; // number of a worker
    int at_work;      // of the crew's own; guarded by the lock of `haste`
} crew;

void dbk_haste_init(dbk_haste *haste, bool is_made)
{
    pthread_mutex_init(&haste->lock, NULL);
    pthread_cond_init(&haste->changed, NULL);
    atomic_init(&haste->is_made, is_made);
}

void dbk_haste_dispose(dbk_haste *haste)
{
    pthread_cond_destroy(&haste->changed);
    pthread_mutex_destroy(&haste->lock);
}

void dbk_haste_make(dbk_haste *haste)
{
    if (atomic_load_explicit(&haste->is_made, memory_order_relaxed))
        return;
    pthread_mutex_lock(&haste->lock);
    atomic_store_explicit(&haste->is_made, true, memory_order_relaxed);
    pthread_cond_broadcast(&haste->changed);
    pthread_mutex_unlock(&haste->lock);
}

static void crew_work(void *user, int worker)
{
    crew *c = user;
    (void)worker;
    c->work(c->user, atomic_fetch_add(&c->next, 1));
}

static void *crew_main(void *user)
{
    crew *c = user;
    dbk_thread_give_way();
    crew_work(c, 0);
    pthread_mutex_lock(&c->haste->lock);
    if (--c->at_work == 0)
        pthread_cond_broadcast(&c->haste->changed);
    pthread_mutex_unlock(&c->haste->lock);
    return NULL;
}

// Until all have done their work, or somebody waits for it.
static void crew_wait(crew *c)
{
    pthread_mutex_lock(&c->haste->lock);
    while (c->at_work > 0 && !atomic_load_explicit(&c->haste->is_made, memory_order_relaxed))
        pthread_cond_wait(&c->haste->changed, &c->haste->lock);
    pthread_mutex_unlock(&c->haste->lock);
}

void dbk_pool_run_behind(int threads, void (*work)(void *user, int worker), void *user, dbk_haste *haste)
{
    crew c = {.work = work, .user = user, .haste = haste, .at_work = threads};
    pthread_t members[DBK_POOL_WORTH];
    int count = 0;
    assert(threads <= DBK_POOL_WORTH);
    if (threads <= 1 || atomic_load_explicit(&haste->is_made, memory_order_relaxed)) {
        dbk_pool_run(threads, work, user);
        return;
    }
    while (count < threads && pthread_create(&members[count], NULL, crew_main, &c) == 0)
        count++;
    pthread_mutex_lock(&haste->lock);
    c.at_work -= threads - count;
    pthread_mutex_unlock(&haste->lock);
    crew_wait(&c);
    if (count == 0 || atomic_load_explicit(&haste->is_made, memory_order_relaxed))
        dbk_pool_run(threads, crew_work, &c);
    for (int i = 0; i < count; i++)
        pthread_join(members[i], NULL);
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
