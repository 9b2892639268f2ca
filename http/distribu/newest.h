// SPDX-License-Identifier: Apache-2.0
// A page of rows, newest first, then by id; what has no created_at comes last.
//
// A query joins its conditions with "and"; a search is an "or" over columns. It is asked as one query a
// column, in the same order and under the same limit, whose rows are merged: the first rows of a union are
// among the first rows of its parts.
#ifndef DBK_DISTRIBU_NEWEST_H
#define DBK_DISTRIBU_NEWEST_H

#include "http/app/call.h"

enum { DBK_NEWEST_PARTS_MAX = 3, DBK_NEWEST_FILTERS_MAX = 6 };

typedef struct dbk_newest {
    // Set by whoever asks; zero the rest. For all rows of a keyed table: both ends of the range open.
    const char *table;
    int64_t from_ms, to_ms;
    const char *const *fields;
    int fields_count, id, created_at; // the last two: which of the fields
    dbk_filter filters[DBK_NEWEST_FILTERS_MAX];
    int filters_count;
    const char *const *searched; // columns; used when `search` has text
    int searched_count;
    dbk_text search;
    int64_t limit;

    dbk_value after[2], search_value;
    int after_count;
    dbk_result *parts[DBK_NEWEST_PARTS_MAX]; // each at most limit + 1 rows
    size_t heads[DBK_NEWEST_PARTS_MAX];
    int parts_count;
    int64_t shown;
    bool has_more;
} dbk_newest;

// The cursor is the id of the last row shown; the page goes on behind it. False: it is none, and the call was
// answered.
bool dbk_newest_resume(dbk_call *call, dbk_newest *list, dbk_text cursor);
dbk_status dbk_newest_query(dbk_call *call, dbk_newest *list, dbk_error *err);
// The next row of the page. At its end false, and has_more tells whether there is another page.
bool dbk_newest_next(dbk_newest *list, const dbk_result **rows, size_t *row);
void dbk_newest_dispose(dbk_newest *list);

#endif
