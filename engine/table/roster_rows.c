// SPDX-License-Identifier: Apache-2.0
// Rows on their way into a roster, a vector at a time.
#include "engine/table/roster_rows.h"

#include "engine/table/roster_lane.h"

#include <stdlib.h>
#include <string.h>

// Such changes are not logged row by row.
enum { LARGE_CHANGE = 4 * DBK_ROSTER_LOG };

// A vector of the columns.
typedef struct room {
    int64_t times[DBK_VECTOR_ROWS], values[DBK_VECTOR_ROWS];
    uint32_t who[DBK_VECTOR_ROWS], dims[DBK_VECTOR_ROWS];
} room;

static dbk_roster_rows rows_in(const room *r, uint32_t count)
{
    return (dbk_roster_rows){
        .count = count, .times = r->times, .values = r->values, .who = r->who, .dims = r->dims};
}

// ---- All rows of a part ----

static bool vector_gather(dbk_roster *roster, room *r, const dbk_part *part, uint32_t vector)
{
    const dbk_roster_shape *shape = dbk_roster_shape_of(roster);
    uint32_t left = part->rows - vector * DBK_VECTOR_ROWS, alive = 0;
    uint32_t n = left < DBK_VECTOR_ROWS ? left : DBK_VECTOR_ROWS;
    dbk_roster_rows rows = {.count = n,
                            .times = dbk_part_ints(part, shape->time, vector, r->times),
                            .values = dbk_part_ints(part, shape->measure, vector, r->values),
                            .who = dbk_part_codes(part, shape->who, vector, r->who),
                            .dims = dbk_part_codes(part, shape->dim, vector, r->dims)};
    if (!part->dead)
        return dbk_roster_gather(roster, &rows, 1);
    for (uint32_t i = 0; i < n; i++) {
        if (dbk_part_is_dead(part, vector * DBK_VECTOR_ROWS + i))
            continue;
        r->times[alive] = rows.times[i];
        r->values[alive] = rows.values[i];
        r->who[alive] = rows.who[i];
        r->dims[alive++] = rows.dims[i];
    }
    rows = rows_in(r, alive);
    return dbk_roster_gather(roster, &rows, 1);
}

static bool part_gather(dbk_roster *roster, const dbk_part *part)
{
    room r;
    bool ok = true;
    for (uint32_t v = 0; ok && v * DBK_VECTOR_ROWS < part->rows; v++)
        ok = vector_gather(roster, &r, part, v);
    return ok;
}

// ---- A change ----

static void give_up(dbk_table *table)
{
    dbk_table_roster_forget(table);
    table->roster_failed = true;
}

static bool put(dbk_roster *roster, const dbk_roster_rows *rows, int sign, bool is_large)
{
    return is_large ? dbk_roster_gather(roster, rows, sign) : dbk_roster_log_rows(roster, rows, sign);
}

static bool old_rows_put(dbk_table *table, room *r, const dbk_place *old, uint32_t n, bool is_large)
{
    const dbk_roster_shape *shape = dbk_roster_shape_of(table->roster);
    uint32_t counted = dbk_roster_counted(table->roster), found = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (old[i] == DBK_NO_PLACE || dbk_place_slot(old[i]) >= counted)
            continue;
        const dbk_part *part = dbk_table_part(table, dbk_place_slot(old[i]));
        uint32_t row = dbk_place_row(old[i]);
        r->times[found] = dbk_part_int_at(part, shape->time, row);
        r->values[found] = dbk_part_int_at(part, shape->measure, row);
        r->who[found] = dbk_part_code_at(part, shape->who, row);
        r->dims[found++] = dbk_part_code_at(part, shape->dim, row);
    }
    dbk_roster_rows rows = rows_in(r, found);
    return put(table->roster, &rows, -1, is_large);
}

static bool new_rows_put(dbk_table *table, room *r, const dbk_delta_input *input, uint32_t from, uint32_t n,
                         bool is_large)
{
    const dbk_roster_shape *shape = dbk_roster_shape_of(table->roster);
    const int64_t *times = input->ints[shape->time], *values = input->ints[shape->measure];
    const uint32_t *who = input->codes[shape->who], *dims = input->codes[shape->dim];
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = input->rows[from + i];
        r->times[i] = times ? times[row] : DBK_NULL;
        r->values[i] = values ? values[row] : DBK_NULL;
        r->who[i] = who ? who[row] : 0;
        r->dims[i] = dims ? dims[row] : 0;
    }
    dbk_roster_rows rows = rows_in(r, n);
    return put(table->roster, &rows, 1, is_large);
}

void dbk_table_roster_change(dbk_table *table, const dbk_place *old, const dbk_delta_input *input,
                             uint32_t count)
{
    room r;
    if (!table->roster)
        return;
    // What is gathered comes after what is logged.
    bool is_large = count >= LARGE_CHANGE, ok = !is_large || dbk_roster_flush(table->roster);
    for (uint32_t from = 0; ok && from < count; from += DBK_VECTOR_ROWS) {
        uint32_t n = count - from < DBK_VECTOR_ROWS ? count - from : DBK_VECTOR_ROWS;
        ok = old_rows_put(table, &r, old + from, n, is_large);
        // Where the table is not counted to its end, the new rows' slot comes later.
        if (ok && input && dbk_roster_is_whole(table->roster))
            ok = new_rows_put(table, &r, input, from, n, is_large);
    }
    if (ok && is_large)
        ok = dbk_roster_gathered(table->roster);
    if (!ok)
        give_up(table);
}

// ---- Making it ----

bool dbk_table_roster_is_due(const dbk_table *table)
{
    return dbk_roster_def_of(table->def->id) && atomic_load(&table->roster_wanted) && !table->roster_failed &&
           table->rows >= table->tenant->db->roster_rows &&
           !(table->roster && dbk_roster_is_whole(table->roster));
}

// New rows go to the last slot of a fact, or behind it: it is counted last, and then all that come are
// logged.
static bool step(dbk_table *table)
{
    dbk_roster *roster = table->roster;
    uint32_t slot = dbk_roster_counted(roster);
    bool ok = true;
    for (uint64_t rows = 0; ok && rows < table->tenant->db->roster_step_rows && slot < table->slots; slot++) {
        ok = part_gather(roster, dbk_table_part(table, slot));
        rows += dbk_table_part(table, slot)->rows;
    }
    dbk_roster_set_counted(roster, slot);
    return ok && (slot == table->slots ? dbk_roster_finish(roster) : dbk_roster_gathered(roster));
}

void dbk_table_roster_step(dbk_table *table, const dbk_zone *zone)
{
    if (table->roster && dbk_roster_zone(table->roster) != zone)
        dbk_table_roster_forget(table);
    if (!dbk_table_roster_is_due(table))
        return;
    if (!table->roster)
        table->roster = dbk_roster_create(dbk_table_versions(table), table->def, zone);
    if (!table->roster || !step(table))
        give_up(table);
    dbk_table_mark_changed(table);
}

void dbk_table_roster_forget(dbk_table *table)
{
    dbk_table_mark_changed(table);
    dbk_roster_destroy(table->roster, dbk_table_versions(table));
    table->roster = NULL;
}

void dbk_table_roster_dispose(dbk_table *table)
{
    dbk_roster_destroy(table->roster, NULL);
}

bool dbk_db_make_wished(dbk_db *db)
{
    bool any = false;
    for (uint32_t t = 0; t < db->tenants_count; t++) {
        for (int id = 1; id < DBK_TABLE_END; id++) {
            dbk_table *table = db->tenants[t]->tables[id];
            if (!table || !dbk_table_roster_is_due(table))
                continue;
            dbk_table_mark_changed(table);
            any = true;
        }
    }
    return any && !db->rollups_wait;
}

// ---- Images ----

const dbk_roster_view *dbk_view_roster(const dbk_table_view *view)
{
    return view->roster;
}

void dbk_view_roster_wish(const dbk_table_view *view)
{
    const dbk_db *db = view->table->tenant->db;
    if (view->rows < db->roster_rows || atomic_exchange(view->roster_wanted, true) || !db->wish)
        return;
    db->wish(db->wish_user);
}

// One side's block beside the other's.
static bool block_equal(const dbk_roster_lane *a, const dbk_roster_lane *b, uint32_t block,
                        dbk_roster_cells cells[2])
{
    const dbk_roster_lane *lanes[] = {a, b};
    for (int i = 0; i < 2; i++) {
        dbk_roster_cells_clear(&cells[i]);
        if (block < lanes[i]->blocks && !dbk_roster_lane_open(lanes[i], block, &cells[i]))
            return false;
    }
    bool same = memcmp(&cells[0], &cells[1], sizeof cells[0]) == 0;
    for (uint32_t i = 0; same && i < DBK_ROSTER_CODES; i++) {
        int64_t last[2];
        uint32_t code = block * DBK_ROSTER_CODES + i;
        if (cells[0].present[i / 64] >> i % 64 & 1 && dbk_roster_lane_last(a, code, &last[0]) &&
            dbk_roster_lane_last(b, code, &last[1]))
            same = last[0] == last[1];
    }
    return same;
}

static bool takes_dim(void *user, uint32_t dim)
{
    return *(const uint32_t *)user == dim;
}

// Whether both come to the same in this entry. 1, 0, or -1 when memory is out.
static int entry_equal(const dbk_roster_view *a, const dbk_roster_view *b, const dbk_roster_entry *entry)
{
    uint32_t dim = entry->dim;
    dbk_roster_lane lanes[2] = {0};
    dbk_roster_cells *cells = calloc(2, sizeof *cells);
    bool ok = cells && dbk_roster_lane_init(&lanes[0], a, entry->first, entry->last, takes_dim, &dim) &&
              dbk_roster_lane_init(&lanes[1], b, entry->first, entry->last, takes_dim, &dim);
    uint32_t blocks = lanes[0].blocks > lanes[1].blocks ? lanes[0].blocks : lanes[1].blocks;
    int same = ok ? 1 : -1;
    for (uint32_t block = 0; same == 1 && block < blocks; block++)
        same = block_equal(&lanes[0], &lanes[1], block, cells);
    for (int i = 0; i < 2; i++)
        dbk_roster_lane_dispose(&lanes[i]);
    free(cells);
    return same;
}

static int entries_equal(const dbk_roster_view *a, const dbk_roster_view *b)
{
    int same = 1;
    for (uint32_t i = 0; same == 1 && a->entries && i < a->entries->count; i++)
        same = entry_equal(a, b, &a->entries->list[i]);
    for (uint32_t i = 0; same == 1 && b->entries && i < b->entries->count; i++)
        same = entry_equal(a, b, &b->entries->list[i]);
    return same;
}

dbk_status dbk_view_roster_check(const dbk_table_view *view, const char **wrong)
{
    *wrong = NULL;
    if (!view->roster)
        return DBK_OK;
    dbk_versions versions = {.generation = 1};
    dbk_roster *fresh = dbk_roster_create(&versions, view->table->def, view->roster->zone);
    bool ok = fresh != NULL;
    for (size_t i = 0; ok && i < dbk_view_parts(view); i++)
        ok = part_gather(fresh, dbk_view_part(view, i));
    ok = ok && dbk_roster_finish(fresh);
    dbk_roster_view *other = ok ? dbk_roster_freeze(fresh) : NULL;
    int same = other ? entries_equal(view->roster, other) : -1;
    if (same == 0)
        *wrong = view->roster->shape.def->name;
    dbk_object_free(other ? &other->object : NULL);
    dbk_roster_destroy(fresh, NULL);
    return same < 0 ? DBK_NO_MEMORY : DBK_OK;
}
