// SPDX-License-Identifier: Apache-2.0
// The newest rows of a table, not yet sealed into a segment: uncompressed columns, in chunks of 1,024 rows.
// The writer appends; readers see the rows below the count of their snapshot, which never change.
//
// Most rows have a value in a third of their columns. A column without any in a chunk is the same constant
// memory for all; once it gets one, it gets memory of its own, which says the same of the rows before.
//
// A table of a few rows should cost a few KiB, so a delta begins with one chunk of 16 rows. When it is full,
// dbk_delta_enlarge copies it into one with a larger chunk, which takes its place.
#ifndef DBK_TABLE_DELTA_H
#define DBK_TABLE_DELTA_H

#include "engine/base/arena.h"
#include "engine/schema.h"
#include "engine/table/links.h"
#include "engine/table/versions.h"

typedef struct dbk_delta_chunk {
    struct dbk_delta_piece *pieces; // where the columns with values are
    _Atomic(void *) columns[];
} dbk_delta_chunk;

typedef struct dbk_delta {
    dbk_object object;
    const dbk_table_def *table;
    uint32_t rows;       // the writer's
    uint32_t chunk_rows; // 16 or 128 in a delta of one chunk, else 1,024
    dbk_delta_chunk *chunks[DBK_SEGMENT_VECTORS];
    dbk_arena texts;
    _Atomic(dbk_hot_links *) links; // the readers'
} dbk_delta;

// Where appended rows come from: columns as in dbk_segment_input, NULL for those without any value; row i of
// the delta's new rows is row rows[i] of the columns (i itself when rows is NULL). Codes are the tenant's.
typedef struct dbk_delta_input {
    const int64_t *ints[DBK_COLUMNS_MAX];
    const uint32_t *codes[DBK_COLUMNS_MAX];
    const dbk_text *texts[DBK_COLUMNS_MAX];
    const uint32_t *rows;
} dbk_delta_input;

dbk_delta *dbk_delta_create(dbk_versions *versions, const dbk_table_def *table);
// The rows that the delta could take with its present chunk size.
static inline uint32_t dbk_delta_capacity(const dbk_delta *delta)
{
    return delta->chunk_rows < DBK_VECTOR_ROWS ? delta->chunk_rows : DBK_SEGMENT_ROWS;
}
// A copy of the delta that can take `more` rows. NULL when memory is out.
dbk_delta *dbk_delta_enlarge(dbk_versions *versions, const dbk_delta *delta, uint32_t more);

// Chunks and text for `more` rows of such input within the capacity; *text gets room for text_bytes. false:
// no memory.
bool dbk_delta_reserve(dbk_delta *delta, const dbk_delta_input *input, uint32_t more, size_t text_bytes,
                       char **text);
size_t dbk_delta_text_bytes(const dbk_table_def *table, const dbk_delta_input *input, uint32_t from,
                            uint32_t count);
// Appends rows [from, from + count) of the input. `text` as reserved for them.
void dbk_delta_append(dbk_delta *delta, const dbk_delta_input *input, uint32_t from, uint32_t count,
                      char *text);

// The column's values of a chunk: int64_t, uint32_t or dbk_text by the column's type.
static inline const void *dbk_delta_column(const dbk_delta *delta, int column, uint32_t vector)
{
    return atomic_load_explicit(&delta->chunks[vector]->columns[column], memory_order_acquire);
}
// Bytes of its columns and texts.
uint64_t dbk_delta_memory(const dbk_delta *delta);
static inline int64_t dbk_delta_int(const dbk_delta *delta, int column, uint32_t row)
{
    return ((const int64_t *)dbk_delta_column(delta, column, row / DBK_VECTOR_ROWS))[row % DBK_VECTOR_ROWS];
}
static inline uint32_t dbk_delta_code(const dbk_delta *delta, int column, uint32_t row)
{
    return ((const uint32_t *)dbk_delta_column(delta, column, row / DBK_VECTOR_ROWS))[row % DBK_VECTOR_ROWS];
}
static inline dbk_text dbk_delta_text(const dbk_delta *delta, int column, uint32_t row)
{
    return ((const dbk_text *)dbk_delta_column(delta, column, row / DBK_VECTOR_ROWS))[row % DBK_VECTOR_ROWS];
}

#endif
