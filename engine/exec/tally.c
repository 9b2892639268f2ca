// SPDX-License-Identifier: Apache-2.0
// What holds a group query back is neither the additions nor the memory, but rows of one group that follow
// one another: each must wait for the store of the one before. Hence banks, and registers.
#include "engine/exec/tally.h"

#include "engine/base/processor.h"

#include <assert.h>
#include <string.h>

// ---- Few groups ----

// Four banks by turns, which wait for one another four times less. The sum of a vector's numbers of 32 bits
// has 42, so that the count fits above it in the same word.
enum { BANKS = 4, COUNT_SHIFT = 42 };

static void tally_few(const uint32_t *groups, uint32_t low, uint32_t span, const uint32_t *numbers,
                      uint32_t n, uint32_t *counts, uint64_t *sums)
{
    const uint64_t one = (uint64_t)1 << COUNT_SHIFT;
    uint64_t banks[BANKS][DBK_FEW_GROUPS];
    for (uint32_t b = 0; b < BANKS; b++)
        memset(banks[b], 0, span * sizeof banks[b][0]);
    uint32_t i = 0;
    for (; i + BANKS <= n; i += BANKS)
        for (uint32_t b = 0; b < BANKS; b++)
            banks[b][groups[i + b] - low] += one | numbers[i + b];
    for (; i < n; i++)
        banks[0][groups[i] - low] += one | numbers[i];
    for (uint32_t g = 0; g < span; g++) {
        uint64_t both = banks[0][g] + banks[1][g] + banks[2][g] + banks[3][g];
        counts[g] = (uint32_t)(both >> COUNT_SHIFT);
        sums[g] = both & (one - 1);
    }
}

#if DBK_HAS_LEVELS
#include <immintrin.h>

// A register for each group: rows are compared with the group's index, and those that are of it are added
// under the mask. A lane sees 64 rows at most, so that a sum of numbers of `width` bits takes width + 6 and
// a count 7 above them.
enum { LANES = 16, LANE_BITS = 6, REGISTER_WIDTH = 32 - LANE_BITS - 7 };

DBK_AVX512 static inline __attribute__((always_inline)) void
tally_512(const int registers, const uint32_t *groups, uint32_t low, uint32_t span, const uint32_t *numbers,
          uint32_t n, int width, uint32_t *counts, uint64_t *sums)
{
    const __m512i one = _mm512_set1_epi32(1 << (width + LANE_BITS)), first = _mm512_set1_epi32((int)low);
    __m512i tally[16], group[16];
#pragma GCC unroll 16
    for (int r = 0; r < registers; r++) {
        tally[r] = _mm512_setzero_si512();
        group[r] = _mm512_add_epi32(first, _mm512_set1_epi32(r));
    }
    uint32_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        const __m512i of = _mm512_loadu_si512(groups + i);
        const __m512i more = _mm512_or_si512(one, _mm512_loadu_si512(numbers + i));
#pragma GCC unroll 16
        for (int r = 0; r < registers; r++)
            tally[r] = _mm512_mask_add_epi32(tally[r], _mm512_cmpeq_epi32_mask(of, group[r]), tally[r], more);
    }
    if (i < n) {
        const __mmask16 rest = (__mmask16)(0xFFFFu >> (LANES - (n - i)));
        const __m512i of = _mm512_maskz_loadu_epi32(rest, groups + i);
        const __m512i more = _mm512_or_si512(one, _mm512_maskz_loadu_epi32(rest, numbers + i));
#pragma GCC unroll 16
        for (int r = 0; r < registers; r++)
            tally[r] = _mm512_mask_add_epi32(tally[r], _mm512_mask_cmpeq_epi32_mask(rest, of, group[r]),
                                             tally[r], more);
    }
    const __m128i shift = _mm_cvtsi32_si128(width + LANE_BITS);
    const __m512i low_bits = _mm512_sub_epi32(one, _mm512_set1_epi32(1));
#pragma GCC unroll 16
    for (int r = 0; r < registers; r++) {
        if ((uint32_t)r >= span)
            break;
        counts[r] = (uint32_t)_mm512_reduce_add_epi32(_mm512_srl_epi32(tally[r], shift));
        sums[r] = (uint32_t)_mm512_reduce_add_epi32(_mm512_and_si512(tally[r], low_bits));
    }
}

DBK_AVX512 static void tally_4(const uint32_t *groups, uint32_t low, uint32_t span, const uint32_t *numbers,
                               uint32_t n, int width, uint32_t *counts, uint64_t *sums)
{
    tally_512(4, groups, low, span, numbers, n, width, counts, sums);
}

DBK_AVX512 static void tally_8(const uint32_t *groups, uint32_t low, uint32_t span, const uint32_t *numbers,
                               uint32_t n, int width, uint32_t *counts, uint64_t *sums)
{
    tally_512(8, groups, low, span, numbers, n, width, counts, sums);
}

DBK_AVX512 static void tally_12(const uint32_t *groups, uint32_t low, uint32_t span, const uint32_t *numbers,
                                uint32_t n, int width, uint32_t *counts, uint64_t *sums)
{
    tally_512(12, groups, low, span, numbers, n, width, counts, sums);
}
#endif

void dbk_tally_few(const uint32_t *groups, uint32_t low, uint32_t span, const uint32_t *numbers, uint32_t n,
                   int width, uint32_t counts[DBK_FEW_GROUPS], uint64_t sums[DBK_FEW_GROUPS])
{
    assert(span <= DBK_FEW_GROUPS && n <= DBK_VECTOR_ROWS);
#if DBK_HAS_LEVELS
    if (span <= 12 && width <= REGISTER_WIDTH && dbk_level_used() == DBK_LEVEL_AVX512) {
        (span <= 4   ? tally_4
         : span <= 8 ? tally_8
                     : tally_12)(groups, low, span, numbers, n, width, counts, sums);
        return;
    }
#endif
    (void)width;
    tally_few(groups, low, span, numbers, n, counts, sums);
}

// ---- Many groups ----

// Far enough for a line to arrive from the third cache, near enough to fit the first.
enum { AHEAD = 24 };

typedef int64_t pair __attribute__((vector_size(16), may_alias));

static inline __attribute__((always_inline)) void add(dbk_tally *tally, int64_t value)
{
    pair *both = (pair *)tally;
    *both += (pair){1, value};
}

void dbk_tally_packed(dbk_tally *tallies, const uint32_t *groups, const uint32_t *numbers, uint32_t n,
                      const dbk_line *line, bool far)
{
    uint32_t i = 0;
    for (; far && i + AHEAD < n; i++) {
        __builtin_prefetch(&tallies[groups[i + AHEAD]], 1);
        add(&tallies[groups[i]], (int64_t)((uint64_t)line->start + line->divisor * numbers[i]));
    }
    for (; i < n; i++)
        add(&tallies[groups[i]], (int64_t)((uint64_t)line->start + line->divisor * numbers[i]));
}

void dbk_tally_ints(dbk_tally *tallies, const uint32_t *groups, const int64_t *values, uint32_t n, bool far)
{
    uint32_t i = 0;
    for (; far && i + AHEAD < n; i++) {
        __builtin_prefetch(&tallies[groups[i + AHEAD]], 1);
        add(&tallies[groups[i]], values[i] == DBK_NULL ? 0 : values[i]);
    }
    for (; i < n; i++)
        add(&tallies[groups[i]], values[i] == DBK_NULL ? 0 : values[i]);
}
