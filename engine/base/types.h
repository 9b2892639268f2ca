// SPDX-License-Identifier: Apache-2.0
// The few types and constants that everything shares.
#ifndef DBK_BASE_TYPES_H
#define DBK_BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

__extension__ typedef __int128 dbk_i128;
__extension__ typedef unsigned __int128 dbk_u128;

// Rows are processed in vectors and stored in segments. 1,024 values of 8 bytes are 8 KiB: four or five
// columns of a vector stay in a first-level cache. 65,536 rows make row numbers inside a segment fit 16 bits.
enum { DBK_VECTOR_ROWS = 1024, DBK_SEGMENT_VECTORS = 64, DBK_SEGMENT_ROWS = 65536 };

// "No value" in a column of integers. Never a legal value: parsers refuse it.
#define DBK_NULL INT64_MIN

// A borrowed run of bytes, not NUL-terminated. In columns of text a length of 0 means "no value": an empty
// string and a missing one are the same thing in Daybook.
typedef struct dbk_text {
    const char *data;
    uint32_t length;
} dbk_text;

#define DBK_TEXT(literal) ((dbk_text){(literal), sizeof(literal) - 1})

// A whole C string as text; NULL becomes "no value".
dbk_text dbk_text_from(const char *string);
bool dbk_text_equal(dbk_text a, dbk_text b);
// Byte order, the order of every list in Daybook that ends "then by id". Negative, zero or positive.
int dbk_text_compare(dbk_text a, dbk_text b);

#define DBK_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
