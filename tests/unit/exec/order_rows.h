// SPDX-License-Identifier: Apache-2.0
// A world whose orders a test writes down row by row.
#ifndef DBK_TEST_ORDER_ROWS_H
#define DBK_TEST_ORDER_ROWS_H

#include "tests/unit/exec/query_world.h"

static const dbk_query open_orders = {
    .table = "orders", .from_ms = DBK_TIME_OPEN_FROM, .to_ms = DBK_TIME_OPEN_TO};

static inline dbk_result *run(const world *w, dbk_text tenant, const dbk_query *query)
{
    dbk_result *result = NULL;
    dbk_error err = {0};
    if (dbk_query_run(w->read.snapshot, tenant, query, &result, &err) != DBK_OK)
        fail_msg("%s", err.message);
    return result;
}

// Orders given as id, created_at, status (or NULL), tip (or DBK_NULL).
typedef struct order_row {
    const char *id;
    int64_t at;
    const char *status, *method;
    int64_t tip;
} order_row;

static inline void load_orders(world *w, const order_row *rows, uint32_t count)
{
    dbk_batch b = {.table = dbk_table_def_by_id(DBK_ORDERS), .rows = count};
    dbk_error err = {0};
    dbk_apply_report report;
    int id = 0, at = 1, status = 4, tip = 11, total = 12, method = 13;
    b.columns[id].texts = dbk_arena_alloc(&b.arena, count * sizeof(dbk_text));
    b.columns[at].ints = dbk_arena_alloc(&b.arena, count * sizeof(int64_t));
    b.columns[tip].ints = dbk_arena_alloc(&b.arena, count * sizeof(int64_t));
    b.columns[total].ints = dbk_arena_zalloc(&b.arena, count * sizeof(int64_t));
    for (int c = status; c <= method; c += method - status) {
        b.columns[c].codes = dbk_arena_alloc(&b.arena, count * sizeof(uint32_t));
        b.columns[c].words = dbk_arena_zalloc(&b.arena, (count + 1) * sizeof(dbk_text));
        b.columns[c].words_count = count + 1;
    }
    for (uint32_t i = 0; i < count; i++) {
        b.columns[id].texts[i] = dbk_text_from(rows[i].id);
        b.columns[at].ints[i] = rows[i].at;
        b.columns[tip].ints[i] = rows[i].tip;
        b.columns[status].words[i + 1] = dbk_text_from(rows[i].status);
        b.columns[status].codes[i] = i + 1;
        b.columns[method].words[i + 1] = dbk_text_from(rows[i].method);
        b.columns[method].codes[i] = rows[i].method ? i + 1 : 0;
    }
    if (dbk_db_apply(w->db, world_tenant(), &b, &report, &err) != DBK_OK)
        fail_msg("%s", err.message);
    free(report.rejected_rows);
    dbk_batch_dispose(&b);
    world_publish(w);
    w->read = dbk_read_begin(w->db);
}

#endif
