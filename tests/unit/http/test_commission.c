// SPDX-License-Identifier: Apache-2.0
// Commission: an exact sum of fractions against a naive twin that has a common denominator from the start.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/blocks/commission.h"
#include "tests/support/seed.h"

enum { PERCENT = 1000000000 };

static int64_t sum_of(const dbk_commission *parts, size_t count, int digits)
{
    dbk_i128 sum = 0;
    dbk_error err;
    assert_int_equal(dbk_commission_sum(parts, count, digits, &sum, &err), DBK_OK);
    assert_true(sum <= INT64_MAX && sum >= INT64_MIN);
    return (int64_t)sum;
}

static void the_published_example(void **state)
{
    (void)state;
    dbk_commission part = {76500000, 15ll * PERCENT};
    assert_int_equal(sum_of(&part, 1, 2), 13500000);
    part.amount = -part.amount;
    assert_int_equal(sum_of(&part, 1, 2), -13500000);
    assert_int_equal(sum_of(NULL, 0, 2), 0);
}

static void rates_without_commission(void **state)
{
    (void)state;
    const dbk_commission parts[] = {
        {10000, 0},        {10000, -1}, {10000, DBK_NULL}, {10000, 100ll * PERCENT}, {10000, 101ll * PERCENT},
        {10000, INT64_MAX}};
    assert_int_equal(sum_of(parts, DBK_COUNT(parts), 4), 0);
    // The largest rate that makes any.
    const dbk_commission most = {1, 100ll * PERCENT - 1};
    assert_int_equal(sum_of(&most, 1, 4), 100ll * PERCENT - 1);
}

// 1/3 and 2/3 of different rates are a whole: what 64 binary places cannot tell from a little less.
static void fractions_that_meet_exactly(void **state)
{
    (void)state;
    // 25 % makes a third, 10 % a ninth.
    const dbk_commission half[] = {{1, 25ll * PERCENT}, {6, 10ll * PERCENT}, {49, 50ll * PERCENT}};
    assert_int_equal(sum_of(half, DBK_COUNT(half), 2), 100);
    const dbk_commission less[] = {{1, 25ll * PERCENT}, {5, 10ll * PERCENT}, {49, 50ll * PERCENT}};
    assert_int_equal(sum_of(less, DBK_COUNT(less), 2), 0);
    // Away from zero on the other side too.
    const dbk_commission below[] = {{-1, 25ll * PERCENT}, {-6, 10ll * PERCENT}, {-49, 50ll * PERCENT}};
    assert_int_equal(sum_of(below, DBK_COUNT(below), 2), -100);
    const dbk_commission above[] = {{-1, 25ll * PERCENT}, {-5, 10ll * PERCENT}, {-49, 50ll * PERCENT}};
    assert_int_equal(sum_of(above, DBK_COUNT(above), 2), 0);
    const dbk_commission finest[] = {{1, 25ll * PERCENT}, {3, 5ll * PERCENT}};
    assert_int_equal(sum_of(finest, DBK_COUNT(finest), 4), 0); // 1/3 + 3/19 < 1/2
}

static void sums_that_leave_their_range(void **state)
{
    (void)state;
    dbk_i128 sum;
    dbk_error err;
    const dbk_i128 huge = (dbk_i128)1 << 120;
    const dbk_commission doubled = {(dbk_i128)1 << 126, 50ll * PERCENT};
    const dbk_commission scaled = {huge, 100ll * PERCENT - 1};
    assert_int_equal(dbk_commission_sum(&doubled, 1, 2, &sum, &err), DBK_OVERFLOW);
    assert_int_equal(dbk_commission_sum(&scaled, 1, 2, &sum, &err), DBK_OVERFLOW);
}

// rate → numerator and denominator of rate ÷ (100 − rate).
static const struct {
    int64_t rate;
    int numerator, denominator;
} simple[] = {{50ll * PERCENT, 1, 1},  {25ll * PERCENT, 1, 3},       {10ll * PERCENT, 1, 9},
              {20ll * PERCENT, 1, 4},  {36ll * PERCENT, 9, 16},      {5ll * PERCENT, 1, 19},
              {15ll * PERCENT, 3, 17}, {125ll * PERCENT / 10, 1, 7}, {375ll * PERCENT / 10, 3, 5}};

enum { COMMON = 5 * 7 * 9 * 16 * 17 * 19 };

static int64_t naive_sum(const dbk_commission *parts, const int *kinds, size_t count, int digits)
{
    dbk_i128 numerator = 0, unit = COMMON;
    for (size_t i = 0; i < count; i++)
        numerator += parts[i].amount * simple[kinds[i]].numerator * (COMMON / simple[kinds[i]].denominator);
    int64_t step = 1;
    for (int i = digits; i < 4; i++)
        step *= 10;
    unit *= step;
    dbk_i128 size = numerator < 0 ? -numerator : numerator, rounded = (2 * size + unit) / (2 * unit) * step;
    return (int64_t)(numerator < 0 ? -rounded : rounded);
}

static void random_sums_are_those_of_a_common_denominator(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random("commission");
    for (int round = 0; round < 200000; round++) {
        dbk_commission parts[6];
        int kinds[6];
        size_t count = 1 + dbk_random_below(&random, 6);
        // Few kinds make ties frequent.
        uint64_t choice = round % 2 ? 3 : DBK_COUNT(simple);
        int64_t range = round % 3 ? 400 : 2000000000;
        for (size_t i = 0; i < count; i++) {
            kinds[i] = (int)dbk_random_below(&random, choice);
            parts[i] = (dbk_commission){(int64_t)dbk_random_below(&random, (uint64_t)range) - range / 3,
                                        simple[kinds[i]].rate};
        }
        int digits = (int)dbk_random_below(&random, 5);
        assert_int_equal(sum_of(parts, count, digits), naive_sum(parts, kinds, count, digits));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_example),
        cmocka_unit_test(rates_without_commission),
        cmocka_unit_test(fractions_that_meet_exactly),
        cmocka_unit_test(sums_that_leave_their_range),
        cmocka_unit_test(random_sums_are_those_of_a_common_denominator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
