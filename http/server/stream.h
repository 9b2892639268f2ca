// SPDX-License-Identifier: Apache-2.0
// A reply whose body is written bit by bit: an export, a file, a stream of events. Part of the seam of
// server.h.
//
// A writer never waits unless it asks to. What the client has not taken yet stands in a queue of bounded
// size: a producer that can wait (an export, on a worker) calls dbk_stream_wait between its pieces; one that
// cannot (events for thousands of readers) just writes, and a reader whose queue is full is cut off.
#ifndef DBK_STREAM_H
#define DBK_STREAM_H

#include "http/server/server.h"

typedef struct dbk_stream dbk_stream;

typedef struct dbk_stream_options {
    int64_t length;   // of the whole body; -1 = not known: chunked
    size_t queue_max; // bytes that may wait for the client; 0 = 256 KiB
    bool is_endless;  // events: no end is expected, and draining the server closes the stream at once
    // Called once, on the loop's thread, when the stream is over for the server: the client went away, was
    // cut off, or the server drains. Not called after dbk_stream_end. The stream stays valid until
    // dbk_stream_end, which the owner still has to call. NULL = nothing to tell.
    void (*gone)(void *user);
    void *user;
} dbk_stream_options;

// Sends the head (head->body must be empty) in place of dbk_request_reply; the request is kept until the end.
// From the handler, or from any thread after dbk_request_keep. NULL when memory is out: then the request was
// answered with 503.
dbk_stream *dbk_request_stream(dbk_request *request, dbk_reply *head, const dbk_stream_options *options);
// Hands over a copy of the bytes. Any thread, one at a time; never waits. False: the stream is over (the
// client is gone, or its queue was full and it has been cut off); nothing more needs to be written.
bool dbk_stream_write(dbk_stream *stream, const void *data, size_t size);
// Waits until at most half of the queue's room is taken. False: the stream is over. Never on a loop's thread.
bool dbk_stream_wait(dbk_stream *stream);
// Ends it and gives it up. `whole` false: the connection is cut, so that the client sees that its body is not
// complete.
void dbk_stream_end(dbk_stream *stream, bool whole);

#endif
