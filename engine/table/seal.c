// SPDX-License-Identifier: Apache-2.0
// Full deltas become segments, and segments of which most rows are dead become smaller ones. Both put the
// live rows of a slot, in a new order, back into the same slot, and then lead the keys to their new rows.
#include "engine/table/state.h"

#include "engine/base/hash.h"

#include <stdlib.h>

static bool is_renumbered(const dbk_rows *rows)
{
    for (uint32_t i = 0; i < rows->rows; i++) {
        if (rows->source[i] != i)
            return true;
    }
    return false;
}

// How many keys ahead the index is asked for: enough to hide a miss to memory, few enough to stay cached.
enum { PREFETCH_AHEAD = 24 };

// The hashes of the rows' ids, in the rows' memory; NULL when there is none left.
static const uint64_t *hashes_make(const dbk_table *table, dbk_rows *rows)
{
    uint64_t *hashes = dbk_arena_alloc(&rows->arena, rows->rows * sizeof *hashes);
    const dbk_text *ids = rows->texts[table->def->key_column];
    for (uint32_t i = 0; hashes && i < rows->rows; i++)
        hashes[i] = dbk_hash_bytes(ids[i].data, ids[i].length);
    return hashes;
}

static bool keys_reserve(dbk_table *table, const dbk_rows *rows)
{
    if (table->def->kind == DBK_FACT)
        return true;
    const uint32_t *keys = rows->codes[table->def->key_column];
    for (uint32_t i = 0; i < rows->rows; i++) {
        if (!dbk_table_key_reserve(table, keys[i]))
            return false;
    }
    return true;
}

// Where the index leads to these rows. All entries are found before the first is changed: new row numbers are
// other rows' old ones, and two keys may share a tag.
static bool entries_find(dbk_table *table, uint32_t slot, dbk_rows *rows, const uint64_t *hashes,
                         _Atomic uint64_t ***out)
{
    _Atomic uint64_t **entries = dbk_arena_alloc(&rows->arena, rows->rows * sizeof(_Atomic uint64_t *));
    if (!entries)
        return false;
    for (uint32_t i = 0; i < rows->rows; i++) {
        if (i + PREFETCH_AHEAD < rows->rows)
            dbk_key_index_prefetch(&table->index, hashes[i + PREFETCH_AHEAD]);
        entries[i] = dbk_key_index_entry(&table->index, hashes[i], dbk_place_make(slot, rows->source[i]));
    }
    *out = entries;
    return true;
}

static void facts_lead(dbk_table *table, uint32_t slot, const dbk_rows *rows, const uint64_t *hashes,
                       _Atomic uint64_t **entries)
{
    // Counted first: a reader that meets a new number sees that numbers have changed.
    atomic_fetch_add(&table->moves.renumberings, 1);
    for (uint32_t i = 0; i < rows->rows; i++)
        dbk_key_index_update(entries[i], hashes[i], dbk_place_make(slot, i));
}

static void keys_lead(dbk_table *table, uint32_t slot, const dbk_rows *rows)
{
    const uint32_t *keys = rows->codes[table->def->key_column];
    for (uint32_t i = 0; i < rows->rows; i++)
        dbk_locator_map_set(&table->map, keys[i], dbk_place_make(slot, i) + 1);
}

static dbk_status rows_reseal(dbk_table *table, uint32_t slot, dbk_rows *rows)
{
    const dbk_table_def *def = table->def;
    dbk_db *db = table->tenant->db;
    const dbk_part *part = dbk_table_part(table, slot);
    if (def->kind == DBK_FACT)
        DBK_TRY(dbk_rows_gather_sorted(rows, def, part, def->time_column));
    else
        DBK_TRY(dbk_rows_gather(rows, def, part, part->rows));
    if (rows->rows == 0)
        return dbk_table_slot_clear(table, slot) ? DBK_OK : DBK_NO_MEMORY;

    bool renumbered = is_renumbered(rows);
    const uint64_t *hashes = NULL;
    _Atomic uint64_t **entries = NULL;
    if (renumbered && def->kind == DBK_FACT) {
        hashes = hashes_make(table, rows);
        if (!hashes || !entries_find(table, slot, rows, hashes, &entries))
            return DBK_NO_MEMORY;
    }
    if (renumbered && !keys_reserve(table, rows))
        return DBK_NO_MEMORY;
    // Rows of a segment that turned out to be wrong stay where they are, so that nothing hides it.
    DBK_TRY(dbk_db_hold(db, NULL));
    dbk_segment *segment;
    DBK_TRY(dbk_rows_build(rows, def, db->next_segment_id, &segment, NULL));
    dbk_sealed *sealed = dbk_sealed_create(table, segment);
    if (!sealed)
        return DBK_NO_MEMORY;
    if (!dbk_table_part_own(table, slot)) {
        dbk_object_free(&sealed->object);
        return DBK_NO_MEMORY;
    }

    // Nothing fails from here on. The keys are led before the slot changes hands, since hot rows lend us
    // their ids.
    db->next_segment_id++;
    if (entries)
        facts_lead(table, slot, rows, hashes, entries);
    if (renumbered && def->kind == DBK_KEYED)
        keys_lead(table, slot, rows);
    dbk_table_slot_put(table, slot, sealed, def->kind == DBK_FACT);
    return DBK_OK;
}

static bool slot_reseal(dbk_table *table, uint32_t slot)
{
    dbk_rows rows = {0};
    dbk_status status = rows_reseal(table, slot, &rows);
    dbk_rows_dispose(&rows);
    if (status == DBK_OK)
        dbk_table_mark_changed(table);
    return status == DBK_OK;
}

// The emptiest of the segments that have more dead rows than live ones. One whose texts do not come back from
// disk stays as it is, and so does one that is being written.
static uint32_t compaction_candidate(const dbk_table *table)
{
    uint32_t found = DBK_NO_SLOT;
    uint64_t best_dead = 1, best_rows = 2;
    for (uint32_t i = 0; i < table->slots; i++) {
        const dbk_part *part = dbk_table_part(table, i);
        if (part->sealed && part->dead_rows * best_rows > best_dead * part->rows &&
            !dbk_segment_is_damaged(part->sealed->segment) && !dbk_bulk_has(table, i)) {
            found = i;
            best_dead = part->dead_rows;
            best_rows = part->rows;
        }
    }
    return found;
}

void dbk_table_compact(dbk_table *table)
{
    uint32_t sparse = compaction_candidate(table);
    if (sparse != DBK_NO_SLOT)
        (void)slot_reseal(table, sparse); // for want of memory it is done another time
}

void dbk_table_seal_full(dbk_table *table)
{
    uint32_t limit = table->tenant->db->segment_rows;
    if (table->hot_slot != DBK_NO_SLOT && dbk_table_part(table, table->hot_slot)->rows >= limit) {
        table->hot_slot = DBK_NO_SLOT;
        table->unsealed = true;
    }
    if (!table->unsealed)
        return;
    table->unsealed = false;
    for (uint32_t i = 0; i < table->slots; i++) {
        if (!dbk_table_part(table, i)->delta || i == table->hot_slot)
            continue;
        if (!slot_reseal(table, i)) {
            table->unsealed = true; // for the next time
            return;
        }
        // One for one: old segments are compacted as fast as new ones come, and no write waits for more.
        uint32_t sparse = compaction_candidate(table);
        if (sparse != DBK_NO_SLOT && !slot_reseal(table, sparse))
            return;
    }
}

// ---- The index of a large fact ----

static dbk_status part_index(dbk_table *table, uint32_t slot, dbk_key_index *index)
{
    const dbk_part *part = dbk_table_part(table, slot);
    if (part->rows == part->dead_rows)
        return DBK_OK;
    dbk_rows rows = {0};
    dbk_status status = dbk_rows_gather_column(&rows, table->def, part, part->rows, table->def->key_column);
    const uint64_t *hashes = status == DBK_OK ? hashes_make(table, &rows) : NULL;
    if (status == DBK_OK && (!hashes || !dbk_key_index_reserve(index, hashes, rows.rows)))
        status = DBK_NO_MEMORY;
    for (uint32_t i = 0; status == DBK_OK && i < rows.rows; i++) {
        if (i + PREFETCH_AHEAD < rows.rows)
            dbk_key_index_prefetch(index, hashes[i + PREFETCH_AHEAD]);
        dbk_key_index_insert(index, hashes[i], dbk_place_make(slot, rows.source[i]), NULL);
    }
    dbk_rows_dispose(&rows);
    return status;
}

dbk_status dbk_table_index_prepare(dbk_table *table, size_t more)
{
    if (!dbk_key_index_wants_split(&table->index, more))
        return DBK_OK;
    dbk_key_index fresh = {.versions = table->index.versions};
    dbk_status status = dbk_key_index_split(&fresh) ? DBK_OK : DBK_NO_MEMORY;
    for (uint32_t i = 0; status == DBK_OK && i < table->slots; i++)
        status = part_index(table, i, &fresh);
    if (status == DBK_OK)
        dbk_key_index_replace(&table->index, &fresh);
    dbk_key_index_dispose(&fresh);
    return status;
}
