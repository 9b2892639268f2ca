// SPDX-License-Identifier: Apache-2.0
// The Range header of RFC 9110, as far as one range of bytes: what most clients ask to go on with a download.
#ifndef DBK_EXPORT_RANGE_H
#define DBK_EXPORT_RANGE_H

#include "engine/base/types.h"

typedef enum dbk_range_kind {
    DBK_RANGE_ALL,  // no range, or one that a server may ignore: broken, of another unit, several at once
    DBK_RANGE_PART, // 206
    DBK_RANGE_NONE, // 416: well-formed, but nothing of it is there
} dbk_range_kind;

// Of a body of `size` bytes. The part is [*from, *to), never empty; for DBK_RANGE_ALL it is everything.
dbk_range_kind dbk_range_parse(dbk_text header, uint64_t size, uint64_t *from, uint64_t *to);

#endif
