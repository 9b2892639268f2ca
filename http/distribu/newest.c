// SPDX-License-Identifier: Apache-2.0
// Pages: one query a part, merged row by row.
#include "http/distribu/newest.h"

#include <assert.h>

static dbk_query base_query(const dbk_newest *list)
{
    return (dbk_query){.table = list->table,
                       .from_ms = list->from_ms,
                       .to_ms = list->to_ms,
                       .fields = list->fields,
                       .fields_count = list->fields_count};
}

bool dbk_newest_resume(dbk_call *call, dbk_newest *list, dbk_text cursor)
{
    if (cursor.length == 0)
        return true;
    dbk_result *row;
    dbk_error err;
    dbk_value value = {.kind = DBK_VALUE_TEXT, .text = cursor};
    dbk_filter filter = {
        .column = list->fields[list->id], .op = DBK_OP_EQ, .values = &value, .values_count = 1};
    dbk_query query = base_query(list);
    query.from_ms = DBK_TIME_OPEN_FROM;
    query.to_ms = DBK_TIME_OPEN_TO;
    query.filters = &filter;
    query.filters_count = 1;
    dbk_status status = dbk_query_run(dbk_call_snapshot(call), call->tenant, &query, &row, &err);
    if (status != DBK_OK) {
        dbk_call_fail_read(call, status, &err);
        return false;
    }
    bool is_known = dbk_result_rows(row) == 1;
    if (is_known) {
        int64_t created_at = dbk_result_int(row, 0, list->created_at);
        list->after[0] = (dbk_value){.kind = created_at == DBK_NULL ? DBK_VALUE_NULL : DBK_VALUE_INT,
                                     .number = created_at};
        list->after[1] = value;
        list->after_count = 2;
    }
    dbk_result_free(row);
    if (!is_known)
        dbk_call_fail(call, 400, "Invalid cursor.");
    return is_known;
}

static dbk_status query_part(dbk_call *call, dbk_newest *list, dbk_error *err)
{
    const dbk_order order[] = {{.output = list->created_at, .descending = true}, {.output = list->id}};
    dbk_query query = base_query(list);
    query.filters = list->filters;
    query.filters_count = list->filters_count;
    query.order = order;
    query.order_count = DBK_COUNT(order);
    query.after = list->after;
    query.after_count = list->after_count;
    query.limit = list->limit + 1;
    DBK_TRY(
        dbk_query_run(dbk_call_snapshot(call), call->tenant, &query, &list->parts[list->parts_count], err));
    list->parts_count++;
    return DBK_OK;
}

dbk_status dbk_newest_query(dbk_call *call, dbk_newest *list, dbk_error *err)
{
    assert(list->searched_count <= DBK_NEWEST_PARTS_MAX && list->filters_count < DBK_NEWEST_FILTERS_MAX);
    if (list->search.length == 0)
        return query_part(call, list, err);
    list->search_value = (dbk_value){.kind = DBK_VALUE_TEXT, .text = list->search};
    dbk_filter *filter = &list->filters[list->filters_count++];
    for (int i = 0; i < list->searched_count; i++) {
        *filter = (dbk_filter){.column = list->searched[i],
                               .op = DBK_OP_CONTAINS,
                               .values = &list->search_value,
                               .values_count = 1};
        DBK_TRY(query_part(call, list, err));
    }
    return DBK_OK;
}

// Negative when row a of one part stands before row b of another.
static int compare(const dbk_newest *list, int a, int b)
{
    const dbk_result *left = list->parts[a], *right = list->parts[b];
    size_t i = list->heads[a], k = list->heads[b];
    int64_t older = dbk_result_int(left, i, list->created_at),
            newer = dbk_result_int(right, k, list->created_at);
    if (older != newer)
        return older > newer ? -1 : 1; // DBK_NULL is the least of all and so comes last
    return dbk_text_compare(dbk_result_text(left, i, list->id), dbk_result_text(right, k, list->id));
}

static bool has_row(const dbk_newest *list, int part)
{
    return list->heads[part] < dbk_result_rows(list->parts[part]);
}

bool dbk_newest_next(dbk_newest *list, const dbk_result **rows, size_t *row)
{
    int first = -1;
    for (int i = 0; i < list->parts_count; i++)
        if (has_row(list, i) && (first < 0 || compare(list, i, first) < 0))
            first = i;
    if (first < 0 || list->shown == list->limit) {
        list->has_more = first >= 0;
        return false;
    }
    *rows = list->parts[first];
    *row = list->heads[first];
    // The same row may stand in several parts.
    for (int i = 0; i < list->parts_count; i++)
        if (i != first && has_row(list, i) && compare(list, i, first) == 0)
            list->heads[i]++;
    list->heads[first]++;
    list->shown++;
    return true;
}

void dbk_newest_dispose(dbk_newest *list)
{
    for (int i = 0; i < list->parts_count; i++)
        dbk_result_free(list->parts[i]);
    list->parts_count = 0;
}
