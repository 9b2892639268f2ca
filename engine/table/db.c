// SPDX-License-Identifier: Apache-2.0
// The database: made, frozen, published, read.
#include "engine/table/rollup_rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void snapshot_dispose(dbk_object *object)
{
    dbk_object_free_all(((dbk_snapshot *)object)->garbage);
}

static dbk_snapshot *snapshot_create(dbk_db *db, uint64_t number)
{
    dbk_snapshot *snapshot = dbk_versions_create(
        &db->versions, sizeof *snapshot + db->tenants_count * sizeof snapshot->tenants[0], snapshot_dispose);
    if (!snapshot)
        return NULL;
    snapshot->db = db;
    snapshot->number = number;
    snapshot->next_segment_id = db->next_segment_id;
    snapshot->tenants_count = db->tenants_count;
    return snapshot;
}

dbk_status dbk_db_create(dbk_db **out, dbk_error *err)
{
    dbk_db *db = calloc(1, sizeof *db);
    if (!db)
        return dbk_fail(err, DBK_NO_MEMORY, "memory is out");
    dbk_memory_add(&db->versions.memory, sizeof *db);
    dbk_epoch_init(&db->versions.epoch);
    dbk_proofs_init(&db->proofs, NULL, NULL);
    db->names.versions = &db->versions;
    dbk_haste_init(&db->haste, true);
    pthread_mutex_init(&db->keys.lock, NULL);
    pthread_cond_init(&db->keys.changed, NULL);
    db->next_segment_id = 1;
    db->segment_rows = DBK_SEGMENT_ROWS;
    dbk_db_set_rollup_rows(db, DBK_ROLLUP_ROWS, DBK_ROLLUP_BUCKET_ROWS);
    dbk_db_set_roster_rows(db, DBK_ROSTER_LEAST_ROWS, DBK_ROSTER_STEP_ROWS);
    // Readers find an empty database rather than none.
    dbk_snapshot *empty = snapshot_create(db, 0);
    if (!empty) {
        pthread_cond_destroy(&db->keys.changed);
        pthread_mutex_destroy(&db->keys.lock);
        dbk_haste_dispose(&db->haste);
        dbk_proofs_dispose(&db->proofs);
        free(db);
        return dbk_fail(err, DBK_NO_MEMORY, "memory is out");
    }
    db->versions.garbage = &empty->garbage;
    db->versions.generation = 1;
    atomic_store(&db->current, empty);
    *out = db;
    return DBK_OK;
}

void dbk_db_destroy(dbk_db *db)
{
    if (!db)
        return;
    dbk_epoch_dispose(&db->versions.epoch);
    dbk_object_free_all(atomic_load(&db->offered));
    dbk_object_free(&atomic_load(&db->current)->object);
    while (db->frozen_first) {
        dbk_snapshot *next = db->frozen_first->next;
        dbk_object_free(&db->frozen_first->object);
        db->frozen_first = next;
    }
    for (uint32_t i = 0; i < db->tenants_count; i++)
        dbk_tenant_destroy(db->tenants[i]);
    free(db->tenants);
    dbk_dict_dispose(&db->names);
    dbk_text_scratch_dispose(&db->cursor.scratch);
    dbk_cold_destroy(db->cold);
    pthread_cond_destroy(&db->keys.changed);
    pthread_mutex_destroy(&db->keys.lock);
    dbk_haste_dispose(&db->haste);
    dbk_proofs_dispose(&db->proofs);
    free(db);
}

void dbk_db_set_segment_rows(dbk_db *db, uint32_t rows)
{
    assert(rows > 0 && rows <= DBK_SEGMENT_ROWS);
    db->segment_rows = rows;
}

void dbk_db_set_rollup_rows(dbk_db *db, uint64_t rows, uint64_t bucket_rows)
{
    db->rollup_rows = rows;
    db->rollup_bucket_rows = bucket_rows;
}

void dbk_db_set_roster_rows(dbk_db *db, uint64_t rows, uint64_t step_rows)
{
    db->roster_rows = rows;
    db->roster_step_rows = step_rows;
}

void dbk_db_on_wish(dbk_db *db, void (*wish)(void *user), void *user)
{
    db->wish = wish;
    db->wish_user = user;
}

void dbk_db_on_damage(dbk_db *db, void (*found)(void *user, const char *story), void *user)
{
    db->proofs.found = found;
    db->proofs.found_user = user;
}

dbk_status dbk_db_hold(const dbk_db *db, dbk_error *err)
{
    return dbk_proofs_hold(&db->proofs, err);
}

uint64_t dbk_db_memory(const dbk_db *db)
{
    return atomic_load_explicit(&db->versions.memory.bytes, memory_order_relaxed);
}

// ---- Freeze ----

static void table_view_dispose(dbk_object *object)
{
    dbk_table_view *view = (dbk_table_view *)object;
    dbk_object_free(view->rollups ? &view->rollups->object : NULL);
    dbk_object_free(view->roster ? &view->roster->object : NULL);
}

static bool table_freeze(dbk_table *table)
{
    uint32_t pages = (table->slots + DBK_PAGE_PARTS - 1) / DBK_PAGE_PARTS;
    dbk_table_view *view = dbk_versions_create(
        dbk_table_versions(table), sizeof *view + pages * sizeof view->pages[0], table_view_dispose);
    if (!view)
        return false;
    bool has_roster = table->roster && dbk_roster_is_whole(table->roster);
    if ((table->rollups && !(view->rollups = dbk_rollups_freeze(table->rollups))) ||
        (has_roster && !(view->roster = dbk_roster_freeze(table->roster)))) {
        dbk_object_free(&view->object);
        return false;
    }
    view->roster_wanted = &table->roster_wanted;
    view->table = table;
    view->rows = table->rows;
    view->slots = table->slots;
    view->map = table->map;
    view->moves = atomic_load(&table->moves.count);
    view->renumberings = atomic_load(&table->moves.renumberings);
    if (table->def->kind == DBK_KEYED) {
        view->keys = table->tenant->dicts[table->def->columns[table->def->key_column].domain];
        view->keys_bound = view->keys ? view->keys->count : 0;
    }
    for (uint32_t i = 0; i < pages; i++)
        view->pages[i] = table->pages[i];
    table->fresh = view;
    return true;
}

// Whether anything changed that reports are made of: the company's tables, and the settings that say how to
// read them.
static bool tenant_has_new_data(const dbk_tenant *tenant)
{
    for (int t = 0; t < DBK_TABLE_END; t++) {
        const dbk_table *table = tenant->tables[t];
        if (table && table->changed && (!table->def->system || t == DBK_SETTINGS))
            return true;
    }
    return false;
}

static bool tenant_freeze(dbk_tenant *tenant, uint64_t number)
{
    dbk_tenant_view *view = dbk_versions_create(&tenant->db->versions, sizeof *view, NULL);
    if (!view)
        return false;
    tenant->fresh = view;
    view->tenant = tenant;
    view->number = number;
    view->data_number = tenant_has_new_data(tenant) || !tenant->view ? number : tenant->view->data_number;
    for (int d = 0; d < DBK_DOMAIN_COUNT; d++)
        view->words[d] = tenant->dicts[d] ? tenant->dicts[d]->count : 0;
    for (int t = 0; t < DBK_TABLE_END; t++) {
        dbk_table *table = tenant->tables[t];
        if (table && table->changed && !table_freeze(table))
            return false;
        if (table)
            view->tables[t] = table->fresh ? table->fresh : table->view;
    }
    return true;
}

// Keeps the views just made, or gives them up.
static void tenant_settle(dbk_tenant *tenant, bool keep)
{
    dbk_versions *versions = &tenant->db->versions;
    for (int t = 0; t < DBK_TABLE_END; t++) {
        dbk_table *table = tenant->tables[t];
        if (!table || !table->fresh)
            continue;
        dbk_table_view *gone = keep ? table->view : table->fresh;
        if (keep) {
            table->view = table->fresh;
            table->changed = false;
        }
        table->fresh = NULL;
        dbk_versions_drop(versions, gone ? &gone->object : NULL);
    }
    dbk_tenant_view *gone = keep ? tenant->view : tenant->fresh;
    if (keep)
        tenant->view = tenant->fresh;
    tenant->fresh = NULL;
    dbk_versions_drop(versions, gone ? &gone->object : NULL);
}

// Views of what changed, as each tenant's and table's fresh ones.
static bool make_views(dbk_db *db, uint64_t number)
{
    bool ok = true;
    for (dbk_tenant *tenant = db->changed; ok && tenant; tenant = tenant->next_changed) {
        dbk_tenant_rollups_prepare(tenant);
        ok = tenant_freeze(tenant, number);
    }
    return ok;
}

static void settle_views(dbk_db *db, bool keep)
{
    for (dbk_tenant *tenant = db->changed; tenant; tenant = tenant->next_changed)
        tenant_settle(tenant, keep);
}

dbk_snapshot *dbk_db_freeze(dbk_db *db, uint64_t number)
{
    dbk_snapshot *snapshot = snapshot_create(db, number);
    bool ok = snapshot && make_views(db, number);
    settle_views(db, ok);
    if (!ok) {
        dbk_object_free(snapshot ? &snapshot->object : NULL);
        return NULL;
    }
    while (db->changed) {
        db->changed->changed = false;
        db->changed = db->changed->next_changed;
    }
    for (uint32_t i = 0; i < db->tenants_count; i++)
        snapshot->tenants[i] = db->tenants[i]->view;

    db->versions.garbage = &snapshot->garbage;
    db->versions.generation++;
    if (db->frozen_last)
        db->frozen_last->next = snapshot;
    else
        db->frozen_first = snapshot;
    db->frozen_last = snapshot;
    return snapshot;
}

const dbk_snapshot *dbk_db_look(dbk_db *db, uint64_t number)
{
    dbk_snapshot *snapshot = snapshot_create(db, number);
    if (!snapshot || !make_views(db, number)) {
        dbk_db_look_end(db, snapshot);
        return NULL;
    }
    for (uint32_t i = 0; i < db->tenants_count; i++)
        snapshot->tenants[i] = db->tenants[i]->fresh ? db->tenants[i]->fresh : db->tenants[i]->view;
    return snapshot;
}

void dbk_db_look_end(dbk_db *db, const dbk_snapshot *snapshot)
{
    settle_views(db, false);
    dbk_object_free(snapshot ? (dbk_object *)&snapshot->object : NULL);
}

void dbk_db_offer(dbk_db *db, dbk_object *object)
{
    dbk_object *first = atomic_load(&db->offered);
    do
        object->next = first;
    while (!atomic_compare_exchange_weak(&db->offered, &first, object));
}

static void retire_offered(dbk_db *db)
{
    dbk_object *object = atomic_exchange(&db->offered, NULL);
    while (object) {
        dbk_object *next = object->next;
        dbk_epoch_retire(&db->versions.epoch, object);
        object = next;
    }
}

void dbk_db_publish(dbk_db *db, dbk_snapshot *snapshot)
{
    dbk_snapshot *old = atomic_load(&db->current);
    atomic_store(&db->current, snapshot);
    // Oldest first: each holds what only it and those before it can have.
    dbk_epoch_retire(&db->versions.epoch, &old->object);
    while (db->frozen_first != snapshot) {
        dbk_snapshot *skipped = db->frozen_first;
        assert(skipped); // published out of order, or twice
        db->frozen_first = skipped->next;
        dbk_epoch_retire(&db->versions.epoch, &skipped->object);
    }
    db->frozen_first = snapshot->next;
    if (!db->frozen_first)
        db->frozen_last = NULL;
    retire_offered(db);
    dbk_epoch_reclaim(&db->versions.epoch);
}

void dbk_db_reclaim(dbk_db *db)
{
    dbk_epoch_reclaim(&db->versions.epoch);
}

// ---- Reads ----

dbk_read dbk_read_begin(dbk_db *db)
{
    uint32_t slot = dbk_epoch_enter(&db->versions.epoch);
    return (dbk_read){atomic_load(&db->current), slot};
}

void dbk_read_end(dbk_db *db, dbk_read *read)
{
    dbk_epoch_leave(&db->versions.epoch, read->slot);
    read->snapshot = NULL;
}
