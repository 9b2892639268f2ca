// SPDX-License-Identifier: Apache-2.0
// Sets of rows as lists.
//
// Gaps: what lies between the rows, each in a Rice code: the high part of a gap as so many 0s before a
// 1, then its low bits (docs/FORMAT.md, "Derived numbers"). Where a part p of the rows is in the set, at
// random, that is within a twentieth of what it must take.
#ifndef DBK_SEGMENT_GAPS_H
#define DBK_SEGMENT_GAPS_H

#include "engine/base/types.h"

enum { DBK_GAPS_LOW_BITS_MAX = 15 };

// So many low bits for a set of `count` rows, at least one.
int dbk_gaps_low_bits(uint32_t rows, uint32_t count);
// Bytes of the set, a bit a row; rows past the last one are not in it.
size_t dbk_gaps_size(const uint64_t *bits, uint32_t rows, int low_bits);
// Writes exactly so many, which are zero beforehand.
void dbk_gaps_write(const uint64_t *bits, uint32_t rows, int low_bits, uint8_t *to);
// Sets the bits of `count` rows. False when the bytes are not exactly those of so many rows.
bool dbk_gaps_read(const uint8_t *from, size_t size, uint32_t rows, uint32_t count, int low_bits,
                   uint64_t *bits);

// Places: of each vector how many of its rows are in the set, and their numbers in it, ten bits each.
static inline size_t dbk_places_size(uint32_t count)
{
    return ((size_t)count * 10 + 7) / 8;
}
// As dbk_gaps_read, of dbk_places_size bytes.
bool dbk_places_read(const uint16_t *counts, const uint8_t *from, uint32_t rows, uint32_t count,
                     uint64_t *bits);

#endif
