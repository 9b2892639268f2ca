// SPDX-License-Identifier: Apache-2.0
// Collecting watched rows: grown on the writer's thread without a lock, told under the observer's mutex.
#include "ingest/store/watched.h"

#include <stdlib.h>
#include <string.h>

// What is kept of a replayed log: the newest rows, for an observer who was told of older ones before a
// restart.
enum { RECENT_ROWS = 16384 };

static void reset(dbk_watched_list *list)
{
    list->count = 0;
    list->is_cut = false;
    list->missing_to = 0;
}

static void dispose(dbk_watched_list *list)
{
    free(list->rows);
    *list = (dbk_watched_list){0};
}

// Leaves the newest half, and of changes only whole ones.
static void drop_oldest(dbk_watched_list *list)
{
    size_t from = list->count / 2;
    list->missing_to = list->rows[from - 1].number;
    while (from < list->count && list->rows[from].number == list->missing_to)
        from++;
    list->count -= from;
    memmove(list->rows, list->rows + from, list->count * sizeof(*list->rows));
}

static void on_stored(void *user, const dbk_watched_row *row)
{
    dbk_watcher *w = user;
    dbk_watched_list *list = &w->building;
    if (w->limit && list->count >= w->limit)
        drop_oldest(list);
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 16;
        dbk_watched_row *grown = realloc(list->rows, capacity * sizeof(*grown));
        if (!grown) {
            list->is_cut = true;
            return;
        }
        list->rows = grown;
        list->capacity = capacity;
    }
    list->rows[list->count++] = *row;
}

void dbk_watcher_init(dbk_watcher *w)
{
    pthread_mutex_init(&w->mutex, NULL);
}

void dbk_watcher_dispose(dbk_watcher *w)
{
    dispose(&w->building);
    dispose(&w->flying);
    dispose(&w->recent);
    pthread_mutex_destroy(&w->mutex);
}

void dbk_watcher_attach(dbk_watcher *w, dbk_db *db, const dbk_watch *watches, int count)
{
    w->limit = 2 * RECENT_ROWS;
    dbk_db_watch(db, watches, count, on_stored, w);
}

void dbk_watcher_replayed(dbk_watcher *w, uint64_t from, uint64_t to)
{
    w->limit = 0;
    w->recent = w->building;
    if (w->recent.is_cut)
        w->recent.count = 0;
    if (w->recent.missing_to < from)
        w->recent.missing_to = from;
    if (w->recent.is_cut)
        w->recent.missing_to = to;
    w->building = (dbk_watched_list){0};
}

void dbk_watcher_begin(dbk_watcher *w)
{
    dbk_watched_list free_list = w->flying;
    w->flying = w->building;
    w->building = free_list;
}

static void tell(dbk_watcher *w, const dbk_watched_list *list)
{
    dbk_observed observed = {.rows = list->rows, .count = list->count, .missing_to = list->missing_to};
    w->observer(w->user, &observed);
}

void dbk_watcher_publish(dbk_watcher *w, uint64_t number)
{
    dbk_watched_list *list = &w->flying;
    if (list->count == 0 && !list->is_cut)
        return;
    if (list->is_cut) {
        list->missing_to = number;
        list->count = 0;
    }
    pthread_mutex_lock(&w->mutex);
    if (w->observer) {
        tell(w, list);
    } else {
        // Nobody hears these, so what the log had is not the newest any more.
        dispose(&w->recent);
        w->recent.missing_to = number;
    }
    pthread_mutex_unlock(&w->mutex);
    reset(list);
}

void dbk_watcher_forget(dbk_watcher *w)
{
    reset(&w->building);
    reset(&w->flying);
}

void dbk_watcher_observe(dbk_watcher *w, dbk_observer observer, void *user)
{
    pthread_mutex_lock(&w->mutex);
    w->observer = observer;
    w->user = user;
    if (observer) {
        tell(w, &w->recent);
        dispose(&w->recent);
    }
    pthread_mutex_unlock(&w->mutex);
}
