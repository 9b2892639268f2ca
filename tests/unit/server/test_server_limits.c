// SPDX-License-Identifier: Apache-2.0
// What a client may not do, and what happens at the end: caps, time limits, refusals, the drain.
#include "tests/support/server_fixture.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { CAP = 1 << 20 };

static void post(int fd, const char *path, size_t size)
{
    char head[256];
    snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", path, size);
    char *body = malloc(size);
    assert_non_null(body);
    for (size_t i = 0; i < size; i++)
        body[i] = (char)('a' + i * 7 % 26);
    dbk_client_send_text(fd, head);
    dbk_client_send(fd, body, size);
    free(body);
}

static void test_body_cap(void **state)
{
    (void)state;
    dbk_fixture f = {.options.body_bytes_max = CAP};
    dbk_response r = {0};
    dbk_fixture_start(&f, NULL);
    int fd = dbk_client_connect(f.port);
    post(fd, "/echo", CAP);
    dbk_client_receive(fd, &r, false);
    assert_int_equal(r.body_size, CAP);
    for (size_t i = 0; i < CAP; i++)
        if (r.body[i] != (char)('a' + i * 7 % 26))
            fail_msg("byte %zu of the echo differs", i);
    // The refusal reaches a client that goes on sending, in the application's words.
    post(fd, "/a/../too/large", CAP + 1);
    dbk_client_receive(fd, &r, false);
    assert_int_equal(r.status, 413);
    assert_non_null(strstr(r.head, "HTTP/1.1 413 Content Too Large\r\n"));
    assert_non_null(strstr(r.head, "content-type: application/json\r\n"));
    assert_non_null(strstr(r.head, "Connection: close\r\n"));
    assert_string_equal(r.body,
                        "{\"status\":413,\"path\":\"/too/large\",\"detail\":\"the body is larger than this "
                        "server takes\"}");
    dbk_client_expect_end(fd);
    close(fd);
    fd = dbk_client_connect(f.port);
    post(fd, "/echo", 12 * CAP);
    dbk_client_receive(fd, &r, false);
    assert_int_equal(r.status, 413);
    close(fd);
    dbk_fixture_wait_connections(&f, 0);
    assert_int_equal(f.logged, 3);
    dbk_response_dispose(&r);
    dbk_fixture_end(&f);
}

typedef struct refusal {
    const char *request;
    int status;
    bool ours; // in the application's words; otherwise the library refused before anybody could speak
} refusal;

static const refusal refusals[] = {
    {"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 411, true},
    {"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 411, true},
    {"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 411, true},
    {"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400,
     true},
    {"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde", 400, true},
    {"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", 400, true},
    {"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: tea\r\n\r\nabc", 417, true},
    {"GET /x HTTP/1.1\r\n\r\n", 400, true},
    {"GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, true},
    {"GET /x HTTP/1.1\nHost: a\n\n", 400, true},
    {"GET /x HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n", 400, true},
    {"GET /x HTTP/1.9\r\nHost: a\r\n\r\n", 505, true},
    {"GET /x HTTP/1.1\r\nHost : a\r\n\r\n", 400, false},
    {"GET /x HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n", 400, false},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, false},
    {"\x16\x03\x01\x02\x00\x01\x00", 400, false},
};

static void test_refusals(void **state)
{
    (void)state;
    dbk_fixture f = {.options.body_bytes_max = CAP};
    dbk_response r = {0};
    dbk_fixture_start(&f, NULL);
    int expected = 0;
    for (size_t i = 0; i < DBK_COUNT(refusals); i++) {
        int fd = dbk_client_connect(f.port);
        dbk_client_send_text(fd, refusals[i].request);
        dbk_client_receive(fd, &r, false);
        if (r.status != refusals[i].status)
            print_error("%s", refusals[i].request);
        assert_int_equal(r.status, refusals[i].status);
        char start[64];
        snprintf(start, sizeof start, "{\"status\":%d,\"path\":\"/x\"", r.status);
        if (refusals[i].ours)
            assert_memory_equal(r.body, start, strlen(start));
        dbk_client_expect_end(fd);
        close(fd);
        expected += refusals[i].ours;
    }
    dbk_fixture_wait_connections(&f, 0);
    assert_int_equal(f.logged, expected);
    dbk_response_dispose(&r);
    dbk_fixture_end(&f);
}

static void test_large_heads(void **state)
{
    (void)state;
    dbk_fixture f = {0};
    dbk_response r = {0};
    dbk_fixture_start(&f, NULL);
    for (int kib = 16; kib <= 64; kib *= 4) {
        size_t size = (size_t)kib << 10;
        char *query = malloc(size);
        assert_non_null(query);
        memset(query, 'q', size);
        int fd = dbk_client_connect(f.port);
        dbk_client_send_text(fd, "GET /x?");
        dbk_client_send(fd, query, size);
        dbk_client_send_text(fd, " HTTP/1.1\r\nHost: a\r\n\r\n");
        dbk_client_receive(fd, &r, false);
        assert_int_equal(r.status, kib == 16 ? 200 : 431);
        close(fd);
        free(query);
    }
    dbk_response_dispose(&r);
    dbk_fixture_end(&f);
}

// Bytes behind a refused request are not a request.
static void test_nothing_after_a_refusal(void **state)
{
    (void)state;
    dbk_fixture f = {0};
    dbk_response r = {0};
    dbk_fixture_start(&f, NULL);
    int fd = dbk_client_connect(f.port);
    dbk_client_send_text(fd, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 0\r\n\r\n"
                             "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
    dbk_client_receive(fd, &r, false);
    assert_int_equal(r.status, 400);
    dbk_client_expect_end(fd);
    close(fd);
    dbk_fixture_wait_connections(&f, 0);
    assert_int_equal(f.logged, 1);
    dbk_response_dispose(&r);
    dbk_fixture_end(&f);
}

static void test_slow_requests_are_cut(void **state)
{
    (void)state;
    static const char *const starts[] = {"", "GET /x HT", "GET /x HTTP/1.1\r\nHost: a\r\n",
                                         "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabc"};
    dbk_fixture f = {.options.request_timeout_ms = 50};
    dbk_fixture_start(&f, NULL);
    for (size_t i = 0; i < DBK_COUNT(starts); i++) {
        int fd = dbk_client_connect(f.port);
        dbk_client_send_text(fd, starts[i]);
        dbk_client_expect_end(fd);
        close(fd);
    }
    dbk_fixture_wait_connections(&f, 0);
    assert_int_equal(f.logged, 0);
    dbk_fixture_end(&f);
}

static void test_slow_readers_are_cut(void **state)
{
    (void)state;
    dbk_fixture f = {.options.response_timeout_ms = 50};
    char *directory = dbk_temporary_directory();
    char path[64];
    snprintf(path, sizeof path, "%s/socket", directory);
    dbk_fixture_start(&f, path);
    int fds[2] = {dbk_client_connect(f.port), dbk_client_connect_local(path)};
    for (int i = 0; i < 2; i++)
        dbk_client_send_text(fds[i], "GET /bytes?100000000 HTTP/1.1\r\nHost: a\r\n\r\n");
    dbk_fixture_wait_logged(&f, 2);
    dbk_fixture_wait_connections(&f, 0);
    close(fds[0]);
    close(fds[1]);
    dbk_fixture_end(&f);
    dbk_temporary_remove(directory);
}

static void test_connection_cap(void **state)
{
    (void)state;
    dbk_fixture f = {.options = {.connections_max = 3, .threads = 2}};
    dbk_response r = {0};
    char *directory = dbk_temporary_directory();
    char path[64];
    snprintf(path, sizeof path, "%s/socket", directory);
    dbk_fixture_start(&f, path);
    int fds[40];
    for (int i = 0; i < 40; i++) {
        fds[i] = dbk_client_connect(f.port);
        dbk_client_send_text(fds[i], "GET /bytes?5 HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    dbk_fixture_wait_logged(&f, 3);
    dbk_fixture_wait_connections(&f, 3);
    // The operator gets in all the same.
    int local = dbk_client_connect_local(path);
    dbk_client_get(local, "/info", &r);
    assert_int_equal(r.status, 200);
    close(local);
    dbk_fixture_wait_connections(&f, 3);
    f.connections_seen = 0;
    // Every waiting client is served in the end, as others leave; in which order is the kernel's affair.
    struct pollfd waiting[40];
    for (int i = 0; i < 40; i++)
        waiting[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    for (int served = 0; served < 40;) {
        assert_true(poll(waiting, 40, 30000) > 0);
        for (int i = 0; i < 40; i++) {
            if (waiting[i].fd >= 0 && waiting[i].revents) {
                dbk_client_receive(fds[i], &r, false);
                assert_string_equal(r.body, "bbbbb");
                close(fds[i]);
                waiting[i].fd = -1;
                served++;
            }
        }
    }
    assert_true(f.connections_seen <= 3);
    dbk_fixture_wait_connections(&f, 0);
    dbk_response_dispose(&r);
    dbk_fixture_end(&f);
    dbk_temporary_remove(directory);
}

// Out of descriptors, the server turns clients away instead of spinning, and serves again when there are
// some.
static void test_out_of_descriptors(void **state)
{
    (void)state;
    dbk_fixture f = {0};
    dbk_response r = {0};
    struct rlimit before, tight;
    dbk_fixture_start(&f, NULL);
    int first = dbk_client_connect(f.port);
    dbk_client_get(first, "/bytes?1", &r);
    getrlimit(RLIMIT_NOFILE, &before);
    // The client's descriptor is the last that fits.
    int last = dup(first);
    tight = (struct rlimit){.rlim_cur = (rlim_t)last + 1, .rlim_max = before.rlim_max};
    close(last);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    int turned_away = dbk_client_connect(f.port);
    assert_true(turned_away >= 0);
    dbk_client_expect_end(turned_away);
    dbk_client_get(first, "/bytes?2", &r);
    assert_string_equal(r.body, "bb");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    close(turned_away);
    int again = dbk_client_connect(f.port);
    dbk_client_get(again, "/bytes?3", &r);
    assert_string_equal(r.body, "bbb");
    close(again);
    close(first);
    dbk_response_dispose(&r);
    dbk_fixture_end(&f);
}

static void test_stop_drains(void **state)
{
    (void)state;
    dbk_fixture f = {.options.threads = 2};
    dbk_response r = {0};
    dbk_fixture_start(&f, NULL);
    int idle = dbk_client_connect(f.port);
    dbk_client_get(idle, "/bytes?1", &r);
    int silent = dbk_client_connect(f.port);
    int half = dbk_client_connect(f.port);
    dbk_client_send_text(
        half, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n");
    dbk_client_receive(half, &r, true);
    assert_int_equal(r.status, 100);
    dbk_client_send_text(half, "abc");
    int running = dbk_client_connect(f.port);
    dbk_client_send_text(running, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    dbk_fixture_wait_kept(&f, 1);
    dbk_fixture_wait_connections(&f, 4);

    dbk_server_stop(f.server);
    dbk_client_expect_end(idle);
    dbk_client_expect_end(silent);
    // What had begun is finished, and told to be the last.
    dbk_client_send_text(half, "def");
    dbk_client_receive(half, &r, false);
    assert_string_equal(r.body, "abcdef");
    assert_non_null(strstr(r.head, "Connection: close\r\n"));
    dbk_client_expect_end(half);
    dbk_fixture_wait_connections(&f, 1);
    int late = dbk_client_connect(f.port);
    assert_int_equal(late, -1);
    assert_false(f.returned);
    dbk_fixture_release(&f);
    dbk_client_receive(running, &r, false);
    assert_int_equal(r.status, 200);
    assert_non_null(strstr(r.head, "Connection: close\r\n"));
    dbk_client_expect_end(running);
    dbk_fixture_wait_returned(&f);
    assert_int_equal(dbk_server_connections(f.server), 0);
    close(idle);
    close(silent);
    close(half);
    close(running);
    dbk_response_dispose(&r);
    dbk_fixture_end(&f);
}

static void test_drain_deadline(void **state)
{
    (void)state;
    dbk_fixture f = {.drain_ms = 20};
    dbk_fixture_start(&f, NULL);
    int held = dbk_client_connect(f.port);
    dbk_client_send_text(held, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    int reader = dbk_client_connect(f.port);
    dbk_client_send_text(reader, "GET /bytes?100000000 HTTP/1.1\r\nHost: a\r\n\r\n");
    int half = dbk_client_connect(f.port);
    dbk_client_send_text(half, "GET /x HT");
    dbk_fixture_wait_kept(&f, 1);
    dbk_fixture_wait_connections(&f, 3);
    dbk_server_stop(f.server);
    // The run ends though a handler still holds a request; its reply goes nowhere, and destroy waits for it.
    dbk_fixture_wait_returned(&f);
    assert_int_equal(dbk_server_connections(f.server), 1);
    dbk_client_expect_end(held);
    close(held);
    close(reader);
    close(half);
    dbk_fixture_end(&f);
}

static void test_stop_before_run(void **state)
{
    (void)state;
    dbk_fixture f = {0};
    dbk_error err;
    dbk_fixture_start(&f, NULL);
    dbk_server_options options = f.options;
    options.threads = 3;
    dbk_server *second;
    assert_int_equal(dbk_server_create(&second, &options, &err), DBK_OK);
    assert_int_equal(dbk_server_listen(second, "127.0.0.1:0", &err), DBK_OK);
    dbk_server_stop(second);
    dbk_server_stop(second);
    assert_int_equal(dbk_server_run(second, 1000, &err), DBK_OK);
    dbk_server_stop(second);
    dbk_server_destroy(second);
    // And one that never ran.
    assert_int_equal(dbk_server_create(&second, &options, &err), DBK_OK);
    assert_int_equal(dbk_server_listen(second, "127.0.0.1:0", &err), DBK_OK);
    dbk_server_destroy(second);
    dbk_fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_body_cap),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_large_heads),
        cmocka_unit_test(test_nothing_after_a_refusal),
        cmocka_unit_test(test_slow_requests_are_cut),
        cmocka_unit_test(test_slow_readers_are_cut),
        cmocka_unit_test(test_connection_cap),
        cmocka_unit_test(test_out_of_descriptors),
        cmocka_unit_test(test_stop_drains),
        cmocka_unit_test(test_drain_deadline),
        cmocka_unit_test(test_stop_before_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
