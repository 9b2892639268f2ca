// SPDX-License-Identifier: Apache-2.0
// A column of numbers that never descend and all have a value: the times that order the rows of a fact. A
// sorted list of n numbers below r has about log2(r / n) + 1.5 bits a number, however its numbers are spread;
// packed ones take log2(r) (docs/FORMAT.md, "Ascending numbers", after Elias and Fano).
//
// The low bits of a number are packed; its high part is told in a bitmap, where number i is the i-th 1 and as
// many 0s stand before it as its high part says. That also finds the first number from a bound on without
// decoding any.
#ifndef DBK_SEGMENT_ASCENDING_H
#define DBK_SEGMENT_ASCENDING_H

#include "engine/segment/ints.h"

// ---- Encoding ----

// The size of the block; SIZE_MAX when these rows cannot be stored so. `packed` is the rows' plan as packed
// numbers, which has the bounds.
size_t dbk_ascending_size(const int64_t *ints, uint32_t rows, const dbk_ints_plan *packed);
// Writes exactly that many bytes; `block` is aligned to 8 bytes.
void dbk_ascending_encode(const int64_t *ints, uint32_t rows, const dbk_ints_plan *packed, uint8_t *block);

// ---- Reading ----

typedef struct dbk_ascending_vector {
    uint64_t base;
    uint32_t range;
    uint32_t low_at;  // in units of 128 bytes behind `lows`
    uint32_t high_at; // in words behind `highs`
    uint8_t low_bits;
    bool cut; // fewer bytes of them than of 1,024 numbers: as many as its rows need
} dbk_ascending_vector;

// An opened block, which must outlive it.
typedef struct dbk_ascending {
    uint64_t min, max, divisor; // ordinals, as in ints.h
    uint32_t rows;
    dbk_u128 sum; // of the ordinals
    const uint8_t *lows;
    const uint64_t *highs;
    dbk_ascending_vector vectors[];
} dbk_ascending;

// Checks the block down to the last number. `block` is aligned to 8 bytes. The caller frees *out.
dbk_status dbk_ascending_open(const uint8_t *block, size_t size, uint32_t rows, dbk_ascending **out,
                              dbk_error *err);
size_t dbk_ascending_memory(const dbk_ascending *ascending);

// As the calls on dbk_ints; a vector of these is never without a value, and its numbers fit 32 bits.
void dbk_ascending_read(const dbk_ascending *ascending, uint32_t vector, int64_t out[DBK_VECTOR_ROWS]);
void dbk_ascending_read_packed(const dbk_ascending *ascending, uint32_t vector, uint32_t out[DBK_VECTOR_ROWS],
                               dbk_ints_line *line);
void dbk_ascending_between(const dbk_ascending *ascending, uint32_t vector, uint64_t lo, uint64_t hi,
                           uint64_t mask[DBK_MASK_WORDS]);
uint64_t dbk_ascending_at(const dbk_ascending *ascending, uint32_t row);

#endif
