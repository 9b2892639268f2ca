// SPDX-License-Identifier: Apache-2.0
// What the files behind server.h share: the server, its loops, a connection. The only header that shows the
// library's types, so that replacing the library touches this folder alone.
//
// Who may touch what. A loop and its connections belong to the loop's thread, which also creates and disposes
// everything of the library's: its buffers remember the thread that made them. Other threads reach a loop in
// two ways only: a message through `replies` or `streams` and a count in `stop_event`. The server's fields
// are written before the threads start, but for those marked atomic or locked.
#ifndef DBK_SERVER_LOOP_H
#define DBK_SERVER_LOOP_H

#include "http/server/server.h"

#include <h2o.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/un.h>

enum { LISTENERS_MAX = 8, THREADS_MAX = 256 };

typedef struct dbk_loop dbk_loop;

// One address to listen on: a socket for each loop, or one socket on the first loop.
typedef struct dbk_listener {
    int *fds; // by loop; -1 = none
    bool local;
    struct sockaddr_un path;  // local: the file to remove at the end…
    uint64_t device, inode;   // …unless somebody put another in its place
    atomic_flag path_removed; // the first loop removes it when it drains, destroy when nothing ran
} dbk_listener;

struct dbk_server {
    dbk_server_options options; // defaults filled in
    h2o_globalconf_t config;
    SSL_CTX *tls; // NULL = plain
    dbk_listener listeners[LISTENERS_MAX];
    int listeners_count;
    int port;
    dbk_loop *loops; // options.threads of them
    int started;     // loops whose thread runs
    int drain_ms;
    _Atomic int connections; // over all loops
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int settled; // under lock: loops that serve nobody any more, or gave up waiting at the drain's deadline
};

struct dbk_loop {
    dbk_server *server;
    int index;
    int stop_event; // eventfd; outlives the thread, so that a late dbk_server_stop writes to no stranger
    pthread_t thread;

    h2o_context_t context;
    h2o_accept_ctx_t accept_plain, accept_tls;
    h2o_multithread_receiver_t replies; // from handlers that kept their request
    h2o_multithread_receiver_t streams; // from those who write streams
    _Atomic int stream_messages;        // on their way to it
    h2o_linklist_t open_streams;        // whose head was sent
    int watch;                          // epoll over the sockets of open streams; -1 = none
    h2o_socket_t *watch_socket;
    h2o_timeout_t response_timeout; // a reply written but not read
    h2o_timeout_entry_t rearm;      // looks whether a paused listener may go on
    h2o_socket_t *stop_socket;
    h2o_socket_t *listeners[LISTENERS_MAX]; // as server->listeners; NULL = none or closed
    h2o_linklist_t connections;             // dbk_connection.link
    int connections_count;
    int waiting;  // kept requests that are not yet replied to
    int spare_fd; // given up for the moment it takes to turn a client away when descriptors are out
    bool paused, draining, cutting;
};

// One accepted socket, from accept to the end of its lingering close.
typedef struct dbk_connection {
    dbk_loop *loop;
    h2o_socket_t *socket; // the library's until it closes it, then ours while lingering
    h2o_linklist_t link;
    h2o_timeout_entry_t lingering;
    uint64_t lingering_until; // by the loop's clock
    int lingering_fd;         // -1 = close at once
    bool local;
    bool busy; // between a request's arrival and its reply's last byte
    char peer[64];
} dbk_connection;

// Runs a loop from start to end on the calling thread.
void dbk_loop_run(dbk_loop *loop);
// Keeps the connection open, after the library closed it, until the client had a chance to read the reply:
// closing a socket with unread input resets it, and a reset makes the client drop the refusal it has not read
// yet.
void dbk_connection_linger(dbk_connection *connection);
dbk_connection *dbk_connection_of(h2o_req_t *req);

// The library's configuration: one handler for everything, refusals in our own words, no HTTP/2.
void dbk_exchange_configure(dbk_server *server);
// The receiver of replies from other threads.
void dbk_exchange_on_replies(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages);

// The part of a loop that serves streams: made and disposed of with the loop, on its thread.
void dbk_streams_init(dbk_loop *loop);
void dbk_streams_dispose(dbk_loop *loop);
// The server ends: streams without an end of their own are closed.
void dbk_streams_drain(dbk_loop *loop);

// Binds one address for all loops and fills the listener. On failure nothing stays open.
dbk_status dbk_listener_open(dbk_listener *out, const char *address, int loops, int *port, dbk_error *err);
// Removes the socket's file, once, when it is still ours.
void dbk_listener_remove_path(dbk_listener *listener);

// A server context for HTTP/1.1 over TLS 1.2 or later.
dbk_status dbk_tls_create(SSL_CTX **out, const char *certificate, const char *key, dbk_error *err);

// "Not Found" for 404; never NULL.
const char *dbk_reason(int status);

#endif
