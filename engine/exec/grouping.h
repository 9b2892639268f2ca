// SPDX-License-Identifier: Apache-2.0
// Rows to groups: of each vector, which group each matching row belongs to. The strategies stand behind one
// table of functions; whoever accumulates sees indexes only.
#ifndef DBK_EXEC_GROUPING_H
#define DBK_EXEC_GROUPING_H

#include "engine/exec/scan.h"
#include "engine/exec/sets.h"

// One key of the current vector's matching rows. In a dense grouping values are digits (0 = no value), in a
// hashed one they are what the group remembers: integers as they are (DBK_NULL = no value), a bucket's first
// instant, a code, the number of a text.
typedef enum dbk_key_form { DBK_KEY_CONSTANT, DBK_KEY_CODES, DBK_KEY_VALUES, DBK_KEY_RUNS } dbk_key_form;

// A vector is taken run by run while its runs are long enough to be worth it.
enum { DBK_RUNS_MAX = 64 };

typedef struct dbk_key_column {
    dbk_key_form form;
    uint64_t constant;
    const uint32_t *codes;
    const uint64_t *values;
    // The bucket that was met last.
    int64_t span_start, span_end;
    uint64_t span_value;
    int64_t steady_end; // hours of the day follow each other until then
    dbk_intern texts;
    // For the rows of a vector: from here on nothing is cleared, since kept sums have no rows.
    uint64_t run_values[DBK_RUNS_MAX];
    uint64_t room[DBK_VECTOR_ROWS];
} dbk_key_column;

// One value for all rows of the window.
static inline bool dbk_key_is_constant(const dbk_key_column *column)
{
    return column->form == DBK_KEY_CONSTANT || column->form == DBK_KEY_RUNS;
}

// The groups of a vector's matching rows: groups[i] each, all of them in [low, low + span); or NULL, and all
// rows are in group `low`.
typedef struct dbk_assigned {
    const uint32_t *groups;
    uint32_t low, span;
} dbk_assigned;

typedef struct dbk_grouping dbk_grouping;

typedef struct dbk_grouping_ops {
    // The groups of the matching rows, in `room` (of a vector) or elsewhere. False when memory is out.
    bool (*assign)(dbk_grouping *grouping, uint32_t rows, uint32_t *room, dbk_assigned *out);
    // The value of a key of a group, in the hashed form.
    uint64_t (*key)(const dbk_grouping *grouping, uint32_t group, int key);
} dbk_grouping_ops;

struct dbk_grouping {
    const dbk_grouping_ops *ops;
    const dbk_plan *plan;
    uint32_t count;          // groups have indexes below this
    dbk_key_column *columns; // one a key
    // Runs of the current vector in which all keys of the form RUNS are constant: where each ends among the
    // matching rows. 0: there is no such key.
    uint32_t runs, run_ends[DBK_RUNS_MAX];
    // The hash table: keys_count values a group, and group + 1 where its hash leads.
    uint64_t *tuples;
    uint32_t tuples_capacity;
    uint32_t *table;
    size_t mask;
    uint64_t seed;
};

bool dbk_grouping_init(dbk_grouping *grouping, const dbk_plan *plan);
void dbk_grouping_dispose(dbk_grouping *grouping);

// The keys of the current vector's matching rows into the columns.
dbk_status dbk_grouping_load(dbk_grouping *grouping, dbk_scan *scan);
// Goes from one run to the next (the first: 0): narrows the scan's window to it, and the columns likewise.
void dbk_grouping_enter(dbk_grouping *grouping, dbk_scan *scan, uint32_t run);
// The keys of all rows of a part, if its zone maps prove that they are all equal.
bool dbk_grouping_load_part(dbk_grouping *grouping, const dbk_part *part);

// Hashed: the group of a tuple of values, made when it is new. False when memory is out.
bool dbk_grouping_find(dbk_grouping *grouping, const uint64_t *tuple, uint32_t *group);
// Hashed: another thread's groups among ours, as map[its group] = ours.
bool dbk_grouping_map(dbk_grouping *grouping, const dbk_grouping *from, uint32_t *map);

// ---- Between the files of grouping ----

// Makes the bucket of an instant the column's span. False for an instant outside the list of a dense key:
// none of a matching row.
bool dbk_grouping_seek(const dbk_grouping *grouping, const dbk_key *key, dbk_key_column *column, int64_t ms);
// Finds the runs of the keys of that form, of the current vector, whose time column ascends. False where they
// are too many to be taken one by one; the columns are as before then.
dbk_status dbk_grouping_find_runs(dbk_grouping *grouping, dbk_scan *scan, const dbk_zone_map *times,
                                  bool *found);

extern const dbk_grouping_ops dbk_grouping_dense, dbk_grouping_hash;

#endif
