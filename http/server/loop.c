// SPDX-License-Identifier: Apache-2.0
// One event loop: accept below the cap, serve, drain, end.
//
// The library would accept until descriptors run out and then spin on the readable listener. So connections
// are counted before it sees them; at the cap, or when descriptors are out, the loop's listeners pause and
// new clients wait in the kernel's backlog until a connection of this loop closes or a tenth of a second has
// passed (the connection that made room may be another loop's).
#include "http/server/loop.h"

#include "engine/base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

// One loop must not starve its running connections during a burst of new ones.
enum { ACCEPTS_AT_ONCE = 16, LINGERING_MS = 10000, DRAIN_LOOK_MS = 1000 };

static void turn(dbk_loop *loop, int32_t wait_ms)
{
    // A signal that reached this thread after all is no failure. Anything else is the kernel out of memory
    // for its own tables: nothing is lost by trying again, as long as we do not spin.
    if (h2o_evloop_run(loop->context.loop, wait_ms) != 0 && errno != EINTR)
        poll(NULL, 0, 10);
}

// ---- pausing
// -------------------------------------------------------------------------------------------------

static void on_acceptable(h2o_socket_t *listener, const char *failure);

static void pause_accepting(dbk_loop *loop)
{
    if (!loop->paused) {
        loop->paused = true;
        // The local socket stays open to the operator, whatever the network does.
        for (int i = 0; i < loop->server->listeners_count; i++)
            if (loop->listeners[i] && !loop->server->listeners[i].local)
                h2o_socket_read_stop(loop->listeners[i]);
    }
    if (!h2o_timeout_is_linked(&loop->rearm))
        h2o_timeout_link(loop->context.loop, &loop->context.hundred_ms_timeout, &loop->rearm);
}

static void resume_accepting(dbk_loop *loop)
{
    if (!loop->paused)
        return;
    loop->paused = false;
    h2o_timeout_unlink(&loop->rearm);
    for (int i = 0; i < loop->server->listeners_count; i++)
        if (loop->listeners[i] && !loop->server->listeners[i].local)
            h2o_socket_read_start(loop->listeners[i], on_acceptable);
}

static void on_rearm(h2o_timeout_entry_t *entry)
{
    resume_accepting(H2O_STRUCT_FROM_MEMBER(dbk_loop, rearm, entry));
}

// ---- connections
// ---------------------------------------------------------------------------------------------

dbk_connection *dbk_connection_of(h2o_req_t *req)
{
    return req->conn->callbacks->get_socket(req->conn)->on_close.data;
}

static void connection_free(dbk_connection *connection)
{
    dbk_loop *loop = connection->loop;
    h2o_timeout_unlink(&connection->lingering);
    h2o_linklist_unlink(&connection->link);
    free(connection);
    loop->connections_count--;
    atomic_fetch_sub(&loop->server->connections, 1);
    resume_accepting(loop);
}

static void lingering_end(dbk_connection *connection)
{
    h2o_socket_t *socket = connection->socket;
    connection_free(connection);
    h2o_socket_close(socket);
}

static void on_lingering_idle(h2o_timeout_entry_t *entry)
{
    lingering_end(H2O_STRUCT_FROM_MEMBER(dbk_connection, lingering, entry));
}

static void on_lingering_input(h2o_socket_t *socket, const char *failure)
{
    dbk_connection *connection = socket->data;
    dbk_loop *loop = connection->loop;
    char nowhere[16384];
    ssize_t n = 0;
    for (int i = 0; i < ACCEPTS_AT_ONCE && !failure; i++) {
        n = read(connection->lingering_fd, nowhere, sizeof nowhere);
        if (n <= 0)
            break;
    }
    bool over = failure || n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
    if (over || h2o_now(loop->context.loop) >= connection->lingering_until) {
        lingering_end(connection);
        return;
    }
    h2o_timeout_unlink(&connection->lingering);
    h2o_timeout_link(loop->context.loop, &loop->context.one_sec_timeout, &connection->lingering);
}

void dbk_connection_linger(dbk_connection *connection)
{
    // A second descriptor keeps the kernel's side open when the library closes its own.
    if (connection->lingering_fd < 0)
        connection->lingering_fd = fcntl(h2o_socket_get_fd(connection->socket), F_DUPFD_CLOEXEC, 3);
}

static void on_close(void *data)
{
    dbk_connection *connection = data;
    dbk_loop *loop = connection->loop;
    connection->socket = NULL;
    if (connection->lingering_fd < 0) {
        connection_free(connection);
        return;
    }
    shutdown(connection->lingering_fd, loop->cutting ? SHUT_RDWR : SHUT_WR);
    connection->socket =
        h2o_evloop_socket_create(loop->context.loop, connection->lingering_fd, H2O_SOCKET_FLAG_DONT_READ);
    connection->socket->data = connection;
    connection->lingering_until = h2o_now(loop->context.loop) + LINGERING_MS;
    connection->lingering.cb = on_lingering_idle;
    h2o_timeout_link(loop->context.loop, &loop->context.one_sec_timeout, &connection->lingering);
    h2o_socket_read_start(connection->socket, on_lingering_input);
}

static void write_peer(dbk_connection *connection, const struct sockaddr_storage *address)
{
    int family = address->ss_family;
    const void *bytes = &((const struct sockaddr_in *)address)->sin_addr;
    if (family == AF_INET6) {
        // A client of IPv4 that came in through [::] is known by its own address.
        const struct in6_addr *v6 = &((const struct sockaddr_in6 *)address)->sin6_addr;
        bool mapped = IN6_IS_ADDR_V4MAPPED(v6);
        family = mapped ? AF_INET : AF_INET6;
        bytes = mapped ? &v6->s6_addr[12] : v6->s6_addr;
    }
    if (connection->local)
        strcpy(connection->peer, "local");
    else if (!inet_ntop(family, bytes, connection->peer, sizeof connection->peer))
        strcpy(connection->peer, "unknown");
}

static void set_socket_options(const dbk_loop *loop, int fd)
{
    static const int on = 1;
    unsigned gone_ms = (unsigned)loop->server->options.response_timeout_ms;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    // A peer that vanished, or whose window stays shut, is given up even while nobody waits for it.
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &gone_ms, sizeof gone_ms);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

static void connection_start(dbk_loop *loop, int fd, const struct sockaddr_storage *address, bool local)
{
    dbk_connection *connection = calloc(1, sizeof *connection);
    if (!connection) {
        close(fd);
        atomic_fetch_sub(&loop->server->connections, 1);
        return;
    }
    connection->loop = loop;
    connection->local = local;
    connection->lingering_fd = -1;
    write_peer(connection, address);
    if (!local)
        set_socket_options(loop, fd);
    h2o_linklist_insert(&loop->connections, &connection->link);
    loop->connections_count++;
    connection->socket =
        h2o_evloop_socket_create(loop->context.loop, fd, H2O_SOCKET_FLAG_IS_ACCEPTED_CONNECTION);
    connection->socket->on_close.cb = on_close;
    connection->socket->on_close.data = connection;
    h2o_accept(local ? &loop->accept_plain : &loop->accept_tls, connection->socket);
}

// ---- accepting
// -----------------------------------------------------------------------------------------------

// A descriptor kept for this moment lets one client in to be turned away, so that it is not left to its own
// time-out.
static void turn_one_away(dbk_loop *loop, int listener)
{
    if (loop->spare_fd >= 0)
        close(loop->spare_fd);
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    loop->spare_fd = eventfd(0, EFD_CLOEXEC);
}

// Counts the connection about to be accepted, unless there are enough.
static bool below_cap(dbk_loop *loop, bool local)
{
    _Atomic int *count = &loop->server->connections;
    int now = atomic_load(count);
    do {
        if (!local && now >= loop->server->options.connections_max)
            return false;
    } while (!atomic_compare_exchange_weak(count, &now, now + 1));
    return true;
}

static void on_acceptable(h2o_socket_t *listener, const char *failure)
{
    (void)failure; // the library reads nothing from a listener, so nothing can have failed
    dbk_loop *loop = listener->data;
    bool local = false;
    for (int i = 0; i < loop->server->listeners_count; i++)
        if (loop->listeners[i] == listener)
            local = loop->server->listeners[i].local;
    for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
        if (!below_cap(loop, local)) {
            pause_accepting(loop);
            return;
        }
        struct sockaddr_storage address = {0};
        socklen_t length = sizeof address;
        int fd = accept4(h2o_socket_get_fd(listener), (struct sockaddr *)&address, &length,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            connection_start(loop, fd, &address, local);
            continue;
        }
        int failed = errno;
        atomic_fetch_sub(&loop->server->connections, 1);
        if (failed == EAGAIN)
            return;
        if (failed == EINTR || failed == ECONNABORTED)
            continue;
        if (failed == EMFILE || failed == ENFILE)
            turn_one_away(loop, h2o_socket_get_fd(listener));
        pause_accepting(loop);
        return;
    }
}

// ---- stopping
// ------------------------------------------------------------------------------------------------

static void on_stop(h2o_socket_t *socket, const char *failure)
{
    (void)failure;
    dbk_loop *loop = socket->data;
    h2o_socket_read_stop(socket);
    loop->draining = true;
}

static void close_listeners(dbk_loop *loop)
{
    for (int i = 0; i < loop->server->listeners_count; i++) {
        if (loop->listeners[i]) {
            h2o_socket_close(loop->listeners[i]);
            loop->listeners[i] = NULL;
            dbk_listener_remove_path(&loop->server->listeners[i]);
        }
    }
}

// Ends what is idle. Only the reading side is shut: a request that is already in the kernel's buffer is still
// read and answered, with "Connection: close", and everybody else sees an orderly end.
static void close_idle(dbk_loop *loop)
{
    for (h2o_linklist_t *node = loop->connections.next; node != &loop->connections; node = node->next) {
        dbk_connection *connection = H2O_STRUCT_FROM_MEMBER(dbk_connection, link, node);
        if (!connection->busy && connection->lingering_fd < 0 && connection->socket->input->size == 0)
            shutdown(h2o_socket_get_fd(connection->socket), SHUT_RD);
    }
}

static void cut_all(dbk_loop *loop)
{
    loop->cutting = true;
    for (h2o_linklist_t *node = loop->connections.next; node != &loop->connections; node = node->next)
        shutdown(h2o_socket_get_fd(H2O_STRUCT_FROM_MEMBER(dbk_connection, link, node)->socket), SHUT_RDWR);
}

static void drain(dbk_loop *loop)
{
    int64_t deadline = dbk_clock_steady_ms() + loop->server->drain_ms;
    close_listeners(loop);
    dbk_streams_drain(loop);
    h2o_context_request_shutdown(&loop->context);
    for (;;) {
        close_idle(loop);
        int64_t left = deadline - dbk_clock_steady_ms();
        if (loop->connections_count == 0 || left <= 0)
            break;
        turn(loop, left < DRAIN_LOOK_MS ? (int32_t)left : DRAIN_LOOK_MS);
    }
}

// dbk_server_run may return; a loop that still owes replies lives on until it has them.
static void settle(dbk_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->settled++;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

// ---- life
// ----------------------------------------------------------------------------------------------------

static void loop_init(dbk_loop *loop)
{
    dbk_server *server = loop->server;
    h2o_context_init(&loop->context, h2o_evloop_create(), &server->config);
    loop->accept_plain = (h2o_accept_ctx_t){.ctx = &loop->context, .hosts = server->config.hosts};
    loop->accept_tls = loop->accept_plain;
    loop->accept_tls.ssl_ctx = server->tls;
    h2o_linklist_init_anchor(&loop->connections);
    h2o_multithread_register_receiver(loop->context.queue, &loop->replies, dbk_exchange_on_replies);
    dbk_streams_init(loop);
    h2o_timeout_init(loop->context.loop, &loop->response_timeout,
                     (uint64_t)server->options.response_timeout_ms);
    loop->rearm.cb = on_rearm;
    loop->spare_fd = eventfd(0, EFD_CLOEXEC);
    for (int i = 0; i < server->listeners_count; i++) {
        int *fd = &server->listeners[i].fds[loop->index];
        if (*fd < 0)
            continue;
        loop->listeners[i] = h2o_evloop_socket_create(loop->context.loop, *fd, H2O_SOCKET_FLAG_DONT_READ);
        *fd = -1; // the library closes it now
        loop->listeners[i]->data = loop;
        h2o_socket_read_start(loop->listeners[i], on_acceptable);
    }
    loop->stop_socket = h2o_evloop_socket_create(
        loop->context.loop, fcntl(loop->stop_event, F_DUPFD_CLOEXEC, 3), H2O_SOCKET_FLAG_DONT_READ);
    loop->stop_socket->data = loop;
    h2o_socket_read_start(loop->stop_socket, on_stop);
}

static void loop_dispose(dbk_loop *loop)
{
    h2o_timeout_unlink(&loop->rearm);
    h2o_socket_close(loop->stop_socket);
    if (loop->spare_fd >= 0)
        close(loop->spare_fd);
    h2o_multithread_unregister_receiver(loop->context.queue, &loop->replies);
    dbk_streams_dispose(loop);
    h2o_timeout_dispose(loop->context.loop, &loop->response_timeout);
    h2o_evloop_t *evloop = loop->context.loop;
    h2o_context_dispose(&loop->context);
    h2o_evloop_destroy(evloop);
}

void dbk_loop_run(dbk_loop *loop)
{
    loop_init(loop);
    while (!loop->draining)
        turn(loop, INT32_MAX);
    drain(loop);
    if (loop->connections_count > 0)
        cut_all(loop);
    // Cut connections end in the next turns, but for those whose handler still holds the request.
    while (loop->connections_count > loop->waiting)
        turn(loop, DRAIN_LOOK_MS);
    settle(loop->server);
    while (loop->connections_count > 0 || atomic_load(&loop->stream_messages) > 0)
        turn(loop, DRAIN_LOOK_MS);
    loop_dispose(loop);
}
