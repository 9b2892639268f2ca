// SPDX-License-Identifier: Apache-2.0
// The seam to the HTTP library: listening, requests in, replies out, and nothing of the library's own types.
// libh2o stands behind it today.
//
// One handler answers everything. It is called on a loop thread with a whole request (body included) and
// either replies before it returns or keeps the request and replies later from any thread; it must reply
// exactly once. The same handler can be called without a server: whoever builds a dbk_request gives it a
// `send` of their own, which is how the command line asks the reports in its own process.
#ifndef DBK_SERVER_H
#define DBK_SERVER_H

#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "engine/base/types.h"

typedef struct dbk_header {
    dbk_text name; // lower case
    dbk_text value;
} dbk_header;

typedef struct dbk_request dbk_request;
typedef struct dbk_stream dbk_stream;
typedef struct dbk_stream_options dbk_stream_options;

// A reply. Everything is copied or taken over by the call that sends it.
typedef struct dbk_reply {
    int status;
    const char *content_type; // NULL when there is no body
    dbk_buffer body;          // taken over
    dbk_header headers[16];   // beside Content-Type and Content-Length; copied
    int headers_count;
} dbk_reply;

struct dbk_request {
    dbk_text method;
    dbk_text target; // as it stood in the request line
    dbk_text path;   // normalised: decoded dots and escapes; what authorisation looks at
    dbk_text query;  // raw, without '?'
    const dbk_header *headers;
    int headers_count;
    dbk_text body;
    char peer[64]; // address without port; "local" for the data directory's socket
    bool local;    // came through the data directory's own socket or in this process: trusted as the operator
    uint64_t received_ns; // CLOCK_MONOTONIC, when the whole request was there
    void (*send)(dbk_request *request, dbk_reply *reply);
    // Opens a stream in place of a reply, see stream.h. NULL: bodies are gathered and sent as one reply.
    dbk_stream *(*stream)(dbk_request *request, dbk_reply *head, const dbk_stream_options *options);
    // After dbk_request_keep the request and everything it points to stay valid until the reply, even when
    // the client goes away.
    void (*keep)(dbk_request *request);
    // See dbk_request_resume. NULL: the request belongs to no thread.
    void (*resume)(dbk_request *request, void (*run)(void *user), void *user);
    void *user; // whoever built the request
};

// The value of a header (name in lower case), length 0 when it is not there.
dbk_text dbk_request_header(const dbk_request *request, const char *name);
// Answers and gives the request up. From the handler, or from any thread after dbk_request_keep.
void dbk_request_reply(dbk_request *request, dbk_reply *reply);
void dbk_request_keep(dbk_request *request);
// After dbk_request_keep, from any thread, once: runs `run` on the thread that the request came from, where
// it replies before it returns. What that thread allocated is best freed there, and its reply needs no copy.
void dbk_request_resume(dbk_request *request, void (*run)(void *user), void *user);
// Between the two, what the calling thread resumes waits, and then goes to its threads at once: many requests
// for one wake-up.
void dbk_resume_hold(void);
void dbk_resume_release(void);
void dbk_reply_header(dbk_reply *reply, const char *name, dbk_text value);
// One block with the reply and the bytes of its headers, for free(); the body is taken over. NULL when memory
// is out: then the body is where it was. For replies that are sent later.
dbk_reply *dbk_reply_copy(dbk_reply *reply);

typedef void (*dbk_handler)(void *app, dbk_request *request);

typedef struct dbk_server_options {
    dbk_handler handler;
    void *app;
    int threads;                           // event loops; 0 = 1
    size_t body_bytes_max;                 // 0 = 16 MiB; larger bodies get 413
    int connections_max;                   // over all loops; 0 = 10,000
    int request_timeout_ms;                // head and body; 0 = 30,000
    int response_timeout_ms;               // a reader that does not read is cut; 0 = 60,000
    const char *tls_certificate, *tls_key; // PEM files; NULL = plain
    // The error body for what never reaches the handler (framing, 411, 413): fills reply for the status and
    // detail. path may be empty.
    void (*refuse)(void *app, int status, const char *detail, dbk_text path, dbk_reply *reply);
    // After each request; NULL = no log. Called on a loop thread.
    void (*log)(void *app, const dbk_request *request, int status, size_t bytes, uint64_t nanoseconds);
} dbk_server_options;

typedef struct dbk_server dbk_server;

dbk_status dbk_server_create(dbk_server **out, const dbk_server_options *options, dbk_error *err);
// "127.0.0.1:8080", "[::1]:0", "0.0.0.0:80" or "unix:/path". Port 0 picks one; dbk_server_port tells. May be
// called several times before dbk_server_run. The unix socket's requests are `local`; its file is made with
// mode 0600.
dbk_status dbk_server_listen(dbk_server *server, const char *address, dbk_error *err);
int dbk_server_port(const dbk_server *server);
// Serves until dbk_server_stop, then drains: no new connections, running requests finish (at most drain_ms),
// idle ones are closed. Returns on the calling thread.
dbk_status dbk_server_run(dbk_server *server, int drain_ms, dbk_error *err);
// Any thread; async-signal-safe.
void dbk_server_stop(dbk_server *server);
int dbk_server_connections(const dbk_server *server);
void dbk_server_destroy(dbk_server *server);

#endif
