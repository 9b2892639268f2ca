// SPDX-License-Identifier: Apache-2.0
// The layout of a segment file as C structures: docs/FORMAT.md, "Segment", says what they mean. Structures
// are copied out of a file through the bounded reader, never pointed into it.
#ifndef DBK_SEGMENT_FORMAT_H
#define DBK_SEGMENT_FORMAT_H

#include "engine/base/types.h"

// Packed words and the structures below are stored as this machine keeps them.
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the format is little-endian");

enum { DBK_SEGMENT_VERSION = 1, DBK_SEGMENT_ALIGN = 64 };
// "DBKSEGMT"
#define DBK_SEGMENT_MAGIC UINT64_C(0x544d4745534b4244)

typedef struct dbk_segment_header {
    uint64_t magic;
    uint32_t version;
    uint32_t table;
    uint64_t id;
    uint32_t rows;
    uint32_t columns;
    uint64_t size;
    uint64_t cold;
    uint64_t directory_checksum;
    uint64_t checksum; // of the bytes before it
} dbk_segment_header;
_Static_assert(sizeof(dbk_segment_header) == 64, "the header has no padding");
_Static_assert(offsetof(dbk_segment_header, checksum) == 56, "the header's checksum ends it");

// Numbers are on disk: never changed, never reused. 0 is what unwritten bytes say.
typedef enum dbk_encoding {
    DBK_ENCODING_ABSENT = 1,
    DBK_ENCODING_CONSTANT = 2,
    DBK_ENCODING_PACKED = 3,
    DBK_ENCODING_RADIX = 4,
    DBK_ENCODING_DECIMAL = 5,
    DBK_ENCODING_FRAMES = 6,
    DBK_ENCODING_DERIVED = 7,
    DBK_ENCODING_ASCENDING = 8,
    DBK_ENCODING_SPLIT = 9,
} dbk_encoding;

typedef struct dbk_segment_entry {
    uint8_t encoding;
    uint8_t type;
    uint16_t reserved;
    uint32_t nulls;
    uint64_t offset;
    uint64_t size;
    int64_t min;
    int64_t max;
    uint64_t sum_low;
    uint64_t sum_high;
    uint64_t checksum;
} dbk_segment_entry;
_Static_assert(sizeof(dbk_segment_entry) == 64, "a directory entry has no padding");

// What the checksum of a block is taken over.
typedef struct dbk_segment_seal {
    uint64_t id;
    uint64_t column;
    uint64_t offset;
    uint64_t size;
    uint64_t content;
} dbk_segment_seal;
_Static_assert(sizeof(dbk_segment_seal) == 40, "a seal has no padding");

typedef struct dbk_ints_header {
    uint64_t min;
    uint64_t max;
    uint64_t divisor;
    uint64_t null_vectors;
    uint64_t empty_vectors;
    uint8_t base_bytes;
    uint8_t range_bytes;
    uint8_t cut; // 1: the last vector ends with its last row
    uint8_t reserved[5];
} dbk_ints_header;
_Static_assert(sizeof(dbk_ints_header) == 48, "the header of packed numbers has no padding");

typedef struct dbk_ascending_header {
    uint64_t min;
    uint64_t max;
    uint64_t divisor;
    uint8_t base_bytes;
    uint8_t range_bytes;
    uint8_t cut; // as in packed numbers, of the low bits
    uint8_t reserved[5];
} dbk_ascending_header;
_Static_assert(sizeof(dbk_ascending_header) == 32, "the header of ascending numbers has no padding");

// Which rows of derived numbers have a number of their own. Numbers are on disk.
typedef enum dbk_presence {
    DBK_PRESENCE_ALL = 0,
    DBK_PRESENCE_BITMAP = 1,
    DBK_PRESENCE_PLACES = 2,
    DBK_PRESENCE_CODES = 3,
    DBK_PRESENCE_GAPS = 4,
} dbk_presence;

enum { DBK_DERIVED_TERMS_MAX = 6, DBK_DERIVED_DEPTH_MAX = 3, DBK_ANCHOR_CODES_MAX = 256 };

typedef struct dbk_derived_header {
    uint8_t presence;
    uint8_t anchor;
    uint8_t terms;
    uint8_t depth;
    uint32_t own;   // rows with a number of their own
    uint64_t usual; // ordinal of all others
    uint64_t unit;
    uint32_t numerator;
    uint32_t denominator;
    uint32_t codes;
    uint8_t columns[DBK_DERIVED_TERMS_MAX];
    int8_t signs[DBK_DERIVED_TERMS_MAX];
    uint8_t reserved[16];
} dbk_derived_header;
_Static_assert(sizeof(dbk_derived_header) == 64, "the header of derived numbers has no padding");

// Both patterned text codecs begin with a length and seven reserved bytes.
enum { DBK_PATTERN_HEADER = 8 };

static inline size_t dbk_segment_align(size_t at)
{
    return (at + DBK_SEGMENT_ALIGN - 1) / DBK_SEGMENT_ALIGN * DBK_SEGMENT_ALIGN;
}

// Rows of a vector of a column of so many rows.
static inline uint32_t dbk_vector_rows(uint32_t rows, uint32_t vector)
{
    uint32_t left = rows - vector * DBK_VECTOR_ROWS;
    return left < DBK_VECTOR_ROWS ? left : DBK_VECTOR_ROWS;
}

static inline uint32_t dbk_vectors(uint32_t rows)
{
    return (rows + DBK_VECTOR_ROWS - 1) / DBK_VECTOR_ROWS;
}

#endif
