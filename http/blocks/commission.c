// SPDX-License-Identifier: Apache-2.0
// An exact sum of fractions.
//
// Twice the sum is taken apart into a whole number and a rest below one, because rounding half away needs no
// more than that: the whole number and whether there is a rest. The rest is a sum of fractions with as many
// denominators as there are rates; those of one denominator are added at once. The others are first added in
// 64 binary places, which settles it unless the sum comes within a hair of a whole number; then they are
// added again with a common denominator of any length, which takes time with the square of their number.
#include "http/blocks/commission.h"

#include <stdlib.h>

static const int64_t WHOLE = 100000000000; // 100 percent in thousand-millionths

// numerator ÷ denominator, in [0, 1).
typedef struct fraction {
    uint64_t numerator, denominator;
} fraction;

static bool makes_commission(int64_t rate)
{
    return rate > 0 && rate < WHOLE;
}

static uint64_t greatest_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static dbk_i128 floor_div(dbk_i128 a, int64_t b)
{
    dbk_i128 quotient = a / b;
    return a % b < 0 ? quotient - 1 : quotient;
}

// Adds twice the commission of one part: the whole to *sum, the rest to *rest.
static bool add_part(const dbk_commission *part, dbk_i128 *sum, fraction *rest)
{
    int64_t below = WHOLE - part->rate;
    dbk_i128 twice, wholes, value;
    if (__builtin_mul_overflow(part->amount, 2, &twice))
        return false;
    dbk_i128 quotient = floor_div(twice, below);
    dbk_i128 product = (twice - quotient * below) * part->rate;
    if (__builtin_mul_overflow(quotient, (dbk_i128)part->rate, &wholes) ||
        __builtin_add_overflow(wholes, product / below, &value) || __builtin_add_overflow(*sum, value, sum))
        return false;
    uint64_t numerator = (uint64_t)(product % below);
    uint64_t divisor = greatest_divisor((uint64_t)below, numerator);
    *rest = (fraction){numerator / divisor, (uint64_t)below / divisor};
    return true;
}

static int compare_denominators(const void *a, const void *b)
{
    const fraction *x = a, *y = b;
    return x->denominator < y->denominator ? -1 : x->denominator > y->denominator;
}

// Adds those of one denominator and leaves out what comes to nothing; the wholes that came of it.
static uint64_t fold_rests(fraction *rests, size_t *count)
{
    uint64_t wholes = 0;
    size_t kept = 0;
    qsort(rests, *count, sizeof(*rests), compare_denominators);
    for (size_t i = 0; i < *count;) {
        fraction sum = {0, rests[i].denominator};
        for (; i < *count && rests[i].denominator == sum.denominator; i++) {
            sum.numerator += rests[i].numerator;
            if (sum.numerator >= sum.denominator) {
                sum.numerator -= sum.denominator;
                wholes++;
            }
        }
        if (sum.numerator > 0)
            rests[kept++] = sum;
    }
    *count = kept;
    return wholes;
}

// ---- A common denominator ----

// Sets a to a × x + b × y, lowest limb first; b may be NULL. Room for the result is the caller's business.
static void multiply_add(uint64_t *a, uint64_t x, const uint64_t *b, uint64_t y, size_t limbs)
{
    dbk_u128 carry = 0;
    for (size_t i = 0; i < limbs; i++) {
        carry += (dbk_u128)a[i] * x + (b != NULL ? (dbk_u128)b[i] * y : 0);
        a[i] = (uint64_t)carry;
        carry >>= 64;
    }
}

static int compare_limbs(const uint64_t *a, const uint64_t *b, size_t limbs)
{
    for (size_t i = limbs; i-- > 0;)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

// Room for the common denominator of so many, which are below 2^37 each, and for their sum and a whole.
static size_t limbs_of(size_t count)
{
    return count * 37 / 64 + 3;
}

// The sign of (sum of the fractions − whole).
static dbk_status compare_exactly(const fraction *rests, size_t count, uint64_t whole, int *sign,
                                  dbk_error *err)
{
    size_t limbs = limbs_of(count);
    uint64_t *numerator = calloc(2 * limbs, sizeof(*numerator)), *denominator = numerator + limbs;
    if (numerator == NULL)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory adding commission");
    denominator[0] = 1;
    for (size_t i = 0; i < count; i++) {
        multiply_add(numerator, rests[i].denominator, denominator, rests[i].numerator, limbs_of(i + 1));
        multiply_add(denominator, rests[i].denominator, NULL, 0, limbs_of(i + 1));
    }
    multiply_add(denominator, whole, NULL, 0, limbs);
    *sign = compare_limbs(numerator, denominator, limbs);
    free(numerator);
    return DBK_OK;
}

// The whole part of the sum of the fractions, and whether anything is left.
static dbk_status add_rests(const fraction *rests, size_t count, uint64_t *whole, bool *has_rest,
                            dbk_error *err)
{
    dbk_u128 places = 0; // 64 of them; each fraction's are cut, so the truth is less than `count` above
    bool is_cut = false;
    for (size_t i = 0; i < count; i++) {
        dbk_u128 shifted = (dbk_u128)rests[i].numerator << 64;
        places += shifted / rests[i].denominator;
        is_cut = is_cut || shifted % rests[i].denominator != 0;
    }
    *whole = (uint64_t)(places >> 64);
    *has_rest = (uint64_t)places != 0 || is_cut;
    if ((uint64_t)places <= UINT64_MAX - count)
        return DBK_OK;
    int sign = 0;
    DBK_TRY(compare_exactly(rests, count, *whole + 1, &sign, err));
    *whole += sign >= 0;
    *has_rest = sign != 0;
    return DBK_OK;
}

// ---- Rounding ----

// twice: a whole number, and a rest above it or not. The half of it, to a multiple of `unit`.
static dbk_i128 round_half(dbk_i128 twice, bool has_rest, int64_t unit)
{
    dbk_i128 below = floor_div(twice, 2 * unit), above = twice - below * 2 * unit;
    bool is_up = twice >= 0 ? above >= unit : above > unit || (above == unit && has_rest);
    return (below + is_up) * unit;
}

dbk_status dbk_commission_sum(const dbk_commission *parts, size_t count, int digits, dbk_i128 *out,
                              dbk_error *err)
{
    fraction *rests = malloc((count + 1) * sizeof(*rests));
    if (rests == NULL)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory adding commission");
    dbk_i128 twice = 0;
    size_t rests_count = 0;
    bool fits = true;
    for (size_t i = 0; i < count && fits; i++)
        if (makes_commission(parts[i].rate))
            fits = add_part(&parts[i], &twice, &rests[rests_count++]);
    uint64_t wholes = fits ? fold_rests(rests, &rests_count) : 0, whole = 0;
    bool has_rest = false;
    dbk_status status = fits ? add_rests(rests, rests_count, &whole, &has_rest, err)
                             : dbk_fail(err, DBK_OVERFLOW, "the sum of commission leaves its range");
    int64_t unit = 1;
    for (int i = digits; i < 4; i++)
        unit *= 10;
    if (status == DBK_OK)
        *out = round_half(twice + wholes + whole, has_rest, unit);
    free(rests);
    return status;
}
