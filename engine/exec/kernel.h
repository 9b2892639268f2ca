// SPDX-License-Identifier: Apache-2.0
// The inner loops: plain pointers and lengths, shaped for the vectorizer.
#ifndef DBK_EXEC_KERNEL_H
#define DBK_EXEC_KERNEL_H

#include "engine/base/mask.h"

// Each ANDs into the mask which of n rows match; bits past n are not meant and may be anything.
void dbk_mask_int_range(uint64_t mask[DBK_MASK_WORDS], const int64_t *values, uint32_t n, int64_t lo,
                        int64_t hi);
// Rows with a value other than this one.
void dbk_mask_int_not(uint64_t mask[DBK_MASK_WORDS], const int64_t *values, uint32_t n, int64_t other);
void dbk_mask_code_is(uint64_t mask[DBK_MASK_WORDS], const uint32_t *codes, uint32_t n, uint32_t code);
void dbk_mask_code_not(uint64_t mask[DBK_MASK_WORDS], const uint32_t *codes, uint32_t n, uint32_t code);
// Codes whose bit is set; the bits must reach as far as the codes.
void dbk_mask_code_in(uint64_t mask[DBK_MASK_WORDS], const uint32_t *codes, uint32_t n, const uint64_t *bits);
// Keeps rows [from, to) only.
void dbk_mask_rows(uint64_t mask[DBK_MASK_WORDS], uint32_t from, uint32_t to);

// How many bits are set.
uint32_t dbk_mask_count(const uint64_t mask[DBK_MASK_WORDS]);
// The rows whose bits are set, ascending; returns how many.
uint32_t dbk_mask_list(const uint64_t mask[DBK_MASK_WORDS], uint16_t rows[DBK_VECTOR_ROWS]);

// The values of the rows in the mask: `count` of them, which `rows` lists. `out` has room for a vector.
void dbk_pick_codes(const uint32_t *values, const uint64_t mask[DBK_MASK_WORDS], const uint16_t *rows,
                    uint32_t count, uint32_t *out);
void dbk_pick_ints(const int64_t *values, const uint64_t mask[DBK_MASK_WORDS], const uint16_t *rows,
                   uint32_t count, int64_t *out);

// Clears the bytes of rows whose group and value are those of the row so far before them. Whether the value
// alone is, of any row.
bool dbk_drop_pairs(const uint32_t *groups, const uint32_t *values, uint32_t n, uint32_t distance,
                    uint8_t *kept);
// How many bits are set in words of any number.
uint64_t dbk_count_bits(const uint64_t *words, size_t n);
// base + code * weight of each.
void dbk_scale_codes(const uint32_t *codes, uint32_t n, uint32_t weight, uint32_t base, uint32_t *out);
// The sum of numbers.
uint64_t dbk_sum_numbers(const uint32_t *numbers, uint32_t n);
// The sums of runs of numbers that stand one after the other, each up to its end.
void dbk_sum_runs(const uint32_t *numbers, const uint32_t *ends, uint32_t runs, uint64_t *sums);
// The sum of those with a value; the caller knows that it fits.
int64_t dbk_sum_ints(const int64_t *values, uint32_t n);
uint32_t dbk_count_ints(const int64_t *values, uint32_t n);
uint32_t dbk_count_codes(const uint32_t *codes, uint32_t n);
// Smallest and largest of those with a value; *min > *max when there are none.
void dbk_bounds_ints(const int64_t *values, uint32_t n, int64_t *min, int64_t *max);
// Smallest and largest of n codes, n > 0.
void dbk_bounds_codes(const uint32_t *codes, uint32_t n, uint32_t *min, uint32_t *max);
// The first index whose value is not below the bound, of ascending values.
uint32_t dbk_lower_bound(const int64_t *values, uint32_t n, int64_t bound);
// … where it is expected among the first few hundred.
uint32_t dbk_near_bound(const int64_t *values, uint32_t n, int64_t bound);

#endif
