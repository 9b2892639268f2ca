// SPDX-License-Identifier: Apache-2.0
// A table's roster (engine/rollup.h): rows, sum and last time by period and by the code of a column with many
// words, kept beside the rows as rollups are.
//
//     dbk_roster ─┬─ entries   one a period (month, year, all time) and code of the other dimension: a run,
//     and
//                 │            one of its changes
//                 ├─ periods   tops of each period
//                 └─ log       the last changes, in the order in which they came
//
// A change of a row costs an entry in the log. A full log is sorted and put into the runs of changes, and
// those, when they have grown to an eighth of what they change, into the runs. So what a row costs does not
// grow with the codes, and who asks adds up two runs and a log. What cannot be kept is given up, as with
// rollups.
//
// A roster is made when somebody has asked for it, and only of a table that takes longer to read: until then
// it costs nothing. It is made from the rows in steps, so that changes do not wait long: rows in slots below
// `counted` are in it, and a change of one of those is logged, while rows in later slots come with their
// slot.
#ifndef DBK_TABLE_ROSTER_H
#define DBK_TABLE_ROSTER_H

#include "engine/base/calendar.h"
#include "engine/rollup.h"
#include "engine/table/roster_run.h"
#include "engine/table/roster_tops.h"

// Smaller tables are read in the time that a roster saves. A step reads so many rows, in some tens of
// milliseconds.
enum { DBK_ROSTER_LEAST_ROWS = 1 << 18, DBK_ROSTER_STEP_ROWS = 1 << 20, DBK_ROSTER_LOG = 2048 };

// Columns of the table.
typedef struct dbk_roster_shape {
    const dbk_roster_def *def;
    int time, who, dim, measure;
} dbk_roster_shape;

// A month, a year of the calendar, or all time; and a code of the other dimension.
typedef struct dbk_roster_entry {
    int32_t first, last; // months, as dbk_rollup_bucket numbers them; all time: INT32_MIN, INT32_MAX
    uint32_t dim;
    dbk_roster_run *run, *changes; // either may be NULL, or both: what there is is in the log
} dbk_roster_entry;

struct dbk_roster_entries {
    dbk_object object;
    uint32_t count, capacity;
    dbk_roster_entry list[];
};

// The tops of each period that has a run.
typedef struct dbk_roster_periods {
    dbk_object object;
    uint32_t count;
    dbk_roster_tops *list[];
} dbk_roster_periods;

// Only ever appended to.
typedef struct dbk_roster_log {
    dbk_object object;
    dbk_roster_record records[DBK_ROSTER_LOG];
} dbk_roster_log;

// As an image has it.
struct dbk_roster_view {
    dbk_object object;
    dbk_roster_shape shape;
    const dbk_zone *zone; // whose months
    const dbk_roster_entries *entries;
    const dbk_roster_periods *periods;
    const dbk_roster_log *log;
    uint32_t logged;
    int64_t first_ms, last_ms; // every row's time is between them; first_ms > last_ms: there never was one
};
typedef struct dbk_roster_view dbk_roster_view;

typedef struct dbk_roster dbk_roster;

// Rows as columns, in the order in which they came or went.
typedef struct dbk_roster_rows {
    uint32_t count;
    const int64_t *times, *values;
    const uint32_t *who, *dims; // NULL = no row has a value
} dbk_roster_rows;

// Empty; NULL when memory is out, or the table has none.
dbk_roster *dbk_roster_create(dbk_versions *versions, const dbk_table_def *table, const dbk_zone *zone);
// versions as dbk_roster_run_release wants them.
void dbk_roster_destroy(dbk_roster *roster, dbk_versions *versions);
const dbk_zone *dbk_roster_zone(const dbk_roster *roster);
const dbk_roster_shape *dbk_roster_shape_of(const dbk_roster *roster);
// How many slots of the table are in it; all there are and will be when it is whole.
uint32_t dbk_roster_counted(const dbk_roster *roster);
#define DBK_ROSTER_WHOLE UINT32_MAX
static inline bool dbk_roster_is_whole(const dbk_roster *roster)
{
    return dbk_roster_counted(roster) == DBK_ROSTER_WHOLE;
}
void dbk_roster_set_counted(dbk_roster *roster, uint32_t slots);

// Adds (sign 1) rows or takes them back (-1). False: it cannot be kept, for want of memory, because a sum
// leaves 64 bits, or because a row lacks its time or value. It must be destroyed then.
bool dbk_roster_log_rows(dbk_roster *roster, const dbk_roster_rows *rows, int sign);
// The same of many rows: they are gathered, and put into runs by the hundred thousand. The log must be empty,
// or have nothing to do with them.
bool dbk_roster_gather(dbk_roster *roster, const dbk_roster_rows *rows, int sign);
// What was gathered is all there for now.
bool dbk_roster_gathered(dbk_roster *roster);
// All rows are there, and from here on every change is logged.
bool dbk_roster_finish(dbk_roster *roster);
// Empties the log.
bool dbk_roster_flush(dbk_roster *roster);

// For an image; NULL when memory is out.
dbk_roster_view *dbk_roster_freeze(const dbk_roster *roster);

#endif
