// SPDX-License-Identifier: Apache-2.0
// Rows of a fact that become a segment of their own, without having been hot rows: for one who loads files
// and serves nobody. What takes time is done on any threads, what must keep an order is the writer's:
//
//     prepare   any thread    the rows in the order of time, their ids hashed
//     place     the writer    in the order of the source: words get codes, keys lead to a slot of their own
//     build     any thread    the rows are encoded
//     settle    the writer    in any order: the segment takes its slot, and the batch may go
//     finish    the writer    in any order: the segment is like any other
//
// From a place to its finish the working state is incomplete: it may be placed into again, but not applied
// to, looked at or frozen. When a step fails, what was placed has no rows and never will: the database must
// be given up, and nothing of it be kept that was not frozen before.
#ifndef DBK_BULK_H
#define DBK_BULK_H

#include "engine/db.h"
#include "engine/segment/segment.h"

typedef struct dbk_bulk dbk_bulk;

// A good rows_min: fewer rows are better kept hot, where they wait for more.
enum { DBK_BULK_ROWS_MIN = 16384 };

// Whether rows may go this way at all: nobody watches them. Sums that are kept beside the table's rows are
// given up, and made anew by a later freeze.
bool dbk_bulk_is_possible(const dbk_db *db);

// *out stays NULL when the batch must be applied as any other: it is not of a fact, removes rows, has rows
// without time, or less than rows_min of them. Otherwise its columns are put in the order of time
// and belong to the bulk until dbk_bulk_free; the batch itself, and its arena, stay the caller's. The batch
// must be one that passes dbk_batch_check. DBK_NO_MEMORY or DBK_OK.
dbk_status dbk_bulk_prepare(dbk_batch *batch, uint32_t rows_min, dbk_bulk **out);
// NULL is fine. Not between place and finish, unless the database is given up.
void dbk_bulk_free(dbk_bulk *bulk);

// Room for the keys of so many rows in a table that has none yet. Optional.
dbk_status dbk_bulk_expect(dbk_db *db, dbk_text tenant, dbk_table_id table, uint64_t rows, dbk_error *err);
// Does what dbk_db_apply promises, but for the rows themselves. DBK_BUSY: nothing was done; finish what was
// placed before, and place it then.
dbk_status dbk_bulk_place(dbk_db *db, dbk_text tenant, dbk_bulk *bulk, dbk_error *err);
// Encodes the rows. The segment belongs to the bulk, and is NULL before.
dbk_status dbk_bulk_build(dbk_bulk *bulk, dbk_error *err);
const dbk_segment *dbk_bulk_segment(const dbk_bulk *bulk);
// Puts the segment in its place: the batch is not needed any more. The segment's bytes stay where they are
// until the finish, for whoever writes them to a file.
dbk_status dbk_bulk_settle(dbk_bulk *bulk, dbk_error *err);
// Settles it if nobody has, and compacts at most one of the table's segments. Where the database keeps texts
// on disk (dbk_image_keep_cold) the segment's file has been written and synced before: its texts may leave
// memory.
dbk_status dbk_bulk_finish(dbk_bulk *bulk, dbk_error *err);

#endif
