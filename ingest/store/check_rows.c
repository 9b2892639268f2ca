// SPDX-License-Identifier: Apache-2.0
// A snapshot against itself: what is kept about rows must follow from the rows.
#include "ingest/store/check_rows.h"

#include <stdlib.h>
#include <string.h>

#include "engine/table/view.h"
#include "ingest/store/closure_chain.h"

typedef struct table_check {
    dbk_check *check;
    dbk_text tenant_name;
    const dbk_tenant_view *tenant;
    const dbk_table_view *view;
    const dbk_table_def *table;
} table_check;

static void complain(table_check *c, size_t part, uint32_t row, const char *what)
{
    dbk_check_problem(c->check, "%.*s/%s: part %zu, row %u: %s; restore the directory from a backup",
                      (int)c->tenant_name.length, c->tenant_name.data, c->table->name, part, row, what);
}

static uint32_t vector_rows(const dbk_part *part, uint32_t vector)
{
    uint32_t left = dbk_part_rows(part) - vector * DBK_VECTOR_ROWS;
    return left < DBK_VECTOR_ROWS ? left : DBK_VECTOR_ROWS;
}

static uint32_t vectors_of(const dbk_part *part)
{
    return (dbk_part_rows(part) + DBK_VECTOR_ROWS - 1) / DBK_VECTOR_ROWS;
}

// ---- Statistics ----

static void add_value(dbk_zone_map *zone, int64_t value, bool is_null, bool sums)
{
    if (is_null) {
        zone->nulls++;
        return;
    }
    if (value < zone->min)
        zone->min = value;
    if (value > zone->max)
        zone->max = value;
    if (sums)
        zone->sum += value;
}

static void read_vector(const dbk_part *part, int column, bool is_int, uint32_t vector, dbk_zone_map *zone)
{
    uint32_t rows = vector_rows(part, vector);
    if (is_int) {
        int64_t scratch[DBK_VECTOR_ROWS];
        const int64_t *values = dbk_part_ints(part, column, vector, scratch);
        for (uint32_t i = 0; i < rows; i++)
            add_value(zone, values[i], values[i] == DBK_NULL, true);
    } else {
        for (uint32_t i = 0; i < rows; i++) {
            uint32_t code = dbk_part_code_at(part, column, vector * DBK_VECTOR_ROWS + i);
            add_value(zone, code, code == 0, false);
        }
    }
}

static bool has_values(const dbk_zone_map *zone)
{
    return zone->min <= zone->max;
}

static bool same_bounds(const dbk_zone_map *a, const dbk_zone_map *b)
{
    if (!has_values(a) || !has_values(b))
        return has_values(a) == has_values(b);
    return a->min == b->min && a->max == b->max;
}

static void check_column(table_check *c, size_t index, const dbk_part *part, int column)
{
    bool is_int = dbk_type_is_int(c->table->columns[column].type);
    dbk_zone_map all = {.min = INT64_MAX, .max = INT64_MIN}, kept;
    for (uint32_t v = 0; v < vectors_of(part); v++) {
        dbk_zone_map one = {.min = INT64_MAX, .max = INT64_MIN};
        read_vector(part, column, is_int, v, &one);
        if (dbk_part_vector_zone_map(part, column, v, &kept) &&
            ((has_values(&one) && (kept.min > one.min || kept.max < one.max)) || kept.nulls < one.nulls))
            complain(c, index, v * DBK_VECTOR_ROWS, "the bounds of the vector do not hold its rows");
        if (has_values(&one)) {
            all.min = one.min < all.min ? one.min : all.min;
            all.max = one.max > all.max ? one.max : all.max;
        }
        all.nulls += one.nulls;
        all.sum += one.sum;
    }
    if (dbk_part_zone_map(part, column, &kept) &&
        (!same_bounds(&all, &kept) || all.nulls != kept.nulls || (is_int && all.sum != kept.sum)))
        complain(c, index, 0, "the statistics of a column are not those of its rows");
}

static void check_order(table_check *c, size_t index, const dbk_part *part)
{
    if (c->table->time_column < 0 || !dbk_part_is_sorted(part))
        return;
    int64_t last = INT64_MIN;
    for (uint32_t v = 0; v < vectors_of(part); v++) {
        int64_t scratch[DBK_VECTOR_ROWS];
        const int64_t *times = dbk_part_ints(part, c->table->time_column, v, scratch);
        for (uint32_t i = 0; i < vector_rows(part, v); i++) {
            if (times[i] < last) {
                complain(c, index, v * DBK_VECTOR_ROWS + i, "the row is earlier than the one before it");
                return;
            }
            last = times[i];
        }
    }
}

// ---- Keys ----

static dbk_status key_read(dbk_status status, dbk_error *err)
{
    return status == DBK_OK
               ? DBK_OK
               : dbk_fail(err, status, "keys cannot be read: %s", dbk_segment_read_failure(status));
}

static dbk_status check_key(table_check *c, size_t index, const dbk_part *part, uint32_t row,
                            dbk_text_cursor *cursor, dbk_error *err)
{
    dbk_locator want = {(uint32_t)index, row}, got = {0};
    dbk_text id;
    bool found;
    int key = c->table->key_column;
    if (c->table->columns[key].type == DBK_CODE) {
        uint32_t code = dbk_part_code_at(part, key, row);
        found = code && dbk_view_find_code(c->view, code, &got);
        if (!found || got.part != want.part || got.row != want.row)
            complain(c, index, row, "the index does not find the row by the code of its key");
        id = dbk_tenant_word(c->tenant, c->table->columns[key].domain, code);
    } else {
        DBK_TRY(key_read(dbk_part_text_at(part, key, row, cursor, &id), err));
    }
    DBK_TRY(key_read(dbk_view_find_id(c->view, id, &found, &got), err));
    if (!found || got.part != want.part || got.row != want.row)
        complain(c, index, row, "the index does not find the row by its key");
    return DBK_OK;
}

static dbk_status check_part(table_check *c, size_t index, const dbk_part *part, uint64_t *live,
                             dbk_error *err)
{
    for (int column = 0; column < c->table->columns_count; column++)
        if (c->table->columns[column].type != DBK_TEXT)
            check_column(c, index, part, column);
    check_order(c, index, part);
    dbk_text_cursor *cursor = calloc(1, sizeof(*cursor));
    if (!cursor)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory checking rows");
    uint32_t dead_rows = 0;
    dbk_status status = DBK_OK;
    for (uint32_t v = 0; v < vectors_of(part) && status == DBK_OK; v++) {
        const uint64_t *dead = dbk_part_dead(part, v);
        for (uint32_t i = 0; i < vector_rows(part, v) && status == DBK_OK; i++) {
            if (dead && dead[i / 64] >> i % 64 & 1)
                dead_rows++;
            else
                status = check_key(c, index, part, v * DBK_VECTOR_ROWS + i, cursor, err);
        }
    }
    if (status == DBK_OK && dead_rows != dbk_part_dead_rows(part))
        complain(c, index, 0, "the count of dead rows is not that of its bits");
    *live += dbk_part_rows(part) - dead_rows;
    dbk_text_scratch_dispose(&cursor->scratch);
    free(cursor);
    return status;
}

// ---- Sums kept beside the rows ----

static dbk_status check_rollups(table_check *c, dbk_error *err)
{
    const char *wrong, *wrong_roster;
    if (dbk_view_rollups_check(c->view, &wrong) != DBK_OK ||
        dbk_view_roster_check(c->view, &wrong_roster) != DBK_OK)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory checking rollups");
    wrong = wrong ? wrong : wrong_roster;
    if (wrong)
        dbk_check_problem(
            c->check,
            "%.*s/%s: the sums of the rollup `%s` are not those of its rows; nothing is lost, for "
            "they are made from the rows at every start; restart the server and report this",
            (int)c->tenant_name.length, c->tenant_name.data, c->table->name, wrong);
    return DBK_OK;
}

dbk_status dbk_check_rows(const dbk_snapshot *snapshot, dbk_check *check, dbk_error *err)
{
    for (size_t t = 0; t < dbk_snapshot_tenants(snapshot); t++) {
        table_check c = {.check = check, .tenant_name = dbk_snapshot_tenant_name(snapshot, t)};
        c.tenant = dbk_snapshot_tenant(snapshot, c.tenant_name);
        for (int id = DBK_ORDERS; id < DBK_TABLE_END; id++) {
            c.view = dbk_tenant_table(c.tenant, (dbk_table_id)id);
            c.table = dbk_table_def_by_id(id);
            if (!c.view)
                continue;
            uint64_t live = 0;
            for (size_t p = 0; p < dbk_view_parts(c.view); p++)
                DBK_TRY(check_part(&c, p, dbk_view_part(c.view, p), &live, err));
            if (live != dbk_view_rows(c.view))
                complain(&c, 0, 0, "the count of rows is not that of its parts");
            DBK_TRY(check_rollups(&c, err));
            check->report->rows += live;
        }
        DBK_TRY(dbk_closure_chain_check(snapshot, c.tenant_name, check, err));
        check->report->tenants++;
    }
    return DBK_OK;
}
