// SPDX-License-Identifier: Apache-2.0
// Figures by the code of a column with many words (customers), packed: how many rows, the sum of a measure,
// the last time of each. Part of a roster (roster.h).
//
//     run ── block ── block ── …      a block has the 1,024 codes [1024 * b, …), or those of them that occur
//            top      top             and the largest count and sum that a code of the block has
//
// A block is a bitmap of the codes that are there and, for each figure, their numbers side by side in as few
// bits as the block's need: some four to six bytes a code. The tops stand in arrays of their own: whoever
// looks for the largest opens only blocks that can have one.
//
// Several runs can stand for the same rows, one holding what changed since the other was made: figures of a
// code are then the sums of theirs, and the later time. Runs and blocks are immutable once an image has them.
#ifndef DBK_TABLE_ROSTER_RUN_H
#define DBK_TABLE_ROSTER_RUN_H

#include "engine/table/versions.h"

enum { DBK_ROSTER_CODES = 1024, DBK_ROSTER_WORDS = DBK_ROSTER_CODES / 64 };

// GONE is a time, too: the latest at which a row was taken back and none of the same or a later time has been
// added since. While it is before LAST, LAST is exact; otherwise a row at LAST may be one that is no longer
// there. INT64_MIN: no such time.
typedef enum dbk_roster_figure {
    DBK_ROSTER_ROWS,
    DBK_ROSTER_SUM,
    DBK_ROSTER_LAST,
    DBK_ROSTER_GONE,
    DBK_ROSTER_FIGURES
} dbk_roster_figure;
enum { DBK_ROSTER_TOPS = DBK_ROSTER_SUM + 1 }; // figures that tops are kept of

typedef struct dbk_roster_block dbk_roster_block;

typedef struct dbk_roster_run {
    dbk_object object;
    uint32_t blocks, capacity;
    uint64_t cells;    // codes in all of them
    bool has_negative; // a sum is, or was, below 0
    // Entries of blocks, NULL and 0 where no code of the block occurs. A top is at least 0.
    dbk_roster_block **list;
    int64_t *tops[DBK_ROSTER_TOPS];
} dbk_roster_run;

// ---- Reading ----

// A block's codes are those of this bitmap, counted from the block's first code.
const uint64_t *dbk_roster_present(const dbk_roster_block *block);
// Adds rows and sums of all codes to numbers by code. False when a sum leaves 64 bits.
bool dbk_roster_unpack(const dbk_roster_block *block, int64_t rows[DBK_ROSTER_CODES],
                       int64_t sums[DBK_ROSTER_CODES]);
// A figure of one code, of those that are there.
int64_t dbk_roster_number(const dbk_roster_block *block, dbk_roster_figure figure, uint32_t code);

// ---- The writer ----

// A change of a row: it was added, or taken back.
typedef struct dbk_roster_record {
    int64_t ms, value;
    int32_t sign; // 1, -1
    int32_t month;
    uint32_t dim;  // code of the other column
    uint32_t code; // whose figures change
} dbk_roster_record;

// Puts the records, which are in the order in which they happened, and then sorted by block, into the run;
// *run may be NULL. What *run is afterwards takes its place. False when memory is out or a sum leaves 64
// bits: the run is still one, but of no use. `is_change`: the run holds changes of another, so that a code
// without rows is kept while it has a sum or a time.
bool dbk_roster_run_add(dbk_roster_run **run, dbk_versions *versions, const dbk_roster_record *const *records,
                        size_t count, bool is_change);
// Puts another run, of changes, into this one.
bool dbk_roster_run_merge(dbk_roster_run **run, dbk_versions *versions, const dbk_roster_run *changes);
// What several runs come to together; NULL when memory is out or a sum leaves 64 bits.
dbk_roster_run *dbk_roster_run_sum(dbk_versions *versions, const dbk_roster_run *const *runs, uint32_t count);
// Takes the run out of the working state; frees it at once, versions being NULL, when no image is left.
void dbk_roster_run_release(dbk_roster_run *run, dbk_versions *versions);

#endif
