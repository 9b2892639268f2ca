// SPDX-License-Identifier: Apache-2.0
// Bytes go through the io seam; the name changes by a plain rename, which the seam does not have.
#include "http/exports/file.h"

#include "engine/io/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Synced in steps: one sync of a whole large file would keep the log's small ones waiting.
enum { SYNC_BYTES = 8 << 20 };

static const char part_ending[] = ".csv.part", ending[] = ".csv";

enum { NAME_MAX_BYTES = DBK_EXPORT_ID_BYTES + sizeof(part_ending) };

struct dbk_export_file {
    dbk_io *io;
    dbk_file handle;
    uint64_t size, synced;
    char part_name[NAME_MAX_BYTES];
    char part[DBK_EXPORT_PATH_MAX], path[DBK_EXPORT_PATH_MAX];
};

static bool make_path(char out[DBK_EXPORT_PATH_MAX], const char *directory, dbk_text id, const char *end)
{
    int length = snprintf(out, DBK_EXPORT_PATH_MAX, "%s/%.*s%s", directory, (int)id.length, id.data, end);
    return length > 0 && length < DBK_EXPORT_PATH_MAX;
}

bool dbk_export_file_path(char out[DBK_EXPORT_PATH_MAX], const char *directory, dbk_text id)
{
    return make_path(out, directory, id, ending);
}

static void remove_quietly(dbk_export_file *file)
{
    // What cannot be taken away now is taken away by the sweep at the next start.
    if (unlink(file->part) != 0 && errno != ENOENT)
        fprintf(stderr, "daybook: exports: cannot remove %s: %s\n", file->part, strerror(errno));
}

void dbk_export_file_abandon(dbk_export_file *file)
{
    if (file == NULL)
        return;
    if (file->io != NULL && file->handle >= 0)
        file->io->backend->close(file->io, file->handle);
    if (file->handle >= 0)
        remove_quietly(file);
    dbk_io_close(file->io);
    free(file);
}

// The name of the directory itself must be on stable storage before that of a file in it counts for anything.
static dbk_status ensure_directory(const char *directory, dbk_error *err)
{
    if (mkdir(directory, 0700) != 0) {
        if (errno == EEXIST)
            return DBK_OK;
        return dbk_fail(err, errno == ENOSPC ? DBK_NO_SPACE : DBK_IO, "cannot create the directory %s: %s",
                        directory, strerror(errno));
    }
    char parent[DBK_EXPORT_PATH_MAX];
    snprintf(parent, sizeof(parent), "%s/..", directory);
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    int number = errno;
    if (fd >= 0)
        close(fd);
    return ok ? DBK_OK : dbk_fail(err, DBK_IO, "cannot sync %s: %s", parent, strerror(number));
}

dbk_status dbk_export_file_create(dbk_export_file **out, const char *directory, dbk_text id, dbk_error *err)
{
    dbk_export_file *file = calloc(1, sizeof(*file));
    if (file == NULL)
        return dbk_fail(err, DBK_NO_MEMORY, "no memory for a file");
    file->handle = -1;
    bool fits =
        make_path(file->part, directory, id, part_ending) && make_path(file->path, directory, id, ending);
    snprintf(file->part_name, sizeof(file->part_name), "%.*s%s", (int)id.length, id.data, part_ending);
    dbk_status status = fits
                            ? ensure_directory(directory, err)
                            : dbk_fail(err, DBK_INVALID, "the path of the directory for exports is too long");
    if (status == DBK_OK)
        status = dbk_io_open(&file->io, directory, false, err);
    if (status == DBK_OK) {
        (void)unlink(file->part); // a leftover; if it cannot go, creating the file says so
        status = file->io->backend->open(file->io, file->part_name, DBK_OPEN_CREATE, &file->handle, err);
    }
    if (status != DBK_OK) {
        dbk_export_file_abandon(file);
        return status;
    }
    *out = file;
    return DBK_OK;
}

dbk_status dbk_export_file_append(dbk_export_file *file, const void *data, size_t size, dbk_error *err)
{
    DBK_TRY(dbk_io_write(file->io, file->handle, data, size, file->size, err));
    file->size += size;
    if (file->size - file->synced < SYNC_BYTES)
        return DBK_OK;
    file->synced = file->size;
    return dbk_io_sync(file->io, file->handle, err);
}

dbk_status dbk_export_file_finish(dbk_export_file *file, uint64_t *bytes, dbk_error *err)
{
    dbk_status status = dbk_io_sync(file->io, file->handle, err);
    if (status == DBK_OK && rename(file->part, file->path) != 0)
        status = dbk_fail(err, errno == ENOSPC ? DBK_NO_SPACE : DBK_IO, "cannot rename %s: %s", file->part,
                          strerror(errno));
    if (status != DBK_OK) {
        dbk_export_file_abandon(file);
        return status;
    }
    *bytes = file->size;
    status = file->io->backend->sync_directory(file->io, err);
    if (status != DBK_OK)
        (void)unlink(file->path);
    file->io->backend->close(file->io, file->handle);
    dbk_io_close(file->io);
    free(file);
    return status;
}

dbk_status dbk_export_file_remove(const char *directory, dbk_text id, dbk_error *err)
{
    char path[DBK_EXPORT_PATH_MAX];
    if (!dbk_export_file_path(path, directory, id))
        return dbk_fail(err, DBK_INVALID, "the path of the directory for exports is too long");
    if (unlink(path) == 0 || errno == ENOENT)
        return DBK_OK;
    return dbk_fail(err, DBK_IO, "cannot remove %s: %s", path, strerror(errno));
}

// ---- Sweeping ----

typedef struct sweep {
    const char *directory;
    bool (*is_kept)(void *user, dbk_text id);
    void *user;
} sweep;

static bool has_ending(const char *name, const char *end)
{
    return strlen(name) == DBK_EXPORT_ID_BYTES + strlen(end) &&
           strcmp(name + DBK_EXPORT_ID_BYTES, end) == 0 &&
           dbk_export_id_is_valid((dbk_text){name, DBK_EXPORT_ID_BYTES});
}

static void visit(void *user, const char *name)
{
    const sweep *s = user;
    bool is_leftover =
        has_ending(name, part_ending) ||
        (has_ending(name, ending) && !s->is_kept(s->user, (dbk_text){name, DBK_EXPORT_ID_BYTES}));
    char path[DBK_EXPORT_PATH_MAX];
    int length = snprintf(path, sizeof(path), "%s/%s", s->directory, name);
    if (!is_leftover || length >= (int)sizeof(path))
        return;
    if (unlink(path) != 0 && errno != ENOENT)
        fprintf(stderr, "daybook: exports: cannot remove %s: %s\n", path, strerror(errno));
}

dbk_status dbk_export_files_sweep(const char *directory, bool (*is_kept)(void *user, dbk_text id), void *user,
                                  dbk_error *err)
{
    struct stat status;
    if (stat(directory, &status) != 0 && errno == ENOENT)
        return DBK_OK;
    dbk_io *io;
    sweep s = {.directory = directory, .is_kept = is_kept, .user = user};
    DBK_TRY(dbk_io_open(&io, directory, false, err));
    dbk_status result = io->backend->list(io, visit, &s, err);
    dbk_io_close(io);
    return result;
}
