// SPDX-License-Identifier: Apache-2.0
// A pair log counts as a table of all groups and values does, in whatever order pairs come and however often.
#include "engine/base/types.h"
#include "engine/exec/pair_log.h"
#include "tests/support/levels.h"
#include "tests/support/seed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { GROUPS = 40, VALUES = 3000 };

static uint8_t met[GROUPS][VALUES];

static void add(dbk_pair_log *log, uint32_t group, uint32_t value, uint32_t scale)
{
    assert_true(dbk_pair_log_reserve(log, 1));
    dbk_pair_log_append(log, group, value * scale);
    met[group][value] = 1;
}

static void assert_counts(dbk_pair_log *log)
{
    int64_t numbers[GROUPS] = {0};
    dbk_pair_log_finish(log, numbers);
    for (int g = 0; g < GROUPS; g++) {
        int64_t expected = 0;
        for (int v = 0; v < VALUES; v++)
            expected += met[g][v];
        assert_int_equal(numbers[g], expected);
    }
}

static void counts_as_a_table_does(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random("pair log");
    for (int round = 1; round <= 60; round++) {
        dbk_pair_log log = {0}, other = {0};
        uint32_t map[GROUPS];
        memset(met, 0, sizeof met);
        // Values that differ in their low bits, in their high ones, and in all; few of them, or many.
        const uint32_t scale = round % 3 == 0 ? 1 : round % 3 == 1 ? 1u << 20 : 1431655;
        const uint32_t groups = round % 4 == 0 ? 1 : GROUPS, values = round % 5 == 0 ? 7 : VALUES;
        const uint32_t pairs = round % 7 == 0 ? (uint32_t)dbk_random_below(&random, 70) : 30000;
        for (uint32_t i = 0; i < pairs; i++) // in order but for some, as lines of orders are
            add(&log, (uint32_t)dbk_random_below(&random, groups),
                (i * 7 / 20 + (uint32_t)dbk_random_below(&random, 9)) % values, scale);
        for (uint32_t g = 0; g < GROUPS; g++)
            map[g] = GROUPS - 1 - g;
        for (uint32_t i = 0; i < pairs / 2; i++) {
            const uint32_t group = (uint32_t)dbk_random_below(&random, groups),
                           value = (uint32_t)dbk_random_below(&random, values);
            assert_true(dbk_pair_log_reserve(&other, 1));
            dbk_pair_log_append(&other, group, value * scale);
            met[map[group]][value] = 1;
        }
        assert_true(dbk_pair_log_merge(&log, &other, map));
        assert_counts(&log);
        memset(met, 0, sizeof met); // it is empty then, and can be used again
        add(&log, 3, 5, 1);
        add(&log, 3, 5, 1);
        assert_counts(&log);
        dbk_pair_log_dispose(&log);
        dbk_pair_log_dispose(&other);
    }
}

// Some rows in the order of lines: runs of one value, of which few come again, now and then a long one.
static uint32_t make_rows(dbk_random *r, uint32_t *groups, uint32_t *values, uint32_t first, uint32_t again)
{
    const uint32_t most = 1 + (uint32_t)dbk_random_below(r, DBK_VECTOR_ROWS);
    uint32_t n = 0, value = first;
    while (n < most) {
        uint32_t run = 1 + (uint32_t)dbk_random_below(r, dbk_random_below(r, 60) ? 4 : 80);
        if (again && dbk_random_below(r, again) == 0)
            value = (uint32_t)dbk_random_below(r, VALUES);
        for (; run > 0 && n < most; run--, n++) {
            values[n] = value % VALUES;
            groups[n] = (uint32_t)dbk_random_below(r, dbk_random_below(r, 3) ? 5 : GROUPS);
        }
        value++;
    }
    return n;
}

static void counts_by_runs_as_a_table_does(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random("pair log by runs");
    for (int round = 0; round < 60; round++) {
        uint32_t groups[DBK_VECTOR_ROWS], values[DBK_VECTOR_ROWS], map[GROUPS];
        const uint32_t again = (uint32_t)dbk_random_below(&r, 40);
        memset(met, 0, sizeof met);
        for (uint32_t g = 0; g < GROUPS; g++)
            map[g] = (g * 7 + (uint32_t)round) % GROUPS;
        DBK_TEST_LEVELS(level)
        {
            dbk_pair_log logs[3] = {{0}};
            memset(met, 0, sizeof met);
            for (int l = 0; l < 3; l++) {
                const uint64_t vectors = dbk_random_below(&r, 9);
                assert_true(dbk_pair_log_by_runs(&logs[l], VALUES - 1));
                for (uint64_t v = 0; v < vectors; v++) {
                    const uint32_t n =
                        make_rows(&r, groups, values, (uint32_t)dbk_random_below(&r, VALUES), again);
                    assert_true(dbk_pair_log_reserve(&logs[l], n));
                    dbk_pair_log_append_runs(&logs[l], groups, values, n);
                    for (uint32_t i = 0; i < n; i++)
                        met[l ? map[groups[i]] : groups[i]][values[i]] = 1;
                }
                if (l > 0)
                    assert_true(dbk_pair_log_merge(&logs[0], &logs[l], map));
            }
            assert_counts(&logs[0]);
            for (int l = 0; l < 3; l++)
                dbk_pair_log_dispose(&logs[l]);
        }
    }
}

static void takes_no_more_room_than_different_pairs_want(void **state)
{
    (void)state;
    dbk_pair_log log = {0};
    for (uint32_t i = 0; i < 1000000; i++) {
        assert_true(dbk_pair_log_reserve(&log, 1));
        dbk_pair_log_append(&log, i % 3, i % 11);
    }
    assert_true(log.capacity <= 4096);
    int64_t numbers[3] = {0};
    dbk_pair_log_finish(&log, numbers);
    for (int g = 0; g < 3; g++)
        assert_int_equal(numbers[g], 11);
    dbk_pair_log_dispose(&log);
}

static void counts_nothing_of_nothing(void **state)
{
    (void)state;
    dbk_pair_log log = {0};
    dbk_pair_log_finish(&log, NULL);
    dbk_pair_log_dispose(&log);
    assert_true(dbk_pair_log_takes(UINT32_MAX));
    assert_false(dbk_pair_log_takes((uint64_t)UINT32_MAX + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_as_a_table_does),
        cmocka_unit_test(counts_by_runs_as_a_table_does),
        cmocka_unit_test(takes_no_more_room_than_different_pairs_want),
        cmocka_unit_test(counts_nothing_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
