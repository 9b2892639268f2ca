// SPDX-License-Identifier: Apache-2.0
// A column of many codes of which few are frequent, as customers and products are. A dictionary numbers words
// as they come, and frequent ones come first, so most codes are small; packed, each would take the width of
// the largest. Here the low bits of all codes are packed, and the high bits of those that have any stand
// beside (docs/FORMAT.md, "Split codes").
#ifndef DBK_SEGMENT_SPLIT_H
#define DBK_SEGMENT_SPLIT_H

#include "engine/segment/derived.h"

// ---- Encoding ----

typedef struct dbk_split_plan dbk_split_plan;

// *out is NULL where less than an eighth of the packed size is saved. DBK_NO_MEMORY or DBK_OK.
dbk_status dbk_split_choose(const dbk_segment_input *input, int column, const dbk_ints_plan *packed,
                            dbk_split_plan **out, dbk_error *err);
size_t dbk_split_size(const dbk_split_plan *plan);
// Writes exactly that many bytes; `block` is aligned to 8 bytes.
void dbk_split_encode(const dbk_split_plan *plan, uint8_t *block);
// NULL is fine.
void dbk_split_forget(dbk_split_plan *plan);

// ---- Reading ----

typedef struct dbk_split dbk_split;

// Checks the block down to the last code; the zone map becomes that of the rows.
dbk_status dbk_split_open(const dbk_segment *segment, int column, const uint8_t *block, size_t size,
                          dbk_split **out, dbk_zone_map *truth, dbk_error *err);
// NULL is fine.
void dbk_split_close(dbk_split *split);
size_t dbk_split_memory(const dbk_split *split);

void dbk_split_codes(const dbk_split *split, uint32_t vector, uint32_t out[DBK_VECTOR_ROWS]);
uint32_t dbk_split_code_at(const dbk_split *split, uint32_t row);
// ANDs into the mask which rows have a code in [lo, hi], "no value" being 0. Answers for one code and for
// "any value at all"; otherwise false, and nothing is done. Bits past the last row may be anything.
bool dbk_split_between(const dbk_split *split, uint32_t vector, uint64_t lo, uint64_t hi,
                       uint64_t mask[DBK_MASK_WORDS]);

#endif
