// SPDX-License-Identifier: Apache-2.0
// Opening and closing a journal: what recovery has to write (a cut tail, a confirm group, removed leftovers),
// and the mark of an orderly end.
#include "ingest/store/journal_state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/store/checkpoint.h"
#include "ingest/store/recover.h"

// A directory of a few rows should be made, opened and copied in no time, so its first log file is small.
enum { LOG_FILE_BYTES_DEFAULT = 64 << 20, LOG_FILE_BYTES_FIRST = 4 << 20, LOG_FILE_BLOCKS_MIN = 5 };

__attribute__((format(printf, 2, 3))) static void notice(const dbk_journal *j, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    if (j->notice)
        j->notice(j->user, line);
}

// ---- A new directory ----

// A crash may have left the beginnings of a log file and of a manifest; nothing was ever stored in them.
static dbk_status make_directory(dbk_journal *j, const dbk_file_list *files, dbk_error *err)
{
    for (size_t i = 0; i < files->counts[DBK_FILE_MANIFEST]; i++)
        DBK_TRY(j->io->backend->remove(
            j->io, dbk_file_name_make(DBK_FILE_MANIFEST, files->numbers[DBK_FILE_MANIFEST][i]).text, err));
    for (size_t i = 0; i < files->counts[DBK_FILE_LOG]; i++)
        DBK_TRY(j->io->backend->remove(
            j->io, dbk_file_name_make(DBK_FILE_LOG, files->numbers[DBK_FILE_LOG][i]).text, err));
    DBK_TRY(j->io->backend->sync_directory(j->io, err));
    dbk_log_plan plan = {.sequence = 1, .file_id = dbk_journal_new_file_id(j), .bytes = j->log_file_bytes};
    if (plan.bytes > LOG_FILE_BYTES_FIRST)
        plan.bytes = LOG_FILE_BYTES_FIRST;
    DBK_TRY(dbk_log_file_create(j->io, &plan, false, err));
    dbk_log_position start = {.sequence = 1, .file_id = plan.file_id, .offset = DBK_IO_BLOCK, .group = 1};
    DBK_TRY(dbk_checkpoint_first(j->io, &start, &j->manifest, err));
    j->end = j->published = start;
    j->file_bytes = plan.bytes;
    return j->io->backend->open(j->io, dbk_file_name_make(DBK_FILE_LOG, 1).text, DBK_OPEN_WRITE, &j->file,
                                err);
}

// ---- An existing one ----

static dbk_status cut_tail(dbk_journal *j, const dbk_replay *replay, dbk_error *err)
{
    enum { CHUNK = 256 * DBK_IO_BLOCK };
    if (!replay->torn_bytes)
        return DBK_OK;
    uint64_t left = (replay->torn_bytes + DBK_IO_BLOCK - 1) / DBK_IO_BLOCK * DBK_IO_BLOCK;
    size_t size = left < CHUNK ? (size_t)left : CHUNK;
    uint8_t *zeros = aligned_alloc(DBK_IO_BLOCK, size);
    if (!zeros)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory cutting a torn tail");
    memset(zeros, 0, size);
    dbk_status status = DBK_OK;
    for (uint64_t at = replay->end.offset; left && status == DBK_OK;) {
        size_t n = left < size ? (size_t)left : size;
        status = dbk_io_write(j->io, j->file, zeros, n, at, err);
        at += n;
        left -= n;
    }
    free(zeros);
    if (status == DBK_OK)
        status = dbk_io_sync(j->io, j->file, err);
    if (status != DBK_OK)
        return dbk_file_blame(DBK_FILE_LOG, j->end.sequence, status, err);
    notice(j, "%s: cut a torn tail of %" PRIu64 " bytes at offset %" PRIu64 "; it was never acknowledged",
           dbk_file_name_make(DBK_FILE_LOG, j->end.sequence).text, replay->torn_bytes, replay->end.offset);
    return DBK_OK;
}

static dbk_status remove_leftovers(dbk_journal *j, const dbk_file_list *files, const dbk_replay *replay,
                                   dbk_error *err)
{
    dbk_manifest_index segments;
    DBK_TRY(dbk_manifest_index_build(&segments, j->manifest, err));
    uint64_t removed = 0;
    dbk_file_name first = {""};
    dbk_status status = DBK_OK;
    // Manifests come first and are synced away alone: an older one must not come back when its files are
    // gone.
    for (int kind = 0; kind < DBK_FILE_KINDS && status == DBK_OK; kind++) {
        uint64_t before = removed;
        for (size_t i = 0; i < files->counts[kind] && status == DBK_OK; i++) {
            uint64_t number = files->numbers[kind][i];
            if (dbk_recover_is_named(j->manifest, &segments, replay, (dbk_file_kind)kind, number))
                continue;
            dbk_file_name name = dbk_file_name_make((dbk_file_kind)kind, number);
            if (removed++ == 0)
                first = name;
            status = j->io->backend->remove(j->io, name.text, err);
        }
        if (status == DBK_OK && removed > before && kind == DBK_FILE_MANIFEST)
            status = j->io->backend->sync_directory(j->io, err);
    }
    if (status == DBK_OK && removed)
        status = j->io->backend->sync_directory(j->io, err);
    if (status == DBK_OK && removed)
        notice(j, "removed %" PRIu64 " unused file%s that an interrupted run left behind (%s%s)", removed,
               removed == 1 ? "" : "s", first.text, removed == 1 ? "" : ", …");
    dbk_manifest_index_dispose(&segments);
    return status;
}

static dbk_status recover(dbk_journal *j, const dbk_file_list *files, dbk_error *err)
{
    // A killed process may have left the manifest in the page cache only; from here on it is built upon.
    DBK_TRY(dbk_file_sync_existing(j->io, DBK_FILE_MANIFEST, j->manifest->epoch, err));
    DBK_TRY(j->io->backend->sync_directory(j->io, err));
    DBK_TRY(dbk_recover_files(j->io, j->manifest, j->db, err));
    dbk_replay replay;
    DBK_TRY(dbk_recover_log(j->io, files, j->manifest, j->db, true, &replay, err));
    j->end = j->published = replay.end;
    j->file_bytes = replay.file_bytes;
    j->number = replay.number;
    j->unconfirmed = replay.unconfirmed;
    j->marked_closed = dbk_file_list_has(files, DBK_FILE_CLOSED, replay.end.group - 1);
    j->figures.replayed_bytes = replay.bytes;
    dbk_file_name name = dbk_file_name_make(DBK_FILE_LOG, j->end.sequence);
    DBK_TRY(j->io->backend->open(j->io, name.text, DBK_OPEN_WRITE, &j->file, err));
    DBK_TRY(cut_tail(j, &replay, err));
    DBK_TRY(remove_leftovers(j, files, &replay, err));
    if (j->number) {
        dbk_snapshot *image = dbk_db_freeze(j->db, j->number);
        if (!image)
            return dbk_fail(err, DBK_NO_MEMORY, "out of memory freezing the recovered database");
        // Before anybody reads what the changes of the log came to.
        DBK_TRY(dbk_db_hold(j->db, err));
        dbk_db_publish(j->db, image);
    }
    // A data group that stood last gets its confirm group, unless the directory was closed behind it.
    return j->marked_closed ? DBK_OK : dbk_journal_confirm(j, err);
}

// ---- Open and close ----

dbk_status dbk_journal_open(dbk_journal **out, dbk_io *io, dbk_db *db, const dbk_journal_options *options,
                            dbk_error *err)
{
    static const uint8_t header_room[DBK_GROUP_HEADER];
    dbk_journal *j = calloc(1, sizeof(*j));
    if (!j)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory opening the data directory");
    uint64_t blocks =
        (options->log_file_bytes ? options->log_file_bytes : LOG_FILE_BYTES_DEFAULT) / DBK_IO_BLOCK;
    j->io = io;
    j->db = db;
    j->file = -1;
    j->log_file_bytes = (blocks < LOG_FILE_BLOCKS_MIN ? LOG_FILE_BLOCKS_MIN : blocks) * DBK_IO_BLOCK;
    j->unlogged = options->unlogged;
    j->files = options->files;
    j->notice = options->notice;
    j->make_log_file = options->make_log_file;
    j->user = options->user;
    j->seeded = options->seed != 0;
    j->random = dbk_random_seed(options->seed);
    dbk_buffer_append(&j->group, header_room, sizeof(header_room));
    dbk_file_list files = {0};
    dbk_status status = j->group.failed
                            ? dbk_fail(err, DBK_NO_MEMORY, "out of memory opening the data directory")
                            : dbk_file_list_read(&files, io, err);
    if (status == DBK_OK)
        status = dbk_recover_manifest(io, &files, &j->manifest, err);
    if (status == DBK_OK)
        status = j->manifest ? recover(j, &files, err) : make_directory(j, &files, err);
    dbk_file_list_dispose(&files);
    if (status != DBK_OK) {
        dbk_journal_destroy(j);
        return status;
    }
    *out = j;
    return DBK_OK;
}

void dbk_journal_destroy(dbk_journal *j)
{
    if (!j)
        return;
    while (j->in_flight && !j->write.finished && j->io->backend->complete(j->io) > 0)
        ;
    if (j->file >= 0)
        j->io->backend->close(j->io, j->file);
    dbk_manifest_destroy(j->manifest);
    dbk_buffer_dispose(&j->group);
    free(j->staging);
    free(j->written);
    free(j);
}

dbk_status dbk_journal_close(dbk_journal *j, dbk_error *err)
{
    assert(!j->pending_changes && !j->in_flight);
    if (j->reason.status != DBK_OK || j->marked_closed)
        return DBK_OK;
    if (j->next_planned)
        (void)j->io->backend->remove(j->io, dbk_file_name_make(DBK_FILE_LOG, j->next.sequence).text, NULL);
    dbk_file mark;
    dbk_file_name name = dbk_file_name_make(DBK_FILE_CLOSED, j->end.group - 1);
    DBK_TRY(j->io->backend->open(j->io, name.text, DBK_OPEN_CREATE, &mark, err));
    j->marked_closed = true;
    dbk_status status = dbk_io_sync(j->io, mark, err);
    j->io->backend->close(j->io, mark);
    return status == DBK_OK ? j->io->backend->sync_directory(j->io, err) : status;
}
