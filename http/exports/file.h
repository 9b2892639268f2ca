// SPDX-License-Identifier: Apache-2.0
// The files of export jobs: <directory>/<id>.csv. One that is being written is called <id>.csv.part; it gets
// its name when all of it is on stable storage, so a file without the ending is whole. A file belongs to one
// thread while it is written.
#ifndef DBK_EXPORT_FILE_H
#define DBK_EXPORT_FILE_H

#include "engine/base/status.h"
#include "engine/base/types.h"
#include "http/exports/export.h"

enum { DBK_EXPORT_PATH_MAX = 4096 };

typedef struct dbk_export_file dbk_export_file;

// Makes the directory when it is missing, and takes away what an earlier attempt left.
dbk_status dbk_export_file_create(dbk_export_file **out, const char *directory, dbk_text id, dbk_error *err);
dbk_status dbk_export_file_append(dbk_export_file *file, const void *data, size_t size, dbk_error *err);
// Puts everything on stable storage under the file's name and gives it up, whatever this returns; after a
// failure there is no file. *bytes is its size.
dbk_status dbk_export_file_finish(dbk_export_file *file, uint64_t *bytes, dbk_error *err);
// Gives the file up and takes it away. NULL is fine.
void dbk_export_file_abandon(dbk_export_file *file);

// "<directory>/<id>.csv"; false when the path is too long.
bool dbk_export_file_path(char out[DBK_EXPORT_PATH_MAX], const char *directory, dbk_text id);
// A file that is not there is removed already.
dbk_status dbk_export_file_remove(const char *directory, dbk_text id, dbk_error *err);
// Removes what no job stands behind: unfinished files, and finished ones that `is_kept` knows nothing of.
// Files with names of other kinds are left alone. A directory that is not there holds nothing.
dbk_status dbk_export_files_sweep(const char *directory, bool (*is_kept)(void *user, dbk_text id), void *user,
                                  dbk_error *err);

#endif
