// SPDX-License-Identifier: Apache-2.0
// The proofs that nobody has needed yet, made on all processors.
#include "engine/base/pool.h"
#include "engine/base/processors.h"
#include "engine/table/state.h"

typedef struct prover {
    const dbk_table *table;
    _Atomic uint32_t next_slot;
} prover;

static void parts_prove(void *user, int worker)
{
    prover *p = user;
    const dbk_db *db = p->table->tenant->db;
    uint32_t slot;
    (void)worker;
    while ((slot = atomic_fetch_add(&p->next_slot, 1)) < p->table->slots) {
        const dbk_sealed *sealed = dbk_table_part(p->table, slot)->sealed;
        for (int c = 0; sealed && c < p->table->def->columns_count; c++) {
            if (atomic_load_explicit(&db->keys.stop, memory_order_relaxed))
                return;
            (void)dbk_segment_prove(sealed->segment, c, NULL); // what it finds is noted
        }
    }
}

static void table_prove(dbk_table *table)
{
    enum { PARTS_FOR_HELP = 2 };
    prover p = {.table = table};
    dbk_pool_run_behind(table->slots < PARTS_FOR_HELP ? 1 : dbk_processors(DBK_POOL_WORTH), parts_prove, &p,
                        &table->tenant->db->haste);
}

dbk_status dbk_db_prove(dbk_db *db, dbk_error *err)
{
    for (uint32_t t = 0; t < db->tenants_count; t++)
        for (int id = 1; id < DBK_TABLE_END; id++)
            if (db->tenants[t]->tables[id])
                table_prove(db->tenants[t]->tables[id]);
    if (!atomic_load_explicit(&db->keys.stop, memory_order_relaxed))
        atomic_store_explicit(&db->is_unproved, false, memory_order_relaxed);
    return dbk_db_hold(db, err);
}
