// SPDX-License-Identifier: Apache-2.0
// Texts that stay on disk. The texts of a segment (columns of DBK_TEXT, ids included) stand at the end of its
// file. Once the file is on stable storage, a dbk_cold may let go of their pages and reads bring back, page
// by page, what they need. Nobody who reads texts sees a difference but the time it takes and the failures
// that a disk can have.
//
// The memory of a segment keeps its addresses: a page that leaves is given back to the system and is filled
// again in the same place, so whoever decodes texts knows nothing of all this. One sweep (CLOCK) over the
// pages of all segments, oldest segment first, lets go of those that nobody has read since it last came by.
//
// Trust. Every page that comes back is compared with a sum of what stood there, which was made from bytes
// that had passed every check of dbk_segment_open. What was opened without its texts (dbk_segment_open_cold)
// has no sums yet: the first read of a column brings its whole block, checks it as opening does, and makes
// them. So a disk can make a read fail (DBK_IO, DBK_CORRUPT), never answer wrongly.
//
// Threads. A read announces itself for the time of one decoding (`users` in residence.h), which is all that
// texts in memory ever cost it. Pages of a segment leave only while it has no such read, and reads that come
// meanwhile wait the microseconds that takes. A sweep passes by segments that are being read, so what was
// read last may stay beyond the limit until the next one; when it must have them, it lets no other read begin
// and waits for those under way. Two reads that need the same page let one of them fetch it. While the disk
// is waited for no lock is held but one, of columns that were not opened with their segment: the first reads
// of them, in one segment, are made one after the other.
#ifndef DBK_SEGMENT_COLD_H
#define DBK_SEGMENT_COLD_H

#include "engine/segment/segment.h"

#include <stdatomic.h>

// Where the files of segments are read. Any thread, several at a time.
typedef struct dbk_segment_source {
    // Fills `to` with bytes [offset, offset + size) of the segment's file; waits for the disk. DBK_IO,
    // DBK_CORRUPT (the file is missing or ends before), DBK_NO_MEMORY; err need not name the file.
    dbk_status (*read)(void *user, uint64_t segment, void *to, size_t size, uint64_t offset, dbk_error *err);
    // Puts the name of the file in front of err's message.
    void (*blame)(void *user, uint64_t segment, dbk_error *err);
    // The segment is freed: its file is not read again.
    void (*gone)(void *user, uint64_t segment);
    void *user;
} dbk_segment_source;

typedef struct dbk_cold dbk_cold;

// `memory` counts what the whole database holds: the cold part moves it. Reads keep it below `limit` as long
// as there are texts that may leave, but for those of segments that are just being read. A small share of the
// limit always stays for texts that were just read, so that a database whose other parts fill the limit still
// reads texts from memory now and then. NULL: no memory.
dbk_cold *dbk_cold_create(const dbk_segment_source *source, _Atomic uint64_t *memory, uint64_t limit);
// After the last segment was freed. NULL is fine.
void dbk_cold_destroy(dbk_cold *cold);

// The caller has counted the segment in `memory`, as much as dbk_segment_memory said; from now on the cold
// part counts what comes and goes. Before others read it. False: memory is out.
bool dbk_cold_enroll(dbk_cold *cold, dbk_segment *segment);
// The segment's file is on stable storage: its texts may leave. More than once is fine.
void dbk_cold_admit(const dbk_segment *segment);
// The end of both, for a segment that nobody reads any more: its pages stay as they are from here on, so that
// dbk_segment_memory says what comes off. dbk_segment_free does it, too.
void dbk_cold_forget(dbk_segment *segment);

// Lets texts go until no more than `target` bytes of memory are held or none is left that may. Any thread
// that is not reading texts. What is being read stays, unless that is too much and the caller `waits` for it.
void dbk_cold_trim(dbk_cold *cold, uint64_t target, bool waits);
// Whether a segment of this id may still have to be read from its file.
bool dbk_cold_holds(dbk_cold *cold, uint64_t segment);

typedef struct dbk_cold_figures {
    uint64_t limit;
    uint64_t on_disk_bytes;  // texts of the database's segments that are not in memory
    uint64_t resident_bytes; // texts in memory that may leave
    uint64_t waiting_bytes;  // texts in memory that may leave once their segment has a file
    uint64_t hits, misses; // reads of texts of segments that are not wholly in memory: without, with the disk
    uint64_t read_bytes;   // from disk
    uint64_t failures;     // reads that failed
} dbk_cold_figures;
void dbk_cold_figures_read(const dbk_cold *cold, dbk_cold_figures *out);

// Opens a segment whose file has `size` bytes, without its texts: reads and checks everything before them.
// DBK_IO, DBK_CORRUPT, DBK_NO_MEMORY. Enrolling such a segment admits it. Any thread.
dbk_status dbk_segment_open_cold(dbk_cold *cold, uint64_t id, uint64_t size, dbk_segment **out,
                                 dbk_error *err);

#endif
