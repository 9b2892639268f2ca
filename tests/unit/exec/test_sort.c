// SPDX-License-Identifier: Apache-2.0
// Numbers sorted by their digits stand as a plain stable sort puts them.
#include "engine/exec/sort.h"
#include "tests/support/seed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 3000 };

static void sort_slowly(uint64_t *numbers, size_t count, unsigned first_bit)
{
    for (size_t i = 1; i < count; i++)
        for (size_t k = i; k > 0 && numbers[k - 1] >> first_bit > numbers[k] >> first_bit; k--) {
            const uint64_t swap = numbers[k];
            numbers[k] = numbers[k - 1];
            numbers[k - 1] = swap;
        }
}

static void sorts_by_the_bits_from_one_on(void **state)
{
    (void)state;
    static uint64_t numbers[MOST], expected[MOST];
    dbk_random r = dbk_test_random("sort");
    for (int round = 0; round < 120; round++) {
        const size_t count = dbk_random_below(&r, round % 2 ? 40 : MOST);
        const unsigned first_bit = round % 3 ? (unsigned)dbk_random_below(&r, 64) : 0;
        const uint64_t bits = dbk_random_u64(&r) & dbk_random_u64(&r); // those in which they differ
        const uint64_t same = dbk_random_u64(&r) & ~bits;
        for (size_t i = 0; i < count; i++)
            numbers[i] = expected[i] = same | (dbk_random_u64(&r) & bits);
        assert_true(dbk_sort_numbers(numbers, count, first_bit));
        sort_slowly(expected, count, first_bit);
        assert_memory_equal(numbers, expected, count * sizeof *numbers);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sorts_by_the_bits_from_one_on)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
