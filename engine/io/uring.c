// SPDX-License-Identifier: Apache-2.0
// The io_uring backend. What the kernel does to the unwary, and how this file meets it:
//
//   short transfers        the rest is submitted again until the operation is whole. Writes and syncs are
//                          never linked: a durable write is one request, which the kernel syncs itself, and
//                          so is the rest of one that was short.
//   a full queue           operations wait in a list of our own; in flight never exceeds the completion
//   queue, so
//                          completions cannot overflow.
//   EAGAIN, EINTR in res   submitted again, a bounded number of times.
//   32-bit results         one request moves at most 1 GiB.
#include "engine/io/directory.h"

#include <errno.h>
#include <liburing.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

enum { RING_ENTRIES = 64, CHUNK_BYTES_MAX = 1 << 30, RETRIES_MAX = 1000 };

typedef struct uring_io {
    dbk_io_directory directory; // first: the shared functions see a dbk_io_directory
    struct io_uring ring;
    unsigned in_flight;
    unsigned retries;                        // since the last progress
    dbk_io_op *waiting_first, *waiting_last; // for a place in the ring
} uring_io;

static void finish(uring_io *io, dbk_io_op *op, int error_number, dbk_status status)
{
    dbk_io_directory_finish(&io->directory, op, error_number, status);
}

static bool start(uring_io *io, dbk_io_op *op)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&io->ring);
    if (!sqe)
        return false;
    int fd = io->directory.files[op->file].fd;
    uint8_t *at = op->buffer ? (uint8_t *)op->buffer + op->transferred : NULL;
    size_t left = dbk_io_directory_step(&io->directory, op);
    unsigned chunk = left > CHUNK_BYTES_MAX ? CHUNK_BYTES_MAX : (unsigned)left;
    uint64_t offset = op->offset + op->transferred;
    if (op->kind == DBK_IO_SYNC)
        io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
    else if (op->kind == DBK_IO_READ)
        io_uring_prep_read(sqe, fd, at, chunk, offset);
    else
        io_uring_prep_write(sqe, fd, at, chunk, offset);
    if (op->durable)
        sqe->rw_flags = RWF_DSYNC;
    io_uring_sqe_set_data(sqe, op);
    io->in_flight++;
    return true;
}

static void start_waiting(uring_io *io)
{
    while (io->waiting_first && io->in_flight < RING_ENTRIES) {
        dbk_io_op *op = io->waiting_first;
        if (!start(io, op))
            break;
        io->waiting_first = op->next;
        if (!io->waiting_first)
            io->waiting_last = NULL;
    }
}

static void uring_submit(dbk_io *base, dbk_io_op *op)
{
    uring_io *io = (uring_io *)base;
    if (!dbk_io_directory_admits(&io->directory, op))
        return;
    if (op->kind != DBK_IO_SYNC && op->size == 0) {
        finish(io, op, 0, DBK_OK);
        return;
    }
    dbk_io_op_append(&io->waiting_first, &io->waiting_last, op);
    start_waiting(io);
    // A failure to enter the kernel now is met again, and handled, in complete.
    io_uring_submit(&io->ring);
}

static void on_completion(uring_io *io, struct io_uring_cqe *cqe)
{
    dbk_io_op *op = io_uring_cqe_get_data(cqe);
    int result = cqe->res;
    io->in_flight--;
    if ((result == -EAGAIN || result == -EINTR) && io->retries++ < RETRIES_MAX) {
        dbk_io_op_append(&io->waiting_first, &io->waiting_last, op);
    } else if (result < 0 && dbk_io_directory_retries(&io->directory, op, -result)) {
        dbk_io_op_append(&io->waiting_first, &io->waiting_last, op);
    } else if (result < 0) {
        finish(io, op, -result, dbk_io_status_of(-result));
    } else if (op->kind == DBK_IO_SYNC) {
        finish(io, op, 0, DBK_OK);
    } else if (result == 0) {
        finish(io, op, 0, op->kind == DBK_IO_READ ? DBK_CORRUPT : DBK_IO);
    } else {
        io->retries = 0;
        op->transferred += (size_t)result;
        if (op->transferred >= op->size) // more: the file grew, and a read was of whole blocks
            finish(io, op, 0, DBK_OK);
        else
            dbk_io_op_append(&io->waiting_first, &io->waiting_last, op);
    }
}

// The ring itself is broken: nothing in flight will ever be reported. Whoever waits must learn it; buffers
// that the kernel may still hold are the caller's loss to bear, which is why callers treat any failed
// operation as final.
static void abandon(uring_io *io, int error_number)
{
    while (io->waiting_first) {
        dbk_io_op *op = io->waiting_first;
        io->waiting_first = op->next;
        finish(io, op, error_number, DBK_IO);
    }
    io->waiting_last = NULL;
}

static int uring_complete(dbk_io *base)
{
    uring_io *io = (uring_io *)base;
    while (!io->directory.done_first && (io->in_flight > 0 || io->waiting_first)) {
        start_waiting(io);
        int entered = io_uring_submit_and_wait(&io->ring, 1);
        if (entered < 0 && entered != -EINTR && entered != -EAGAIN && entered != -EBUSY) {
            abandon(io, -entered);
            break;
        }
        struct io_uring_cqe *cqe;
        unsigned head, seen = 0;
        io_uring_for_each_cqe(&io->ring, head, cqe)
        {
            on_completion(io, cqe);
            seen++;
        }
        io_uring_cq_advance(&io->ring, seen);
    }
    return dbk_io_directory_run_callbacks(&io->directory);
}

// The kernel may map a new ring where another thread's old one was. That is in order, but liburing maps and
// unmaps without the C library, so that thread sanitizers see no order in it: the lock is one that they do
// see.
static pthread_mutex_t mapping = PTHREAD_MUTEX_INITIALIZER;

static int ring_init(struct io_uring *ring)
{
    pthread_mutex_lock(&mapping);
    int result = io_uring_queue_init(RING_ENTRIES, ring, 0);
    pthread_mutex_unlock(&mapping);
    return result;
}

static void ring_exit(struct io_uring *ring)
{
    pthread_mutex_lock(&mapping);
    io_uring_queue_exit(ring);
    pthread_mutex_unlock(&mapping);
}

static void uring_destroy(dbk_io *base)
{
    uring_io *io = (uring_io *)base;
    while (io->in_flight > 0 && uring_complete(base) > 0)
        ;
    ring_exit(&io->ring);
    dbk_io_directory_dispose(&io->directory);
    free(io);
}

static dbk_status uring_again(const dbk_io *base, dbk_io **out, dbk_error *err)
{
    return dbk_io_uring_open(out, ((const dbk_io_directory *)base)->path, err);
}

static const dbk_io_backend uring_backend = {
    .name = "uring",
    .open = dbk_io_directory_open,
    .close = dbk_io_directory_close,
    .size = dbk_io_directory_size,
    .allocate = dbk_io_directory_allocate,
    .remove = dbk_io_directory_remove,
    .list = dbk_io_directory_list,
    .sync_directory = dbk_io_directory_sync,
    .submit = uring_submit,
    .complete = uring_complete,
    .destroy = uring_destroy,
    .again = uring_again,
};

dbk_status dbk_io_uring_open(dbk_io **out, const char *directory, dbk_error *err)
{
    uring_io *io = calloc(1, sizeof(*io));
    if (!io)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory opening %s", directory);
    io->directory.base.backend = &uring_backend;
    int result = ring_init(&io->ring);
    if (result < 0) {
        free(io);
        return dbk_fail(err, DBK_IO,
                        "io_uring cannot be used here (%s); containers often forbid it: set DAYBOOK_IO=posix",
                        strerror(-result));
    }
    if (!(io->ring.features & IORING_FEAT_NODROP)) {
        ring_exit(&io->ring);
        free(io);
        return dbk_fail(err, DBK_IO, "this kernel's io_uring may drop completions; set DAYBOOK_IO=posix");
    }
    dbk_status status = dbk_io_directory_init(&io->directory, directory, err);
    if (status != DBK_OK) {
        ring_exit(&io->ring);
        free(io);
        return status;
    }
    *out = &io->directory.base;
    return DBK_OK;
}
