// SPDX-License-Identifier: Apache-2.0
// A fixture's server whose handler opens streams for the test to write.
#ifndef DBK_TEST_STREAM_DESK_H
#define DBK_TEST_STREAM_DESK_H

#include "http/server/stream.h"
#include "tests/support/server_fixture.h"

enum { STREAMS_MAX = 1500, DEADLINE_S = 30 };

// The handler opens streams and hands them to the test, which writes them:
//     /open    in the handler
//     /keep    the request is kept; the test opens the stream
//     others   as the fixture does
typedef struct desk {
    dbk_fixture f; // first: the server's app
    dbk_stream_options options;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    dbk_stream *open[STREAMS_MAX];
    dbk_request *kept;
    int count, gone;
} dbk_desk;

// options.gone and the handler are the desk's; the rest is set before.
void dbk_desk_start(dbk_desk *d);
void dbk_desk_end(dbk_desk *d);
// A new connection that asks for /open; HTTP/1.1 or HTTP/1.0.
int dbk_desk_ask(dbk_desk *d, const char *method, const char *version);
// The stream that was opened as the number-th.
dbk_stream *dbk_desk_wait_open(dbk_desk *d, int number);
void dbk_desk_wait_gone(dbk_desk *d, int count);
// With the lock held, until something changes.
void dbk_desk_wait_changed(dbk_desk *d);
dbk_stream *dbk_desk_open(dbk_desk *d, dbk_request *q);
void dbk_desk_write(dbk_stream *stream, const char *text);
// Everything until the end; returns whether that was orderly.
bool dbk_client_read_to_end(int fd, char *to, size_t size);

#endif
