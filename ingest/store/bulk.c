// SPDX-License-Identifier: Apache-2.0
// The pipeline of a load: places in order, builds on whatever threads offer themselves, and writes on threads
// of its own, so that nobody who has something to do waits for the disk.
#include "ingest/store/bulk.h"

#include "engine/base/hash.h"
#include "ingest/store/files.h"
#include "ingest/store/store_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A batch that was placed, on its way into a file.
typedef struct piece {
    struct piece *next;
    dbk_batch *batch;
    dbk_bulk *bulk;
    dbk_change_done done;
    void *user;
    const void *bytes; // of the segment, once it is built
    dbk_written_segment written;
} piece;

typedef struct piece_list {
    piece *first, *last;
} piece_list;

// While one waits for its file to be on stable storage, the other one writes.
enum { WRITERS = 2 };

// A lane to the disk, for one thread at a time.
typedef struct lane {
    struct lane *next;
    dbk_io *io;
} lane;

struct dbk_store_bulk {
    dbk_store *store;
    dbk_text tenant;
    // ---- guarded by the mutex ----
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    piece_list placed, built, settled, written; // what they wait for is building, settling and so on
    lane *idle;
    int under_way;   // placed and not finished
    bool in_order;   // a thread is at the working state: it places, applies, settles or finishes
    bool no_more;    // nothing will be settled
    dbk_error error; // the first failure
    // ---- of who begins and ends it ----
    pthread_t writers[WRITERS];
    int writers_count;
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

static dbk_status build(piece *p, dbk_error *err)
{
    DBK_TRY(dbk_bulk_build(p->bulk, err));
    const dbk_segment *segment = dbk_bulk_segment(p->bulk);
    size_t size;
    p->bytes = dbk_segment_bytes(segment, &size);
    p->written = (dbk_written_segment){
        .id = dbk_segment_id(segment), .size = size, .checksum = dbk_checksum(p->bytes, size)};
    return DBK_OK;
}

// The mutex is held, and given up meanwhile. False: nothing waits to be built.
static bool build_next(dbk_store_bulk *b)
{
    piece *p = pop(&b->placed);
    if (!p)
        return false;
    const bool has_failed = b->error.status != DBK_OK;
    pthread_mutex_unlock(&b->mutex);
    dbk_error err = {0};
    const dbk_status status = has_failed ? DBK_OK : build(p, &err);
    if (status != DBK_OK)
        fail(b, status, err.message);
    pthread_mutex_lock(&b->mutex);
    push(&b->built, p);
    pthread_cond_broadcast(&b->changed);
    return true;
}

// ---- Writing, by the writers and who waits for them ----

static lane *lane_borrow(dbk_store_bulk *b, dbk_error *err)
{
    pthread_mutex_lock(&b->mutex);
    lane *l = b->idle;
    if (l)
        b->idle = l->next;
    pthread_mutex_unlock(&b->mutex);
    if (l)
        return l;
    l = calloc(1, sizeof *l);
    if (!l) {
        dbk_fail(err, DBK_NO_MEMORY, "out of memory for loading");
        return NULL;
    }
    if (dbk_io_open(&l->io, b->store->directory, false, err) != DBK_OK) {
        free(l);
        return NULL;
    }
    return l;
}

static void lane_give_back(dbk_store_bulk *b, lane *l)
{
    pthread_mutex_lock(&b->mutex);
    l->next = b->idle;
    b->idle = l;
    pthread_mutex_unlock(&b->mutex);
}

// The mutex is held, and given up meanwhile. False: nothing waits to be written.
static bool write_next(dbk_store_bulk *b)
{
    piece *p = pop(&b->settled);
    if (!p)
        return false;
    const bool has_failed = b->error.status != DBK_OK;
    pthread_mutex_unlock(&b->mutex);
    dbk_error err = {0};
    lane *l = has_failed ? NULL : lane_borrow(b, &err);
    const dbk_status status =
        l ? dbk_file_write_new(l->io, DBK_FILE_SEGMENT, p->written.id, p->bytes, p->written.size, false, &err)
          : err.status;
    if (status != DBK_OK)
        fail(b, status, err.message);
    if (l)
        lane_give_back(b, l);
    pthread_mutex_lock(&b->mutex);
    push(&b->written, p);
    pthread_cond_broadcast(&b->changed);
    return true;
}

// ---- Settling and finishing, by who is at the working state ----

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

static void refuse(dbk_change_done done, void *user, const dbk_error *err)
{
    dbk_change_result result = {.status = err->status};
    snprintf(result.message, sizeof result.message, "%.255s", err->message);
    done(user, &result);
}

// The mutex is held, and given up meanwhile. Nothing is taken any more once something has failed. The batch
// goes with its answer.
static void settle_built(dbk_store_bulk *b)
{
    for (piece *p; (p = pop(&b->built));) {
        dbk_error why = b->error; // others may fail while this one is at work
        pthread_mutex_unlock(&b->mutex);
        if (why.status == DBK_OK && dbk_bulk_settle(p->bulk, &why) != DBK_OK)
            fail(b, why.status, why.message);
        if (why.status != DBK_OK) {
            refuse(p->done, p->user, &why);
        } else {
            dbk_apply_report report = {.stored = p->batch->rows};
            p->done(p->user, &(dbk_change_result){.reports = &report, .reports_count = 1});
        }
        p->batch = NULL;
        pthread_mutex_lock(&b->mutex);
        push(&b->settled, p);
        pthread_cond_broadcast(&b->changed);
    }
}

static dbk_status finish(dbk_store_bulk *b, piece *p, dbk_error *err)
{
    DBK_TRY(dbk_bulk_finish(p->bulk, err));
    return note_written(b->store, &p->written) ? DBK_OK
                                               : dbk_fail(err, DBK_NO_MEMORY, "out of memory for loading");
}

// The mutex is held, and given up meanwhile.
static void finish_written(dbk_store_bulk *b)
{
    for (piece *p; (p = pop(&b->written));) {
        const bool has_failed = b->error.status != DBK_OK;
        pthread_mutex_unlock(&b->mutex);
        dbk_error err = {0};
        if (!has_failed && finish(b, p, &err) != DBK_OK)
            fail(b, err.status, err.message);
        dbk_bulk_free(p->bulk);
        free(p);
        pthread_mutex_lock(&b->mutex);
        b->under_way--;
    }
}

// By who is at the working state: sees to it that all that was placed is finished.
static void finish_all(dbk_store_bulk *b)
{
    pthread_mutex_lock(&b->mutex);
    while (b->under_way > 0) {
        settle_built(b);
        finish_written(b);
        if (b->under_way > 0 && !b->built.first && !b->written.first && !build_next(b) &&
            (b->writers_count > 0 || !write_next(b)))
            pthread_cond_wait(&b->changed, &b->mutex);
    }
    pthread_mutex_unlock(&b->mutex);
}

static void begin_order(dbk_store_bulk *b)
{
    pthread_mutex_lock(&b->mutex);
    while (b->in_order)
        pthread_cond_wait(&b->changed, &b->mutex);
    b->in_order = true;
    pthread_mutex_unlock(&b->mutex);
}

// The mutex is held, and given up meanwhile. What was built or written meanwhile was left to who gives the
// working state up.
static void give_up_order(dbk_store_bulk *b)
{
    while (b->built.first || b->written.first) {
        settle_built(b);
        finish_written(b);
    }
    b->in_order = false;
    pthread_cond_broadcast(&b->changed);
}

static void end_order(dbk_store_bulk *b)
{
    pthread_mutex_lock(&b->mutex);
    give_up_order(b);
    pthread_mutex_unlock(&b->mutex);
}

// The same, where nobody is at the working state.
static void settle_and_finish(dbk_store_bulk *b)
{
    if (b->in_order)
        return;
    b->in_order = true;
    give_up_order(b);
}

void dbk_store_bulk_work(dbk_store_bulk *b)
{
    pthread_mutex_lock(&b->mutex);
    build_next(b);
    settle_and_finish(b);
    pthread_mutex_unlock(&b->mutex);
}

static void *run_writer(void *user)
{
    dbk_store_bulk *b = user;
    pthread_mutex_lock(&b->mutex);
    while (!b->no_more) {
        if (write_next(b))
            settle_and_finish(b);
        else
            pthread_cond_wait(&b->changed, &b->mutex);
    }
    pthread_mutex_unlock(&b->mutex);
    return NULL;
}

// ---- Storing ----

static dbk_status place(dbk_store_bulk *b, dbk_bulk *prepared, dbk_error *err)
{
    dbk_status status = dbk_bulk_place(b->store->db, b->tenant, prepared, err);
    if (status != DBK_BUSY)
        return status;
    finish_all(b);
    *err = (dbk_error){0};
    return dbk_bulk_place(b->store->db, b->tenant, prepared, err);
}

static void apply(dbk_store_bulk *b, const dbk_batch *batch, dbk_change_done done, void *user)
{
    dbk_change change = {.tenant = b->tenant, .batches = &batch, .batches_count = 1};
    dbk_apply_report report = {0};
    dbk_error err = {0};
    finish_all(b);
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
    finish_all(b);
    dbk_db_reclaim(s->db);
    dbk_store_trim(s, true);
    if (dbk_db_memory(s->db) <= s->memory_budget)
        return true;
    dbk_store_fail_full(s, err);
    return false;
}

static void store(dbk_store_bulk *b, dbk_batch *batch, dbk_bulk *prepared, dbk_change_done done, void *user)
{
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

void dbk_store_bulk_store(dbk_store_bulk *b, dbk_batch *batch, dbk_bulk *prepared, dbk_change_done done,
                          void *user)
{
    begin_order(b);
    store(b, batch, prepared, done, user);
    end_order(b);
}

// ---- Beginning and ending ----

// Nothing is under way.
static void dispose(dbk_store_bulk *b)
{
    pthread_mutex_lock(&b->mutex);
    b->no_more = true;
    pthread_cond_broadcast(&b->changed);
    pthread_mutex_unlock(&b->mutex);
    while (b->writers_count > 0)
        pthread_join(b->writers[--b->writers_count], NULL);
    while (b->idle) {
        lane *l = b->idle;
        b->idle = l->next;
        dbk_io_close(l->io);
        free(l);
    }
    pthread_cond_destroy(&b->changed);
    pthread_mutex_destroy(&b->mutex);
    free(b);
}

dbk_status dbk_store_bulk_begin(dbk_store_bulk **out, dbk_store *store, dbk_text tenant, dbk_error *err)
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
    dbk_db_hurry(store->db);
    while (!store->writer_is_idle || store->room_made != store->room_wanted ||
           store->checkpoints_done != store->checkpoints_wanted)
        pthread_cond_wait(&store->changed, &store->mutex);
    pthread_mutex_unlock(&store->mutex);
    // Without them who ends it writes.
    while (b->writers_count < WRITERS &&
           pthread_create(&b->writers[b->writers_count], NULL, run_writer, b) == 0)
        b->writers_count++;
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
    begin_order(b);
    finish_all(b);
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
