// SPDX-License-Identifier: Apache-2.0
// Rows on their way into rollups, a vector at a time.
#include "engine/table/rollup_rows.h"

#include "engine/base/pool.h"
#include "engine/base/processors.h"
#include "engine/table/roster_rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// Waking a thread costs as much as adding a part.
enum { PARTS_FOR_HELP = 4 };

// Room for a vector of each column that some rollup needs.
struct dbk_rollup_room {
    dbk_arena arena;
    int64_t *ints[DBK_COLUMNS_MAX];
    uint32_t *codes[DBK_COLUMNS_MAX];
};

static void room_destroy(dbk_rollup_room *room)
{
    if (room)
        dbk_arena_dispose(&room->arena);
    free(room);
}

static dbk_rollup_room *room_create(const dbk_rollups *rollups, const dbk_table_def *def)
{
    dbk_rollup_room *room = calloc(1, sizeof *room);
    bool ok = room != NULL;
    for (int c = 0; ok && c < def->columns_count; c++) {
        if (!dbk_rollups_want(rollups, c))
            continue;
        if (def->columns[c].type == DBK_CODE)
            room->codes[c] = dbk_arena_alloc(&room->arena, DBK_VECTOR_ROWS * sizeof *room->codes[c]);
        else
            room->ints[c] = dbk_arena_alloc(&room->arena, DBK_VECTOR_ROWS * sizeof *room->ints[c]);
        ok = room->codes[c] || room->ints[c];
    }
    if (ok)
        return room;
    room_destroy(room);
    return NULL;
}

// ---- All rows of a part ----

static uint32_t alive_list(const dbk_part *part, uint32_t vector, uint32_t n, uint16_t alive[DBK_VECTOR_ROWS])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < n; i++)
        if (!dbk_part_is_dead(part, vector * DBK_VECTOR_ROWS + i))
            alive[count++] = (uint16_t)i;
    return count;
}

static void vector_add(dbk_rollups *rollups, dbk_rollup_room *room, const dbk_table_def *def,
                       const dbk_part *part, uint32_t vector)
{
    uint32_t left = part->rows - vector * DBK_VECTOR_ROWS;
    uint32_t n = left < DBK_VECTOR_ROWS ? left : DBK_VECTOR_ROWS;
    uint16_t alive[DBK_VECTOR_ROWS];
    dbk_rollup_rows rows = {.count = alive_list(part, vector, n, alive)};
    if (rows.count == 0)
        return;
    for (int c = 0; c < def->columns_count; c++) {
        if (room->ints[c]) {
            const int64_t *values = dbk_part_ints(part, c, vector, room->ints[c]);
            for (uint32_t i = 0; rows.count < n && i < rows.count; i++)
                room->ints[c][i] = values[alive[i]];
            rows.ints[c] = rows.count < n ? room->ints[c] : values;
        } else if (room->codes[c]) {
            const uint32_t *codes = dbk_part_codes(part, c, vector, room->codes[c]);
            for (uint32_t i = 0; rows.count < n && i < rows.count; i++)
                room->codes[c][i] = codes[alive[i]];
            rows.codes[c] = rows.count < n ? room->codes[c] : codes;
        }
    }
    dbk_rollups_add(rollups, &rows, 1);
}

static void part_add(dbk_rollups *rollups, dbk_rollup_room *room, const dbk_table_def *def,
                     const dbk_part *part)
{
    for (uint32_t v = 0; v * DBK_VECTOR_ROWS < part->rows; v++)
        vector_add(rollups, room, def, part, v);
}

// ---- A change ----

static void new_rows_add(dbk_table *table, const dbk_delta_input *input, uint32_t from, uint32_t n)
{
    const dbk_table_def *def = table->def;
    dbk_rollup_room *room = table->rollup_room;
    const uint32_t *source = input->rows + from;
    dbk_rollup_rows rows = {.count = n};
    for (int c = 0; c < def->columns_count; c++) {
        if (room->ints[c] && input->ints[c]) {
            for (uint32_t i = 0; i < n; i++)
                room->ints[c][i] = input->ints[c][source[i]];
            rows.ints[c] = room->ints[c];
        } else if (room->codes[c] && input->codes[c]) {
            for (uint32_t i = 0; i < n; i++)
                room->codes[c][i] = input->codes[c][source[i]];
            rows.codes[c] = room->codes[c];
        }
    }
    dbk_rollups_add(table->rollups, &rows, 1);
}

// Takes back the rows at these places.
static void old_rows_subtract(dbk_table *table, const dbk_place *places, uint32_t n)
{
    const dbk_table_def *def = table->def;
    dbk_rollup_room *room = table->rollup_room;
    dbk_rollup_rows rows = {.count = n};
    for (int c = 0; c < def->columns_count; c++) {
        rows.ints[c] = room->ints[c];
        rows.codes[c] = room->codes[c];
    }
    for (uint32_t i = 0; i < n; i++) {
        const dbk_part *part = dbk_table_part(table, dbk_place_slot(places[i]));
        uint32_t row = dbk_place_row(places[i]);
        for (int c = 0; c < def->columns_count; c++) {
            if (room->ints[c])
                room->ints[c][i] = dbk_part_int_at(part, c, row);
            else if (room->codes[c])
                room->codes[c][i] = dbk_part_code_at(part, c, row);
        }
    }
    dbk_rollups_add(table->rollups, &rows, -1);
}

void dbk_table_rollups_change(dbk_table *table, const dbk_place *old, const dbk_delta_input *input,
                              uint32_t count)
{
    if (!table->rollups)
        return;
    for (uint32_t from = 0; from < count; from += DBK_VECTOR_ROWS) {
        uint32_t n = count - from < DBK_VECTOR_ROWS ? count - from : DBK_VECTOR_ROWS;
        dbk_place places[DBK_VECTOR_ROWS];
        uint32_t found = 0;
        for (uint32_t i = from; i < from + n; i++)
            if (old[i] != DBK_NO_PLACE)
                places[found++] = old[i];
        if (found)
            old_rows_subtract(table, places, found);
        if (input)
            new_rows_add(table, input, from, n);
    }
}

// ---- Which rollups there are ----

void dbk_table_rollups_forget(dbk_table *table)
{
    dbk_rollups_destroy(table->rollups, dbk_table_versions(table));
    room_destroy(table->rollup_room);
    table->rollups = NULL;
    table->rollup_room = NULL;
}

void dbk_table_rollups_dispose(dbk_table *table)
{
    dbk_rollups_destroy(table->rollups, NULL);
    room_destroy(table->rollup_room);
}

// What is worth keeping if the rows are spread evenly from the first to the last.
static dbk_grain likely_grain(const dbk_table *table)
{
    int64_t first = INT64_MAX, last = INT64_MIN;
    int time = table->def->time_column;
    for (uint32_t slot = 0; slot < table->slots; slot++) {
        const dbk_part *part = dbk_table_part(table, slot);
        dbk_zone_map zone = {.min = INT64_MAX, .max = INT64_MIN};
        if (!dbk_part_zone_map(part, time, &zone)) {
            for (uint32_t i = 0; i < part->rows; i++) {
                int64_t ms = dbk_part_int_at(part, time, i);
                zone.min = ms != DBK_NULL && ms < zone.min ? ms : zone.min;
                zone.max = ms > zone.max ? ms : zone.max;
            }
        }
        first = zone.min < first ? zone.min : first;
        last = zone.max > last ? zone.max : last;
    }
    dbk_u128 span = first < last ? (dbk_u128)((dbk_i128)last - first) : 0, rows = table->rows;
    uint64_t least = table->tenant->db->rollup_bucket_rows;
    return rows >= least * (span / DBK_MS_HOUR + 1)  ? DBK_GRAIN_HOUR
           : rows >= least * (span / DBK_MS_DAY + 1) ? DBK_GRAIN_DAY
                                                     : DBK_GRAIN_MONTH;
}

// What threads share that make the sums of all rows. Each has sums of its own, the first one the table's.
typedef struct maker {
    dbk_table *table;
    const dbk_zone *zone;
    dbk_grain finest;
    _Atomic uint32_t next_slot;
    dbk_rollups *rollups[DBK_POOL_MAX];
    dbk_rollup_room *rooms[DBK_POOL_MAX];
} maker;

static bool worker_begin(maker *m, int worker)
{
    dbk_table *table = m->table;
    m->rollups[worker] =
        dbk_rollups_create(dbk_table_versions(table), table->def, m->zone, table->rollup_gaps, m->finest);
    m->rooms[worker] = m->rollups[worker] ? room_create(m->rollups[worker], table->def) : NULL;
    return m->rooms[worker] != NULL;
}

// The database is being closed: what was made so far is of some rows only, and goes.
static bool is_stopped(const dbk_table *table)
{
    return atomic_load_explicit(&table->tenant->db->keys.stop, memory_order_relaxed);
}

static void parts_add(void *user, int worker)
{
    maker *m = user;
    uint32_t slot;
    if (worker > 0 && !worker_begin(m, worker))
        return; // the others do its share
    while (!is_stopped(m->table) && (slot = atomic_fetch_add(&m->next_slot, 1)) < m->table->slots)
        part_add(m->rollups[worker], m->rooms[worker], m->table->def, dbk_table_part(m->table, slot));
}

static bool make_once(dbk_table *table, const dbk_zone *zone, dbk_grain finest)
{
    maker m = {.table = table, .zone = zone, .finest = finest};
    dbk_table_rollups_forget(table);
    if (worker_begin(&m, 0))
        dbk_pool_run_behind(table->slots < PARTS_FOR_HELP ? 1 : dbk_processors(DBK_POOL_WORTH), parts_add, &m,
                            &table->tenant->db->haste);
    table->rollups = m.rollups[0];
    table->rollup_room = m.rooms[0];
    for (int w = 1; w < DBK_POOL_MAX; w++) {
        if (m.rooms[w])
            dbk_rollups_merge(table->rollups, m.rollups[w]);
        dbk_rollups_destroy(m.rollups[w], dbk_table_versions(table));
        room_destroy(m.rooms[w]);
    }
    if (!table->rollup_room || is_stopped(table))
        dbk_table_rollups_forget(table);
    return table->rollups != NULL;
}

// Columns that sealed rows are without, as far as their statistics say: they need not be found out.
static uint32_t known_gaps(const dbk_table *table)
{
    uint32_t gaps = 0;
    for (uint32_t slot = 0; slot < table->slots; slot++)
        for (int c = 0; c < table->def->columns_count; c++) {
            dbk_zone_map zone;
            if (dbk_type_is_int(table->def->columns[c].type) &&
                dbk_part_zone_map(dbk_table_part(table, slot), c, &zone) && zone.nulls > 0)
                gaps |= 1u << c;
        }
    return gaps;
}

static bool has_new_gaps(const dbk_table *table)
{
    return dbk_rollups_gaps(table->rollups) != table->rollup_gaps;
}

static bool make(dbk_table *table, const dbk_zone *zone, dbk_grain finest)
{
    table->rollup_gaps |= known_gaps(table);
    if (!make_once(table, zone, finest) || !has_new_gaps(table))
        return table->rollups != NULL;
    table->rollup_gaps = dbk_rollups_gaps(table->rollups); // all that there are
    return make_once(table, zone, finest);
}

static void build(dbk_table *table, const dbk_zone *zone)
{
    uint64_t least = table->tenant->db->rollup_bucket_rows;
    bool made = make(table, zone, likely_grain(table));
    // A single row of another age hides how close the others are.
    if (made && dbk_rollups_are_thin(table->rollups, table->rows, least))
        made = make(table, zone, DBK_GRAIN_HOUR);
    if (!made)
        return;
    dbk_rollups_thin(table->rollups, table->rows, least);
    table->rollup_rows = table->rows;
}

// UTC unless the tenant has set a zone that there is.
static const dbk_zone *zone_of(dbk_tenant *tenant)
{
    dbk_table *settings = tenant->tables[DBK_SETTINGS];
    const dbk_dict *dict = tenant->dicts[DBK_DOMAIN_SETTING];
    uint32_t code = settings && dict ? dbk_dict_find(dict, DBK_TEXT("timezone"), dict->count) : 0;
    uint64_t place = code ? dbk_locator_map_get(&settings->map, code) : 0;
    dbk_text value;
    char name[DBK_ID_BYTES_MAX + 1];
    const dbk_zone *zone;
    if (!place || dbk_table_text(settings, place - 1, dbk_column_find(settings->def, DBK_TEXT("value")),
                                 &value) != DBK_OK)
        return NULL;
    if (value.length == 0 || value.length >= sizeof name)
        return NULL;
    memcpy(name, value.data, value.length);
    name[value.length] = '\0';
    return dbk_zone_load(name, &zone, NULL) == DBK_OK ? zone : NULL;
}

// A table that has grown much may be worth finer grains than it had when its rollups were made.
static bool wants_rollups(const dbk_table *table)
{
    const dbk_db *db = table->tenant->db;
    if (!table->rollups)
        return table->rows >= db->rollup_rows;
    if (has_new_gaps(table))
        return true;
    return table->rows >= 2 * table->rollup_rows &&
           dbk_rollups_are_thin(table->rollups, table->rows, db->rollup_bucket_rows);
}

void dbk_db_put_off_rollups(dbk_db *db)
{
    db->rollups_wait = true;
}

bool dbk_db_make_rollups(dbk_db *db)
{
    bool any = false;
    db->rollups_wait = false;
    if (atomic_load_explicit(&db->keys.stop, memory_order_relaxed))
        return false;
    for (uint32_t t = 0; t < db->tenants_count; t++) {
        for (int id = 1; id < DBK_TABLE_END; id++) {
            dbk_table *table = db->tenants[t]->tables[id];
            int count;
            if (!table || !dbk_rollup_defs(table->def->id, &count) || !wants_rollups(table))
                continue;
            dbk_table_mark_changed(table);
            any = true;
        }
    }
    return any;
}

void dbk_tenant_rollups_prepare(dbk_tenant *tenant)
{
    if (tenant->db->rollups_wait)
        return;
    bool has_zone = false;
    const dbk_zone *zone = NULL;
    const dbk_table *settings = tenant->tables[DBK_SETTINGS];
    for (int id = 1; id < DBK_TABLE_END; id++) {
        dbk_table *table = tenant->tables[id];
        int count;
        if (!table || !dbk_rollup_defs(table->def->id, &count))
            continue;
        bool wants = wants_rollups(table), asks = table->rollups && settings && settings->changed;
        if ((wants || asks) && !has_zone) {
            zone = zone_of(tenant);
            has_zone = true;
        }
        if (wants || (asks && dbk_rollups_zone(table->rollups) != zone)) {
            if (table->rollups)
                table->rollup_gaps = dbk_rollups_gaps(table->rollups);
            build(table, zone);
            dbk_table_mark_changed(table);
        } else if (table->rollups && table->changed) {
            // Half of what is asked for at first, so that no grain comes and goes.
            dbk_rollups_thin(table->rollups, table->rows, tenant->db->rollup_bucket_rows / 2);
        }
        if (dbk_table_roster_is_due(table) || (table->roster && settings && settings->changed))
            dbk_table_roster_step(table, has_zone ? zone : zone_of(tenant));
    }
}

// ---- Images ----

const dbk_rollups_view *dbk_view_rollups(const dbk_table_view *view)
{
    return view->rollups;
}

dbk_status dbk_view_rollups_check(const dbk_table_view *view, const char **wrong)
{
    *wrong = NULL;
    if (!view->rollups)
        return DBK_OK;
    // Sums of their own, in a world of their own: nothing of it is ever frozen or shared.
    dbk_versions versions = {.generation = 1};
    dbk_rollups *fresh = dbk_rollups_create(&versions, view->table->def, view->rollups->rollups[0].zone,
                                            view->rollups->gaps, DBK_GRAIN_HOUR);
    dbk_rollup_room *room = fresh ? room_create(fresh, view->table->def) : NULL;
    for (size_t i = 0; room && i < dbk_view_parts(view); i++)
        part_add(fresh, room, view->table->def, dbk_view_part(view, i));
    dbk_rollups_view *sums = room ? dbk_rollups_freeze(fresh) : NULL;
    if (sums && !dbk_rollups_equal(sums, view->rollups, wrong))
        assert(*wrong);
    dbk_status status = sums ? DBK_OK : DBK_NO_MEMORY;
    dbk_object_free(sums ? &sums->object : NULL);
    room_destroy(room);
    dbk_rollups_destroy(fresh, NULL);
    return status;
}
