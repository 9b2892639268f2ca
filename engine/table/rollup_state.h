// SPDX-License-Identifier: Apache-2.0
// What the rollups of a table are made of: shared by keeping them (rollups.c) and adding rows to them
// (rollup_add.c).
#ifndef DBK_TABLE_ROLLUP_STATE_H
#define DBK_TABLE_ROLLUP_STATE_H

#include "engine/table/rollups.h"

enum {
    DBK_TUPLE_SLOTS = 2 * DBK_TUPLES_MAX, // of the hash table of tuples: at most half full
    DBK_TUPLES_RECENT = 256, // tuples of small codes, which nearly all are, are found here by one comparison
    DBK_NO_BUCKET = UINT16_MAX
};

typedef struct dbk_rollup {
    dbk_rollup_view view;
    dbk_rollup_shape shape;
    dbk_tuples *tuples;
    uint16_t slots[DBK_TUPLE_SLOTS]; // tuple + 1, by the hash of its codes
    struct {
        uint64_t codes;          // 16 bits each
        uint16_t tuple;          // + 1
    } recent[DBK_TUPLES_RECENT]; // by another hash
} dbk_rollup;

// The buckets of a grain that the rows being added are in. One may stand here twice.
typedef struct dbk_rollup_buckets {
    bool is_one; // every row is in list[0]; `rows` is not filled
    uint32_t count;
    struct {
        int64_t start, end;
        int32_t number;
    } list[DBK_VECTOR_ROWS];
    uint16_t rows[DBK_VECTOR_ROWS]; // index in the list, DBK_NO_BUCKET for a row without time
} dbk_rollup_buckets;

// What a run of rows that share their buckets adds up to, by tuple; zero but for the tuples that are listed.
typedef struct dbk_rollup_run {
    uint32_t count;
    uint16_t tuples[DBK_VECTOR_ROWS];
    int64_t columns[DBK_ROLLUP_COLUMNS_MAX][DBK_TUPLES_MAX]; // as in the cells
} dbk_rollup_run;

struct dbk_rollups {
    dbk_object object;
    dbk_versions *versions;
    const dbk_table_def *table;
    const dbk_zone *zone;
    uint32_t gaps; // columns that rows were met without
    int count;
    dbk_rollup rollups[DBK_ROLLUPS_PER_TABLE];

    // Of the rows being added.
    dbk_rollup_buckets grains[DBK_GRAIN_COUNT];
    int64_t first_ms, last_ms; // of their times; first_ms > last_ms: there is none
    uint32_t untimed;
    uint16_t tuples[DBK_VECTOR_ROWS];
    dbk_cells **places[DBK_GRAIN_COUNT][DBK_VECTOR_ROWS]; // by bucket
    dbk_rollup_run run;
};

// Turns a rollup off; versions as dbk_cube_release wants them.
void dbk_rollup_give_up(dbk_rollup *r, dbk_versions *versions);

#endif
