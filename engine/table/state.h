// SPDX-License-Identifier: Apache-2.0
// The shape of the database: the writer's working state, and the images frozen from it.
//
//     dbk_db ── dbk_tenant ─┬─ dbk_dict         one a domain: words and codes
//                           └─ dbk_table ─┬─ dbk_part_page ── dbk_part     segments and hot rows, by slot
//                                         ├─ dbk_key_index, dbk_moves      facts: id to place
//                                         ├─ dbk_locator_map               keyed tables: code to place
//                                         └─ dbk_rollups                   sums beside the rows
//
//     dbk_snapshot ── dbk_tenant_view ── dbk_table_view ── dbk_part_page, root of the map
//
// A part keeps its slot for life: a delta is sealed into, and a segment compacted into, the slot it has. So a
// key changes its slot only when its row is replaced or removed. Pages, bitmaps of dead rows and map nodes
// are shared with images and copied on write as versions.h describes.
#ifndef DBK_TABLE_STATE_H
#define DBK_TABLE_STATE_H

#include "engine/base/pool.h"
#include "engine/db.h"
#include "engine/image.h"
#include "engine/segment/cold.h"
#include "engine/segment/proof.h"
#include "engine/table/delta.h"
#include "engine/table/dict.h"
#include "engine/table/key_index.h"
#include "engine/table/links.h"
#include "engine/table/locator_map.h"
#include "engine/table/moves.h"
#include "engine/table/rollups.h"
#include "engine/table/roster.h"
#include "engine/table/view.h"

#include <pthread.h>

enum { DBK_VECTOR_WORDS = DBK_VECTOR_ROWS / 64, DBK_PAGE_PARTS = 16, DBK_NO_SLOT = INT32_MAX };

// ---- Parts ----

// One bit a row, 1 = dead. Rows of later vectors than it has are alive.
typedef struct dbk_dead {
    dbk_object object;
    uint32_t vectors;
    uint64_t words[];
} dbk_dead;

// What frees a segment when its last reader has gone.
typedef struct dbk_sealed {
    dbk_object object;
    dbk_segment *segment;
    dbk_part_links links; // the readers'
} dbk_sealed;

// A segment, hot rows, or nothing (an empty slot: no rows). Only in the working state, rows that wait for
// their segment: neither, but rows (engine/bulk.h). A slot whose rows get new numbers gets the next
// edition: of a fact, slot, edition and number name the same row for as long as the process lives.
struct dbk_part {
    dbk_sealed *sealed;
    dbk_delta *delta;
    dbk_dead *dead;
    uint32_t rows, dead_rows;
    bool sorted;
    uint32_t edition;
};

typedef struct dbk_part_page {
    dbk_object object;
    dbk_part parts[DBK_PAGE_PARTS];
} dbk_part_page;

static inline bool dbk_part_is_dead(const dbk_part *part, uint32_t row)
{
    return part->dead && row / DBK_VECTOR_ROWS < part->dead->vectors &&
           (part->dead->words[row / 64] >> (row % 64) & 1);
}

// ---- The working state ----

typedef struct dbk_tenant dbk_tenant;
typedef struct dbk_rollup_room dbk_rollup_room;
typedef struct dbk_text_index dbk_text_index; // text_index.h
typedef struct dbk_bulk dbk_bulk;             // engine/bulk.h

typedef struct dbk_table {
    dbk_tenant *tenant;
    const dbk_table_def *def;
    dbk_part_page **pages;
    uint32_t pages_capacity;
    uint32_t slots;
    uint32_t hot_slot; // of the delta that takes new rows; DBK_NO_SLOT when there is none
    bool unsealed;     // another delta is full and waits to be sealed
    bool changed;      // since the last freeze
    uint64_t rows;     // alive
    dbk_key_index index;
    _Atomic bool keyless; // the index is still to be made (key_make.h)
    dbk_moves moves;
    dbk_locator_map map;
    dbk_text_index *text_indexes; // of keyed tables, those that were asked for
    dbk_bulk *bulks;              // of facts, those placed and not finished
    dbk_rollups *rollups;         // NULL until the table is large enough
    dbk_rollup_room *rollup_room;
    uint64_t rollup_rows;       // that there were when they were made
    uint32_t rollup_gaps;       // columns that rows were met without
    dbk_roster *roster;         // NULL until somebody has asked for it
    bool roster_failed;         // it cannot be kept
    _Atomic bool roster_wanted; // set by readers
    dbk_table_view *view;       // of the newest image
    dbk_table_view *fresh;      // of the image being made
} dbk_table;

struct dbk_tenant {
    dbk_db *db;
    dbk_text name; // as db->names has it
    dbk_table *tables[DBK_TABLE_END];
    dbk_dict *dicts[DBK_DOMAIN_COUNT];
    dbk_tenant_view *view, *fresh; // as in dbk_table
    dbk_proofs proofs;             // of its segments
    bool changed;
    dbk_tenant *next_changed;
};

// The making of key indexes after rows were restored, key_make.h.
typedef struct dbk_keys_making {
    bool wait;         // put off
    _Atomic bool stop; // whoever makes them gives up
    dbk_error failure; // of the last time that a change needed them
    pthread_mutex_t lock;
    pthread_cond_t changed; // a table has its index, or `over`
    bool over;              // tables without will never get one
} dbk_keys_making;

struct dbk_db {
    dbk_versions versions;
    dbk_cold *cold;           // NULL: all texts stay in memory
    dbk_proofs proofs;        // of all tenants
    _Atomic bool is_unproved; // columns of restored facts may still have to be proved
    dbk_dict names;           // of tenants: the code is 1 + the index in `tenants`
    dbk_tenant **tenants;
    uint32_t tenants_count, tenants_capacity;
    dbk_tenant *changed;
    _Atomic(dbk_snapshot *) current;
    dbk_snapshot *frozen_first, *frozen_last; // not published yet, oldest first
    uint64_t next_segment_id;
    uint32_t segment_rows; // how many hot rows are sealed: DBK_SEGMENT_ROWS, or less in tests
    uint64_t rollup_rows, rollup_bucket_rows; // DBK_ROLLUP_ROWS and …_BUCKET_ROWS, or others in tests
    bool rollups_wait;                        // freezes make none
    dbk_keys_making keys;
    dbk_haste haste;                        // with what is made behind the first answers
    uint64_t roster_rows, roster_step_rows; // DBK_ROSTER_LEAST_ROWS and …_STEP_ROWS, or others in tests
    void (*wish)(void *user);               // see dbk_db_on_wish
    void *wish_user;
    dbk_text_cursor cursor; // the writer's
    const dbk_watch *watches;
    int watches_count;
    dbk_row_stored stored;
    void *stored_user;
    uint64_t watch_number;
    // What readers took out of use, until the next freeze retires it.
    _Atomic(dbk_object *) offered;
};

// ---- Images ----

struct dbk_table_view {
    dbk_object object;
    const dbk_table *table; // for the index and the moves, which belong to no image
    uint64_t rows;
    uint32_t slots;
    dbk_locator_map map;
    uint64_t moves, renumberings; // counts of the table's when the image was made
    const dbk_dict *keys;         // keyed tables: the key's domain …
    uint32_t keys_bound;          // … and its words
    dbk_rollups_view *rollups;    // NULL when it has none
    dbk_roster_view *roster;      // NULL while it is not whole
    _Atomic bool *roster_wanted;  // the table's
    const dbk_part_page *pages[];
};

struct dbk_tenant_view {
    dbk_object object;
    const dbk_tenant *tenant;
    uint64_t number, data_number; // see dbk_snapshot_tenant_number, …_data_number
    uint32_t words[DBK_DOMAIN_COUNT];
    const dbk_table_view *tables[DBK_TABLE_END];
};

struct dbk_snapshot {
    dbk_object object;
    const dbk_db *db;
    uint64_t number, next_segment_id;
    dbk_object *garbage; // what no later image has
    dbk_snapshot *next;  // frozen later and not published yet
    uint32_t tenants_count;
    const dbk_tenant_view *tenants[];
};

// ---- db.c ----

// Any thread: hands over what reads beginning from now on cannot reach any more.
void dbk_db_offer(dbk_db *db, dbk_object *object);

// ---- tenant.c ----

// Creates what is missing; NULL when memory is out.
dbk_tenant *dbk_tenant_obtain(dbk_db *db, dbk_text name);
dbk_dict *dbk_tenant_dict(dbk_tenant *tenant, dbk_domain domain);
dbk_table *dbk_tenant_table_obtain(dbk_tenant *tenant, dbk_table_id table);
void dbk_tenant_destroy(dbk_tenant *tenant);
// Notes that the next image needs new views.
void dbk_table_mark_changed(dbk_table *table);
void dbk_tenant_mark_changed(dbk_tenant *tenant);

// ---- parts.c: the parts of a table ----

static inline dbk_versions *dbk_table_versions(const dbk_table *table)
{
    return &table->tenant->db->versions;
}
static inline const dbk_part *dbk_table_part(const dbk_table *table, uint32_t slot)
{
    return &table->pages[slot / DBK_PAGE_PARTS]->parts[slot % DBK_PAGE_PARTS];
}
// Each of these that makes something writable has the next image see the table anew (versions.h), whatever
// becomes of the change. The part, writable; NULL when memory is out.
dbk_part *dbk_table_part_own(dbk_table *table, uint32_t slot);
// Makes slots [0, count) exist, new ones empty.
bool dbk_table_slots_reserve(dbk_table *table, uint32_t count);
// Makes the way from a key's code to its row writable, see dbk_locator_map_reserve.
bool dbk_table_key_reserve(dbk_table *table, uint32_t code);
// Makes the row's bit writable; after that dbk_table_kill for it cannot fail in this generation.
bool dbk_table_kill_reserve(dbk_table *table, dbk_place place);
void dbk_table_kill(dbk_table *table, dbk_place place);
// Takes the segment over, also when it returns NULL (no memory).
dbk_sealed *dbk_sealed_create(dbk_table *table, dbk_segment *segment);
// Puts a segment in the place of what the slot has, after dbk_table_part_own; or nothing.
void dbk_table_slot_put(dbk_table *table, uint32_t slot, dbk_sealed *sealed, bool sorted);
bool dbk_table_slot_clear(dbk_table *table, uint32_t slot);
// The texts of a sealed row are decoded with the writer's cursor.
dbk_status dbk_table_text(dbk_table *table, dbk_place place, int column, dbk_text *out);
int64_t dbk_table_int(const dbk_table *table, dbk_place place, int column);
// Where the id of a fact stands. *entry (may be NULL) is its place in the index, or where an insertion
// begins.
dbk_status dbk_table_find(dbk_table *table, dbk_text id, uint64_t hash, dbk_place *out,
                          _Atomic uint64_t **entry);
void dbk_table_parts_dispose(dbk_table *table);

// ---- seal.c ----

// Seals the deltas that are full, and compacts at most one segment for each. Nothing that readers or later
// writes can see depends on it, so a failure (of memory) only leaves the work for next time.
void dbk_table_seal_full(dbk_table *table);
// Compacts one segment, if any has more dead rows than live ones.
void dbk_table_compact(dbk_table *table);
// Fills the index of a fact anew when it has outgrown one partition.
dbk_status dbk_table_index_prepare(dbk_table *table, size_t more);

// ---- bulk.c ----

// The id of a row that waits for its segment.
dbk_text dbk_bulk_id(const dbk_table *table, dbk_place place);
// Whether the slot is that of a bulk, from its place to its finish.
bool dbk_bulk_has(const dbk_table *table, uint32_t slot);

// ---- rows.c ----

// Rows as plain columns, in memory of their own.
typedef struct dbk_rows {
    dbk_arena arena;
    uint32_t rows;
    uint32_t *source; // the row of the part that each was
    int64_t *ints[DBK_COLUMNS_MAX];
    uint32_t *codes[DBK_COLUMNS_MAX];
    dbk_text *texts[DBK_COLUMNS_MAX];
} dbk_rows;

// The live rows of a part, appended to what *out has; `capacity` is the number of rows it may come to in all
// and must be the same each time. Texts of hot rows are borrowed.
dbk_status dbk_rows_gather(dbk_rows *out, const dbk_table_def *def, const dbk_part *part, uint32_t capacity);
// The same for all rows of one part, ascending in a column of integers; rows of the same value stay in order.
dbk_status dbk_rows_gather_sorted(dbk_rows *out, const dbk_table_def *def, const dbk_part *part, int column);
// As dbk_rows_gather, for one column alone.
dbk_status dbk_rows_gather_column(dbk_rows *out, const dbk_table_def *def, const dbk_part *part,
                                  uint32_t capacity, int column);
bool dbk_rows_is_sorted(const int64_t *values, uint32_t rows);
// The rows in ascending order of their values, in `order`; those of the same value stay in order. The fewer
// come behind a larger one, the less it costs. false: no memory.
bool dbk_rows_order(const int64_t *values, uint32_t count, uint32_t *order);
dbk_status dbk_rows_build(const dbk_rows *rows, const dbk_table_def *def, uint64_t id, dbk_segment **out,
                          dbk_error *err);
void dbk_rows_dispose(dbk_rows *rows);

// ---- For tests ----

void dbk_db_set_segment_rows(dbk_db *db, uint32_t rows);
void dbk_db_set_rollup_rows(dbk_db *db, uint64_t rows, uint64_t bucket_rows);
void dbk_db_set_roster_rows(dbk_db *db, uint64_t rows, uint64_t step_rows);

#endif
