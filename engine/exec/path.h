// SPDX-License-Identifier: Apache-2.0
// A column name of a query, bound: the column of the table itself, and behind it up to two more that
// references lead to ("product_id.category_id.name"). And the way along it for one row.
#ifndef DBK_EXEC_PATH_H
#define DBK_EXEC_PATH_H

#include "engine/exec/query_part.h"
#include "engine/table/view.h"

enum { DBK_PATH_COLUMNS = 3 };

typedef struct dbk_path {
    int depth; // how many columns, 1..3
    const dbk_table_def *tables[DBK_PATH_COLUMNS];
    int columns[DBK_PATH_COLUMNS]; // columns[i] is one of tables[i]; all but the last are references
} dbk_path;

// The name in the table. `part` names the place in the query for the message: "filter 2".
dbk_status dbk_path_bind(dbk_path *path, const dbk_table_def *table, dbk_text name, dbk_query_part part,
                         dbk_error *err);
bool dbk_path_equal(const dbk_path *a, const dbk_path *b);

// The table that values at the end name rows of, or NULL.
const dbk_table_def *dbk_path_target(const dbk_path *path);

static inline const dbk_column_def *dbk_path_end(const dbk_path *path)
{
    int last = path->depth - 1;
    return &path->tables[last]->columns[path->columns[last]];
}

// One value. Which member counts follows from the column's type: number for integers (DBK_NULL = none) and
// codes (0 = none), text for texts (length 0 = none).
typedef struct dbk_cell {
    int64_t number;
    dbk_text text;
} dbk_cell;

// What is read along the way; one per path and thread, since texts are decoded into it. Zero it first.
typedef struct dbk_walker {
    dbk_path path;
    const dbk_table_view *views[DBK_PATH_COLUMNS]; // NULL where the tenant has no such table
    dbk_text_cursor *cursors[DBK_PATH_COLUMNS];    // made on first use, like these:
    dbk_finder *finders[DBK_PATH_COLUMNS];         // [i] finds in views[i] what the text of step i - 1 names
} dbk_walker;

void dbk_walker_init(dbk_walker *walker, const dbk_path *path, const dbk_tenant_view *tenant);
void dbk_walker_dispose(dbk_walker *walker);
// The value at the end, given the one in column `from` of the path. A text lasts until the next call.
dbk_status dbk_walker_follow(dbk_walker *walker, int from, dbk_cell value, dbk_cell *out);
// Where the row stands that a code in column `from` names; false: there is none. Texts are decoded by
// vectors, so who reads them for many codes reads in the order of these places.
bool dbk_walker_place(const dbk_walker *walker, int from, uint32_t code, dbk_locator *at);
// The same for a path whose first column is a text, given the row that the text names (NULL: there is none).
dbk_status dbk_walker_from(dbk_walker *walker, const dbk_locator *at, dbk_cell *out);
// The value at the end for a row of the path's first table.
dbk_status dbk_walker_row(dbk_walker *walker, dbk_locator row, dbk_cell *out);

#endif
