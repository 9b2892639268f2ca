// SPDX-License-Identifier: Apache-2.0
// What both directions of ascending numbers must agree on.
#ifndef DBK_SEGMENT_ASCENDING_LAYOUT_H
#define DBK_SEGMENT_ASCENDING_LAYOUT_H

#include "engine/segment/bitpack.h"
#include "engine/segment/format.h"

// So many low bits that high parts are below two for each row.
static inline int dbk_ascending_low_bits(uint32_t rows, uint32_t range)
{
    const int width = dbk_bits_width(range / rows);
    return width > 0 ? width - 1 : 0;
}

// 64-bit words of a vector's bitmap: a 1 for each row, a 0 for each step of the high parts.
static inline uint32_t dbk_ascending_words(uint32_t rows, uint32_t range, int low_bits)
{
    return (rows + (range >> low_bits) + 63) / 64;
}

#endif
