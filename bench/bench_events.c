// SPDX-License-Identifier: Apache-2.0
// What open event streams cost a running server, and what they do to its reads:
//
//     bench_events PORT PID KEY STREAMS SECONDS READS_PER_SECOND TICKETS_PER_SECOND
//
// Opens so many streams of the channel cashier, reads the server's resident memory from /proc before and
// after, then asks /api/v1/reports/sales at a steady rate: without streams, with silent ones, and while
// tickets come in, each an event on every stream. Prints one JSON line: memory per stream, the reads'
// latencies (from the moment a read was due, so that a server that stalls is not excused) and how long an
// event took to the last of the streams.
#include "engine/base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_MAX = 100000, READ_BYTES = 65536 };

static int port;
static const char *key;
static int streams;
static atomic_long heard[EVENTS_MAX];     // how many streams have had each event
static atomic_llong complete[EVENTS_MAX]; // when the last of them had it
static atomic_bool is_ending;

static void sleep_until(int64_t ns)
{
    struct timespec t = {ns / 1000000000, ns % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        ;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int connect_to_server(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static void send_all(int fd, const char *bytes, size_t size)
{
    for (size_t sent = 0; sent < size;) {
        ssize_t n = send(fd, bytes + sent, size - sent, MSG_NOSIGNAL);
        if (n <= 0)
            die("send");
        sent += (size_t)n;
    }
}

// One answer with a Content-Length; its status.
static int receive_answer(int fd)
{
    static _Thread_local char buffer[1 << 20];
    size_t size = 0;
    for (;;) {
        ssize_t n = recv(fd, buffer + size, sizeof(buffer) - 1 - size, 0);
        if (n <= 0)
            die("recv");
        size += (size_t)n;
        buffer[size] = 0;
        char *end = strstr(buffer, "\r\n\r\n"), *length = strcasestr(buffer, "content-length: ");
        if (end != NULL && length != NULL &&
            size >= (size_t)(end + 4 - buffer) + strtoul(length + 16, NULL, 10))
            return atoi(buffer + 9);
    }
}

static long resident_bytes(const char *pid)
{
    char path[64], line[256];
    long kib = 0;
    snprintf(path, sizeof(path), "/proc/%s/status", pid);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        die(path);
    while (fgets(line, sizeof(line), file) != NULL)
        if (sscanf(line, "VmRSS: %ld", &kib) == 1)
            break;
    fclose(file);
    return kib * 1024;
}

// Of all its threads, user and system, so far.
static double processor_ms(const char *pid)
{
    char path[64];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof(path), "/proc/%s/stat", pid);
    FILE *file = fopen(path, "r");
    if (file == NULL ||
        fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        die(path);
    fclose(file);
    return (double)(user + system) * 1000 / (double)sysconf(_SC_CLK_TCK);
}

// ---- The audience ----

typedef struct audience {
    int epoll;
    int opened;
} audience;

// Counts tickets t<number> in what arrived. An id that is cut in two by the end of a read is not counted;
// with so few bytes at a time that hardly happens, and `missed` says how often.
static void count_events(const char *bytes, size_t size)
{
    static const char mark[] = "\"id\":\"t";
    const char *at = bytes, *end = bytes + size;
    while ((at = memmem(at, (size_t)(end - at), mark, sizeof(mark) - 1)) != NULL) {
        at += sizeof(mark) - 1;
        long number = atol(at);
        if (number >= 0 && number < EVENTS_MAX && atomic_fetch_add(&heard[number], 1) + 1 == streams)
            atomic_store(&complete[number], dbk_clock_steady_ns());
    }
}

static void *listen_all(void *user)
{
    audience *a = user;
    static char buffer[READ_BYTES + 1];
    struct epoll_event events[256];
    while (!is_ending) {
        int count = epoll_wait(a->epoll, events, 256, 100);
        for (int i = 0; i < count; i++) {
            ssize_t n = recv(events[i].data.fd, buffer, READ_BYTES, MSG_DONTWAIT);
            if (n == 0 || (n < 0 && errno != EAGAIN))
                die("a stream ended");
            if (n > 0) {
                buffer[n] = 0;
                count_events(buffer, (size_t)n);
            }
        }
    }
    return NULL;
}

static void open_streams(audience *a)
{
    char request[512], head[4096];
    int length = snprintf(request, sizeof(request),
                          "GET /events/cashier HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", key);
    for (int i = 0; i < streams; i++) {
        int fd = connect_to_server();
        send_all(fd, request, (size_t)length);
        size_t size = 0;
        do {
            ssize_t n = recv(fd, head + size, sizeof(head) - 1 - size, 0);
            if (n <= 0)
                die("opening a stream");
            size += (size_t)n;
            head[size] = 0;
        } while (strstr(head, "id: ") == NULL);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        if (epoll_ctl(a->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
            die("epoll_ctl");
    }
}

// ---- Reads ----

typedef struct latencies {
    double p50, p99, max; // microseconds
    double processor_ms;  // that the server took meanwhile
    long count;
} latencies;

static int compare(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static latencies read_steadily(const char *pid, int seconds, int rate)
{
    char request[512];
    int length = snprintf(
        request, sizeof(request),
        "GET /api/v1/reports/sales?preset=all HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", key);
    long count = (long)seconds * rate;
    int64_t *taken = malloc((size_t)count * sizeof(*taken)), start = dbk_clock_steady_ns() + 1000000;
    int fd = connect_to_server();
    double processor = processor_ms(pid);
    for (long i = 0; i < count; i++) {
        int64_t due = start + i * 1000000000 / rate;
        sleep_until(due);
        send_all(fd, request, (size_t)length);
        if (receive_answer(fd) != 200) {
            fprintf(stderr, "bench_events: a read was not answered with 200\n");
            exit(1);
        }
        taken[i] = dbk_clock_steady_ns() - due;
    }
    close(fd);
    qsort(taken, (size_t)count, sizeof(*taken), compare);
    latencies result = {(double)taken[count / 2] / 1e3, (double)taken[count * 99 / 100] / 1e3,
                        (double)taken[count - 1] / 1e3, processor_ms(pid) - processor, count};
    free(taken);
    return result;
}

// ---- Tickets ----

typedef struct seller {
    int rate;
    long sold;
    int64_t committed[EVENTS_MAX]; // when each was acknowledged
} seller;

static void *sell(void *user)
{
    seller *s = user;
    int fd = connect_to_server();
    int64_t start = dbk_clock_steady_ns();
    while (!is_ending && s->sold < EVENTS_MAX) {
        char body[256], request[1024];
        sleep_until(start + s->sold * 1000000000 / s->rate);
        int size =
            snprintf(body, sizeof(body),
                     "{\"id\":\"t%ld\",\"created_at\":\"2026-01-15T18:00:00Z\",\"kind\":\"pos\",\"status\":"
                     "\"PENDING\",\"total\":\"12.5\"}\n",
                     s->sold);
        int length =
            snprintf(request, sizeof(request),
                     "POST /ingest/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: "
                     "application/x-ndjson\r\nContent-Length: %d\r\n\r\n%s",
                     key, size, body);
        send_all(fd, request, (size_t)length);
        if (receive_answer(fd) != 200)
            die("a ticket was refused");
        s->committed[s->sold++] = dbk_clock_steady_ns();
    }
    close(fd);
    return NULL;
}

static void print(const char *name, latencies l)
{
    printf("\"%s\":{\"reads\":%ld,\"p50us\":%.0f,\"p99us\":%.0f,\"maxus\":%.0f,\"processorMs\":%.0f},", name,
           l.count, l.p50, l.p99, l.max, l.processor_ms);
}

int main(int argc, char **argv)
{
    static seller s;
    if (argc != 8) {
        fprintf(stderr,
                "usage: bench_events PORT PID KEY STREAMS SECONDS READS_PER_SECOND TICKETS_PER_SECOND\n");
        return 2;
    }
    port = atoi(argv[1]);
    key = argv[3];
    streams = atoi(argv[4]);
    int seconds = atoi(argv[5]), rate = atoi(argv[6]);
    s.rate = atoi(argv[7]);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);

    read_steadily(argv[2], 1, rate); // warm
    long before = resident_bytes(argv[2]);
    latencies alone = read_steadily(argv[2], seconds, rate);
    audience a = {.epoll = epoll_create1(EPOLL_CLOEXEC)};
    open_streams(&a);
    long after = resident_bytes(argv[2]);
    pthread_t listener, till;
    pthread_create(&listener, NULL, listen_all, &a);
    read_steadily(argv[2], 1, rate); // warm again: the sockets were made a moment ago
    latencies silent = read_steadily(argv[2], seconds, rate);
    pthread_create(&till, NULL, sell, &s);
    latencies busy = read_steadily(argv[2], seconds, rate);
    is_ending = true;
    pthread_join(till, NULL);
    pthread_join(listener, NULL);
    long told = resident_bytes(argv[2]);

    int64_t *delays = calloc((size_t)s.sold + 1, sizeof(*delays));
    long full = 0;
    for (long i = 0; i < s.sold; i++)
        if (complete[i] != 0)
            delays[full++] = complete[i] > s.committed[i] ? complete[i] - s.committed[i] : 0;
    qsort(delays, (size_t)full, sizeof(*delays), compare);
    printf("{\"streams\":%d,\"bytesPerStream\":%ld,\"bytesPerStreamAfterEvents\":%ld,", streams,
           streams ? (after - before) / streams : 0, streams ? (told - before) / streams : 0);
    print("withoutStreams", alone);
    print("silent", silent);
    print("events", busy);
    printf("\"tickets\":%ld,\"heardByAll\":%ld,\"toLastStreamMs\":{\"p50\":%.1f,\"p99\":%.1f}}\n", s.sold,
           full, full ? (double)delays[full / 2] / 1e6 : 0, full ? (double)delays[full * 99 / 100] / 1e6 : 0);
    return 0;
}
