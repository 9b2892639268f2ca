// SPDX-License-Identifier: Apache-2.0
// A shop with long texts, changed at random on several journals at once, and questions about it whose answers
// become one number each. Included by the tests of texts on disk.
#ifndef DBK_TEST_COLD_WORLD_H
#define DBK_TEST_COLD_WORLD_H

#include "engine/image.h"
#include "engine/table/state.h"
#include "http/app/row_batch.h"
#include "ingest/store/journal.h"
#include "tests/support/digest.h"
#include "tests/support/io_sim.h"
#include "tests/support/seed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLD_ORDERS = 6000, COLD_BATCH = 800, COLD_SEGMENT_ROWS = 2500 };
static const dbk_text cold_shop = {"shop", 4};

// A journal on a simulated disk. One of those compared keeps all texts in memory: its `limit` is 0.
typedef struct cold_side {
    sim_disk *disk;
    dbk_io *io;
    dbk_db *db;
    dbk_segment_files *files;
    dbk_journal *journal;
    dbk_error err;
} cold_side;

static inline dbk_status cold_open_io(void *user, dbk_io **out, dbk_error *err)
{
    (void)err;
    *out = sim_disk_io(user);
    return DBK_OK;
}

static inline dbk_status cold_side_open(cold_side *s, sim_disk *disk, uint64_t limit)
{
    *s = (cold_side){.disk = disk, .io = sim_disk_io(disk)};
    assert_int_equal(dbk_db_create(&s->db, &s->err), DBK_OK);
    dbk_db_set_segment_rows(s->db, COLD_SEGMENT_ROWS);
    if (limit) {
        assert_int_equal(dbk_segment_files_create(&s->files, cold_open_io, disk, &s->err), DBK_OK);
        const dbk_segment_source source = dbk_segment_files_source(s->files);
        assert_int_equal(dbk_image_keep_cold(s->db, &source, limit, &s->err), DBK_OK);
    }
    dbk_journal_options options = {.log_file_bytes = 4 << 20, .seed = 7, .files = s->files};
    return dbk_journal_open(&s->journal, s->io, s->db, &options, &s->err);
}

static inline void cold_side_shut(cold_side *s)
{
    dbk_journal_destroy(s->journal);
    dbk_db_destroy(s->db);
    dbk_segment_files_destroy(s->files);
    dbk_io_close(s->io);
}

static inline dbk_cold_figures cold_figures(const cold_side *s)
{
    dbk_cold_figures figures;
    dbk_cold_figures_read(dbk_image_cold(s->db), &figures);
    return figures;
}

// ---- Changes ----

static inline dbk_text cold_id(char room[32], const char *prefix, uint64_t number)
{
    int length = snprintf(room, 32, "%s-%05llu", prefix, (unsigned long long)number);
    return (dbk_text){room, (uint32_t)length};
}

static inline void cold_put(dbk_batch *b, uint32_t row, const char *column, dbk_text text)
{
    assert_int_equal(dbk_row_batch_text(b, row, column, text, NULL), DBK_OK);
}

// Mostly words, sometimes nothing, sometimes bytes that do not shrink.
static inline dbk_text cold_words(dbk_random *random, char room[160])
{
    static const char *const words[] = {"gift ", "ring twice ", "Überraschung ", "fragile ", "call "};
    uint64_t kind = dbk_random_below(random, 5);
    int n = 0;
    if (kind == 0)
        return (dbk_text){room, 0};
    for (uint64_t i = 0, count = 1 + dbk_random_below(random, 8); i < count; i++)
        n += kind == 1 ? snprintf(room + n, (size_t)(160 - n), "%08x", (unsigned)dbk_random_u64(random))
                       : snprintf(room + n, (size_t)(160 - n), "%s", words[dbk_random_below(random, 5)]);
    return (dbk_text){room, (uint32_t)n};
}

static inline void cold_orders(dbk_random *random, dbk_batch *b, uint32_t rows)
{
    static const char *const states[] = {"SUBMITTED", "DELIVERED", "CANCELLED"};
    char room[160];
    assert_int_equal(dbk_row_batch_init(b, DBK_ORDERS, rows, NULL), DBK_OK);
    for (uint32_t i = 0; i < rows; i++) {
        uint64_t number = dbk_random_below(random, COLD_ORDERS);
        cold_put(b, i, "id", cold_id(room, "o", number));
        cold_put(b, i, "status", dbk_text_from(states[dbk_random_below(random, 3)]));
        cold_put(b, i, "currency", DBK_TEXT("EUR"));
        cold_put(b, i, "customer_email", cold_id(room, "c", dbk_random_below(random, 300)));
        cold_put(b, i, "notes", cold_words(random, room));
        cold_put(b, i, "po_number", cold_words(random, room));
        dbk_row_batch_int(b, i, "created_at", 1700000000000 + (int64_t)dbk_random_below(random, 1 << 30));
        dbk_row_batch_int(b, i, "total", (int64_t)dbk_random_below(random, 1000000) * 100);
    }
}

static inline void cold_lines(dbk_random *random, dbk_batch *b, uint32_t rows)
{
    char room[160];
    assert_int_equal(dbk_row_batch_init(b, DBK_ORDER_LINES, rows, NULL), DBK_OK);
    for (uint32_t i = 0; i < rows; i++) {
        uint64_t number = dbk_random_below(random, 2 * COLD_ORDERS);
        cold_put(b, i, "id", cold_id(room, "line", number));
        cold_put(b, i, "order_id", cold_id(room, "o", number / 2));
        cold_put(b, i, "product_id", cold_id(room, "p", dbk_random_below(random, 50)));
        dbk_row_batch_int(b, i, "created_at", 1700000000000 + (int64_t)number);
        dbk_row_batch_int(b, i, "quantity", 1);
        dbk_row_batch_int(b, i, "total", (int64_t)dbk_random_below(random, 1000) * 10000);
    }
}

static inline void cold_customers(dbk_random *random, dbk_batch *b, uint32_t rows)
{
    char room[160];
    assert_int_equal(dbk_row_batch_init(b, DBK_CUSTOMERS, rows, NULL), DBK_OK);
    for (uint32_t i = 0; i < rows; i++) {
        uint64_t number = dbk_random_below(random, 4000);
        cold_put(b, i, "id", cold_id(room, "c", number));
        cold_put(b, i, "name", cold_words(random, room));
        cold_put(b, i, "email", cold_id(room, "mail", number));
    }
}

// A random change; dispose of the batch.
static inline void cold_batch(dbk_random *random, dbk_batch *b)
{
    uint32_t rows = 1 + (uint32_t)dbk_random_below(random, COLD_BATCH);
    switch (dbk_random_below(random, 6)) {
    case 0:
        cold_customers(random, b, rows);
        break;
    case 1:
    case 2:
        cold_lines(random, b, rows);
        break;
    default:
        cold_orders(random, b, rows);
    }
    b->remove = dbk_random_below(random, 8) == 0;
}

static inline dbk_status cold_append(cold_side *s, const dbk_batch *batch)
{
    const dbk_change change = {cold_shop, &batch, 1};
    s->err = (dbk_error){0};
    dbk_status status = dbk_journal_append(s->journal, &change, NULL, &s->err);
    if (status == DBK_OK)
        assert_int_equal(dbk_journal_commit(s->journal, &s->err), DBK_OK);
    return status;
}

// ---- Questions ----

static inline uint64_t cold_mix(uint64_t h, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++)
        h = (h ^ bytes[i]) * 0x100000001b3u;
    return h ^ h >> 31;
}

static inline uint64_t cold_row(const dbk_result *result, size_t row)
{
    uint64_t h = 0;
    for (int c = 0; c < dbk_result_columns(result); c++) {
        if (dbk_result_column_kind(result, c) == DBK_RESULT_TEXT) {
            dbk_text text = dbk_result_text(result, row, c);
            h = cold_mix(cold_mix(h, text.data, text.length), &text.length, sizeof text.length);
        } else {
            dbk_i128 number = dbk_result_sum(result, row, c);
            h = cold_mix(h, &number, sizeof number);
        }
    }
    return h;
}

// Rows that were asked for without an order count in any.
static inline uint64_t cold_result(uint64_t h, const dbk_result *result, bool is_ordered)
{
    for (size_t row = 0; row < dbk_result_rows(result); row++)
        h = (is_ordered ? h * 31 : h) + cold_row(result, row);
    return h;
}

static inline dbk_status cold_block(void *user, const dbk_result *block, dbk_error *err)
{
    (void)err;
    *(uint64_t *)user = cold_result(*(uint64_t *)user, block, false);
    return DBK_OK;
}

enum { COLD_QUESTIONS = 8 };

// Asks one of the questions; `choice` says about which rows.
static inline dbk_status cold_ask(const dbk_snapshot *snapshot, int question, uint64_t choice, uint64_t *out,
                                  dbk_error *err)
{
    static const char *const own[] = {"id", "notes", "po_number", "customer_email", "total"};
    static const char *const far[] = {"id", "order_id", "order_id.notes", "order_id.status"};
    static const char *const names[] = {"customer_email"};
    char rooms[4][32];
    dbk_value values[4];
    for (int i = 0; i < 4; i++)
        values[i] = (dbk_value){.kind = DBK_VALUE_TEXT,
                                .text = cold_id(rooms[i], question == 1 ? "line" : "o",
                                                (choice + 977 * (uint64_t)i) % COLD_ORDERS)};
    const dbk_value word = {.kind = DBK_VALUE_TEXT, .text = DBK_TEXT("RING")};
    const dbk_filter by_id = {"id", DBK_OP_IN, values, 4}, by_order = {"order_id", DBK_OP_EQ, values, 1};
    const dbk_filter by_notes = {"notes", DBK_OP_CONTAINS, &word, 1};
    const dbk_order by_id_down[] = {{0, true}}, by_text[] = {{1, choice % 2}, {0, false}};
    const dbk_group_key key = {names[0], NULL};
    const dbk_aggregate counts[] = {{DBK_COUNT_ROWS, NULL}, {DBK_COUNT_DISTINCT, "notes"}};
    dbk_query q = {.table = question == 1 || question == 2 || question == 6 ? "order_lines" : "orders",
                   .from_ms = DBK_TIME_OPEN_FROM,
                   .to_ms = DBK_TIME_OPEN_TO,
                   .fields = own,
                   .fields_count = 5,
                   .threads = choice % 3 ? 1 : 2};
    switch (question) {
    case 0:
        q.filters = &by_id;
        q.filters_count = 1;
        break;
    case 1:
    case 2:
        q.fields = far;
        q.fields_count = 4;
        q.filters = question == 1 ? &by_id : &by_order;
        q.filters_count = 1;
        break;
    case 3:
        q.filters = &by_notes;
        q.filters_count = 1;
        q.order = by_id_down;
        q.order_count = 1;
        q.limit = 20;
        break;
    case 4:
        q.order = by_text;
        q.order_count = 2;
        q.limit = 50;
        break;
    case 5:
        q.fields_count = 0;
        q.keys = &key;
        q.keys_count = 1;
        q.aggregates = counts;
        q.aggregates_count = 2;
        q.order = by_id_down;
        q.order_count = 1;
        break;
    case 6:
        q.fields = far;
        q.fields_count = 4;
        break;
    default:
        break;
    }
    *out = 0;
    if (question >= 6)
        return dbk_query_stream(snapshot, cold_shop, &q, cold_block, out, err);
    dbk_result *result;
    dbk_status status = dbk_query_run(snapshot, cold_shop, &q, &result, err);
    if (status != DBK_OK)
        return status;
    *out = cold_result(0, result, q.order_count > 0);
    dbk_result_free(result);
    return DBK_OK;
}

#endif
