// SPDX-License-Identifier: Apache-2.0
// What the executor sees of a table in a snapshot: parts (sealed segments, then the hot rows) whose columns
// are read by vectors, the words behind codes, and rows found by key. Everything here is immutable and safe
// on any thread while the read that holds the snapshot lasts.
#ifndef DBK_TABLE_VIEW_H
#define DBK_TABLE_VIEW_H

#include "engine/db.h"
#include "engine/segment/segment.h"
#include "engine/table/place.h"

typedef struct dbk_rollups_view dbk_rollups_view; // rollups.h
typedef struct dbk_roster_view dbk_roster_view;   // roster.h
typedef struct dbk_tenant_view dbk_tenant_view;
typedef struct dbk_table_view dbk_table_view;

// Columns of restored facts may have to be proved by whoever reads them first (engine/segment/proof.h), which
// takes longer than reading them.
bool dbk_snapshot_is_unproved(const dbk_snapshot *snapshot);
// NULL when the tenant is unknown.
const dbk_tenant_view *dbk_snapshot_tenant(const dbk_snapshot *snapshot, dbk_text tenant);
// NULL when the table has never had a row.
const dbk_table_view *dbk_tenant_table(const dbk_tenant_view *tenant, dbk_table_id table);

// Codes of a domain run from 1 to this bound, inclusive.
uint32_t dbk_tenant_words(const dbk_tenant_view *tenant, dbk_domain domain);
// The word of a code in [0, bound]; 0 is "no value".
dbk_text dbk_tenant_word(const dbk_tenant_view *tenant, dbk_domain domain, uint32_t code);
// The words of many codes, which are waited for together.
void dbk_tenant_words_of(const dbk_tenant_view *tenant, dbk_domain domain, const uint32_t *codes,
                         uint32_t count, dbk_text *out);
// The code of a word, 0 when the snapshot does not know it.
uint32_t dbk_tenant_code(const dbk_tenant_view *tenant, dbk_domain domain, dbk_text word);

typedef struct dbk_part dbk_part;

// Live rows of the table.
uint64_t dbk_view_rows(const dbk_table_view *view);
size_t dbk_view_parts(const dbk_table_view *view);
const dbk_part *dbk_view_part(const dbk_table_view *view, size_t index);

// Rows of the part, dead ones included, and how many of them are dead.
uint32_t dbk_part_rows(const dbk_part *part);
uint32_t dbk_part_dead_rows(const dbk_part *part);
// 16 words, one bit a row of the vector, 1 = dead; NULL when none of the vector's rows is. Bits past the last
// row are 0.
const uint64_t *dbk_part_dead(const dbk_part *part, uint32_t vector);

// A part that is in the same state has the same rows, dead ones among them: parts of one slot are compared,
// of any two snapshots of this process.
typedef struct dbk_part_state {
    uint32_t edition, rows, dead_rows;
} dbk_part_state;
dbk_part_state dbk_part_state_of(const dbk_part *part);
// Grows with every row that the table gets.
uint64_t dbk_view_age(const dbk_table_view *view);

// Sealed parts have zone maps (see segment.h); for hot rows both return false and nothing is known. Dead rows
// still count in them: bounds hold, sums and counts are only usable when dbk_part_dead_rows is 0.
bool dbk_part_zone_map(const dbk_part *part, int column, dbk_zone_map *out);
bool dbk_part_vector_zone_map(const dbk_part *part, int column, uint32_t vector, dbk_zone_map *out);
// The rows of a sealed part of a fact are ascending in the table's time column.
bool dbk_part_is_sorted(const dbk_part *part);

// The vector's values; either in `scratch` or in the part itself. Entries past the last row are undefined.
const int64_t *dbk_part_ints(const dbk_part *part, int column, uint32_t vector,
                             int64_t scratch[DBK_VECTOR_ROWS]);
const uint32_t *dbk_part_codes(const dbk_part *part, int column, uint32_t vector,
                               uint32_t scratch[DBK_VECTOR_ROWS]);
// The same of sealed parts without decoding (see segment.h); false where that is not possible.
bool dbk_part_packed(const dbk_part *part, int column, uint32_t vector, uint32_t out[DBK_VECTOR_ROWS],
                     dbk_line *line);
bool dbk_part_between(const dbk_part *part, int column, uint32_t vector, int64_t lo, int64_t hi,
                      uint64_t mask[DBK_MASK_WORDS]);
dbk_status dbk_part_texts(const dbk_part *part, int column, uint32_t vector, dbk_text_scratch *scratch,
                          const dbk_text **out);

int64_t dbk_part_int_at(const dbk_part *part, int column, uint32_t row);
uint32_t dbk_part_code_at(const dbk_part *part, int column, uint32_t row);
dbk_status dbk_part_text_at(const dbk_part *part, int column, uint32_t row, dbk_text_cursor *cursor,
                            dbk_text *out);

// Where a live row stands.
typedef struct dbk_locator {
    uint32_t part; // index for dbk_view_part
    uint32_t row;
} dbk_locator;

// KEYED tables, by the code of the key. One load each; no search.
bool dbk_view_find_code(const dbk_table_view *view, uint32_t code, dbk_locator *out);
// Any table, by the text of the key. For facts the writer's index is asked; where the row moved on after this
// snapshot was taken, the snapshot's own rows are searched, newest part first.
dbk_status dbk_view_find_id(const dbk_table_view *view, dbk_text id, bool *found, dbk_locator *out);

// Finds ids one after the other, for one thread, while the view's snapshot is held. It is
// cheapest when they come in the order of their rows. NULL: no memory.
typedef struct dbk_finder dbk_finder;
dbk_finder *dbk_finder_create(const dbk_table_view *view);
void dbk_finder_free(dbk_finder *finder);
// As dbk_view_find_id.
dbk_status dbk_finder_find(dbk_finder *finder, dbk_text id, bool *found, dbk_locator *out);
// This id will be asked for a few searches from here: asks the processor for what a search begins with.
void dbk_finder_expect(const dbk_finder *finder, dbk_text id);

// ---- References ----

// Where the ids in a column of a fact lead, vector by vector, for one thread, while the snapshot of both is
// held. Costs a few nanoseconds a row once a part's links are made (links.h); until then a search a row.
// NULL: no memory.
typedef struct dbk_follower dbk_follower;
dbk_follower *dbk_follower_create(int column, const dbk_table_view *to);
void dbk_follower_free(dbk_follower *follower);
// For the `count` rows of the vector that are listed, ascending: where the live row stands that the id names,
// or DBK_NO_PLACE. Other entries are undefined. The part is one of the column's table.
dbk_status dbk_follower_follow(dbk_follower *follower, const dbk_part *part, uint32_t vector,
                               const uint16_t *rows, uint32_t count, dbk_place places[DBK_VECTOR_ROWS]);

// ---- Rollups ----

// NULL when the table has none.
const dbk_rollups_view *dbk_view_rollups(const dbk_table_view *view);
// Makes the sums anew from the rows and compares. *wrong is NULL when all hold, else the name of a rollup
// that does not. DBK_NO_MEMORY or DBK_OK.
dbk_status dbk_view_rollups_check(const dbk_table_view *view, const char **wrong);

// NULL when the table has none, or it is not whole.
const dbk_roster_view *dbk_view_roster(const dbk_table_view *view);
// Somebody would have been answered from it.
void dbk_view_roster_wish(const dbk_table_view *view);
// As dbk_view_rollups_check.
dbk_status dbk_view_roster_check(const dbk_table_view *view, const char **wrong);

#endif
