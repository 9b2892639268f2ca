// SPDX-License-Identifier: Apache-2.0
// Where a row stands: the slot of its part << 16 | its number in the part.
#ifndef DBK_TABLE_PLACE_H
#define DBK_TABLE_PLACE_H

#include <stdint.h>

typedef uint64_t dbk_place;
enum { DBK_PLACE_ROW_BITS = 16, DBK_PLACE_BITS = 40, DBK_SLOTS_MAX = (1 << 24) - 1 };
#define DBK_NO_PLACE UINT64_MAX

static inline dbk_place dbk_place_make(uint32_t slot, uint32_t row)
{
    return (uint64_t)slot << DBK_PLACE_ROW_BITS | row;
}
static inline uint32_t dbk_place_slot(dbk_place place)
{
    return (uint32_t)(place >> DBK_PLACE_ROW_BITS);
}
static inline uint32_t dbk_place_row(dbk_place place)
{
    return (uint32_t)place & ((1u << DBK_PLACE_ROW_BITS) - 1);
}

#endif
