// SPDX-License-Identifier: Apache-2.0
// Bit packing: 1,024 numbers of the same width in 128 * width bytes, in lanes (docs/FORMAT.md, "Packed
// numbers"), so that a compiler turns the plain loops into vector instructions. Packed memory is aligned to 8
// bytes.
//
//   width  0        no bytes at all
//   width  1..32    32 lanes of 32-bit words
//   width 33..64    16 lanes of 64-bit words
#ifndef DBK_SEGMENT_BITPACK_H
#define DBK_SEGMENT_BITPACK_H

#include "engine/base/mask.h"

static inline size_t dbk_bits_size(int width)
{
    return (size_t)width * (DBK_VECTOR_ROWS / 8);
}

// Of the same bytes those that hold the first `rows` numbers: whole rows of lanes stand one behind the other.
// A multiple of 128.
static inline size_t dbk_bits_size_of(int width, uint32_t rows)
{
    const uint32_t lanes = width > 32 ? 16 : 32, bits = width > 32 ? 64 : 32;
    return ((rows + lanes - 1) / lanes * (uint32_t)width + bits - 1) / bits * (size_t)128;
}

// A vector of which only the bytes of its first rows are stored, in full: with zeros behind them, in the
// room.
typedef struct dbk_bits_room {
    _Alignas(64) uint8_t bytes[64 * (DBK_VECTOR_ROWS / 8)];
} dbk_bits_room;
const uint8_t *dbk_bits_whole(const void *packed, int width, uint32_t rows, dbk_bits_room *room);

// The width that holds a number: 0 for 0, 64 at most.
static inline int dbk_bits_width(uint64_t number)
{
    return number ? 64 - __builtin_clzll(number) : 0;
}

// Numbers must fit the width. Writes exactly dbk_bits_size(width) bytes.
void dbk_bits_pack(const uint64_t values[DBK_VECTOR_ROWS], int width, void *packed);

// Any width, and widths up to 32 into half the memory.
void dbk_bits_unpack64(const void *packed, int width, uint64_t out[DBK_VECTOR_ROWS]);
void dbk_bits_unpack32(const void *packed, int width, uint32_t out[DBK_VECTOR_ROWS]);

// ANDs into the mask which numbers are in [lo, hi], lo <= hi; widths 1 to 32.
void dbk_bits_between(const void *packed, int width, uint32_t lo, uint32_t hi, uint64_t mask[DBK_MASK_WORDS]);

// One number, index < 1,024.
uint64_t dbk_bits_at(const void *packed, int width, uint32_t index);

#endif
