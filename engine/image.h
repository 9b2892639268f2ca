// SPDX-License-Identifier: Apache-2.0
// What has to be kept on disk so that a snapshot can be built again, and the way back. The only users are the
// checkpoint and recovery; docs/FORMAT.md has the bytes.
#ifndef DBK_IMAGE_H
#define DBK_IMAGE_H

#include "engine/db.h"
#include "engine/segment/cold.h"

// ---- Texts that need not stay in memory ----

// Lets texts of segments that have a file leave memory while more than `limit` bytes are held. Before the
// first segment. The source must outlive the db. DBK_NO_MEMORY.
dbk_status dbk_image_keep_cold(dbk_db *db, const dbk_segment_source *source, uint64_t limit, dbk_error *err);
// NULL when all texts stay in memory.
dbk_cold *dbk_image_cold(const dbk_db *db);
// Every sealed segment of the snapshot has its file on stable storage, named so that a crash leaves it there.
void dbk_image_settle(const dbk_snapshot *snapshot);

// ---- Reading a snapshot out ----

// Words of a dictionary are numbered from 1 and never change: a checkpoint writes only those it has not
// written yet.
uint32_t dbk_image_words(const dbk_snapshot *snapshot, size_t tenant, dbk_domain domain);
dbk_text dbk_image_word(const dbk_snapshot *snapshot, size_t tenant, dbk_domain domain, uint32_t code);

// The sealed segments of a table, each in a numbered slot that row locators refer to; slots can be empty
// (compacted).
size_t dbk_image_slots(const dbk_snapshot *snapshot, size_t tenant, dbk_table_id table);
// NULL for an empty slot. The segment's id (dbk_segment_id) is unique in the data directory and names its
// file.
const dbk_segment *dbk_image_segment(const dbk_snapshot *snapshot, size_t tenant, dbk_table_id table,
                                     size_t slot);
// One bit a row, 1 = removed or replaced; NULL when no row is. (rows + 63) / 64 words.
const uint64_t *dbk_image_dead(const dbk_snapshot *snapshot, size_t tenant, dbk_table_id table, size_t slot);

// The rows not yet sealed, as a segment built for the purpose (*out NULL when there are none), live rows
// only.
dbk_status dbk_image_delta(const dbk_snapshot *snapshot, size_t tenant, dbk_table_id table, dbk_segment **out,
                           dbk_error *err);
// The smallest segment id not used yet.
uint64_t dbk_image_next_segment_id(const dbk_snapshot *snapshot);

// ---- Building a database from what was kept: before the first apply, then freeze and publish as always ----

// The next words of a domain, from 1, before segments that use them. DBK_CORRUPT when one cannot be a word or
// stands there twice.
dbk_status dbk_image_restore_words(dbk_db *db, dbk_text tenant, dbk_domain domain, const dbk_text *words,
                                   uint32_t count, dbk_error *err);
// Makes room for so many words of the domain in all; optional.
dbk_status dbk_image_expect_words(dbk_db *db, dbk_text tenant, dbk_domain domain, uint32_t words,
                                  dbk_error *err);
// What of a segment's way back needs nothing but the segment: the keys of a keyed table are read, the largest
// codes and the order found. Any thread. Takes over the segment, whatever it returns; dead is copied.
typedef struct dbk_image_prepared dbk_image_prepared;
dbk_status dbk_image_prepare_segment(dbk_segment *segment, const uint64_t *dead, dbk_image_prepared **out,
                                     dbk_error *err);
// For one that is not restored. NULL is fine.
void dbk_image_prepared_dispose(dbk_image_prepared *prepared);
// Takes over what was prepared, whatever it returns; the segment comes from its file. Codes beyond the
// dictionary, and a key of a keyed table that lives twice, are DBK_CORRUPT.
dbk_status dbk_image_restore_segment(dbk_db *db, dbk_text tenant, dbk_table_id table, size_t slot,
                                     dbk_image_prepared *prepared, dbk_error *err);
// Puts the rows back as unsealed ones. Frees the segment.
dbk_status dbk_image_restore_delta(dbk_db *db, dbk_text tenant, dbk_table_id table, dbk_segment *rows,
                                   dbk_error *err);
void dbk_image_restore_next_segment_id(dbk_db *db, uint64_t id);
// After all rows: makes the indexes of the facts' ids, unless that is put off (dbk_db_put_off_keys).
dbk_status dbk_image_restore_end(dbk_db *db, dbk_error *err);

#endif
