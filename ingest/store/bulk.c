// SPDX-License-Identifier: Apache-2.0
// The pipeline of a load: places in the caller's thread, builds and writes in others.
#include "ingest/store/bulk.h"

#include "engine/base/hash.h"
#include "engine/base/processors.h"
#include "ingest/store/files.h"
#include "ingest/store/store_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = 64 };

// A batch that was placed, on its way into a file.
typedef struct piece {
    struct piece *next;
    dbk_batch *batch;
    dbk_bulk *bulk;
    dbk_change_done done;
    void *user;
    dbk_written_segment written;
} piece;

typedef struct piece_list {
    piece *first, *last;
} piece_list;

typedef struct builder {
    dbk_store_bulk *bulk;
    dbk_io *io;
    pthread_t thread;
} builder;

struct dbk_store_bulk {
    dbk_store *store;
    dbk_text tenant;
    builder builders[THREADS_MAX];
    int builders_count;
    // ---- guarded by the mutex ----
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    piece_list placed, built;
    int under_way;   // placed and not finished
    dbk_error error; // the first failure
    bool stopping;
};

static void push(piece_list *list, piece *p)
{
    p->next = NULL;
    if (list->last)
        list->last->next = p;
    else
        list->first = p;
    list->last = p;
}

static piece *pop(piece_list *list)
{
    piece *p = list->first;
    if (p)
        list->first = p->next;
    if (!list->first)
        list->last = NULL;
    return p;
}

static void fail(dbk_store_bulk *b, dbk_status status, const char *message)
{
    pthread_mutex_lock(&b->mutex);
    if (b->error.status == DBK_OK)
        dbk_fail(&b->error, status, "%s", message);
    pthread_mutex_unlock(&b->mutex);
}

// ---- Building, on any thread ----

static dbk_status build_and_write(dbk_io *io, piece *p, dbk_error *err)
{
    DBK_TRY(dbk_bulk_build(p->bulk, err));
    const dbk_segment *segment = dbk_bulk_segment(p->bulk);
    size_t size;
    const void *bytes = dbk_segment_bytes(segment, &size);
    p->written = (dbk_written_segment){
        .id = dbk_segment_id(segment), .size = size, .checksum = dbk_checksum(bytes, size)};
    return dbk_file_write_new(io, DBK_FILE_SEGMENT, p->written.id, bytes, size, false, err);
}

static void *run_builder(void *user)
{
    builder *self = user;
    dbk_store_bulk *b = self->bulk;
    pthread_mutex_lock(&b->mutex);
    for (;;) {
        while (!b->placed.first && !b->stopping)
            pthread_cond_wait(&b->changed, &b->mutex);
        piece *p = pop(&b->placed);
        if (!p)
            break;
        bool has_failed = b->error.status != DBK_OK;
        pthread_mutex_unlock(&b->mutex);
        dbk_error err = {0};
        dbk_status status = has_failed ? DBK_OK : build_and_write(self->io, p, &err);
        if (status != DBK_OK)
            fail(b, status, err.message);
        pthread_mutex_lock(&b->mutex);
        push(&b->built, p);
        pthread_cond_broadcast(&b->changed);
    }
    pthread_mutex_unlock(&b->mutex);
    return NULL;
}

// ---- Finishing, on the caller's thread ----

static bool note_written(dbk_store *s, const dbk_written_segment *written)
{
    if (s->written_count == s->written_capacity) {
        size_t capacity = s->written_capacity ? 2 * s->written_capacity : 64;
        dbk_written_segment *grown = realloc(s->written, capacity * sizeof *grown);
        if (!grown)
            return false;
        s->written = grown;
        s->written_capacity = capacity;
    }
    // Nearly in order already.
    size_t at = s->written_count++;
    for (; at > 0 && s->written[at - 1].id > written->id; at--)
        s->written[at] = s->written[at - 1];
    s->written[at] = *written;
    return true;
}

static void answer(const dbk_store_bulk *b, piece *p)
{
    dbk_apply_report report = {.stored = p->batch->rows};
    dbk_change_result result = {.status = b->error.status, .reports = &report, .reports_count = 1};
    if (result.status != DBK_OK) {
        result.reports_count = 0;
        snprintf(result.message, sizeof result.message, "%.255s", b->error.message);
    }
    p->done(p->user, &result);
    dbk_bulk_free(p->bulk);
    free(p);
}

// Finishes what is built, until at most so many are under way.
static void finish(dbk_store_bulk *b, int most)
{
    pthread_mutex_lock(&b->mutex);
    while (b->built.first || b->under_way > most) {
        piece *p = pop(&b->built);
        if (!p) {
            pthread_cond_wait(&b->changed, &b->mutex);
            continue;
        }
        bool has_failed = b->error.status != DBK_OK;
        pthread_mutex_unlock(&b->mutex);
        dbk_error err = {0};
        dbk_status status = has_failed ? DBK_OK : dbk_bulk_finish(p->bulk, &err);
        if (status == DBK_OK && !has_failed && !note_written(b->store, &p->written))
            status = dbk_fail(&err, DBK_NO_MEMORY, "out of memory for loading");
        if (status != DBK_OK)
            fail(b, status, err.message);
        answer(b, p);
        pthread_mutex_lock(&b->mutex);
        b->under_way--;
    }
    pthread_mutex_unlock(&b->mutex);
}

// ---- Storing ----

static void refuse(dbk_change_done done, void *user, const dbk_error *err)
{
    dbk_change_result result = {.status = err->status};
    snprintf(result.message, sizeof result.message, "%.255s", err->message);
    done(user, &result);
}

static dbk_status place(dbk_store_bulk *b, dbk_bulk *prepared, dbk_error *err)
{
    dbk_status status = dbk_bulk_place(b->store->db, b->tenant, prepared, err);
    if (status != DBK_BUSY)
        return status;
    finish(b, 0);
    *err = (dbk_error){0};
    return dbk_bulk_place(b->store->db, b->tenant, prepared, err);
}

static void apply(dbk_store_bulk *b, const dbk_batch *batch, dbk_change_done done, void *user)
{
    dbk_change change = {.tenant = b->tenant, .batches = &batch, .batches_count = 1};
    dbk_apply_report report = {0};
    dbk_error err = {0};
    finish(b, 0);
    dbk_status status = dbk_journal_append_record(b->store->journal, &change, NULL, 0, &report, &err);
    if (status != DBK_OK) {
        err.status = status;
        refuse(done, user, &err);
        return;
    }
    dbk_change_result result = {.reports = &report, .reports_count = 1};
    done(user, &result);
    free(report.rejected_rows);
}

// Lets texts go where memory is full. Those of segments that were built have their files.
static bool has_room(dbk_store_bulk *b, dbk_error *err)
{
    dbk_store *s = b->store;
    if (dbk_db_memory(s->db) <= s->memory_budget)
        return true;
    finish(b, 0);
    dbk_db_reclaim(s->db);
    dbk_store_trim(s, true);
    if (dbk_db_memory(s->db) <= s->memory_budget)
        return true;
    dbk_store_fail_full(s, err);
    return false;
}

void dbk_store_bulk_store(dbk_store_bulk *b, dbk_batch *batch, dbk_bulk *prepared, dbk_change_done done,
                          void *user)
{
    finish(b, 2 * b->builders_count - 1);
    pthread_mutex_lock(&b->mutex);
    dbk_error err = b->error;
    pthread_mutex_unlock(&b->mutex);
    piece *p = NULL;
    if (err.status == DBK_OK && has_room(b, &err)) {
        if (!prepared) {
            apply(b, batch, done, user);
            return;
        }
        p = calloc(1, sizeof *p);
        if (!p)
            dbk_fail(&err, DBK_NO_MEMORY, "out of memory for loading");
        else if (place(b, prepared, &err) != DBK_OK)
            fail(b, err.status, err.message);
    }
    if (err.status != DBK_OK) {
        free(p);
        dbk_bulk_free(prepared);
        refuse(done, user, &err);
        return;
    }
    dbk_journal_note_applied(b->store->journal);
    *p = (piece){.batch = batch, .bulk = prepared, .done = done, .user = user};
    pthread_mutex_lock(&b->mutex);
    push(&b->placed, p);
    b->under_way++;
    pthread_cond_broadcast(&b->changed);
    pthread_mutex_unlock(&b->mutex);
}

// ---- Beginning and ending ----

static void dispose(dbk_store_bulk *b)
{
    pthread_mutex_lock(&b->mutex);
    b->stopping = true;
    pthread_cond_broadcast(&b->changed);
    pthread_mutex_unlock(&b->mutex);
    for (int i = 0; i < b->builders_count; i++) {
        pthread_join(b->builders[i].thread, NULL);
        dbk_io_close(b->builders[i].io);
    }
    pthread_cond_destroy(&b->changed);
    pthread_mutex_destroy(&b->mutex);
    free(b);
}

static dbk_status start_builders(dbk_store_bulk *b, int threads, dbk_error *err)
{
    if (threads <= 0)
        threads = dbk_processors(THREADS_MAX);
    threads = threads > THREADS_MAX ? THREADS_MAX : threads;
    while (b->builders_count < threads) {
        builder *one = &b->builders[b->builders_count];
        one->bulk = b;
        DBK_TRY(dbk_io_open(&one->io, b->store->directory, false, err));
        if (pthread_create(&one->thread, NULL, run_builder, one) != 0) {
            dbk_io_close(one->io);
            return dbk_fail(err, DBK_NO_MEMORY, "cannot start a thread for loading");
        }
        b->builders_count++;
    }
    return DBK_OK;
}

dbk_status dbk_store_bulk_begin(dbk_store_bulk **out, dbk_store *store, dbk_text tenant, int threads,
                                dbk_error *err)
{
    if (!store->unlogged || !dbk_bulk_is_possible(store->db))
        return dbk_fail(err, DBK_INVALID, "the store has a log, or rows of it are watched");
    dbk_store_bulk *b = calloc(1, sizeof *b);
    if (!b)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory for loading");
    b->store = store;
    b->tenant = tenant;
    pthread_mutex_init(&b->mutex, NULL);
    pthread_cond_init(&b->changed, NULL);
    // They may still be at what a store begins with.
    pthread_mutex_lock(&store->mutex);
    while (!store->writer_is_idle || store->room_made != store->room_wanted ||
           store->checkpoints_done != store->checkpoints_wanted)
        pthread_cond_wait(&store->changed, &store->mutex);
    pthread_mutex_unlock(&store->mutex);
    dbk_status status = start_builders(b, threads, err);
    if (status != DBK_OK) {
        dispose(b);
        return status;
    }
    *out = b;
    return DBK_OK;
}

void dbk_store_bulk_expect(dbk_store_bulk *b, dbk_table_id table, uint64_t rows)
{
    (void)dbk_bulk_expect(b->store->db, b->tenant, table, rows, NULL);
}

// Lets everybody see what was stored, and writes the manifest that names it.
static dbk_status keep(dbk_store *s, dbk_error *err)
{
    DBK_TRY(dbk_journal_commit_begin(s->journal, err));
    DBK_TRY(dbk_journal_commit_wait(s->journal, err));
    pthread_mutex_lock(&s->mutex);
    dbk_journal_publish(s->journal);
    dbk_journal_figures now = dbk_journal_figures_read(s->journal);
    s->published = dbk_journal_published(s->journal);
    s->figures.changes = now.changes;
    s->figures.groups = now.groups;
    pthread_mutex_unlock(&s->mutex);
    DBK_TRY(dbk_store_checkpoint(s, err));
    dbk_store_trim(s, true);
    return DBK_OK;
}

dbk_status dbk_store_bulk_end(dbk_store_bulk *b, bool give_up, dbk_error *err)
{
    dbk_store *s = b->store;
    finish(b, 0);
    dbk_error why = b->error;
    dispose(b);
    if (why.status == DBK_OK && !give_up) {
        dbk_status status = keep(s, err);
        if (status == DBK_OK)
            s->written_count = 0;
        return status;
    }
    // The working state holds what was never stored.
    const char *reason = why.status == DBK_OK ? "a load was given up" : why.message;
    dbk_journal_fail(s->journal, reason);
    pthread_mutex_lock(&s->mutex);
    if (s->failure.status == DBK_OK)
        dbk_fail(&s->failure, DBK_READ_ONLY, "%s", reason); // the caller says so, nobody else has to
    pthread_mutex_unlock(&s->mutex);
    return why.status == DBK_OK ? DBK_OK : dbk_fail(err, why.status, "%s", why.message);
}
