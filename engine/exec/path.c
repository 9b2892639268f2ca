// SPDX-License-Identifier: Apache-2.0
// Names to columns, and references followed row by row.
#include "engine/exec/path.h"

#include <stdlib.h>
#include <string.h>

// Which table a column's values name rows of. Codes say it by their domain. References to facts are texts,
// because facts have no dictionary of ids; there are two of them.
static const dbk_table_def *referred_table(const dbk_column_def *column)
{
    if (column->type == DBK_CODE)
        return dbk_table_def_by_domain(column->domain);
    if (column->type == DBK_TEXT && strcmp(column->name, "order_id") == 0)
        return dbk_table_def_by_id(DBK_ORDERS);
    if (column->type == DBK_TEXT && strcmp(column->name, "line_id") == 0)
        return dbk_table_def_by_id(DBK_ORDER_LINES);
    return NULL;
}

dbk_status dbk_path_bind(dbk_path *path, const dbk_table_def *table, dbk_text name, dbk_query_part part,
                         dbk_error *err)
{
    *path = (dbk_path){0};
    const char *at = name.data, *end = name.data + name.length;
    for (;;) {
        const char *dot = at < end ? memchr(at, '.', (size_t)(end - at)) : NULL;
        dbk_text word = {at, (uint32_t)((dot ? dot : end) - at)};
        if (path->depth == DBK_PATH_COLUMNS)
            return dbk_fail(err, DBK_INVALID, "query: %s: `%.*s` has more than two dots", DBK_PART_TEXT(part),
                            (int)name.length, name.data);
        int column = dbk_column_find(table, word);
        if (column < 0)
            return dbk_fail(err, DBK_INVALID, "query: %s: %s has no column `%.*s`", DBK_PART_TEXT(part),
                            table->name, (int)(word.length < 100 ? word.length : 100), word.data);
        path->tables[path->depth] = table;
        path->columns[path->depth++] = column;
        if (!dot)
            return DBK_OK;
        const dbk_table_def *next = referred_table(&table->columns[column]);
        if (!next)
            return dbk_fail(err, DBK_INVALID, "query: %s: `%s` of %s refers to no table", DBK_PART_TEXT(part),
                            table->columns[column].name, table->name);
        table = next;
        at = dot + 1;
    }
}

const dbk_table_def *dbk_path_target(const dbk_path *path)
{
    return referred_table(dbk_path_end(path));
}

bool dbk_path_equal(const dbk_path *a, const dbk_path *b)
{
    if (a->depth != b->depth)
        return false;
    for (int i = 0; i < a->depth; i++)
        if (a->tables[i] != b->tables[i] || a->columns[i] != b->columns[i])
            return false;
    return true;
}

void dbk_walker_init(dbk_walker *walker, const dbk_path *path, const dbk_tenant_view *tenant)
{
    *walker = (dbk_walker){.path = *path};
    for (int i = 0; i < path->depth; i++)
        walker->views[i] = tenant ? dbk_tenant_table(tenant, path->tables[i]->id) : NULL;
}

void dbk_walker_dispose(dbk_walker *walker)
{
    for (int i = 0; i < DBK_PATH_COLUMNS; i++) {
        dbk_finder_free(walker->finders[i]);
        walker->finders[i] = NULL;
        if (!walker->cursors[i])
            continue;
        dbk_text_scratch_dispose(&walker->cursors[i]->scratch);
        free(walker->cursors[i]);
        walker->cursors[i] = NULL;
    }
}

static dbk_status read_cell(dbk_walker *walker, int step, dbk_locator at, dbk_cell *out)
{
    const dbk_part *part = dbk_view_part(walker->views[step], at.part);
    int column = walker->path.columns[step];
    dbk_type type = walker->path.tables[step]->columns[column].type;
    *out = (dbk_cell){0};
    if (type == DBK_CODE) {
        out->number = dbk_part_code_at(part, column, at.row);
        return DBK_OK;
    }
    if (type != DBK_TEXT) {
        out->number = dbk_part_int_at(part, column, at.row);
        return DBK_OK;
    }
    // Half a cursor is 16 KiB of texts: only paths that meet a text pay for it.
    if (!walker->cursors[step]) {
        walker->cursors[step] = calloc(1, sizeof(dbk_text_cursor));
        if (!walker->cursors[step])
            return DBK_NO_MEMORY;
    }
    return dbk_part_text_at(part, column, at.row, walker->cursors[step], &out->text);
}

// The row of the step's table that an id of the step before names.
static dbk_status find_row(dbk_walker *walker, int step, dbk_text id, bool *found, dbk_locator *at)
{
    *found = false;
    if (!walker->views[step] || !id.length)
        return DBK_OK;
    if (!walker->finders[step] && !(walker->finders[step] = dbk_finder_create(walker->views[step])))
        return DBK_NO_MEMORY;
    return dbk_finder_find(walker->finders[step], id, found, at);
}

bool dbk_walker_place(const dbk_walker *walker, int from, uint32_t code, dbk_locator *at)
{
    const dbk_table_view *view = walker->views[from + 1];
    return view && code && dbk_view_find_code(view, code, at);
}

dbk_status dbk_walker_follow(dbk_walker *walker, int from, dbk_cell value, dbk_cell *out)
{
    const dbk_path *path = &walker->path;
    bool found = true;
    for (int step = from; step < path->depth - 1 && found; step++) {
        const dbk_table_view *view = walker->views[step + 1];
        dbk_locator at;
        if (!view) {
            found = false;
        } else if (path->tables[step]->columns[path->columns[step]].type == DBK_CODE) {
            found = value.number != 0 && dbk_view_find_code(view, (uint32_t)value.number, &at);
        } else {
            DBK_TRY(find_row(walker, step + 1, value.text, &found, &at));
        }
        if (found)
            DBK_TRY(read_cell(walker, step + 1, at, &value));
    }
    *out = found ? value : (dbk_cell){.number = dbk_path_end(path)->type == DBK_CODE ? 0 : DBK_NULL};
    return DBK_OK;
}

dbk_status dbk_walker_from(dbk_walker *walker, const dbk_locator *at, dbk_cell *out)
{
    dbk_cell value;
    if (!at) {
        *out = (dbk_cell){.number = dbk_path_end(&walker->path)->type == DBK_CODE ? 0 : DBK_NULL};
        return DBK_OK;
    }
    DBK_TRY(read_cell(walker, 1, *at, &value));
    return dbk_walker_follow(walker, 1, value, out);
}

dbk_status dbk_walker_row(dbk_walker *walker, dbk_locator row, dbk_cell *out)
{
    dbk_cell value;
    DBK_TRY(read_cell(walker, 0, row, &value));
    return dbk_walker_follow(walker, 0, value, out);
}
