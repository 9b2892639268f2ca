// SPDX-License-Identifier: Apache-2.0
// New files whose syncs wait together: one commit of the file system's journal then does for several.
#ifndef DBK_STORE_NEW_FILES_H
#define DBK_STORE_NEW_FILES_H

#include "ingest/store/files.h"

enum { DBK_NEW_FILES_MAX = 16 };

typedef struct dbk_new_file {
    dbk_io_op sync;
    dbk_file file;
    dbk_file_kind kind;
    uint64_t number;
} dbk_new_file;

// Zeroed but for `io`, it has none. It stays where it is while there are files that were not settled.
typedef struct dbk_new_files {
    dbk_io *io;
    int count;
    dbk_new_file files[DBK_NEW_FILES_MAX];
} dbk_new_files;

// Writes a file as dbk_file_write_new does and begins its sync; settles those before it where there are many.
dbk_status dbk_new_files_write(dbk_new_files *files, dbk_file_kind kind, uint64_t number, const void *data,
                               size_t size, bool again, dbk_error *err);
// Waits until all of them are synced, the directory not. On failure, the first one's, the file that it came
// from is removed. Must be called before the io is used for anything else that waits.
dbk_status dbk_new_files_settle(dbk_new_files *files, dbk_error *err);

#endif
