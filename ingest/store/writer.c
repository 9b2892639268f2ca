// SPDX-License-Identifier: Apache-2.0
// The queue and the writer thread: everything that waits becomes one group, and while its sync runs the next
// one is applied already.
#include "ingest/store/store_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/thread.h"
#include "ingest/store/record.h"

// A group ends when it has this much: larger ones would not sync faster per byte, but answer later.
enum { GROUP_BYTES = 4 << 20, GROUP_ROWS = 65536 };
// What a transaction will store is not known while it waits: it counts as this much.
enum { QUEUE_BYTES = 64 << 20, TRANSACTION_BYTES = 4096 };

struct dbk_pending {
    dbk_pending *next;
    const dbk_change *change;
    dbk_transaction fn; // decides the change when its turn comes; or NULL
    void *fn_user;
    dbk_change decided;
    dbk_change_done done;
    void *user;
    dbk_buffer record; // made by the submitter's thread, or from what a transaction decided
    size_t bytes;      // of its batches, for the bound of the queue
    uint64_t rows;
    bool only_removes;
    dbk_apply_report *reports;
    dbk_error failure; // found by the submitter's thread or by append; a transaction's refusal
};

typedef struct pending_list {
    dbk_pending *first, *last;
} pending_list;

static void push(pending_list *list, dbk_pending *p)
{
    p->next = NULL;
    if (list->last)
        list->last->next = p;
    else
        list->first = p;
    list->last = p;
}

// ---- Submitters ----

// Checks the change, and encodes it for the log.
static dbk_status make_record(const dbk_store *s, dbk_pending *p, const dbk_change *change, dbk_error *err)
{
    p->change = change;
    p->only_removes = true;
    DBK_TRY(dbk_change_check(change, err));
    for (int i = 0; i < change->batches_count; i++) {
        p->bytes += change->batches[i]->arena.total_bytes;
        p->rows += change->batches[i]->rows;
        p->only_removes &= change->batches[i]->remove;
    }
    if (!s->unlogged)
        DBK_TRY(dbk_record_append(&p->record, change, err));
    p->reports = calloc((size_t)change->batches_count, sizeof(*p->reports));
    return p->reports ? DBK_OK : dbk_fail(err, DBK_NO_MEMORY, "out of memory handing over a change");
}

static dbk_pending *make_pending(dbk_change_done done, void *user)
{
    dbk_pending *p = calloc(1, sizeof(*p));
    if (!p) {
        dbk_change_result result = {.status = DBK_NO_MEMORY,
                                    .message = "out of memory handing over a change"};
        done(user, &result);
        return NULL;
    }
    p->done = done;
    p->user = user;
    return p;
}

static void enqueue(dbk_store *s, dbk_pending *p)
{
    pthread_mutex_lock(&s->mutex);
    while (s->first && s->queued_bytes + p->bytes > QUEUE_BYTES)
        pthread_cond_wait(&s->room, &s->mutex);
    pending_list queue = {s->first, s->last};
    push(&queue, p);
    s->first = queue.first;
    s->last = queue.last;
    s->queued_bytes += p->bytes;
    pthread_cond_signal(&s->work);
    pthread_mutex_unlock(&s->mutex);
    dbk_db_hurry(s->db); // changes wait for keys
}

void dbk_store_submit(dbk_store *s, const dbk_change *change, dbk_change_done done, void *user)
{
    dbk_pending *p = make_pending(done, user);
    if (!p)
        return;
    p->failure.status = make_record(s, p, change, &p->failure);
    enqueue(s, p);
}

void dbk_store_transact(dbk_store *s, dbk_text tenant, dbk_transaction fn, void *user, dbk_change_done done,
                        void *done_user)
{
    dbk_pending *p = make_pending(done, done_user);
    if (!p)
        return;
    p->fn = fn;
    p->fn_user = user;
    p->decided.tenant = tenant;
    p->bytes = TRANSACTION_BYTES;
    enqueue(s, p);
}

// ---- The writer ----

typedef struct writer {
    dbk_store *store;
    pending_list building;  // applied, in the group that is being built
    pending_list in_flight; // in the group whose sync runs
    uint64_t number;        // of the snapshot of the group in flight
    uint64_t rows;          // in the group that is being built
} writer;

static void answer(dbk_pending *p, dbk_status status, const char *message, uint64_t number)
{
    // A refusal that waited for its group stays one.
    if (status == DBK_OK && p->failure.status != DBK_OK) {
        status = p->failure.status;
        message = p->failure.message;
    }
    dbk_change_result result = {.status = status, .number = number};
    int count = p->reports ? p->change->batches_count : 0; // the change may be gone after done
    if (status == DBK_OK) {
        result.reports = p->reports;
        result.reports_count = count;
    } else {
        snprintf(result.message, sizeof(result.message), "%.255s", message);
    }
    p->done(p->user, &result);
    for (int i = 0; i < count; i++)
        free(p->reports[i].rejected_rows);
    free(p->reports);
    dbk_buffer_dispose(&p->record);
    free(p);
}

static void answer_all(pending_list *list, dbk_status status, const char *message, uint64_t number)
{
    dbk_pending *p = list->first;
    *list = (pending_list){0};
    while (p) {
        dbk_pending *next = p->next;
        answer(p, status, message, number);
        p = next;
    }
}

static dbk_status decide(writer *w, dbk_pending *p, dbk_error *err)
{
    dbk_store *s = w->store;
    const char *reason = dbk_journal_read_only(s->journal);
    if (reason)
        return dbk_fail(err, DBK_READ_ONLY, "%s", reason);
    const dbk_snapshot *working = dbk_db_look(s->db, dbk_journal_number(s->journal));
    if (!working)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory looking at the working state");
    dbk_status status = p->fn(p->fn_user, working, &p->decided, err);
    dbk_db_look_end(s->db, working);
    if (status == DBK_OK && p->decided.batches_count > 0)
        status = make_record(s, p, &p->decided, err);
    w->rows += p->rows;
    return status;
}

static bool is_full(const dbk_store *s)
{
    return dbk_db_memory(s->db) > s->memory_budget;
}

static void start_flight(writer *w);
static void finish_flight(writer *w);

// Makes room for changes by letting texts go that are on disk, after a checkpoint where that helps. One that
// was made in vain is not made again before something has changed.
static bool has_room(writer *w)
{
    dbk_store *s = w->store;
    if (is_full(s))
        dbk_db_reclaim(s->db);
    if (is_full(s))
        dbk_store_trim(s, true);
    if (!is_full(s))
        return true;
    if (s->no_room_number == dbk_journal_number(s->journal))
        return false;
    // Only what is published gets into a checkpoint.
    finish_flight(w);
    start_flight(w);
    finish_flight(w);
    dbk_store_make_room(s);
    // A checkpoint has held on to what was replaced meanwhile.
    if (is_full(s))
        dbk_db_reclaim(s->db);
    bool has = !is_full(s);
    s->no_room_number = has ? UINT64_MAX : dbk_journal_number(s->journal);
    return has;
}

static dbk_status append(writer *w, dbk_pending *p, dbk_error *err)
{
    dbk_store *s = w->store;
    if (p->failure.status != DBK_OK)
        return dbk_fail(err, p->failure.status, "%s", p->failure.message);
    if (p->fn) {
        DBK_TRY(decide(w, p, err));
        if (!p->change)
            return DBK_OK;
    }
    // Removing rows must stay possible: it is the way out.
    if (!p->only_removes && !has_room(w))
        return dbk_store_fail_full(s, err);
    return dbk_journal_append_record(s->journal, p->change, p->record.data, p->record.size, p->reports, err);
}

// A transaction that stores nothing is answered when what it has read is safe.
static void answer_later(writer *w, dbk_pending *p)
{
    if (w->building.first)
        push(&w->building, p);
    else if (w->in_flight.first)
        push(&w->in_flight, p);
    else
        answer(p, DBK_OK, NULL, dbk_journal_number(w->store->journal));
}

// Takes what waits, as much as the group may still have, and applies it.
static void take_and_apply(writer *w)
{
    dbk_store *s = w->store;
    pending_list taken = {0};
    size_t bytes = dbk_journal_pending_bytes(s->journal);
    pthread_mutex_lock(&s->mutex);
    while (s->first &&
           ((!taken.first && !w->building.first) || (bytes < GROUP_BYTES && w->rows < GROUP_ROWS))) {
        dbk_pending *p = s->first;
        s->first = p->next;
        if (!s->first)
            s->last = NULL;
        s->queued_bytes -= p->bytes;
        bytes += p->fn ? TRANSACTION_BYTES : p->record.size;
        w->rows += p->rows;
        push(&taken, p);
    }
    if (taken.first)
        pthread_cond_broadcast(&s->room);
    pthread_mutex_unlock(&s->mutex);
    for (dbk_pending *p = taken.first; p;) {
        dbk_pending *next = p->next;
        dbk_error why = {0};
        dbk_status status = append(w, p, &why);
        if (status == DBK_OK && p->change) {
            push(&w->building, p);
        } else if (p->fn) {
            p->failure = why;
            p->failure.status = status;
            answer_later(w, p);
        } else {
            answer(p, status, why.message, 0);
        }
        p = next;
    }
}

// Nobody may see what did not reach the disk, nor be told it did.
static void give_up(writer *w)
{
    dbk_store *s = w->store;
    const char *reason = dbk_journal_read_only(s->journal);
    pthread_mutex_lock(&s->mutex);
    dbk_store_note_failure(s, reason);
    pthread_mutex_unlock(&s->mutex);
    dbk_watcher_forget(&s->watcher);
    answer_all(&w->in_flight, DBK_READ_ONLY, reason, 0);
    answer_all(&w->building, DBK_READ_ONLY, reason, 0);
    w->rows = 0;
}

// Mutex held, after a publish: the figures, and what the housekeeper should do.
static void take_stock(dbk_store *s, uint64_t unlogged_bytes)
{
    dbk_journal_figures now = dbk_journal_figures_read(s->journal);
    s->published = dbk_journal_published(s->journal);
    s->figures.changes = now.changes;
    s->figures.groups = now.groups;
    s->figures.log_bytes_since_checkpoint += now.log_bytes - s->figures.log_bytes;
    s->figures.log_bytes = now.log_bytes;
    s->figures.log_bytes_since_checkpoint += unlogged_bytes;
    if (s->figures.log_bytes_since_checkpoint >= s->checkpoint_at &&
        s->checkpoints_wanted == s->checkpoints_done) {
        s->checkpoints_wanted++;
        pthread_cond_signal(&s->chores);
    }
    // Asked again while it is made: what was published meanwhile may have come too late for it.
    if (dbk_store_wants_room(s)) {
        s->room_wanted++;
        pthread_cond_signal(&s->chores);
    }
    if (s->request == DBK_REQUEST_MADE) {
        dbk_journal_file_made(s->journal, &s->request_plan);
        s->request = DBK_REQUEST_NONE;
    }
    if (s->request == DBK_REQUEST_NONE &&
        dbk_journal_wants_file(s->journal, &s->request_plan, &s->request_again)) {
        s->request = DBK_REQUEST_WANTED;
        pthread_cond_signal(&s->chores);
    }
}

static void finish_flight(writer *w)
{
    dbk_store *s = w->store;
    if (!w->in_flight.first)
        return;
    if (dbk_journal_commit_wait(s->journal, NULL) != DBK_OK) {
        give_up(w);
        return;
    }
    uint64_t unlogged_bytes = 0;
    for (const dbk_pending *p = w->in_flight.first; s->unlogged && p; p = p->next)
        unlogged_bytes += p->bytes;
    pthread_mutex_lock(&s->mutex);
    dbk_journal_publish(s->journal);
    take_stock(s, unlogged_bytes);
    pthread_mutex_unlock(&s->mutex);
    dbk_watcher_publish(&s->watcher, w->number);
    if (s->answers_begin)
        s->answers_begin();
    answer_all(&w->in_flight, DBK_OK, NULL, w->number);
    if (s->answers_end)
        s->answers_end();
}

// A failure that the housekeeper met ends the writing, too. Mutex held. Not while a group is in flight: when
// its sync succeeds, it is to be published.
static void heed_failure(dbk_store *s)
{
    if (s->failure.status != DBK_OK)
        dbk_journal_fail(s->journal, s->failure.message);
}

static void start_flight(writer *w)
{
    dbk_store *s = w->store;
    if (!w->building.first)
        return;
    // Here as well as before waiting: a writer that always has work never waits.
    pthread_mutex_lock(&s->mutex);
    heed_failure(s);
    pthread_mutex_unlock(&s->mutex);
    uint64_t number = dbk_journal_number(s->journal);
    if (dbk_journal_commit_begin(s->journal, NULL) != DBK_OK) {
        give_up(w);
        return;
    }
    w->number = number;
    dbk_watcher_begin(&s->watcher);
    w->in_flight = w->building;
    w->building = (pending_list){0};
    w->rows = 0;
}

// A step of what queries wished for; whether another may follow. What is applied is on disk and published:
// only the sums are new in the image.
static bool make_wished(dbk_store *s)
{
    dbk_snapshot *image =
        dbk_db_make_wished(s->db) ? dbk_db_freeze(s->db, dbk_journal_number(s->journal)) : NULL;
    pthread_mutex_lock(&s->mutex);
    if (image)
        dbk_db_publish(s->db, image);
    pthread_mutex_unlock(&s->mutex);
    return image != NULL;
}

// Waits for work; false when there will be none. Nothing is in flight and nothing is being built.
static bool wait_for_work(writer *w)
{
    dbk_store *s = w->store;
    pthread_mutex_lock(&s->mutex);
    bool waiting = s->first != NULL;
    pthread_mutex_unlock(&s->mutex);
    if (!waiting && dbk_journal_confirm(s->journal, NULL) != DBK_OK)
        give_up(w);
    pthread_mutex_lock(&s->mutex);
    while (!s->first && !s->stopping) {
        if (!s->wished || s->failure.status != DBK_OK || dbk_journal_read_only(s->journal)) {
            s->writer_is_idle = true;
            pthread_cond_broadcast(&s->changed);
            pthread_cond_wait(&s->work, &s->mutex);
            s->writer_is_idle = false;
            continue;
        }
        s->wished = false;
        pthread_mutex_unlock(&s->mutex);
        bool goes_on = make_wished(s);
        pthread_mutex_lock(&s->mutex);
        s->wished |= goes_on;
    }
    bool more = s->first != NULL;
    heed_failure(s);
    pthread_mutex_unlock(&s->mutex);
    return more;
}

// The first answers after a start come from the rows, so that they do not wait for key indexes and rollups,
// which take what others leave of the processors until somebody was answered or a change came; changes do.
static void make_keys(dbk_store *s)
{
    dbk_error why = {0};
    dbk_status status = dbk_db_make_keys(s->db, &why);
    if (status == DBK_OK || status == DBK_CANCELLED)
        return;
    dbk_journal_fail(s->journal, why.message);
    pthread_mutex_lock(&s->mutex);
    dbk_store_note_failure(s, why.message);
    pthread_mutex_unlock(&s->mutex);
}

static void make_rollups(dbk_store *s)
{
    if (!dbk_db_make_rollups(s->db))
        return;
    dbk_snapshot *image = dbk_db_freeze(s->db, dbk_journal_number(s->journal));
    pthread_mutex_lock(&s->mutex);
    if (image) // else memory is out, and the next change says so
        dbk_db_publish(s->db, image);
    pthread_mutex_unlock(&s->mutex);
}

void *dbk_store_writer_run(void *user)
{
    writer w = {.store = user};
    dbk_thread_be_prompt(); // a whole group waits for it when its sync is done
    if (w.store->opened)
        w.store->opened(w.store->user);
    make_keys(w.store);
    if (!w.store->unlogged) { // nobody asks it anything
        // What it finds is told by on_damage (store_open.c). Rollups need most of it.
        (void)dbk_db_prove(w.store->db, NULL);
        make_rollups(w.store);
    }
    while (w.in_flight.first || wait_for_work(&w)) {
        take_and_apply(&w);
        if (w.in_flight.first) {
            finish_flight(&w);
            take_and_apply(&w); // what came in while the sync ran
        }
        start_flight(&w);
    }
    return NULL;
}
