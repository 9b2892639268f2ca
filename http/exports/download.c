// SPDX-License-Identifier: Apache-2.0
// Checking the address, choosing the part, and sending it.
#include "http/exports/download.h"

#include "http/exports/exporter.h"
#include "http/exports/link.h"
#include "http/exports/range.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// The stream calls when half of its queue is free; until the piece that this asks for is there it may call
// once more. So two pieces must fit into half of the queue.
enum { PIECE_BYTES = 64 << 10, QUEUE_BYTES = 4 * PIECE_BYTES };

// ---- Sending ----

// Who may touch a download: one job at a time, which a worker runs. The stream tells, on the loop's thread,
// that there is room, or that nobody reads any more; that starts the job, or makes one that runs look again.
enum { IDLE, BUSY, BUSY_AND_CALLED };

typedef struct download {
    dbk_job job; // first, so that a job is its download
    dbk_workers *workers;
    dbk_stream *stream;
    int fd;
    uint64_t at, end;
    _Atomic int state;
} download;

static void finish(download *d, bool whole)
{
    dbk_stream_end(d->stream, whole);
    close(d->fd);
    free(d);
}

// False: it is over.
static bool send_piece(download *d, uint8_t *piece)
{
    size_t size = d->end - d->at < PIECE_BYTES ? (size_t)(d->end - d->at) : PIECE_BYTES;
    ssize_t got = pread(d->fd, piece, size, (off_t)d->at);
    if (got < 0 && errno == EINTR)
        return true;
    if (got <= 0 || !dbk_stream_write(d->stream, piece, (size_t)got))
        return false;
    d->at += (uint64_t)got;
    return true;
}

static void run(dbk_job *job)
{
    download *d = (download *)job;
    uint8_t piece[PIECE_BYTES];
    int busy;
    do {
        atomic_store(&d->state, BUSY);
        if (d->at == d->end || !send_piece(d, piece)) {
            finish(d, d->at == d->end);
            return;
        }
        busy = BUSY;
    } while (d->at == d->end || !atomic_compare_exchange_strong(&d->state, &busy, IDLE));
}

static void on_call(void *user)
{
    download *d = user;
    int state = atomic_load(&d->state);
    while (!atomic_compare_exchange_weak(&d->state, &state, state == IDLE ? BUSY : BUSY_AND_CALLED))
        continue;
    if (state == IDLE)
        dbk_workers_submit(d->workers, &d->job);
}

// ---- Answering ----

// Text in the call's arena; NULL when memory is out.
static const char *format_range(dbk_call *call, uint64_t from, uint64_t to, uint64_t size, bool has_part)
{
    char text[96];
    int length = has_part ? snprintf(text, sizeof(text), "bytes %llu-%llu/%llu", (unsigned long long)from,
                                     (unsigned long long)(to - 1), (unsigned long long)size)
                          : snprintf(text, sizeof(text), "bytes */%llu", (unsigned long long)size);
    return dbk_arena_copy(&call->arena, text, (size_t)length);
}

// A range counts if the client has the rest of this very file: there is one state of it, ever.
static dbk_range_kind choose_range(const dbk_call *call, uint64_t size, uint64_t *from, uint64_t *to)
{
    dbk_text condition = dbk_request_header(call->request, "if-range");
    dbk_text range = dbk_request_header(call->request, "range");
    if (condition.length > 0 && !dbk_text_equal(condition, dbk_text_from(call->etag)))
        range.length = 0;
    return dbk_range_parse(range, size, from, to);
}

static void start(dbk_call *call, int status, int fd, uint64_t from, uint64_t to)
{
    download *d = calloc(1, sizeof(*d));
    if (d == NULL) {
        close(fd);
        dbk_call_fail(call, 503, "Out of memory. Try again shortly.");
        return;
    }
    *d = (download){
        .job = {.run = run}, .workers = call->app->workers, .fd = fd, .at = from, .end = to, .state = BUSY};
    dbk_stream_options options = {.length = (int64_t)(to - from),
                                  .queue_max = QUEUE_BYTES,
                                  .gone = on_call,
                                  .room = on_call,
                                  .user = d};
    if (!dbk_call_stream(call, status, "text/csv; charset=utf-8", &options)) {
        close(fd);
        free(d);
        return;
    }
    d->stream = dbk_call_stream_leave(call);
    dbk_workers_submit(d->workers, &d->job);
}

static void send_file(dbk_call *call, int fd, uint64_t size)
{
    uint64_t from, to;
    dbk_range_kind kind = choose_range(call, size, &from, &to);
    dbk_call_header(call, "accept-ranges", DBK_TEXT("bytes"));
    if (kind != DBK_RANGE_ALL)
        dbk_call_header(call, "content-range",
                        dbk_text_from(format_range(call, from, to, size, kind == DBK_RANGE_PART)));
    if (kind == DBK_RANGE_NONE) {
        close(fd);
        dbk_call_fail(call, 416, "The range begins behind the end of the file, which has %llu bytes.",
                      (unsigned long long)size);
        return;
    }
    start(call, kind == DBK_RANGE_PART ? 206 : 200, fd, from, to);
}

// File names are made by us of names and dates; what else might be in one is left out.
static void name_file(dbk_call *call, dbk_text name)
{
    char text[256] = "attachment; filename=\"";
    size_t at = strlen(text);
    for (uint32_t i = 0; i < name.length && at < sizeof(text) - 2; i++)
        if (name.data[i] > ' ' && name.data[i] < 127 && strchr("\"\\/;", name.data[i]) == NULL)
            text[at++] = name.data[i];
    text[at++] = '"';
    const char *copy = dbk_arena_copy(&call->arena, text, at);
    if (copy != NULL)
        dbk_call_header(call, "content-disposition", (dbk_text){copy, (uint32_t)at});
}

// Fills in what the answer's head needs of the row, which may go away.
static dbk_status read_job(dbk_call *call, dbk_text tenant, dbk_error *err)
{
    dbk_result *rows;
    dbk_export job;
    DBK_TRY(dbk_export_find(dbk_call_snapshot(call), tenant, call->argument, &rows, &job, err));
    bool is_there = job.state == DBK_EXPORT_READY && call->now_ms < job.keep_until;
    name_file(call, job.file_name);
    snprintf(call->etag, sizeof(call->etag), "\"%.*s\"", (int)job.id.length, job.id.data);
    dbk_result_free(rows);
    return is_there ? DBK_OK : dbk_fail(err, DBK_NOT_FOUND, "the export has no file");
}

// False: the call was answered.
static bool passes_link(dbk_call *call, dbk_text tenant)
{
    dbk_error err;
    uint8_t key[DBK_SECRET_KEY_BYTES];
    dbk_link_verdict verdict = DBK_LINK_FORGED;
    dbk_status status =
        dbk_secret_verifying_key(call->app->store, tenant, DBK_EXPORT_LINK_PURPOSE, key, &err);
    if (status == DBK_OK)
        verdict = dbk_export_link_check(key, call->request->path, tenant, dbk_call_param(call, "expires"),
                                        dbk_call_param(call, "signature"), call->now_ms);
    if (status != DBK_OK && status != DBK_NOT_FOUND) {
        dbk_call_fail_read(call, status, &err);
        return false;
    }
    if (verdict == DBK_LINK_FORGED)
        dbk_call_fail(call, 403,
                      "This address is not signed by this server. Use the download_url as it was given.");
    if (verdict == DBK_LINK_EXPIRED)
        dbk_call_fail(call, 403, "This address has expired. Run the export again.");
    return verdict == DBK_LINK_GOOD;
}

void dbk_export_download(dbk_call *call)
{
    dbk_text tenant = dbk_call_param(call, "tenant");
    dbk_error err;
    int fd = -1;
    uint64_t size = 0;
    if (!passes_link(call, tenant))
        return;
    dbk_status status = read_job(call, tenant, &err);
    dbk_call_end_read(call);
    if (status == DBK_OK && dbk_call_is_known(call))
        return;
    if (status == DBK_OK)
        status = dbk_exporter_open(call->app->exporter, call->argument, &fd, &size, &err);
    if (status == DBK_OK) {
        send_file(call, fd, size);
        return;
    }
    call->etag[0] = 0;
    if (status == DBK_NOT_FOUND)
        dbk_call_fail(call, 404, "The file is gone. Run the export again.");
    else
        dbk_call_fail_read(call, status, &err);
}
