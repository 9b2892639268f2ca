// SPDX-License-Identifier: Apache-2.0
// Segment files that are read piece by piece while the directory is in use: where texts come back from that
// are not in memory (engine/segment/cold.h). Any thread reads; each reading thread borrows a dbk_io for the
// time of one read, and each dbk_io keeps a few files open. So the descriptors are bounded, however many
// segments and threads there are.
//
// A file that a checkpoint needs no more may still have to be read by those who began before. Such files are
// removed later; should the process end before, the next opening of the directory removes them.
#ifndef DBK_STORE_SEGMENT_FILES_H
#define DBK_STORE_SEGMENT_FILES_H

#include "engine/io/io.h"
#include "engine/segment/cold.h"

typedef struct dbk_segment_files dbk_segment_files;

// Opens one more dbk_io on the directory; any thread.
typedef dbk_status (*dbk_open_io)(void *user, dbk_io **out, dbk_error *err);

dbk_status dbk_segment_files_create(dbk_segment_files **out, dbk_open_io open, void *user, dbk_error *err);
// After the database that reads from it. NULL is fine.
void dbk_segment_files_destroy(dbk_segment_files *files);
// Valid as long as the files are.
dbk_segment_source dbk_segment_files_source(dbk_segment_files *files);

// Nothing on disk names the file any more: removes it through `io`, now or, if segments of `cold` may still
// be read from it, when dbk_segment_files_tidy is called and none is. One thread at a time. A file that
// cannot be removed stays behind.
void dbk_segment_files_discard(dbk_segment_files *files, dbk_cold *cold, dbk_io *io, uint64_t segment);
// `cold` NULL: there is nobody left who reads.
void dbk_segment_files_tidy(dbk_segment_files *files, dbk_cold *cold, dbk_io *io);

#endif
