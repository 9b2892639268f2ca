// SPDX-License-Identifier: Apache-2.0
// Queries on other threads, with helpers, while the writer appends to the very vectors they read, replaces,
// removes, seals and meets new words. Every order comes to the same amount, so whatever a snapshot holds, its
// sums must follow from its number of rows. For ThreadSanitizer as much as for the asserts: a query that
// looked past the rows of its snapshot would meet the writer there.
#include "engine/db.h"
#include "engine/table/state.h"
#include "tests/support/seed.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { READERS = 2, CHANGES = 300, AMOUNT = 12500, STATUSES = 3 };

typedef struct world {
    dbk_db *db;
    _Atomic bool stop;
    _Atomic uint64_t reads;
} world;

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

// ---- Reading ----

static dbk_result *ask(const dbk_snapshot *snapshot, const dbk_query *query)
{
    dbk_result *result;
    dbk_error err;
    dbk_status status = dbk_query_run(snapshot, DBK_TEXT("t"), query, &result, &err);
    require(status == DBK_OK, status == DBK_OK ? "" : err.message);
    return result;
}

static dbk_query over_orders(void)
{
    return (dbk_query){
        .table = "orders", .from_ms = DBK_TIME_OPEN_FROM, .to_ms = DBK_TIME_OPEN_TO, .threads = 2};
}

static void check_groups(const dbk_snapshot *snapshot, uint64_t rows)
{
    static const dbk_group_key keys[] = {{.column = "customer_id"}};
    static const dbk_aggregate aggregates[] = {{.kind = DBK_COUNT_ROWS},
                                               {.kind = DBK_SUM, .column = "total"},
                                               {.kind = DBK_COUNT_DISTINCT, .column = "id"}};
    dbk_query query = over_orders();
    query.keys = keys;
    query.keys_count = DBK_COUNT(keys);
    query.aggregates = aggregates;
    query.aggregates_count = DBK_COUNT(aggregates);
    dbk_result *result = ask(snapshot, &query);
    uint64_t counted = 0;
    for (size_t i = 0; i < dbk_result_rows(result); i++) {
        int64_t count = dbk_result_int(result, i, 1);
        counted += (uint64_t)count;
        require(dbk_result_sum(result, i, 2) == (dbk_i128)count * AMOUNT, "a sum is not that of its rows");
        require(dbk_result_int(result, i, 3) == count, "an id stands twice");
    }
    require(counted == rows, "the groups are not all rows");
    dbk_result_free(result);
}

static void check_filters(const dbk_snapshot *snapshot, uint64_t rows)
{
    static const dbk_aggregate aggregates[] = {{.kind = DBK_COUNT_ROWS},
                                               {.kind = DBK_SUM, .column = "total"}};
    static const dbk_value words[STATUSES] = {{.kind = DBK_VALUE_TEXT, .text = {"status-0", 8}},
                                              {.kind = DBK_VALUE_TEXT, .text = {"status-1", 8}},
                                              {.kind = DBK_VALUE_TEXT, .text = {"status-2", 8}}};
    static const dbk_value amount = {.kind = DBK_VALUE_INT, .number = AMOUNT};
    uint64_t counted = 0;
    for (int i = 0; i < 2; i++) {
        dbk_filter filters[] = {
            {.column = "total", .op = DBK_OP_EQ, .values = &amount, .values_count = 1},
            {.column = "status", .op = DBK_OP_IN, .values = words + i, .values_count = i + 1},
        };
        dbk_query query = over_orders();
        query.filters = filters;
        query.filters_count = DBK_COUNT(filters);
        query.aggregates = aggregates;
        query.aggregates_count = DBK_COUNT(aggregates);
        dbk_result *result = ask(snapshot, &query);
        int64_t count = dbk_result_rows(result) ? dbk_result_int(result, 0, 0) : 0;
        require(count == 0 || dbk_result_sum(result, 0, 1) == (dbk_i128)count * AMOUNT, "a filtered sum");
        counted += (uint64_t)count;
        dbk_result_free(result);
    }
    require(counted == rows, "the statuses are not all rows");
}

// The newest rows with the names of their customers, then the first of them by its id.
static void check_rows(const dbk_snapshot *snapshot, uint64_t rows)
{
    static const char *const fields[] = {"id", "created_at", "customer_id.name", "status"};
    static const dbk_order order[] = {{.output = 1, .descending = true}, {.output = 0}};
    dbk_query query = over_orders();
    query.fields = fields;
    query.fields_count = DBK_COUNT(fields);
    query.order = order;
    query.order_count = DBK_COUNT(order);
    query.limit = 10;
    dbk_result *newest = ask(snapshot, &query);
    require(dbk_result_rows(newest) == (rows < 10 ? rows : 10), "too few of the newest rows");
    for (size_t i = 0; i < dbk_result_rows(newest); i++)
        require(dbk_text_equal(dbk_result_text(newest, i, 2), DBK_TEXT("a name")),
                "a customer without a name");
    if (dbk_result_rows(newest) > 0) {
        dbk_value id = {.kind = DBK_VALUE_TEXT, .text = dbk_result_text(newest, 0, 0)};
        dbk_filter by_id = {.column = "id", .op = DBK_OP_EQ, .values = &id, .values_count = 1};
        query.filters = &by_id;
        query.filters_count = 1;
        dbk_result *one = ask(snapshot, &query);
        require(dbk_result_rows(one) == 1, "a row that is there is not found by its id");
        dbk_result_free(one);
    }
    dbk_result_free(newest);
}

// By status from a rollup, and up to the middle of an hour from a rollup and the rows beside it.
static void check_sums(const dbk_snapshot *snapshot, uint64_t rows)
{
    static const dbk_group_key by_status = {.column = "status"};
    static const dbk_aggregate aggregates[] = {{.kind = DBK_COUNT_ROWS},
                                               {.kind = DBK_SUM, .column = "total"}};
    static const int64_t middle = 1700002000000;
    uint64_t counted[2] = {0};
    for (int i = 0; i < 3; i++) {
        dbk_query query = over_orders();
        query.keys = &by_status;
        query.keys_count = 1;
        query.aggregates = aggregates;
        query.aggregates_count = DBK_COUNT(aggregates);
        query.to_ms = i == 1 ? middle : DBK_TIME_OPEN_TO;
        query.from_ms = i == 2 ? middle : DBK_TIME_OPEN_FROM;
        dbk_result *result = ask(snapshot, &query);
        for (size_t row = 0; row < dbk_result_rows(result); row++) {
            int64_t count = dbk_result_int(result, row, 1);
            require(dbk_result_sum(result, row, 2) == (dbk_i128)count * AMOUNT, "a kept sum");
            counted[i > 0] += (uint64_t)count;
        }
        require(i > 0 || rows == 0 || dbk_result_statistics(result).rollup_buckets > 0, "no rollup was used");
        dbk_result_free(result);
    }
    require(counted[0] == rows && counted[1] == rows, "the kept sums are not those of all rows");
}

static void *reader(void *user)
{
    world *w = user;
    while (!atomic_load(&w->stop)) {
        dbk_read read = dbk_read_begin(w->db);
        uint64_t rows = dbk_snapshot_rows(read.snapshot, DBK_TEXT("t"), DBK_ORDERS);
        check_groups(read.snapshot, rows);
        check_filters(read.snapshot, rows);
        check_rows(read.snapshot, rows);
        check_sums(read.snapshot, rows);
        dbk_read_end(w->db, &read);
        atomic_fetch_add(&w->reads, 1);
    }
    return NULL;
}

// ---- Writing ----

static dbk_batch batch_of(dbk_table_id id, uint32_t rows, bool remove)
{
    return (dbk_batch){.table = dbk_table_def_by_id((int)id), .rows = rows, .remove = remove};
}

static dbk_batch_column *column(dbk_batch *batch, const char *name)
{
    int index = dbk_column_find(batch->table, dbk_text_from(name));
    assert_true(index >= 0);
    return &batch->columns[index];
}

static dbk_text word(dbk_batch *batch, const char *prefix, uint64_t number)
{
    char text[32];
    int length = snprintf(text, sizeof text, "%s-%llu", prefix, (unsigned long long)number);
    return (dbk_text){dbk_arena_copy(&batch->arena, text, (size_t)length), (uint32_t)length};
}

static void set_texts(dbk_batch *batch, const char *name, const char *prefix, uint64_t from)
{
    dbk_batch_column *c = column(batch, name);
    c->texts = dbk_arena_zalloc(&batch->arena, batch->rows * sizeof *c->texts);
    for (uint32_t i = 0; i < batch->rows; i++)
        c->texts[i] = word(batch, prefix, from + i);
}

static void set_ints(dbk_batch *batch, const char *name, int64_t first, int64_t step)
{
    dbk_batch_column *c = column(batch, name);
    c->ints = dbk_arena_zalloc(&batch->arena, batch->rows * sizeof *c->ints);
    for (uint32_t i = 0; i < batch->rows; i++)
        c->ints[i] = first + step * i;
}

// Row i has the word of number from + i % count.
static void set_codes(dbk_batch *batch, const char *name, const char *prefix, uint64_t from, uint32_t count)
{
    dbk_batch_column *c = column(batch, name);
    c->codes = dbk_arena_zalloc(&batch->arena, batch->rows * sizeof *c->codes);
    c->words = dbk_arena_zalloc(&batch->arena, (count + 1) * sizeof *c->words);
    c->words_count = count + 1;
    for (uint32_t i = 0; i < count; i++)
        c->words[i + 1] = word(batch, prefix, from + i);
    for (uint32_t i = 0; i < batch->rows; i++)
        c->codes[i] = 1 + i % count;
}

static void apply(dbk_db *db, dbk_batch *batch)
{
    dbk_apply_report report;
    dbk_error err;
    assert_int_equal(dbk_db_apply(db, DBK_TEXT("t"), batch, &report, &err), DBK_OK);
    assert_int_equal(report.rejected_count, 0);
    dbk_batch_dispose(batch);
}

// New orders of new and of known customers, some of them replaced at once in a later change, some removed.
static void make_change(dbk_db *db, dbk_random *r, uint64_t n, uint64_t *next_id)
{
    enum { NEW_CUSTOMERS = 2 };
    dbk_batch customers = batch_of(DBK_CUSTOMERS, NEW_CUSTOMERS, false);
    set_codes(&customers, "id", "customer", n * NEW_CUSTOMERS, NEW_CUSTOMERS);
    column(&customers, "name")->texts = dbk_arena_zalloc(&customers.arena, NEW_CUSTOMERS * sizeof(dbk_text));
    for (int i = 0; i < NEW_CUSTOMERS; i++)
        column(&customers, "name")->texts[i] = DBK_TEXT("a name");
    apply(db, &customers);

    uint64_t back = dbk_random_below(r, 20), from = *next_id > back ? *next_id - back : 0;
    dbk_batch orders = batch_of(DBK_ORDERS, 1 + (uint32_t)dbk_random_below(r, 60), false);
    set_texts(&orders, "id", "order", from);
    set_ints(&orders, "created_at", 1700000000000 + (int64_t)(n % 7) * 1000000, 1000);
    set_ints(&orders, "total", AMOUNT, 0);
    set_codes(&orders, "status", "status", 0, STATUSES);
    set_codes(&orders, "customer_id", "customer", n * NEW_CUSTOMERS, NEW_CUSTOMERS);
    if (from + orders.rows > *next_id)
        *next_id = from + orders.rows;
    apply(db, &orders);

    if (n % 5 == 0) {
        dbk_batch gone = batch_of(DBK_ORDERS, 1 + (uint32_t)dbk_random_below(r, 40), true);
        set_texts(&gone, "id", "order", dbk_random_below(r, *next_id));
        apply(db, &gone);
    }
}

static void test_queries_see_one_moment_each(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random(__func__);
    world *w = calloc(1, sizeof *w);
    dbk_error err;
    assert_int_equal(dbk_db_create(&w->db, &err), DBK_OK);
    dbk_db_set_segment_rows(w->db, 700 + (uint32_t)dbk_random_below(&r, 2000));
    dbk_db_set_rollup_rows(w->db, 1, 0);
    pthread_t threads[READERS];
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reader, w), 0);
    uint64_t next_id = 0;
    for (uint64_t n = 1; n <= CHANGES; n++) {
        make_change(w->db, &r, n, &next_id);
        dbk_snapshot *snapshot = dbk_db_freeze(w->db, n);
        assert_non_null(snapshot);
        dbk_db_publish(w->db, snapshot);
        // Some reading between the writes, however the threads are scheduled.
        for (uint64_t seen = atomic_load(&w->reads); n % 3 == 0 && atomic_load(&w->reads) == seen;)
            sched_yield();
    }
    atomic_store(&w->stop, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    dbk_db_destroy(w->db);
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_queries_see_one_moment_each)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
