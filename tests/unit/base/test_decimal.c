// SPDX-License-Identifier: Apache-2.0
// Exact decimals from text and back, rounding included.
#include "engine/base/decimal.h"
#include "engine/base/digits.h"
#include "tests/support/seed.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define I128_MAX ((dbk_i128)(~(dbk_u128)0 >> 1))
#define I128_MIN (-I128_MAX - 1)

static dbk_decimal_fault parse(const char *text, int scale, int64_t *out)
{
    return dbk_decimal_parse(text, strlen(text), scale, out);
}

static void assert_parses(const char *text, int scale, int64_t wanted)
{
    int64_t value = 123456789;
    dbk_decimal_fault fault = parse(text, scale, &value);
    if (fault != DBK_DECIMAL_OK || value != wanted)
        fail_msg("\"%s\" at scale %d: fault %d, value %lld", text, scale, fault, (long long)value);
}

static void assert_refused(const char *text, int scale, dbk_decimal_fault wanted)
{
    int64_t value = 77;
    dbk_decimal_fault fault = parse(text, scale, &value);
    if (fault != wanted || value != 77)
        fail_msg("\"%s\" at scale %d: fault %d instead of %d", text, scale, fault, wanted);
}

static void test_parse_accepts(void **state)
{
    (void)state;
    assert_parses("1234.5", 4, 12345000);
    assert_parses("-0.001", 4, -10);
    assert_parses("12.", 4, 120000);
    assert_parses(".5", 4, 5000);
    assert_parses("+7", 0, 7);
    assert_parses("-0", 4, 0);
    assert_parses("1.230000000", 2, 123);
    assert_parses("5.000", 0, 5);
    assert_parses("000000000000000000000000000000000000001", 0, 1);
    assert_parses("922337203685477.5807", 4, INT64_MAX);
    assert_parses("-922337203685477.5807", 4, -INT64_MAX);
    assert_parses("9223372036.854775807", 9, INT64_MAX);
    assert_parses("9223372036854775807", 0, INT64_MAX);
}

static void test_parse_refuses(void **state)
{
    (void)state;
    const char *const syntax[] = {
        "",    "+",  "-",    ".",  "-.",  "1.2.3", "1e5", "1,000", " 1",  "1 ",    "--1",
        "+-1", "1-", "0x10", "$1", "1_0", "12a",   "NaN", "..",    "1.x", "1.00x", "99999999999999999999x"};
    for (size_t i = 0; i < DBK_COUNT(syntax); i++)
        assert_refused(syntax[i], 2, DBK_DECIMAL_SYNTAX);
    assert_refused("1.23001", 4, DBK_DECIMAL_DIGITS);
    assert_refused("1.1", 0, DBK_DECIMAL_DIGITS);
    assert_refused("0.00001", 4, DBK_DECIMAL_DIGITS);
    assert_refused("922337203685477.5808", 4, DBK_DECIMAL_TOO_LARGE);
    assert_refused("-922337203685477.5808", 4, DBK_DECIMAL_TOO_LARGE);
    assert_refused("9223372036854775808", 0, DBK_DECIMAL_TOO_LARGE);
    assert_refused("18446744073709551616", 0, DBK_DECIMAL_TOO_LARGE);
    assert_refused("184467440737095516160", 0, DBK_DECIMAL_TOO_LARGE);
    assert_refused("1844674407370955.1617", 4, DBK_DECIMAL_TOO_LARGE);
    assert_refused("99999999999999999999999999999999999999", 9, DBK_DECIMAL_TOO_LARGE);
    assert_refused("00000000000000000000000000000000000000001", 0, DBK_DECIMAL_TOO_LARGE);
    int64_t value;
    assert_int_equal(dbk_decimal_parse("123x", 3, 0, &value), DBK_DECIMAL_OK);
    assert_int_equal(value, 123);
    // A NUL inside is a character like others.
    assert_int_equal(dbk_decimal_parse("1\0002", 3, 0, &value), DBK_DECIMAL_SYNTAX);
}

static const char *written(dbk_i128 value, int scale, int64_t divisor, int digits)
{
    static char text[DBK_DECIMAL_TEXT_MAX + 1];
    text[dbk_decimal_write(text, value, scale, divisor, digits)] = '\0';
    return text;
}

static void test_write_known_values(void **state)
{
    (void)state;
    assert_string_equal(written(187435000, 4, 42, 2), "446.27");
    assert_string_equal(written(-50, 4, 1, 2), "-0.01");
    assert_string_equal(written(-40, 4, 1, 2), "0.00");
    assert_string_equal(written(50, 4, 1, 2), "0.01");
    assert_string_equal(written(0, 4, 1, 2), "0.00");
    assert_string_equal(written(-4, 1, 1, 0), "0");
    assert_string_equal(written(-5, 1, 1, 0), "-1");
    assert_string_equal(written(99999999, 4, 1, 2), "10000.00");
    assert_string_equal(written(-99995, 4, 1, 3), "-10.000");
    assert_string_equal(written(7, 0, 1, 9), "7.000000000");
    // Rounded once: 0.4949… is 0.49 at two digits and 0 at none, never 0.5 and then 1.
    assert_string_equal(written(49, 0, 99, 0), "0");
    assert_string_equal(written(49, 0, 99, 1), "0.5");
    assert_string_equal(written(1, 0, 3, 4), "0.3333");
    assert_string_equal(written(2, 0, 3, 4), "0.6667");
    assert_string_equal(written(I128_MAX, 0, 1, 0), "170141183460469231731687303715884105727");
    assert_string_equal(written(I128_MIN, 0, 1, 9), "-170141183460469231731687303715884105728.000000000");
    assert_string_equal(written(I128_MIN, 4, 1, 4), "-17014118346046923173168730371588410.5728");
    assert_string_equal(written(I128_MAX, 9, INT64_MAX, 9), "18446744073.709551618");
    assert_string_equal(written(1, 9, INT64_MAX, 9), "0.000000000");
}

// The naive twin: long division on paper, digit by digit, of |value| with zeros behind it.
static void twin_write(char *out, dbk_i128 value, int scale, int64_t divisor, int digits)
{
    char quotient[80] = "0", dividend[80];
    dbk_u128 magnitude = value < 0 ? -(dbk_u128)value : (dbk_u128)value, unit = (dbk_u128)divisor, rest = 0;
    for (int i = 0; i < scale; i++)
        unit *= 10;
    size_t n = 0;
    for (dbk_u128 m = magnitude; m; m /= 10)
        dividend[n++] = (char)('0' + (int)(m % 10));
    for (size_t i = 0; i < n / 2; i++) {
        char c = dividend[i];
        dividend[i] = dividend[n - 1 - i];
        dividend[n - 1 - i] = c;
    }
    for (int i = 0; i < digits; i++)
        dividend[n++] = '0';
    for (size_t i = 0; i < n; i++) {
        rest = rest * 10 + (dbk_u128)(dividend[i] - '0');
        int digit = 0;
        for (; rest >= unit; rest -= unit)
            digit++;
        quotient[i + 1] = (char)('0' + digit);
    }
    if (rest * 2 >= unit) {
        size_t i = n;
        for (; quotient[i] == '9'; i--)
            quotient[i] = '0';
        quotient[i]++;
    }
    quotient[n + 1] = '\0';
    // At least one digit before the point.
    char padded[100];
    int zeros = (int)n + 1 < digits + 1 ? digits - (int)n : 0;
    sprintf(padded, "%.*s%s", zeros, "0000000000", quotient);
    const char *p = padded;
    while (*p == '0' && strlen(p) > (size_t)digits + 1)
        p++;
    bool zero = strspn(p, "0") == strlen(p);
    int whole = (int)strlen(p) - digits;
    sprintf(out, "%s%.*s%s%s", value < 0 && !zero ? "-" : "", whole, p, digits ? "." : "", p + whole);
}

static dbk_i128 random_value(dbk_random *r)
{
    dbk_u128 bits = (dbk_u128)dbk_random_u64(r) << 64 | dbk_random_u64(r);
    return (dbk_i128)bits >> dbk_random_below(r, 128);
}

static void test_write_against_the_twin(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random(__func__);
    for (int round = 0; round < 200000; round++) {
        dbk_i128 value = random_value(&r);
        int scale = (int)dbk_random_below(&r, 10), digits = (int)dbk_random_below(&r, 10);
        int64_t divisor = (int64_t)(dbk_random_u64(&r) >> (1 + dbk_random_below(&r, 63)));
        if (divisor == 0)
            divisor = 1;
        // Half of them exactly on or next to a half, where rounding errs.
        if (round % 2) {
            divisor = 2 * (1 + (int64_t)dbk_random_below(&r, 1000));
            value = (dbk_i128)(int64_t)(dbk_random_u64(&r) >> 24) * divisor + divisor / 2 +
                    (dbk_i128)dbk_random_below(&r, 3) - 1;
            digits = scale;
            if (dbk_random_below(&r, 2))
                value = -value;
        }
        char text[DBK_DECIMAL_TEXT_MAX + 8], wanted[120];
        memset(text, '~', sizeof text);
        size_t length = dbk_decimal_write(text, value, scale, divisor, digits);
        assert_true(length <= DBK_DECIMAL_TEXT_MAX);
        assert_int_equal(text[length], '~');
        text[length] = '\0';
        twin_write(wanted, value, scale, divisor, digits);
        assert_string_equal(text, wanted);

        // The number and the text agree, where the number fits.
        dbk_i128 number = dbk_decimal_round(value, scale, divisor, digits);
        if (number != I128_MAX && number != I128_MIN) {
            text[dbk_decimal_write(text, number, digits, 1, digits)] = '\0';
            assert_string_equal(text, wanted);
        }
    }
}

// Of each number of bits, and around each power of ten.
static void test_digits_are_those_of_printf(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random(__func__);
    uint64_t power = 1;
    for (int i = 0; i < 200000; i++) {
        uint64_t value = dbk_random_u64(&r) >> dbk_random_below(&r, 64);
        if (i % 4 == 0) {
            power = power > UINT64_MAX / 10 ? 1 : power * 10;
            value = power + dbk_random_below(&r, 3) - 1;
        }
        char expected[64], out[32];
        const int length = snprintf(expected, sizeof expected, "%llu", (unsigned long long)value);
        assert_int_equal(dbk_digits_count(value), length);
        const int count = (int)dbk_random_below(&r, 21);
        snprintf(expected, sizeof expected, "%020llu", (unsigned long long)value);
        memset(out, '#', sizeof out);
        assert_ptr_equal(dbk_digits_write(out, value, count), out + count);
        assert_memory_equal(out, expected + 20 - count, (size_t)count);
        assert_int_equal(out[count], '#');
    }
}

static void test_round_ends_of_the_type(void **state)
{
    (void)state;
    assert_true(dbk_decimal_round(I128_MAX, 0, 1, 0) == I128_MAX);
    assert_true(dbk_decimal_round(I128_MIN, 0, 1, 0) == I128_MIN);
    assert_true(dbk_decimal_round(I128_MAX, 0, 1, 1) == I128_MAX);
    assert_true(dbk_decimal_round(I128_MIN, 0, 1, 9) == I128_MIN);
    assert_true(dbk_decimal_round(I128_MIN, 4, 1, 4) == I128_MIN);
    assert_true(dbk_decimal_round(-15, 1, 1, 0) == -2);
    assert_true(dbk_decimal_round(187435000, 4, 42, 2) == 44627);
}

static void test_exact_text_parses_back(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random(__func__);
    char text[DBK_DECIMAL_TEXT_MAX + 1];
    for (int round = 0; round < 200000; round++) {
        int64_t value = (int64_t)dbk_random_u64(&r) >> dbk_random_below(&r, 64), back;
        if (value == INT64_MIN)
            continue;
        int scale = (int)dbk_random_below(&r, 10);
        if (dbk_random_below(&r, 2))
            value = value / 1000 * 1000;
        size_t length = dbk_decimal_write_exact(text, value, scale);
        assert_int_equal(dbk_decimal_parse(text, length, scale, &back), DBK_DECIMAL_OK);
        assert_true(back == value);
        // Shortest: no zero and no point at the end of decimals.
        if (memchr(text, '.', length))
            assert_true(text[length - 1] != '0' && text[length - 1] != '.');
        length = dbk_decimal_write(text, value, scale, 1, scale);
        assert_int_equal(dbk_decimal_parse(text, length, scale, &back), DBK_DECIMAL_OK);
        assert_true(back == value);
        length = dbk_int_write(text, value);
        assert_int_equal(dbk_decimal_parse(text, length, 0, &back), DBK_DECIMAL_OK);
        assert_true(back == value);
    }
    text[dbk_decimal_write_exact(text, 12345000, 4)] = '\0';
    assert_string_equal(text, "1234.5");
    text[dbk_decimal_write_exact(text, -70000, 4)] = '\0';
    assert_string_equal(text, "-7");
    text[dbk_decimal_write_exact(text, -5, 4)] = '\0';
    assert_string_equal(text, "-0.0005");
    text[dbk_int_write(text, INT64_MIN)] = '\0';
    assert_string_equal(text, "-9223372036854775808");
}

static void test_currency_digits(void **state)
{
    (void)state;
    assert_int_equal(dbk_currency_digits(DBK_TEXT("EUR")), 2);
    assert_int_equal(dbk_currency_digits(DBK_TEXT("JPY")), 0);
    assert_int_equal(dbk_currency_digits(DBK_TEXT("XPF")), 0);
    assert_int_equal(dbk_currency_digits(DBK_TEXT("BIF")), 0);
    assert_int_equal(dbk_currency_digits(DBK_TEXT("KWD")), 3);
    assert_int_equal(dbk_currency_digits(DBK_TEXT("TND")), 3);
    assert_int_equal(dbk_currency_digits(DBK_TEXT("CLF")), 4);
    assert_int_equal(dbk_currency_digits(DBK_TEXT("UYW")), 4);
    assert_int_equal(dbk_currency_digits(DBK_TEXT("jpy")), 2);
    assert_int_equal(dbk_currency_digits(DBK_TEXT("JPYX")), 2);
    assert_int_equal(dbk_currency_digits(dbk_text_from(NULL)), 2);
}

static void test_fault_texts(void **state)
{
    (void)state;
    assert_string_equal(dbk_decimal_fault_text(DBK_DECIMAL_DIGITS, 4), "more than 4 decimals");
    assert_string_equal(dbk_decimal_fault_text(DBK_DECIMAL_DIGITS, 9), "more than 9 decimals");
    assert_non_null(dbk_decimal_fault_text(DBK_DECIMAL_SYNTAX, 0));
    assert_non_null(dbk_decimal_fault_text(DBK_DECIMAL_TOO_LARGE, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_accepts),
        cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_write_known_values),
        cmocka_unit_test(test_write_against_the_twin),
        cmocka_unit_test(test_digits_are_those_of_printf),
        cmocka_unit_test(test_round_ends_of_the_type),
        cmocka_unit_test(test_exact_text_parses_back),
        cmocka_unit_test(test_currency_digits),
        cmocka_unit_test(test_fault_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
