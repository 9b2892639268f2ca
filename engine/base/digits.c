// SPDX-License-Identifier: Apache-2.0
// Digits are counted by the number's bits: so many bits have one of two lengths, and a comparison says which.
#include "engine/base/digits.h"

const char dbk_digit_pairs[200] = {
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051"
    "525354"
    "555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899"};

int dbk_digits_count(uint64_t value)
{
    static const uint64_t powers[20] = {
        0,
        10,
        100,
        1000,
        10000,
        100000,
        1000000,
        10000000,
        100000000,
        1000000000,
        10000000000,
        100000000000,
        1000000000000,
        10000000000000,
        100000000000000,
        1000000000000000,
        10000000000000000,
        100000000000000000,
        1000000000000000000,
        10000000000000000000u,
    };
    // log10(2) is close to 1233 / 4096.
    const int bits = 64 - __builtin_clzll(value | 1);
    const int about = bits * 1233 >> 12;
    return about + (value >= powers[about]);
}
