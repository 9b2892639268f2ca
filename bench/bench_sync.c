// SPDX-License-Identifier: Apache-2.0
// What a durable write costs here, by method: the floor of every acknowledged change. Writes inside a file
// that is allocated and written with zeros before, as the log's are, and for comparison at the end of one
// that grows. Prints one line for each method and size: median, minimum and 99th percentile in microseconds,
// methods taking turns.
//
//     bench_sync DIRECTORY [ROUNDS]
#include "bench/must.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FILE_BYTES = 64 << 20, BLOCK_MAX = 1 << 20 };

typedef struct world {
    int buffered, direct;    // the same file
    int dsync, direct_dsync; // the same, opened with O_DSYNC
    int growing;             // another one
    struct io_uring ring;
    char *block;
    off_t at, end; // in the file, and of the one that grows
} world;

static void wait_for(world *w, int operations)
{
    must(io_uring_submit_and_wait(&w->ring, (unsigned)operations) >= 0, "io_uring_enter");
    for (int i = 0; i < operations; i++) {
        struct io_uring_cqe *cqe;
        must(io_uring_peek_cqe(&w->ring, &cqe) == 0, "completion");
        errno = cqe->res < 0 ? -cqe->res : 0;
        must(cqe->res >= 0, "io_uring operation");
        io_uring_cqe_seen(&w->ring, cqe);
    }
}

static void write_then_sync(world *w, size_t size)
{
    must(pwrite(w->buffered, w->block, size, w->at) == (ssize_t)size, "pwrite");
    must(fdatasync(w->buffered) == 0, "fdatasync");
}

static void append_then_sync(world *w, size_t size)
{
    must(pwrite(w->growing, w->block, size, w->end) == (ssize_t)size, "pwrite");
    must(fdatasync(w->growing) == 0, "fdatasync");
    w->end += (off_t)size;
}

static void write_opened_dsync(world *w, size_t size)
{
    must(pwrite(w->dsync, w->block, size, w->at) == (ssize_t)size, "pwrite");
}
static void write_opened_direct_dsync(world *w, size_t size)
{
    must(pwrite(w->direct_dsync, w->block, size, w->at) == (ssize_t)size, "pwrite");
}

static void write_dsync(world *w, int fd, size_t size)
{
    struct iovec v = {w->block, size};
    must(pwritev2(fd, &v, 1, w->at, RWF_DSYNC) == (ssize_t)size, "pwritev2");
}

static void buffered_dsync(world *w, size_t size)
{
    write_dsync(w, w->buffered, size);
}
static void direct_dsync(world *w, size_t size)
{
    write_dsync(w, w->direct, size);
}

static void direct_then_sync(world *w, size_t size)
{
    must(pwrite(w->direct, w->block, size, w->at) == (ssize_t)size, "pwrite");
    must(fdatasync(w->direct) == 0, "fdatasync");
}

static void ring_then_sync(world *w, int fd, size_t size)
{
    io_uring_prep_write(io_uring_get_sqe(&w->ring), fd, w->block, (unsigned)size, (uint64_t)w->at);
    wait_for(w, 1);
    io_uring_prep_fsync(io_uring_get_sqe(&w->ring), fd, IORING_FSYNC_DATASYNC);
    wait_for(w, 1);
}
static void ring_buffered(world *w, size_t size)
{
    ring_then_sync(w, w->buffered, size);
}
static void ring_direct(world *w, size_t size)
{
    ring_then_sync(w, w->direct, size);
}

static void ring_dsync(world *w, size_t size)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&w->ring);
    io_uring_prep_write(sqe, w->direct, w->block, (unsigned)size, (uint64_t)w->at);
    sqe->rw_flags = RWF_DSYNC;
    wait_for(w, 1);
}

static void ring_dsync_many(world *w, size_t size, int count)
{
    for (int i = 0; i < count; i++) {
        struct io_uring_sqe *sqe = io_uring_get_sqe(&w->ring);
        io_uring_prep_write(sqe, w->direct, w->block, (unsigned)size, (uint64_t)w->at + (uint64_t)i * size);
        sqe->rw_flags = RWF_DSYNC;
    }
    wait_for(w, count);
}
static void ring_dsync_2(world *w, size_t size)
{
    ring_dsync_many(w, size, 2);
}
static void ring_dsync_4(world *w, size_t size)
{
    ring_dsync_many(w, size, 4);
}

static const struct method {
    const char *name;
    void (*run)(world *w, size_t size);
} methods[] = {
    {"pwrite + fdatasync", write_then_sync},
    {"pwrite + fdatasync, file grows", append_then_sync},
    {"O_DSYNC pwrite", write_opened_dsync},
    {"O_DIRECT|O_DSYNC pwrite", write_opened_direct_dsync},
    {"pwritev2 RWF_DSYNC", buffered_dsync},
    {"O_DIRECT pwrite + fdatasync", direct_then_sync},
    {"O_DIRECT pwritev2 RWF_DSYNC", direct_dsync},
    {"io_uring write, then fsync", ring_buffered},
    {"io_uring O_DIRECT, then fsync", ring_direct},
    {"io_uring O_DIRECT RWF_DSYNC", ring_dsync},
    {"… two at once", ring_dsync_2},
    {"… four at once", ring_dsync_4},
};
enum { METHODS = sizeof methods / sizeof methods[0] };

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    int rounds = argc > 2 ? atoi(argv[2]) : 400;
    if (argc < 2 || rounds < 1) {
        fprintf(stderr, "usage: bench_sync DIRECTORY [ROUNDS]\n");
        return 2;
    }
    char path[4096];
    snprintf(path, sizeof path, "%s/bench_sync.%d", argv[1], (int)getpid());
    world w = {0};
    w.buffered = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    must(w.buffered >= 0, path);
    w.direct = open(path, O_RDWR | O_DIRECT);
    must(w.direct >= 0, "O_DIRECT");
    w.dsync = open(path, O_RDWR | O_DSYNC);
    w.direct_dsync = open(path, O_RDWR | O_DIRECT | O_DSYNC);
    must(w.dsync >= 0 && w.direct_dsync >= 0, "O_DSYNC");
    unlink(path);
    w.growing = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    must(w.growing >= 0, path);
    unlink(path);
    must(posix_memalign((void **)&w.block, 4096, BLOCK_MAX) == 0, "memory");
    memset(w.block, 0, BLOCK_MAX);
    for (off_t at = 0; at < FILE_BYTES; at += BLOCK_MAX)
        must(pwrite(w.buffered, w.block, BLOCK_MAX, at) == BLOCK_MAX, "pwrite");
    must(fsync(w.buffered) == 0, "fsync");
    must(io_uring_queue_init(16, &w.ring, 0) == 0, "io_uring");
    memset(w.block, 7, BLOCK_MAX);
    for (size_t size = 4096; size <= 65536; size *= 4) {
        double *took = calloc((size_t)METHODS * (size_t)rounds, sizeof *took);
        must(took != NULL, "memory");
        for (int r = 0; r < rounds; r++)
            for (int i = 0; i < METHODS; i++) {
                int m = r % 2 ? METHODS - 1 - i : i;
                w.at = (w.at + 4 * 65536) % (FILE_BYTES / 2);
                double before = now_us();
                methods[m].run(&w, size);
                took[m * rounds + r] = now_us() - before;
            }
        printf("%zu KiB\n", size / 1024);
        for (int m = 0; m < METHODS; m++) {
            double *t = took + (size_t)m * (size_t)rounds;
            qsort(t, (size_t)rounds, sizeof *t, by_value);
            printf("  %-30s median %7.0f  min %7.0f  p99 %7.0f us\n", methods[m].name, t[rounds / 2], t[0],
                   t[rounds * 99 / 100]);
        }
        free(took);
    }
    io_uring_queue_exit(&w.ring);
    return 0;
}
