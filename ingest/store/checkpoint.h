// SPDX-License-Identifier: Apache-2.0
// Turning a snapshot into files, so that the log before it is no longer needed. A function of the snapshot,
// the manifest before and a dbk_io of its own: it runs beside the writer and knows nothing of it.
#ifndef DBK_STORE_CHECKPOINT_H
#define DBK_STORE_CHECKPOINT_H

#include "engine/db.h"
#include "ingest/store/manifest.h"
#include "ingest/store/segment_files.h"

// A segment whose file was written and synced already, by nobody's manifest yet.
typedef struct dbk_written_segment {
    uint64_t id, size, checksum;
} dbk_written_segment;

typedef struct dbk_checkpoint_input {
    const dbk_snapshot *snapshot;       // held by a dbk_read of the caller
    dbk_log_position log;               // behind the last group whose changes are in the snapshot
    const dbk_manifest *previous;       // the one that rules now
    bool again;                         // a checkpoint failed since `previous`: files of its may lie about
    const dbk_written_segment *written; // ascending by id
    size_t written_count;
} dbk_checkpoint_input;

typedef struct dbk_checkpoint_figures {
    uint64_t segments_written;
    uint64_t bytes_written;
} dbk_checkpoint_figures;

// Writes the files that are missing and then the manifest that names them; then texts of the segments in them
// may leave memory. On failure the previous manifest
// still rules; after DBK_NO_SPACE or DBK_NO_MEMORY it may be tried `again`, any other failure is final.
// figures count also what a failed one wrote.
dbk_status dbk_checkpoint_write(dbk_io *io, const dbk_checkpoint_input *input, dbk_manifest **out,
                                dbk_checkpoint_figures *figures, dbk_error *err);

// Removes what only the previous manifest needed: itself, and when that is on stable storage, its files.
// The log files before next->log.sequence go with it: no writer may need them. Segment files that the db may
// still read wait in `files` (NULL: it reads none).
dbk_status dbk_checkpoint_sweep(dbk_io *io, const dbk_manifest *previous, const dbk_manifest *next,
                                const dbk_db *db, dbk_segment_files *files, dbk_error *err);

// The manifest of a new directory: no tenants, replay from `log`. Written and synced like any other.
dbk_status dbk_checkpoint_first(dbk_io *io, const dbk_log_position *log, dbk_manifest **out, dbk_error *err);

#endif
