// SPDX-License-Identifier: Apache-2.0
// Which part of a query a message is about: "filter 2". It becomes a text only when there is something to
// say.
#ifndef DBK_EXEC_QUERY_PART_H
#define DBK_EXEC_QUERY_PART_H

typedef struct dbk_query_part {
    const char *kind;
    int number; // from 1; 0 where there is only one
} dbk_query_part;

enum { DBK_PART_ROOM = 48 };
// Written into the room, which is returned.
const char *dbk_query_part_write(dbk_query_part part, char room[DBK_PART_ROOM]);
// Its text until the end of the block.
#define DBK_PART_TEXT(part) dbk_query_part_write(part, (char[DBK_PART_ROOM]){0})

#endif
