// SPDX-License-Identifier: Apache-2.0
// Segments on their way back from disk: one thread reads their files and puts them into the database, in the
// order of the manifest; between the two, several check their bytes and hash their keys.
#ifndef DBK_STORE_RESTORE_H
#define DBK_STORE_RESTORE_H

#include "engine/db.h"
#include "ingest/store/files.h"
#include "ingest/store/manifest.h"

// A whole file that the manifest names, its size and checksum verified.
dbk_status dbk_restore_read(dbk_io *io, dbk_file_kind kind, uint64_t number, uint64_t size, uint64_t checksum,
                            void **out, dbk_error *err);

// Restores the sealed segments of every table of the manifest, whose words are there. `state` are the bytes
// of the state file, NULL when there is none. Where all of it would not fit the db's limit of memory, texts
// are left on disk, but for ids while their keys are led to them.
dbk_status dbk_restore_segments(dbk_io *io, const dbk_manifest *manifest, const void *state, dbk_db *db,
                                dbk_error *err);

#endif
