// SPDX-License-Identifier: Apache-2.0
// The rollups of a table (engine/rollup.h), kept beside its rows: what a change inserts is added, what it
// replaces or removes is subtracted, and an image has rows and sums of one moment.
//
//     dbk_rollup ─┬─ dbk_tuples    the combinations of dimensions that have occurred, numbered from 0
//                 └─ dbk_cube      one a grain: bucket, tuple → rows, sums, counts of values
//
// Sums are integers and so exact in any order; each has up to 64 bits, and adding is checked. What cannot be
// kept is given up rather than failed: an overflow, more than DBK_TUPLES_MAX combinations, or no memory turn
// the rollup off, and its questions are answered from the rows. So no change ever fails for a rollup's sake.
//
// Why global trees, and not a small immutable table of sums beside each segment, merged when asked: orders
// that come late and rows that are replaced spread every month over many segments, so the cost of an answer
// would again grow with the rows, and retracting would need a table of corrections beside each one.
//
// Rollups are no part of what is on disk. They are made from the rows, after a start once the first image is
// published, and anew when the tenant's time zone changes: some 80 ns a row. A table of less than
// DBK_ROLLUP_ROWS rows has none: it is scanned in the time that a rollup takes, and a tenant with a handful
// of rows stays small. For the same reason hours and days are kept only where they hold
// DBK_ROLLUP_BUCKET_ROWS rows on average: fewer are read in half a microsecond, while their cells would take
// more memory than the rows. So what rollups take is bounded by the rows there are: in bench_rollup 4
// bytes an order at 900 orders a day, one at 9,000.
#ifndef DBK_TABLE_ROLLUPS_H
#define DBK_TABLE_ROLLUPS_H

#include "engine/base/calendar.h"
#include "engine/rollup.h"
#include "engine/table/cube.h"

enum { DBK_ROLLUP_ROWS = 16384, DBK_ROLLUP_BUCKET_ROWS = 512 };

// Which columns of the table a rollup is about, and which column of its cells each number is in. Column 0 of
// the cells counts rows. A measure has its sum and how many rows had a value; as long as no row was without,
// that is column 0.
enum { DBK_ROLLUP_COLUMNS_MAX = 1 + 2 * DBK_ROLLUP_MEASURES_MAX };
typedef struct dbk_rollup_shape {
    const dbk_rollup_def *def;
    int time;
    int dims_count, measures_count;
    int dims[DBK_ROLLUP_DIMS_MAX];
    int measures[DBK_ROLLUP_MEASURES_MAX];
    uint16_t sums[DBK_ROLLUP_MEASURES_MAX], values[DBK_ROLLUP_MEASURES_MAX];
    uint16_t columns; // of the cells
} dbk_rollup_shape;

// Codes by dimension, [dimension][tuple]. Only ever appended to.
typedef struct dbk_tuples {
    dbk_object object;
    uint32_t codes[DBK_ROLLUP_DIMS_MAX][DBK_TUPLES_MAX];
} dbk_tuples;

// A rollup as an image has it.
typedef struct dbk_rollup_view {
    const dbk_rollup_shape *shape;
    bool kept;            // false: given up; nothing below is meant
    const dbk_zone *zone; // whose days and months
    const dbk_tuples *tuples;
    uint32_t tuples_count;
    bool grains[DBK_GRAIN_COUNT]; // those that are kept
    dbk_cube cubes[DBK_GRAIN_COUNT];
    // Every row's time is in [first_ms, last_ms], or missing; first_ms > last_ms: there never was one.
    int64_t first_ms, last_ms;
    int64_t untimed; // rows without a time: in no bucket
} dbk_rollup_view;

typedef struct dbk_rollups_view {
    dbk_object object;
    uint32_t gaps;
    int count;
    dbk_rollup_view rollups[DBK_ROLLUPS_PER_TABLE];
} dbk_rollups_view;

// The bucket of a grain around an instant: its number, and its span.
int32_t dbk_rollup_bucket(dbk_grain grain, const dbk_zone *zone, int64_t ms, int64_t *start, int64_t *end);

// ---- Rows to add or to take back ----

// Columns of a table by its own indexes, as in dbk_segment_input; NULL for those without any value.
typedef struct dbk_rollup_rows {
    uint32_t count; // at most DBK_VECTOR_ROWS
    const int64_t *ints[DBK_COLUMNS_MAX];
    const uint32_t *codes[DBK_COLUMNS_MAX];
} dbk_rollup_rows;

typedef struct dbk_rollups dbk_rollups;

// Empty rollups of the table, in the versions given; NULL when memory is out. `gaps` has a bit for each
// column that rows may be without: only for those is counted how many have a value. Grains finer than
// `finest` are left out.
dbk_rollups *dbk_rollups_create(dbk_versions *versions, const dbk_table_def *table, const dbk_zone *zone,
                                uint32_t gaps, dbk_grain finest);
// versions as dbk_cube_release wants them.
void dbk_rollups_destroy(dbk_rollups *rollups, dbk_versions *versions);
const dbk_zone *dbk_rollups_zone(const dbk_rollups *rollups);
// The gaps known by now. More than were given at first: the rollups must be made anew with these before an
// image gets them.
uint32_t dbk_rollups_gaps(const dbk_rollups *rollups);
// Whether a rollup needs the column.
bool dbk_rollups_want(const dbk_rollups *rollups, int column);
// sign 1 adds, -1 subtracts.
void dbk_rollups_add(dbk_rollups *rollups, const dbk_rollup_rows *rows, int sign);
// Adds what others, made with the same arguments, have added of other rows: so several threads can share the
// rows of a table. What either has given up is given up.
void dbk_rollups_merge(dbk_rollups *into, const dbk_rollups *from);
// Lets go of hours and days of less than so many rows on average, in a table of so many.
void dbk_rollups_thin(dbk_rollups *rollups, uint64_t rows, uint64_t bucket_rows);
// Whether hours or days that are not kept would have twice as many.
bool dbk_rollups_are_thin(const dbk_rollups *rollups, uint64_t rows, uint64_t bucket_rows);
// For an image; NULL when memory is out. The object's own memory is all that it owns.
dbk_rollups_view *dbk_rollups_freeze(const dbk_rollups *rollups);
// Whether both hold the same sums, whatever the order that their tuples came in. What is not kept in either
// is passed over. Otherwise *what is the name of one that differs.
bool dbk_rollups_equal(const dbk_rollups_view *a, const dbk_rollups_view *b, const char **what);

#endif
