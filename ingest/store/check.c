// SPDX-License-Identifier: Apache-2.0
// The check: first every file for itself, so that all that is damaged is named; then, if the bytes hold, the
// database that recovery would build from them, against its own rows.
#include "ingest/store/check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/image.h"
#include "ingest/store/check_rows.h"
#include "ingest/store/lock.h"
#include "ingest/store/recover.h"
#include "ingest/store/state.h"
#include "ingest/store/words.h"

// What a failure says about the directory is a problem; what it says about this machine ends the check.
static dbk_status judge(dbk_check *check, dbk_status status, const dbk_error *why, dbk_error *err)
{
    if (status == DBK_OK)
        return DBK_OK;
    if (status == DBK_NO_MEMORY)
        return dbk_fail(err, status, "%s", why->message);
    dbk_check_problem(check, "%s", why->message);
    return DBK_OK;
}

// ---- Files ----

// Reads a named file. *out is NULL when it has a problem, which was reported.
static dbk_status read_file(dbk_io *io, dbk_check *check, dbk_file_kind kind, uint64_t number, uint64_t size,
                            uint64_t checksum, void **out, dbk_error *err)
{
    dbk_error why = {0};
    size_t got;
    *out = NULL;
    void *bytes;
    dbk_status status = dbk_file_read_named(io, kind, number, DBK_SEGMENT_SLACK, &bytes, &got, &why);
    if (status != DBK_OK)
        return judge(check, status, &why, err);
    check->report->files++;
    check->report->bytes += got;
    if (got == size && dbk_checksum(bytes, got) == checksum) {
        *out = bytes;
        return DBK_OK;
    }
    free(bytes);
    dbk_check_problem(check, "%s: %s (%zu bytes, the manifest says %" PRIu64 "); restore it from a backup",
                      dbk_file_name_make(kind, number).text,
                      got == size ? "its checksum is not the manifest's" : "its size is not the manifest's",
                      got, size);
    return DBK_OK;
}

static dbk_status ignore_words(void *user, dbk_text tenant, dbk_domain domain, const dbk_text *words,
                               uint32_t count, dbk_error *err)
{
    (void)user, (void)tenant, (void)domain, (void)words, (void)count, (void)err;
    return DBK_OK;
}

static dbk_status check_words(dbk_io *io, dbk_check *check, const dbk_manifest *m,
                              const dbk_manifest_words *w, dbk_error *err)
{
    void *bytes;
    DBK_TRY(read_file(io, check, DBK_FILE_WORDS, w->epoch, w->size, w->checksum, &bytes, err));
    if (!bytes)
        return DBK_OK;
    dbk_error why = {0};
    dbk_status status = dbk_words_decode(bytes, w->size, m, w, ignore_words, NULL, &why);
    free(bytes);
    if (status != DBK_OK)
        dbk_file_blame(DBK_FILE_WORDS, w->epoch, status, &why);
    return judge(check, status, &why, err);
}

static dbk_status check_segment(dbk_io *io, dbk_check *check, const dbk_manifest_slot *slot, dbk_error *err)
{
    void *bytes;
    DBK_TRY(read_file(io, check, DBK_FILE_SEGMENT, slot->id, slot->size, slot->checksum, &bytes, err));
    if (!bytes)
        return DBK_OK;
    check->report->segments++;
    dbk_error why = {0};
    dbk_segment *segment;
    dbk_status status = dbk_segment_open(bytes, slot->size, &segment, &why);
    if (status == DBK_OK) {
        dbk_segment_free(segment);
        return DBK_OK;
    }
    free(bytes);
    dbk_file_blame(DBK_FILE_SEGMENT, slot->id, status, &why);
    return judge(check, status, &why, err);
}

static dbk_status check_files(dbk_io *io, dbk_check *check, const dbk_manifest *m, dbk_error *err)
{
    for (uint32_t w = 0; w < m->words_count; w++)
        DBK_TRY(check_words(io, check, m, &m->words[w], err));
    if (m->state_size) {
        void *state;
        DBK_TRY(
            read_file(io, check, DBK_FILE_STATE, m->epoch, m->state_size, m->state_checksum, &state, err));
        free(state);
    }
    for (uint32_t t = 0; t < m->tenants_count; t++)
        for (int i = 0; i < m->tenants[t].tables_count; i++) {
            const dbk_manifest_table *table = &m->tenants[t].tables[i];
            for (uint32_t s = 0; s < table->slots_count; s++)
                if (table->slots[s].present)
                    DBK_TRY(check_segment(io, check, &table->slots[s], err));
        }
    return DBK_OK;
}

// ---- The log ----

// Groups that the manifest already contains but whose file is still in use: nobody replays them, and yet
// they must be what was written.
static dbk_status check_old_groups(dbk_io *io, dbk_check *check, const dbk_manifest *m, dbk_error *err)
{
    void *bytes;
    size_t size;
    dbk_error why = {0};
    dbk_status status = dbk_file_read_named(io, DBK_FILE_LOG, m->log.sequence, 0, &bytes, &size, &why);
    if (status != DBK_OK)
        return judge(check, status, &why, err);
    uint64_t at = DBK_IO_BLOCK, number = 0;
    while (at < m->log.offset && at < size) {
        dbk_group group;
        if (!dbk_group_decode((const uint8_t *)bytes + at, size - at, &group) || group.offset != at ||
            group.file_id != m->log.file_id || (number && group.number != number))
            break;
        number = group.number + 1;
        at += group.size;
        check->report->log_groups++;
    }
    free(bytes);
    if (at != m->log.offset || (number && number != m->log.group))
        dbk_check_problem(
            check,
            "%s: a group at offset %" PRIu64
            " is damaged; nothing is lost, for the manifest contains it; restore the file from a "
            "backup or load the directory into a new one",
            dbk_file_name_make(DBK_FILE_LOG, m->log.sequence).text, at);
    return DBK_OK;
}

static dbk_status check_log(dbk_io *io, dbk_check *check, const dbk_file_list *files, const dbk_manifest *m,
                            dbk_error *err)
{
    dbk_error why = {0};
    dbk_replay replay;
    DBK_TRY(check_old_groups(io, check, m, err));
    dbk_status status = dbk_recover_log(io, files, m, NULL, false, &replay, &why);
    for (uint64_t s = m->log.sequence; s <= replay.end.sequence; s++)
        check->report->files++;
    check->report->bytes += replay.bytes;
    check->report->log_groups += replay.groups;
    return judge(check, status, &why, err);
}

// ---- The database ----

static dbk_status keep_cold(const dbk_check *check, dbk_db *db, dbk_error *err)
{
    const dbk_segment_source source = dbk_segment_files_source(check->files);
    return dbk_image_keep_cold(db, &source, check->memory_bytes, err);
}

static dbk_status check_database(dbk_io *io, dbk_check *check, const dbk_file_list *files,
                                 const dbk_manifest *m, dbk_error *err)
{
    dbk_db *db;
    DBK_TRY(dbk_db_create(&db, err));
    dbk_error why = {0};
    dbk_replay replay = {0};
    dbk_status status = check->files ? keep_cold(check, db, &why) : DBK_OK;
    if (status == DBK_OK)
        status = dbk_recover_files(io, m, db, &why);
    // Frozen before the log is replayed: so its changes come to rollups that are there, as they did when they
    // were made, and what that led to is compared with the rows.
    dbk_snapshot *files_image = status == DBK_OK ? dbk_db_freeze(db, m->number) : NULL;
    if (files_image)
        dbk_db_publish(db, files_image);
    if (status == DBK_OK)
        status = dbk_recover_log(io, files, m, db, false, &replay, &why);
    if (status != DBK_OK) {
        dbk_db_destroy(db);
        return judge(check, status, &why, err);
    }
    dbk_snapshot *image = replay.number ? dbk_db_freeze(db, replay.number) : NULL;
    if (image) {
        dbk_db_publish(db, image);
        dbk_read read = dbk_read_begin(db);
        status = dbk_check_rows(read.snapshot, check, err);
        if (status == DBK_OK)
            status = judge(check, dbk_db_hold(db, &why), &why, err);
        dbk_read_end(db, &read);
    } else if (replay.number) {
        status = dbk_fail(err, DBK_NO_MEMORY, "out of memory rebuilding the database");
    }
    dbk_db_destroy(db);
    return status;
}

dbk_status dbk_check_directory(dbk_io *io, dbk_check *check, dbk_error *err)
{
    dbk_file_list files;
    DBK_TRY(dbk_file_list_read(&files, io, err));
    dbk_manifest *m;
    dbk_error why = {0};
    dbk_status found = dbk_recover_manifest(io, &files, &m, &why);
    dbk_status status = judge(check, found, &why, err);
    if (found == DBK_OK && m) {
        check->report->files++;
        status = check_files(io, check, m, err);
        if (status == DBK_OK)
            status = check_log(io, check, &files, m, err);
        if (status == DBK_OK && check->report->problems == 0)
            status = check_database(io, check, &files, m, err);
        dbk_manifest_destroy(m);
    }
    dbk_file_list_dispose(&files);
    return status;
}

static dbk_status open_io(void *directory, dbk_io **out, dbk_error *err)
{
    return dbk_io_open(out, directory, false, err);
}

dbk_status dbk_store_check(const char *directory, void (*problem)(void *user, const char *line), void *user,
                           dbk_check_report *out, dbk_error *err)
{
    memset(out, 0, sizeof(*out));
    dbk_check check = {
        .problem = problem, .user = user, .report = out, .memory_bytes = dbk_store_memory_default()};
    dbk_io *io;
    DBK_TRY(dbk_io_open(&io, directory, false, err));
    int lock;
    dbk_status status = dbk_lock_take(directory, false, &lock, err);
    if (status == DBK_OK) {
        status = dbk_segment_files_create(&check.files, open_io, (void *)directory, err);
        if (status == DBK_OK)
            status = dbk_check_directory(io, &check, err);
        dbk_segment_files_destroy(check.files);
        dbk_lock_release(lock);
    }
    dbk_io_close(io);
    return status;
}
