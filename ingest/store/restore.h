// SPDX-License-Identifier: Apache-2.0
// Segments on their way back from disk: threads read their files, check their bytes and prepare them, while
// the caller does something else; then the caller puts them into the database, in the order of the manifest.
//
// There are more threads than processors, each with one file: while some wait for the disk, others check. So
// the disk always has several large requests before it, whether they are answered by it or by the page cache.
// Files come in pieces, through a window of each thread's. Their own memory is asked for before the threads
// begin: whoever changes what the process has mapped waits for all whose pages are being filled in, and then
// they for him.
#ifndef DBK_STORE_RESTORE_H
#define DBK_STORE_RESTORE_H

#include "engine/db.h"
#include "engine/segment/cold.h"
#include "ingest/store/files.h"
#include "ingest/store/manifest.h"

// A whole file that the manifest names, its size and checksum verified.
dbk_status dbk_restore_read(dbk_io *io, dbk_file_kind kind, uint64_t number, uint64_t size, uint64_t checksum,
                            void **out, dbk_error *err);

typedef struct dbk_restorer dbk_restorer;

// Begins with the sealed segments of every table of the manifest. `state` are the bytes of the state file,
// NULL when there is none. Where all of it would not fit the limit of memory of `cold`, the segments' texts
// are left on disk, and read through its source when somebody asks for them; NULL: they come, too. All four,
// and the io, must live until the end.
dbk_status dbk_restore_begin(dbk_restorer **out, dbk_io *io, const dbk_manifest *manifest, const void *state,
                             dbk_cold *cold, dbk_error *err);
// Restores them into the database, whose words are there; or, with no database, only ends the threads. Frees
// the restorer. The first failure in the order of the manifest is told.
dbk_status dbk_restore_end(dbk_restorer *restorer, dbk_db *db, dbk_error *err);

#endif
