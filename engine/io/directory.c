// SPDX-License-Identifier: Apache-2.0
// Names and handles by plain calls, which are rare enough not to be worth a ring.
#include "engine/io/directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

dbk_status dbk_io_status_of(int error_number)
{
    switch (error_number) {
    case ENOSPC:
    case EDQUOT:
        return DBK_NO_SPACE;
    case ENOMEM:
        return DBK_NO_MEMORY;
    case ENOENT:
        return DBK_NOT_FOUND;
    default:
        return DBK_IO;
    }
}

static dbk_status fail(dbk_io_directory *directory, const char *what, const char *name, dbk_error *err)
{
    int number = errno;
    return dbk_fail(err, dbk_io_status_of(number), "%s %s/%s: %s", what, directory->path, name,
                    strerror(number));
}

dbk_status dbk_io_directory_init(dbk_io_directory *directory, const char *path, dbk_error *err)
{
    if (strlen(path) >= sizeof(directory->path))
        return dbk_fail(err, DBK_INVALID, "the path of the data directory is too long: %s", path);
    strcpy(directory->path, path);
    directory->files = NULL;
    directory->files_count = 0;
    directory->done_first = directory->done_last = NULL;
    directory->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory->fd < 0) {
        int number = errno;
        return dbk_fail(err, dbk_io_status_of(number), "cannot open the directory %s: %s", path,
                        strerror(number));
    }
    return DBK_OK;
}

void dbk_io_directory_dispose(dbk_io_directory *directory)
{
    for (int i = 0; i < directory->files_count; i++)
        if (directory->files[i].fd >= 0)
            close(directory->files[i].fd);
    free(directory->files);
    if (directory->fd >= 0)
        close(directory->fd);
}

static dbk_status new_handle(dbk_io_directory *directory, int fd, dbk_file *out, dbk_error *err)
{
    int free_handle = 0;
    while (free_handle < directory->files_count && directory->files[free_handle].fd >= 0)
        free_handle++;
    if (free_handle == directory->files_count) {
        int wanted = directory->files_count ? directory->files_count * 2 : 8;
        dbk_io_open_file *grown = realloc(directory->files, (size_t)wanted * sizeof(*grown));
        if (!grown) {
            close(fd);
            return dbk_fail(err, DBK_NO_MEMORY, "out of memory opening a file");
        }
        for (int i = directory->files_count; i < wanted; i++)
            grown[i].fd = -1;
        directory->files = grown;
        directory->files_count = wanted;
    }
    directory->files[free_handle] = (dbk_io_open_file){.fd = fd};
    *out = free_handle;
    return DBK_OK;
}

static bool set_direct(int fd, bool direct)
{
    const int flags = fcntl(fd, F_GETFL);
    return fcntl(fd, F_SETFL, direct ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
}

// As Linux 6.5 and later have it; the C library has none.
typedef struct cache_range {
    uint64_t offset, length; // 0: to the end
} cache_range;
typedef struct cache_figures {
    uint64_t cached, dirty, writeback, evicted, recently_evicted;
} cache_figures;
enum { SYSTEM_CALL_CACHESTAT = 451 };

// Pages of the file that the page cache has; false where the kernel does not say.
static bool cached_pages_told(int fd, size_t *there)
{
    cache_range range = {0};
    cache_figures figures;
    if (syscall(SYSTEM_CALL_CACHESTAT, fd, &range, &figures, 0) != 0)
        return false;
    *there = (size_t)figures.cached;
    return true;
}

// The same by a mapping, for which the other threads' page faults have to wait.
static size_t cached_pages_mapped(int fd, size_t size, size_t pages)
{
    size_t there = 0;
    void *map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    uint8_t *resident = malloc(pages);
    if (map != MAP_FAILED && resident && mincore(map, size, resident) == 0)
        for (size_t i = 0; i < pages; i++)
            there += resident[i] & 1;
    if (map != MAP_FAILED)
        munmap(map, size);
    free(resident);
    return there;
}

// A file of which the page cache has the greater part is read faster from there. Small ones are not worth the
// question; where the file system does not know how, everything stays as it is.
static bool turn_direct(int fd)
{
    enum { WORTH_BYTES = 1 << 18 };
    struct stat status;
    if (fstat(fd, &status) != 0 || status.st_size < WORTH_BYTES)
        return false;
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (size_t)status.st_size;
    size_t pages = (size + page - 1) / page, there;
    if (!cached_pages_told(fd, &there))
        there = cached_pages_mapped(fd, size, pages);
    return there * 2 < pages && set_direct(fd, true);
}

dbk_status dbk_io_directory_open(dbk_io *io, const char *name, dbk_open_mode mode, dbk_file *out,
                                 dbk_error *err)
{
    dbk_io_directory *directory = (dbk_io_directory *)io;
    static const int flags[] = {
        [DBK_OPEN_READ] = O_RDONLY,
        [DBK_OPEN_CREATE] = O_RDWR | O_CREAT | O_EXCL,
        [DBK_OPEN_WRITE] = O_RDWR,
        [DBK_OPEN_READ_ONCE] = O_RDONLY,
        [DBK_OPEN_CREATE_ONCE] = O_RDWR | O_CREAT | O_EXCL,
    };
    int fd = openat(directory->fd, name, flags[mode] | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fail(directory, flags[mode] & O_CREAT ? "cannot create" : "cannot open", name, err);
    bool direct =
        mode == DBK_OPEN_CREATE_ONCE ? set_direct(fd, true) : mode == DBK_OPEN_READ_ONCE && turn_direct(fd);
    DBK_TRY(new_handle(directory, fd, out, err));
    directory->files[*out].direct = direct;
    return DBK_OK;
}

size_t dbk_io_directory_step(dbk_io_directory *directory, const dbk_io_op *op)
{
    dbk_io_open_file *file = &directory->files[op->file];
    const size_t left = op->size - op->transferred;
    if (!file->direct)
        return left;
    if (op->kind == DBK_IO_READ)
        return (left + DBK_IO_BLOCK - 1) / DBK_IO_BLOCK * DBK_IO_BLOCK;
    // The last block is not a whole one: it goes through the page cache.
    if (left < DBK_IO_BLOCK)
        file->direct = !set_direct(file->fd, false);
    return left < DBK_IO_BLOCK ? left : left / DBK_IO_BLOCK * DBK_IO_BLOCK;
}

bool dbk_io_directory_retries(dbk_io_directory *directory, const dbk_io_op *op, int error_number)
{
    dbk_io_open_file *file = &directory->files[op->file];
    if (!file->direct || error_number != EINVAL)
        return false;
    file->direct = false;
    return set_direct(file->fd, false);
}

void dbk_io_directory_close(dbk_io *io, dbk_file file)
{
    dbk_io_directory *directory = (dbk_io_directory *)io;
    if (file < 0)
        return;
    close(directory->files[file].fd);
    directory->files[file].fd = -1;
}

dbk_status dbk_io_directory_size(dbk_io *io, dbk_file file, uint64_t *out, dbk_error *err)
{
    dbk_io_directory *directory = (dbk_io_directory *)io;
    struct stat status;
    if (fstat(directory->files[file].fd, &status) != 0)
        return fail(directory, "cannot stat a file in", "", err);
    *out = (uint64_t)status.st_size;
    return DBK_OK;
}

// Many pieces a call: past the page cache each call waits for the disk, and on a busy machine then for its
// turn.
static bool write_zeros(int fd, uint64_t size)
{
    enum { PIECES = 64 };
    static const _Alignas(DBK_IO_BLOCK) uint8_t zeros[1 << 18];
    bool direct = size % DBK_IO_BLOCK == 0 && set_direct(fd, true);
    for (uint64_t at = 0; at < size;) {
        struct iovec pieces[PIECES];
        uint64_t left = size - at;
        int count = 0;
        for (; count < PIECES && left > 0; count++) {
            size_t piece = left < sizeof(zeros) ? (size_t)left : sizeof(zeros);
            pieces[count] = (struct iovec){(void *)zeros, piece};
            left -= piece;
        }
        ssize_t written = pwritev(fd, pieces, count, (off_t)at);
        if (written < 0 && errno == EINVAL && direct && set_direct(fd, false))
            direct = false;
        else if (written == 0 || (written < 0 && errno != EINTR))
            return false;
        else
            at += written > 0 ? (uint64_t)written : 0;
    }
    return !direct || set_direct(fd, false);
}

dbk_status dbk_io_directory_allocate(dbk_io *io, dbk_file file, uint64_t size, dbk_error *err)
{
    dbk_io_directory *directory = (dbk_io_directory *)io;
    int fd = directory->files[file].fd;
    // fallocate finds out about a full disk before anything is written; the zeros that follow turn the
    // reserved extents into written ones, so that a later sync inside them has no metadata to change. They go
    // past the page cache, which would hold them for nobody.
    int number = posix_fallocate(fd, 0, (off_t)size);
    if (number != 0) {
        errno = number;
        return fail(directory, "cannot reserve space in", "", err);
    }
    if (!write_zeros(fd, size))
        return fail(directory, "cannot write zeros to a file in", "", err);
    if (fsync(fd) != 0) {
        directory->files[file].sync_failed = true;
        return fail(directory, "cannot sync a new file in", "", err);
    }
    return DBK_OK;
}

dbk_status dbk_io_directory_remove(dbk_io *io, const char *name, dbk_error *err)
{
    dbk_io_directory *directory = (dbk_io_directory *)io;
    if (unlinkat(directory->fd, name, 0) != 0)
        return fail(directory, "cannot remove", name, err);
    return DBK_OK;
}

// Most file systems say it beside the name. To ask the file is to read it from the disk, one after the other.
static bool is_regular(const dbk_io_directory *directory, const struct dirent *entry)
{
    struct stat status;
    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_REG;
    return fstatat(directory->fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISREG(status.st_mode);
}

dbk_status dbk_io_directory_list(dbk_io *io, void (*visit)(void *user, const char *name), void *user,
                                 dbk_error *err)
{
    dbk_io_directory *directory = (dbk_io_directory *)io;
    int fd = openat(directory->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    if (!stream) {
        if (fd >= 0)
            close(fd);
        return fail(directory, "cannot list", "", err);
    }
    struct dirent *entry;
    while ((entry = readdir(stream)) != NULL)
        if (is_regular(directory, entry))
            visit(user, entry->d_name);
    closedir(stream);
    return DBK_OK;
}

dbk_status dbk_io_directory_sync(dbk_io *io, dbk_error *err)
{
    dbk_io_directory *directory = (dbk_io_directory *)io;
    if (fsync(directory->fd) != 0)
        return fail(directory, "cannot sync the directory", "", err);
    return DBK_OK;
}

void dbk_io_op_append(dbk_io_op **first, dbk_io_op **last, dbk_io_op *op)
{
    op->next = NULL;
    if (*last)
        (*last)->next = op;
    else
        *first = op;
    *last = op;
}

bool dbk_io_directory_admits(dbk_io_directory *directory, dbk_io_op *op)
{
    op->status = DBK_OK;
    op->error_number = 0;
    op->finished = false;
    op->transferred = 0;
    op->next = NULL;
    if (op->kind == DBK_IO_READ || !directory->files[op->file].sync_failed)
        return true;
    dbk_io_directory_finish(directory, op, EIO, DBK_IO);
    return false;
}

void dbk_io_directory_finish(dbk_io_directory *directory, dbk_io_op *op, int error_number, dbk_status status)
{
    if ((op->kind == DBK_IO_SYNC || op->durable) && status != DBK_OK)
        directory->files[op->file].sync_failed = true;
    op->error_number = error_number;
    op->status = status;
    op->finished = true;
    dbk_io_op_append(&directory->done_first, &directory->done_last, op);
}

int dbk_io_directory_run_callbacks(dbk_io_directory *directory)
{
    int count = 0;
    dbk_io_op *op = directory->done_first;
    directory->done_first = directory->done_last = NULL;
    while (op) {
        dbk_io_op *next = op->next;
        if (op->done)
            op->done(op);
        op = next;
        count++;
    }
    return count;
}
