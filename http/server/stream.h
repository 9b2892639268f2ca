// SPDX-License-Identifier: Apache-2.0
// A reply whose body is written bit by bit: an export, a file, a stream of events. Part of the seam of
// server.h.
//
// A writer never waits unless it asks to. What the client has not taken yet stands in a queue of bounded
// size: a producer that can wait (an export, on a worker) calls dbk_stream_wait between its pieces; one that
// cannot (events for thousands of readers) just writes, and a reader whose queue is full is cut off. A client
// that takes nothing of what waits for it for the server's response_timeout_ms is cut off as well; one that
// reads slowly is not, and a stream on which nothing waits may be silent for ever.
//
// On the wire: a known length is sent as Content-Length; otherwise the body is chunked, or, for HTTP/1.0,
// ends with the connection. HEAD gets the head, and the stream is over before its first write. An idle stream
// costs one allocation and no thread.
#ifndef DBK_STREAM_H
#define DBK_STREAM_H

#include "http/server/server.h"

enum { DBK_STREAM_QUEUE = 256 << 10 };

struct dbk_stream_options {
    int64_t length;   // of the whole body; -1 = not known
    size_t queue_max; // bytes that may wait for the client; 0 = DBK_STREAM_QUEUE
    bool is_endless;  // events: a client that closes its side is gone at once, and so is everybody when the
                      // server drains; others may finish within drain_ms
    // Called once, on the loop's thread, when the stream is over for the server: the client went away, was
    // cut off, has all it asked for (HEAD), or the server drains. Not called after dbk_stream_end has
    // returned. The stream stays valid until dbk_stream_end, which the owner still has to call, here or
    // later. It must not wait for another thread that may be in dbk_stream_end of this stream. NULL = nothing
    // to tell.
    void (*gone)(void *user);
    // Called on the loop's thread when the client has taken so much that at most half of the queue's room is
    // taken: for producers that write a piece and give their thread back. Not called after dbk_stream_end has
    // returned; otherwise as `gone`. NULL = nobody waits for it.
    void (*room)(void *user);
    void *user;
};

// Sends the head (of a status that has a body; head->body must be empty) in place of dbk_request_reply, and
// gives the request up. From the handler, or from any thread after dbk_request_keep. NULL when memory is out:
// then the request was answered with 503. A request of this process whose caller set no `stream` gets the
// whole body as one reply at the end, whatever its size.
dbk_stream *dbk_request_stream(dbk_request *request, dbk_reply *head, const dbk_stream_options *options);
// The request's line, headers and peer, copied: valid until dbk_stream_end. Its body is empty.
const dbk_request *dbk_stream_request(const dbk_stream *stream);
// Hands over a copy of the bytes. Any thread, one at a time; never waits. False: the stream is over (the
// client is gone, or its queue was full and it has been cut off); nothing more needs to be written.
bool dbk_stream_write(dbk_stream *stream, const void *data, size_t size);
// Waits until at most half of the queue's room is taken: a write of up to half of queue_max then fits. False:
// the stream is over. Never on a loop's thread.
bool dbk_stream_wait(dbk_stream *stream);
// Bytes that wait for the client. A writer that cannot wait looks here before it writes, if it has a use for
// a reader that is behind other than cutting it off. Any thread.
size_t dbk_stream_queued(dbk_stream *stream);
// Ends it and gives it up; what was written before still reaches the client. `whole` false, or another length
// than was promised: the connection is reset, so that the client sees that its body is not complete.
void dbk_stream_end(dbk_stream *stream, bool whole);

// What stands behind a stream: the server's, the one that gathers, or a caller's own (dbk_request.stream),
// each with a dbk_stream as its first member.
typedef struct dbk_stream_kind {
    bool (*write)(dbk_stream *stream, const void *data, size_t size);
    bool (*wait)(dbk_stream *stream);
    size_t (*queued)(dbk_stream *stream);
    void (*end)(dbk_stream *stream, bool whole);
} dbk_stream_kind;

struct dbk_stream {
    const dbk_stream_kind *kind;
    const dbk_request *request;
};

#endif
