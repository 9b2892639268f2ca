// SPDX-License-Identifier: Apache-2.0
// Streams handed from the handler to the test.
#include "tests/support/stream_desk.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <cmocka.h>

static void on_gone(void *user)
{
    dbk_desk *d = user;
    pthread_mutex_lock(&d->lock);
    d->gone++;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

dbk_stream *dbk_desk_open(dbk_desk *d, dbk_request *q)
{
    dbk_reply head = {.status = 200, .content_type = "text/plain"};
    // Gone before the head is written: the server must have copied it.
    char value[] = "yes";
    dbk_reply_header(&head, "x-stream", dbk_text_from(value));
    dbk_stream *stream = dbk_request_stream(q, &head, &d->options);
    memset(value, 0, sizeof value);
    return stream;
}

static void handle(void *app, dbk_request *q)
{
    dbk_desk *d = app;
    bool keeps = dbk_text_equal(q->path, DBK_TEXT("/keep"));
    if (!keeps && !dbk_text_equal(q->path, DBK_TEXT("/open"))) {
        dbk_fixture_handle(&d->f, q);
        return;
    }
    if (keeps)
        dbk_request_keep(q);
    pthread_mutex_lock(&d->lock);
    if (keeps)
        d->kept = q;
    else
        d->open[d->count++] = dbk_desk_open(d, q);
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

void dbk_desk_start(dbk_desk *d)
{
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->changed, NULL);
    d->options.gone = on_gone;
    d->options.user = d;
    d->f.options.handler = handle;
    dbk_fixture_start(&d->f, NULL);
}

void dbk_desk_end(dbk_desk *d)
{
    dbk_fixture_end(&d->f);
    pthread_cond_destroy(&d->changed);
    pthread_mutex_destroy(&d->lock);
}

void dbk_desk_wait_changed(dbk_desk *d)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += DEADLINE_S;
    if (pthread_cond_timedwait(&d->changed, &d->lock, &until) != 0) {
        fprintf(stderr, "waited in vain\n");
        abort();
    }
}

dbk_stream *dbk_desk_wait_open(dbk_desk *d, int number)
{
    pthread_mutex_lock(&d->lock);
    while (d->count <= number)
        dbk_desk_wait_changed(d);
    dbk_stream *stream = d->open[number];
    pthread_mutex_unlock(&d->lock);
    assert_non_null(stream);
    return stream;
}

void dbk_desk_wait_gone(dbk_desk *d, int count)
{
    pthread_mutex_lock(&d->lock);
    while (d->gone < count)
        dbk_desk_wait_changed(d);
    pthread_mutex_unlock(&d->lock);
}

int dbk_desk_ask(dbk_desk *d, const char *method, const char *version)
{
    char request[128];
    int fd = dbk_client_connect(d->f.port);
    snprintf(request, sizeof request, "%s /open?a=%%62 %s\r\nHost: shop\r\nX-Test: v\r\n\r\n", method,
             version);
    dbk_client_send_text(fd, request);
    return fd;
}

void dbk_desk_write(dbk_stream *stream, const char *text)
{
    assert_true(dbk_stream_write(stream, text, strlen(text)));
}

bool dbk_client_read_to_end(int fd, char *to, size_t size)
{
    size_t n = 0;
    for (;;) {
        ssize_t got = recv(fd, to + n, size - 1 - n, 0);
        assert_true(got >= 0 || errno == ECONNRESET);
        if (got > 0)
            n += (size_t)got;
        to[n] = 0;
        if (got <= 0)
            return got == 0;
    }
}
