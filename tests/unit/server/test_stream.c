// SPDX-License-Identifier: Apache-2.0
// Bodies that are written bit by bit, over real sockets: what arrives, who waits, who is cut off, who is
// told.
#include "tests/support/stream_desk.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include <cmocka.h>

static void test_forms(void **state)
{
    (void)state;
    dbk_desk d = {.options.length = -1};
    dbk_response r = {0};
    char bytes[1024];
    dbk_desk_start(&d);

    // Not known: in chunks, and the connection goes on.
    int fd = dbk_desk_ask(&d, "GET", "HTTP/1.1");
    dbk_stream *s = dbk_desk_wait_open(&d, 0);
    const dbk_request *q = dbk_stream_request(s);
    assert_true(dbk_text_equal(q->method, DBK_TEXT("GET")));
    assert_true(dbk_text_equal(q->path, DBK_TEXT("/open")));
    assert_true(dbk_text_equal(q->query, DBK_TEXT("a=%62")));
    assert_true(dbk_text_equal(dbk_request_header(q, "x-test"), DBK_TEXT("v")));
    dbk_desk_write(s, "one,");
    dbk_desk_write(s, "two,");
    assert_true(dbk_stream_write(s, "", 0));
    assert_true(dbk_stream_wait(s));
    dbk_desk_write(s, "three");
    dbk_stream_end(s, true);
    dbk_client_receive(fd, &r, false);
    assert_int_equal(r.status, 200);
    assert_string_equal(r.body, "one,two,three");
    assert_non_null(strstr(r.head, "content-type: text/plain\r\n"));
    assert_non_null(strstr(r.head, "x-stream: yes\r\n"));
    assert_null(strstr(r.head, "Content-Length"));
    dbk_client_get(fd, "/bytes?3", &r);
    assert_string_equal(r.body, "bbb");
    dbk_fixture_wait_logged(&d.f, 2);

    // Nothing at all.
    dbk_client_send_text(fd, "GET /open HTTP/1.1\r\nHost: a\r\n\r\n");
    dbk_stream_end(dbk_desk_wait_open(&d, 1), true);
    dbk_client_receive(fd, &r, false);
    assert_int_equal(r.body_size, 0);
    dbk_fixture_wait_logged(&d.f, 3);
    assert_int_equal(d.f.last_bytes, 0);

    // HTTP/1.0: until the end of the connection, also when it asked to keep it.
    close(fd);
    fd = dbk_desk_ask(&d, "GET", "HTTP/1.0\r\nConnection: keep-alive");
    s = dbk_desk_wait_open(&d, 2);
    dbk_desk_write(s, "one");
    dbk_desk_write(s, "two");
    dbk_stream_end(s, true);
    assert_true(dbk_client_read_to_end(fd, bytes, sizeof bytes));
    assert_null(strcasestr(bytes, "chunked"));
    assert_null(strcasestr(bytes, "keep-alive"));
    assert_string_equal(strstr(bytes, "\r\n\r\n") + 4, "onetwo");
    close(fd);
    dbk_fixture_wait_logged(&d.f, 4);
    assert_int_equal(d.f.last_bytes, 6);

    // HEAD: over before the first write.
    fd = dbk_desk_ask(&d, "HEAD", "HTTP/1.1");
    s = dbk_desk_wait_open(&d, 3);
    assert_false(dbk_stream_write(s, "x", 1));
    assert_false(dbk_stream_wait(s));
    dbk_client_receive(fd, &r, true);
    dbk_desk_wait_gone(&d, 1);
    dbk_stream_end(s, true);
    dbk_client_get(fd, "/bytes?2", &r);
    assert_string_equal(r.body, "bb");
    close(fd);
    dbk_fixture_wait_connections(&d.f, 0);
    assert_int_equal(d.gone, 1);
    dbk_desk_end(&d);
    dbk_response_dispose(&r);
}

static void test_known_length(void **state)
{
    (void)state;
    dbk_desk d = {.options.length = 6};
    dbk_response r = {0};
    char bytes[1024];
    dbk_desk_start(&d);
    int fd = dbk_desk_ask(&d, "HEAD", "HTTP/1.1");
    dbk_stream_end(dbk_desk_wait_open(&d, 0), true);
    dbk_client_receive(fd, &r, true);
    assert_non_null(strstr(r.head, "Content-Length: 6\r\n"));
    dbk_client_send_text(fd, "GET /open HTTP/1.1\r\nHost: a\r\n\r\n");
    dbk_stream *s = dbk_desk_wait_open(&d, 1);
    dbk_desk_write(s, "abc");
    dbk_desk_write(s, "def");
    dbk_stream_end(s, true);
    dbk_client_receive(fd, &r, false);
    assert_string_equal(r.body, "abcdef");
    dbk_client_get(fd, "/bytes?1", &r);
    assert_string_equal(r.body, "b");
    close(fd);

    // Too little, and too much.
    fd = dbk_desk_ask(&d, "GET", "HTTP/1.1");
    s = dbk_desk_wait_open(&d, 2);
    dbk_desk_write(s, "abc");
    dbk_stream_end(s, true);
    assert_false(dbk_client_read_to_end(fd, bytes, sizeof bytes));
    close(fd);
    fd = dbk_desk_ask(&d, "GET", "HTTP/1.1");
    s = dbk_desk_wait_open(&d, 3);
    dbk_desk_write(s, "abc");
    assert_false(dbk_stream_write(s, "defg", 4));
    dbk_stream_end(s, true);
    assert_false(dbk_client_read_to_end(fd, bytes, sizeof bytes));
    close(fd);
    dbk_fixture_wait_connections(&d.f, 0);
    dbk_desk_end(&d);
    dbk_response_dispose(&r);
}

// A body that ends short looks short, also to a client that only waits for the end of the connection.
static void test_not_whole(void **state)
{
    (void)state;
    static const char *const versions[] = {"HTTP/1.1", "HTTP/1.0"};
    dbk_desk d = {.options.length = -1};
    char bytes[1024];
    dbk_desk_start(&d);
    for (int i = 0; i < 4; i++) {
        int fd = dbk_desk_ask(&d, "GET", versions[i % 2]);
        dbk_stream *s = dbk_desk_wait_open(&d, i);
        if (i < 2) {
            // What has arrived has arrived.
            dbk_desk_write(s, "abc");
            struct pollfd readable = {.fd = fd, .events = POLLIN};
            assert_int_equal(poll(&readable, 1, DEADLINE_S * 1000), 1);
        }
        dbk_stream_end(s, false);
        assert_false(dbk_client_read_to_end(fd, bytes, sizeof bytes));
        close(fd);
    }
    dbk_fixture_wait_connections(&d.f, 0);
    assert_int_equal(d.gone, 0);
    dbk_desk_end(&d);
}

static char byte_at(size_t position)
{
    return (char)('a' + position * 31 % 26 + position / 1000 % 7);
}

typedef struct reader {
    int fd;
    size_t size;
    pthread_t thread;
} reader;

static void *read_chunked(void *argument)
{
    reader *r = argument;
    dbk_response response = {0};
    dbk_client_receive(r->fd, &response, false);
    r->size = response.body_size;
    for (size_t i = 0; i < response.body_size; i++)
        if (response.body[i] != byte_at(i))
            fail_msg("byte %zu differs", i);
    dbk_response_dispose(&response);
    return NULL;
}

// Pieces of every size up to half of the queue, waited for: nothing is lost, doubled or cut off. The response
// deadline is shorter than the whole takes.
static void test_large_bodies(void **state)
{
    (void)state;
    enum { QUEUE = 32 << 10, SIZE = 30 << 20 };
    dbk_desk d = {.options = {.length = -1, .queue_max = QUEUE}, .f.options.threads = 2};
    reader readers[2];
    dbk_desk_start(&d);
    char *bytes = malloc(SIZE);
    assert_non_null(bytes);
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = byte_at(i);
    for (int i = 0; i < 2; i++) {
        readers[i] = (reader){.fd = dbk_desk_ask(&d, "GET", "HTTP/1.1")};
        dbk_desk_wait_open(&d, i);
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_chunked, &readers[i]), 0);
    }
    size_t at = 0;
    for (size_t n = 1; at < SIZE; at += n) {
        n = n * 7 % (QUEUE / 2) + 1;
        n = n < SIZE - at ? n : SIZE - at;
        for (int i = 0; i < 2; i++) {
            assert_true(dbk_stream_wait(d.open[i]));
            assert_true(dbk_stream_write(d.open[i], bytes + at, n));
        }
    }
    for (int i = 0; i < 2; i++) {
        dbk_stream_end(d.open[i], true);
        pthread_join(readers[i].thread, NULL);
        assert_int_equal(readers[i].size, SIZE);
        close(readers[i].fd);
    }
    dbk_fixture_wait_logged(&d.f, 2);
    assert_int_equal(d.f.last_bytes, SIZE);
    free(bytes);
    dbk_desk_end(&d);
}

// One who reads nothing, written to without waiting: the queue fills, and that is all that is kept for them.
static void test_full_queue(void **state)
{
    (void)state;
    enum { QUEUE = 64 << 10, PIECE = 1000 };
    dbk_desk d = {.options = {.length = -1, .queue_max = QUEUE, .is_endless = true}};
    char piece[PIECE];
    char bytes[4096];
    memset(piece, 'x', sizeof piece);
    dbk_desk_start(&d);
    int fd = dbk_desk_ask(&d, "GET", "HTTP/1.1");
    dbk_stream *s = dbk_desk_wait_open(&d, 0);
    int other = dbk_desk_ask(&d, "GET", "HTTP/1.1");
    dbk_stream *second = dbk_desk_wait_open(&d, 1);
    int pieces = 0;
    while (dbk_stream_write(s, piece, PIECE))
        pieces++;
    assert_true(pieces >= QUEUE / PIECE);
    dbk_desk_wait_gone(&d, 1);
    assert_false(dbk_stream_write(s, piece, 1));
    dbk_stream_end(s, true);
    while (recv(fd, bytes, sizeof bytes, 0) > 0) {
    }
    close(fd);
    // A piece larger than the queue never fits.
    char *large = calloc(1, QUEUE + 1);
    assert_false(dbk_stream_write(second, large, QUEUE + 1));
    dbk_desk_wait_gone(&d, 2);
    dbk_stream_end(second, true);
    free(large);
    close(other);
    dbk_fixture_wait_connections(&d.f, 0);
    dbk_desk_end(&d);
}

// The deadline is for those who take nothing of what waits; an idle stream has none, and neither has one who
// reads.
static void test_deadline(void **state)
{
    (void)state;
    enum { TIMEOUT_MS = 40, PIECE = 10000 };
    dbk_desk d = {.options = {.length = -1}, .f.options.response_timeout_ms = TIMEOUT_MS};
    char piece[PIECE];
    char bytes[PIECE];
    memset(piece, 'x', sizeof piece);
    dbk_desk_start(&d);
    int idle = dbk_desk_ask(&d, "GET", "HTTP/1.1");
    dbk_stream *silent = dbk_desk_wait_open(&d, 0);
    int reading = dbk_desk_ask(&d, "GET", "HTTP/1.0");
    dbk_stream *read = dbk_desk_wait_open(&d, 1);
    // Their connection ends when nothing moves, though the owner goes on as slowly as asked.
    int lazy = dbk_desk_ask(&d, "GET", "HTTP/1.1");
    dbk_stream *unread = dbk_desk_wait_open(&d, 2);
    while (dbk_stream_wait(unread) && dbk_stream_write(unread, piece, PIECE)) {
    }
    dbk_stream_end(unread, true);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t end = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + 5 * TIMEOUT_MS;
    do {
        assert_true(dbk_stream_wait(read));
        assert_true(dbk_stream_write(read, piece, PIECE));
        assert_true(recv(reading, bytes, sizeof bytes, 0) > 0);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 < end);
    dbk_stream_end(read, true);
    while (recv(reading, bytes, sizeof bytes, 0) > 0) {
    }
    dbk_response r = {0};
    dbk_desk_write(silent, "still here");
    dbk_stream_end(silent, true);
    dbk_client_receive(idle, &r, false);
    assert_string_equal(r.body, "still here");
    dbk_response_dispose(&r);
    close(idle);
    close(reading);
    close(lazy);
    dbk_desk_end(&d);
}

static void test_client_gone(void **state)
{
    (void)state;
    enum { CLIENTS = 20 };
    static const struct linger reset = {.l_onoff = 1};
    dbk_desk d = {.options = {.length = -1, .is_endless = true}, .f.options.threads = 2};
    int fds[CLIENTS];
    dbk_desk_start(&d);
    for (int i = 0; i < CLIENTS; i++)
        fds[i] = dbk_desk_ask(&d, "GET", "HTTP/1.1");
    dbk_desk_wait_open(&d, CLIENTS - 1);
    // Nothing is being written, and still it is noticed.
    for (int i = 0; i < CLIENTS; i++) {
        if (i % 2)
            setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(fds[i]);
    }
    dbk_desk_wait_gone(&d, CLIENTS);
    dbk_fixture_wait_connections(&d.f, 0);
    for (int i = 0; i < CLIENTS; i++) {
        assert_false(dbk_stream_write(d.open[i], "x", 1));
        // The request is still readable.
        assert_true(dbk_text_equal(dbk_stream_request(d.open[i])->path, DBK_TEXT("/open")));
        dbk_stream_end(d.open[i], true);
    }
    assert_int_equal(d.f.logged, CLIENTS);
    dbk_desk_end(&d);
}

// An export's client may close the side it has nothing more to say on.
static void test_half_closed(void **state)
{
    (void)state;
    dbk_desk d = {.options.length = -1};
    dbk_response r = {0};
    dbk_desk_start(&d);
    int fd = dbk_desk_ask(&d, "GET", "HTTP/1.1");
    dbk_stream *s = dbk_desk_wait_open(&d, 0);
    shutdown(fd, SHUT_WR);
    for (int i = 0; i < 100; i++) {
        dbk_desk_write(s, "0123456789");
        assert_true(dbk_stream_wait(s));
    }
    dbk_stream_end(s, true);
    dbk_client_receive(fd, &r, false);
    assert_int_equal(r.body_size, 1000);
    close(fd);
    // One that is gone altogether is noticed while something is written.
    fd = dbk_desk_ask(&d, "GET", "HTTP/1.1");
    s = dbk_desk_wait_open(&d, 1);
    close(fd);
    while (dbk_stream_wait(s) && dbk_stream_write(s, "x", 1)) {
    }
    dbk_desk_wait_gone(&d, 1);
    dbk_stream_end(s, false);
    dbk_response_dispose(&r);
    dbk_desk_end(&d);
}

static void test_drain(void **state)
{
    (void)state;
    dbk_desk d = {.options = {.length = -1, .is_endless = true}, .f.options.threads = 2};
    dbk_response r = {0};
    dbk_desk_start(&d);
    int events = dbk_desk_ask(&d, "GET", "HTTP/1.1");
    dbk_stream *endless = dbk_desk_wait_open(&d, 0);
    dbk_desk_write(endless, "event");
    d.options.is_endless = false;
    int export = dbk_desk_ask(&d, "GET", "HTTP/1.1");
    dbk_stream *s = dbk_desk_wait_open(&d, 1);
    dbk_desk_write(s, "one");
    dbk_server_stop(d.f.server);
    // The first one ends whole, at once.
    dbk_desk_wait_gone(&d, 1);
    dbk_client_receive(events, &r, false);
    assert_string_equal(r.body, "event");
    dbk_client_expect_end(events);
    assert_false(dbk_stream_write(endless, "x", 1));
    dbk_stream_end(endless, true);
    assert_false(d.f.returned);
    dbk_desk_write(s, "two");
    dbk_stream_end(s, true);
    dbk_client_receive(export, &r, false);
    assert_string_equal(r.body, "onetwo");
    dbk_client_expect_end(export);
    dbk_fixture_wait_returned(&d.f);
    assert_int_equal(d.gone, 1);
    close(events);
    close(export);
    dbk_response_dispose(&r);
    dbk_desk_end(&d);
}

static void test_drain_deadline(void **state)
{
    (void)state;
    dbk_desk d = {.options = {.length = -1}, .f.drain_ms = 20};
    char bytes[1024];
    dbk_desk_start(&d);
    int idle = dbk_desk_ask(&d, "GET", "HTTP/1.1");
    dbk_desk_wait_open(&d, 0);
    int full = dbk_desk_ask(&d, "GET", "HTTP/1.0");
    dbk_stream *s = dbk_desk_wait_open(&d, 1);
    char piece[1000] = {0};
    dbk_server_stop(d.f.server);
    while (dbk_stream_wait(s) && dbk_stream_write(s, piece, sizeof piece)) {
    }
    dbk_fixture_wait_returned(&d.f);
    dbk_desk_wait_gone(&d, 2);
    assert_int_equal(dbk_server_connections(d.f.server), 0);
    dbk_stream_end(d.open[0], true);
    dbk_stream_end(s, true);
    dbk_client_read_to_end(idle, bytes, sizeof bytes);
    close(idle);
    close(full);
    dbk_desk_end(&d);
}

// A stream may outlive its server.
static void test_end_after_the_server(void **state)
{
    (void)state;
    dbk_desk d = {.options = {.length = -1, .is_endless = true}};
    dbk_desk_start(&d);
    int fd = dbk_desk_ask(&d, "GET", "HTTP/1.1");
    dbk_stream *s = dbk_desk_wait_open(&d, 0);
    dbk_fixture_end(&d.f);
    assert_int_equal(d.gone, 1);
    assert_false(dbk_stream_write(s, "x", 1));
    assert_false(dbk_stream_wait(s));
    dbk_stream_end(s, true);
    close(fd);
}

static void test_kept_request(void **state)
{
    (void)state;
    dbk_desk d = {.options.length = -1};
    dbk_response r = {0};
    dbk_desk_start(&d);
    for (int i = 0; i < 2; i++) {
        int fd = dbk_client_connect(d.f.port);
        dbk_client_send_text(fd, "GET /keep HTTP/1.1\r\nHost: a\r\n\r\n");
        pthread_mutex_lock(&d.lock);
        while (!d.kept)
            dbk_desk_wait_changed(&d);
        dbk_stream *s = dbk_desk_open(&d, d.kept);
        d.kept = NULL;
        pthread_mutex_unlock(&d.lock);
        assert_non_null(s);
        if (i == 0)
            dbk_desk_write(s, "from elsewhere");
        else
            close(fd);
        dbk_stream_end(s, true);
        if (i == 0) {
            dbk_client_receive(fd, &r, false);
            assert_string_equal(r.body, "from elsewhere");
            close(fd);
        }
    }
    dbk_fixture_wait_connections(&d.f, 0);
    dbk_response_dispose(&r);
    dbk_desk_end(&d);
}

typedef struct writer {
    dbk_desk *d;
    int from, to;
    pthread_t thread;
} writer;

static void *write_some(void *argument)
{
    writer *w = argument;
    for (int round = 0; round < 3; round++) {
        for (int i = w->from; i < w->to; i++) {
            char text[32];
            int n = snprintf(text, sizeof text, "%d/%d;", (int)(w->d->open[i] != NULL), round);
            if (!dbk_stream_write(w->d->open[i], text, (size_t)n))
                abort();
        }
    }
    for (int i = w->from; i < w->to; i++)
        dbk_stream_end(w->d->open[i], true);
    return NULL;
}

// Many at once, over several loops, written by several threads.
static void test_many(void **state)
{
    (void)state;
    dbk_desk d = {.options = {.length = -1, .is_endless = true}, .f.options.threads = 4};
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    int count = limit.rlim_cur > 2 * STREAMS_MAX + 100 ? STREAMS_MAX : 200;
    int fds[STREAMS_MAX];
    dbk_response r = {0};
    dbk_desk_start(&d);
    for (int i = 0; i < count; i++)
        fds[i] = dbk_desk_ask(&d, "GET", "HTTP/1.1");
    dbk_desk_wait_open(&d, count - 1);
    writer writers[3];
    for (int i = 0; i < 3; i++) {
        writers[i] = (writer){.d = &d, .from = count * i / 3, .to = count * (i + 1) / 3};
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_some, &writers[i]), 0);
    }
    for (int i = 0; i < count; i++) {
        dbk_client_receive(fds[i], &r, false);
        assert_string_equal(r.body, "1/0;1/1;1/2;");
        close(fds[i]);
    }
    for (int i = 0; i < 3; i++)
        pthread_join(writers[i].thread, NULL);
    dbk_fixture_wait_connections(&d.f, 0);
    assert_int_equal(d.f.logged, count);
    assert_int_equal(d.gone, 0);
    dbk_response_dispose(&r);
    dbk_desk_end(&d);
}

static void test_tls(void **state)
{
    (void)state;
    enum { SIZE = 3000000 };
    char *directory = dbk_temporary_directory();
    char certificate[64], key[64];
    snprintf(certificate, sizeof certificate, "%s/cert.pem", directory);
    snprintf(key, sizeof key, "%s/key.pem", directory);
    dbk_make_certificate(certificate, key);
    dbk_desk d = {.options.length = SIZE, .f.options = {.tls_certificate = certificate, .tls_key = key}};
    dbk_desk_start(&d);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    for (int i = 0; i < 2; i++) {
        int fd = dbk_client_connect(d.f.port);
        SSL *tls = SSL_new(context);
        SSL_set_fd(tls, fd);
        assert_int_equal(SSL_connect(tls), 1);
        static const char request[] = "GET /open HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        assert_int_equal(SSL_write(tls, request, sizeof request - 1), sizeof request - 1);
        dbk_stream *s = dbk_desk_wait_open(&d, i);
        char answer[16384];
        size_t total = 0, written = 0;
        bool is_whole = i == 0;
        for (int n = 1; n > 0; total += n > 0 ? (size_t)n : 0) {
            for (; written < SIZE && written < total + 100000; written += 10000) {
                memset(answer, 'x', 10000);
                assert_true(dbk_stream_write(s, answer, 10000));
            }
            if (written == SIZE && s) {
                dbk_stream_end(s, is_whole);
                s = NULL;
            }
            n = SSL_read(tls, answer, sizeof answer);
        }
        assert_true(is_whole ? total > SIZE : total <= SIZE + 1000);
        assert_int_equal(SSL_get_shutdown(tls) & SSL_RECEIVED_SHUTDOWN, is_whole ? SSL_RECEIVED_SHUTDOWN : 0);
        SSL_free(tls);
        close(fd);
    }
    SSL_CTX_free(context);
    dbk_fixture_wait_connections(&d.f, 0);
    dbk_desk_end(&d);
    dbk_temporary_remove(directory);
}

// ---- without a server ----

typedef struct caller {
    dbk_request request; // first
    int status, replies;
    char body[64];
} caller;

static void take(dbk_request *request, dbk_reply *reply)
{
    caller *c = (caller *)request;
    c->status = reply->status;
    c->replies++;
    assert_true(reply->body.size < sizeof c->body);
    memcpy(c->body, reply->body.data ? (char *)reply->body.data : "", reply->body.size);
    dbk_buffer_dispose(&reply->body);
}

static void test_gathered(void **state)
{
    (void)state;
    for (int whole = 0; whole < 2; whole++) {
        caller c = {.request = {.send = take, .path = DBK_TEXT("/x")}};
        dbk_reply head = {.status = 200, .content_type = "text/plain"};
        dbk_stream_options options = {.length = -1, .queue_max = 2};
        dbk_stream *s = dbk_request_stream(&c.request, &head, &options);
        assert_true(dbk_text_equal(dbk_stream_request(s)->path, DBK_TEXT("/x")));
        dbk_desk_write(s, "hello, ");
        assert_true(dbk_stream_wait(s));
        dbk_desk_write(s, "world");
        assert_int_equal(c.replies, 0);
        dbk_stream_end(s, whole);
        assert_int_equal(c.replies, 1);
        assert_int_equal(c.status, whole ? 200 : 503);
        assert_string_equal(c.body, whole ? "hello, world" : "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_known_length),
        cmocka_unit_test(test_not_whole),
        cmocka_unit_test(test_large_bodies),
        cmocka_unit_test(test_full_queue),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_client_gone),
        cmocka_unit_test(test_half_closed),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_drain_deadline),
        cmocka_unit_test(test_end_after_the_server),
        cmocka_unit_test(test_kept_request),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_gathered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
