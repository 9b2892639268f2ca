// SPDX-License-Identifier: Apache-2.0
// Bodies that do not come to their end: clients that go, clients that do not read, a server that stops.
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_not_whole),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_client_gone),
        cmocka_unit_test(test_half_closed),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_drain_deadline),
        cmocka_unit_test(test_end_after_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
