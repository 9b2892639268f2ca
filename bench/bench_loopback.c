// SPDX-License-Identifier: Apache-2.0
// What a round trip of 8 bytes over loopback TCP costs: the floor of every request's latency. Two threads
// that block in recv, on different processors and on the same; and two that never sleep. Prints one line for
// each.
//
//     bench_loopback [ROUNDS]
#include "bench/must.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BYTES = 8 };

typedef struct side {
    int fd, processor, flags, rounds;
} side;

static void settle(int processor)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((unsigned)processor, &set);
    sched_setaffinity(0, sizeof set, &set);
}

static void receive(const side *s, char *bytes)
{
    for (size_t had = 0; had < BYTES;) {
        ssize_t n = recv(s->fd, bytes + had, BYTES - had, s->flags);
        must(n > 0 || (n < 0 && errno == EAGAIN), "recv");
        had += n > 0 ? (size_t)n : 0;
    }
}

static void *echo(void *user)
{
    const side *s = user;
    char bytes[BYTES];
    settle(s->processor);
    for (int i = 0; i < s->rounds; i++) {
        receive(s, bytes);
        must(send(s->fd, bytes, BYTES, MSG_NOSIGNAL) == BYTES, "send");
    }
    return NULL;
}

static void connect_pair(int fds[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    must(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 1) == 0,
         "listen");
    getsockname(listener, (struct sockaddr *)&address, &size);
    fds[0] = socket(AF_INET, SOCK_STREAM, 0);
    must(connect(fds[0], (struct sockaddr *)&address, sizeof address) == 0, "connect");
    fds[1] = accept(listener, NULL, NULL);
    must(fds[1] >= 0, "accept");
    close(listener);
    for (int i = 0; i < 2; i++)
        setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void bench(const char *name, int processor, int flags, int rounds)
{
    int fds[2];
    connect_pair(fds);
    side here = {fds[0], 0, flags, rounds}, there = {fds[1], processor, flags, rounds};
    double *took = calloc((size_t)rounds, sizeof *took);
    must(took != NULL, "memory");
    pthread_t thread;
    must(pthread_create(&thread, NULL, echo, &there) == 0, "thread");
    for (int i = 0; i < rounds; i++) {
        char bytes[BYTES] = {0}, back[BYTES];
        memcpy(bytes, &i, sizeof i);
        double before = now_us();
        must(send(here.fd, bytes, BYTES, MSG_NOSIGNAL) == BYTES, "send");
        receive(&here, back);
        took[i] = now_us() - before;
        must(memcmp(bytes, back, BYTES) == 0, "the bytes came back changed");
    }
    pthread_join(thread, NULL);
    qsort(took, (size_t)rounds, sizeof *took, by_value);
    printf("loopback %-22s median %6.1f  min %6.1f  p99 %6.1f us\n", name, took[rounds / 2], took[0],
           took[rounds * 99 / 100]);
    free(took);
    close(fds[0]);
    close(fds[1]);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 20000;
    if (rounds < 1)
        return 2;
    settle(0);
    int other = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 1 : 0;
    bench("two processors", other, 0, rounds);
    bench("one processor", 0, 0, rounds);
    if (other)
        bench("two that never sleep", other, MSG_DONTWAIT, rounds);
    return 0;
}
