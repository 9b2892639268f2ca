// SPDX-License-Identifier: Apache-2.0
// Filters write a byte a row, which every vectorizer understands, and pack eight of them into a bit mask with
// one multiplication. Each loop is compiled for two levels of the processor and chosen once at start.
#include "engine/exec/kernel.h"

#include "engine/base/wide.h"

#include <string.h>

// Eight bytes of 0 or 1 to eight bits, the first byte lowest: each product term lands in the top byte at its
// own place, and none of them carry.
static inline uint64_t pack8(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word * 0x0102040810204080u >> 56;
}

static inline void mask_bytes(uint64_t *mask, const uint8_t match[DBK_VECTOR_ROWS], uint32_t n)
{
    for (uint32_t w = 0; w * 64 < n; w++) {
        uint64_t word = 0;
        for (uint32_t k = 0; k < 8; k++)
            word |= pack8(match + w * 64 + k * 8) << (8 * k);
        mask[w] &= word;
    }
}

// Packing runs over whole words, so the bytes behind the last row are cleared first.
DBK_WIDE void dbk_mask_int_range(uint64_t mask[DBK_MASK_WORDS], const int64_t *values, uint32_t n, int64_t lo,
                                 int64_t hi)
{
    uint8_t match[DBK_VECTOR_ROWS];
    for (uint32_t i = 0; i < n; i++)
        match[i] = (uint8_t)((values[i] >= lo) & (values[i] <= hi));
    if (n % 64)
        memset(match + n, 0, 64 - n % 64);
    mask_bytes(mask, match, n);
}

DBK_WIDE void dbk_mask_int_not(uint64_t mask[DBK_MASK_WORDS], const int64_t *values, uint32_t n,
                               int64_t other)
{
    uint8_t match[DBK_VECTOR_ROWS];
    for (uint32_t i = 0; i < n; i++)
        match[i] = (uint8_t)((values[i] != DBK_NULL) & (values[i] != other));
    if (n % 64)
        memset(match + n, 0, 64 - n % 64);
    mask_bytes(mask, match, n);
}

DBK_WIDE void dbk_mask_code_is(uint64_t mask[DBK_MASK_WORDS], const uint32_t *codes, uint32_t n,
                               uint32_t code)
{
    uint8_t match[DBK_VECTOR_ROWS];
    for (uint32_t i = 0; i < n; i++)
        match[i] = (uint8_t)(codes[i] == code);
    if (n % 64)
        memset(match + n, 0, 64 - n % 64);
    mask_bytes(mask, match, n);
}

DBK_WIDE void dbk_mask_code_not(uint64_t mask[DBK_MASK_WORDS], const uint32_t *codes, uint32_t n,
                                uint32_t code)
{
    uint8_t match[DBK_VECTOR_ROWS];
    for (uint32_t i = 0; i < n; i++)
        match[i] = (uint8_t)((codes[i] != 0) & (codes[i] != code));
    if (n % 64)
        memset(match + n, 0, 64 - n % 64);
    mask_bytes(mask, match, n);
}

void dbk_mask_code_in(uint64_t mask[DBK_MASK_WORDS], const uint32_t *codes, uint32_t n, const uint64_t *bits)
{
    for (uint32_t w = 0; w * 64 < n; w++) {
        uint64_t word = 0;
        uint32_t rows = n - w * 64 < 64 ? n - w * 64 : 64;
        for (uint32_t k = 0; k < rows; k++) {
            uint32_t code = codes[w * 64 + k];
            word |= (bits[code >> 6] >> (code & 63) & 1) << k;
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

uint32_t dbk_mask_count(const uint64_t mask[DBK_MASK_WORDS])
{
    uint32_t count = 0;
    for (uint32_t w = 0; w < DBK_MASK_WORDS; w++)
        count += (uint32_t)__builtin_popcountll(mask[w]);
    return count;
}

uint32_t dbk_mask_list(const uint64_t mask[DBK_MASK_WORDS], uint16_t rows[DBK_VECTOR_ROWS])
{
    uint32_t n = 0;
    for (uint32_t w = 0; w < DBK_MASK_WORDS; w++)
        for (uint64_t word = mask[w]; word; word &= word - 1)
            rows[n++] = (uint16_t)(w * 64 + (uint32_t)__builtin_ctzll(word));
    return n;
}

DBK_WIDE int64_t dbk_sum_ints(const int64_t *values, uint32_t n)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += values[i] == DBK_NULL ? 0 : (uint64_t)values[i];
    return (int64_t)sum;
}

DBK_WIDE uint32_t dbk_count_ints(const int64_t *values, uint32_t n)
{
    uint64_t nulls = 0;
    for (uint32_t i = 0; i < n; i++)
        nulls += values[i] == DBK_NULL;
    return n - (uint32_t)nulls;
}

DBK_WIDE uint32_t dbk_count_codes(const uint32_t *codes, uint32_t n)
{
    uint32_t nulls = 0;
    for (uint32_t i = 0; i < n; i++)
        nulls += codes[i] == 0;
    return n - nulls;
}

DBK_WIDE void dbk_bounds_ints(const int64_t *values, uint32_t n, int64_t *min, int64_t *max)
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
