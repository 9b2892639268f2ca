// SPDX-License-Identifier: Apache-2.0
// Which sums are kept beside the rows, as constant data: the companion of the data dictionary (schema.h).
//
// A rollup counts the rows of a table, and sums some of its columns, for each bucket of a time column and
// each combination of some columns of codes. Two kinds of declaration matter: few dimensions and one measure
// keep a year's chart at a few thousand cells; more dimensions or measures answer the rarer question. A query
// is answered from the first one here that has all it asks for (exec/plan_rollup.h), so narrow ones stand
// first.
//
// A roster is a rollup by a column with many words, of months, years and all time: rows, the sum of one
// measure and the last time, by the word and one other column. A rollup by customer has up to as many cells
// as there are rows in a bucket, so rosters are packed, made when they are first asked for, and looked
// through by their largest entries (table/roster.h). Of products there is none: their reports count the
// orders that a product is in, and distinct counts cannot be retracted.
#ifndef DBK_ROLLUP_H
#define DBK_ROLLUP_H

#include "engine/schema.h"

// Hours are UTC's; days and months are local to the tenant's time zone (its setting `timezone`) and begin at
// midnight. A month is a union of days, and a day one of hours wherever the zone's offset is whole hours.
typedef enum dbk_grain { DBK_GRAIN_HOUR, DBK_GRAIN_DAY, DBK_GRAIN_MONTH, DBK_GRAIN_COUNT } dbk_grain;

enum { DBK_ROLLUP_DIMS_MAX = 4, DBK_ROLLUP_MEASURES_MAX = 6, DBK_ROLLUPS_PER_TABLE = 3 };

typedef struct dbk_rollup_def {
    const char *name;                              // for messages
    const char *time;                              // the column whose buckets are kept
    const char *dims[DBK_ROLLUP_DIMS_MAX];         // columns of type code
    const char *measures[DBK_ROLLUP_MEASURES_MAX]; // columns of integers
    bool grains[DBK_GRAIN_COUNT];
} dbk_rollup_def;

// The table's rollups, *count of them; at most DBK_ROLLUPS_PER_TABLE.
const dbk_rollup_def *dbk_rollup_defs(dbk_table_id table, int *count);

typedef struct dbk_roster_def {
    const char *name;    // for messages
    const char *time;    // the column whose months are kept
    const char *who;     // a column of type code, of many words
    const char *dim;     // another, of few
    const char *measure; // a column of integers that every row has
} dbk_roster_def;

// The table's roster; NULL when it has none.
const dbk_roster_def *dbk_roster_def_of(dbk_table_id table);

#endif
