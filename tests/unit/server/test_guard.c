// SPDX-License-Identifier: Apache-2.0
// Every rule of the framing guard, by example and by counter-example; then the promises that hold for any
// bytes.
#include "http/server/guard.h"

#include "engine/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define END "\r\n\r\n"
#define GET "GET /a HTTP/1.1\r\nHost: a"

typedef struct example {
    const char *head;
    size_t size; // 0 = up to the NUL
    int status;  // 0 = well formed
} example;

#define EXAMPLE(literal, status_)                                                                            \
    {                                                                                                        \
        literal, sizeof(literal) - 1, status_                                                                \
    }

static const example examples[] = {
    // Well formed.
    EXAMPLE(GET END, 0),
    EXAMPLE("\r\n" GET END, 0),
    EXAMPLE("GET /a HTTP/1.0" END, 0),
    EXAMPLE("GET /a HTTP/1.0\r\nHost: a" END, 0),
    EXAMPLE("GET /a HTTP/1.1\r\nhOsT:a" END, 0),
    EXAMPLE("GET /a HTTP/1.1\r\nHost:" END, 0),
    EXAMPLE("GET /a HTTP/1.1\r\nHost: [::1]:8080" END, 0),
    EXAMPLE("OPTIONS * HTTP/1.1\r\nHost: a.example:80" END, 0),
    EXAMPLE("GET http://a/b HTTP/1.1\r\nHost: a" END, 0),
    EXAMPLE("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5" END, 0),
    EXAMPLE("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length:\t 5 \t" END, 0),
    EXAMPLE(GET "\r\nX-Tab: a\tb" END, 0),
    EXAMPLE(GET "\r\nX-Bytes: \xc3\xa4" END, 0),
    EXAMPLE(GET "\r\nX-Content-Length: x\r\nContent-Lengths: y" END, 0),
    EXAMPLE(GET END "GET /smuggled HTTP/9.9\n\n", 0),
    // The request line.
    EXAMPLE("\r\n", 400),
    EXAMPLE("\r\n\r\n" GET END, 400),
    EXAMPLE("GET  /a HTTP/1.1\r\nHost: a" END, 400),
    EXAMPLE("GET /a  HTTP/1.1\r\nHost: a" END, 400),
    EXAMPLE("GET /a b HTTP/1.1\r\nHost: a" END, 400),
    EXAMPLE("GET\t/a HTTP/1.1\r\nHost: a" END, 400),
    EXAMPLE("GET /a\tb HTTP/1.1\r\nHost: a" END, 400),
    EXAMPLE(" /a HTTP/1.1\r\nHost: a" END, 400),
    EXAMPLE("G(T /a HTTP/1.1\r\nHost: a" END, 400),
    EXAMPLE("GET /a\r\nHost: a" END, 400),
    EXAMPLE("GET /a HTTP/1.1 \r\nHost: a" END, 400),
    EXAMPLE("GET /a http/1.1\r\nHost: a" END, 400),
    EXAMPLE("GET /a HTTP/1.10\r\nHost: a" END, 400),
    EXAMPLE("GET /a HTTP/1\r\nHost: a" END, 400),
    EXAMPLE("GET /a HTTP/x.1\r\nHost: a" END, 400),
    EXAMPLE("GET /a HTTP/1.9\r\nHost: a" END, 505),
    EXAMPLE("GET /a HTTP/2.0\r\nHost: a" END, 505),
    EXAMPLE("GET /a HTTP/0.9\r\nHost: a" END, 505),
    EXAMPLE("PRI * HTTP/2.0" END "SM" END, 505),
    // Line ends and control bytes.
    EXAMPLE("GET /a HTTP/1.1\nHost: a" END, 400),
    EXAMPLE(GET "\nX: y" END, 400),
    EXAMPLE(GET "\r\n\n", 400),
    EXAMPLE(GET "\n\n", 400),
    EXAMPLE(GET "\r\nX: a\rb" END, 400),
    EXAMPLE(GET "\r\nX: a\0b" END, 400),
    EXAMPLE(GET "\r\nX\0: a" END, 400),
    EXAMPLE(GET "\r\nX: a\x7f" END, 400),
    EXAMPLE(GET "\r\nX: a\x01" END, 400),
    EXAMPLE("GET /\0a HTTP/1.1\r\nHost: a" END, 400),
    // Fields.
    EXAMPLE(GET "\r\n folded" END, 400),
    EXAMPLE(GET "\r\n\tfolded" END, 400),
    EXAMPLE(GET "\r\nX : y" END, 400),
    EXAMPLE(GET "\r\nX y" END, 400),
    EXAMPLE(GET "\r\n: y" END, 400),
    EXAMPLE(GET "\r\nX(y): z" END, 400),
    EXAMPLE(GET "\r\nX\xc3: z" END, 400),
    // Host.
    EXAMPLE("GET /a HTTP/1.1" END, 400),
    EXAMPLE(GET "\r\nHost: a" END, 400),
    EXAMPLE(GET "\r\nhost: b" END, 400),
    EXAMPLE("GET /a HTTP/1.0\r\nHost: a\r\nHost: a" END, 400),
    EXAMPLE("GET /a HTTP/1.1\r\nHost: a, b" END, 400),
    EXAMPLE("GET /a HTTP/1.1\r\nHost: a/b" END, 400),
    EXAMPLE("GET /a HTTP/1.1\r\nHost: u@a" END, 400),
    // Lengths and encodings.
    EXAMPLE(GET "\r\nContent-Length: 3\r\nContent-Length: 5" END, 400),
    EXAMPLE(GET "\r\nContent-Length: 3\r\ncontent-length: 3" END, 400),
    EXAMPLE(GET "\r\nContent-Length: 3, 3" END, 400),
    EXAMPLE(GET "\r\nContent-Length: +3" END, 400),
    EXAMPLE(GET "\r\nContent-Length: -3" END, 400),
    EXAMPLE(GET "\r\nContent-Length: 0x3" END, 400),
    EXAMPLE(GET "\r\nContent-Length: 3 3" END, 400),
    EXAMPLE(GET "\r\nContent-Length: " END, 400),
    EXAMPLE(GET "\r\nContent-Length: 3000000000000000000" END, 400),
    EXAMPLE(GET "\r\nContent-Length : 3" END, 400),
    EXAMPLE(GET "\r\nContent-Length: 3\r\nTransfer-Encoding: chunked" END, 400),
    EXAMPLE(GET "\r\nTransfer-Encoding: chunked\r\nContent-Length: 3" END, 400),
    EXAMPLE(GET "\r\nTransfer-Encoding: chunked" END, 411),
    EXAMPLE(GET "\r\nTRANSFER-ENCODING: identity" END, 411),
    EXAMPLE("GET /a HTTP/1.0\r\nTransfer-Encoding: chunked" END, 411),
    EXAMPLE(GET "\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked" END, 411),
    // The end.
    EXAMPLE("", 400),
    EXAMPLE("GET", 400),
    EXAMPLE(GET, 400),
    EXAMPLE(GET "\r\n", 400),
    EXAMPLE(GET "\r\n\r", 400),
};

static void check_verdict(const char *bytes, size_t size, dbk_guard_verdict v)
{
    if (v.status == 0) {
        assert_null(v.detail);
        assert_true(v.head_bytes >= 4 && v.head_bytes <= size && v.head_bytes <= DBK_GUARD_HEAD_BYTES_MAX);
        assert_memory_equal(bytes + v.head_bytes - 4, "\r\n\r\n", 4);
    } else {
        assert_true(v.status == 400 || v.status == 411 || v.status == 431 || v.status == 505);
        assert_non_null(v.detail);
        assert_int_equal(v.head_bytes, 0);
    }
}

static void test_every_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < DBK_COUNT(examples); i++) {
        const example *e = &examples[i];
        dbk_guard_verdict v = dbk_guard_check(e->head, e->size);
        if (v.status != e->status)
            print_error("example %zu: %s\nexpected %d, got %d %s\n", i, e->head, e->status, v.status,
                        v.detail ? v.detail : "");
        assert_int_equal(v.status, e->status);
        check_verdict(e->head, e->size, v);
    }
}

// A head is judged by its own bytes: what follows it changes nothing, and a head cut anywhere is refused.
static void test_reads_the_head_only(void **state)
{
    (void)state;
    static const char head[] = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nX: y" END;
    size_t size = sizeof head - 1;
    for (size_t cut = 0; cut < size; cut++) {
        char *copy = malloc(cut + 1); // exact, so that a read past the end is one past the allocation
        assert_non_null(copy);
        memcpy(copy + 1, head, cut);
        assert_int_equal(dbk_guard_check(copy + 1, cut).status, 400);
        free(copy);
    }
    assert_int_equal(dbk_guard_check(head, size).head_bytes, size);
    static const char with_body[] =
        "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nX: y" END "\0\n\r\n ";
    assert_int_equal(dbk_guard_check(with_body, sizeof with_body - 1).head_bytes, size);
}

static void test_head_size(void **state)
{
    (void)state;
    static const char start[] = GET "\r\nX: ";
    for (int over = -1; over <= 1; over++) {
        size_t size = (size_t)(DBK_GUARD_HEAD_BYTES_MAX + over);
        char *head = malloc(size);
        assert_non_null(head);
        memset(head, 'x', size);
        memcpy(head, start, sizeof start - 1);
        memcpy(head + size - 4, END, 4);
        assert_int_equal(dbk_guard_check(head, size).status, over > 0 ? 431 : 0);
        free(head);
    }
}

// Whatever is done to a good head, the verdict keeps its promises, and an accepted head has the one framing
// that a naive reading of its lines finds.
static void check_naively(const char *head, dbk_guard_verdict v)
{
    int lengths = 0, encodings = 0, hosts = 0;
    for (size_t at = 0; at + 1 < v.head_bytes;) {
        const char *line = head + at;
        const char *end = memmem(line, v.head_bytes - at, "\r\n", 2);
        assert_non_null(end);
        assert_null(memchr(line, '\n', (size_t)(end - line)));
        lengths += strncasecmp(line, "content-length:", 15) == 0;
        encodings += strncasecmp(line, "transfer-encoding:", 18) == 0;
        hosts += strncasecmp(line, "host:", 5) == 0;
        at += (size_t)(end - line) + 2;
    }
    assert_true(lengths <= 1 && encodings == 0 && hosts <= 1);
}

static void test_mutations(void **state)
{
    (void)state;
    static const char *const pieces[] = {"\r\n",    "\n",     "\r",          "\0",
                                         " ",       "\t",     ":",           "Host: a\r\n",
                                         "host:\n", "+",      ",",           "Content-Length: 5\r\n",
                                         "HTTP/",   "\r\n\r", "X: y\r\n z",  "Transfer-Encoding: chunked\r\n",
                                         "\x80",    "\x7f",   "content-len", "1.0"};
    const char *given = getenv("DBK_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : 20260101;
    print_message("DBK_SEED=%llu\n", (unsigned long long)seed);
    dbk_random r = dbk_random_seed(seed);
    int accepted = 0;
    for (int round = 0; round < 50000; round++) {
        const example *e = &examples[dbk_random_below(&r, DBK_COUNT(examples))];
        char head[1024];
        size_t size = e->size;
        memcpy(head, e->head, size);
        for (uint64_t n = dbk_random_below(&r, 4); n > 0; n--) {
            const char *piece = pieces[dbk_random_below(&r, DBK_COUNT(pieces))];
            size_t length = piece[0] ? strlen(piece) : 1;
            size_t at = dbk_random_below(&r, size + 1);
            memmove(head + at + length, head + at, size - at);
            memcpy(head + at, piece, length);
            size += length;
        }
        char *exact = malloc(size ? size : 1);
        assert_non_null(exact);
        memcpy(exact, head, size);
        dbk_guard_verdict v = dbk_guard_check(exact, size);
        check_verdict(exact, size, v);
        if (v.status == 0) {
            accepted++;
            check_naively(exact, v);
        }
        free(exact);
    }
    assert_true(accepted > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_rule),
        cmocka_unit_test(test_reads_the_head_only),
        cmocka_unit_test(test_head_size),
        cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
