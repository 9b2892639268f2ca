// SPDX-License-Identifier: Apache-2.0
// What a segment is made of in memory: shared by the builder, the opener and the reads, of no interest to
// anybody else.
#ifndef DBK_SEGMENT_COLUMNS_H
#define DBK_SEGMENT_COLUMNS_H

#include "engine/segment/ascending.h"
#include "engine/segment/derived.h"
#include "engine/segment/format.h"
#include "engine/segment/ints.h"
#include "engine/segment/proof.h"
#include "engine/segment/split.h"
#include "engine/segment/text.h"

typedef struct dbk_segment_column {
    // Numbers: what follows is what reads may rely on. Until then only the directory's word is known
    // (proof.h).
    _Atomic bool is_proved;
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
typedef struct dbk_late dbk_late;           // proof.c

struct dbk_segment {
    const dbk_table_def *table;
    uint64_t id;
    uint32_t rows;
    uint8_t *bytes;
    size_t size, cold;        // texts begin at `cold`
    _Atomic size_t memory;    // of everything but the bytes
    dbk_residence *residence; // NULL: all of it stays in memory
    dbk_late *late;           // NULL: every column was proved when the segment was opened
    dbk_segment_column columns[DBK_COLUMNS_MAX];
};

// The checksum that the directory keeps of a block.
uint64_t dbk_segment_seal_of(uint64_t id, int column, const uint8_t *bytes, const dbk_segment_entry *entry);

// Opens a column of numbers whose block has passed its checksum, down to its last value, and compares its
// statistics. What it refers to is proved, or is when it is asked for. After a failure the column has
// nothing.
dbk_status dbk_segment_open_numbers(dbk_segment *segment, int column, const dbk_segment_entry *entry,
                                    const uint8_t *block, dbk_error *err);
// What the opened column takes beside its bytes.
size_t dbk_segment_column_memory(const dbk_segment_column *column);
// A column in which no row has a value, whatever it was before.
void dbk_segment_column_clear(dbk_segment_column *column, uint32_t rows);

// ---- proof.c ----

// Room for what is proved later; NULL: no memory.
dbk_late *dbk_late_create(dbk_segment *segment);
void dbk_late_free(dbk_late *late);
size_t dbk_late_memory(void);
// What a read does that finds a column not proved.
void dbk_late_need(dbk_late *late, int column);

#endif
