// SPDX-License-Identifier: Apache-2.0
// One job from its row to its file and back.
//
// Two threads work on it. The exporter's own talks to the store: it takes the snapshot, stores progress,
// stores the end. A second one, which lives as long as the job, asks and writes with low priority: where
// processors are short, a report that somebody waits for goes first. It takes no lock that anybody but the
// first waits for, so that nothing of the server ever waits until it has its turn.
#include "engine/base/clock.h"
#include "http/exports/exporter_state.h"
#include "http/s3/upload.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { NICENESS = 10 }; // a ninth of the weight of others
enum { PROGRESS_MS = 500, RETRY_MS = 1000, PROGRESS_STEP = 5 };
enum { UPLOAD_ATTEMPTS = 4, UPLOAD_LOOK_MS = 50 };

typedef struct run {
    dbk_exporter *exporter;
    dbk_export_ticket *ticket;
    const dbk_export_kind *kind;
    dbk_export_task task;
    dbk_text id;

    pthread_mutex_t lock; // of the next two
    pthread_cond_t changed;
    bool is_over; // the writing
    int percent;

    // The second thread's until it is over.
    dbk_status status;
    dbk_error err;
    int64_t rows;
    uint64_t bytes;
    bool is_uploaded, failed_upload;
    char object[DBK_EXPORT_ID_BYTES + sizeof(".csv")];
    char file_name[128];
} run;

// ---- The second thread ----

static void on_percent(void *user, int percent)
{
    run *r = user;
    pthread_mutex_lock(&r->lock);
    r->percent = percent;
    pthread_mutex_unlock(&r->lock);
}

static dbk_status write_file(run *r)
{
    // A flag is a flag; queries, which know no threads, take it as a plain one.
    const volatile bool *cancelled = (const volatile bool *)(const volatile void *)&r->ticket->cancelled;
    dbk_export_sink sink = {.cancelled = cancelled, .on_percent = on_percent, .user = r};
    DBK_TRY(dbk_export_file_create(&sink.file, r->exporter->directory, r->id, &r->err));
    dbk_status status = r->kind->write(&r->task, &sink, &r->err);
    if (status == DBK_OK)
        status = dbk_export_sink_flush(&sink, &r->err);
    if (status == DBK_OK && atomic_load(&r->ticket->cancelled))
        status = dbk_fail(&r->err, DBK_CANCELLED, "the export was cancelled");
    if (status == DBK_OK)
        status = dbk_export_file_finish(sink.file, &r->bytes, &r->err);
    else
        dbk_export_file_abandon(sink.file);
    dbk_buffer_dispose(&sink.out);
    r->rows = sink.rows;
    return status;
}

// True: the job is not to be finished.
static bool pause_before_retry(run *r, int64_t ms)
{
    for (int64_t waited = 0; waited < ms && !atomic_load(&r->ticket->cancelled); waited += UPLOAD_LOOK_MS)
        poll(NULL, 0, UPLOAD_LOOK_MS);
    return atomic_load(&r->ticket->cancelled);
}

// A store that does not answer gets a few more chances, with growing pauses.
static dbk_status upload_file(run *r)
{
    char path[DBK_EXPORT_PATH_MAX];
    if (!dbk_export_file_path(path, r->exporter->directory, r->id))
        return dbk_fail(&r->err, DBK_INVALID, "the path of the directory for exports is too long");
    dbk_s3_object object = {
        .name = r->object, .content_type = "text/csv; charset=utf-8", .file_name = r->file_name};
    dbk_status status;
    int64_t pause_ms = r->exporter->options.s3->retry_ms;
    for (int attempt = 1;; attempt++, pause_ms *= 4) {
        status = dbk_s3_upload(r->exporter->options.s3, path, &object, &r->ticket->cancelled, &r->err);
        if (status != DBK_BUSY || attempt == UPLOAD_ATTEMPTS)
            return status;
        if (pause_before_retry(r, pause_ms))
            return dbk_fail(&r->err, DBK_CANCELLED, "the export was cancelled");
    }
}

static void *write_with_low_priority(void *user)
{
    run *r = user;
    // Of this thread alone, on Linux. Not SCHED_IDLE: on a machine that is busy all the time the job would
    // never end, and what its snapshot holds would never be freed.
    (void)setpriority(PRIO_PROCESS, 0, NICENESS);
    r->status = write_file(r);
    if (r->status == DBK_OK && r->exporter->options.s3 != NULL) {
        r->status = upload_file(r);
        r->is_uploaded = r->status == DBK_OK;
        r->failed_upload = !r->is_uploaded;
    }
    pthread_mutex_lock(&r->lock);
    r->is_over = true;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

// ---- The exporter's thread ----

// Stores how far the job is, now and then, until the writing is over.
static void watch(run *r)
{
    int stored = 0;
    pthread_mutex_lock(&r->lock);
    while (!r->is_over) {
        struct timespec deadline = dbk_clock_steady_after(PROGRESS_MS);
        pthread_cond_timedwait(&r->changed, &r->lock, &deadline);
        if (r->is_over || r->percent - stored < PROGRESS_STEP)
            continue;
        stored = r->percent;
        pthread_mutex_unlock(&r->lock);
        dbk_export to = {.state = DBK_EXPORT_RUNNING,
                         .progress = stored,
                         .rows = DBK_NULL,
                         .bytes = DBK_NULL,
                         .done_at = DBK_NULL};
        dbk_exporter_advance(r->exporter, r->task.tenant, r->id, &to, NULL, NULL);
        pthread_mutex_lock(&r->lock);
    }
    pthread_mutex_unlock(&r->lock);
}

static void write_aside(run *r)
{
    pthread_condattr_t attributes;
    pthread_t thread;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&thread, NULL, write_with_low_priority, r) == 0) {
        watch(r);
        pthread_join(thread, NULL);
    } else {
        r->status = dbk_fail(&r->err, DBK_NO_MEMORY, "no thread to write an export");
    }
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
}

// What the client is told of a failure: what it can do something about, and nothing of the server's insides.
static const char *reason_of(const run *r)
{
    if (r->failed_upload)
        return "The file could not be put into the object store. Run the export again later.";
    switch (r->status) {
    case DBK_INVALID:
    case DBK_OVERFLOW:
    case DBK_LIMIT:
        return r->err.message;
    case DBK_NO_SPACE:
        return "The server has no room for the file. Run the export again later.";
    case DBK_NO_MEMORY:
        return "The server ran out of memory. Run the export again later.";
    case DBK_IO:
    case DBK_NOT_FOUND:
        return "The file could not be written. Run the export again later.";
    default:
        return "Internal server error.";
    }
}

// How storing the end went, for who waits for it.
typedef struct ending {
    dbk_exporter *exporter;
    bool is_told;
    dbk_status status;
    char message[256];
} ending;

static void on_ending(void *user, const dbk_exporter_reply *reply)
{
    ending *e = user;
    pthread_mutex_lock(&e->exporter->lock);
    e->is_told = true;
    e->status = reply->status;
    if (reply->status != DBK_OK)
        snprintf(e->message, sizeof(e->message), "%s", reply->message);
    pthread_cond_broadcast(&e->exporter->changed);
    pthread_mutex_unlock(&e->exporter->lock);
}

static dbk_status store_once(run *r, const dbk_export *to, ending *e)
{
    dbk_exporter *exporter = r->exporter;
    *e = (ending){.exporter = exporter};
    dbk_exporter_advance(exporter, r->task.tenant, r->id, to, on_ending, e);
    pthread_mutex_lock(&exporter->lock);
    while (!e->is_told)
        pthread_cond_wait(&exporter->changed, &exporter->lock);
    pthread_mutex_unlock(&exporter->lock);
    return e->status;
}

// True: the server stops.
static bool pause_for_retry(dbk_exporter *exporter)
{
    struct timespec deadline = dbk_clock_steady_after(RETRY_MS);
    pthread_mutex_lock(&exporter->lock);
    while (!exporter->stopping &&
           pthread_cond_timedwait(&exporter->changed, &exporter->lock, &deadline) != ETIMEDOUT)
        continue;
    bool is_stopping = exporter->stopping;
    pthread_mutex_unlock(&exporter->lock);
    return is_stopping;
}

// Stores the job's end. A full disk or a full memory budget empties again by somebody's hand: then writes
// work again by themselves, and so does this.
static dbk_status store_end(run *r, const dbk_export *to)
{
    ending e;
    dbk_status status;
    while ((status = store_once(r, to, &e)) == DBK_NO_SPACE || status == DBK_NO_MEMORY)
        if (pause_for_retry(r->exporter))
            break;
    bool is_cancelled = status == DBK_INVALID || status == DBK_NOT_FOUND;
    if (status != DBK_OK && !is_cancelled)
        fprintf(stderr, "daybook: exports: the end of %s was not stored: %s\n", r->ticket->id, e.message);
    return status;
}

static bool is_stopping(dbk_exporter *exporter)
{
    pthread_mutex_lock(&exporter->lock);
    bool stopping = exporter->stopping;
    pthread_mutex_unlock(&exporter->lock);
    return stopping;
}

static void remove_file(run *r)
{
    dbk_error err;
    if (dbk_export_file_remove(r->exporter->directory, r->id, &err) != DBK_OK)
        fprintf(stderr, "daybook: exports: %s\n", err.message);
}

static void conclude(run *r)
{
    // Cancelled: the row says so already. Stopping: the row says that it runs, and so it will.
    if (r->status == DBK_CANCELLED) {
        remove_file(r);
        return;
    }
    dbk_export to = {.state = r->status == DBK_OK ? DBK_EXPORT_READY : DBK_EXPORT_FAILED,
                     .rows = DBK_NULL,
                     .bytes = DBK_NULL,
                     .done_at = r->exporter->options.now_ms(r->exporter->options.user)};
    if (r->status == DBK_OK) {
        to.progress = 100;
        to.rows = r->rows;
        to.bytes = (int64_t)r->bytes;
    } else {
        to.error = dbk_text_from(reason_of(r));
        fprintf(stderr, "daybook: exports: %s failed: %s\n", r->ticket->id, r->err.message);
    }
    to.object = r->is_uploaded ? dbk_text_from(r->object) : (dbk_text){NULL, 0};
    // Nobody may see an end with a leftover beside it. A file whose row does not name it is one as well; when
    // the server stops, leftovers are the next start's.
    bool has_file = r->status == DBK_OK && !r->is_uploaded;
    if (!has_file)
        remove_file(r);
    if (store_end(r, &to) != DBK_OK && has_file && !is_stopping(r->exporter))
        remove_file(r);
}

static const dbk_export_kind *find_kind(const dbk_exporter *exporter, dbk_text name)
{
    for (int i = 0; i < exporter->options.kinds_count; i++)
        if (dbk_text_equal(dbk_text_from(exporter->options.kinds[i]->name), name))
            return exporter->options.kinds[i];
    return NULL;
}

void dbk_exporter_run(dbk_exporter *exporter, dbk_export_ticket *ticket)
{
    dbk_db *db = dbk_store_db(exporter->store);
    dbk_read read = dbk_read_begin(db);
    dbk_result *rows = NULL;
    dbk_export job;
    run r = {.exporter = exporter, .ticket = ticket, .id = dbk_text_from(ticket->id)};
    dbk_text tenant = dbk_export_ticket_tenant(ticket);
    r.status = dbk_export_find(read.snapshot, tenant, r.id, &rows, &job, &r.err);
    bool runs = r.status == DBK_OK && job.state == DBK_EXPORT_RUNNING;
    if (runs) {
        r.task = (dbk_export_task){
            .tenant = tenant, .report = job.report, .parameters = job.parameters, .snapshot = read.snapshot};
        r.kind = find_kind(exporter, job.kind);
        snprintf(r.object, sizeof(r.object), "%s.csv", ticket->id);
        snprintf(r.file_name, sizeof(r.file_name), "%.*s", (int)job.file_name.length, job.file_name.data);
        if (r.kind != NULL)
            write_aside(&r);
        else
            r.status = dbk_fail(&r.err, DBK_INVALID, "There is no such report any more.");
    }
    dbk_read_end(db, &read);
    // A row that could not be read is one that memory was too short for: it is taken up after the next start.
    if (runs)
        conclude(&r);
    else if (r.status != DBK_OK && r.status != DBK_NOT_FOUND)
        fprintf(stderr, "daybook: exports: %s was not begun: %s\n", ticket->id, r.err.message);
    dbk_result_free(rows);
}
