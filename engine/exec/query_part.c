// SPDX-License-Identifier: Apache-2.0
// Parts of a query as messages name them: written only when there is something to say.
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
