// SPDX-License-Identifier: Apache-2.0
// The loops behind packed numbers give what one row after the other gives, at every level of the processor.
#include "engine/base/processor.h"
#include "engine/segment/format.h"
#include "engine/segment/ints_kernel.h"
#include "tests/unit/segment/segment_rows.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

typedef enum kind { INTS, CODES, ORDINALS, KINDS } kind;

static int64_t ints[4 * DBK_VECTOR_ROWS];
static uint32_t codes[4 * DBK_VECTOR_ROWS];

static uint64_t ordinal_of(const dbk_ints_source *source, uint32_t row)
{
    return source->ints    ? (uint64_t)source->ints[row] ^ DBK_INT_BIAS
           : source->codes ? source->codes[row]
                           : source->ordinals[row];
}

static bool has_value(const dbk_ints_source *source, uint32_t row)
{
    return !source->nullable || ordinal_of(source, row) != 0;
}

static dbk_ints_source make(dbk_random *random, kind k, uint64_t divisor)
{
    const uint32_t rows = 1 + (uint32_t)dbk_random_below(random, DBK_COUNT(ints));
    const rows_nulls nulls = (rows_nulls)dbk_random_below(random, ROWS_NULLS_ALTERNATE + 1);
    const int width = 1 + (int)dbk_random_below(random, k == CODES ? 32 : 64);
    for (uint32_t i = 0; i < rows; i++) {
        const uint64_t number = (dbk_random_u64(random) >> (64 - width)) / divisor * divisor;
        const bool null = row_is_null(random, nulls, i);
        ints[i] = null ? (k == ORDINALS ? 0 : DBK_NULL) : (int64_t)number;
        codes[i] = null ? 0 : (uint32_t)number;
    }
    return (dbk_ints_source){.ints = k == INTS ? ints : NULL,
                             .codes = k == CODES ? codes : NULL,
                             .ordinals = k == ORDINALS ? (const uint64_t *)ints : NULL,
                             .rows = rows,
                             .nullable = k == CODES || dbk_random_below(random, 2)};
}

static uint64_t check_bounds(const dbk_ints_source *source, uint32_t vector)
{
    const uint32_t first = vector * DBK_VECTOR_ROWS, n = dbk_vector_rows(source->rows, vector);
    uint64_t min = UINT64_MAX, max = 0;
    uint32_t nulls = 0;
    for (uint32_t row = first; row < first + n; row++) {
        const uint64_t ordinal = ordinal_of(source, row);
        nulls += !has_value(source, row);
        min = has_value(source, row) && ordinal < min ? ordinal : min;
        max = has_value(source, row) && ordinal > max ? ordinal : max;
    }
    dbk_ints_bounds bounds;
    dbk_ints_bound(source, vector, &bounds);
    assert_int_equal(bounds.nulls, nulls);
    assert_true(nulls == n || (bounds.min == min && bounds.max == max));
    return nulls == n ? 0 : min;
}

static void check_numbers(const dbk_ints_source *source, uint32_t vector, uint64_t divisor, uint64_t min)
{
    const uint32_t first = vector * DBK_VECTOR_ROWS, n = dbk_vector_rows(source->rows, vector);
    const dbk_exact_divisor d = dbk_exact_divisor_of(divisor);
    bool multiples = true;
    for (uint32_t row = first; row < first + n; row++)
        multiples &= !has_value(source, row) || (ordinal_of(source, row) - min) % divisor == 0;
    assert_int_equal(dbk_ints_are_multiples(source, vector, &d, min), multiples);
    if (!multiples)
        return;
    uint64_t numbers[DBK_VECTOR_ROWS];
    const uint64_t base = source->nullable ? UINT64_MAX : 0;
    dbk_ints_numbers(source, vector, &d, min, base, source->nullable, numbers);
    for (uint32_t i = 0; i < DBK_VECTOR_ROWS; i++) {
        uint64_t expected = 0;
        if (i < n && has_value(source, first + i))
            expected = (ordinal_of(source, first + i) - min) / divisor - base;
        assert_true(numbers[i] == expected);
    }
}

static void check_sums(const dbk_ints_source *source)
{
    dbk_i128 sum = 0;
    for (uint32_t row = 0; row < source->rows; row++)
        sum += ints[row] == DBK_NULL ? 0 : ints[row];
    assert_true(dbk_ints_sum(ints, source->rows) == sum);
    const uint32_t n = dbk_vector_rows(source->rows, 0);
    for (uint32_t step = 0; step < 2; step++) {
        dbk_ints_tally is, expected = {.low = UINT32_MAX};
        for (uint32_t i = 0; i < n; i++) {
            expected.low = codes[i] - step < expected.low ? codes[i] - step : expected.low;
            expected.high = codes[i] > expected.high ? codes[i] : expected.high;
            expected.zeros += codes[i] == 0;
            expected.sum += codes[i];
        }
        dbk_ints_tally_of(codes, n, step, &is);
        assert_int_equal(is.low, expected.low);
        assert_int_equal(is.high, expected.high);
        assert_int_equal(is.zeros, expected.zeros);
        assert_true(is.sum == expected.sum);
    }
}

static void each_level_agrees_with_one_row_after_the_other(void **state)
{
    (void)state;
    static const uint64_t divisors[] = {1, 2, 3, 100, 1000, 4096, 60000, UINT64_C(6000000007)};
    dbk_random random = test_random();
    for (int round = 0; round < 300; round++) {
        const uint64_t divisor = divisors[dbk_random_below(&random, DBK_COUNT(divisors))];
        const dbk_ints_source source = make(&random, (kind)(round % KINDS), divisor);
        for (int level = 0; level <= (int)dbk_level_best(); level++) {
            dbk_level_use((dbk_level)level);
            for (uint32_t v = 0; v < dbk_vectors(source.rows); v++) {
                const uint64_t min = check_bounds(&source, v);
                check_numbers(&source, v, divisor, min);
                check_numbers(&source, v, divisor + 1, min);
            }
            check_sums(&source);
        }
        dbk_level_use(dbk_level_best());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_level_agrees_with_one_row_after_the_other)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
