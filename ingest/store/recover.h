// SPDX-License-Identifier: Apache-2.0
// Reading a data directory back: the manifest that rules, the files it names, the log behind it. Nothing here
// writes, so that the check can use all of it; what recovery has to write follows from dbk_replay.
#ifndef DBK_STORE_RECOVER_H
#define DBK_STORE_RECOVER_H

#include "engine/db.h"
#include "ingest/store/files.h"
#include "ingest/store/manifest.h"

// The newest valid manifest; *out is NULL when the directory is new (or a crash cut its making short).
// DBK_CORRUPT when there must be one and it is not valid.
dbk_status dbk_recover_manifest(dbk_io *io, const dbk_file_list *files, dbk_manifest **out, dbk_error *err);

// Builds the database from the files that the manifest names.
dbk_status dbk_recover_files(dbk_io *io, const dbk_manifest *manifest, dbk_db *db, dbk_error *err);

typedef struct dbk_replay {
    dbk_log_position end; // where the next group belongs
    uint64_t file_bytes;  // size of the file it belongs in
    uint64_t number;      // changes in all, those of the manifest included
    uint64_t groups;      // replayed
    uint64_t bytes;       // of these groups
    bool unconfirmed;     // the last group is a data group
    uint64_t torn_bytes;  // behind `end`, to the last byte that is not zero; 0 = a clean end
} dbk_replay;

// Replays the log from the manifest's position into db (NULL: only verifies). With `sync`, each file is
// synced before it is believed: bytes that a killed process left in the page cache would otherwise be served,
// built upon, and lost with the power. DBK_CORRUPT for everything that is neither the log's end nor a torn
// tail.
dbk_status dbk_recover_log(dbk_io *io, const dbk_file_list *files, const dbk_manifest *manifest, dbk_db *db,
                           bool sync, dbk_replay *out, dbk_error *err);

// True when something names the file. Log files between the manifest's and the last one are named.
bool dbk_recover_is_named(const dbk_manifest *manifest, const dbk_manifest_index *segments,
                          const dbk_replay *replay, dbk_file_kind kind, uint64_t number);

#endif
