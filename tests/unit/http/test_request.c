// SPDX-License-Identifier: Apache-2.0
// Numbers of JSON bodies as plain decimals, exponents worked in.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/distribu/request.h"
#include "tests/support/seed.h"

#include <stdio.h>
#include <string.h>

static const char *plain(const char *number)
{
    static char text[DBK_PLAIN_NUMBER_MAX + 1];
    size_t length;
    if (!dbk_plain_number(dbk_text_from(number), text, &length))
        return "(too long)";
    assert_true(length <= DBK_PLAIN_NUMBER_MAX);
    text[length] = 0;
    return text;
}

static void exponents_move_the_point(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"0", "0"},
                                           {"-0", "-0"},
                                           {"0.000", "0"},
                                           {"0e99", "0"},
                                           {"7", "7"},
                                           {"-7.50", "-7.5"},
                                           {"100", "100"},
                                           {"1e2", "100"},
                                           {"1E+2", "100"},
                                           {"1.5e2", "150"},
                                           {"150e-2", "1.5"},
                                           {"1e-3", "0.001"},
                                           {"12.34e1", "123.4"},
                                           {"0.05", "0.05"},
                                           {"0.05e1", "0.5"},
                                           {"0.05e2", "5"},
                                           {"0.05e3", "50"},
                                           {"100e-5", "0.001"},
                                           {"-0.10e-1", "-0.01"},
                                           {"1e99", "(too long)"},
                                           {"1e-99", "(too long)"},
                                           {"1e99999999999999999999", "(too long)"}};
    for (size_t i = 0; i < DBK_COUNT(cases); i++)
        assert_string_equal(plain(cases[i][0]), cases[i][1]);
    char many[200];
    memset(many, '1', sizeof(many) - 1);
    many[sizeof(many) - 1] = 0;
    assert_string_equal(plain(many), "(too long)");
}

// The same value written with every exponent is the same plain number.
static void every_way_of_writing_is_the_same(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random(__func__);
    for (int round = 0; round < 20000; round++) {
        unsigned long long digits = dbk_random_below(&random, 1000000000);
        int decimals = (int)dbk_random_below(&random, 8), exponent = (int)dbk_random_below(&random, 9);
        char expected[64], shifted[64];
        snprintf(expected, sizeof(expected), "%llue-%d", digits, decimals);
        // digits × 10^-decimals, with the point `exponent` places further left and an exponent to match
        char padded[32];
        snprintf(padded, sizeof(padded), "%020llu", digits);
        int point = 20 - exponent;
        const char *first = padded;
        while (first < padded + point - 1 && *first == '0')
            first++;
        if (exponent > 0)
            snprintf(shifted, sizeof(shifted), "%.*s.%se%d", (int)(padded + point - first), first,
                     padded + point, exponent - decimals);
        else
            snprintf(shifted, sizeof(shifted), "%se%d", first, -decimals);
        char left[64];
        snprintf(left, sizeof(left), "%s", plain(expected));
        assert_string_equal(left, plain(shifted));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exponents_move_the_point),
        cmocka_unit_test(every_way_of_writing_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
