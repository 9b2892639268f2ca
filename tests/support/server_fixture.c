// SPDX-License-Identifier: Apache-2.0
// The in-process server and the little client of the server's tests.
#include "tests/support/server_fixture.h"
#include "tests/support/directory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cmocka.h>

// Only a failing test waits this long.
enum { DEADLINE_S = 30 };

static void die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    abort();
}

// ---- the handler
// ---------------------------------------------------------------------------------------------

static void answer_info(dbk_request *q)
{
    dbk_reply reply = {.status = 200, .content_type = "text/plain"};
    dbk_text test = dbk_request_header(q, "x-test");
    dbk_text host = dbk_request_header(q, "host");
    dbk_buffer_format(&reply.body, "%.*s\n%.*s\n%.*s\n%.*s\n%s\n%d\n%.*s\n%.*s\n", (int)q->method.length,
                      q->method.data, (int)q->target.length, q->target.data, (int)q->path.length,
                      q->path.data, (int)q->query.length, q->query.data ? q->query.data : "", q->peer,
                      q->local, (int)test.length, test.data ? test.data : "", (int)host.length,
                      host.data ? host.data : "");
    // Gone before a late reply is written: the server must have copied it.
    char etag[] = "\"tag\"";
    dbk_reply_header(&reply, "etag", dbk_text_from(etag));
    dbk_request_reply(q, &reply);
    memset(etag, 0, sizeof etag);
}

static void answer_status(dbk_request *q, int status)
{
    dbk_reply reply = {.status = status};
    dbk_reply_header(&reply, "x-fine", DBK_TEXT("yes"));
    dbk_reply_header(&reply, "x-split", DBK_TEXT("a\r\nset-cookie: b"));
    dbk_request_reply(q, &reply);
}

void dbk_fixture_handle(void *app, dbk_request *q)
{
    dbk_fixture *f = app;
    int connections = dbk_server_connections(f->server);
    if (connections > atomic_load(&f->connections_seen))
        atomic_store(&f->connections_seen, connections);
    int number = q->query.length ? atoi(q->query.data) : 0;
    if (dbk_text_equal(q->path, DBK_TEXT("/echo"))) {
        dbk_reply reply = {.status = 200, .content_type = "application/octet-stream"};
        dbk_buffer_append(&reply.body, q->body.data, q->body.length);
        dbk_request_reply(q, &reply);
    } else if (dbk_text_equal(q->path, DBK_TEXT("/bytes"))) {
        dbk_reply reply = {.status = 200, .content_type = "text/plain"};
        uint8_t *bytes = dbk_buffer_reserve(&reply.body, (size_t)number);
        memset(bytes, 'b', (size_t)number);
        reply.body.size = (size_t)number;
        dbk_request_reply(q, &reply);
    } else if (dbk_text_equal(q->path, DBK_TEXT("/failed"))) {
        dbk_reply reply = {.status = 200, .content_type = "text/plain", .body.failed = true};
        dbk_request_reply(q, &reply);
    } else if (dbk_text_equal(q->path, DBK_TEXT("/status"))) {
        answer_status(q, number);
    } else if (dbk_text_equal(q->path, DBK_TEXT("/later"))) {
        dbk_request_keep(q);
        pthread_mutex_lock(&f->lock);
        if (f->kept_count == (int)DBK_COUNT(f->kept))
            die("too many kept requests");
        f->kept[f->kept_count++] = q;
        pthread_cond_broadcast(&f->changed);
        pthread_mutex_unlock(&f->lock);
    } else {
        answer_info(q);
    }
}

static void refuse(void *app, int status, const char *detail, dbk_text path, dbk_reply *reply)
{
    (void)app;
    reply->status = status;
    reply->content_type = "application/json";
    dbk_buffer_format(&reply->body, "{\"status\":%d,\"path\":\"%.*s\",\"detail\":\"%s\"}", status,
                      (int)path.length, path.data, detail);
}

static void count(void *app, const dbk_request *q, int status, size_t bytes, uint64_t nanoseconds)
{
    dbk_fixture *f = app;
    if (q->method.length == 0 || nanoseconds == 0)
        die("a logged request without a method or a duration");
    atomic_store(&f->last_status, status);
    atomic_store(&f->last_bytes, bytes);
    atomic_fetch_add(&f->logged, 1);
}

// ---- life
// ----------------------------------------------------------------------------------------------------

static void *run(void *argument)
{
    dbk_fixture *f = argument;
    dbk_error err;
    if (dbk_server_run(f->server, f->drain_ms, &err) != DBK_OK)
        die(err.message);
    pthread_mutex_lock(&f->lock);
    f->returned = true;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

static void answer_resumed(void *q)
{
    answer_info(q);
}

// Of every eight, the last is not held back with the others.
static void resume_all(dbk_request *const *requests, int count)
{
    dbk_resume_hold();
    for (int i = 0; i < count; i++) {
        if (i % 8 == 7)
            dbk_resume_release();
        dbk_request_resume(requests[i], answer_resumed, requests[i]);
        if (i % 8 == 7)
            dbk_resume_hold();
    }
    dbk_resume_release();
}

static void *reply_later(void *argument)
{
    dbk_fixture *f = argument;
    pthread_mutex_lock(&f->lock);
    for (;;) {
        if (f->releasing && f->kept_count > 0 && f->resumes) {
            dbk_request *requests[DBK_COUNT(f->kept)];
            int n = f->kept_count;
            memcpy(requests, f->kept, (size_t)n * sizeof requests[0]);
            f->kept_count = 0;
            pthread_mutex_unlock(&f->lock);
            resume_all(requests, n);
            pthread_mutex_lock(&f->lock);
        } else if (f->releasing && f->kept_count > 0) {
            dbk_request *q = f->kept[--f->kept_count];
            pthread_mutex_unlock(&f->lock);
            answer_info(q);
            pthread_mutex_lock(&f->lock);
        } else if (f->ending) {
            break;
        } else {
            pthread_cond_wait(&f->changed, &f->lock);
        }
    }
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

void dbk_fixture_start(dbk_fixture *f, const char *local)
{
    dbk_error err;
    if (!f->options.handler)
        f->options.handler = dbk_fixture_handle;
    f->options.app = f;
    f->options.refuse = refuse;
    f->options.log = count;
    if (f->drain_ms == 0)
        f->drain_ms = DEADLINE_S * 1000;
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
    if (dbk_server_create(&f->server, &f->options, &err) != DBK_OK ||
        dbk_server_listen(f->server, "127.0.0.1:0", &err) != DBK_OK)
        die(err.message);
    if (local) {
        char address[256];
        snprintf(address, sizeof address, "unix:%s", local);
        if (dbk_server_listen(f->server, address, &err) != DBK_OK)
            die(err.message);
    }
    f->port = dbk_server_port(f->server);
    if (pthread_create(&f->runner, NULL, run, f) != 0 ||
        pthread_create(&f->replier, NULL, reply_later, f) != 0)
        die("cannot start a thread");
}

void dbk_fixture_end(dbk_fixture *f)
{
    dbk_server_stop(f->server);
    pthread_join(f->runner, NULL);
    dbk_fixture_release(f);
    dbk_server_destroy(f->server);
    pthread_mutex_lock(&f->lock);
    f->ending = true;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    pthread_join(f->replier, NULL);
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->lock);
}

void dbk_fixture_release(dbk_fixture *f)
{
    pthread_mutex_lock(&f->lock);
    f->releasing = true;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

static void wait_changed(dbk_fixture *f)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += DEADLINE_S;
    if (pthread_cond_timedwait(&f->changed, &f->lock, &until) != 0)
        die("waited in vain");
}

void dbk_fixture_wait_kept(dbk_fixture *f, int n)
{
    pthread_mutex_lock(&f->lock);
    while (f->kept_count < n)
        wait_changed(f);
    pthread_mutex_unlock(&f->lock);
}

void dbk_fixture_wait_returned(dbk_fixture *f)
{
    pthread_mutex_lock(&f->lock);
    while (!f->returned)
        wait_changed(f);
    pthread_mutex_unlock(&f->lock);
}

// For facts that nobody announces.
static bool look_again(int *looks)
{
    poll(NULL, 0, 1);
    return ++*looks < DEADLINE_S * 1000;
}

void dbk_fixture_wait_connections(dbk_fixture *f, int n)
{
    for (int looks = 0; dbk_server_connections(f->server) != n;)
        if (!look_again(&looks))
            die("waited for connections in vain");
}

void dbk_fixture_wait_logged(dbk_fixture *f, int n)
{
    for (int looks = 0; atomic_load(&f->logged) < n;)
        if (!look_again(&looks))
            die("waited for the log in vain");
}

// ---- the client
// ----------------------------------------------------------------------------------------------

static int client(int family, const struct sockaddr *address, socklen_t length)
{
    struct timeval deadline = {.tv_sec = DEADLINE_S};
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        die("socket");
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof deadline);
    if (connect(fd, address, length) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int dbk_client_connect(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return client(AF_INET, (struct sockaddr *)&address, sizeof address);
}

int dbk_client_connect_local(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    return client(AF_UNIX, (struct sockaddr *)&address, sizeof address);
}

void dbk_client_send(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);
        if (n <= 0)
            fail_msg("send: %s", strerror(errno));
        bytes += n;
        size -= (size_t)n;
    }
}

void dbk_client_send_text(int fd, const char *text)
{
    dbk_client_send(fd, text, strlen(text));
}

static void receive_all(int fd, char *to, size_t size)
{
    while (size > 0) {
        ssize_t n = recv(fd, to, size, 0);
        if (n <= 0)
            fail_msg("the response ended early: %s", n < 0 ? strerror(errno) : "end");
        to += n;
        size -= (size_t)n;
    }
}

static void receive_line(int fd, char *line, size_t size)
{
    size_t n = 0;
    do {
        assert_true(n + 1 < size);
        receive_all(fd, line + n++, 1);
    } while (line[n - 1] != '\n');
    line[n] = 0;
}

static void receive_chunks(int fd, dbk_response *r)
{
    for (;;) {
        char line[64];
        receive_line(fd, line, sizeof line);
        size_t size = strtoul(line, NULL, 16);
        r->body = realloc(r->body, r->body_size + size + 1);
        assert_non_null(r->body);
        receive_all(fd, r->body + r->body_size, size);
        r->body_size += size;
        receive_line(fd, line, sizeof line);
        assert_string_equal(line, "\r\n");
        if (size == 0)
            break;
    }
    r->body[r->body_size] = 0;
}

void dbk_client_receive(int fd, dbk_response *r, bool bodiless)
{
    dbk_response_dispose(r);
    size_t n = 0;
    // A byte at a time: what follows the head stays in the socket for the next response.
    while (n < 4 || memcmp(r->head + n - 4, "\r\n\r\n", 4) != 0) {
        assert_true(n + 1 < sizeof r->head);
        receive_all(fd, r->head + n, 1);
        n++;
    }
    r->head[n] = 0;
    assert_int_equal(sscanf(r->head, "HTTP/1.1 %d ", &r->status), 1);
    if (!bodiless && strcasestr(r->head, "Transfer-Encoding: chunked\r\n")) {
        receive_chunks(fd, r);
        return;
    }
    const char *length = strstr(r->head, "Content-Length: ");
    r->body_size = length && !bodiless ? strtoul(length + 16, NULL, 10) : 0;
    r->body = malloc(r->body_size + 1);
    assert_non_null(r->body);
    receive_all(fd, r->body, r->body_size);
    r->body[r->body_size] = 0;
}

void dbk_client_expect_end(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, 0);
    if (n > 0)
        fail_msg("a byte where the connection should have ended");
    if (n < 0 && errno != ECONNRESET)
        fail_msg("the connection did not end: %s", strerror(errno));
}

void dbk_client_get(int fd, const char *path, dbk_response *r)
{
    char request[1024];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: test\r\n\r\n", path);
    dbk_client_send_text(fd, request);
    dbk_client_receive(fd, r, false);
}

void dbk_response_dispose(dbk_response *r)
{
    free(r->body);
    *r = (dbk_response){0};
}

void dbk_make_certificate(const char *certificate, const char *key)
{
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    assert_non_null(pair);
    assert_non_null(x);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, pair);
    X509_NAME *name = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(x, name);
    assert_true(X509_sign(x, pair, EVP_sha256()) > 0);
    FILE *file = fopen(certificate, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, x), 1);
    fclose(file);
    file = fopen(key, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_PrivateKey(file, pair, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
    X509_free(x);
    EVP_PKEY_free(pair);
}

char *dbk_temporary_directory(void)
{
    char *directory = strdup("/tmp/dbk-test-XXXXXX");
    if (!directory || !mkdtemp(directory))
        die("mkdtemp");
    return directory;
}

void dbk_temporary_remove(char *directory)
{
    dbk_test_directory_remove(directory);
    free(directory);
}
