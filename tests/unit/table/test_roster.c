// SPDX-License-Identifier: Apache-2.0
// Rosters: whatever changes, in groups small and large, while one is made and after, every question is
// answered as the rows answer it, and what is kept is what its rows come to.
#include "engine/table/state.h"
#include "tests/support/seed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS = 12000, CUSTOMERS = 9000, HELD = 3 };
#define FROM INT64_C(1690000000000)

static const dbk_text tenant_name = DBK_TEXT("acme");
static const char *const zones[] = {"Europe/Berlin", "UTC", "America/St_Johns"};
static const char *const currencies[] = {"EUR", "USD", "GBP"};

// ---- Changes ----

static dbk_batch_column *column(dbk_batch *b, const char *name)
{
    return &b->columns[dbk_column_find(b->table, dbk_text_from(name))];
}

static void set_word(dbk_batch *b, const char *name, uint32_t row, const char *word)
{
    dbk_batch_column *c = column(b, name);
    if (!c->codes) {
        c->codes = dbk_arena_zalloc(&b->arena, b->rows * sizeof *c->codes);
        c->words = dbk_arena_zalloc(&b->arena, (b->rows + 1) * sizeof *c->words);
        c->words_count = 1;
    }
    size_t length = strlen(word);
    c->words[c->words_count] = (dbk_text){dbk_arena_copy(&b->arena, word, length), (uint32_t)length};
    c->codes[row] = c->words_count++;
}

static void apply(dbk_db *db, dbk_batch *b)
{
    dbk_error err = {0};
    dbk_apply_report report;
    if (dbk_db_apply(db, tenant_name, b, &report, &err) != DBK_OK)
        fail_msg("%s", err.message);
    free(report.rejected_rows);
    dbk_batch_dispose(b);
}

// Few customers have most orders.
static uint32_t pick_customer(dbk_random *r)
{
    uint32_t most = dbk_random_below(r, 3) ? 50 : CUSTOMERS;
    return (uint32_t)dbk_random_below(r, most);
}

static void apply_orders(dbk_random *r, dbk_db *db, uint32_t rows, bool remove, bool has_negative)
{
    dbk_batch b = {.table = dbk_table_def_by_id(DBK_ORDERS), .rows = rows, .remove = remove};
    b.columns[0].texts = dbk_arena_alloc(&b.arena, rows * sizeof(dbk_text));
    int64_t *times = dbk_arena_alloc(&b.arena, rows * sizeof *times);
    int64_t *totals = dbk_arena_alloc(&b.arena, rows * sizeof *totals);
    for (uint32_t i = 0; i < rows; i++) {
        char word[16];
        int length = snprintf(word, sizeof word, "o%u", (unsigned)dbk_random_below(r, KEYS));
        b.columns[0].texts[i] = (dbk_text){dbk_arena_copy(&b.arena, word, (size_t)length), (uint32_t)length};
        if (remove)
            continue;
        times[i] = FROM + (int64_t)dbk_random_below(r, 500) * DBK_MS_DAY + (int64_t)dbk_random_below(r, 3);
        totals[i] = (int64_t)dbk_random_below(r, 1000) * 100 - (has_negative ? 20000 : 0);
        set_word(&b, "status", i, "NEW");
        snprintf(word, sizeof word, "c%u", pick_customer(r));
        if (dbk_random_below(r, 20))
            set_word(&b, "customer_id", i, word);
        if (dbk_random_below(r, 20))
            set_word(&b, "currency", i, currencies[dbk_random_below(r, 10) ? 0 : 1 + dbk_random_below(r, 2)]);
    }
    if (!remove) {
        column(&b, "created_at")->ints = times;
        column(&b, "total")->ints = totals;
    }
    apply(db, &b);
}

static void apply_zone(dbk_db *db, const char *zone)
{
    dbk_batch b = {.table = dbk_table_def_by_id(DBK_SETTINGS), .rows = 1};
    set_word(&b, b.table->columns[b.table->key_column].name, 0, "timezone");
    column(&b, "value")->texts = dbk_arena_alloc(&b.arena, sizeof(dbk_text));
    column(&b, "value")->texts[0] = dbk_text_from(zone);
    apply(db, &b);
}

// ---- Questions ----

static dbk_result *run(const dbk_snapshot *snapshot, const dbk_query *query)
{
    dbk_result *result;
    dbk_error err;
    if (dbk_query_run(snapshot, tenant_name, query, &result, &err) != DBK_OK)
        fail_msg("%s", err.message);
    return result;
}

// Whether the roster was asked.
static bool ask_both(const dbk_snapshot *snapshot, dbk_query query)
{
    dbk_result *kept = run(snapshot, &query);
    query.from_rows = true;
    dbk_result *scanned = run(snapshot, &query);
    assert_int_equal(dbk_result_rows(kept), dbk_result_rows(scanned));
    for (size_t row = 0; row < dbk_result_rows(kept); row++)
        for (int c = 0; c < dbk_result_columns(kept); c++)
            if (dbk_result_column_kind(kept, c) == DBK_RESULT_TEXT)
                assert_true(dbk_text_equal(dbk_result_text(kept, row, c), dbk_result_text(scanned, row, c)));
            else if (dbk_result_sum(kept, row, c) != dbk_result_sum(scanned, row, c) ||
                     dbk_result_is_null(kept, row, c) != dbk_result_is_null(scanned, row, c))
                fail_msg("row %zu, column %d: %lld instead of %lld", row, c,
                         (long long)dbk_result_sum(kept, row, c), (long long)dbk_result_sum(scanned, row, c));
    bool is_kept = dbk_result_statistics(kept).rollup_buckets > 0;
    dbk_result_free(kept);
    dbk_result_free(scanned);
    return is_kept;
}

static bool ask_anything(dbk_random *r, const dbk_snapshot *snapshot, const char *zone)
{
    static const dbk_aggregate aggregates[] = {
        {DBK_COUNT_ROWS, NULL}, {DBK_SUM, "total"}, {DBK_MAX, "created_at"}};
    static const dbk_value wanted[] = {{.kind = DBK_VALUE_TEXT, .text = {"EUR", 3}},
                                       {.kind = DBK_VALUE_NULL}};
    static const dbk_group_key keys[] = {{.column = "customer_id"}, {.column = "currency"}};
    const dbk_filter filters[] = {{"currency", DBK_OP_IN, wanted, 2},
                                  {"customer_id", DBK_OP_NOT_NULL, NULL, 0}};
    dbk_order order[3] = {{0, false}};
    dbk_query query = {.table = "orders",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .filters = filters + dbk_random_below(r, 2),
                       .filters_count = (int)dbk_random_below(r, 2),
                       .keys = keys,
                       .keys_count = 1 + (dbk_random_below(r, 5) == 0),
                       .aggregates = aggregates,
                       .aggregates_count = 2 + (int)dbk_random_below(r, 2),
                       .order = order};
    dbk_bucket unit = {.unit = dbk_random_below(r, 2) ? DBK_UNIT_MONTH : DBK_UNIT_YEAR, .count = 1};
    dbk_error err;
    int64_t end, from = FROM + (int64_t)dbk_random_below(r, 500) * DBK_MS_DAY;
    int64_t to = dbk_random_below(r, 2) ? from : from + (int64_t)dbk_random_below(r, 300) * DBK_MS_DAY;
    assert_int_equal(dbk_zone_load(zone, &unit.zone, &err), DBK_OK);
    if (dbk_random_below(r, 4))
        dbk_bucket_span(&unit, from, &query.from_ms, &end);
    if (dbk_random_below(r, 4))
        dbk_bucket_span(&unit, to, &end, &query.to_ms);
    if (dbk_random_below(r, 2) && query.filters_count == 1 && query.filters == filters)
        query.filters_count = 2;
    order[0] = (dbk_order){query.keys_count + (int)dbk_random_below(r, 2), dbk_random_below(r, 5) != 0};
    order[1] = (dbk_order){0, false};
    order[2] = (dbk_order){1, false};
    query.order_count = 1 + query.keys_count;
    if (dbk_random_below(r, 4))
        query.limit = 1 + (int64_t)dbk_random_below(r, dbk_random_below(r, 2) ? 5 : 200);
    return ask_both(snapshot, query);
}

static void check(const dbk_snapshot *snapshot)
{
    const dbk_table_view *view = dbk_tenant_table(dbk_snapshot_tenant(snapshot, tenant_name), DBK_ORDERS);
    const char *wrong;
    assert_int_equal(dbk_view_roster_check(view, &wrong), DBK_OK);
    if (wrong)
        fail_msg("%s differs from its rows", wrong);
}

static void publish(dbk_db *db, uint64_t number)
{
    dbk_snapshot *snapshot = dbk_db_freeze(db, number);
    assert_non_null(snapshot);
    dbk_db_publish(db, snapshot);
}

static uint32_t change_size(dbk_random *r)
{
    static const uint32_t most[] = {1, 60, 60, 60, 3000, 12000};
    return 1 + (uint32_t)dbk_random_below(r, most[dbk_random_below(r, DBK_COUNT(most))]);
}

static void a_roster_answers_as_its_rows_do(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random("roster");
    int kept = 0, asked = 0;
    for (int round = 0; round < 3; round++) {
        dbk_db *db;
        dbk_error err;
        const char *zone = "UTC";
        bool has_negative = round == 1;
        dbk_read held[HELD] = {{0}};
        assert_int_equal(dbk_db_create(&db, &err), DBK_OK);
        dbk_db_set_segment_rows(db, 500 + (uint32_t)dbk_random_below(&r, 3000));
        dbk_db_set_rollup_rows(db, 1, 0);
        dbk_db_set_roster_rows(db, 1, 1 + dbk_random_below(&r, 4000));
        apply_orders(&r, db, 8000, false, has_negative);
        publish(db, 1);
        for (uint64_t step = 2; step < 40; step++) {
            apply_orders(&r, db, change_size(&r), dbk_random_below(&r, 4) == 0, has_negative);
            if (dbk_random_below(&r, 15) == 0)
                apply_zone(db, zone = zones[dbk_random_below(&r, DBK_COUNT(zones))]);
            publish(db, step);
            dbk_read *read = &held[dbk_random_below(&r, HELD)];
            if (read->snapshot) {
                check(read->snapshot); // of images of before, too
                dbk_read_end(db, read);
            }
            *read = dbk_read_begin(db);
            for (int i = 0; i < 4; i++, asked++)
                kept += ask_anything(&r, read->snapshot, zone);
        }
        for (int i = 0; i < HELD; i++)
            if (held[i].snapshot)
                dbk_read_end(db, &held[i]);
        dbk_db_destroy(db);
    }
    fprintf(stderr, "%d of %d from rosters\n", kept, asked);
    assert_true(kept > asked / 10);
}

// ---- When it is made ----

static int wishes;

static void on_wish(void *user)
{
    (void)user;
    wishes++;
}

static void it_is_made_when_it_was_asked_for(void **state)
{
    (void)state;
    static const dbk_group_key key = {.column = "customer_id"};
    const dbk_query query = {.table = "orders",
                             .from_ms = DBK_TIME_OPEN_FROM,
                             .to_ms = DBK_TIME_OPEN_TO,
                             .keys = &key,
                             .keys_count = 1};
    dbk_random r = dbk_test_random("roster");
    dbk_db *db;
    dbk_error err;
    assert_int_equal(dbk_db_create(&db, &err), DBK_OK);
    dbk_db_on_wish(db, on_wish, NULL);
    dbk_db_set_roster_rows(db, 3000, 1);
    dbk_db_set_segment_rows(db, 1000);
    wishes = 0;
    for (uint64_t step = 1; step < 3; step++) {
        apply_orders(&r, db, step == 1 ? 1000 : 9000, false, false);
        publish(db, step);
        for (int i = 0; i < 2; i++) {
            dbk_read read = dbk_read_begin(db);
            dbk_result *result = run(read.snapshot, &query);
            assert_int_equal(dbk_result_statistics(result).rollup_buckets, 0);
            dbk_result_free(result);
            dbk_read_end(db, &read);
        }
        assert_int_equal(wishes, step - 1); // a small table is left alone; a wish is told once
    }
    int steps = 0;
    for (; dbk_db_make_wished(db); steps++)
        publish(db, 3 + (uint64_t)steps);
    assert_true(steps > 2);
    dbk_read read = dbk_read_begin(db);
    assert_true(ask_both(read.snapshot, query));
    dbk_read_end(db, &read);
    dbk_db_destroy(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_roster_answers_as_its_rows_do),
        cmocka_unit_test(it_is_made_when_it_was_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
