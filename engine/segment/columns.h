// SPDX-License-Identifier: Apache-2.0
// What a segment is made of in memory: shared by the builder, the opener and the reads, of no interest to
// anybody else.
#ifndef DBK_SEGMENT_COLUMNS_H
#define DBK_SEGMENT_COLUMNS_H

#include "engine/segment/ascending.h"
#include "engine/segment/derived.h"
#include "engine/segment/format.h"
#include "engine/segment/ints.h"
#include "engine/segment/segment.h"
#include "engine/segment/split.h"
#include "engine/segment/text.h"

typedef struct dbk_segment_column {
    dbk_encoding encoding;
    dbk_zone_map zone_map;
    size_t stored_size;          // block and directory entry; 0 when the file does not have the column
    dbk_ints *ints;              // DBK_ENCODING_PACKED
    dbk_ascending *ascending;    // DBK_ENCODING_ASCENDING
    dbk_split *split;            // DBK_ENCODING_SPLIT
    dbk_derived *derived;        // DBK_ENCODING_DERIVED
    int depth;                   // how far its references go: 0 when it has none
    const dbk_text_codec *codec; // encodings of texts
    _Atomic(void *) texts; // NULL while the column was not opened: absent, or left on disk (residence.h)
} dbk_segment_column;

typedef struct dbk_residence dbk_residence; // residence.h

struct dbk_segment {
    const dbk_table_def *table;
    uint64_t id;
    uint32_t rows;
    uint8_t *bytes;
    size_t size, cold;        // texts begin at `cold`
    size_t memory;            // of everything but the bytes
    dbk_residence *residence; // NULL: all of it stays in memory
    dbk_segment_column columns[DBK_COLUMNS_MAX];
};

// The checksum that the directory keeps of a block.
uint64_t dbk_segment_seal_of(uint64_t id, int column, const uint8_t *bytes, const dbk_segment_entry *entry);

#endif
