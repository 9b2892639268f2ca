// SPDX-License-Identifier: Apache-2.0
// Decimal digits of unsigned numbers, two at a time.
#ifndef DBK_BASE_DIGITS_H
#define DBK_BASE_DIGITS_H

#include <stdint.h>
#include <string.h>

extern const char dbk_digit_pairs[200]; // "00" to "99"

// The last `count` digits of the number, with zeros before it where it has fewer. Returns their end.
static inline char *dbk_digits_write(char *out, uint64_t value, int count)
{
    char *at = out + count;
    for (; at - out >= 2; value /= 100) {
        at -= 2;
        memcpy(at, dbk_digit_pairs + 2 * (value % 100), 2);
    }
    if (at > out)
        *out = (char)('0' + value % 10);
    return out + count;
}

// How many digits it has: 1 to 20.
int dbk_digits_count(uint64_t value);

#endif
