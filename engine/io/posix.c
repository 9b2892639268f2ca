// SPDX-License-Identifier: Apache-2.0
// The backend of plain system calls: pread, pwrite, fdatasync. It works everywhere, containers included.
// Operations run when they are submitted; only their callbacks wait for dbk_io_complete, so that callers meet
// the same order of events as with io_uring.
#include "engine/io/directory.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct posix_io {
    dbk_io_directory directory; // first: the shared functions see a dbk_io_directory
} posix_io;

static void sync_file(posix_io *io, dbk_io_op *op)
{
    if (fdatasync(io->directory.files[op->file].fd) != 0)
        dbk_io_directory_finish(&io->directory, op, errno, dbk_io_status_of(errno));
    else
        dbk_io_directory_finish(&io->directory, op, 0, DBK_OK);
}

static void transfer(posix_io *io, dbk_io_op *op)
{
    int fd = io->directory.files[op->file].fd;
    while (op->transferred < op->size) {
        uint8_t *at = (uint8_t *)op->buffer + op->transferred;
        size_t left = dbk_io_directory_step(&io->directory, op);
        off_t offset = (off_t)(op->offset + op->transferred);
        ssize_t n = op->kind == DBK_IO_READ ? pread(fd, at, left, offset) : pwrite(fd, at, left, offset);
        if (n < 0 && (errno == EINTR || dbk_io_directory_retries(&io->directory, op, errno)))
            continue;
        if (n < 0) {
            dbk_io_directory_finish(&io->directory, op, errno, dbk_io_status_of(errno));
            return;
        }
        if (n == 0) {
            dbk_status status = op->kind == DBK_IO_READ ? DBK_CORRUPT : DBK_IO;
            dbk_io_directory_finish(&io->directory, op, 0, status);
            return;
        }
        op->transferred += (size_t)n;
    }
    if (op->durable)
        sync_file(io, op);
    else
        dbk_io_directory_finish(&io->directory, op, 0, DBK_OK);
}

static void posix_submit(dbk_io *base, dbk_io_op *op)
{
    posix_io *io = (posix_io *)base;
    if (dbk_io_directory_admits(&io->directory, op)) {
        if (op->kind == DBK_IO_SYNC)
            sync_file(io, op);
        else
            transfer(io, op);
    }
}

static int posix_complete(dbk_io *base)
{
    return dbk_io_directory_run_callbacks((dbk_io_directory *)base);
}

static void posix_destroy(dbk_io *base)
{
    posix_io *io = (posix_io *)base;
    dbk_io_directory_dispose(&io->directory);
    free(io);
}

static dbk_status posix_again(const dbk_io *base, dbk_io **out, dbk_error *err)
{
    return dbk_io_posix_open(out, ((const dbk_io_directory *)base)->path, err);
}

static const dbk_io_backend posix_backend = {
    .name = "posix",
    .open = dbk_io_directory_open,
    .close = dbk_io_directory_close,
    .size = dbk_io_directory_size,
    .allocate = dbk_io_directory_allocate,
    .remove = dbk_io_directory_remove,
    .list = dbk_io_directory_list,
    .sync_directory = dbk_io_directory_sync,
    .submit = posix_submit,
    .complete = posix_complete,
    .destroy = posix_destroy,
    .again = posix_again,
};

dbk_status dbk_io_posix_open(dbk_io **out, const char *directory, dbk_error *err)
{
    posix_io *io = calloc(1, sizeof(*io));
    if (!io)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory opening %s", directory);
    io->directory.base.backend = &posix_backend;
    dbk_status status = dbk_io_directory_init(&io->directory, directory, err);
    if (status != DBK_OK) {
        free(io);
        return status;
    }
    *out = &io->directory.base;
    return DBK_OK;
}
