// SPDX-License-Identifier: Apache-2.0
// Ids of reports and of what stands inside them (PA6). They have the shape of a cuid, "c" and 24 characters
// of 0-9a-z, and are made, not stored: an id says which windows of time its report covers, so that every
// report that was ever listed can be read again. 23 bits of check, which the tenant is part of, tell ids
// apart from what was made up and from other companies' ids. They are no secret and no proof of anything:
// whoever asks has a key, and reads the key's own company whatever the id says.
#ifndef DBK_POS_REPORT_ID_H
#define DBK_POS_REPORT_ID_H

#include "engine/base/types.h"

enum { DBK_POS_ID_BYTES = 25 };
typedef struct dbk_pos_id {
    char text[DBK_POS_ID_BYTES + 1];
} dbk_pos_id;

typedef enum dbk_pos_grouping {
    DBK_POS_1H,
    DBK_POS_4H,
    DBK_POS_12H,
    DBK_POS_DAY,
    DBK_POS_ALL,     // one report over the whole range
    DBK_POS_CLOSURE, // of a sealed period: never asked for, only found in ids
    DBK_POS_GROUPINGS,
} dbk_pos_grouping;

// What an id stands for.
typedef struct dbk_pos_span {
    dbk_pos_grouping grouping;
    // Both inclusive, years 0001 to 9999. from_ms: the window's start, or where a range cut into it; of a
    // closure its number. to_ms: where a range cut the window short; DBK_NULL when none did: then it ends
    // with the window, and DBK_POS_ALL with the moment of reading.
    int64_t from_ms, to_ms;
} dbk_pos_span;

dbk_pos_id dbk_pos_id_make(dbk_text tenant, const dbk_pos_span *span);
// False: not an id of this tenant's reports.
bool dbk_pos_id_read(dbk_text id, dbk_text tenant, dbk_pos_span *out);
// The id of what stands inside: of which kind (a constant), and its own id in the company.
dbk_pos_id dbk_pos_id_inside(const dbk_pos_id *parent, const char *kind, dbk_text id);

#endif
