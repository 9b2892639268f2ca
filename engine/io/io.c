// SPDX-License-Identifier: Apache-2.0
// Choosing a backend, and the calls that submit one operation and wait for it.
#include "engine/io/io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

dbk_status dbk_io_open(dbk_io **out, const char *directory, bool create, dbk_error *err)
{
    if (create && mkdir(directory, 0700) != 0 && errno != EEXIST)
        return dbk_fail(err, errno == ENOSPC ? DBK_NO_SPACE : DBK_IO, "cannot create the directory %s: %s",
                        directory, strerror(errno));
    const char *wanted = getenv("DAYBOOK_IO");
    if (wanted && strcmp(wanted, "posix") == 0)
        return dbk_io_posix_open(out, directory, err);
    if (wanted && strcmp(wanted, "uring") == 0)
        return dbk_io_uring_open(out, directory, err);
    if (wanted && *wanted)
        return dbk_fail(err, DBK_INVALID, "DAYBOOK_IO is \"%s\"; it can be uring or posix", wanted);
    dbk_error ignored;
    if (dbk_io_uring_open(out, directory, &ignored) == DBK_OK)
        return DBK_OK;
    return dbk_io_posix_open(out, directory, err);
}

void dbk_io_close(dbk_io *io)
{
    if (io)
        io->backend->destroy(io);
}

dbk_status dbk_io_wait(dbk_io *io, dbk_io_op *op, const char *what, dbk_error *err)
{
    // At least once: what was done when it was submitted is the backend's until its callback ran.
    int completed;
    do
        completed = io->backend->complete(io);
    while (!op->finished && completed > 0);
    if (!op->finished)
        return dbk_fail(err, DBK_IO, "cannot %s: the operation was lost", what);
    if (op->status == DBK_OK)
        return DBK_OK;
    if (op->status == DBK_CORRUPT)
        return dbk_fail(err, DBK_CORRUPT, "cannot %s: the file ends before offset %llu", what,
                        (unsigned long long)(op->offset + op->size));
    return dbk_fail(err, op->status, "cannot %s: %s", what,
                    op->error_number ? strerror(op->error_number) : "no progress");
}

static dbk_status run(dbk_io *io, dbk_io_op *op, const char *what, dbk_error *err)
{
    io->backend->submit(io, op);
    return dbk_io_wait(io, op, what, err);
}

dbk_status dbk_io_read(dbk_io *io, dbk_file file, void *buffer, size_t size, uint64_t offset, dbk_error *err)
{
    dbk_io_op op = {.kind = DBK_IO_READ, .file = file, .buffer = buffer, .size = size, .offset = offset};
    return run(io, &op, "read", err);
}

dbk_status dbk_io_write(dbk_io *io, dbk_file file, const void *buffer, size_t size, uint64_t offset,
                        dbk_error *err)
{
    dbk_io_op op = {
        .kind = DBK_IO_WRITE, .file = file, .buffer = (void *)buffer, .size = size, .offset = offset};
    return run(io, &op, "write", err);
}

dbk_status dbk_io_sync(dbk_io *io, dbk_file file, dbk_error *err)
{
    dbk_io_op op = {.kind = DBK_IO_SYNC, .file = file};
    return run(io, &op, "sync", err);
}

dbk_status dbk_io_write_file(dbk_io *io, const char *name, dbk_open_mode mode, const void *data, size_t size,
                             dbk_error *err)
{
    dbk_file file;
    DBK_TRY(io->backend->open(io, name, mode, &file, err));
    dbk_status status = dbk_io_write(io, file, data, size, 0, err);
    if (status == DBK_OK)
        status = dbk_io_sync(io, file, err);
    io->backend->close(io, file);
    return status;
}

// What is set aside for a file and the slack behind it. A small file is not worth a page.
static size_t room_bytes(size_t length, size_t slack, size_t *unit)
{
    *unit = length < DBK_IO_BLOCK ? 64 : DBK_IO_BLOCK;
    const size_t units = (length + slack + *unit - 1) / *unit;
    return units ? units * *unit : *unit;
}

void *dbk_io_room_create(size_t length, size_t slack)
{
    size_t unit;
    if (length > SIZE_MAX - slack - DBK_IO_BLOCK)
        return NULL;
    const size_t bytes = room_bytes(length, slack, &unit);
    return aligned_alloc(unit, bytes);
}

static dbk_status read_whole(dbk_io *io, dbk_file file, const char *name, size_t slack, void **out,
                             size_t *size, dbk_error *err)
{
    uint64_t length;
    size_t unit;
    DBK_TRY(io->backend->size(io, file, &length, err));
    void *room = dbk_io_room_create((size_t)length, slack);
    if (!room)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory reading %s (%llu bytes)", name,
                        (unsigned long long)length);
    dbk_status status = dbk_io_read(io, file, room, (size_t)length, 0, err);
    if (status != DBK_OK) {
        free(room);
        return status;
    }
    memset((uint8_t *)room + length, 0, room_bytes((size_t)length, slack, &unit) - (size_t)length);
    *out = room;
    *size = (size_t)length;
    return DBK_OK;
}

dbk_status dbk_io_read_file(dbk_io *io, const char *name, size_t slack, void **out, size_t *size,
                            dbk_error *err)
{
    dbk_file file;
    DBK_TRY(io->backend->open(io, name, DBK_OPEN_READ_ONCE, &file, err));
    dbk_status status = read_whole(io, file, name, slack, out, size, err);
    io->backend->close(io, file);
    return status;
}

static dbk_status read_pieces(dbk_io *io, dbk_file file, size_t length, const dbk_io_window *window,
                              dbk_io_piece piece, void *user, size_t *size, dbk_error *err)
{
    uint64_t there;
    DBK_TRY(io->backend->size(io, file, &there, err));
    *size = (size_t)there;
    for (size_t at = 0; there == length && at < length; at += window->bytes) {
        const size_t n = length - at < window->bytes ? length - at : window->bytes;
        DBK_TRY(dbk_io_read(io, file, window->memory, n, at, err));
        piece(user, window->memory, n);
    }
    return DBK_OK;
}

dbk_status dbk_io_read_pieces(dbk_io *io, const char *name, size_t length, const dbk_io_window *window,
                              dbk_io_piece piece, void *user, size_t *size, dbk_error *err)
{
    dbk_file file;
    DBK_TRY(io->backend->open(io, name, DBK_OPEN_READ_ONCE, &file, err));
    dbk_status status = read_pieces(io, file, length, window, piece, user, size, err);
    io->backend->close(io, file);
    return status;
}
