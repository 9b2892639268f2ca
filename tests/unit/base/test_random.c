// SPDX-License-Identifier: Apache-2.0
// The generator gives what its seed says, evenly.
#include "engine/base/random.h"
#include "tests/support/seed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_published_sequences(void **state)
{
    (void)state;
    // splitmix64 of 1234567, as published with the algorithm.
    dbk_random r = dbk_random_seed(1234567);
    assert_true(r.state[0] == 6457827717110365317u);
    assert_true(r.state[1] == 3203168211198807973u);
    assert_true(r.state[2] == 9817491932198370423u);
    assert_true(r.state[3] == 4593380528125082431u);
    // xoshiro256** from the state 1, 2, 3, 4.
    const uint64_t wanted[] = {11520,
                               0,
                               1509978240,
                               1215971899390074240,
                               1216172134540287360,
                               607988272756665600,
                               16172922978634559625u,
                               8476171486693032832};
    r = (dbk_random){{1, 2, 3, 4}};
    for (size_t i = 0; i < DBK_COUNT(wanted); i++)
        assert_true(dbk_random_u64(&r) == wanted[i]);
}

static void test_below_reaches_all_and_only_its_range(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random(__func__);
    for (uint64_t bound = 1; bound <= 33; bound++) {
        unsigned counts[33] = {0};
        for (int i = 0; i < 20000; i++) {
            uint64_t v = dbk_random_below(&r, bound);
            assert_true(v < bound);
            counts[v]++;
        }
        // 9 standard deviations either side of the mean.
        for (uint64_t v = 0; v < bound; v++) {
            double mean = 20000.0 / (double)bound, off = (double)counts[v] - mean;
            assert_true(off * off <= 81 * mean + 1);
        }
    }
    for (int i = 0; i < 1000; i++)
        assert_true(dbk_random_below(&r, UINT64_MAX) < UINT64_MAX);
    // With a bound of 3 * 2^62 a biased reduction gives the first third twice as often.
    int low = 0;
    for (int i = 0; i < 30000; i++)
        low += dbk_random_below(&r, (uint64_t)3 << 62) < (uint64_t)1 << 62;
    assert_in_range(low, 9200, 10800);
}

static void test_unit_is_half_open(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random(__func__);
    double sum = 0;
    for (int i = 0; i < 100000; i++) {
        double u = dbk_random_unit(&r);
        assert_true(u >= 0 && u < 1);
        sum += u;
    }
    assert_true(sum > 49000 && sum < 51000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_sequences),
        cmocka_unit_test(test_below_reaches_all_and_only_its_range),
        cmocka_unit_test(test_unit_is_half_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
