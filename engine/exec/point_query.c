// SPDX-License-Identifier: Apache-2.0
// Point queries.
#include "engine/exec/point_query.h"

#include "engine/exec/plan.h"
#include "engine/exec/points.h"
#include "engine/exec/result_build.h"

#include <stdlib.h>
#include <string.h>

enum { KEYS_MAX = 64 };

// Whoever asks for all columns names them in their order: then the first guess is right.
static int column_of(const dbk_table_def *table, const char *name, int guess)
{
    if (guess < table->columns_count && strcmp(table->columns[guess].name, name) == 0)
        return guess;
    return dbk_column_find(table, dbk_text_from(name));
}

bool dbk_point_query_is(const dbk_query *q)
{
    if (q->filters_count != 1 || q->keys_count || q->aggregates_count || q->order_count || q->limit ||
        q->after_count || q->fill || q->cancelled || q->from_ms != DBK_TIME_OPEN_FROM ||
        q->to_ms != DBK_TIME_OPEN_TO || q->time_column || q->fields_count > DBK_COLUMNS_MAX ||
        q->filters[0].values_count > KEYS_MAX || !q->table)
        return false;
    const dbk_table_def *table = dbk_table_def_by_name(dbk_text_from(q->table));
    if (!table || !dbk_points_named(table, &q->filters[0]))
        return false;
    for (int i = 0; i < q->fields_count; i++)
        if (column_of(table, q->fields[i], i) < 0)
            return false;
    return q->fields_count > 0;
}

typedef struct cells {
    const dbk_tenant_view *tenant;
    const dbk_table_view *view;
    const dbk_table_def *table;
    dbk_result *result;
    dbk_text_cursor cursor;
} cells;

static dbk_status set_text(cells *c, size_t row, int field, dbk_text text)
{
    return text.length == 0 || dbk_result_set_text(c->result, row, field, text) ? DBK_OK : DBK_NO_MEMORY;
}

static dbk_status read_cell(cells *c, size_t row, int field, int column, dbk_locator at)
{
    const dbk_part *part = dbk_view_part(c->view, at.part);
    const dbk_column_def *def = &c->table->columns[column];
    if (def->type == DBK_CODE) {
        uint32_t code = dbk_part_code_at(part, column, at.row);
        return code ? set_text(c, row, field, dbk_tenant_word(c->tenant, def->domain, code)) : DBK_OK;
    }
    if (def->type != DBK_TEXT) {
        c->result->columns[field].ints[row] = dbk_part_int_at(part, column, at.row);
        return DBK_OK;
    }
    dbk_text text;
    DBK_TRY(dbk_part_text_at(part, column, at.row, &c->cursor, &text));
    return set_text(c, row, field, text);
}

static dbk_status read_rows(cells *c, const dbk_query *query, const dbk_locator *points, size_t count)
{
    if (!dbk_result_reserve(c->result, count))
        return DBK_NO_MEMORY;
    for (int i = 0; i < query->fields_count; i++) {
        int column = column_of(c->table, query->fields[i], i);
        for (size_t row = 0; row < count; row++)
            DBK_TRY(read_cell(c, row, i, column, points[row]));
    }
    return DBK_OK;
}

static void declare(const cells *c, const dbk_query *query)
{
    for (int i = 0; i < query->fields_count; i++) {
        dbk_type type = c->table->columns[column_of(c->table, query->fields[i], i)].type;
        c->result->columns[i].kind = dbk_type_is_int(type) ? DBK_RESULT_INT : DBK_RESULT_TEXT;
        c->result->columns[i].type = type;
    }
}

dbk_status dbk_point_query_run(const dbk_snapshot *snapshot, dbk_text tenant, const dbk_query *query,
                               dbk_result **out, dbk_error *err)
{
    cells c;
    c.tenant = dbk_snapshot_tenant(snapshot, tenant);
    c.table = dbk_table_def_by_name(dbk_text_from(query->table));
    dbk_text_cursor_init(&c.cursor);
    dbk_locator points[KEYS_MAX];
    size_t count = 0;
    c.view = c.tenant ? dbk_tenant_table(c.tenant, c.table->id) : NULL;
    if (c.view)
        DBK_TRY(dbk_points_find(c.tenant, c.view, c.table, &query->filters[0], points, &count, err));
    c.result = dbk_result_create(query->fields_count);
    if (!c.result)
        return dbk_exec_no_memory(err);
    declare(&c, query);
    dbk_status status = read_rows(&c, query, points, count);
    dbk_text_scratch_dispose(&c.cursor.scratch);
    if (status != DBK_OK) {
        dbk_result_free(c.result);
        return status == DBK_NO_MEMORY ? dbk_exec_no_memory(err)
                                       : dbk_fail(err, status, "query: reading %s failed: %s", query->table,
                                                  dbk_segment_read_failure(status));
    }
    c.result->stats.rows_scanned = count;
    *out = c.result;
    return DBK_OK;
}
