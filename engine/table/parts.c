// SPDX-License-Identifier: Apache-2.0
// The parts of a table in the working state: slots, dead rows, and rows found by id.
#include "engine/table/state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// ---- Slots ----

static bool pages_reserve(dbk_table *table, uint32_t pages)
{
    if (pages <= table->pages_capacity)
        return true;
    uint32_t capacity = table->pages_capacity ? table->pages_capacity * 2 : 1;
    while (capacity < pages)
        capacity *= 2;
    dbk_part_page **larger = realloc(table->pages, capacity * sizeof *larger);
    if (!larger)
        return false;
    dbk_memory_add(&dbk_table_versions(table)->memory, (capacity - table->pages_capacity) * sizeof *larger);
    memset(larger + table->pages_capacity, 0, (capacity - table->pages_capacity) * sizeof *larger);
    table->pages = larger;
    table->pages_capacity = capacity;
    return true;
}

bool dbk_table_slots_reserve(dbk_table *table, uint32_t count)
{
    if (count > DBK_SLOTS_MAX || !pages_reserve(table, (count + DBK_PAGE_PARTS - 1) / DBK_PAGE_PARTS))
        return false;
    for (uint32_t i = table->slots / DBK_PAGE_PARTS; i * DBK_PAGE_PARTS < count; i++) {
        if (table->pages[i])
            continue;
        table->pages[i] = dbk_versions_create(dbk_table_versions(table), sizeof *table->pages[i], NULL);
        if (!table->pages[i])
            return false;
    }
    if (count > table->slots)
        table->slots = count;
    return true;
}

dbk_part *dbk_table_part_own(dbk_table *table, uint32_t slot)
{
    dbk_versions *versions = dbk_table_versions(table);
    dbk_part_page **at = &table->pages[slot / DBK_PAGE_PARTS];
    dbk_part_page *old = *at;
    if (!dbk_versions_is_own(versions, &old->object)) {
        dbk_part_page *page = dbk_versions_create(versions, sizeof *page, NULL);
        if (!page)
            return NULL;
        memcpy(page->parts, old->parts, sizeof page->parts);
        *at = page;
        dbk_table_mark_changed(table);
        dbk_versions_drop(versions, &old->object);
    }
    return &(*at)->parts[slot % DBK_PAGE_PARTS];
}

static void sealed_dispose(dbk_object *object)
{
    dbk_sealed *sealed = (dbk_sealed *)object;
    dbk_part_links_dispose(&sealed->links);
    dbk_cold_forget(sealed->segment); // what it holds does not change from here on
    dbk_memory_subtract(object->memory, dbk_segment_memory(sealed->segment));
    dbk_segment_free(sealed->segment);
}

static void drop(dbk_versions *versions, dbk_part *part)
{
    dbk_versions_drop(versions, part->sealed ? &part->sealed->object : NULL);
    dbk_versions_drop(versions, part->delta ? &part->delta->object : NULL);
    dbk_versions_drop(versions, part->dead ? &part->dead->object : NULL);
}

dbk_sealed *dbk_sealed_create(dbk_table *table, dbk_segment *segment)
{
    dbk_versions *versions = dbk_table_versions(table);
    dbk_sealed *sealed = dbk_versions_create(versions, sizeof *sealed, sealed_dispose);
    if (!sealed) {
        dbk_segment_free(segment);
        return NULL;
    }
    sealed->segment = segment;
    dbk_memory_add(&versions->memory, dbk_segment_memory(segment));
    dbk_segment_note(segment, &table->tenant->proofs);
    dbk_cold *cold = table->tenant->db->cold;
    if (cold && !dbk_cold_enroll(cold, segment)) {
        dbk_object_free(&sealed->object);
        return NULL;
    }
    return sealed;
}

void dbk_table_slot_put(dbk_table *table, uint32_t slot, dbk_sealed *sealed, bool sorted)
{
    dbk_part *part = &table->pages[slot / DBK_PAGE_PARTS]->parts[slot % DBK_PAGE_PARTS];
    dbk_part old = *part;
    *part = (dbk_part){.sealed = sealed,
                       .rows = dbk_segment_rows(sealed->segment),
                       .sorted = sorted,
                       .edition = old.edition + 1};
    table->tenant->db->cursor.segment = NULL; // it may hold texts of a segment that goes now
    drop(dbk_table_versions(table), &old);
}

bool dbk_table_slot_clear(dbk_table *table, uint32_t slot)
{
    dbk_part *part = dbk_table_part_own(table, slot);
    if (!part)
        return false;
    dbk_part old = *part;
    *part = (dbk_part){.edition = old.edition + 1};
    table->tenant->db->cursor.segment = NULL;
    drop(dbk_table_versions(table), &old);
    return true;
}

void dbk_table_parts_dispose(dbk_table *table)
{
    dbk_memory *memory = &dbk_table_versions(table)->memory;
    for (uint32_t i = 0; i < table->slots; i++) {
        const dbk_part *part = dbk_table_part(table, i);
        dbk_object_free(part->sealed ? &part->sealed->object : NULL);
        dbk_object_free(part->delta ? &part->delta->object : NULL);
        dbk_object_free(part->dead ? &part->dead->object : NULL);
    }
    for (uint32_t i = 0; i < table->pages_capacity; i++)
        dbk_object_free(table->pages[i] ? &table->pages[i]->object : NULL);
    dbk_memory_subtract(memory, table->pages_capacity * sizeof *table->pages);
    free(table->pages);
}

// ---- Keys of keyed tables ----

bool dbk_table_key_reserve(dbk_table *table, uint32_t code)
{
    dbk_table_mark_changed(table);
    return dbk_locator_map_reserve(&table->map, dbk_table_versions(table), code);
}

// ---- Dead rows ----

bool dbk_table_kill_reserve(dbk_table *table, dbk_place place)
{
    dbk_versions *versions = dbk_table_versions(table);
    dbk_part *part = dbk_table_part_own(table, dbk_place_slot(place));
    if (!part)
        return false;
    dbk_dead *old = part->dead;
    uint32_t needed = dbk_place_row(place) / DBK_VECTOR_ROWS + 1;
    if (old && old->vectors >= needed && dbk_versions_is_own(versions, &old->object))
        return true;
    // Those of segments cover all rows, because they are stored as they are.
    if (!part->delta)
        needed = (part->rows + DBK_VECTOR_ROWS - 1) / DBK_VECTOR_ROWS;
    if (old && old->vectors > needed)
        needed = old->vectors;
    dbk_dead *dead = dbk_versions_create(
        versions, sizeof *dead + (size_t)needed * DBK_VECTOR_WORDS * sizeof dead->words[0], NULL);
    if (!dead)
        return false;
    dead->vectors = needed;
    if (old)
        memcpy(dead->words, old->words, (size_t)old->vectors * DBK_VECTOR_WORDS * sizeof dead->words[0]);
    part->dead = dead;
    dbk_versions_drop(versions, old ? &old->object : NULL);
    return true;
}

void dbk_table_kill(dbk_table *table, dbk_place place)
{
    uint32_t slot = dbk_place_slot(place), row = dbk_place_row(place);
    dbk_part *part = &table->pages[slot / DBK_PAGE_PARTS]->parts[slot % DBK_PAGE_PARTS];
    assert(row < part->rows && !dbk_part_is_dead(part, row));
    part->dead->words[row / 64] |= 1ull << (row % 64);
    part->dead_rows++;
    table->rows--;
}

// ---- Rows ----

dbk_status dbk_table_text(dbk_table *table, dbk_place place, int column, dbk_text *out)
{
    const dbk_part *part = dbk_table_part(table, dbk_place_slot(place));
    if (!part->sealed && !part->delta) {
        assert(column == table->def->key_column);
        *out = dbk_bulk_id(table, place);
        return DBK_OK;
    }
    return dbk_part_text_at(part, column, dbk_place_row(place), &table->tenant->db->cursor, out);
}

int64_t dbk_table_int(const dbk_table *table, dbk_place place, int column)
{
    return dbk_part_int_at(dbk_table_part(table, dbk_place_slot(place)), column, dbk_place_row(place));
}

dbk_status dbk_table_find(dbk_table *table, dbk_text id, uint64_t hash, dbk_place *out,
                          _Atomic uint64_t **entry)
{
    *out = DBK_NO_PLACE;
    dbk_key_probe probe = dbk_key_probe_begin(&table->index, hash);
    while (dbk_key_probe_next(&probe)) {
        dbk_text there;
        DBK_TRY(dbk_table_text(table, probe.place, table->def->key_column, &there));
        if (dbk_text_equal(there, id)) {
            *out = probe.place;
            break;
        }
    }
    if (entry)
        *entry = probe.entry;
    return DBK_OK;
}
