// SPDX-License-Identifier: Apache-2.0
// The names in a directory and the handles of its open files: what the io_uring and the plain backend share.
// They differ only in how bytes are moved.
#ifndef DBK_IO_DIRECTORY_H
#define DBK_IO_DIRECTORY_H

#include "engine/io/io.h"

typedef struct dbk_io_open_file {
    int fd; // -1 = free handle
    // A failed write-back leaves pages marked clean, so a second sync would report success for lost data:
    // once a sync has failed the file takes no more writes or syncs.
    bool sync_failed;
    bool direct; // transfers go past the page cache
} dbk_io_open_file;

// The first member of both backends' own structs.
typedef struct dbk_io_directory {
    dbk_io base;
    int fd;
    char path[4096];
    dbk_io_open_file *files;
    int files_count;
    dbk_io_op *done_first, *done_last; // finished, callback not run
} dbk_io_directory;

dbk_status dbk_io_directory_init(dbk_io_directory *directory, const char *path, dbk_error *err);
void dbk_io_directory_dispose(dbk_io_directory *directory);

// The namespace half of a dbk_io_backend.
dbk_status dbk_io_directory_open(dbk_io *io, const char *name, dbk_open_mode mode, dbk_file *out,
                                 dbk_error *err);
void dbk_io_directory_close(dbk_io *io, dbk_file file);
dbk_status dbk_io_directory_size(dbk_io *io, dbk_file file, uint64_t *out, dbk_error *err);
dbk_status dbk_io_directory_allocate(dbk_io *io, dbk_file file, uint64_t size, dbk_error *err);
dbk_status dbk_io_directory_remove(dbk_io *io, const char *name, dbk_error *err);
dbk_status dbk_io_directory_list(dbk_io *io, void (*visit)(void *user, const char *name), void *user,
                                 dbk_error *err);
dbk_status dbk_io_directory_sync(dbk_io *io, dbk_error *err);

// How many bytes to ask for next, of those that an operation still wants: past the page cache only whole
// blocks go. A read gets fewer at the end of the file; of a write what is left over follows through the
// cache.
size_t dbk_io_directory_step(dbk_io_directory *directory, const dbk_io_op *op);
// After a transfer that failed with this error: true when it is worth another try, now through the page
// cache.
bool dbk_io_directory_retries(dbk_io_directory *directory, const dbk_io_op *op, int error_number);
// The status of a failed call.
dbk_status dbk_io_status_of(int error_number);
// Adds to the end of a list of operations.
void dbk_io_op_append(dbk_io_op **first, dbk_io_op **last, dbk_io_op *op);
// Checks an operation before it is started; false (op finished as failed) when its file cannot take it.
bool dbk_io_directory_admits(dbk_io_directory *directory, dbk_io_op *op);
// Marks the operation done; remembers a failed sync with its file. Its callback waits for the next call of
// dbk_io_directory_run_callbacks.
void dbk_io_directory_finish(dbk_io_directory *directory, dbk_io_op *op, int error_number, dbk_status status);
// Runs the callbacks of what was finished; returns how many operations that were.
int dbk_io_directory_run_callbacks(dbk_io_directory *directory);

#endif
