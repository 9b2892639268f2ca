// SPDX-License-Identifier: Apache-2.0
// Tenants and their tables and dictionaries, each made when it is first needed: a tenant with one row should
// cost microseconds and a few KiB.
#include "engine/table/rollup_rows.h"
#include "engine/table/roster_rows.h"
#include "engine/table/text_index.h"

#include <stdlib.h>

static void *counted_calloc(dbk_db *db, size_t bytes)
{
    void *p = calloc(1, bytes);
    if (p)
        dbk_memory_add(&db->versions.memory, bytes);
    return p;
}

static void counted_free(dbk_db *db, void *p, size_t bytes)
{
    if (!p)
        return;
    dbk_memory_subtract(&db->versions.memory, bytes);
    free(p);
}

static bool tenants_reserve(dbk_db *db)
{
    if (db->tenants_count < db->tenants_capacity)
        return true;
    uint32_t capacity = db->tenants_capacity ? db->tenants_capacity * 2 : 4;
    dbk_tenant **tenants = realloc(db->tenants, capacity * sizeof *tenants);
    if (!tenants)
        return false;
    dbk_memory_add(&db->versions.memory, (capacity - db->tenants_capacity) * sizeof *tenants);
    db->tenants = tenants;
    db->tenants_capacity = capacity;
    return true;
}

dbk_tenant *dbk_tenant_obtain(dbk_db *db, dbk_text name)
{
    uint32_t code = dbk_dict_find(&db->names, name, db->names.count);
    if (code)
        return db->tenants[code - 1];
    if (!tenants_reserve(db))
        return NULL;
    dbk_tenant *tenant = counted_calloc(db, sizeof *tenant);
    if (!tenant)
        return NULL;
    if (dbk_dict_add(&db->names, name, &code) != DBK_OK) {
        counted_free(db, tenant, sizeof *tenant);
        return NULL;
    }
    tenant->db = db;
    dbk_proofs_init(&tenant->proofs, &db->proofs, &db->versions.memory.bytes);
    tenant->name = dbk_dict_word(&db->names, code);
    db->tenants[db->tenants_count++] = tenant;
    dbk_tenant_mark_changed(tenant);
    return tenant;
}

dbk_dict *dbk_tenant_dict(dbk_tenant *tenant, dbk_domain domain)
{
    if (!tenant->dicts[domain]) {
        dbk_dict *dict = counted_calloc(tenant->db, sizeof *dict);
        if (!dict)
            return NULL;
        dict->versions = &tenant->db->versions;
        tenant->dicts[domain] = dict;
    }
    return tenant->dicts[domain];
}

dbk_table *dbk_tenant_table_obtain(dbk_tenant *tenant, dbk_table_id id)
{
    if (!tenant->tables[id]) {
        dbk_table *table = counted_calloc(tenant->db, sizeof *table);
        if (!table)
            return NULL;
        table->tenant = tenant;
        table->def = dbk_table_def_by_id(id);
        table->hot_slot = DBK_NO_SLOT;
        table->index.versions = &tenant->db->versions;
        tenant->tables[id] = table;
    }
    return tenant->tables[id];
}

void dbk_tenant_mark_changed(dbk_tenant *tenant)
{
    if (tenant->changed)
        return;
    tenant->changed = true;
    tenant->next_changed = tenant->db->changed;
    tenant->db->changed = tenant;
}

void dbk_table_mark_changed(dbk_table *table)
{
    table->changed = true;
    dbk_tenant_mark_changed(table->tenant);
}

static void table_destroy(dbk_db *db, dbk_table *table)
{
    if (!table)
        return;
    dbk_table_parts_dispose(table);
    dbk_key_index_dispose(&table->index);
    dbk_moves_dispose(&table->moves);
    dbk_locator_map_dispose(&table->map);
    dbk_text_index_dispose(table);
    dbk_table_rollups_dispose(table);
    dbk_table_roster_dispose(table);
    if (table->view)
        dbk_object_free(&table->view->object);
    counted_free(db, table, sizeof *table);
}

void dbk_tenant_destroy(dbk_tenant *tenant)
{
    dbk_db *db = tenant->db;
    for (int i = 0; i < DBK_TABLE_END; i++)
        table_destroy(db, tenant->tables[i]);
    for (int i = 0; i < DBK_DOMAIN_COUNT; i++) {
        if (tenant->dicts[i])
            dbk_dict_dispose(tenant->dicts[i]);
        counted_free(db, tenant->dicts[i], sizeof *tenant->dicts[i]);
    }
    if (tenant->view)
        dbk_object_free(&tenant->view->object);
    dbk_proofs_dispose(&tenant->proofs);
    counted_free(db, tenant, sizeof *tenant);
}
