// SPDX-License-Identifier: Apache-2.0
// A random company, held twice: in a database and in the oracle.
#ifndef DBK_TEST_QUERY_WORLD_H
#define DBK_TEST_QUERY_WORLD_H

#include "engine/db.h"
#include "engine/table/state.h"
#include "tests/support/oracle.h"
#include "tests/support/seed.h"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define WORLD_FROM INT64_C(1700000000000)
#define WORLD_DAYS 90

static const dbk_table_id world_tables[] = {DBK_ORDERS,    DBK_ORDER_LINES, DBK_PAYMENTS,
                                            DBK_CUSTOMERS, DBK_PRODUCTS,    DBK_CATEGORIES};

typedef struct world {
    dbk_db *db;
    dbk_oracle oracle;
    dbk_read read;
    uint64_t number;
    bool extreme; // sums leave 64 bits
    const char *zone;
} world;

static inline dbk_text world_tenant(void)
{
    return DBK_TEXT("acme");
}

static inline int world_keys(dbk_table_id id)
{
    return id == DBK_ORDERS        ? 2000
           : id == DBK_ORDER_LINES ? 1500
           : id == DBK_PAYMENTS    ? 600
           : id == DBK_CUSTOMERS   ? 60
           : id == DBK_PRODUCTS    ? 40
                                   : 6;
}

static inline uint64_t below(dbk_random *r, uint64_t bound)
{
    return dbk_random_below(r, bound);
}

static inline dbk_text world_text(dbk_arena *arena, const char *prefix, uint64_t number)
{
    char text[48];
    int length = snprintf(text, sizeof text, "%s%llu", prefix, (unsigned long long)number);
    return (dbk_text){dbk_arena_copy(arena, text, (size_t)length), (uint32_t)length};
}

static inline dbk_text world_reference(dbk_random *r, dbk_arena *arena, dbk_domain domain)
{
    switch (domain) {
    case DBK_DOMAIN_CUSTOMER:
        return world_text(arena, "cus_", below(r, 70)); // some are in no table
    case DBK_DOMAIN_PRODUCT:
        return world_text(arena, "prod_", below(r, 45));
    case DBK_DOMAIN_CATEGORY:
        return world_text(arena, "cat_", below(r, 7));
    default:
        return world_text(arena, "Word", below(r, 5));
    }
}

static inline dbk_text world_id(dbk_arena *arena, dbk_table_id id, uint64_t number)
{
    return world_text(arena,
                      id == DBK_ORDERS        ? "ord_"
                      : id == DBK_ORDER_LINES ? "line_"
                      : id == DBK_PAYMENTS    ? "pay_"
                      : id == DBK_CUSTOMERS   ? "cus_"
                      : id == DBK_PRODUCTS    ? "prod_"
                                              : "cat_",
                      number);
}

static inline int64_t world_int(dbk_random *r, const world *w, dbk_type type)
{
    switch (type) {
    case DBK_BOOL:
        return (int64_t)below(r, 2);
    case DBK_TIME:
        // Half of the times are whole days, so that buckets begin with them.
        return below(r, 2) ? WORLD_FROM + (int64_t)below(r, WORLD_DAYS * (uint64_t)DBK_MS_DAY)
                           : (WORLD_FROM / DBK_MS_DAY + (int64_t)below(r, WORLD_DAYS)) * DBK_MS_DAY;
    case DBK_DATE:
        return (int64_t)below(r, 100);
    default:
        if (w->extreme && below(r, 2))
            return (int64_t)(dbk_random_u64(r) >> 2) * (below(r, 3) ? 1 : -1);
        return (int64_t)below(r, 400) * 100 - 3000;
    }
}

static inline dbk_text world_word(dbk_random *r, dbk_arena *arena, const dbk_column_def *column)
{
    if (!column->values)
        return world_reference(r, arena, column->domain);
    int count = 0;
    while (column->values[count])
        count++;
    return dbk_text_from(column->values[below(r, (uint64_t)count)]);
}

static inline void world_fill(dbk_random *r, const world *w, dbk_batch *b, int c, const uint64_t *keys)
{
    const dbk_column_def *def = &b->table->columns[c];
    dbk_batch_column *column = &b->columns[c];
    bool required = (def->flags & (DBK_REQUIRED | DBK_KEY)) || c == b->table->time_column;
    bool key = c == b->table->key_column;
    if (b->remove ? !key : !required && below(r, 8) == 0)
        return; // absent
    uint64_t nulls = required ? 0 : below(r, 4);
    if (dbk_type_is_int(def->type))
        column->ints = dbk_arena_alloc(&b->arena, b->rows * sizeof(int64_t));
    else if (def->type == DBK_TEXT)
        column->texts = dbk_arena_zalloc(&b->arena, b->rows * sizeof(dbk_text));
    else {
        column->words = dbk_arena_zalloc(&b->arena, (b->rows + 1) * sizeof(dbk_text));
        column->codes = dbk_arena_zalloc(&b->arena, b->rows * sizeof(uint32_t));
        column->words_count = 1;
    }
    for (uint32_t i = 0; i < b->rows; i++) {
        bool null = below(r, 10) < nulls * 3;
        if (column->ints) {
            column->ints[i] = null ? DBK_NULL : world_int(r, w, def->type);
        } else if (!null) {
            dbk_text text;
            if (key)
                text = world_id(&b->arena, b->table->id, keys[i]);
            else if (def->type == DBK_CODE)
                text = world_word(r, &b->arena, def);
            else if (strcmp(def->name, "order_id") == 0)
                text = world_id(&b->arena, DBK_ORDERS, below(r, 2100));
            else if (strcmp(def->name, "line_id") == 0)
                text = world_id(&b->arena, DBK_ORDER_LINES, below(r, 1600));
            else
                text = world_text(&b->arena, below(r, 2) ? "Anna " : "bert", below(r, 12));
            if (column->texts) {
                column->texts[i] = text;
            } else {
                column->words[column->words_count] = text;
                column->codes[i] = column->words_count++;
            }
        }
    }
}

// Dispose of the batch.
static inline void world_batch(dbk_random *r, const world *w, dbk_table_id id, uint32_t rows, bool remove,
                               dbk_batch *batch)
{
    *batch = (dbk_batch){.table = dbk_table_def_by_id((int)id), .rows = rows, .remove = remove};
    dbk_error err = {0};
    uint64_t *keys = malloc(rows * sizeof *keys);
    for (uint32_t i = 0; i < rows; i++)
        keys[i] = below(r, (uint64_t)world_keys(id));
    for (int c = 0; c < batch->table->columns_count; c++)
        world_fill(r, w, batch, c, keys);
    free(keys);
    if (dbk_batch_check(batch, &err) != DBK_OK)
        fail_msg("%s", err.message);
}

static inline void world_apply(dbk_random *r, world *w, dbk_table_id id, uint32_t rows, bool remove)
{
    dbk_batch batch;
    dbk_error err = {0};
    dbk_apply_report report;
    world_batch(r, w, id, rows, remove, &batch);
    if (dbk_db_apply(w->db, world_tenant(), &batch, &report, &err) != DBK_OK)
        fail_msg("%s", err.message);
    assert_int_equal(report.rejected_count, 0);
    free(report.rejected_rows);
    dbk_oracle_apply(&w->oracle, &batch);
    dbk_batch_dispose(&batch);
}

// The oracle knows no settings: queries bring their zones along.
static inline void world_set_zone(world *w, const char *zone)
{
    dbk_batch batch = {.table = dbk_table_def_by_id(DBK_SETTINGS), .rows = 1};
    dbk_text words[] = {{NULL, 0}, DBK_TEXT("timezone")}, value = dbk_text_from(zone);
    uint32_t code = 1;
    dbk_apply_report report;
    dbk_error err = {0};
    batch.columns[batch.table->key_column] =
        (dbk_batch_column){.codes = &code, .words = words, .words_count = 2};
    batch.columns[dbk_column_find(batch.table, DBK_TEXT("value"))].texts = &value;
    if (dbk_db_apply(w->db, world_tenant(), &batch, &report, &err) != DBK_OK)
        fail_msg("%s", err.message);
    w->zone = zone;
}

static inline const char *world_zone(dbk_random *r)
{
    static const char *const zones[] = {"Europe/Berlin", "UTC", "Asia/Kolkata", "America/St_Johns"};
    return zones[below(r, DBK_COUNT(zones))];
}

static inline void world_publish(world *w)
{
    dbk_snapshot *snapshot = dbk_db_freeze(w->db, ++w->number);
    assert_non_null(snapshot);
    dbk_db_publish(w->db, snapshot);
}

static inline void world_open(world *w, uint32_t segment_rows)
{
    dbk_error err;
    *w = (world){.zone = "UTC"};
    assert_int_equal(dbk_db_create(&w->db, &err), DBK_OK);
    dbk_db_set_segment_rows(w->db, segment_rows);
}

static inline void world_close(world *w)
{
    dbk_read_end(w->db, &w->read);
    dbk_db_destroy(w->db);
    dbk_oracle_dispose(&w->oracle);
}

// Asks what a roster would answer, so that one is made from here on.
static inline void world_wish(world *w)
{
    static const dbk_group_key key = {.column = "customer_id"};
    const dbk_query query = {.table = "orders",
                             .from_ms = DBK_TIME_OPEN_FROM,
                             .to_ms = DBK_TIME_OPEN_TO,
                             .keys = &key,
                             .keys_count = 1};
    dbk_read read = dbk_read_begin(w->db);
    dbk_result *result;
    dbk_error err;
    assert_int_equal(dbk_query_run(read.snapshot, world_tenant(), &query, &result, &err), DBK_OK);
    dbk_result_free(result);
    dbk_read_end(w->db, &read);
}

// Rows hot and sealed, dead and alive, in few parts or many.
static inline void world_grow(dbk_random *r, world *w)
{
    static const uint32_t segment_rows[] = {60, 300, 1500, 65536};
    world_open(w, segment_rows[below(r, DBK_COUNT(segment_rows))]);
    w->extreme = below(r, 3) == 0;
    if (below(r, 4))
        dbk_db_set_rollup_rows(w->db, 1, below(r, 3) ? 0 : below(r, 20));
    dbk_db_set_roster_rows(w->db, 1, 1 + below(r, below(r, 2) ? 500 : 5000));
    if (below(r, 2))
        world_set_zone(w, world_zone(r));
    for (size_t t = 0; t < DBK_COUNT(world_tables); t++) {
        uint32_t rows = (uint32_t)world_keys(world_tables[t]) / 2;
        if (below(r, 8) == 0)
            continue; // a table that never had a row
        for (int i = 0; i < 4; i++)
            world_apply(r, w, world_tables[t], 1 + (uint32_t)below(r, rows), false);
        if (below(r, 3))
            world_apply(r, w, world_tables[t], 1 + (uint32_t)below(r, 40), true);
        world_publish(w);
        if (below(r, 2))
            world_wish(w);
        if (below(r, 8) == 0)
            world_set_zone(w, world_zone(r));
        world_apply(r, w, world_tables[t], 1 + (uint32_t)below(r, rows / 4 + 1), false);
    }
    world_publish(w);
    while (below(r, 4) && dbk_db_make_wished(w->db))
        world_publish(w);
    for (int i = (int)below(r, 3); i > 0; i--) {
        world_apply(r, w, DBK_ORDERS, 1 + (uint32_t)below(r, 60), below(r, 3) == 0);
        world_publish(w);
    }
    w->read = dbk_read_begin(w->db);
}

// ---- Answers ----

static inline bool world_same_cell(const dbk_result *a, const dbk_result *b, size_t row, int column)
{
    if (dbk_result_is_null(a, row, column) != dbk_result_is_null(b, row, column))
        return false;
    switch (dbk_result_column_kind(a, column)) {
    case DBK_RESULT_INT:
        return dbk_result_int(a, row, column) == dbk_result_int(b, row, column);
    case DBK_RESULT_TEXT:
        return dbk_text_equal(dbk_result_text(a, row, column), dbk_result_text(b, row, column));
    default:
        return dbk_result_sum(a, row, column) == dbk_result_sum(b, row, column) &&
               dbk_result_count(a, row, column) == dbk_result_count(b, row, column);
    }
}

static inline void world_expect_same(const dbk_result *a, const dbk_result *b)
{
    assert_int_equal(dbk_result_rows(a), dbk_result_rows(b));
    for (size_t row = 0; row < dbk_result_rows(a); row++)
        for (int column = 0; column < dbk_result_columns(a); column++)
            if (!world_same_cell(a, b, row, column))
                fail_msg("row %d column %d differs", (int)row, column);
}

#endif
