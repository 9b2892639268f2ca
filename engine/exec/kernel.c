// SPDX-License-Identifier: Apache-2.0
// Filters write a byte a row, which every vectorizer understands, and pack eight of them into a bit mask with
// one multiplication.
#include "engine/exec/kernel.h"

#include "engine/base/processor.h"

DBK_BODY void dbk_mask_int_range_body(uint64_t mask[DBK_MASK_WORDS], const int64_t *values, uint32_t n,
                                      int64_t lo, int64_t hi)
{
    uint8_t match[DBK_VECTOR_ROWS];
    for (uint32_t i = 0; i < n; i++)
        match[i] = (uint8_t)((values[i] >= lo) & (values[i] <= hi));
    dbk_mask_and_bytes(mask, match, n);
}
DBK_EACH_LEVEL(void, dbk_mask_int_range,
               (uint64_t mask[DBK_MASK_WORDS], const int64_t *values, uint32_t n, int64_t lo, int64_t hi),
               (mask, values, n, lo, hi))

DBK_BODY void dbk_mask_int_not_body(uint64_t mask[DBK_MASK_WORDS], const int64_t *values, uint32_t n,
                                    int64_t other)
{
    uint8_t match[DBK_VECTOR_ROWS];
    for (uint32_t i = 0; i < n; i++)
        match[i] = (uint8_t)((values[i] != DBK_NULL) & (values[i] != other));
    dbk_mask_and_bytes(mask, match, n);
}
DBK_EACH_LEVEL(void, dbk_mask_int_not,
               (uint64_t mask[DBK_MASK_WORDS], const int64_t *values, uint32_t n, int64_t other),
               (mask, values, n, other))

DBK_BODY void dbk_mask_code_is_body(uint64_t mask[DBK_MASK_WORDS], const uint32_t *codes, uint32_t n,
                                    uint32_t code)
{
    uint8_t match[DBK_VECTOR_ROWS];
    for (uint32_t i = 0; i < n; i++)
        match[i] = (uint8_t)(codes[i] == code);
    dbk_mask_and_bytes(mask, match, n);
}
DBK_EACH_LEVEL(void, dbk_mask_code_is,
               (uint64_t mask[DBK_MASK_WORDS], const uint32_t *codes, uint32_t n, uint32_t code),
               (mask, codes, n, code))

DBK_BODY void dbk_mask_code_not_body(uint64_t mask[DBK_MASK_WORDS], const uint32_t *codes, uint32_t n,
                                     uint32_t code)
{
    uint8_t match[DBK_VECTOR_ROWS];
    for (uint32_t i = 0; i < n; i++)
        match[i] = (uint8_t)((codes[i] != 0) & (codes[i] != code));
    dbk_mask_and_bytes(mask, match, n);
}
DBK_EACH_LEVEL(void, dbk_mask_code_not,
               (uint64_t mask[DBK_MASK_WORDS], const uint32_t *codes, uint32_t n, uint32_t code),
               (mask, codes, n, code))

// Whether a row's bit stands is asked for all rows of a word at once, or, where few are left, of those.
void dbk_mask_code_in(uint64_t mask[DBK_MASK_WORDS], const uint32_t *codes, uint32_t n, const uint64_t *bits)
{
    enum { FEW_ROWS = 20 };
    for (uint32_t w = 0; w * 64 < n; w++) {
        uint64_t word = 0, left = mask[w];
        uint32_t rows = n - w * 64 < 64 ? n - w * 64 : 64;
        if (rows == 64 && __builtin_popcountll(left) <= FEW_ROWS) {
            for (; left; left &= left - 1) {
                const uint32_t code = codes[w * 64 + (uint32_t)__builtin_ctzll(left)];
                word |= (0 - (bits[code >> 6] >> (code & 63) & 1)) & left & -left;
            }
        } else {
            for (uint32_t k = 0; k < rows; k++) {
                const uint32_t code = codes[w * 64 + k];
                word |= (bits[code >> 6] >> (code & 63) & 1) << k;
            }
        }
        mask[w] &= word;
    }
}

void dbk_mask_rows(uint64_t mask[DBK_MASK_WORDS], uint32_t from, uint32_t to)
{
    for (uint32_t w = 0; w < DBK_MASK_WORDS; w++) {
        uint32_t first = w * 64, last = first + 64;
        if (last <= from || first >= to) {
            mask[w] = 0;
            continue;
        }
        if (from > first)
            mask[w] &= UINT64_MAX << (from - first);
        if (to < last)
            mask[w] &= UINT64_MAX >> (last - to);
    }
}

DBK_BODY uint32_t dbk_mask_count_body(const uint64_t mask[DBK_MASK_WORDS])
{
    uint32_t count = 0;
    for (uint32_t w = 0; w < DBK_MASK_WORDS; w++)
        count += (uint32_t)__builtin_popcountll(mask[w]);
    return count;
}
DBK_EACH_LEVEL(uint32_t, dbk_mask_count, (const uint64_t mask[DBK_MASK_WORDS]), (mask))

DBK_BODY bool dbk_drop_pairs_body(const uint32_t *groups, const uint32_t *values, uint32_t n,
                                  uint32_t distance, uint8_t *restrict kept)
{
    uint32_t any = 0;
    for (uint32_t i = distance; i < n; i++) {
        const uint32_t value = values[i] == values[i - distance];
        const uint32_t group = groups[i] == groups[i - distance];
        any |= value;
        kept[i] &= (uint8_t) ~(value & group);
    }
    return any;
}
DBK_EACH_LEVEL(bool, dbk_drop_pairs,
               (const uint32_t *groups, const uint32_t *values, uint32_t n, uint32_t distance, uint8_t *kept),
               (groups, values, n, distance, kept))

DBK_BODY uint64_t dbk_count_bits_body(const uint64_t *words, size_t n)
{
    uint64_t count = 0;
    for (size_t w = 0; w < n; w++)
        count += (uint64_t)__builtin_popcountll(words[w]);
    return count;
}
DBK_EACH_LEVEL(uint64_t, dbk_count_bits, (const uint64_t *words, size_t n), (words, n))

DBK_BODY void dbk_scale_codes_body(const uint32_t *codes, uint32_t n, uint32_t weight, uint32_t base,
                                   uint32_t *out)
{
    for (uint32_t i = 0; i < n; i++)
        out[i] = base + codes[i] * weight;
}
DBK_EACH_LEVEL(void, dbk_scale_codes,
               (const uint32_t *codes, uint32_t n, uint32_t weight, uint32_t base, uint32_t *out),
               (codes, n, weight, base, out))

DBK_BODY uint64_t dbk_sum_numbers_body(const uint32_t *numbers, uint32_t n)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += numbers[i];
    return sum;
}
DBK_EACH_LEVEL(uint64_t, dbk_sum_numbers, (const uint32_t *numbers, uint32_t n), (numbers, n))

DBK_BODY void dbk_sum_runs_body(const uint32_t *numbers, const uint32_t *ends, uint32_t runs, uint64_t *sums)
{
    uint32_t i = 0;
    for (uint32_t run = 0; run < runs; run++) {
        uint64_t sum = 0;
        for (; i < ends[run]; i++)
            sum += numbers[i];
        sums[run] = sum;
    }
}
DBK_EACH_LEVEL(void, dbk_sum_runs,
               (const uint32_t *numbers, const uint32_t *ends, uint32_t runs, uint64_t *sums),
               (numbers, ends, runs, sums))

DBK_BODY int64_t dbk_sum_ints_body(const int64_t *values, uint32_t n)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += values[i] == DBK_NULL ? 0 : (uint64_t)values[i];
    return (int64_t)sum;
}
DBK_EACH_LEVEL(int64_t, dbk_sum_ints, (const int64_t *values, uint32_t n), (values, n))

DBK_BODY uint32_t dbk_count_ints_body(const int64_t *values, uint32_t n)
{
    uint64_t nulls = 0;
    for (uint32_t i = 0; i < n; i++)
        nulls += values[i] == DBK_NULL;
    return n - (uint32_t)nulls;
}
DBK_EACH_LEVEL(uint32_t, dbk_count_ints, (const int64_t *values, uint32_t n), (values, n))

DBK_BODY uint32_t dbk_count_codes_body(const uint32_t *codes, uint32_t n)
{
    uint32_t nulls = 0;
    for (uint32_t i = 0; i < n; i++)
        nulls += codes[i] == 0;
    return n - nulls;
}
DBK_EACH_LEVEL(uint32_t, dbk_count_codes, (const uint32_t *codes, uint32_t n), (codes, n))

DBK_BODY void dbk_bounds_ints_body(const int64_t *values, uint32_t n, int64_t *min, int64_t *max)
{
    int64_t lo = INT64_MAX, hi = INT64_MIN;
    for (uint32_t i = 0; i < n; i++) {
        int64_t low = values[i] == DBK_NULL ? INT64_MAX : values[i];
        lo = low < lo ? low : lo;
        hi = values[i] > hi ? values[i] : hi;
    }
    *min = lo;
    *max = hi;
}
DBK_EACH_LEVEL(void, dbk_bounds_ints, (const int64_t *values, uint32_t n, int64_t *min, int64_t *max),
               (values, n, min, max))

DBK_BODY void dbk_bounds_codes_body(const uint32_t *codes, uint32_t n, uint32_t *min, uint32_t *max)
{
    uint32_t lo = codes[0], hi = codes[0];
    for (uint32_t i = 1; i < n; i++) {
        lo = codes[i] < lo ? codes[i] : lo;
        hi = codes[i] > hi ? codes[i] : hi;
    }
    *min = lo;
    *max = hi;
}
DBK_EACH_LEVEL(void, dbk_bounds_codes, (const uint32_t *codes, uint32_t n, uint32_t *min, uint32_t *max),
               (codes, n, min, max))

uint32_t dbk_lower_bound(const int64_t *values, uint32_t n, int64_t bound)
{
    uint32_t low = 0;
    while (n > 0) {
        uint32_t half = n / 2;
        if (values[low + half] < bound) {
            low += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return low;
}

// Comparing a block of neighbours takes less than one step of halving that is guessed wrong.
DBK_BODY uint32_t dbk_near_bound_body(const int64_t *values, uint32_t n, int64_t bound)
{
    enum { BLOCK = 32 };
    uint32_t i = 0;
    while (i + BLOCK <= n && values[i + BLOCK - 1] < bound)
        i += BLOCK;
    const uint32_t rest = n - i < BLOCK ? n - i : BLOCK;
    uint64_t below = 0;
    if (rest == BLOCK)
        for (uint32_t k = 0; k < BLOCK; k++)
            below += values[i + k] < bound;
    else
        for (uint32_t k = 0; k < rest; k++)
            below += values[i + k] < bound;
    return i + (uint32_t)below;
}
DBK_EACH_LEVEL(uint32_t, dbk_near_bound, (const int64_t *values, uint32_t n, int64_t bound),
               (values, n, bound))
