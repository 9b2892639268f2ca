// SPDX-License-Identifier: Apache-2.0
// Decimal texts and exact rounding, all in integers.
//
// A quotient is taken apart into whole units and a remainder before the remainder is scaled: with scale and
// digits at most 9 and a 64-bit divisor, no step leaves 128 bits, whatever the value.
#include "engine/base/decimal.h"

#include "engine/base/digits.h"

#include <assert.h>
#include <string.h>

enum { DIGITS_MAX = 9, PARSE_LENGTH_MAX = 40 };

static const uint32_t powers_of_ten[DIGITS_MAX + 1] = {
    1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000,
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

dbk_decimal_fault dbk_decimal_parse(const char *text, size_t length, int scale, int64_t *out)
{
    assert(scale >= 0 && scale <= DIGITS_MAX);
    if (length > PARSE_LENGTH_MAX)
        return DBK_DECIMAL_TOO_LARGE;

    size_t at = 0;
    bool negative = length > 0 && text[0] == '-';
    if (length > 0 && (text[0] == '-' || text[0] == '+'))
        at++;

    uint64_t units = 0;
    int digits_seen = 0, decimals = 0;
    bool point = false, too_large = false, too_fine = false;
    for (; at < length; at++) {
        char c = text[at];
        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (!is_digit(c))
            return DBK_DECIMAL_SYNTAX;
        digits_seen++;
        if (point && decimals == scale) {
            too_fine |= c != '0';
            continue;
        }
        decimals += point;
        too_large |= __builtin_mul_overflow(units, 10, &units);
        too_large |= __builtin_add_overflow(units, (uint64_t)(c - '0'), &units);
    }
    if (digits_seen == 0)
        return DBK_DECIMAL_SYNTAX;
    if (too_fine)
        return DBK_DECIMAL_DIGITS;
    too_large |= __builtin_mul_overflow(units, powers_of_ten[scale - decimals], &units);
    if (too_large || units > INT64_MAX)
        return DBK_DECIMAL_TOO_LARGE;
    *out = negative ? -(int64_t)units : (int64_t)units;
    return DBK_DECIMAL_OK;
}

const char *dbk_decimal_fault_text(dbk_decimal_fault fault, int scale)
{
    static const char *const too_fine[DIGITS_MAX + 1] = {
        "has decimals where none are allowed",
        "more than 1 decimal",
        "more than 2 decimals",
        "more than 3 decimals",
        "more than 4 decimals",
        "more than 5 decimals",
        "more than 6 decimals",
        "more than 7 decimals",
        "more than 8 decimals",
        "more than 9 decimals",
    };
    switch (fault) {
    case DBK_DECIMAL_OK:
        return "fine";
    case DBK_DECIMAL_SYNTAX:
        return "not a plain decimal number such as 1234.50";
    case DBK_DECIMAL_DIGITS:
        assert(scale >= 0 && scale <= DIGITS_MAX);
        return too_fine[scale];
    case DBK_DECIMAL_TOO_LARGE:
        return "too large a number";
    }
    return "not a number";
}

// |value| / (10^scale * divisor), rounded once: whole units and the fraction in units of 10^-digits.
typedef struct rounded {
    dbk_u128 whole;
    uint32_t fraction;
    bool negative; // false when the rounded number is zero
} rounded;

// The same where unit * parts is below 2^63.
static rounded round_small(uint64_t magnitude, uint64_t unit, uint32_t parts, bool negative)
{
    uint64_t whole = magnitude / unit;
    const uint64_t scaled = magnitude % unit * parts;
    uint32_t fraction = (uint32_t)(scaled / unit);
    const uint64_t rest = scaled % unit;
    fraction += rest >= unit - rest;
    if (fraction == parts) {
        fraction = 0;
        whole++;
    }
    return (rounded){whole, fraction, negative && (whole || fraction)};
}

static rounded round_quotient(dbk_i128 value, int scale, int64_t divisor, int digits)
{
    assert(scale >= 0 && scale <= DIGITS_MAX);
    assert(digits >= 0 && digits <= DIGITS_MAX);
    assert(divisor > 0);
    dbk_u128 magnitude = value < 0 ? -(dbk_u128)value : (dbk_u128)value;
    // Nearly always all of it fits 64 bits: a divisor below 2^32 and 10^(scale + digits) within them.
    if (magnitude <= UINT64_MAX && divisor <= UINT32_MAX && scale + digits <= DIGITS_MAX)
        return round_small((uint64_t)magnitude, (uint64_t)divisor * powers_of_ten[scale],
                           powers_of_ten[digits], value < 0);
    dbk_u128 unit = (dbk_u128)divisor * powers_of_ten[scale]; // below 2^93
    dbk_u128 whole = magnitude / unit;
    dbk_u128 scaled = magnitude % unit * powers_of_ten[digits]; // below 2^123
    uint32_t fraction = (uint32_t)(scaled / unit);
    dbk_u128 rest = scaled % unit;
    if (rest >= unit - rest)
        fraction++;
    if (fraction == powers_of_ten[digits]) {
        fraction = 0;
        whole++;
    }
    return (rounded){whole, fraction, value < 0 && (whole || fraction)};
}

dbk_i128 dbk_decimal_round(dbk_i128 value, int scale, int64_t divisor, int digits)
{
    rounded n = round_quotient(value, scale, divisor, digits);
    const dbk_u128 max = ~(dbk_u128)0 >> 1;
    dbk_u128 limit = max + n.negative, magnitude;
    if (__builtin_mul_overflow(n.whole, (dbk_u128)powers_of_ten[digits], &magnitude) ||
        __builtin_add_overflow(magnitude, (dbk_u128)n.fraction, &magnitude) || magnitude > limit)
        magnitude = limit;
    return (dbk_i128)(n.negative ? -magnitude : magnitude);
}

static char *write_whole(char *p, dbk_u128 v)
{
    // 128-bit divisions are slow, so the number is first cut into pieces of 19 digits.
    const uint64_t piece = 10000000000000000000u;
    if (v < piece)
        return dbk_digits_write(p, (uint64_t)v, dbk_digits_count((uint64_t)v));
    p = write_whole(p, v / piece);
    return dbk_digits_write(p, (uint64_t)(v % piece), 19);
}

// decimals is how many of the fraction's digits are written, from the left.
static size_t write_number(char out[DBK_DECIMAL_TEXT_MAX], bool negative, dbk_u128 whole, uint32_t fraction,
                           int decimals)
{
    char *p = out;
    if (negative)
        *p++ = '-';
    const uint64_t low = (uint64_t)whole;
    p = whole == low ? dbk_digits_write(p, low, dbk_digits_count(low)) : write_whole(p, whole);
    if (decimals > 0) {
        *p++ = '.';
        p = dbk_digits_write(p, fraction, decimals);
    }
    return (size_t)(p - out);
}

size_t dbk_decimal_write(char out[DBK_DECIMAL_TEXT_MAX], dbk_i128 value, int scale, int64_t divisor,
                         int digits)
{
    rounded n = round_quotient(value, scale, divisor, digits);
    return write_number(out, n.negative, n.whole, n.fraction, digits);
}

size_t dbk_decimal_write_exact(char out[DBK_DECIMAL_TEXT_MAX], int64_t value, int scale)
{
    assert(scale >= 0 && scale <= DIGITS_MAX);
    uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
    uint64_t whole = magnitude / powers_of_ten[scale];
    uint32_t fraction = (uint32_t)(magnitude % powers_of_ten[scale]);
    int decimals = scale;
    for (; decimals > 0 && fraction % 10 == 0; decimals--)
        fraction /= 10;
    return write_number(out, value < 0, whole, fraction, decimals);
}

size_t dbk_int_write(char out[DBK_DECIMAL_TEXT_MAX], int64_t value)
{
    const uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
    char *p = out;
    if (value < 0)
        *p++ = '-';
    return (size_t)(dbk_digits_write(p, magnitude, dbk_digits_count(magnitude)) - out);
}

int dbk_currency_digits(dbk_text code)
{
    // ISO 4217, the codes whose minor unit is not a hundredth.
    static const char none[][4] = {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG",
                                   "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"};
    static const char three[][4] = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"};
    static const char four[][4] = {"CLF", "UYW"};
    if (code.length != 3)
        return 2;
    for (size_t i = 0; i < DBK_COUNT(none); i++) {
        if (memcmp(code.data, none[i], 3) == 0)
            return 0;
    }
    for (size_t i = 0; i < DBK_COUNT(three); i++) {
        if (memcmp(code.data, three[i], 3) == 0)
            return 3;
    }
    for (size_t i = 0; i < DBK_COUNT(four); i++) {
        if (memcmp(code.data, four[i], 3) == 0)
            return 4;
    }
    return 2;
}
