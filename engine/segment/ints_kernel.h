// SPDX-License-Identifier: Apache-2.0
// The loops of analysing and encoding packed numbers, over one vector of a source, in a form for each level
// of the processor (engine/base/processor.h).
#ifndef DBK_SEGMENT_INTS_KERNEL_H
#define DBK_SEGMENT_INTS_KERNEL_H

#include "engine/segment/ints.h"

// The smallest and the largest ordinal of rows with a value (min > max when there are none), and how many
// rows have none.
typedef struct dbk_ints_bounds {
    uint64_t min, max;
    uint32_t nulls;
} dbk_ints_bounds;
void dbk_ints_bound(const dbk_ints_source *source, uint32_t vector, dbk_ints_bounds *out);

// Division without a division, by one divisor d = odd * 2^shift: n * inverse, turned right by shift, is n / d
// where that is whole, and above the limit otherwise (Granlund and Montgomery 1994, section 9).
typedef struct dbk_exact_divisor {
    uint64_t divisor;
    uint64_t inverse; // of the odd part, modulo 2^64
    uint64_t limit;   // (2^64 - 1) / divisor
    int shift;
} dbk_exact_divisor;
dbk_exact_divisor dbk_exact_divisor_of(uint64_t divisor);

// Whether d divides all ordinals less min, of the rows that have a value.
bool dbk_ints_are_multiples(const dbk_ints_source *source, uint32_t vector, const dbk_exact_divisor *d,
                            uint64_t min);
// The numbers that are packed: (ordinal - min) / d - base, which is whole; rows without a value give 0 when
// `nullable`. All 1,024 entries are written, those past the last row as 0.
void dbk_ints_numbers(const dbk_ints_source *source, uint32_t vector, const dbk_exact_divisor *d,
                      uint64_t min, uint64_t base, bool nullable, uint64_t out[DBK_VECTOR_ROWS]);

// What numbers of up to 32 bits come to: the smallest and the largest, `step` subtracted from the former
// modulo 2^32, how many are 0, and their sum.
typedef struct dbk_ints_tally {
    uint32_t low, high, zeros;
    uint64_t sum;
} dbk_ints_tally;
void dbk_ints_tally_of(const uint32_t *numbers, uint32_t n, uint32_t step, dbk_ints_tally *out);

// The sum of integers, those without a value left out.
dbk_i128 dbk_ints_sum(const int64_t *ints, uint32_t rows);

#endif
