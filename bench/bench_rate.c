// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 requests at a fixed rate, each timed from the instant it was due: request i is due at start + i /
// rate whatever has become of those before it, and goes out on the first connection that is free. So a server
// that stalls is charged with every request that waited for it (no coordinated omission).
//
//     bench_rate PORT RATE SECONDS CONNECTIONS KEY PATH [vary]
//     bench_rate PORT RATE SECONDS CONNECTIONS KEY PATH bodies TYPE <BODIES
//
// Asks PATH with a bearer key ("-" = none); `vary` appends "&n=" and what was not asked before, so that no
// answer can be kept. `bodies` posts, in turn, the bodies on stdin, each preceded by a line with its number
// of bytes; more than there are is not sent. Prints one JSON line: requests, rate reached, microseconds p50 …
// max, the most that waited at once, and late99: how late this program itself was, in microseconds, with a
// request that was due while it slept and a connection was free; that is in the latencies, too. The first
// tenth of the time warms up and is not counted. Any answer but a success ends it.
#include "engine/base/clock.h"
#include "engine/base/thread.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 1024, ANSWER_MAX = 1 << 20, HEAD_MAX = 8192, EVENTS = 64 };

typedef struct connection {
    int fd;
    bool busy;
    int64_t due;     // of the request that is on its way
    const char *out; // its bytes: the connection's own, or a body's
    char *out_room;
    size_t out_size, out_sent;
    char *in;
    size_t in_size, in_wanted; // wanted: 0 until the head was read
} connection;

typedef struct body {
    char *bytes; // with its request's head before it
    size_t size;
} body;

static connection connections[CONNECTIONS_MAX];
static int connections_count, epoll;
static const char *key, *path, *type;
static bool vary;
static body *bodies;
static size_t bodies_count;
static double *micros, *lates;
static size_t done, lates_count;
static int64_t counted_from;

static void *must(void *memory)
{
    if (memory)
        return memory;
    fputs("out of memory\n", stderr);
    exit(1);
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

// The head of a request; number: what makes it another question, `size`: of its body.
static size_t write_head(char out[HEAD_MAX], uint64_t number, size_t size)
{
    char bearer[512] = "", suffix[48] = "", length[96] = "";
    if (strcmp(key, "-") != 0)
        snprintf(bearer, sizeof bearer, "Authorization: Bearer %s\r\n", key);
    if (vary)
        snprintf(suffix, sizeof suffix, "&n=%llx-%llu", (unsigned long long)counted_from,
                 (unsigned long long)number);
    if (type)
        snprintf(length, sizeof length, "Content-Type: %s\r\nContent-Length: %zu\r\n", type, size);
    return (size_t)snprintf(out, HEAD_MAX, "%s %s%s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s%s\r\n",
                            type ? "POST" : "GET", path, suffix, bearer, length);
}

static void read_bodies(void)
{
    size_t size, capacity = 0;
    char head[HEAD_MAX];
    while (scanf("%zu", &size) == 1 && getchar() == '\n') {
        if (bodies_count == capacity)
            bodies = must(realloc(bodies, (capacity = capacity * 2 + 64) * sizeof *bodies));
        size_t head_size = write_head(head, 0, size);
        body *b = &bodies[bodies_count++];
        *b = (body){must(malloc(head_size + size)), head_size + size};
        memcpy(b->bytes, head, head_size);
        if (fread(b->bytes + head_size, 1, size, stdin) != size)
            die("a body on stdin is short");
    }
}

static void open_connection(connection *c, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int on = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) != 0)
        die("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) != 0)
        die("epoll_ctl");
    c->in = must(malloc(ANSWER_MAX + 1));
    c->out_room = must(malloc(HEAD_MAX));
}

// Sends what the socket takes; the rest when it takes more.
static void push(connection *c)
{
    while (c->out_sent < c->out_size) {
        ssize_t n = send(c->fd, c->out + c->out_sent, c->out_size - c->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN)
            die("send");
        if (n < 0)
            break;
        c->out_sent += (size_t)n;
    }
    bool more = c->out_sent < c->out_size;
    static bool wants_more[CONNECTIONS_MAX];
    size_t at = (size_t)(c - connections);
    if (more == wants_more[at])
        return;
    wants_more[at] = more;
    struct epoll_event event = {.events = EPOLLIN | (more ? EPOLLOUT : 0u), .data.ptr = c};
    epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
}

static void begin(connection *c, uint64_t number, int64_t due)
{
    if (type) {
        c->out = bodies[number].bytes;
        c->out_size = bodies[number].size;
    } else {
        c->out = c->out_room;
        // Without `vary` all requests are the same.
        if (vary || c->out_size == 0)
            c->out_size = write_head(c->out_room, number, 0);
    }
    c->out_sent = 0;
    c->in_size = c->in_wanted = 0;
    c->due = due;
    c->busy = true;
    push(c);
}

// The value of Content-Length in a head of lines that end in CR LF, NULL when there is none.
static const char *find_length(const char *head, const char *end)
{
    static const char name[] = "content-length:";
    for (const char *line = memchr(head, '\n', (size_t)(end - head)); line && line < end;
         line = memchr(line + 1, '\n', (size_t)(end - line - 1)))
        if (strncasecmp(line + 1, name, sizeof name - 1) == 0)
            return line + sizeof name;
    return NULL;
}

// Reads what is there; true when the answer is complete.
static bool pull(connection *c)
{
    ssize_t n = recv(c->fd, c->in + c->in_size, ANSWER_MAX - c->in_size, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN) || !c->busy)
        die("the server closed a connection");
    if (n < 0)
        return false;
    c->in_size += (size_t)n;
    c->in[c->in_size] = 0;
    if (!c->in_wanted) {
        const char *end = memmem(c->in, c->in_size, "\r\n\r\n", 4);
        if (!end)
            return false;
        const char *length = find_length(c->in, end);
        if (strncmp(c->in, "HTTP/1.1 2", 10) != 0 || !length) {
            fprintf(stderr, "not the answer that was expected:\n%.400s\n", c->in);
            exit(1);
        }
        c->in_wanted = (size_t)(end + 4 - c->in) + strtoul(length, NULL, 10);
    }
    return c->in_size >= c->in_wanted;
}

static void finish(connection *c)
{
    if (c->due >= counted_from)
        micros[done++] = (double)(dbk_clock_steady_ns() - c->due) / 1e3;
    c->busy = false;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(const double *sorted, size_t count, double q)
{
    size_t at = (size_t)((double)count * q);
    return count == 0 ? 0 : sorted[at < count ? at : count - 1];
}

int main(int argc, char **argv)
{
    if (argc < 7) {
        fprintf(stderr,
                "usage: bench_rate PORT RATE SECONDS CONNECTIONS KEY PATH [vary | bodies TYPE <BODIES]\n");
        return 2;
    }
    double rate = atof(argv[2]), seconds = atof(argv[3]);
    connections_count = atoi(argv[4]);
    key = argv[5];
    path = argv[6];
    vary = argc > 7 && strcmp(argv[7], "vary") == 0;
    type = argc > 8 && strcmp(argv[7], "bodies") == 0 ? argv[8] : NULL;
    uint64_t total = (uint64_t)(rate * seconds);
    if (type) {
        read_bodies();
        total = total < bodies_count ? total : bodies_count;
    }
    if (total < 1 || connections_count < 1 || connections_count > CONNECTIONS_MAX) {
        fprintf(stderr, "bench_rate: nothing to do\n");
        return 2;
    }
    micros = must(malloc(total * sizeof *micros));
    lates = must(malloc(total * sizeof *lates));
    epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < connections_count; i++)
        open_connection(&connections[i], atoi(argv[1]));
    prctl(PR_SET_TIMERSLACK, 1);
    dbk_thread_be_prompt();

    int64_t start = dbk_clock_steady_ns() + 1000000;
    counted_from = start + (int64_t)(seconds * 1e8);
    uint64_t sent = 0, answered = 0, waited_most = 0;
    // Idle connections as a stack: the one that was free last goes first, like a pool's.
    int idle[CONNECTIONS_MAX], idle_count = 0;
    for (int i = connections_count; i--;)
        idle[idle_count++] = i;
    bool slept = false; // until the next request was due, with a connection free
    while (answered < total) {
        int64_t now = dbk_clock_steady_ns();
        uint64_t due = now < start ? 0 : (uint64_t)((double)(now - start) * rate / 1e9) + 1;
        due = due < total ? due : total;
        int64_t first = start + (int64_t)((double)sent * 1e9 / rate);
        if (slept && sent < due && first >= counted_from)
            lates[lates_count++] = (double)(now - first) / 1e3;
        for (; sent < due && idle_count; sent++)
            begin(&connections[idle[--idle_count]], sent, start + (int64_t)((double)sent * 1e9 / rate));
        waited_most = due - sent > waited_most ? due - sent : waited_most;
        int64_t next = start + (int64_t)((double)sent * 1e9 / rate) - dbk_clock_steady_ns();
        bool waits = sent == total || !idle_count;
        slept = !waits && next > 0;
        struct timespec timeout = {next > 0 ? next / 1000000000 : 0, next > 0 ? next % 1000000000 : 0};
        struct epoll_event events[EVENTS];
        int n = epoll_pwait2(epoll, events, EVENTS, waits ? NULL : &timeout, NULL);
        if (n < 0 && errno != EINTR)
            die("epoll_pwait2");
        for (int i = 0; i < n; i++) {
            connection *c = events[i].data.ptr;
            if (events[i].events & EPOLLOUT)
                push(c);
            if (!(events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) || !pull(c))
                continue;
            finish(c);
            answered++;
            idle[idle_count++] = (int)(c - connections);
        }
    }
    double took = (double)(dbk_clock_steady_ns() - start) / 1e9;
    if (done == 0)
        done = 1, micros[0] = 0;
    qsort(micros, done, sizeof *micros, by_value);
    qsort(lates, lates_count, sizeof *lates, by_value);
    printf(
        "{\"requests\":%llu,\"rate\":%.0f,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f,"
        "\"waited\":%llu,\"late99\":%.1f}\n",
        (unsigned long long)answered, (double)answered / took, quantile(micros, done, 0.5),
        quantile(micros, done, 0.9), quantile(micros, done, 0.99), quantile(micros, done, 0.999),
        micros[done - 1], (unsigned long long)waited_most, quantile(lates, lates_count, 0.99));
    return 0;
}
