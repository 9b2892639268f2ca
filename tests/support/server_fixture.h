// SPDX-License-Identifier: Apache-2.0
// A server in this process with a handler made for tests, and a client that speaks just enough HTTP/1.1.
// Every wait is for a fact, with a deadline that only a failure reaches.
//
// The handler:
//     /echo          the request's body
//     /info          method, target, path, query, peer, local, header x-test; a line each
//     /bytes?N       N bytes
//     /status?N      a reply with status N and a few headers, one of them trying to be two
//     /failed        a reply whose body ran out of memory
//     /later         kept until dbk_fixture_release, then answered like /info: from another thread, or
//     resumed by it
#ifndef DBK_TEST_SERVER_FIXTURE_H
#define DBK_TEST_SERVER_FIXTURE_H

#include "http/server/server.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct dbk_fixture {
    dbk_server *server;
    dbk_server_options options; // set before start; app, refuse and log are the fixture's, and so is the
                                // handler unless one was set
    bool resumes;               // kept requests are answered on their own threads, many to a wake-up
    int drain_ms;
    int port;
    pthread_t runner, replier;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    dbk_request *kept[1024];
    int kept_count;
    bool releasing, ending, returned;
    _Atomic int logged, connections_seen;
    _Atomic int last_status;
    _Atomic size_t last_bytes;
} dbk_fixture;

// The fixture's own handler, for handlers that answer only some paths.
void dbk_fixture_handle(void *fixture, dbk_request *request);
// Listens on 127.0.0.1 and, unless NULL, on `local`, and runs.
void dbk_fixture_start(dbk_fixture *f, const char *local);
// Stops, waits for run to return, destroys.
void dbk_fixture_end(dbk_fixture *f);
void dbk_fixture_wait_kept(dbk_fixture *f, int count);
// Answers what is kept, and from now on what will be.
void dbk_fixture_release(dbk_fixture *f);
void dbk_fixture_wait_returned(dbk_fixture *f);
void dbk_fixture_wait_connections(dbk_fixture *f, int count);
void dbk_fixture_wait_logged(dbk_fixture *f, int count);

typedef struct dbk_response {
    int status;
    char head[4096]; // status line and headers
    char *body;      // with a NUL behind it; freed by the next receive or dispose
    size_t body_size;
} dbk_response;

int dbk_client_connect(int port);
int dbk_client_connect_local(const char *path);
void dbk_client_send(int fd, const char *bytes, size_t size);
void dbk_client_send_text(int fd, const char *text);
// Reads one response, chunked or with its length. `bodiless`: to a HEAD.
void dbk_client_receive(int fd, dbk_response *r, bool bodiless);
// Fails unless the server ends the connection without another byte.
void dbk_client_expect_end(int fd);
// "GET path", one response.
void dbk_client_get(int fd, const char *path, dbk_response *r);
void dbk_response_dispose(dbk_response *r);
// A self-signed certificate and its key, as PEM files.
void dbk_make_certificate(const char *certificate, const char *key);
// A directory of its own for a test; removed with its files by the second call.
char *dbk_temporary_directory(void);
void dbk_temporary_remove(char *directory);

#endif
