// SPDX-License-Identifier: Apache-2.0
// A store from the outside: opening, closing, waiting, counting. The work is the journal's and the two
// threads'.
#include "ingest/store/store_state.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/image.h"
#include "ingest/store/lock.h"

static const uint64_t checkpoint_bytes_default = 256 << 20;
// Of the budget: what is kept free of texts, so that changes seldom wait for some to leave.
enum { MARGIN_SHARE = 16 };

uint64_t dbk_store_memory_default(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page / 4 * 3 : UINT64_MAX;
}

// ---- Open ----

static void notify(void *user, const char *line)
{
    dbk_store *s = user;
    if (s->notice)
        s->notice(s->user, line);
}

static dbk_status start_threads(dbk_store *s, dbk_error *err)
{
    dbk_db_give_way(s->db);
    s->writer_runs = pthread_create(&s->writer, NULL, dbk_store_writer_run, s) == 0;
    if (s->writer_runs)
        s->housekeeper_runs = pthread_create(&s->housekeeper, NULL, dbk_store_housekeeper_run, s) == 0;
    return s->housekeeper_runs ? DBK_OK : dbk_fail(err, DBK_NO_MEMORY, "cannot start a thread");
}

static dbk_status open_io(void *user, dbk_io **out, dbk_error *err)
{
    return dbk_io_open(out, ((dbk_store *)user)->directory, false, err);
}

// On a reader's thread, once for what it asked for.
static void on_wish(void *user)
{
    dbk_store *s = user;
    pthread_mutex_lock(&s->mutex);
    s->wished = true;
    pthread_cond_signal(&s->work);
    pthread_mutex_unlock(&s->mutex);
}

// On whatever thread found it: from here on changes are refused, and who asks after the store is told.
static void on_damage(void *user, const char *story)
{
    dbk_store *s = user;
    pthread_mutex_lock(&s->mutex);
    dbk_store_note_failure(s, story);
    pthread_cond_signal(&s->work);
    pthread_mutex_unlock(&s->mutex);
}

static dbk_status open_database(dbk_store *s, dbk_error *err)
{
    DBK_TRY(dbk_db_create(&s->db, err));
    DBK_TRY(dbk_segment_files_create(&s->files, open_io, s, err));
    const dbk_segment_source source = dbk_segment_files_source(s->files);
    DBK_TRY(dbk_image_keep_cold(s->db, &source, s->memory_budget - s->memory_budget / MARGIN_SHARE, err));
    dbk_db_put_off_keys(s->db);
    dbk_db_put_off_rollups(s->db);
    dbk_db_on_wish(s->db, on_wish, s);
    dbk_db_on_damage(s->db, on_damage, s);
    return DBK_OK;
}

static dbk_status open_parts(dbk_store *s, const dbk_store_options *options, dbk_error *err)
{
    s->directory = strdup(options->directory);
    if (!s->directory)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory opening %s", options->directory);
    // The directory first: the lock is a file in it.
    DBK_TRY(dbk_io_open(&s->io, options->directory, options->create, err));
    DBK_TRY(dbk_lock_take(options->directory, true, &s->lock, err));
    DBK_TRY(dbk_io_open(&s->house_io, options->directory, false, err));
    DBK_TRY(open_database(s, err));
    dbk_journal_options journal = {
        .files = s->files,
        .log_file_bytes = options->log_file_bytes,
        .unlogged = options->unlogged,
        .notice = notify,
        .make_log_file = dbk_store_make_log_file,
        .user = s,
    };
    if (options->watches_count > 0)
        dbk_watcher_attach(&s->watcher, s->db, options->watches, options->watches_count);
    DBK_TRY(dbk_journal_open(&s->journal, s->io, s->db, &journal, err));
    dbk_watcher_replayed(&s->watcher, dbk_journal_manifest(s->journal)->number,
                         dbk_journal_number(s->journal));
    s->published = dbk_journal_published(s->journal);
    s->figures.log_bytes_since_checkpoint = dbk_journal_figures_read(s->journal).replayed_bytes;
    s->figures.log_bytes = dbk_journal_figures_read(s->journal).log_bytes;
    s->checkpoint_at = s->checkpoint_bytes;
    return start_threads(s, err);
}

// Ends what runs and frees what there is; copes with any half-opened store.
static void dispose(dbk_store *s)
{
    if (s->writer_runs) {
        pthread_mutex_lock(&s->mutex);
        s->stopping = true;
        // Changes that wait need the keys.
        if (!s->first)
            dbk_db_stop_making_keys(s->db);
        pthread_cond_signal(&s->work);
        pthread_mutex_unlock(&s->mutex);
        pthread_join(s->writer, NULL);
    }
    if (s->housekeeper_runs) {
        pthread_mutex_lock(&s->mutex);
        s->house_stopping = true;
        pthread_cond_signal(&s->chores);
        pthread_mutex_unlock(&s->mutex);
        pthread_join(s->housekeeper, NULL);
    }
    if (s->journal && s->housekeeper_runs && s->failure.status == DBK_OK) {
        dbk_error err = {0};
        dbk_status status = DBK_OK;
        if (dbk_journal_number(s->journal) != dbk_journal_manifest(s->journal)->number &&
            !s->checkpoint_again)
            status = dbk_journal_checkpoint(s->journal, &err);
        // Without the checkpoint the log has everything: closing in order is still possible.
        if (status == DBK_OK || status == DBK_NO_SPACE || status == DBK_NO_MEMORY)
            status = dbk_journal_close(s->journal, &err);
        if (status != DBK_OK)
            notify(s, err.message);
    }
    dbk_journal_destroy(s->journal);
    dbk_db_destroy(s->db);
    dbk_segment_files_tidy(s->files, NULL, s->house_io);
    dbk_segment_files_destroy(s->files);
    dbk_io_close(s->house_io);
    dbk_io_close(s->io);
    dbk_lock_release(s->lock);
    dbk_watcher_dispose(&s->watcher);
    free(s->written);
    free(s->directory);
    pthread_mutex_destroy(&s->mutex);
    pthread_cond_destroy(&s->work);
    pthread_cond_destroy(&s->room);
    pthread_cond_destroy(&s->chores);
    pthread_cond_destroy(&s->changed);
    free(s);
}

dbk_status dbk_store_open(dbk_store **out, const dbk_store_options *options, dbk_error *err)
{
    dbk_store *s = calloc(1, sizeof(*s));
    if (!s)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory opening %s", options->directory);
    s->lock = -1;
    s->no_room_number = UINT64_MAX;
    s->room_wanted = 1; // what was restored may be too much
    s->unlogged = options->unlogged;
    s->answers_begin = options->answers_begin;
    s->answers_end = options->answers_end;
    s->opened = options->opened;
    s->notice = options->notice;
    s->user = options->user;
    s->memory_budget = options->memory_bytes ? options->memory_bytes : dbk_store_memory_default();
    s->checkpoint_bytes = options->checkpoint_bytes ? options->checkpoint_bytes : checkpoint_bytes_default;
    dbk_watcher_init(&s->watcher);
    pthread_mutex_init(&s->mutex, NULL);
    pthread_cond_init(&s->work, NULL);
    pthread_cond_init(&s->room, NULL);
    pthread_cond_init(&s->chores, NULL);
    pthread_cond_init(&s->changed, NULL);
    dbk_error why = {0};
    dbk_status status = open_parts(s, options, &why);
    if (status != DBK_OK) {
        dispose(s);
        return dbk_fail(err, status, "%s", why.message);
    }
    *out = s;
    return DBK_OK;
}

void dbk_store_close(dbk_store *store)
{
    if (store)
        dispose(store);
}

dbk_db *dbk_store_db(dbk_store *store)
{
    return store->db;
}

bool dbk_store_is_unlogged(const dbk_store *store)
{
    return store->unlogged;
}

void dbk_store_observe(dbk_store *store, dbk_observer observer, void *user)
{
    dbk_watcher_observe(&store->watcher, observer, user);
}

// ---- Waiting ----

typedef struct waiter {
    pthread_mutex_t mutex;
    pthread_cond_t done;
    bool is_done;
    dbk_apply_report *reports;
    dbk_error error;
} waiter;

static void wake(void *user, const dbk_change_result *result)
{
    waiter *w = user;
    dbk_status status = result->status;
    if (status != DBK_OK)
        dbk_fail(&w->error, status, "%s", result->message);
    for (int i = 0; i < result->reports_count && w->reports; i++) {
        w->reports[i] = result->reports[i];
        // The store frees its own.
        size_t size = result->reports[i].rejected_count * sizeof(uint32_t);
        w->reports[i].rejected_rows = size ? malloc(size) : NULL;
        if (w->reports[i].rejected_rows)
            memcpy(w->reports[i].rejected_rows, result->reports[i].rejected_rows, size);
    }
    pthread_mutex_lock(&w->mutex);
    w->is_done = true;
    pthread_cond_signal(&w->done);
    pthread_mutex_unlock(&w->mutex);
}

dbk_status dbk_store_write(dbk_store *store, const dbk_change *change, dbk_apply_report *reports,
                           dbk_error *err)
{
    waiter w = {.mutex = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER, .reports = reports};
    for (int i = 0; i < change->batches_count && reports; i++)
        reports[i] = (dbk_apply_report){0};
    dbk_store_submit(store, change, wake, &w);
    pthread_mutex_lock(&w.mutex);
    while (!w.is_done)
        pthread_cond_wait(&w.done, &w.mutex);
    pthread_mutex_unlock(&w.mutex);
    pthread_mutex_destroy(&w.mutex);
    pthread_cond_destroy(&w.done);
    return w.error.status == DBK_OK ? DBK_OK : dbk_fail(err, w.error.status, "%s", w.error.message);
}

dbk_status dbk_store_checkpoint(dbk_store *s, dbk_error *err)
{
    pthread_mutex_lock(&s->mutex);
    // A ticket of its own even while one is running: that one may have begun before the last publish.
    uint64_t ticket = ++s->checkpoints_wanted;
    pthread_cond_signal(&s->chores);
    while (s->checkpoints_done < ticket)
        pthread_cond_wait(&s->changed, &s->mutex);
    dbk_error result = s->checkpoint_error;
    pthread_mutex_unlock(&s->mutex);
    return result.status == DBK_OK ? DBK_OK : dbk_fail(err, result.status, "%s", result.message);
}

void dbk_store_figures_read(dbk_store *s, dbk_store_figures *out)
{
    pthread_mutex_lock(&s->mutex);
    *out = s->figures;
    pthread_mutex_unlock(&s->mutex);
    out->io_backend = s->io->backend->name;
    out->memory_bytes = dbk_db_memory(s->db);
    out->memory_budget = s->memory_budget;
    dbk_cold_figures_read(dbk_image_cold(s->db), &out->cold);
}
