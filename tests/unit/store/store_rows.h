// SPDX-License-Identifier: Apache-2.0
// Orders for the tests of the store, and a number that says whether two snapshots hold the same rows.
#ifndef DBK_TEST_STORE_ROWS_H
#define DBK_TEST_STORE_ROWS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/table/view.h"
#include "ingest/store/store.h"

// A batch of orders of which the test chooses ids and totals. Dispose of it with dbk_batch_dispose.
static inline void make_orders(dbk_batch *b, uint32_t rows)
{
    memset(b, 0, sizeof(*b));
    b->table = dbk_table_def_by_id(DBK_ORDERS);
    b->rows = rows;
    const dbk_table_def *t = b->table;
    int id = t->key_column, created = t->time_column;
    int status = dbk_column_find(t, DBK_TEXT("status")),
        customer = dbk_column_find(t, DBK_TEXT("customer_id"));
    int total = dbk_column_find(t, DBK_TEXT("total"));
    b->columns[id].texts = dbk_arena_zalloc(&b->arena, (rows + 1) * sizeof(dbk_text));
    b->columns[created].ints = dbk_arena_zalloc(&b->arena, (rows + 1) * sizeof(int64_t));
    b->columns[total].ints = dbk_arena_zalloc(&b->arena, (rows + 1) * sizeof(int64_t));
    int codes[] = {status, customer};
    for (int c = 0; c < 2; c++) {
        dbk_batch_column *column = &b->columns[codes[c]];
        column->codes = dbk_arena_zalloc(&b->arena, (rows + 1) * sizeof(uint32_t));
        column->words = dbk_arena_zalloc(&b->arena, (rows + 1) * sizeof(dbk_text));
        column->words_count = rows + 1;
    }
}

static inline dbk_text arena_text(dbk_batch *b, const char *format, unsigned n)
{
    char text[32];
    int length = snprintf(text, sizeof(text), format, n);
    return (dbk_text){dbk_arena_copy(&b->arena, text, (size_t)length), (uint32_t)length};
}

static inline void set_order(dbk_batch *b, uint32_t row, unsigned id, int64_t total)
{
    const dbk_table_def *t = b->table;
    b->columns[t->key_column].texts[row] = arena_text(b, "order-%u", id);
    b->columns[t->time_column].ints[row] = 1700000000000 + (int64_t)id * 60000;
    b->columns[dbk_column_find(t, DBK_TEXT("total"))].ints[row] = total;
    static const char *const columns[] = {"status", "customer_id"}, *const formats[] = {"status-%u",
                                                                                        "cus_%u"};
    for (int c = 0; c < 2; c++) {
        dbk_batch_column *column = &b->columns[dbk_column_find(t, dbk_text_from(columns[c]))];
        column->codes[row] = row + 1;
        column->words[row + 1] = arena_text(b, formats[c], c ? id / 2 : (unsigned)(total % 5));
    }
}

static inline uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9E3779B97F4A7C15u;
    return h ^ h >> 29;
}

static inline uint64_t mix_text(uint64_t h, dbk_text text)
{
    for (uint32_t i = 0; i < text.length; i++)
        h = mix(h, (uint8_t)text.data[i]);
    return mix(h, text.length);
}

// The sum over all live rows of all tables of a hash of their values: independent of where rows stand.
static inline uint64_t digest(const dbk_snapshot *snapshot)
{
    uint64_t sum = 0;
    dbk_text_cursor *cursor = calloc(1, sizeof(*cursor));
    for (size_t t = 0; t < dbk_snapshot_tenants(snapshot); t++) {
        dbk_text name = dbk_snapshot_tenant_name(snapshot, t);
        const dbk_tenant_view *tenant = dbk_snapshot_tenant(snapshot, name);
        for (int id = DBK_ORDERS; id < DBK_TABLE_END; id++) {
            const dbk_table_view *view = dbk_tenant_table(tenant, (dbk_table_id)id);
            const dbk_table_def *def = dbk_table_def_by_id(id);
            for (size_t p = 0; view && p < dbk_view_parts(view); p++) {
                const dbk_part *part = dbk_view_part(view, p);
                for (uint32_t r = 0; r < dbk_part_rows(part); r++) {
                    const uint64_t *dead = dbk_part_dead(part, r / DBK_VECTOR_ROWS);
                    if (dead && dead[r % DBK_VECTOR_ROWS / 64] >> r % 64 & 1)
                        continue;
                    uint64_t h = mix_text((uint64_t)id, name);
                    for (int c = 0; c < def->columns_count; c++) {
                        dbk_text text = {0};
                        if (dbk_type_is_int(def->columns[c].type))
                            h = mix(h, (uint64_t)dbk_part_int_at(part, c, r));
                        else if (def->columns[c].type == DBK_CODE)
                            h = mix_text(h, dbk_tenant_word(tenant, def->columns[c].domain,
                                                            dbk_part_code_at(part, c, r)));
                        else if (dbk_part_text_at(part, c, r, cursor, &text) == DBK_OK)
                            h = mix_text(h, text);
                    }
                    sum += h;
                }
            }
        }
    }
    dbk_text_scratch_dispose(&cursor->scratch);
    free(cursor);
    return mix(sum, dbk_snapshot_number(snapshot));
}

static inline uint64_t digest_of(dbk_db *db)
{
    dbk_read read = dbk_read_begin(db);
    uint64_t d = digest(read.snapshot);
    dbk_read_end(db, &read);
    return d;
}

static inline uint64_t orders_of(dbk_db *db, dbk_text tenant)
{
    dbk_read read = dbk_read_begin(db);
    uint64_t rows = dbk_snapshot_rows(read.snapshot, tenant, DBK_ORDERS);
    dbk_read_end(db, &read);
    return rows;
}

#endif
