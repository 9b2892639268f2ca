// SPDX-License-Identifier: Apache-2.0
// Files that wait for their syncs.
#include "ingest/store/new_files.h"

#include <string.h>

static dbk_status blame(const dbk_new_files *files, dbk_file_kind kind, uint64_t number, dbk_status status,
                        dbk_error *err)
{
    (void)files->io->backend->remove(files->io, dbk_file_name_make(kind, number).text, NULL);
    return dbk_file_blame(kind, number, status, err);
}

dbk_status dbk_new_files_write(dbk_new_files *files, dbk_file_kind kind, uint64_t number, const void *data,
                               size_t size, bool again, dbk_error *err)
{
    dbk_io *io = files->io;
    if (files->count == DBK_NEW_FILES_MAX)
        DBK_TRY(dbk_new_files_settle(files, err));
    const dbk_file_name name = dbk_file_name_make(kind, number);
    dbk_file file = -1;
    if (again)
        (void)io->backend->remove(io, name.text, NULL);
    dbk_status status = io->backend->open(io, name.text, DBK_OPEN_CREATE, &file, err);
    if (status == DBK_OK)
        status = dbk_io_write(io, file, data, size, 0, err);
    if (status != DBK_OK) {
        if (file >= 0)
            io->backend->close(io, file);
        return blame(files, kind, number, status, err);
    }
    dbk_new_file *one = &files->files[files->count++];
    *one = (dbk_new_file){
        .sync = {.kind = DBK_IO_SYNC, .file = file}, .file = file, .kind = kind, .number = number};
    io->backend->submit(io, &one->sync);
    return DBK_OK;
}

dbk_status dbk_new_files_settle(dbk_new_files *files, dbk_error *err)
{
    dbk_io *io = files->io;
    dbk_status first = DBK_OK;
    for (int i = 0; i < files->count; i++) {
        dbk_new_file *one = &files->files[i];
        dbk_error why = {0};
        const dbk_status status = dbk_io_wait(io, &one->sync, "sync", &why);
        io->backend->close(io, one->file);
        if (status == DBK_OK)
            continue;
        (void)blame(files, one->kind, one->number, status, &why);
        if (first == DBK_OK && err)
            *err = why;
        first = first == DBK_OK ? status : first;
    }
    files->count = 0;
    return first;
}
