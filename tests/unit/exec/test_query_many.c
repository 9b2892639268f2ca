// SPDX-License-Identifier: Apache-2.0
// Where rows or groups are many, the executor takes other ways: runs of a vector at once, groups merged in
// ranges.
#include "tests/unit/exec/order_rows.h"

// Hours that have many rows each are runs of a vector, which follow each other until the clock is changed.
static void test_hours_of_the_day_come_in_runs(void **state)
{
    enum { ROWS = 6000 };
    static const char *const zones[] = {"UTC", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe"};
    const int64_t from = INT64_C(1698364800000); // two days before Berlin's clocks go back
    (void)state;
    static order_row rows[ROWS];
    static char ids[ROWS][16];
    dbk_random r = dbk_test_random("hours in runs");
    int64_t at = from;
    for (int i = 0; i < ROWS; i++) {
        snprintf(ids[i], sizeof ids[i], "o%d", i);
        at += (int64_t)dbk_random_below(&r, i / 1000 % 2 ? 100000 : 300000);
        if (i % 700 == 699) // some hours without rows
            at += DBK_MS_HOUR + (int64_t)dbk_random_below(&r, 3 * DBK_MS_HOUR);
        rows[i] = (order_row){ids[i], at, "NEW", "card", (int64_t)dbk_random_below(&r, 100000)};
    }
    world w;
    world_open(&w, 2048);
    load_orders(&w, rows, ROWS);
    for (size_t z = 0; z < DBK_COUNT(zones); z++) {
        const dbk_zone *zone;
        dbk_error err;
        assert_int_equal(dbk_zone_load(zones[z], &zone, &err), DBK_OK);
        const dbk_bucket hours = {.unit = DBK_UNIT_HOUR_OF_DAY, .count = 1, .zone = zone};
        const dbk_group_key key = {"created_at", &hours};
        static const dbk_aggregate aggregates[] = {{DBK_COUNT_ROWS, NULL}, {DBK_SUM, "tip"}};
        int64_t counts[24] = {0}, sums[24] = {0};
        for (int i = 0; i < ROWS; i++) {
            const int hour = dbk_civil_from_ms(rows[i].at, zone).hour;
            counts[hour]++;
            sums[hour] += rows[i].tip;
        }
        dbk_query q = open_orders;
        q.keys = &key;
        q.keys_count = 1;
        q.aggregates = aggregates;
        for (q.aggregates_count = 0; q.aggregates_count <= 2; q.aggregates_count++) {
            dbk_result *result = run(&w, world_tenant(), &q);
            assert_int_equal(dbk_result_rows(result), 24);
            for (size_t row = 0; row < 24; row++) {
                const int64_t hour = dbk_result_int(result, row, 0);
                if (q.aggregates_count > 0)
                    assert_int_equal(dbk_result_int(result, row, 1), counts[hour]);
                if (q.aggregates_count > 1)
                    assert_true(dbk_result_sum(result, row, 2) == sums[hour]);
            }
            dbk_result_free(result);
        }
    }
    world_close(&w);
}

// So many groups that what the threads gathered is merged in several ranges, by all of them.
static void test_many_groups_of_several_threads(void **state)
{
    enum { ROWS = 40000, WORDS = 18000, METHODS = 5 };
    static const char *const methods[METHODS] = {"card", "cash", "paypal", "gift", NULL};
    static order_row rows[ROWS];
    static char ids[ROWS][16], words[WORDS][16];
    static int64_t counts[WORDS], sums[WORDS], highest[WORDS], seen[WORDS];
    (void)state;
    dbk_random r = dbk_test_random("many groups");
    for (int i = 0; i < WORDS; i++)
        snprintf(words[i], sizeof words[i], "s%d", i);
    memset(counts, 0, sizeof counts);
    for (int i = 0; i < ROWS; i++) {
        const int word = i < WORDS ? i : (int)below(&r, WORDS), method = (int)below(&r, METHODS);
        const int64_t tip = (int64_t)below(&r, 1000000) - 400000;
        snprintf(ids[i], sizeof ids[i], "o%d", i);
        rows[i] = (order_row){ids[i], i * INT64_C(1000), words[word], methods[method], tip};
        highest[word] = counts[word] == 0 || tip > highest[word] ? tip : highest[word];
        counts[word]++;
        sums[word] += tip;
        seen[word] |= methods[method] ? 1 << method : 0;
    }
    world w;
    world_open(&w, 2048);
    load_orders(&w, rows, ROWS);
    static const dbk_group_key key = {"status", NULL};
    static const dbk_aggregate aggregates[] = {
        {DBK_COUNT_ROWS, NULL}, {DBK_SUM, "tip"}, {DBK_MAX, "tip"}, {DBK_COUNT_DISTINCT, "payment_method"}};
    dbk_query q = open_orders;
    q.keys = &key;
    q.keys_count = 1;
    q.aggregates = aggregates;
    for (int turn = 0; turn < 24; turn++) {
        q.threads = 1 + turn % 4;
        q.aggregates_count = 1 + turn / 4 % 4;
        dbk_result *result = run(&w, world_tenant(), &q);
        assert_int_equal(dbk_result_rows(result), WORDS);
        for (size_t row = 0; row < WORDS; row++) {
            const int word = atoi(dbk_result_text(result, row, 0).data + 1);
            assert_int_equal(dbk_result_int(result, row, 1), counts[word]);
            if (q.aggregates_count > 1)
                assert_true(dbk_result_sum(result, row, 2) == sums[word]);
            if (q.aggregates_count > 2)
                assert_int_equal(dbk_result_int(result, row, 3), highest[word]);
            if (q.aggregates_count > 3)
                assert_int_equal(dbk_result_int(result, row, 4), __builtin_popcountll((uint64_t)seen[word]));
        }
        dbk_result_free(result);
    }
    world_close(&w);
}

// The best few of very many groups are those of all of them, put in order, whatever they are ordered by: what
// nobody orders by is worked out for the chosen alone.
static void test_best_of_very_many_groups(void **state)
{
    enum { ROWS = 290000, WORDS = 263000, LIMIT = 60 };
    static order_row rows[ROWS];
    static char ids[ROWS][16], words[WORDS][16];
    static const char *const methods[] = {"card", "cash", "paypal", NULL};
    (void)state;
    dbk_random r = dbk_test_random("best of many groups");
    for (int i = 0; i < WORDS; i++)
        snprintf(words[i], sizeof words[i], "s%d", i);
    for (int i = 0; i < ROWS; i++) {
        const char *word = i < WORDS ? words[i] : below(&r, 50) ? words[below(&r, 900)] : NULL;
        snprintf(ids[i], sizeof ids[i], "o%d", i);
        rows[i] = (order_row){ids[i], i * INT64_C(1000), word, methods[below(&r, 4)],
                              (int64_t)below(&r, 200) - (below(&r, 3) ? 0 : 150)};
    }
    world w;
    world_open(&w, 32768);
    load_orders(&w, rows, ROWS);
    static const dbk_group_key key = {"status", NULL};
    static const dbk_aggregate aggregates[] = {
        {DBK_MAX, "created_at"}, {DBK_COUNT_ROWS, NULL}, {DBK_SUM, "tip"},
        {DBK_MIN, "tip"},        {DBK_AVERAGE, "tip"},   {DBK_COUNT_DISTINCT, "payment_method"}};
    enum { FIRST = 1, COUNT = DBK_COUNT(aggregates) };
    const dbk_filter only = {.column = "payment_method", .op = DBK_OP_NOT_NULL};
    for (int turn = 0; turn < 12; turn++) {
        dbk_order order[3];
        dbk_query q = open_orders;
        q.keys = &key;
        q.keys_count = 1;
        q.aggregates = aggregates;
        q.aggregates_count = COUNT;
        q.filters = &only;
        q.filters_count = (int)below(&r, 2);
        q.from_ms = below(&r, 2) ? INT64_C(20000000) : DBK_TIME_OPEN_FROM;
        q.order = order;
        q.order_count = 1 + (int)below(&r, 3);
        for (int i = 0; i < q.order_count; i++)
            order[i] = (dbk_order){(int)below(&r, FIRST + COUNT), below(&r, 2)};
        dbk_result *all = run(&w, world_tenant(), &q);
        q.threads = 1 + turn % 3;
        q.limit = 1 + (int64_t)below(&r, LIMIT);
        dbk_result *best = run(&w, world_tenant(), &q);
        assert_int_equal(dbk_result_rows(best), q.limit);
        for (size_t row = 0; row < dbk_result_rows(best); row++)
            for (int column = 0; column < FIRST + COUNT; column++) {
                assert_int_equal(dbk_result_is_null(best, row, column), dbk_result_is_null(all, row, column));
                if (column < FIRST)
                    assert_true(dbk_text_equal(dbk_result_text(best, row, column),
                                               dbk_result_text(all, row, column)));
                else
                    assert_true(dbk_result_sum(best, row, column) == dbk_result_sum(all, row, column));
                if (dbk_result_column_kind(all, column) == DBK_RESULT_AVERAGE)
                    assert_int_equal(dbk_result_count(best, row, column), dbk_result_count(all, row, column));
            }
        dbk_result_free(best);
        dbk_result_free(all);
    }
    world_close(&w);
}

// Kept sums of hundreds of months and days in one answer, of narrow numbers and of wide ones, by a key and
// without.
static void test_kept_sums_of_many_buckets(void **state)
{
    enum { ROWS = 6000, WORDS = 3 };
    static const char *const words[WORDS] = {"NEW", "PAID", "SENT"};
    static const dbk_aggregate aggregates[] = {{DBK_COUNT_ROWS, NULL}, {DBK_SUM, "tip"}};
    static const dbk_group_key by_status = {.column = "status"};
    (void)state;
    static order_row rows[ROWS];
    static char ids[ROWS][16];
    dbk_random r = dbk_test_random(__func__);
    for (int i = 0; i < ROWS; i++) {
        snprintf(ids[i], sizeof ids[i], "o%d", i);
        const uint64_t most = below(&r, 600) ? 100000 : (uint64_t)1 << 40;
        rows[i] =
            (order_row){ids[i], INT64_C(631152000000) + (int64_t)below(&r, 20 * 365 * (uint64_t)DBK_MS_DAY),
                        words[below(&r, WORDS)], "card", (int64_t)below(&r, 2 * most) - (int64_t)most};
    }
    world w;
    world_open(&w, 2048);
    dbk_db_set_rollup_rows(w.db, 1, 0);
    load_orders(&w, rows, ROWS);
    for (int i = 0; i < 200; i++) {
        dbk_query q = open_orders;
        q.aggregates = aggregates;
        q.aggregates_count = 2;
        q.keys = &by_status;
        q.keys_count = i % 2;
        if (i > 1) {
            q.from_ms = INT64_C(631152000000) + (int64_t)below(&r, 10 * 365) * DBK_MS_DAY;
            q.to_ms = q.from_ms + (int64_t)(1 + below(&r, 10 * 365)) * DBK_MS_DAY;
        }
        int64_t counts[WORDS] = {0}, sums[WORDS] = {0};
        for (int row = 0; row < ROWS; row++) {
            if (rows[row].at < q.from_ms || rows[row].at >= q.to_ms)
                continue;
            int word = 0;
            while (q.keys_count && strcmp(words[word], rows[row].status) != 0)
                word++;
            counts[word]++;
            sums[word] += rows[row].tip;
        }
        dbk_result *result = run(&w, world_tenant(), &q);
        if (i < 2 || q.to_ms - q.from_ms >= 90 * (int64_t)DBK_MS_DAY) // a few days may have no rows
            assert_true(dbk_result_statistics(result).rollup_buckets > 0);
        size_t at = 0;
        for (int word = 0; word < (q.keys_count ? WORDS : 1); word++) {
            if (q.keys_count && counts[word] == 0)
                continue; // only the answer without keys has a row for nothing
            assert_int_equal(dbk_result_int(result, at, q.keys_count), counts[word]);
            assert_true(dbk_result_sum(result, at++, q.keys_count + 1) == sums[word]);
        }
        assert_int_equal(dbk_result_rows(result), at);
        dbk_result_free(result);
    }
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hours_of_the_day_come_in_runs),
        cmocka_unit_test(test_many_groups_of_several_threads),
        cmocka_unit_test(test_best_of_very_many_groups),
        cmocka_unit_test(test_kept_sums_of_many_buckets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
