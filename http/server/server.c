// SPDX-License-Identifier: Apache-2.0
// The server: options, listeners, one thread for each loop, and their common end.
#include "http/server/loop.h"

#include "engine/base/thread.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void fill_defaults(dbk_server_options *o)
{
    if (o->threads == 0)
        o->threads = 1;
    if (o->body_bytes_max == 0)
        o->body_bytes_max = (size_t)16 << 20;
    if (o->connections_max == 0)
        o->connections_max = 10000;
    if (o->request_timeout_ms == 0)
        o->request_timeout_ms = 30000;
    if (o->response_timeout_ms == 0)
        o->response_timeout_ms = 60000;
}

static dbk_status check_options(const dbk_server_options *o, dbk_error *err)
{
    if (o->threads < 1 || o->threads > THREADS_MAX)
        return dbk_fail(err, DBK_INVALID, "a server has 1 to %d threads, not %d", THREADS_MAX, o->threads);
    // A body is a dbk_text.
    if (o->body_bytes_max > UINT32_MAX)
        return dbk_fail(err, DBK_INVALID, "the largest request body may not pass 4 GiB");
    if (o->connections_max < 1 || o->request_timeout_ms < 1 || o->response_timeout_ms < 1)
        return dbk_fail(err, DBK_INVALID, "a server's limits must be positive");
    if (!o->tls_certificate != !o->tls_key)
        return dbk_fail(err, DBK_INVALID, "TLS needs a certificate and a key");
    return DBK_OK;
}

static dbk_status create_loops(dbk_server *server, dbk_error *err)
{
    server->loops = calloc((size_t)server->options.threads, sizeof *server->loops);
    if (!server->loops)
        return dbk_fail(err, DBK_NO_MEMORY, "no memory for %d event loops", server->options.threads);
    for (int i = 0; i < server->options.threads; i++)
        server->loops[i] = (dbk_loop){.server = server, .index = i, .stop_event = -1};
    for (int i = 0; i < server->options.threads; i++) {
        server->loops[i].stop_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (server->loops[i].stop_event < 0)
            return dbk_fail(err, DBK_IO, "cannot make an eventfd: %s", strerror(errno));
    }
    return DBK_OK;
}

dbk_status dbk_server_create(dbk_server **out, const dbk_server_options *options, dbk_error *err)
{
    assert(options->handler);
    dbk_server *server = calloc(1, sizeof *server);
    if (!server)
        return dbk_fail(err, DBK_NO_MEMORY, "no memory for a server");
    // A client that closes early is a failed write, not the end of the process.
    signal(SIGPIPE, SIG_IGN);
    server->options = *options;
    fill_defaults(&server->options);
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->changed, NULL);
    dbk_exchange_configure(server);
    dbk_status status = check_options(&server->options, err);
    if (status == DBK_OK && server->options.tls_certificate)
        status = dbk_tls_create(&server->tls, server->options.tls_certificate, server->options.tls_key, err);
    if (status == DBK_OK)
        status = create_loops(server, err);
    if (status != DBK_OK) {
        dbk_server_destroy(server);
        return status;
    }
    *out = server;
    return DBK_OK;
}

dbk_status dbk_server_listen(dbk_server *server, const char *address, dbk_error *err)
{
    assert(server->started == 0);
    if (server->listeners_count == LISTENERS_MAX)
        return dbk_fail(err, DBK_LIMIT, "a server listens on at most %d addresses", LISTENERS_MAX);
    dbk_listener *listener = &server->listeners[server->listeners_count];
    int port = 0;
    DBK_TRY(dbk_listener_open(listener, address, server->options.threads, &port, err));
    server->listeners_count++;
    if (server->port == 0)
        server->port = port;
    return DBK_OK;
}

int dbk_server_port(const dbk_server *server)
{
    return server->port;
}

int dbk_server_connections(const dbk_server *server)
{
    return atomic_load(&((dbk_server *)server)->connections);
}

static void *loop_thread(void *loop)
{
    dbk_thread_be_prompt();
    dbk_loop_run(loop);
    return NULL;
}

// Signals belong to the program's own threads: a loop interrupted in the middle of the library's calls gains
// nothing.
static int start_thread(dbk_loop *loop)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int failure = pthread_create(&loop->thread, NULL, loop_thread, loop);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failure;
}

dbk_status dbk_server_run(dbk_server *server, int drain_ms, dbk_error *err)
{
    assert(server->started == 0);
    dbk_status status = DBK_OK;
    server->drain_ms = drain_ms;
    for (int i = 0; i < server->options.threads; i++) {
        int failure = start_thread(&server->loops[i]);
        if (failure) {
            status = dbk_fail(err, DBK_NO_MEMORY, "cannot start event loop %d: %s", i, strerror(failure));
            dbk_server_stop(server);
            break;
        }
        server->started++;
    }
    pthread_mutex_lock(&server->lock);
    while (server->settled < server->started)
        pthread_cond_wait(&server->changed, &server->lock);
    pthread_mutex_unlock(&server->lock);
    return status;
}

void dbk_server_stop(dbk_server *server)
{
    static const uint64_t one = 1;
    int saved = errno;
    for (int i = 0; i < server->options.threads; i++) {
        // The only failure is a counter that is full, which says stop just as well.
        ssize_t written = write(server->loops[i].stop_event, &one, sizeof one);
        (void)written;
    }
    errno = saved;
}

void dbk_server_destroy(dbk_server *server)
{
    if (!server)
        return;
    for (int i = 0; i < server->started; i++)
        pthread_join(server->loops[i].thread, NULL);
    for (int i = 0; i < server->listeners_count; i++) {
        dbk_listener *listener = &server->listeners[i];
        for (int k = 0; k < server->options.threads; k++)
            if (listener->fds[k] >= 0)
                close(listener->fds[k]);
        free(listener->fds);
        dbk_listener_remove_path(listener);
    }
    for (int i = 0; server->loops && i < server->options.threads; i++)
        if (server->loops[i].stop_event >= 0)
            close(server->loops[i].stop_event);
    free(server->loops);
    h2o_config_dispose(&server->config);
    SSL_CTX_free(server->tls);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
    free(server);
}
