// SPDX-License-Identifier: Apache-2.0
// A column that is stored as what the others do not say of it (docs/FORMAT.md, "Derived numbers"): most of
// its rows have one usual value, or none, and the others have a number of their own, which is the distance
// from what columns of the same row predict. An order's delivery is stored as seconds after it was placed;
// its subtotal, which follows from its total, not at all.
//
// Values take several times as long to read as packed ones, so the builder leaves columns alone that queries
// group, filter and add up (relations.h says which may be predicted).
#ifndef DBK_SEGMENT_DERIVED_H
#define DBK_SEGMENT_DERIVED_H

#include "engine/segment/format.h"
#include "engine/segment/ints.h"
#include "engine/segment/segment.h"

// ---- Predictions ----

// What the columns of a row predict. With a denominator: the share of the terms' sum, in whole units, rounded
// half away from zero; 0 where the sum is out of reach. Without: the sum. All modulo 2^64; a term without a
// value counts as 0.
typedef struct dbk_prediction {
    uint64_t unit;
    uint32_t numerator, denominator; // denominator 0: no share
    int terms;
    uint8_t columns[DBK_DERIVED_TERMS_MAX];
    int8_t signs[DBK_DERIVED_TERMS_MAX];
} dbk_prediction;

// Larger sums are not shared out, so that no product leaves 64 bits.
#define DBK_SHARE_REACH (UINT64_C(1) << 36)
enum { DBK_SHARE_NUMERATOR_MAX = 1023, DBK_SHARE_STEP_MAX = (1 << 18) - 1 };

// Whether the share, if it is one, keeps to those limits.
bool dbk_prediction_is_sound(const dbk_prediction *p);
// The terms added up: column after column with its sign.
void dbk_prediction_add(uint64_t sums[DBK_VECTOR_ROWS], const int64_t values[DBK_VECTOR_ROWS], int sign);
// n sums become predictions.
void dbk_prediction_share(const dbk_prediction *p, uint64_t *sums, uint32_t n);
uint64_t dbk_prediction_share_of(const dbk_prediction *p, uint64_t sum);

// ---- Encoding ----

typedef struct dbk_derived_plan dbk_derived_plan;

// Which code columns may say which rows of others have a value: small ones that are stored packed.
typedef struct dbk_anchors {
    int count;
    uint8_t columns[DBK_COLUMNS_MAX];
    uint32_t min[DBK_COLUMNS_MAX]; // the smallest code of each
} dbk_anchors;
// True when the column is small enough to be one.
bool dbk_anchor_fits(const dbk_ints_plan *packed);

// *out is NULL where nothing is gained worth the time it costs to read. DBK_NO_MEMORY or DBK_OK.
dbk_status dbk_derived_choose(const dbk_segment_input *input, int column, const dbk_ints_plan *packed,
                              const dbk_anchors *anchors, dbk_derived_plan **out, dbk_error *err);
size_t dbk_derived_size(const dbk_derived_plan *plan);
// The columns that reading needs, as a set of bits.
uint32_t dbk_derived_references(const dbk_derived_plan *plan);
// `depth` is one more than that of the deepest reference. Writes exactly dbk_derived_size bytes.
void dbk_derived_encode(const dbk_derived_plan *plan, int depth, uint8_t *block);
// NULL is fine.
void dbk_derived_forget(dbk_derived_plan *plan);

// ---- Reading ----

typedef struct dbk_derived dbk_derived;

// The depth that a block claims; -1 when there is no header.
int dbk_derived_depth(const uint8_t *block, size_t size);
// Checks the block, whose references are open, down to the last value; the zone map becomes that of the rows.
dbk_status dbk_derived_open(const dbk_segment *segment, int column, const uint8_t *block, size_t size,
                            dbk_derived **out, dbk_zone_map *truth, dbk_error *err);
// NULL is fine.
void dbk_derived_close(dbk_derived *derived);
size_t dbk_derived_memory(const dbk_derived *derived);

void dbk_derived_ints(const dbk_segment *segment, const dbk_derived *derived, uint32_t vector,
                      int64_t out[DBK_VECTOR_ROWS]);
void dbk_derived_codes(const dbk_derived *derived, uint32_t vector, uint32_t out[DBK_VECTOR_ROWS]);
int64_t dbk_derived_int_at(const dbk_segment *segment, const dbk_derived *derived, uint32_t row);
uint32_t dbk_derived_code_at(const dbk_derived *derived, uint32_t row);
// Which rows of a vector have a number of their own, in a column where not all have one. None past the last
// row.
const uint64_t *dbk_derived_bits(const dbk_derived *derived, uint32_t vector);
// ANDs into the mask which rows of a vector have an ordinal in [lo, hi], where that follows from which rows
// have a value. False where it does not, and nothing was done.
bool dbk_derived_between(const dbk_derived *derived, uint32_t vector, uint64_t lo, uint64_t hi,
                         uint64_t mask[DBK_MASK_WORDS]);
// Nulls of a vector; its bounds are those of the segment.
uint32_t dbk_derived_nulls(const dbk_derived *derived, uint32_t vector);

#endif
