// SPDX-License-Identifier: Apache-2.0
// Packed vectors hold what was put in, in the documented layout, and touch no byte beyond their size.
#include "engine/segment/bitpack.h"
#include "tests/support/levels.h"
#include "tests/support/seed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CANARY = 64, PACKED_MAX = DBK_VECTOR_ROWS * 8 };

// The layout as docs/FORMAT.md says it, bit by bit.
static uint64_t naive_at(const uint8_t *packed, int width, uint32_t index)
{
    const uint32_t word_bits = width <= 32 ? 32 : 64, lanes = 1024 / word_bits;
    uint64_t number = 0;
    for (uint32_t k = 0; k < (uint32_t)width; k++) {
        uint32_t bit = index / lanes * (uint32_t)width + k;
        uint32_t at = (bit / word_bits * lanes + index % lanes) * word_bits + bit % word_bits;
        number |= (uint64_t)(packed[at / 8] >> at % 8 & 1) << k;
    }
    return number;
}

static void check_width_here(const uint64_t values[DBK_VECTOR_ROWS], int width)
{
    static _Alignas(64) uint8_t packed[PACKED_MAX + CANARY];
    static uint64_t wide[DBK_VECTOR_ROWS + 1];
    static uint32_t narrow[DBK_VECTOR_ROWS + 1];
    const size_t size = dbk_bits_size(width);
    memset(packed, 0xa5, sizeof packed);
    wide[DBK_VECTOR_ROWS] = narrow[DBK_VECTOR_ROWS] = 0xa5a5a5a5;

    dbk_bits_pack(values, width, packed);
    for (size_t i = size; i < size + CANARY; i++)
        assert_int_equal(packed[i], 0xa5);
    dbk_bits_unpack64(packed, width, wide);
    if (width <= 32)
        dbk_bits_unpack32(packed, width, narrow);
    for (uint32_t i = 0; i < DBK_VECTOR_ROWS; i++) {
        assert_true(naive_at(packed, width, i) == values[i]);
        assert_true(dbk_bits_at(packed, width, i) == values[i]);
        assert_true(wide[i] == values[i]);
        assert_true(width > 32 || narrow[i] == values[i]);
    }
    assert_int_equal(wide[DBK_VECTOR_ROWS], 0xa5a5a5a5);
    assert_int_equal(narrow[DBK_VECTOR_ROWS], 0xa5a5a5a5);
}

static void check_width(const uint64_t values[DBK_VECTOR_ROWS], int width)
{
    DBK_TEST_LEVELS(level)
    check_width_here(values, width);
}

static void every_width_gives_back_its_numbers(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random("widths");
    for (int width = 0; width <= 64; width++) {
        const uint64_t top = width == 0 ? 0 : UINT64_MAX >> (64 - width);
        uint64_t values[DBK_VECTOR_ROWS];
        for (int i = 0; i < DBK_VECTOR_ROWS; i++)
            values[i] = dbk_random_u64(&random) & top;
        check_width(values, width);
        for (int i = 0; i < DBK_VECTOR_ROWS; i++)
            values[i] = top;
        check_width(values, width);
        for (int i = 0; i < DBK_VECTOR_ROWS; i++)
            values[i] = i % 2 ? top : 0;
        check_width(values, width);
    }
}

static void check_between(dbk_random *random, const uint64_t values[DBK_VECTOR_ROWS], int width,
                          const void *packed, uint32_t lo, uint32_t hi)
{
    uint64_t before[DBK_MASK_WORDS], mask[DBK_MASK_WORDS];
    for (int w = 0; w < DBK_MASK_WORDS; w++)
        before[w] = dbk_random_below(random, 3) ? UINT64_MAX : dbk_random_u64(random);
    DBK_TEST_LEVELS(level)
    {
        memcpy(mask, before, sizeof mask);
        dbk_bits_between(packed, width, lo, hi, mask);
        for (uint32_t i = 0; i < DBK_VECTOR_ROWS; i++) {
            const bool wanted = (before[i / 64] >> i % 64 & 1) && lo <= values[i] && values[i] <= hi;
            assert_int_equal(mask[i / 64] >> i % 64 & 1, wanted);
        }
    }
}

static void numbers_are_compared_as_they_are_packed(void **state)
{
    (void)state;
    static _Alignas(64) uint8_t packed[PACKED_MAX];
    dbk_random random = dbk_test_random("between");
    for (int width = 1; width <= 32; width++) {
        const uint32_t top = UINT32_MAX >> (32 - width);
        uint64_t values[DBK_VECTOR_ROWS];
        for (int i = 0; i < DBK_VECTOR_ROWS; i++)
            values[i] = dbk_random_u64(&random) & top;
        dbk_bits_pack(values, width, packed);
        check_between(&random, values, width, packed, 0, 0);
        check_between(&random, values, width, packed, 0, UINT32_MAX);
        check_between(&random, values, width, packed, 1, top);
        check_between(&random, values, width, packed, top, top);
        for (int k = 0; k < 8; k++) {
            const uint32_t a = (uint32_t)values[dbk_random_below(&random, DBK_VECTOR_ROWS)],
                           b = (uint32_t)values[dbk_random_below(&random, DBK_VECTOR_ROWS)];
            check_between(&random, values, width, packed, a < b ? a : b, a < b ? b : a);
        }
    }
}

static void a_number_has_the_width_of_its_highest_bit(void **state)
{
    (void)state;
    assert_int_equal(dbk_bits_width(0), 0);
    for (int width = 1; width <= 64; width++) {
        assert_int_equal(dbk_bits_width(UINT64_C(1) << (width - 1)), width);
        assert_int_equal(dbk_bits_width(UINT64_MAX >> (64 - width)), width);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_width_gives_back_its_numbers),
        cmocka_unit_test(numbers_are_compared_as_they_are_packed),
        cmocka_unit_test(a_number_has_the_width_of_its_highest_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
