// SPDX-License-Identifier: Apache-2.0
// What a client may rely on: requests and replies over real sockets, in plain, over TLS and on the data
// directory's socket.
#include "tests/support/seed.h"
#include "tests/support/server_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include <cmocka.h>

static void test_keep_alive(void **state)
{
    (void)state;
    dbk_fixture f = {0};
    dbk_response r = {0};
    dbk_fixture_start(&f, NULL);
    int fd = dbk_client_connect(f.port);
    dbk_client_send_text(fd, "PUT /a/./b/%2e%2e/%63?x=1&y=%20 HTTP/1.1\r\nHost: shop\r\nX-Test: v\r\n"
                             "Content-Length: 3\r\n\r\nabc");
    dbk_client_receive(fd, &r, false);
    assert_int_equal(r.status, 200);
    assert_string_equal(r.body, "PUT\n/a/./b/%2e%2e/%63?x=1&y=%20\n/a/c\nx=1&y=%20\n127.0.0.1\n0\nv\nshop\n");
    assert_non_null(strstr(r.head, "Content-Length: "));
    assert_non_null(strstr(r.head, "Date: "));
    assert_non_null(strstr(r.head, "etag: \"tag\"\r\n"));
    assert_null(strcasestr(r.head, "server:"));
    assert_null(strcasestr(r.head, "chunked"));
    dbk_client_get(fd, "/bytes?100000", &r);
    assert_int_equal(r.body_size, 100000);
    assert_int_equal(strspn(r.body, "b"), 100000);
    dbk_fixture_wait_logged(&f, 2);
    assert_int_equal(f.last_status, 200);
    assert_int_equal(f.last_bytes, 100000);
    dbk_client_send_text(fd, "GET http://shop:80/d?z HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n");
    dbk_client_receive(fd, &r, false);
    assert_string_equal(r.body, "GET\nhttp://shop:80/d?z\n/d\nz\n127.0.0.1\n0\n\nshop\n");
    dbk_client_expect_end(fd);
    close(fd);
    dbk_response_dispose(&r);
    dbk_fixture_end(&f);
}

static void test_pipelining(void **state)
{
    (void)state;
    dbk_fixture f = {0};
    dbk_response r = {0};
    dbk_fixture_start(&f, NULL);
    dbk_fixture_release(&f);
    int fd = dbk_client_connect(f.port);
    char requests[20000];
    int n = 0;
    for (int i = 0; i < 100; i++)
        n += snprintf(requests + n, sizeof requests - (size_t)n,
                      "POST /%s?%d HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%.*s",
                      i % 3 == 0   ? "echo"
                      : i % 3 == 1 ? "later"
                                   : "info",
                      i, i % 10, i % 10, "0123456789");
    dbk_client_send(fd, requests, (size_t)n);
    for (int i = 0; i < 100; i++) {
        char expected[32];
        dbk_client_receive(fd, &r, false);
        assert_int_equal(r.status, 200);
        if (i % 3 == 0)
            snprintf(expected, sizeof expected, "%.*s", i % 10, "0123456789");
        else
            snprintf(expected, sizeof expected, "POST\n/%s?%d\n", i % 3 == 1 ? "later" : "info", i);
        assert_int_equal(strncmp(r.body, expected, i % 3 == 0 ? 32 : strlen(expected)), 0);
    }
    close(fd);
    dbk_response_dispose(&r);
    dbk_fixture_end(&f);
}

static void test_head_and_bodiless(void **state)
{
    (void)state;
    dbk_fixture f = {0};
    dbk_response r = {0};
    dbk_fixture_start(&f, NULL);
    int fd = dbk_client_connect(f.port);
    dbk_client_send_text(fd, "HEAD /bytes?12345 HTTP/1.1\r\nHost: a\r\n\r\n");
    dbk_client_receive(fd, &r, true);
    assert_non_null(strstr(r.head, "Content-Length: 12345\r\n"));
    dbk_client_get(fd, "/status?304", &r);
    assert_int_equal(r.status, 304);
    assert_null(strstr(r.head, "Content-Length"));
    assert_null(strcasestr(r.head, "chunked"));
    dbk_client_get(fd, "/status?204", &r);
    assert_int_equal(r.status, 204);
    assert_null(strstr(r.head, "Content-Length"));
    dbk_client_get(fd, "/status?404", &r);
    assert_non_null(strstr(r.head, "HTTP/1.1 404 Not Found\r\n"));
    assert_non_null(strstr(r.head, "Content-Length: 0\r\n"));
    // A header that would have been two is not sent; its neighbours are.
    assert_non_null(strstr(r.head, "x-fine: yes\r\n"));
    assert_null(strstr(r.head, "x-split"));
    assert_null(strstr(r.head, "set-cookie"));
    // Half a body is not sent as a whole one.
    dbk_client_get(fd, "/failed", &r);
    assert_int_equal(r.status, 503);
    assert_int_equal(r.body_size, 0);
    dbk_client_get(fd, "/bytes?1", &r);
    assert_string_equal(r.body, "b");
    close(fd);
    dbk_response_dispose(&r);
    dbk_fixture_end(&f);
}

static void late_replies_check(bool resumes)
{
    enum { CLIENTS = 50 };
    dbk_fixture f = {.options.threads = 2, .resumes = resumes};
    dbk_response r = {0};
    int fds[CLIENTS];
    dbk_fixture_start(&f, NULL);
    for (int i = 0; i < CLIENTS; i++) {
        char request[128];
        snprintf(request, sizeof request, "GET /later?%d HTTP/1.1\r\nHost: a\r\nX-Test: %d\r\n\r\n", i, i);
        fds[i] = dbk_client_connect(f.port);
        dbk_client_send_text(fds[i], request);
    }
    dbk_fixture_wait_kept(&f, CLIENTS);
    dbk_fixture_release(&f);
    for (int i = 0; i < CLIENTS; i++) {
        char expected[128];
        snprintf(expected, sizeof expected, "GET\n/later?%d\n/later\n%d\n127.0.0.1\n0\n%d\na\n", i, i, i);
        dbk_client_receive(fds[i], &r, false);
        assert_string_equal(r.body, expected);
        assert_non_null(strstr(r.head, "etag: \"tag\"\r\n"));
        dbk_client_get(fds[i], "/bytes?2", &r);
        assert_string_equal(r.body, "bb");
        close(fds[i]);
    }
    dbk_response_dispose(&r);
    dbk_fixture_end(&f);
}

static void test_late_replies(void **state)
{
    (void)state;
    late_replies_check(false);
}

static void test_resumed_requests(void **state)
{
    (void)state;
    late_replies_check(true);
}

static void client_gone_check(bool resumes)
{
    enum { CLIENTS = 20 };
    static const struct linger reset = {.l_onoff = 1};
    dbk_fixture f = {.resumes = resumes};
    dbk_fixture_start(&f, NULL);
    int fds[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = dbk_client_connect(f.port);
        dbk_client_send_text(fds[i], "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    }
    dbk_fixture_wait_kept(&f, CLIENTS);
    for (int i = 0; i < CLIENTS; i++) {
        if (i % 2)
            setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(fds[i]);
    }
    dbk_fixture_release(&f);
    dbk_fixture_wait_connections(&f, 0);
    dbk_fixture_end(&f);
}

static void test_client_gone_before_the_reply(void **state)
{
    (void)state;
    client_gone_check(false);
    client_gone_check(true);
}

// What a client sends while its request is kept comes in pieces, ends anywhere, and is answered in order once
// that request is; the kept request's own texts stay as they were.
static void early_input_check(bool resumes)
{
    enum { ROUNDS = 60, REQUESTS_MAX = 8, ROOM = 1 << 16 };
    dbk_random random = dbk_test_random(__func__);
    dbk_response r = {0};
    char *requests = malloc(ROOM), *body = malloc(ROOM);
    memset(body, 'x', ROOM);
    for (int round = 0; round < ROUNDS; round++) {
        dbk_fixture f = {.resumes = resumes};
        dbk_fixture_start(&f, NULL);
        int fd = dbk_client_connect(f.port), other = dbk_client_connect(f.port);
        int count = 1 + (int)dbk_random_below(&random, REQUESTS_MAX), n = 0, length = 0;
        for (int i = 0; i < count; i++) {
            // The first is kept; of the others, some are when their turn comes.
            const char *path = i == 0 || dbk_random_below(&random, 3) == 0 ? "later" : "info";
            length = (int)dbk_random_below(&random, dbk_random_below(&random, 4) ? 40 : 7000);
            n += snprintf(requests + n, (size_t)(ROOM - n),
                          "POST /%s?%d HTTP/1.1\r\nHost: a\r\nX-Test: %d\r\nContent-Length: %d\r\n\r\n%.*s",
                          path, i, i * 7, length, length, body);
        }
        // The whole first request, and by chance more.
        const char *first_end = strstr(requests + 1, "POST /");
        int first = count > 1 ? (int)(first_end - requests) : n;
        int sent = first + (int)dbk_random_below(&random, 3) *
                               (int)dbk_random_below(&random, (uint64_t)(n - first) + 1) / 2;
        dbk_client_send(fd, requests, (size_t)sent);
        dbk_fixture_wait_kept(&f, 1);
        while (sent < n) {
            int piece = 1 + (int)dbk_random_below(&random, (uint64_t)(n - sent));
            dbk_client_send(fd, requests + sent, (size_t)piece);
            sent += piece;
            // The one loop has been round since: it has met what came.
            if (dbk_random_below(&random, 2))
                dbk_client_get(other, "/bytes?1", &r);
            if (dbk_random_below(&random, 4) == 0)
                break;
        }
        dbk_fixture_release(&f);
        dbk_client_send(fd, requests + sent, (size_t)(n - sent));
        for (int i = 0; i < count; i++) {
            char expected[64];
            dbk_client_receive(fd, &r, false);
            assert_int_equal(r.status, 200);
            assert_int_equal(strncmp(r.body, "POST\n/", 6), 0);
            snprintf(expected, sizeof expected, "\n%d\n127.0.0.1\n0\n%d\na\n", i, i * 7);
            assert_non_null(strstr(r.body, expected));
        }
        close(fd);
        close(other);
        dbk_fixture_end(&f);
    }
    free(requests);
    free(body);
    dbk_response_dispose(&r);
}

static void test_input_while_a_request_is_kept(void **state)
{
    (void)state;
    early_input_check(false);
    early_input_check(true);
}

typedef struct worker {
    int port, number;
    pthread_t thread;
} worker;

static void *work(void *argument)
{
    worker *w = argument;
    dbk_response r = {0};
    int fd = dbk_client_connect(w->port);
    for (int i = 0; i < 200; i++) {
        char body[64], request[256], expected[64];
        int n = snprintf(body, sizeof body, "%d/%d", w->number, i);
        const char *path = i % 4 == 3 ? "later" : "echo";
        snprintf(request, sizeof request, "POST /%s?%s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s",
                 path, body, n, body);
        dbk_client_send_text(fd, request);
        dbk_client_receive(fd, &r, false);
        snprintf(expected, sizeof expected, i % 4 == 3 ? "POST\n/later?%s\n" : "%s", body);
        assert_int_equal(strncmp(r.body, expected, strlen(expected)), 0);
        if (i % 50 == 49) {
            close(fd);
            fd = dbk_client_connect(w->port);
        }
    }
    close(fd);
    dbk_response_dispose(&r);
    return NULL;
}

static void test_four_loops(void **state)
{
    (void)state;
    dbk_fixture f = {.options.threads = 4};
    worker workers[8];
    dbk_fixture_start(&f, NULL);
    dbk_fixture_release(&f);
    for (int i = 0; i < 8; i++) {
        workers[i] = (worker){.port = f.port, .number = i};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < 8; i++)
        pthread_join(workers[i].thread, NULL);
    dbk_fixture_wait_connections(&f, 0);
    assert_int_equal(f.logged, 8 * 200);
    dbk_fixture_end(&f);
}

static void test_local_socket(void **state)
{
    (void)state;
    dbk_fixture f = {.options.threads = 2};
    dbk_response r = {0};
    dbk_error err;
    struct stat st;
    char *directory = dbk_temporary_directory();
    char path[64], address[80];
    snprintf(path, sizeof path, "%s/socket", directory);
    snprintf(address, sizeof address, "unix:%s", path);

    // A stale file, as a killed server leaves it.
    struct sockaddr_un stale = {.sun_family = AF_UNIX};
    snprintf(stale.sun_path, sizeof stale.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&stale, sizeof stale), 0);
    close(fd);

    dbk_fixture_start(&f, path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    fd = dbk_client_connect_local(path);
    dbk_client_get(fd, "/who", &r);
    assert_string_equal(r.body, "GET\n/who\n/who\n\nlocal\n1\n\ntest\n");
    dbk_client_get(fd, "/bytes?300000", &r);
    assert_int_equal(r.body_size, 300000);
    close(fd);

    // A live one is not taken over, and neither is a file that is no socket.
    dbk_server *second;
    assert_int_equal(dbk_server_create(&second, &f.options, &err), DBK_OK);
    assert_int_equal(dbk_server_listen(second, address, &err), DBK_BUSY);
    assert_int_equal(dbk_server_listen(second, "unix:/", &err), DBK_INVALID);
    dbk_server_destroy(second);
    assert_int_equal(stat(path, &st), 0);

    dbk_fixture_end(&f);
    assert_int_equal(stat(path, &st), -1);
    assert_int_equal(errno, ENOENT);
    dbk_response_dispose(&r);
    dbk_temporary_remove(directory);
}

static void test_addresses(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",          "8080",   "127.0.0.1",     "127.0.0.1:", "127.0.0.1:x",
        ":80",       "::1:80", "1.2.3.4:70000", "unix:",      "no.such.host.invalid:1",
        "1.2.3.4:-1"};
    dbk_fixture f = {0};
    dbk_error err;
    dbk_fixture_start(&f, NULL);
    dbk_server *second;
    assert_int_equal(dbk_server_create(&second, &f.options, &err), DBK_OK);
    for (size_t i = 0; i < DBK_COUNT(wrong); i++)
        assert_int_equal(dbk_server_listen(second, wrong[i], &err), DBK_INVALID);
    // The port is shared by the loops of one server, not by two servers.
    char taken[32];
    snprintf(taken, sizeof taken, "127.0.0.1:%d", f.port);
    assert_int_equal(dbk_server_listen(second, taken, &err), DBK_BUSY);
    dbk_server_destroy(second);

    f.options.tls_certificate = "/nowhere";
    assert_int_equal(dbk_server_create(&second, &f.options, &err), DBK_INVALID);
    f.options.tls_key = "/nowhere";
    assert_int_equal(dbk_server_create(&second, &f.options, &err), DBK_INVALID);
    dbk_fixture_end(&f);
}

// ---- TLS
// -----------------------------------------------------------------------------------------------------

static void get_over_tls(SSL_CTX *context, int port)
{
    int fd = dbk_client_connect(port);
    SSL *tls = SSL_new(context);
    SSL_set_fd(tls, fd);
    assert_int_equal(SSL_connect(tls), 1);
    // HTTP/2 was offered and not taken.
    const unsigned char *protocol;
    unsigned length;
    SSL_get0_alpn_selected(tls, &protocol, &length);
    assert_int_equal(length, 0);
    static const char request[] = "GET /bytes?100000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert_int_equal(SSL_write(tls, request, sizeof request - 1), sizeof request - 1);
    char answer[16384];
    size_t total = 0;
    for (int n; (n = SSL_read(tls, answer, sizeof answer)) > 0; total += (size_t)n)
        if (total == 0)
            assert_memory_equal(answer, "HTTP/1.1 200 OK\r\n", 17);
    assert_true(total > 100000);
    // An orderly end, not a cut.
    assert_int_equal(SSL_get_shutdown(tls) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
    SSL_free(tls);
    close(fd);
}

static void test_tls(void **state)
{
    (void)state;
    static const unsigned char offered[] = "\x02h2\x08http/1.1";
    char *directory = dbk_temporary_directory();
    char certificate[64], key[64];
    snprintf(certificate, sizeof certificate, "%s/cert.pem", directory);
    snprintf(key, sizeof key, "%s/key.pem", directory);
    dbk_make_certificate(certificate, key);
    dbk_fixture f = {.options = {.threads = 2, .tls_certificate = certificate, .tls_key = key}};
    dbk_fixture_start(&f, NULL);

    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    assert_non_null(context);
    SSL_CTX_set_alpn_protos(context, offered, sizeof offered - 1);
    get_over_tls(context, f.port);
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    get_over_tls(context, f.port);

    // TLS 1.1 is refused, and so is plain HTTP.
    SSL_CTX_set_min_proto_version(context, TLS1_1_VERSION);
    SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
    int fd = dbk_client_connect(f.port);
    SSL *tls = SSL_new(context);
    SSL_set_fd(tls, fd);
    assert_int_not_equal(SSL_connect(tls), 1);
    SSL_free(tls);
    close(fd);
    fd = dbk_client_connect(f.port);
    dbk_client_send_text(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    char byte[16];
    assert_true(recv(fd, byte, sizeof byte, 0) < 16);
    close(fd);

    SSL_CTX_free(context);
    dbk_fixture_wait_connections(&f, 0);
    dbk_fixture_end(&f);
    dbk_temporary_remove(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keep_alive),
        cmocka_unit_test(test_pipelining),
        cmocka_unit_test(test_input_while_a_request_is_kept),
        cmocka_unit_test(test_head_and_bodiless),
        cmocka_unit_test(test_late_replies),
        cmocka_unit_test(test_resumed_requests),
        cmocka_unit_test(test_client_gone_before_the_reply),
        cmocka_unit_test(test_four_loops),
        cmocka_unit_test(test_local_socket),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
