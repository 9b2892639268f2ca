// SPDX-License-Identifier: Apache-2.0
// An export job: a row of the table `exports`, from the moment it is accepted until its file is removed. The
// row is all there is to know about a job, so whoever reads it sees what is on disk, and nothing is forgotten
// by a restart.
//
// A running job becomes ready, failed or cancelled, once. It is shown for a day after that; a ready one's
// file, and the address it is fetched from, live for a week. Then the row goes with the file.
#ifndef DBK_EXPORT_H
#define DBK_EXPORT_H

#include "engine/db.h"
#include "ingest/store/store.h"
#include "ingest/store/tenant_name.h"

enum { DBK_EXPORT_ID_BYTES = 20 }; // "exp_" and 16 hex digits

#define DBK_EXPORT_SHOWN_MS (24LL * 3600000)
#define DBK_EXPORT_KEPT_MS  (7 * DBK_EXPORT_SHOWN_MS)

typedef enum dbk_export_state {
    DBK_EXPORT_RUNNING, // waiting for its turn counts as running
    DBK_EXPORT_READY,
    DBK_EXPORT_FAILED,
    DBK_EXPORT_CANCELLED,
} dbk_export_state;

extern const char *const dbk_export_state_names[4]; // "running", …

typedef struct dbk_export {
    dbk_text id;
    dbk_text kind, report; // what a dbk_export_kind is called, and which of its reports
    dbk_text parameters;   // the kind's own
    dbk_text file_name;    // what the client calls the file
    dbk_text object;       // the file's key in the object store; no value = it lies in the data directory
    dbk_text error;        // failed: why
    dbk_text actor;        // the id of the key that asked; no value = the operator
    dbk_export_state state;
    int64_t created_at, done_at; // done_at: DBK_NULL while it runs
    int64_t expires_at;          // shown before this moment only
    int64_t keep_until;          // row and file go then
    int64_t progress;            // 0 to 100, never less than it was
    int64_t rows, bytes;         // ready: of the file
} dbk_export;

// A random id. DBK_IO: the system gives no random bytes.
dbk_status dbk_export_id(char out[DBK_EXPORT_ID_BYTES + 1], dbk_error *err);
bool dbk_export_id_is_valid(dbk_text id);

// ---- Reading ----

// The job, whose texts live as long as *rows; free that in any case but a failure. DBK_NOT_FOUND: the tenant
// has none of this id. Whether it may still be shown is the caller's to ask.
dbk_status dbk_export_find(const dbk_snapshot *snapshot, dbk_text tenant, dbk_text id, dbk_result **rows,
                           dbk_export *out, dbk_error *err);
// One page of a tenant's jobs of a kind that are shown at now_ms, newest first; page counts from 1. The jobs
// are the last dbk_result_rows(*rows) - *first of *rows: read them with dbk_export_of.
dbk_status dbk_exports_page(const dbk_snapshot *snapshot, dbk_text tenant, const char *kind, int64_t now_ms,
                            int64_t page, int64_t per_page, dbk_result **rows, size_t *first, int64_t *total,
                            dbk_error *err);
// The tenant's jobs in this state, oldest first.
dbk_status dbk_exports_in_state(const dbk_snapshot *snapshot, dbk_text tenant, dbk_export_state state,
                                dbk_result **rows, dbk_error *err);
// The tenant's jobs that are to be removed at now_ms, at most `limit`.
dbk_status dbk_exports_outdated(const dbk_snapshot *snapshot, dbk_text tenant, int64_t now_ms, int64_t limit,
                                dbk_result **rows, dbk_error *err);
// A row of any of these results.
void dbk_export_of(const dbk_result *rows, size_t row, dbk_export *out);

// ---- Changing ----

// The batch of the job's row; see dbk_row_batch_init. Moments that follow from the others (expires_at,
// keep_until) are filled in.
dbk_status dbk_export_build(dbk_batch *batch, const dbk_export *job, dbk_error *err);
// For transactions: moves a running job on, to `to`'s state, progress, rows, bytes, object, error and
// done_at. Progress never goes back. DBK_NOT_FOUND; DBK_INVALID when the job runs no more: then *found says
// how it ended. The batch is to be disposed of whatever this returns; it must be zeroed.
dbk_status dbk_export_advance(const dbk_snapshot *working, dbk_text tenant, dbk_text id, const dbk_export *to,
                              dbk_batch *batch, dbk_export_state *found, dbk_error *err);
// The batch that removes the rows of a result.
dbk_status dbk_exports_build_removal(dbk_batch *batch, const dbk_result *rows, dbk_error *err);

#endif
