// SPDX-License-Identifier: Apache-2.0
// Bodies that are written bit by bit, over real sockets: what arrives, who waits, who is told.
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
        cmocka_unit_test(test_forms),        cmocka_unit_test(test_known_length),
        cmocka_unit_test(test_large_bodies), cmocka_unit_test(test_full_queue),
        cmocka_unit_test(test_kept_request), cmocka_unit_test(test_many),
        cmocka_unit_test(test_tls),          cmocka_unit_test(test_gathered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
