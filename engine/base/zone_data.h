// SPDX-License-Identifier: Apache-2.0
// What a zone is made of: shared by the parser and the queries, of no interest to anybody else.
#ifndef DBK_BASE_ZONE_DATA_H
#define DBK_BASE_ZONE_DATA_H

#include "engine/base/types.h"

typedef struct dbk_zone dbk_zone;

// RFC 9636, section 3.2: offsets are more than -25 and less than 26 hours; the parser refuses others.
enum { ZONE_OFFSET_MAX = 26 * 3600 };

typedef struct zone_change {
    int64_t at_ms;  // UTC
    int32_t offset; // seconds east of Greenwich from then on; never that of the change before
} zone_change;

struct dbk_zone {
    char *name;           // NULL when parsed from bytes
    dbk_zone *next;       // in the cache
    zone_change *changes; // in order of time
    size_t change_count;
    int32_t first_offset; // before the first change
};

#endif
