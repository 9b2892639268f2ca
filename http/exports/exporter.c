// SPDX-License-Identifier: Apache-2.0
// The exporter's life, its threads, and the changes of rows.
#include "http/exports/exporter_state.h"

#include "engine/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { THREADS_DEFAULT = 2, SWEEP_MS = 60000 };

// ---- Changes of rows ----

// A change on its way to the disk.
typedef struct advance {
    dbk_exporter *exporter;
    dbk_export_ticket *ticket; // a job that is being accepted: queued when it is stored
    dbk_exporter_done done;
    void *user;
    dbk_export to;
    dbk_export_state found;
    dbk_batch batch;
    const dbk_batch *batches[1];
    dbk_change change;
    dbk_text tenant;
    char tenant_text[DBK_TENANT_NAME_MAX + 1], id[DBK_EXPORT_ID_BYTES + 1];
    char texts[]; // of `to`
} advance;

static dbk_text keep_text(char **at, dbk_text text)
{
    dbk_text copy = {*at, text.length};
    if (text.length > 0)
        memcpy(*at, text.data, text.length);
    *at += text.length;
    return copy;
}

static advance *advance_create(dbk_exporter *exporter, dbk_text tenant, dbk_text id, const dbk_export *to)
{
    advance *a = calloc(1, sizeof(*a) + to->object.length + to->error.length);
    if (a == NULL)
        return NULL;
    char *at = a->texts;
    a->exporter = exporter;
    memcpy(a->tenant_text, tenant.data, tenant.length);
    a->tenant = (dbk_text){a->tenant_text, tenant.length};
    memcpy(a->id, id.data, id.length < sizeof(a->id) ? id.length : sizeof(a->id) - 1);
    a->to = *to;
    a->to.object = keep_text(&at, to->object);
    a->to.error = keep_text(&at, to->error);
    a->batches[0] = &a->batch;
    a->change = (dbk_change){.tenant = a->tenant, .batches = a->batches, .batches_count = 1};
    pthread_mutex_lock(&exporter->lock);
    exporter->unsettled++;
    pthread_mutex_unlock(&exporter->lock);
    return a;
}

// Tells how it ended and gives it up.
static void settle(advance *a, dbk_status status, const char *message)
{
    dbk_exporter *exporter = a->exporter;
    pthread_mutex_lock(&exporter->lock);
    if (a->ticket != NULL && status == DBK_OK)
        dbk_export_queue_admit(a->ticket);
    else if (a->ticket != NULL)
        dbk_export_queue_release(&exporter->queue, a->ticket);
    pthread_cond_broadcast(&exporter->changed);
    pthread_mutex_unlock(&exporter->lock);
    dbk_exporter_reply reply = {.status = status, .message = message, .found = a->found};
    if (a->done != NULL)
        a->done(a->user, &reply);
    dbk_batch_dispose(&a->batch);
    free(a);
    pthread_mutex_lock(&exporter->lock);
    exporter->unsettled--;
    pthread_cond_broadcast(&exporter->changed);
    pthread_mutex_unlock(&exporter->lock);
}

static void on_stored(void *user, const dbk_change_result *result)
{
    settle(user, result->status, result->message);
}

static dbk_status decide(void *user, const dbk_snapshot *working, dbk_change *change, dbk_error *err)
{
    advance *a = user;
    DBK_TRY(dbk_export_advance(working, a->tenant, dbk_text_from(a->id), &a->to, &a->batch, &a->found, err));
    change->batches = a->batches;
    change->batches_count = 1;
    return DBK_OK;
}

static void refuse(dbk_exporter_done done, void *user, dbk_status status, const char *message)
{
    dbk_exporter_reply reply = {.status = status, .message = message};
    if (done != NULL)
        done(user, &reply);
}

void dbk_exporter_advance(dbk_exporter *exporter, dbk_text tenant, dbk_text id, const dbk_export *to,
                          dbk_exporter_done done, void *user)
{
    advance *a = advance_create(exporter, tenant, id, to);
    if (a == NULL) {
        refuse(done, user, DBK_NO_MEMORY, "Out of memory; nothing was stored.");
        return;
    }
    a->done = done;
    a->user = user;
    dbk_store_transact(exporter->store, a->tenant, decide, a, on_stored, a);
}

static dbk_export_ticket *reserve(dbk_exporter *exporter, dbk_text tenant, dbk_text id, bool *is_full)
{
    char text[DBK_EXPORT_ID_BYTES + 1] = {0};
    memcpy(text, id.data, DBK_EXPORT_ID_BYTES);
    pthread_mutex_lock(&exporter->lock);
    *is_full = dbk_export_queue_count(&exporter->queue, tenant) >= DBK_EXPORT_JOBS_MAX;
    dbk_export_ticket *ticket = *is_full ? NULL : dbk_export_queue_reserve(&exporter->queue, tenant, text);
    pthread_mutex_unlock(&exporter->lock);
    return ticket;
}

void dbk_exporter_submit(dbk_exporter *exporter, dbk_text tenant, const dbk_export *job,
                         dbk_exporter_done done, void *user)
{
    bool is_full;
    dbk_error err = {.message = "Out of memory; nothing was stored."};
    dbk_export_ticket *ticket = reserve(exporter, tenant, job->id, &is_full);
    if (ticket == NULL) {
        refuse(done, user, is_full ? DBK_LIMIT : DBK_NO_MEMORY, is_full ? "too many exports" : err.message);
        return;
    }
    advance *a = advance_create(exporter, tenant, job->id, job);
    if (a == NULL) {
        pthread_mutex_lock(&exporter->lock);
        dbk_export_queue_release(&exporter->queue, ticket);
        pthread_mutex_unlock(&exporter->lock);
        refuse(done, user, DBK_NO_MEMORY, err.message);
        return;
    }
    a->ticket = ticket;
    a->done = done;
    a->user = user;
    dbk_status status = dbk_export_build(&a->batch, job, &err);
    if (status == DBK_OK)
        dbk_store_submit(exporter->store, &a->change, on_stored, a);
    else
        settle(a, status, err.message);
}

// ---- Cancelling ----

typedef struct cancellation {
    dbk_exporter *exporter;
    dbk_exporter_done done;
    void *user;
    dbk_text tenant;
    char tenant_text[DBK_TENANT_NAME_MAX + 1], id[DBK_EXPORT_ID_BYTES + 1];
} cancellation;

// The row says it; whoever writes the file is told, and a job that waits sees it when its turn comes.
static void on_cancelled(void *user, const dbk_exporter_reply *reply)
{
    cancellation *c = user;
    dbk_exporter *exporter = c->exporter;
    if (reply->status == DBK_OK) {
        pthread_mutex_lock(&exporter->lock);
        dbk_export_ticket *ticket =
            dbk_export_queue_running(&exporter->queue, c->tenant, dbk_text_from(c->id));
        if (ticket != NULL)
            atomic_store(&ticket->cancelled, true);
        pthread_mutex_unlock(&exporter->lock);
    }
    c->done(c->user, reply);
    free(c);
}

void dbk_exporter_cancel(dbk_exporter *exporter, dbk_text tenant, dbk_text id, dbk_exporter_done done,
                         void *user)
{
    cancellation *c = dbk_export_id_is_valid(id) ? calloc(1, sizeof(*c)) : NULL;
    if (c == NULL) {
        refuse(done, user, dbk_export_id_is_valid(id) ? DBK_NO_MEMORY : DBK_NOT_FOUND,
               "Out of memory; nothing was stored.");
        return;
    }
    c->exporter = exporter;
    c->done = done;
    c->user = user;
    memcpy(c->tenant_text, tenant.data, tenant.length);
    c->tenant = (dbk_text){c->tenant_text, tenant.length};
    memcpy(c->id, id.data, id.length);
    dbk_export to = {.state = DBK_EXPORT_CANCELLED,
                     .rows = DBK_NULL,
                     .bytes = DBK_NULL,
                     .done_at = exporter->options.now_ms(exporter->options.user)};
    dbk_exporter_advance(exporter, tenant, id, &to, on_cancelled, c);
}

dbk_status dbk_exporter_open(const dbk_exporter *exporter, dbk_text id, int *fd, uint64_t *size,
                             dbk_error *err)
{
    char path[DBK_EXPORT_PATH_MAX];
    struct stat status;
    if (exporter->options.directory == NULL || !dbk_export_file_path(path, exporter->directory, id))
        return dbk_fail(err, DBK_NOT_FOUND, "there are no files here");
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (*fd < 0)
        return dbk_fail(err, errno == ENOENT ? DBK_NOT_FOUND : DBK_IO, "cannot open %s: %s", path,
                        strerror(errno));
    if (fstat(*fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(*fd);
        return dbk_fail(err, DBK_IO, "%s is no file", path);
    }
    *size = (uint64_t)status.st_size;
    return DBK_OK;
}

// ---- Threads ----

// Until there is something to do, or it is time to sweep.
static void wait_for_work(dbk_exporter *exporter)
{
    int64_t until = exporter->swept_at + SWEEP_MS;
    struct timespec deadline = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
    pthread_cond_timedwait(&exporter->changed, &exporter->lock, &deadline);
}

static void *work(void *user)
{
    dbk_exporter *exporter = user;
    pthread_mutex_lock(&exporter->lock);
    while (!exporter->stopping) {
        if (dbk_clock_steady_ms() - exporter->swept_at >= SWEEP_MS) {
            exporter->swept_at = dbk_clock_steady_ms();
            pthread_mutex_unlock(&exporter->lock);
            dbk_exporter_sweep(exporter);
            pthread_mutex_lock(&exporter->lock);
            continue;
        }
        dbk_export_ticket *ticket = dbk_export_queue_take(&exporter->queue);
        if (ticket == NULL) {
            wait_for_work(exporter);
            continue;
        }
        pthread_mutex_unlock(&exporter->lock);
        dbk_exporter_run(exporter, ticket);
        pthread_mutex_lock(&exporter->lock);
        dbk_export_queue_release(&exporter->queue, ticket);
        // The tenant's next one may run.
        pthread_cond_broadcast(&exporter->changed);
    }
    pthread_mutex_unlock(&exporter->lock);
    return NULL;
}

// ---- Life ----

static void init_locks(dbk_exporter *exporter)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&exporter->lock, NULL);
    pthread_cond_init(&exporter->changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

static dbk_status start(dbk_exporter *exporter, dbk_error *err)
{
    int wanted = exporter->options.threads > 0 ? exporter->options.threads : THREADS_DEFAULT;
    if (exporter->options.directory == NULL)
        return DBK_OK;
    if (strlen(exporter->options.directory) + DBK_EXPORT_ID_BYTES + sizeof("/.csv.part") >
        DBK_EXPORT_PATH_MAX)
        return dbk_fail(err, DBK_INVALID, "the path of the directory for exports is too long");
    strcpy(exporter->directory, exporter->options.directory);
    DBK_TRY(dbk_exporter_resume(exporter, err));
    dbk_exporter_sweep(exporter);
    exporter->swept_at = dbk_clock_steady_ms();
    for (; exporter->threads_count < wanted && exporter->threads_count < DBK_EXPORTER_THREADS_MAX;
         exporter->threads_count++)
        if (pthread_create(&exporter->threads[exporter->threads_count], NULL, work, exporter) != 0)
            return dbk_fail(err, DBK_NO_MEMORY, "no thread for the exports");
    return DBK_OK;
}

dbk_status dbk_exporter_create(dbk_exporter **out, const dbk_exporter_options *options, dbk_error *err)
{
    dbk_exporter *exporter = calloc(1, sizeof(*exporter));
    if (exporter == NULL)
        return dbk_fail(err, DBK_NO_MEMORY, "no memory for the exports");
    exporter->store = options->store;
    exporter->options = *options;
    init_locks(exporter);
    dbk_status status = start(exporter, err);
    if (status != DBK_OK) {
        dbk_exporter_destroy(exporter);
        return status;
    }
    *out = exporter;
    return DBK_OK;
}

void dbk_exporter_destroy(dbk_exporter *exporter)
{
    if (exporter == NULL)
        return;
    pthread_mutex_lock(&exporter->lock);
    exporter->stopping = true;
    dbk_export_queue_interrupt(&exporter->queue);
    pthread_cond_broadcast(&exporter->changed);
    pthread_mutex_unlock(&exporter->lock);
    for (int i = 0; i < exporter->threads_count; i++)
        pthread_join(exporter->threads[i], NULL);
    pthread_mutex_lock(&exporter->lock);
    while (exporter->unsettled > 0)
        pthread_cond_wait(&exporter->changed, &exporter->lock);
    pthread_mutex_unlock(&exporter->lock);
    dbk_export_queue_dispose(&exporter->queue);
    pthread_cond_destroy(&exporter->changed);
    pthread_mutex_destroy(&exporter->lock);
    free(exporter);
}
