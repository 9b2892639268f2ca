// SPDX-License-Identifier: Apache-2.0
// Batches that become segments.
//
// The rows of a batch are not searched for keys that stand twice: a key is led to its row, and who comes
// later finds the one before by it, in whatever slot, its own included. Of two rows of one batch the later in
// the source wins, wherever the order of time has put it; the other is a dead row of the segment.
#include "engine/bulk.h"

#include "engine/base/hash.h"
#include "engine/table/change.h"
#include "engine/table/key_make.h"
#include "engine/table/rollup_rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// A key is led to its row partition by partition of the index: what is next is then near what was.
enum { PLACES = 4096 };

struct dbk_bulk {
    dbk_batch *batch;  // whose arena has what follows; NULL from settle on
    uint32_t *order;   // which row of the source each row was; NULL when they were in order
    uint64_t *hashes;  // of the ids, in the order in which the index has them
    uint32_t *rows;    // whose they are
    dbk_text currency; // the first in the order of the source
    // From place on.
    dbk_table *table;
    uint32_t slot;
    uint64_t segment_id;
    uint32_t *codes[DBK_COLUMNS_MAX]; // the tenant's, by the batch's
    dbk_bulk *next;                   // of the table's
    // From build on.
    dbk_segment *segment;
};

static dbk_status no_memory(dbk_error *err)
{
    return dbk_fail(err, DBK_NO_MEMORY, "memory is out");
}

bool dbk_bulk_is_possible(const dbk_db *db)
{
    return db->watches_count == 0;
}

// ---- Prepare ----

static bool has_all_times(const dbk_batch *batch)
{
    const int64_t *times = batch->columns[batch->table->time_column].ints;
    bool all = times != NULL;
    for (uint32_t i = 0; all && i < batch->rows; i++)
        all = times[i] != DBK_NULL;
    return all;
}

// A column at a time, by a copy that stays in the second-level cache.
static void column_permute(void *values, size_t size, uint32_t rows, const uint32_t *order, void *copy)
{
    memcpy(copy, values, size * rows);
    for (uint32_t i = 0; size == sizeof(uint32_t) && i < rows; i++)
        ((uint32_t *)values)[i] = ((const uint32_t *)copy)[order[i]];
    for (uint32_t i = 0; size == sizeof(int64_t) && i < rows; i++)
        ((int64_t *)values)[i] = ((const int64_t *)copy)[order[i]];
    for (uint32_t i = 0; size == sizeof(dbk_text) && i < rows; i++)
        ((dbk_text *)values)[i] = ((const dbk_text *)copy)[order[i]];
}

static dbk_status rows_sort(dbk_bulk *bulk)
{
    const dbk_batch *batch = bulk->batch;
    const int64_t *times = batch->columns[batch->table->time_column].ints;
    if (dbk_rows_is_sorted(times, batch->rows))
        return DBK_OK;
    bulk->order = dbk_arena_alloc(&bulk->batch->arena, batch->rows * sizeof *bulk->order);
    void *copy = dbk_arena_alloc(&bulk->batch->arena, batch->rows * sizeof(dbk_text));
    if (!bulk->order || !copy || !dbk_rows_order(times, batch->rows, bulk->order))
        return DBK_NO_MEMORY;
    for (int c = 0; c < batch->table->columns_count; c++) {
        const dbk_batch_column *column = &batch->columns[c];
        if (column->ints)
            column_permute(column->ints, sizeof *column->ints, batch->rows, bulk->order, copy);
        if (column->codes)
            column_permute(column->codes, sizeof *column->codes, batch->rows, bulk->order, copy);
        if (column->texts)
            column_permute(column->texts, sizeof *column->texts, batch->rows, bulk->order, copy);
    }
    return DBK_OK;
}

static dbk_status ids_hash(dbk_bulk *bulk)
{
    dbk_batch *batch = bulk->batch;
    const dbk_text *ids = batch->columns[batch->table->key_column].texts;
    uint64_t *hashes = dbk_arena_alloc(&batch->arena, batch->rows * sizeof *hashes);
    bulk->hashes = dbk_arena_alloc(&batch->arena, batch->rows * sizeof *bulk->hashes);
    bulk->rows = dbk_arena_alloc(&batch->arena, batch->rows * sizeof *bulk->rows);
    if (!hashes || !bulk->hashes || !bulk->rows)
        return DBK_NO_MEMORY;
    uint32_t ends[PLACES] = {0};
    for (uint32_t i = 0; i < batch->rows; i++) {
        hashes[i] = dbk_hash_bytes(ids[i].data, ids[i].length);
        ends[dbk_key_partition(hashes[i], PLACES)]++;
    }
    for (uint32_t p = 1; p < PLACES; p++)
        ends[p] += ends[p - 1];
    for (uint32_t i = batch->rows; i-- > 0;) {
        const uint32_t at = --ends[dbk_key_partition(hashes[i], PLACES)];
        bulk->hashes[at] = hashes[i];
        bulk->rows[at] = i;
    }
    return DBK_OK;
}

dbk_status dbk_bulk_prepare(dbk_batch *batch, uint32_t rows_min, dbk_bulk **out)
{
    *out = NULL;
    if (batch->table->kind != DBK_FACT || batch->remove || batch->rows < rows_min || !has_all_times(batch))
        return DBK_OK;
    dbk_bulk *bulk = calloc(1, sizeof *bulk);
    if (!bulk)
        return DBK_NO_MEMORY;
    bulk->batch = batch;
    bulk->currency = dbk_batch_first_currency(batch);
    dbk_status status = rows_sort(bulk);
    if (status == DBK_OK)
        status = ids_hash(bulk);
    if (status != DBK_OK) {
        dbk_bulk_free(bulk);
        return status;
    }
    *out = bulk;
    return DBK_OK;
}

void dbk_bulk_free(dbk_bulk *bulk)
{
    if (!bulk)
        return;
    dbk_segment_free(bulk->segment);
    free(bulk);
}

// ---- Place ----

dbk_status dbk_bulk_expect(dbk_db *db, dbk_text tenant_name, dbk_table_id id, uint64_t rows, dbk_error *err)
{
    if (dbk_table_def_by_id((int)id)->kind != DBK_FACT || tenant_name.length == 0)
        return DBK_OK;
    dbk_tenant *tenant = dbk_tenant_obtain(db, tenant_name);
    dbk_table *table = tenant ? dbk_tenant_table_obtain(tenant, id) : NULL;
    if (!table)
        return no_memory(err);
    return table->slots > 0 || dbk_key_index_expect(&table->index, rows) ? DBK_OK : no_memory(err);
}

static dbk_bulk *bulk_at(const dbk_table *table, uint32_t slot)
{
    dbk_bulk *bulk = table->bulks;
    while (bulk && bulk->slot != slot)
        bulk = bulk->next;
    return bulk;
}

dbk_text dbk_bulk_id(const dbk_table *table, dbk_place place)
{
    const dbk_bulk *bulk = bulk_at(table, dbk_place_slot(place));
    assert(bulk);
    return bulk->batch->columns[table->def->key_column].texts[dbk_place_row(place)];
}

// All words of the batch get their codes: what a parser made a word of stands in some row.
static dbk_status words_add(dbk_bulk *bulk)
{
    const dbk_batch *batch = bulk->batch;
    for (int c = 0; c < batch->table->columns_count; c++) {
        const dbk_batch_column *column = &batch->columns[c];
        if (!column->codes)
            continue;
        dbk_dict *dict = dbk_tenant_dict(bulk->table->tenant, batch->table->columns[c].domain);
        uint32_t *codes = dbk_arena_alloc(&bulk->batch->arena, (column->words_count + 1) * sizeof *codes);
        if (!dict || !codes)
            return DBK_NO_MEMORY;
        codes[0] = 0;
        if (column->words_count > 1)
            DBK_TRY(dbk_dict_add_all(dict, column->words + 1, column->words_count - 1, codes + 1));
        bulk->codes[c] = codes;
    }
    return DBK_OK;
}

static dbk_status slot_take(dbk_bulk *bulk)
{
    dbk_table *table = bulk->table;
    uint32_t slot = table->slots;
    if (!dbk_table_slots_reserve(table, slot + 1))
        return DBK_NO_MEMORY;
    dbk_part *part = dbk_table_part_own(table, slot);
    if (!part)
        return DBK_NO_MEMORY;
    *part = (dbk_part){.rows = bulk->batch->rows, .sorted = true, .edition = part->edition};
    table->rows += bulk->batch->rows;
    bulk->slot = slot;
    bulk->segment_id = table->tenant->db->next_segment_id++;
    bulk->next = table->bulks;
    table->bulks = bulk;
    return DBK_OK;
}

static uint32_t source_row(const dbk_bulk *bulk, uint32_t row)
{
    return bulk->order ? bulk->order[row] : row;
}

// The key of this row stands at `old`, too.
static dbk_status replace(dbk_bulk *bulk, uint64_t hash, uint32_t row, dbk_place old, _Atomic uint64_t *entry)
{
    dbk_table *table = bulk->table;
    dbk_place place = dbk_place_make(bulk->slot, row);
    bool is_ours = dbk_place_slot(old) == bulk->slot;
    bool wins = !is_ours || source_row(bulk, row) > source_row(bulk, dbk_place_row(old));
    dbk_place gone = wins ? old : place;
    if (!dbk_table_kill_reserve(table, gone))
        return DBK_NO_MEMORY;
    if (wins) {
        // Without a reservation: a reader that misses the note searches the rows.
        if (!is_ours)
            dbk_moves_note(&table->moves, dbk_key_entry(hash, old));
        dbk_key_index_update(entry, hash, place);
    }
    dbk_table_kill(table, gone);
    return DBK_OK;
}

// Where the key of this row stands already, or DBK_NO_PLACE; and its entry in the index, or where it goes.
// Ids are looked at only where there is a row to compare with.
static dbk_status key_find(const dbk_bulk *bulk, uint64_t hash, uint32_t row, dbk_place *old,
                           _Atomic uint64_t **entry)
{
    dbk_table *table = bulk->table;
    *old = DBK_NO_PLACE;
    dbk_key_probe probe = dbk_key_probe_begin(&table->index, hash);
    while (*old == DBK_NO_PLACE && dbk_key_probe_next(&probe)) {
        dbk_text there;
        DBK_TRY(dbk_table_text(table, probe.place, table->def->key_column, &there));
        if (dbk_text_equal(there, bulk->batch->columns[table->def->key_column].texts[row]))
            *old = probe.place;
    }
    *entry = probe.entry;
    return DBK_OK;
}

static dbk_status key_lead(void *user, uint64_t hash, uint32_t row)
{
    dbk_bulk *bulk = user;
    dbk_place old;
    _Atomic uint64_t *entry;
    DBK_TRY(key_find(bulk, hash, row, &old, &entry));
    if (old != DBK_NO_PLACE)
        return replace(bulk, hash, row, old, entry);
    dbk_key_index_insert(&bulk->table->index, hash, dbk_place_make(bulk->slot, row), entry);
    return DBK_OK;
}

static dbk_status place(dbk_bulk *bulk)
{
    dbk_table *table = bulk->table;
    DBK_TRY(dbk_table_index_prepare(table, bulk->batch->rows));
    DBK_TRY(dbk_tenant_settle_currency(table->tenant, bulk->currency));
    DBK_TRY(words_add(bulk));
    DBK_TRY(slot_take(bulk));
    DBK_TRY(dbk_key_index_insert_all(&table->index, bulk->slot, bulk->hashes, bulk->rows, bulk->batch->rows,
                                     key_lead, bulk));
    dbk_table_rollups_forget(table);
    dbk_table_mark_changed(table);
    return DBK_OK;
}

dbk_status dbk_bulk_place(dbk_db *db, dbk_text tenant_name, dbk_bulk *bulk, dbk_error *err)
{
    if (tenant_name.length == 0)
        return dbk_fail(err, DBK_INVALID, "a tenant needs a name");
    dbk_tenant *tenant = dbk_tenant_obtain(db, tenant_name);
    bulk->table = tenant ? dbk_tenant_table_obtain(tenant, bulk->batch->table->id) : NULL;
    if (!bulk->table)
        return no_memory(err);
    dbk_status status = dbk_table_keys_need(bulk->table);
    if (status != DBK_OK)
        return dbk_fail(err, status, "%s", db->keys.failure.message);
    // An index that outgrows its one partition is filled anew from the rows, all of which must be there.
    if (bulk->table->bulks && dbk_key_index_wants_split(&bulk->table->index, bulk->batch->rows))
        return dbk_fail(err, DBK_BUSY, "rows that were placed before must be finished first");
    status = place(bulk);
    if (status == DBK_IO || status == DBK_CORRUPT) // an id to compare with does not come back from disk
        return dbk_fail(err, status, "%s: %.380s", bulk->batch->table->name,
                        dbk_segment_read_failure(status));
    if (status == DBK_LIMIT)
        return dbk_fail(err, status, "%s: the tenant has too many different values or rows",
                        bulk->batch->table->name);
    return status == DBK_OK ? DBK_OK : no_memory(err);
}

// ---- Build and finish ----

dbk_status dbk_bulk_build(dbk_bulk *bulk, dbk_error *err)
{
    const dbk_batch *batch = bulk->batch;
    dbk_segment_input input = {.table = batch->table, .id = bulk->segment_id, .rows = batch->rows};
    for (int c = 0; c < batch->table->columns_count; c++) {
        const dbk_batch_column *column = &batch->columns[c];
        for (uint32_t i = 0; column->codes && i < batch->rows; i++)
            column->codes[i] = bulk->codes[c][column->codes[i]];
        input.ints[c] = column->ints;
        input.codes[c] = column->codes;
        input.texts[c] = column->texts;
    }
    return dbk_segment_build(&input, &bulk->segment, err);
}

const dbk_segment *dbk_bulk_segment(const dbk_bulk *bulk)
{
    return bulk->segment;
}

bool dbk_bulk_has(const dbk_table *table, uint32_t slot)
{
    return bulk_at(table, slot) != NULL;
}

dbk_status dbk_bulk_settle(dbk_bulk *bulk, dbk_error *err)
{
    dbk_table *table = bulk->table;
    dbk_sealed *sealed = dbk_sealed_create(table, bulk->segment);
    bulk->segment = NULL;
    if (!sealed)
        return no_memory(err);
    dbk_part *part = dbk_table_part_own(table, bulk->slot);
    if (!part) {
        dbk_object_free(&sealed->object);
        return no_memory(err);
    }
    part->sealed = sealed;
    bulk->batch = NULL;
    return DBK_OK;
}

dbk_status dbk_bulk_finish(dbk_bulk *bulk, dbk_error *err)
{
    dbk_table *table = bulk->table;
    if (bulk->batch)
        DBK_TRY(dbk_bulk_settle(bulk, err));
    dbk_cold_admit(dbk_table_part(table, bulk->slot)->sealed->segment);
    dbk_bulk **at = &table->bulks;
    while (*at != bulk)
        at = &(*at)->next;
    *at = bulk->next;
    dbk_table_compact(table);
    return DBK_OK;
}
