// SPDX-License-Identifier: Apache-2.0
// The parts are counted from 1, as people count.
#include "engine/exec/query_part.h"

#include <stdio.h>

const char *dbk_query_part_write(dbk_query_part part, char room[DBK_PART_ROOM])
{
    if (part.number > 0)
        snprintf(room, DBK_PART_ROOM, "%s %d", part.kind, part.number);
    else
        snprintf(room, DBK_PART_ROOM, "%s", part.kind);
    return room;
}
