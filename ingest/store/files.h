// SPDX-License-Identifier: Apache-2.0
// The names in a data directory (docs/FORMAT.md, "Directory"): a kind and a number, nothing else.
#ifndef DBK_STORE_FILES_H
#define DBK_STORE_FILES_H

#include "engine/io/io.h"

typedef enum dbk_file_kind {
    DBK_FILE_MANIFEST,
    DBK_FILE_LOG,
    DBK_FILE_SEGMENT,
    DBK_FILE_WORDS,
    DBK_FILE_STATE,
    DBK_FILE_CLOSED,
    DBK_FILE_KINDS,
} dbk_file_kind;

enum { DBK_FILE_NAME_MAX = 32 };
typedef struct dbk_file_name {
    char text[DBK_FILE_NAME_MAX];
} dbk_file_name;

dbk_file_name dbk_file_name_make(dbk_file_kind kind, uint64_t number);
// False for names that are not ours.
bool dbk_file_name_parse(const char *name, dbk_file_kind *kind, uint64_t *number);

// What is in the directory: for each kind the numbers, ascending.
typedef struct dbk_file_list {
    uint64_t *numbers[DBK_FILE_KINDS];
    size_t counts[DBK_FILE_KINDS];
    size_t capacities[DBK_FILE_KINDS];
    bool failed;
} dbk_file_list;

dbk_status dbk_file_list_read(dbk_file_list *list, dbk_io *io, dbk_error *err);
void dbk_file_list_dispose(dbk_file_list *list);
bool dbk_file_list_has(const dbk_file_list *list, dbk_file_kind kind, uint64_t number);

// How a new file of so many bytes is opened: a large segment stays in memory, so nobody reads its file soon.
dbk_open_mode dbk_file_mode(dbk_file_kind kind, size_t size);

// A new, synced file. When `again`, an earlier attempt may have left one of the same name that nothing names:
// it is removed first. On failure the half-written file is removed as far as the disk lets us.
dbk_status dbk_file_write_new(dbk_io *io, dbk_file_kind kind, uint64_t number, const void *data, size_t size,
                              bool again, dbk_error *err);
// dbk_io_read_file whose failures name the file; a missing one is DBK_CORRUPT.
dbk_status dbk_file_read_named(dbk_io *io, dbk_file_kind kind, uint64_t number, size_t slack, void **out,
                               size_t *size, dbk_error *err);
// dbk_io_read_pieces, likewise.
dbk_status dbk_file_read_pieces(dbk_io *io, dbk_file_kind kind, uint64_t number, size_t length,
                                const dbk_io_window *window, dbk_io_piece piece, void *user, size_t *size,
                                dbk_error *err);
// Syncs a file that an earlier process may have written and not synced.
dbk_status dbk_file_sync_existing(dbk_io *io, dbk_file_kind kind, uint64_t number, dbk_error *err);
// Puts "name: " in front of the message of a failure.
dbk_status dbk_file_blame(dbk_file_kind kind, uint64_t number, dbk_status status, dbk_error *err);

#endif
