// SPDX-License-Identifier: Apache-2.0
// Where a restart's time goes: a data directory is opened as a server opens it, phase by phase, with the time
// that passed and the processor's, all threads taken together. Beside it stands what the disk needs to hand
// the files over, read past the page cache in requests of 1 to 8 MiB, several at a time: the best of all is
// the floor that a restart is measured against.
//
//     bench_restart DIR [ROUNDS] [cold]     nobody else may have DIR open
//
// `cold` drops the page cache before each opening, which the superuser may do.
#include "engine/base/clock.h"
#include "engine/base/hash.h"
#include "engine/db.h"
#include "engine/segment/segment.h"
#include "ingest/store/files.h"
#include "ingest/store/journal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 16, MIB = 1 << 20 };

typedef struct moment {
    double wall, processor;
} moment;

static double clock_read(clockid_t clock)
{
    return (double)dbk_clock_ns(clock) / 1e9;
}

static moment now(void)
{
    return (moment){clock_read(CLOCK_MONOTONIC), clock_read(CLOCK_PROCESS_CPUTIME_ID)};
}

static moment since(moment start)
{
    moment end = now();
    return (moment){end.wall - start.wall, end.processor - start.processor};
}

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "bench_restart: %s\n", what);
    exit(1);
}

static bool drop_caches(void)
{
    int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
    bool ok = fd >= 0 && write(fd, "3", 1) == 1;
    if (fd >= 0)
        close(fd);
    return ok;
}

// ---- The disk ----

typedef struct disk_read {
    const char *directory;
    const dbk_file_list *files;
    size_t next_file;
    uint64_t at, size;
} disk_read;

typedef struct request {
    int fd;
    uint64_t offset;
    size_t size;
} request;

static int segment_open(const char *directory, const dbk_file_list *files, size_t index, int flags)
{
    char path[4096];
    dbk_file_name name = dbk_file_name_make(DBK_FILE_SEGMENT, files->numbers[DBK_FILE_SEGMENT][index]);
    snprintf(path, sizeof path, "%s/%s", directory, name.text);
    return open(path, O_RDONLY | O_CLOEXEC | flags);
}

// The next request, on a descriptor of its own; false at the end.
static bool next_request(disk_read *d, size_t chunk, request *out)
{
    if (d->at >= d->size)
        d->next_file++;
    if (d->next_file > d->files->counts[DBK_FILE_SEGMENT])
        return false;
    out->fd = segment_open(d->directory, d->files, d->next_file - 1, O_DIRECT);
    must(out->fd >= 0, "the disk cannot be read past the page cache");
    if (d->at >= d->size) {
        struct stat status;
        must(fstat(out->fd, &status) == 0, "a file vanished");
        d->size = (uint64_t)status.st_size;
        d->at = 0;
    }
    out->offset = d->at;
    d->at += chunk;
    // Not past the end: the kernel would fill the rest with zeros.
    out->size = d->at < d->size ? chunk : (size_t)(d->size - out->offset + 4095) / 4096 * 4096;
    return true;
}

static double disk_seconds(const char *directory, const dbk_file_list *files, size_t chunk, int depth)
{
    struct io_uring ring;
    must(io_uring_queue_init(DEPTH_MAX, &ring, 0) == 0, "io_uring cannot be used here");
    void *buffers[DEPTH_MAX];
    request requests[DEPTH_MAX];
    int idle[DEPTH_MAX], idle_count = 0, in_flight = 0;
    for (int i = 0; i < depth; i++) {
        buffers[i] = aligned_alloc(4096, chunk);
        must(buffers[i], "out of memory");
        idle[idle_count++] = i;
    }
    disk_read d = {.directory = directory, .files = files};
    moment start = now();
    bool more = true;
    while (more || in_flight > 0) {
        while (idle_count > 0 && (more = next_request(&d, chunk, &requests[idle[idle_count - 1]]))) {
            int which = idle[--idle_count];
            const request *r = &requests[which];
            struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
            io_uring_prep_read(sqe, r->fd, buffers[which], (unsigned)r->size, r->offset);
            io_uring_sqe_set_data64(sqe, (uint64_t)which);
            in_flight++;
        }
        if (in_flight == 0)
            break;
        must(io_uring_submit_and_wait(&ring, 1) >= 0, "io_uring failed");
        struct io_uring_cqe *cqe;
        unsigned head, seen = 0;
        io_uring_for_each_cqe(&ring, head, cqe)
        {
            int which = (int)cqe->user_data;
            must(cqe->res >= 0, "a read failed");
            close(requests[which].fd);
            idle[idle_count++] = which;
            in_flight--;
            seen++;
        }
        io_uring_cq_advance(&ring, seen);
    }
    double seconds = since(start).wall;
    for (int i = 0; i < depth; i++)
        free(buffers[i]);
    io_uring_queue_exit(&ring);
    return seconds;
}

static double disk_floor(const char *directory, const dbk_file_list *files, uint64_t bytes)
{
    double best = 1e9;
    size_t best_chunk = 0;
    int best_depth = 0;
    for (size_t chunk = 1; chunk <= 8; chunk *= 2)
        for (int depth = 1; depth <= DEPTH_MAX; depth *= 2) {
            double seconds = disk_seconds(directory, files, chunk * MIB, depth);
            if (seconds < best) {
                best = seconds;
                best_chunk = chunk;
                best_depth = depth;
            }
        }
    printf("  disk          %8.3f s  %6.2f GB/s  (requests of %zu MiB, %d in flight: the best of all)\n",
           best, (double)bytes / best / 1e9, best_chunk, best_depth);
    return best;
}

// ---- What a byte and a row cost on one thread ----

static void pieces(dbk_io *io, const dbk_file_list *files)
{
    double reading = 0, summing = 0, opening = 0;
    uint64_t rows = 0, bytes = 0;
    dbk_error err;
    for (size_t i = 0; i < files->counts[DBK_FILE_SEGMENT]; i++) {
        void *file;
        size_t size;
        moment start = now();
        must(dbk_file_read_named(io, DBK_FILE_SEGMENT, files->numbers[DBK_FILE_SEGMENT][i], DBK_SEGMENT_SLACK,
                                 &file, &size, &err) == DBK_OK,
             err.message);
        reading += since(start).processor;
        start = now();
        volatile uint64_t sum = dbk_checksum(file, size);
        (void)sum;
        summing += since(start).processor;
        start = now();
        dbk_segment *segment;
        must(dbk_segment_open(file, size, &segment, &err) == DBK_OK, err.message);
        opening += since(start).processor;
        rows += dbk_segment_rows(segment);
        bytes += size;
        dbk_segment_free(segment);
    }
    printf("  one thread, ns of the processor a row: read %.1f, sum %.1f (%.1f GB/s), open %.1f\n",
           reading * 1e9 / (double)rows, summing * 1e9 / (double)rows, (double)bytes / summing / 1e9,
           opening * 1e9 / (double)rows);
}

// ---- The phases ----

static uint64_t facts(dbk_db *db)
{
    uint64_t rows = 0;
    dbk_read read = dbk_read_begin(db);
    for (size_t t = 0; t < dbk_snapshot_tenants(read.snapshot); t++)
        for (int id = 1; id < DBK_TABLE_END; id++)
            if (dbk_table_def_by_id(id) && dbk_table_def_by_id(id)->kind == DBK_FACT)
                rows += dbk_snapshot_rows(read.snapshot, dbk_snapshot_tenant_name(read.snapshot, t), id);
    dbk_read_end(db, &read);
    return rows;
}

static void phase(const char *name, moment took, uint64_t rows)
{
    printf("  %-13s %8.3f s  processor %7.3f s  %6.1f ns a row\n", name, took.wall, took.processor,
           took.processor * 1e9 / (double)rows);
}

static double open_once(dbk_io *io, const char *directory)
{
    dbk_error err;
    dbk_db *db;
    dbk_journal *journal;
    dbk_journal_options options = {0};
    (void)directory;
    moment start = now();
    must(dbk_db_create(&db, &err) == DBK_OK, "out of memory");
    dbk_db_put_off_keys(db);
    dbk_db_put_off_rollups(db);
    must(dbk_journal_open(&journal, io, db, &options, &err) == DBK_OK, err.message);
    moment opened = since(start);
    uint64_t rows = facts(db);
    phase("open", opened, rows);
    start = now();
    must(dbk_db_make_keys(db, &err) == DBK_OK, err.message);
    phase("keys", since(start), rows);
    start = now();
    must(dbk_db_prove(db, &err) == DBK_OK, err.message);
    phase("proofs", since(start), rows);
    start = now();
    if (dbk_db_make_rollups(db)) {
        dbk_snapshot *image = dbk_db_freeze(db, dbk_journal_number(journal));
        must(image, "out of memory");
        dbk_db_publish(db, image);
    }
    phase("rollups", since(start), rows);
    printf("  %" PRIu64 " rows of facts, %.1f bytes of memory a row\n", rows,
           (double)dbk_db_memory(db) / (double)rows);
    dbk_journal_destroy(journal);
    dbk_db_destroy(db);
    return opened.wall;
}

int main(int argc, char **argv)
{
    must(argc >= 2, "which data directory?");
    int rounds = argc > 2 ? atoi(argv[2]) : 3;
    bool cold = argc > 3 && strcmp(argv[3], "cold") == 0;
    dbk_error err;
    dbk_io *io;
    must(dbk_io_open(&io, argv[1], false, &err) == DBK_OK, err.message);
    dbk_file_list files;
    must(dbk_file_list_read(&files, io, &err) == DBK_OK, err.message);
    uint64_t bytes = 0;
    for (size_t i = 0; i < files.counts[DBK_FILE_SEGMENT]; i++) {
        struct stat status;
        int fd = segment_open(argv[1], &files, i, 0);
        must(fd >= 0 && fstat(fd, &status) == 0, "a file vanished");
        bytes += (uint64_t)status.st_size;
        close(fd);
    }
    printf("restart: %zu segments, %.1f MB\n", files.counts[DBK_FILE_SEGMENT], (double)bytes / 1e6);
    double disk = disk_floor(argv[1], &files, bytes);
    pieces(io, &files);
    double best = 1e9;
    for (int i = 0; i < rounds; i++) {
        if (cold)
            must(drop_caches(), "the page cache cannot be dropped: only the superuser may");
        double seconds = open_once(io, argv[1]);
        best = seconds < best ? seconds : best;
    }
    printf("  the best opening is %.2f times the disk's\n", best / disk);
    dbk_file_list_dispose(&files);
    dbk_io_close(io);
    return 0;
}
