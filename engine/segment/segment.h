// SPDX-License-Identifier: Apache-2.0
// A segment: up to 65,536 rows of one table, encoded once and never changed. The bytes in memory are the
// bytes of its file (docs/FORMAT.md, "Segment"): writing one is a write of them, reading one is a check of
// them, at once or, of columns of numbers, when they are first needed (proof.h).
//
// Encodings. Integers and codes: frame of reference with a common divisor per column, a base and a bit width
// per vector of 1,024 (ints.h); constants cost nothing. The time of facts is a sorted list (ascending.h);
// codes of which few are frequent are cut in two (split.h); columns that follow from others, or mostly have
// one value, keep what is not known without them (derived.h). Text: ids of a fixed pattern are split into
// numbers and packed as integers (codec "radix"); everything else is one LZ4 frame per vector. Rows are in
// the order given (the table sorts facts by time before it builds one).
#ifndef DBK_SEGMENT_H
#define DBK_SEGMENT_H

#include "engine/base/arena.h"
#include "engine/base/mask.h"
#include "engine/base/status.h"
#include "engine/schema.h"

typedef struct dbk_segment dbk_segment;

// Columns by the table's column index; members as in dbk_batch_column, but codes are the tenant's dictionary
// codes. A column without any value may be left NULL.
typedef struct dbk_segment_input {
    const dbk_table_def *table;
    uint64_t id;
    uint32_t rows; // 1..DBK_SEGMENT_ROWS
    const int64_t *ints[DBK_COLUMNS_MAX];
    const uint32_t *codes[DBK_COLUMNS_MAX];
    const dbk_text *texts[DBK_COLUMNS_MAX];
} dbk_segment_input;

// The bytes of a segment that is large are aligned to blocks of the disk, those of others to 64.
enum { DBK_SEGMENT_LARGE = 1 << 18, DBK_SEGMENT_BLOCK = 4096 };
dbk_status dbk_segment_build(const dbk_segment_input *input, dbk_segment **out, dbk_error *err);

// Checks every byte of a file (magic, version, bounds, checksums, widths, padding) and takes over `bytes`
// (allocated with aligned_alloc(64, …), at least DBK_SEGMENT_SLACK bytes longer than size) when it returns
// DBK_OK; on DBK_CORRUPT the caller keeps them. Columns that the file does not have yet read as "no value".
// When it passes, no later call on the segment can read out of bounds, and none fails but reads of texts:
// for want of memory, or when the texts have left memory (cold.h) and do not come back from disk.
enum { DBK_SEGMENT_SLACK = 64 };
dbk_status dbk_segment_open(void *bytes, size_t size, dbk_segment **out, dbk_error *err);
// Of a segment all of whose texts are in memory: of one that has no file yet, that is.
const void *dbk_segment_bytes(const dbk_segment *segment, size_t *size);
void dbk_segment_free(dbk_segment *segment);

uint64_t dbk_segment_id(const dbk_segment *segment);
const dbk_table_def *dbk_segment_table(const dbk_segment *segment);
uint32_t dbk_segment_rows(const dbk_segment *segment);
// Bytes in memory.
size_t dbk_segment_memory(const dbk_segment *segment);
// Texts of it came back from disk other than they were written.
bool dbk_segment_is_damaged(const dbk_segment *segment);
// The column is stored as a list that ascends: then no row of it has no value, or a smaller one than the row
// before. False: nothing is known.
bool dbk_segment_is_ascending(const dbk_segment *segment, int column);
// Stored bytes of one column, for reports on compression.
size_t dbk_segment_column_bytes(const dbk_segment *segment, int column);

// ---- Statistics: kept for every column of integers or codes ----

typedef struct dbk_zone_map {
    int64_t min, max; // of rows with a value; min > max when there are none
    uint32_t nulls;   // rows without a value
    dbk_i128 sum;     // of rows with a value; integers only, whole segment only
} dbk_zone_map;

void dbk_segment_zone_map(const dbk_segment *segment, int column, dbk_zone_map *out);
// Bounds only (sum is 0, nulls is an upper bound: 0 means surely none).
void dbk_segment_vector_zone_map(const dbk_segment *segment, int column, uint32_t vector, dbk_zone_map *out);

// ---- Values ----
// A vector is rows [1024 * vector, …); the calls return how many rows it has.

uint32_t dbk_segment_ints(const dbk_segment *segment, int column, uint32_t vector,
                          int64_t out[DBK_VECTOR_ROWS]);
uint32_t dbk_segment_codes(const dbk_segment *segment, int column, uint32_t vector,
                           uint32_t out[DBK_VECTOR_ROWS]);

// A vector of integers as it is packed: value = start + divisor * number, numbers below 2^width. False where
// it is not packed so, or some row has no value.
typedef struct dbk_line {
    int64_t start;
    uint64_t divisor;
    int width;
} dbk_line;
bool dbk_segment_packed(const dbk_segment *segment, int column, uint32_t vector,
                        uint32_t out[DBK_VECTOR_ROWS], dbk_line *line);
// ANDs into the mask which rows hold a value in [lo, hi], "no value" being DBK_NULL and code 0. False, and
// nothing is done, where the column is not packed so. Bits past the last row may be anything.
bool dbk_segment_between(const dbk_segment *segment, int column, uint32_t vector, int64_t lo, int64_t hi,
                         uint64_t mask[DBK_MASK_WORDS]);

// Texts of a vector. The scratch owns the decoded bytes: texts stay valid until its next use. Zero it before
// first use; dispose of it at the end.
typedef struct dbk_text_scratch {
    dbk_text texts[DBK_VECTOR_ROWS];
    char *bytes;
    size_t capacity;
} dbk_text_scratch;
// DBK_NO_MEMORY; DBK_IO and DBK_CORRUPT where texts are on disk: dbk_segment_read_failure tells the story.
dbk_status dbk_segment_texts(const dbk_segment *segment, int column, uint32_t vector,
                             dbk_text_scratch *scratch);
void dbk_text_scratch_dispose(dbk_text_scratch *scratch);
// Why the last read of texts on this thread failed: what, in which file, and what to do; for the message of
// whoever was told `status` by it. For other statuses their name.
const char *dbk_segment_read_failure(dbk_status status);

int64_t dbk_segment_int_at(const dbk_segment *segment, int column, uint32_t row);
uint32_t dbk_segment_code_at(const dbk_segment *segment, int column, uint32_t row);
// Decodes no more than it must: one row for packed ids, the row's vector otherwise (kept in the scratch, so
// that neighbouring rows cost little: the scratch remembers which vector of which segment it holds).
typedef struct dbk_text_cursor {
    const dbk_segment *segment;
    int column;
    uint32_t vector;
    dbk_text_scratch scratch;
    char single[DBK_ID_BYTES_MAX * 4];
} dbk_text_cursor;
// Makes a cursor empty by setting only what says so: zeroing its 17 KB would cost more than a look-up.
static inline void dbk_text_cursor_init(dbk_text_cursor *cursor)
{
    cursor->segment = NULL;
    cursor->column = 0;
    cursor->vector = 0;
    cursor->scratch.bytes = NULL;
    cursor->scratch.capacity = 0;
}
dbk_status dbk_segment_text_at(const dbk_segment *segment, int column, uint32_t row, dbk_text_cursor *cursor,
                               dbk_text *out);

#endif
