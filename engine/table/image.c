// SPDX-License-Identifier: Apache-2.0
// What a checkpoint writes of a snapshot, and the way back into a database.
#include "engine/table/change.h"
#include "engine/table/key_make.h"
#include "engine/table/rollup_rows.h"
#include "engine/table/roster_rows.h"

#include <stdlib.h>
#include <string.h>

// ---- Texts on disk ----

dbk_status dbk_image_keep_cold(dbk_db *db, const dbk_segment_source *source, uint64_t limit, dbk_error *err)
{
    db->cold = dbk_cold_create(source, &db->versions.memory.bytes, limit);
    db->proofs.blame = source->blame;
    db->proofs.blame_user = source->user;
    return db->cold ? DBK_OK : dbk_fail(err, DBK_NO_MEMORY, "memory is out");
}

dbk_cold *dbk_image_cold(const dbk_db *db)
{
    return db->cold;
}

static void settle_table(const dbk_table_view *view)
{
    for (size_t i = 0; i < dbk_view_parts(view); i++) {
        const dbk_part *part = dbk_view_part(view, i);
        if (part->sealed)
            dbk_cold_admit(part->sealed->segment);
    }
}

void dbk_image_settle(const dbk_snapshot *snapshot)
{
    for (uint32_t t = 0; t < snapshot->tenants_count; t++)
        for (int id = DBK_ORDERS; id < DBK_TABLE_END; id++)
            if (snapshot->tenants[t]->tables[id])
                settle_table(snapshot->tenants[t]->tables[id]);
}

// ---- Out ----

static const dbk_tenant_view *tenant_at(const dbk_snapshot *snapshot, size_t tenant)
{
    return snapshot->tenants[tenant];
}

uint32_t dbk_image_words(const dbk_snapshot *snapshot, size_t tenant, dbk_domain domain)
{
    return dbk_tenant_words(tenant_at(snapshot, tenant), domain);
}

dbk_text dbk_image_word(const dbk_snapshot *snapshot, size_t tenant, dbk_domain domain, uint32_t code)
{
    return dbk_tenant_word(tenant_at(snapshot, tenant), domain, code);
}

size_t dbk_image_slots(const dbk_snapshot *snapshot, size_t tenant, dbk_table_id table)
{
    const dbk_table_view *view = tenant_at(snapshot, tenant)->tables[table];
    size_t slots = view ? view->slots : 0;
    // Hot rows at the end are no segment.
    while (slots > 0 && !dbk_view_part(view, slots - 1)->sealed)
        slots--;
    return slots;
}

const dbk_segment *dbk_image_segment(const dbk_snapshot *snapshot, size_t tenant, dbk_table_id table,
                                     size_t slot)
{
    const dbk_part *part = dbk_view_part(tenant_at(snapshot, tenant)->tables[table], slot);
    return part->sealed ? part->sealed->segment : NULL;
}

const uint64_t *dbk_image_dead(const dbk_snapshot *snapshot, size_t tenant, dbk_table_id table, size_t slot)
{
    const dbk_part *part = dbk_view_part(tenant_at(snapshot, tenant)->tables[table], slot);
    return part->sealed && part->dead_rows ? part->dead->words : NULL;
}

static dbk_status delta_gather(const dbk_table_view *view, dbk_rows *rows)
{
    uint32_t alive = 0;
    for (uint32_t i = 0; i < view->slots; i++) {
        const dbk_part *part = dbk_view_part(view, i);
        alive += part->delta ? part->rows - part->dead_rows : 0;
    }
    if (alive > DBK_SEGMENT_ROWS)
        return DBK_NO_MEMORY; // sealing failed for want of memory, and goes on failing
    for (uint32_t i = 0; i < view->slots && alive > 0; i++) {
        const dbk_part *part = dbk_view_part(view, i);
        if (part->delta)
            DBK_TRY(dbk_rows_gather(rows, view->table->def, part, alive));
    }
    return DBK_OK;
}

dbk_status dbk_image_delta(const dbk_snapshot *snapshot, size_t tenant, dbk_table_id table, dbk_segment **out,
                           dbk_error *err)
{
    *out = NULL;
    const dbk_table_view *view = tenant_at(snapshot, tenant)->tables[table];
    if (!view)
        return DBK_OK;
    dbk_rows rows = {0};
    dbk_status status = delta_gather(view, &rows);
    if (status != DBK_OK)
        status = dbk_fail(err, status, "memory is out while gathering the newest rows of %s",
                          view->table->def->name);
    else if (rows.rows > 0)
        status = dbk_rows_build(&rows, view->table->def, snapshot->next_segment_id, out, err);
    dbk_rows_dispose(&rows);
    return status;
}

uint64_t dbk_image_next_segment_id(const dbk_snapshot *snapshot)
{
    return snapshot->next_segment_id;
}

// ---- Back ----

static dbk_status no_memory(dbk_error *err)
{
    return dbk_fail(err, DBK_NO_MEMORY, "memory is out while restoring the database");
}

void dbk_image_restore_next_segment_id(dbk_db *db, uint64_t id)
{
    db->next_segment_id = id;
}

static dbk_status dict_for(dbk_db *db, dbk_text tenant_name, dbk_domain domain, dbk_dict **out,
                           dbk_error *err)
{
    if (domain <= DBK_DOMAIN_NONE || domain >= DBK_DOMAIN_COUNT || tenant_name.length == 0)
        return dbk_fail(err, DBK_CORRUPT, "words of domain %d cannot be", (int)domain);
    dbk_tenant *tenant = dbk_tenant_obtain(db, tenant_name);
    *out = tenant ? dbk_tenant_dict(tenant, domain) : NULL;
    if (!*out)
        return no_memory(err);
    dbk_tenant_mark_changed(tenant);
    return DBK_OK;
}

dbk_status dbk_image_expect_words(dbk_db *db, dbk_text tenant_name, dbk_domain domain, uint32_t words,
                                  dbk_error *err)
{
    dbk_dict *dict;
    DBK_TRY(dict_for(db, tenant_name, domain, &dict, err));
    dbk_dict_expect(dict, words);
    return DBK_OK;
}

dbk_status dbk_image_restore_words(dbk_db *db, dbk_text tenant_name, dbk_domain domain, const dbk_text *words,
                                   uint32_t count, dbk_error *err)
{
    dbk_dict *dict;
    DBK_TRY(dict_for(db, tenant_name, domain, &dict, err));
    for (uint32_t i = 0; i < count; i++)
        if (words[i].length == 0)
            return dbk_fail(err, DBK_CORRUPT, "a word of domain %d is empty", (int)domain);
    uint32_t added, before = dict->count;
    dbk_status status = dbk_dict_add_new(dict, words, count, &added);
    if (status == DBK_INVALID)
        return dbk_fail(err, DBK_CORRUPT, "word %u of domain %d stands there twice", before + added + 1,
                        (int)domain);
    return status == DBK_OK ? DBK_OK
                            : dbk_fail(err, status, "the dictionary of domain %d does not fit", (int)domain);
}

// The largest code of each column, by what its statistics say: whoever reads the column has them proved
// before (engine/segment/proof.h).
static void codes_find(const dbk_segment *segment, uint32_t largest[DBK_COLUMNS_MAX])
{
    const dbk_table_def *def = dbk_segment_table(segment);
    for (int c = 0; c < def->columns_count; c++) {
        dbk_zone_map zone = {.max = 0};
        if (def->columns[c].type == DBK_CODE)
            dbk_segment_claim(segment, c, &zone);
        largest[c] = zone.max > 0 ? (uint32_t)zone.max : 0;
    }
}

static bool codes_are_known(const dbk_tenant *tenant, const dbk_table_def *def,
                            const uint32_t largest[DBK_COLUMNS_MAX])
{
    for (int c = 0; c < def->columns_count; c++) {
        const dbk_dict *dict = tenant->dicts[def->columns[c].domain];
        if (def->columns[c].type == DBK_CODE && largest[c] > (dict ? dict->count : 0))
            return false;
    }
    return true;
}

static bool is_sorted(const dbk_table_def *def, const dbk_segment *segment)
{
    if (dbk_segment_is_ascending(segment, def->time_column))
        return true;
    int64_t last = INT64_MIN;
    for (uint32_t start = 0; start < dbk_segment_rows(segment); start += DBK_VECTOR_ROWS) {
        int64_t times[DBK_VECTOR_ROWS];
        uint32_t n = dbk_segment_ints(segment, def->time_column, start / DBK_VECTOR_ROWS, times);
        if (times[0] < last || !dbk_rows_is_sorted(times, n))
            return false;
        last = times[n - 1];
    }
    return true;
}

// Leads the keys of a keyed table to their rows. What was led before a failure stays: the database is given
// up then.
static dbk_status keys_lead(dbk_table *table, const dbk_rows *rows, uint32_t slot)
{
    const uint32_t *keys = rows->codes[table->def->key_column];
    for (uint32_t i = 0; i < rows->rows; i++) {
        if (keys[i] == 0 || dbk_locator_map_get(&table->map, keys[i]) != 0)
            return DBK_INVALID;
        if (!dbk_table_key_reserve(table, keys[i]))
            return DBK_NO_MEMORY;
        dbk_locator_map_set(&table->map, keys[i], dbk_place_make(slot, rows->source[i]) + 1);
    }
    return DBK_OK;
}

static dbk_status rows_lead(dbk_table *table, const dbk_rows *rows, uint32_t slot, dbk_error *err)
{
    if (table->def->kind == DBK_FACT) {
        dbk_table_keys_expect(table);
        return DBK_OK;
    }
    dbk_status status = keys_lead(table, rows, slot);
    if (status == DBK_CORRUPT)
        return dbk_fail(err, status, "a key of %s is missing or lives twice", table->def->name);
    return status == DBK_OK ? DBK_OK : no_memory(err);
}

// The table that a segment belongs to; `largest` are its codes.
static dbk_status table_for(dbk_db *db, dbk_text tenant_name, dbk_table_id id, const dbk_segment *segment,
                            const uint32_t largest[DBK_COLUMNS_MAX], dbk_table **out, dbk_error *err)
{
    const dbk_table_def *def = dbk_table_def_by_id((int)id);
    if (!def || dbk_segment_table(segment) != def || tenant_name.length == 0)
        return dbk_fail(err, DBK_CORRUPT, "a segment of another table than table %d", (int)id);
    dbk_tenant *tenant = dbk_tenant_obtain(db, tenant_name);
    *out = tenant ? dbk_tenant_table_obtain(tenant, id) : NULL;
    if (!*out)
        return no_memory(err);
    if (!codes_are_known(tenant, def, largest))
        return dbk_fail(err, DBK_CORRUPT, "%s has a code that its dictionary does not have", def->name);
    dbk_table_rollups_forget(*out);
    dbk_table_roster_forget(*out);
    dbk_table_mark_changed(*out);
    return DBK_OK;
}

// ---- A segment, in two steps ----

struct dbk_image_prepared {
    dbk_segment *segment; // NULL once it is the table's
    dbk_dead *dead;       // or NULL
    bool sorted;
    uint32_t largest[DBK_COLUMNS_MAX]; // codes
    dbk_rows keys;                     // of the rows that live, of a keyed table
};

void dbk_image_prepared_dispose(dbk_image_prepared *p)
{
    if (!p)
        return;
    dbk_segment_free(p->segment);
    dbk_rows_dispose(&p->keys);
    free(p->dead);
    free(p);
}

static bool has_every_id(const dbk_segment *segment)
{
    dbk_zone_map zone;
    dbk_segment_zone_map(segment, dbk_segment_table(segment)->key_column, &zone);
    return zone.nulls == 0;
}

static dbk_status segment_look(dbk_image_prepared *p, const uint64_t *dead, dbk_error *err)
{
    const dbk_table_def *def = dbk_segment_table(p->segment);
    dbk_sealed sealed = {.segment = p->segment};
    dbk_part part = {.sealed = &sealed, .rows = dbk_segment_rows(p->segment)};
    if (dead) {
        uint32_t vectors = (part.rows + DBK_VECTOR_ROWS - 1) / DBK_VECTOR_ROWS;
        p->dead = calloc(1, sizeof *p->dead + (size_t)vectors * DBK_VECTOR_WORDS * sizeof dead[0]);
        if (!p->dead)
            return DBK_NO_MEMORY;
        p->dead->vectors = vectors;
        memcpy(p->dead->words, dead, (part.rows + 63) / 64 * sizeof dead[0]);
        part.dead = p->dead;
    }
    codes_find(p->segment, p->largest);
    if (def->kind == DBK_KEYED) {
        DBK_TRY(dbk_segment_prove(p->segment, def->key_column, err));
        return dbk_rows_gather_column(&p->keys, def, &part, part.rows, def->key_column);
    }
    DBK_TRY(dbk_segment_prove(p->segment, def->time_column, err));
    p->sorted = is_sorted(def, p->segment);
    return has_every_id(p->segment) ? DBK_OK
                                    : dbk_fail(err, DBK_CORRUPT, "a key of %s is missing", def->name);
}

dbk_status dbk_image_prepare_segment(dbk_segment *segment, const uint64_t *dead, dbk_image_prepared **out,
                                     dbk_error *err)
{
    dbk_image_prepared *p = calloc(1, sizeof *p);
    if (!p) {
        dbk_segment_free(segment);
        return no_memory(err);
    }
    p->segment = segment;
    dbk_status status = segment_look(p, dead, err);
    if (status == DBK_OK) {
        *out = p;
        return DBK_OK;
    }
    dbk_image_prepared_dispose(p);
    return status == DBK_CORRUPT ? status : no_memory(err);
}

static dbk_status dead_copy(dbk_table *table, uint32_t slot, const uint64_t *dead)
{
    uint32_t rows = dbk_table_part(table, slot)->rows;
    if (!dbk_table_kill_reserve(table, dbk_place_make(slot, rows - 1)))
        return DBK_NO_MEMORY;
    for (uint32_t i = 0; i < rows; i++) {
        if (dead[i / 64] >> (i % 64) & 1)
            dbk_table_kill(table, dbk_place_make(slot, i));
    }
    return DBK_OK;
}

static dbk_status segment_restore(dbk_db *db, dbk_text tenant_name, dbk_table_id id, size_t slot,
                                  dbk_image_prepared *p, dbk_error *err)
{
    dbk_table *table = NULL;
    DBK_TRY(table_for(db, tenant_name, id, p->segment, p->largest, &table, err));
    if (slot >= DBK_SLOTS_MAX || (slot < table->slots && dbk_table_part(table, (uint32_t)slot)->rows > 0))
        return dbk_fail(err, DBK_CORRUPT, "slot %zu of %s is taken or cannot be", slot, table->def->name);
    uint32_t at = (uint32_t)slot;
    uint32_t rows = dbk_segment_rows(p->segment);
    dbk_sealed *sealed = dbk_sealed_create(table, p->segment);
    p->segment = NULL;
    if (!sealed)
        return no_memory(err);
    if (!dbk_table_slots_reserve(table, at + 1) || !dbk_table_part_own(table, at)) {
        dbk_object_free(&sealed->object);
        return no_memory(err);
    }
    dbk_table_slot_put(table, at, sealed, p->sorted);
    if (table->def->kind == DBK_FACT)
        atomic_store_explicit(&db->is_unproved, true, memory_order_relaxed);
    dbk_cold_admit(sealed->segment);
    table->rows += rows;
    if (p->dead && dead_copy(table, at, p->dead->words) != DBK_OK)
        return no_memory(err);
    return rows_lead(table, &p->keys, at, err);
}

dbk_status dbk_image_restore_segment(dbk_db *db, dbk_text tenant_name, dbk_table_id id, size_t slot,
                                     dbk_image_prepared *prepared, dbk_error *err)
{
    dbk_status status = segment_restore(db, tenant_name, id, slot, prepared, err);
    dbk_image_prepared_dispose(prepared);
    return status;
}

static dbk_status delta_restore(dbk_db *db, dbk_text tenant_name, dbk_table_id id, dbk_segment *segment,
                                dbk_rows *rows, dbk_error *err)
{
    dbk_table *table = NULL;
    uint32_t largest[DBK_COLUMNS_MAX];
    codes_find(segment, largest);
    DBK_TRY(table_for(db, tenant_name, id, segment, largest, &table, err));
    dbk_sealed sealed = {.segment = segment};
    dbk_part source = {.sealed = &sealed, .rows = dbk_segment_rows(segment)};
    uint32_t slot = 0;
    dbk_status status = dbk_rows_gather(rows, table->def, &source, source.rows);
    if (status == DBK_OK && table->def->kind == DBK_FACT && !has_every_id(segment))
        status = DBK_CORRUPT;
    if (status == DBK_OK && !dbk_table_delta_fill(table, rows, &slot))
        status = DBK_NO_MEMORY;
    if (status == DBK_CORRUPT)
        return dbk_fail(err, status, "a key of %s is missing", table->def->name);
    return status == DBK_OK ? rows_lead(table, rows, slot, err) : no_memory(err);
}

dbk_status dbk_image_restore_delta(dbk_db *db, dbk_text tenant_name, dbk_table_id id, dbk_segment *segment,
                                   dbk_error *err)
{
    dbk_rows rows = {0};
    dbk_status status = delta_restore(db, tenant_name, id, segment, &rows, err);
    dbk_rows_dispose(&rows);
    dbk_segment_free(segment);
    return status;
}

dbk_status dbk_image_restore_end(dbk_db *db, dbk_error *err)
{
    return db->keys.wait ? DBK_OK : dbk_db_make_keys(db, err);
}
