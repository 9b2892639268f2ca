// SPDX-License-Identifier: Apache-2.0
// A column of numbers: frame of reference with a common divisor, a base and a width per vector
// (docs/FORMAT.md, "Packed numbers").
//
// The codec knows only ordinals, unsigned numbers in the order of what they stand for: an int64 is moved up
// by 2^63, a code and the limb of an id stand for themselves. In nullable columns ordinal 0 is "no value",
// which is where DBK_NULL and code 0 land by themselves.
#ifndef DBK_SEGMENT_INTS_H
#define DBK_SEGMENT_INTS_H

#include "engine/base/mask.h"
#include "engine/base/status.h"
#include "engine/base/types.h"

#define DBK_INT_BIAS (UINT64_C(1) << 63)

// ---- Encoding ----

// A column to encode: one of the three pointers is set.
typedef struct dbk_ints_source {
    const int64_t *ints;
    const uint32_t *codes;
    const uint64_t *ordinals;
    uint32_t rows;
    bool nullable;
} dbk_ints_source;

// What the analysis finds and the encoder follows, so that `size` cannot lie.
typedef struct dbk_ints_plan {
    size_t size; // of the block: a multiple of 64
    uint32_t nulls;
    uint64_t min, max; // of rows with a value; min > max when there are none
    uint64_t divisor;
    uint64_t null_vectors, empty_vectors;
    int base_bytes, range_bytes;
    uint64_t base[DBK_SEGMENT_VECTORS], range[DBK_SEGMENT_VECTORS];
} dbk_ints_plan;

void dbk_ints_analyze(const dbk_ints_source *source, dbk_ints_plan *plan);
// Writes exactly plan->size bytes; `block` is aligned to 8 bytes. Some row has a value.
void dbk_ints_encode(const dbk_ints_source *source, const dbk_ints_plan *plan, uint8_t *block);

// ---- Reading ----

typedef struct dbk_ints_vector {
    uint64_t base, range;
    uint16_t at; // in units of 128 bytes behind `packed`
    uint8_t width;
    bool has_nulls, empty;
    bool cut; // fewer bytes than its width says: as many as its rows need
} dbk_ints_vector;

// An opened block, which must outlive it.
typedef struct dbk_ints {
    uint64_t min, max, divisor;
    uint32_t rows, nulls;
    dbk_u128 sum; // of the ordinals of rows with a value
    const uint8_t *packed;
    size_t size; // of the block
    dbk_ints_vector vectors[];
} dbk_ints;

// Checks the block at the start of `size` bytes down to the last packed number and notes what reading needs.
// `block` is aligned to 8 bytes. The caller frees *out.
dbk_status dbk_ints_open(const uint8_t *block, size_t size, uint32_t rows, bool nullable, dbk_ints **out,
                         dbk_error *err);
size_t dbk_ints_memory(const dbk_ints *ints);

// Each call writes all 1,024 entries; those past the last row are undefined. Results are ordinals less bias,
// modulo 2^64: DBK_INT_BIAS makes them integers again.
void dbk_ints_read(const dbk_ints *ints, uint32_t vector, uint64_t bias, uint64_t out[DBK_VECTOR_ROWS]);
// For columns whose ordinals fit 32 bits.
void dbk_ints_read32(const dbk_ints *ints, uint32_t vector, uint32_t out[DBK_VECTOR_ROWS]);

// The vector as it is packed: ordinal = start + divisor * number, modulo 2^64. False, and nothing is written,
// where a row has no value or numbers are wider than 32 bits.
typedef struct dbk_ints_line {
    uint64_t start, divisor;
    int width; // numbers are below 2^width
} dbk_ints_line;
bool dbk_ints_read_packed(const dbk_ints *ints, uint32_t vector, uint32_t out[DBK_VECTOR_ROWS],
                          dbk_ints_line *line);
// ANDs into the mask which rows have an ordinal in [lo, hi], "no value" being 0. False, and nothing is done,
// where numbers are wider than 32 bits. Bits past the last row may be anything.
bool dbk_ints_between(const dbk_ints *ints, uint32_t vector, uint64_t lo, uint64_t hi,
                      uint64_t mask[DBK_MASK_WORDS]);
uint64_t dbk_ints_at(const dbk_ints *ints, uint32_t row);
// The bytes of the block that these look at for rows of a vector; returns how many.
size_t dbk_ints_needs(const dbk_ints *ints, uint32_t vector, const uint8_t **from);

#endif
