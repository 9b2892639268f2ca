// SPDX-License-Identifier: Apache-2.0
// Bit masks over the rows of a vector, made from a byte a row, which is what every vectorizer understands.
#ifndef DBK_BASE_MASK_H
#define DBK_BASE_MASK_H

#include "engine/base/types.h"

#include <string.h>

enum { DBK_MASK_WORDS = DBK_VECTOR_ROWS / 64 };

// Eight bytes of 0 or 1 to eight bits, the first byte lowest: each product term lands in the top byte at its
// own place, and none of them carry.
static inline uint64_t dbk_mask_pack8(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word * 0x0102040810204080u >> 56;
}

// ANDs n bytes of 0 or 1 into the mask. Whole words are packed, so the bytes behind the last row are cleared.
static inline void dbk_mask_and_bytes(uint64_t *mask, uint8_t match[DBK_VECTOR_ROWS], uint32_t n)
{
    if (n % 64)
        memset(match + n, 0, 64 - n % 64);
    for (uint32_t w = 0; w * 64 < n; w++) {
        uint64_t word = 0;
        for (uint32_t k = 0; k < 8; k++)
            word |= dbk_mask_pack8(match + w * 64 + k * 8) << (8 * k);
        mask[w] &= word;
    }
}

#endif
