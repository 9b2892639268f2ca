// SPDX-License-Identifier: Apache-2.0
// The journal: append, commit, publish, confirm; the rollover from one log file to the next; checkpoints.
#include "ingest/store/journal_state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "ingest/store/checkpoint.h"
#include "ingest/store/record.h"

// ---- Failure ----

// Turns the journal read-only for this reason and says so.
static dbk_status refuse(dbk_journal *j, const dbk_error *why, dbk_error *err)
{
    char reason[sizeof(why->message)];
    memcpy(reason, why->message, sizeof(reason));
    dbk_journal_fail(j, reason);
    return dbk_fail(err, DBK_READ_ONLY, "%s", j->reason.message);
}

void dbk_journal_fail(dbk_journal *j, const char *reason)
{
    if (j->reason.status == DBK_OK)
        dbk_fail(&j->reason, DBK_READ_ONLY,
                 "%.380s; nothing more is written until the disk is repaired and the process restarted",
                 reason);
}

const char *dbk_journal_read_only(const dbk_journal *j)
{
    return j->reason.status == DBK_OK ? NULL : j->reason.message;
}

// Rows that are not sound may have gone into what was applied: it does not leave our hands.
static dbk_status check_writable(dbk_journal *j, dbk_error *err)
{
    dbk_error why = {0};
    if (dbk_db_hold(j->db, &why) != DBK_OK)
        dbk_journal_fail(j, why.message);
    return j->reason.status == DBK_OK ? DBK_OK : dbk_fail(err, DBK_READ_ONLY, "%s", j->reason.message);
}

// ---- Room ----

// Two blocks of every file stay free behind a data group: for its confirm group and for the link.
enum { SPARE_BLOCKS = 2 };

static bool fits(const dbk_journal *j, size_t group_size)
{
    return j->file_bytes - j->end.offset >= group_size + SPARE_BLOCKS * DBK_IO_BLOCK;
}

// Each file is larger than the one before until they are as large as they should be.
static uint64_t file_bytes_for(const dbk_journal *j, size_t group_size)
{
    enum { GROWTH = 4 };
    uint64_t needed = group_size + (1 + SPARE_BLOCKS) * (uint64_t)DBK_IO_BLOCK;
    uint64_t wanted = j->file_bytes * GROWTH < j->log_file_bytes ? j->file_bytes * GROWTH : j->log_file_bytes;
    return needed > wanted ? needed : wanted;
}

uint64_t dbk_journal_new_file_id(dbk_journal *j)
{
    uint64_t id = 0;
    while (id == 0)
        if (j->seeded || getrandom(&id, sizeof(id), 0) != (ssize_t)sizeof(id))
            id = dbk_random_u64(&j->random);
    return id;
}

static dbk_log_plan plan_next(dbk_journal *j, size_t group_size)
{
    return (dbk_log_plan){
        .sequence = j->end.sequence + 1,
        .file_id = dbk_journal_new_file_id(j),
        .bytes = file_bytes_for(j, group_size),
    };
}

static dbk_status make_next(dbk_journal *j, size_t group_size, dbk_error *err)
{
    if (j->next_made && j->next.bytes >= file_bytes_for(j, group_size))
        return DBK_OK;
    // A file that was prepared too small is made anew: nothing names it.
    bool planned = j->next_planned && !j->next_made && j->next.bytes >= file_bytes_for(j, group_size);
    if (!planned) {
        j->next_again |= j->next_made || j->next_planned;
        j->next = plan_next(j, group_size);
        j->next_planned = true;
        j->next_made = false;
    }
    dbk_error why = {0};
    dbk_status status = j->make_log_file ? j->make_log_file(j->user, &j->next, j->next_again, &why)
                                         : dbk_log_file_create(j->io, &j->next, j->next_again, &why);
    if (status == DBK_OK) {
        j->next_made = true;
        return DBK_OK;
    }
    j->next_again = true;
    j->next_planned = false;
    if (status == DBK_NO_SPACE || status == DBK_NO_MEMORY)
        return dbk_fail(err, status, "no room for the log: %.400s", why.message);
    return refuse(j, &why, err);
}

bool dbk_journal_wants_file(dbk_journal *j, dbk_log_plan *plan, bool *again)
{
    if (j->unlogged || j->next_planned || j->reason.status != DBK_OK || j->end.offset < j->file_bytes / 2)
        return false;
    j->next = plan_next(j, 0);
    j->next_planned = true;
    *plan = j->next;
    *again = j->next_again;
    return true;
}

void dbk_journal_file_made(dbk_journal *j, const dbk_log_plan *plan)
{
    if (j->next_planned && j->next.sequence == plan->sequence && j->next.file_id == plan->file_id)
        j->next_made = true;
}

// Buffers for a group of this size, so that nothing can fail for memory once its changes are applied.
static dbk_status make_staging(dbk_journal *j, size_t group_size, dbk_error *err)
{
    bool padding = dbk_buffer_reserve(&j->group, group_size - j->group.size) != NULL;
    if (!padding)
        j->group.failed = false;
    if (padding && group_size <= j->staging_size)
        return DBK_OK;
    size_t size = j->staging_size ? j->staging_size : 16 * DBK_IO_BLOCK;
    while (size < group_size)
        size *= 2;
    uint8_t *grown = padding ? aligned_alloc(DBK_IO_BLOCK, size) : NULL;
    if (!grown)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory for a log group of %zu bytes", group_size);
    free(j->staging);
    j->staging = grown;
    j->staging_size = size;
    return DBK_OK;
}

// ---- Append ----

static dbk_status apply(dbk_journal *j, const dbk_change *change, dbk_apply_report *reports, dbk_error *err)
{
    size_t count = (size_t)change->batches_count;
    dbk_apply_report *own = reports ? reports : calloc(count, sizeof(*own));
    if (!own)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory applying a change");
    dbk_error why = {0};
    int applied;
    dbk_db_watch_number(j->db, j->number + 1);
    dbk_status status =
        dbk_db_apply_all(j->db, change->tenant, change->batches, change->batches_count, own, &applied, &why);
    for (size_t i = 0; i < count && !reports; i++)
        free(own[i].rejected_rows);
    if (!reports)
        free(own);
    if (status == DBK_OK)
        return DBK_OK;
    return applied == 0 ? dbk_fail(err, status, "%s", why.message) : refuse(j, &why, err);
}

static dbk_status log_record(dbk_journal *j, const void *record, size_t size, dbk_error *err)
{
    size_t group_size = dbk_group_size(j->group.size + size - DBK_GROUP_HEADER);
    if (!fits(j, group_size))
        DBK_TRY(make_next(j, group_size, err));
    DBK_TRY(make_staging(j, group_size, err));
    dbk_buffer_append(&j->group, record, size);
    return DBK_OK;
}

dbk_status dbk_journal_append_record(dbk_journal *j, const dbk_change *change, const void *record,
                                     size_t size, dbk_apply_report *reports, dbk_error *err)
{
    DBK_TRY(check_writable(j, err));
    size_t start = j->group.size;
    if (!j->unlogged)
        DBK_TRY(log_record(j, record, size, err));
    dbk_status status = apply(j, change, reports, err);
    if (status != DBK_OK) {
        j->group.size = start;
        return status;
    }
    j->number++;
    j->pending_changes++;
    return DBK_OK;
}

dbk_status dbk_journal_append(dbk_journal *j, const dbk_change *change, dbk_apply_report *reports,
                              dbk_error *err)
{
    DBK_TRY(dbk_change_check(change, err));
    dbk_buffer record = {0};
    dbk_status status = dbk_record_append(&record, change, err);
    if (status == DBK_OK)
        status = dbk_journal_append_record(j, change, record.data, record.size, reports, err);
    dbk_buffer_dispose(&record);
    return status;
}

void dbk_journal_note_applied(dbk_journal *j)
{
    assert(j->unlogged);
    j->number++;
    j->pending_changes++;
}

size_t dbk_journal_pending_bytes(const dbk_journal *j)
{
    return j->pending_changes ? j->group.size - DBK_GROUP_HEADER : 0;
}

uint64_t dbk_journal_number(const dbk_journal *j)
{
    return j->number;
}

// ---- Commit ----

// The first write of a session takes the mark away, for good, before the log can differ from it.
static dbk_status begin_session(dbk_journal *j, dbk_error *err)
{
    if (!j->marked_closed)
        return DBK_OK;
    DBK_TRY(j->io->backend->remove(j->io, dbk_file_name_make(DBK_FILE_CLOSED, j->end.group - 1).text, err));
    DBK_TRY(j->io->backend->sync_directory(j->io, err));
    j->marked_closed = false;
    return DBK_OK;
}

// Submits j->group as a group of this kind at the log's end. Afterwards the buffer is empty again and the end
// has moved on.
static dbk_status submit_group(dbk_journal *j, dbk_group_kind kind, uint32_t changes, dbk_error *err)
{
    DBK_TRY(begin_session(j, err));
    dbk_group group = {
        .kind = kind,
        .file_id = j->end.file_id,
        .offset = j->end.offset,
        .number = j->end.group,
        .changes_before = j->number - changes,
        .changes = changes,
    };
    bool finished = dbk_group_finish(&j->group, &group);
    assert(finished && j->group.size <= j->staging_size); // make_staging saw to both
    size_t size = j->group.size;
    if (size > j->file_bytes - j->end.offset) // only in a log that this code did not write
        return dbk_fail(err, DBK_CORRUPT, "the log file in use has no room for a link to the next");
    memcpy(j->staging, j->group.data, size);
    j->group.size = DBK_GROUP_HEADER;
    j->write = (dbk_io_op){.kind = DBK_IO_WRITE,
                           .file = j->file,
                           .buffer = j->staging,
                           .size = size,
                           .offset = j->end.offset,
                           .durable = true};
    j->end.offset += size;
    j->end.group++;
    j->figures.log_bytes += size;
    j->unconfirmed = kind == DBK_GROUP_DATA;
    j->in_flight = true;
    j->io->backend->submit(j->io, &j->write);
    return DBK_OK;
}

static dbk_status finish_group(dbk_journal *j, dbk_error *err)
{
    while (!j->write.finished && j->io->backend->complete(j->io) > 0)
        ;
    j->in_flight = false;
    if (j->write.finished && j->write.status == DBK_OK)
        return DBK_OK;
    return dbk_fail(err, DBK_IO, "%s: cannot write and sync: %s",
                    dbk_file_name_make(DBK_FILE_LOG, j->end.sequence).text,
                    j->write.error_number ? strerror(j->write.error_number) : "the operation was lost");
}

// Links to the prepared file and goes on in it. The group that is being built waits meanwhile.
static dbk_status roll_over(dbk_journal *j, dbk_error *err)
{
    assert(j->next_made && j->next.sequence == j->end.sequence + 1);
    dbk_buffer waiting = j->group;
    uint8_t room[DBK_GROUP_HEADER + DBK_LINK_BYTES] = {0};
    j->group = (dbk_buffer){0};
    dbk_buffer_append(&j->group, room, DBK_GROUP_HEADER);
    dbk_buffer_u64(&j->group, j->next.sequence);
    dbk_buffer_u64(&j->group, j->next.file_id);
    (void)dbk_buffer_reserve(&j->group, DBK_IO_BLOCK);
    dbk_status status =
        j->group.failed ? dbk_fail(err, DBK_NO_MEMORY, "out of memory for a log group") : DBK_OK;
    uint32_t pending = j->pending_changes;
    j->number -= pending; // the link comes before them
    if (status == DBK_OK)
        status = submit_group(j, DBK_GROUP_LINK, 0, err);
    if (status == DBK_OK)
        status = finish_group(j, err);
    j->number += pending;
    dbk_buffer_dispose(&j->group);
    j->group = waiting;
    DBK_TRY(status);
    j->io->backend->close(j->io, j->file);
    j->file = -1;
    dbk_file_name name = dbk_file_name_make(DBK_FILE_LOG, j->next.sequence);
    DBK_TRY(j->io->backend->open(j->io, name.text, DBK_OPEN_WRITE, &j->file, err));
    j->end.sequence = j->next.sequence;
    j->end.file_id = j->next.file_id;
    j->end.offset = DBK_IO_BLOCK;
    j->file_bytes = j->next.bytes;
    j->next_made = j->next_planned = j->next_again = false;
    return DBK_OK;
}

// Room for the next group may be made while this one is written.
static void change_staging(dbk_journal *j)
{
    uint8_t *written = j->staging;
    size_t written_size = j->staging_size;
    j->staging = j->written;
    j->staging_size = j->written_size;
    j->written = written;
    j->written_size = written_size;
}

static dbk_status begin(dbk_journal *j, dbk_error *err)
{
    size_t group_size = dbk_group_size(j->group.size - DBK_GROUP_HEADER);
    if (!j->unlogged && !fits(j, group_size))
        DBK_TRY(roll_over(j, err));
    dbk_snapshot *image = dbk_db_freeze(j->db, j->number);
    if (!image)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory freezing a snapshot");
    uint32_t changes = j->pending_changes;
    j->pending_changes = 0;
    if (!j->unlogged) {
        DBK_TRY(submit_group(j, DBK_GROUP_DATA, changes, err));
        change_staging(j);
    }
    j->image = image;
    j->image_end = j->end;
    j->image_changes = changes;
    return DBK_OK;
}

dbk_status dbk_journal_commit_begin(dbk_journal *j, dbk_error *err)
{
    assert(!j->in_flight && !j->image);
    DBK_TRY(check_writable(j, err));
    if (!j->pending_changes)
        return DBK_OK;
    dbk_error why = {0};
    return begin(j, &why) == DBK_OK ? DBK_OK : refuse(j, &why, err);
}

dbk_status dbk_journal_commit_wait(dbk_journal *j, dbk_error *err)
{
    if (!j->in_flight) {
        if (j->reason.status != DBK_OK)
            j->image = NULL;
        return check_writable(j, err);
    }
    dbk_error why = {0};
    if (finish_group(j, &why) == DBK_OK && j->reason.status == DBK_OK)
        return DBK_OK;
    j->image = NULL;
    return refuse(j, &why, err);
}

void dbk_journal_publish(dbk_journal *j)
{
    assert(!j->in_flight);
    if (!j->image)
        return;
    dbk_db_publish(j->db, j->image);
    j->image = NULL;
    j->published = j->image_end;
    j->figures.changes += j->image_changes;
    j->figures.groups++;
}

dbk_status dbk_journal_commit(dbk_journal *j, dbk_error *err)
{
    DBK_TRY(dbk_journal_commit_begin(j, err));
    DBK_TRY(dbk_journal_commit_wait(j, err));
    dbk_journal_publish(j);
    return DBK_OK;
}

dbk_status dbk_journal_confirm(dbk_journal *j, dbk_error *err)
{
    assert(!j->in_flight);
    DBK_TRY(check_writable(j, err));
    if (!j->unconfirmed || j->pending_changes || j->file_bytes - j->end.offset < SPARE_BLOCKS * DBK_IO_BLOCK)
        return DBK_OK;
    DBK_TRY(make_staging(j, DBK_IO_BLOCK, err));
    dbk_error why = {0};
    dbk_status status = submit_group(j, DBK_GROUP_CONFIRM, 0, &why);
    if (status == DBK_OK)
        status = finish_group(j, &why);
    return status == DBK_OK ? DBK_OK : refuse(j, &why, err);
}

// ---- Checkpoints ----

dbk_log_position dbk_journal_published(const dbk_journal *j)
{
    return j->published;
}

const dbk_manifest *dbk_journal_manifest(const dbk_journal *j)
{
    return j->manifest;
}

void dbk_journal_adopt(dbk_journal *j, dbk_manifest *manifest)
{
    dbk_manifest_destroy(j->manifest);
    j->manifest = manifest;
}

dbk_status dbk_journal_checkpoint(dbk_journal *j, dbk_error *err)
{
    DBK_TRY(check_writable(j, err));
    dbk_read read = dbk_read_begin(j->db);
    dbk_checkpoint_input input = {
        .snapshot = read.snapshot,
        .log = j->published,
        .previous = j->manifest,
        .again = j->checkpoint_again,
    };
    dbk_checkpoint_figures figures = {0};
    dbk_manifest *next = NULL;
    dbk_error why = {0};
    dbk_status status = dbk_checkpoint_write(j->io, &input, &next, &figures, &why);
    dbk_read_end(j->db, &read);
    j->figures.segments_written += figures.segments_written;
    j->checkpoint_again = status != DBK_OK;
    if (status == DBK_OK) {
        status = dbk_checkpoint_sweep(j->io, j->manifest, next, j->db, j->files, &why);
        dbk_journal_adopt(j, next);
        j->figures.checkpoints++;
    }
    if (status == DBK_NO_SPACE || status == DBK_NO_MEMORY)
        return dbk_fail(err, status, "%s", why.message);
    return status == DBK_OK ? DBK_OK : refuse(j, &why, err);
}

dbk_journal_figures dbk_journal_figures_read(const dbk_journal *j)
{
    return j->figures;
}
