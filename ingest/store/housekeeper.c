// SPDX-License-Identifier: Apache-2.0
// The housekeeper thread: checkpoints, log files made ahead, and texts that leave memory when it gets full,
// so that the writer does not stop for any of them.
#include "engine/image.h"
#include "ingest/store/checkpoint.h"
#include "ingest/store/store_state.h"

#include <stdio.h>
#include <string.h>

dbk_status dbk_store_make_log_file(void *user, const dbk_log_plan *plan, bool again, dbk_error *err)
{
    dbk_store *s = user;
    bool made = false;
    pthread_mutex_lock(&s->mutex);
    while (s->request == DBK_REQUEST_MAKING)
        pthread_cond_wait(&s->changed, &s->mutex);
    made = s->request == DBK_REQUEST_MADE && s->request_plan.sequence == plan->sequence &&
           s->request_plan.file_id == plan->file_id;
    // A request not begun yet is taken back: the housekeeper is in the middle of a checkpoint.
    s->request = DBK_REQUEST_NONE;
    pthread_mutex_unlock(&s->mutex);
    (void)again; // an attempt of the housekeeper's may have failed half-way, too
    return made ? DBK_OK : dbk_log_file_create(s->io, plan, true, err);
}

// Mutex held, released meanwhile. A file that could not be made is made by the writer when it needs it, which
// then sees why it cannot be.
static void make_log_file(dbk_store *s)
{
    dbk_log_plan plan = s->request_plan;
    bool again = s->request_again;
    s->request = DBK_REQUEST_MAKING;
    pthread_mutex_unlock(&s->mutex);
    dbk_status status = dbk_log_file_create(s->house_io, &plan, again, NULL);
    pthread_mutex_lock(&s->mutex);
    // A failed one stays "made" under a plan that nobody has, so that it is not asked for again and again.
    if (status != DBK_OK)
        s->request_plan.file_id = 0;
    s->request = DBK_REQUEST_MADE;
    pthread_cond_broadcast(&s->changed);
}

static dbk_status write_checkpoint(dbk_store *s, dbk_read *read, dbk_log_position log,
                                   dbk_checkpoint_figures *figures, dbk_error *err)
{
    dbk_checkpoint_input input = {
        .snapshot = read->snapshot,
        .log = log,
        .previous = dbk_journal_manifest(s->journal),
        .again = s->checkpoint_again,
        .written = s->written,
        .written_count = s->written_count,
    };
    if (dbk_snapshot_number(read->snapshot) == input.previous->number)
        return DBK_OK;
    dbk_manifest *next;
    dbk_status status = dbk_checkpoint_write(s->house_io, &input, &next, figures, err);
    s->checkpoint_again = status != DBK_OK;
    DBK_TRY(status);
    status = dbk_checkpoint_sweep(s->house_io, input.previous, next, s->db, s->files, err);
    dbk_journal_adopt(s->journal, next); // the manifest is the housekeeper's alone
    return status;
}

// Mutex held, released meanwhile.
static void checkpoint(dbk_store *s)
{
    uint64_t ticket = s->checkpoints_wanted;
    uint64_t log_bytes = s->figures.log_bytes_since_checkpoint;
    dbk_log_position log = s->published;
    dbk_read read = dbk_read_begin(s->db);
    bool read_only = s->failure.status != DBK_OK;
    pthread_mutex_unlock(&s->mutex);

    dbk_error err = {0};
    dbk_checkpoint_figures figures = {0};
    dbk_status status = read_only ? dbk_fail(&err, DBK_READ_ONLY, "no checkpoint: an earlier write failed")
                                  : write_checkpoint(s, &read, log, &figures, &err);
    dbk_read_end(s->db, &read);

    pthread_mutex_lock(&s->mutex);
    s->figures.segments_written += figures.segments_written;
    if (status == DBK_OK) {
        s->figures.checkpoints++;
        s->figures.log_bytes_since_checkpoint -= log_bytes;
        s->checkpoint_at = s->checkpoint_bytes;
    } else {
        // Not before some more log was written: a full disk is not asked every group.
        s->checkpoint_at = s->figures.log_bytes_since_checkpoint + s->checkpoint_bytes / 4 + 1;
        if (status != DBK_NO_SPACE && status != DBK_NO_MEMORY && status != DBK_READ_ONLY) {
            char reason[512];
            snprintf(reason, sizeof(reason), "a checkpoint failed: %.400s", err.message);
            dbk_store_note_failure(s, reason);
        } else if (s->notice && status != DBK_READ_ONLY) {
            s->notice(s->user, err.message);
        }
    }
    s->checkpoint_error = err;
    s->checkpoint_error.status = status;
    s->checkpoints_done = ticket;
    pthread_cond_broadcast(&s->changed);
}

// ---- Room in memory ----

// A checkpoint writes every unsealed row again, so it has to bring some room; of the limit.
enum { CHECKPOINT_SHARE = 64, TRIM_SHARE = 16 };

static bool is_over(const dbk_store *s, const dbk_cold_figures *cold)
{
    return dbk_db_memory(s->db) > cold->limit;
}

bool dbk_store_wants_room(const dbk_store *s)
{
    dbk_cold_figures cold;
    dbk_cold_figures_read(dbk_image_cold(s->db), &cold);
    return is_over(s, &cold) && (cold.resident_bytes > cold.limit / CHECKPOINT_SHARE ||
                                 cold.waiting_bytes > cold.limit / CHECKPOINT_SHARE);
}

// Some more than must be, so that it is not asked for every group.
void dbk_store_trim(dbk_store *s, bool waits)
{
    dbk_cold_figures cold;
    dbk_cold_figures_read(dbk_image_cold(s->db), &cold);
    if (is_over(s, &cold))
        dbk_cold_trim(dbk_image_cold(s->db), cold.limit - cold.limit / TRIM_SHARE, waits);
}

dbk_status dbk_store_fail_full(const dbk_store *s, dbk_error *err)
{
    return dbk_fail(err, DBK_NO_SPACE,
                    "the memory budget of %llu MiB is used up by what cannot stay on disk; remove rows or "
                    "raise --memory",
                    (unsigned long long)(s->memory_budget >> 20));
}

// Mutex held, released meanwhile.
static void make_room(dbk_store *s)
{
    uint64_t ticket = s->room_wanted;
    bool is_urgent = s->room_is_urgent;
    dbk_cold_figures cold;
    pthread_mutex_unlock(&s->mutex);
    dbk_store_trim(s, is_urgent);
    dbk_cold_figures_read(dbk_image_cold(s->db), &cold);
    uint64_t enough = is_urgent ? 0 : cold.limit / CHECKPOINT_SHARE;
    pthread_mutex_lock(&s->mutex);
    // Texts that are nowhere else have to be written before they may leave.
    if (is_over(s, &cold) && cold.waiting_bytes > enough && s->failure.status == DBK_OK) {
        checkpoint(s);
        pthread_mutex_unlock(&s->mutex);
        dbk_store_trim(s, is_urgent);
        pthread_mutex_lock(&s->mutex);
    }
    // Not for a change that began to wait meanwhile.
    s->room_is_urgent = s->room_is_urgent && s->room_wanted != ticket;
    s->room_made = ticket;
    pthread_cond_broadcast(&s->changed);
}

void dbk_store_make_room(dbk_store *s)
{
    pthread_mutex_lock(&s->mutex);
    uint64_t ticket = ++s->room_wanted;
    s->room_is_urgent = true;
    pthread_cond_signal(&s->chores);
    while (s->room_made < ticket)
        pthread_cond_wait(&s->changed, &s->mutex);
    pthread_mutex_unlock(&s->mutex);
}

void *dbk_store_housekeeper_run(void *user)
{
    dbk_store *s = user;
    pthread_mutex_lock(&s->mutex);
    for (;;) {
        if (s->request == DBK_REQUEST_WANTED)
            make_log_file(s);
        else if (s->checkpoints_wanted != s->checkpoints_done)
            checkpoint(s);
        else if (s->room_wanted != s->room_made)
            make_room(s);
        else if (s->house_stopping)
            break;
        else
            pthread_cond_wait(&s->chores, &s->mutex);
    }
    pthread_mutex_unlock(&s->mutex);
    return NULL;
}
