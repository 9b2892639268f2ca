// SPDX-License-Identifier: Apache-2.0
// Exact decimal numbers: text to scaled integer, and scaled integer (or exact quotient) back to text, never
// through a floating-point type.
//
// Money is an int64 in ten-thousandths of the currency's unit (DBK_MONEY_SCALE). Rates (exchange, commission)
// are an int64 in thousand-millionths (DBK_RATE_SCALE).
#ifndef DBK_BASE_DECIMAL_H
#define DBK_BASE_DECIMAL_H

#include "engine/base/status.h"
#include "engine/base/types.h"

enum { DBK_MONEY_SCALE = 4, DBK_RATE_SCALE = 9 };

typedef enum dbk_decimal_fault {
    DBK_DECIMAL_OK = 0,
    DBK_DECIMAL_SYNTAX,   // not [+-]digits[.digits]; exponents, separators, spaces and currency signs are
                          // refused
    DBK_DECIMAL_DIGITS,   // non-zero digits beyond the scale: a row to reject, never to round
    DBK_DECIMAL_TOO_LARGE // does not fit; INT64_MIN is refused too (it means "no value")
} dbk_decimal_fault;

// Parses text such as "1234.5", "-0.001", "12." or ".5" into units of 10^-scale (scale 0..9). Trailing zeros
// beyond the scale are harmless. Reads nothing past length; texts of more than 40 characters are too large.
dbk_decimal_fault dbk_decimal_parse(const char *text, size_t length, int scale, int64_t *out);

// The reason in words ("more than 4 decimals", …), constant text.
const char *dbk_decimal_fault_text(dbk_decimal_fault fault, int scale);

// The longest text that the writers below make, without a NUL.
enum { DBK_DECIMAL_TEXT_MAX = 56 };

// Writes value / (10^scale * divisor), rounded half away from zero once, with exactly `digits` decimals
// (0..9). divisor must be > 0; use 1 for a plain value and the row count for an average. Returns the length;
// no NUL.
// "-0.00" is never written: a value that rounds to zero has no sign.
size_t dbk_decimal_write(char out[DBK_DECIMAL_TEXT_MAX], dbk_i128 value, int scale, int64_t divisor,
                         int digits);

// The number so rounded, in units of 10^-digits; the nearest end of the type when it does not fit.
dbk_i128 dbk_decimal_round(dbk_i128 value, int scale, int64_t divisor, int digits);

// Shortest exact text: trailing zeros dropped ("1234.5", "7"). Returns the length; no NUL.
size_t dbk_decimal_write_exact(char out[DBK_DECIMAL_TEXT_MAX], int64_t value, int scale);

size_t dbk_int_write(char out[DBK_DECIMAL_TEXT_MAX], int64_t value);

// The minor digits of an ISO 4217 code: 0 for JPY, 3 for KWD, 4 for CLF, 2 for unknown codes. Case-sensitive.
int dbk_currency_digits(dbk_text code);

#endif
