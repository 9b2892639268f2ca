// SPDX-License-Identifier: Apache-2.0
// What is to be done next, and the threads that do it.
#include "ingest/load_crew.h"

#include "engine/base/processors.h"
#include "ingest/load.h"

typedef struct dbk_load load;

// The lock is held, and given up meanwhile.
static void work(load *l)
{
    l->work_left--;
    pthread_mutex_unlock(&l->lock);
    l->sink->work(l->sink->user);
    pthread_mutex_lock(&l->lock);
    pthread_cond_broadcast(&l->changed);
}

dbk_status dbk_load_crew_wait(load *l, int most, dbk_error *err)
{
    pthread_mutex_lock(&l->lock);
    while (l->in_flight > most) {
        if (l->work_left > 0)
            work(l);
        else
            pthread_cond_wait(&l->changed, &l->lock);
    }
    dbk_status status = l->sink_status;
    if (status != DBK_OK && err)
        *err = l->sink_error;
    pthread_mutex_unlock(&l->lock);
    return status;
}

static dbk_load_piece *piece_at(load *l, uint64_t number)
{
    return &l->pieces[number % (uint64_t)l->pieces_count];
}

static bool can_empty(load *l)
{
    return !l->in_order && l->emptied < l->taken && piece_at(l, l->emptied)->parsed;
}

static bool can_fill(const load *l)
{
    const uint64_t alive = l->filled - l->emptied;
    return !l->in_order && l->status == DBK_OK && l->filled < l->planned &&
           alive < (uint64_t)l->pieces_count &&
           (!l->sink->work || alive + (uint64_t)l->in_flight < (uint64_t)l->alive_max);
}

static void begin_order(load *l)
{
    l->in_order = true;
    pthread_mutex_unlock(&l->lock);
}

static void end_order(load *l, dbk_status status, const dbk_error *err)
{
    pthread_mutex_lock(&l->lock);
    l->in_order = false;
    if (status == DBK_OK || l->status != DBK_OK)
        return;
    l->status = status;
    l->error = *err;
}

static void parse_next(load *l)
{
    dbk_load_piece *p = piece_at(l, l->taken++);
    pthread_mutex_unlock(&l->lock);
    dbk_load_piece_parse(p, l, l->options, &l->plan, l->input);
    pthread_mutex_lock(&l->lock);
    p->parsed = true;
}

// Does what is nearest to the end. The lock is held, and given up meanwhile. False: there is nothing now.
static bool do_next(load *l)
{
    dbk_error err = {0};
    if (can_empty(l)) {
        const bool wanted = l->status == DBK_OK;
        begin_order(l);
        end_order(l, dbk_load_empty(l, piece_at(l, l->emptied), wanted, &err), &err);
        l->emptied++;
    } else if (l->work_left > 0) {
        work(l);
    } else if (can_fill(l)) {
        begin_order(l);
        const dbk_status status = dbk_load_fill(l, piece_at(l, l->filled), &err);
        end_order(l, status, &err);
        l->filled += status == DBK_OK;
    } else if (l->taken < l->filled) {
        parse_next(l);
    } else {
        return false;
    }
    pthread_cond_broadcast(&l->changed);
    return true;
}

static bool is_over(const load *l)
{
    const bool is_filled = l->status != DBK_OK || l->filled == l->planned;
    return l->no_more && is_filled && !l->in_order && l->emptied == l->filled && l->work_left == 0;
}

static void *run_worker(void *user)
{
    load *l = user;
    pthread_mutex_lock(&l->lock);
    while (!is_over(l)) {
        if (!do_next(l))
            pthread_cond_wait(&l->changed, &l->lock);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

// ---- Threads ----

// As many as there are processors; and the caller's, which may be waiting for a server, unless the sink lets
// nobody wait for it.
void dbk_load_crew_start(load *l, uint64_t planned)
{
    int wanted = l->options->threads;
    if (wanted <= 0)
        wanted = dbk_processors(DBK_LOAD_THREADS_MAX);
    wanted = wanted > DBK_LOAD_THREADS_MAX ? DBK_LOAD_THREADS_MAX : wanted;
    l->planned = planned;
    l->next_line = 1;
    l->pieces_count = wanted + 1;
    l->alive_max = wanted;
    const int others = l->sink->work && planned > 0 ? wanted - 1 : wanted;
    while (l->workers_count < others &&
           pthread_create(&l->workers[l->workers_count], NULL, run_worker, l) == 0)
        l->workers_count++;
}

void dbk_load_crew_end(load *l)
{
    pthread_mutex_lock(&l->lock);
    l->no_more = true;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
    run_worker(l);
    while (l->workers_count > 0)
        pthread_join(l->workers[--l->workers_count], NULL);
}
