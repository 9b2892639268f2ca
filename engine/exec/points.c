// SPDX-License-Identifier: Apache-2.0
// One look-up for each value.
#include "engine/exec/points.h"

#include <stdlib.h>

static int by_place(const void *a, const void *b)
{
    const dbk_locator *x = a, *y = b;
    if (x->part != y->part)
        return x->part < y->part ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

bool dbk_points_named(const dbk_table_def *table, const dbk_filter *filter)
{
    return (filter->op == DBK_OP_EQ || filter->op == DBK_OP_IN) &&
           dbk_column_find(table, dbk_text_from(filter->column)) == table->key_column;
}

static dbk_status find_one(const dbk_tenant_view *tenant, const dbk_table_view *view,
                           const dbk_column_def *key, dbk_text id, bool *found, dbk_locator *out)
{
    if (key->type != DBK_CODE)
        return dbk_view_find_id(view, id, found, out);
    uint32_t code = dbk_tenant_code(tenant, key->domain, id);
    *found = code != 0 && dbk_view_find_code(view, code, out);
    return DBK_OK;
}

dbk_status dbk_points_find(const dbk_tenant_view *tenant, const dbk_table_view *view,
                           const dbk_table_def *table, const dbk_filter *filter, dbk_locator *out,
                           size_t *count, dbk_error *err)
{
    *count = 0;
    for (int i = 0; i < filter->values_count; i++) {
        const dbk_value *value = &filter->values[i];
        bool found;
        if (value->kind != DBK_VALUE_TEXT || value->text.length == 0)
            continue;
        dbk_status status =
            find_one(tenant, view, &table->columns[table->key_column], value->text, &found, &out[*count]);
        if (status != DBK_OK)
            return dbk_fail(err, status, "query: looking up a key failed: %s",
                            dbk_segment_read_failure(status));
        *count += found;
    }
    qsort(out, *count, sizeof *out, by_place);
    size_t kept = 0; // the same key given twice is one row
    for (size_t i = 0; i < *count; i++)
        if (kept == 0 || by_place(&out[kept - 1], &out[i]) != 0)
            out[kept++] = out[i];
    *count = kept;
    return DBK_OK;
}
