// SPDX-License-Identifier: Apache-2.0
// One small transaction each.
#include "http/app/old_rows.h"

#include "http/app/row_batch.h"
#include "ingest/store/tenant_name.h"

#include <stdlib.h>
#include <string.h>

typedef struct removal {
    char tenant_text[DBK_TENANT_NAME_MAX];
    dbk_text tenant;
    dbk_old_rows which;
    dbk_batch batch;
    const dbk_batch *batches[1];
} removal;

static dbk_status find(const dbk_snapshot *snapshot, dbk_text tenant, const dbk_old_rows *which,
                       dbk_result **out, dbk_error *err)
{
    static const char *const fields[] = {"id"};
    dbk_query query = {.table = dbk_table_def_by_id(which->table)->name,
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = which->before_ms,
                       .filters = which->filter,
                       .filters_count = which->filter ? 1 : 0,
                       .fields = fields,
                       .fields_count = 1,
                       .limit = which->most};
    return dbk_query_run(snapshot, tenant, &query, out, err);
}

bool dbk_old_rows_exist(const dbk_snapshot *snapshot, dbk_text tenant, const dbk_old_rows *which)
{
    dbk_result *rows;
    dbk_error err;
    if (find(snapshot, tenant, which, &rows, &err) != DBK_OK)
        return false;
    const bool found = dbk_result_rows(rows) > 0;
    dbk_result_free(rows);
    return found;
}

static dbk_status make_change(void *user, const dbk_snapshot *working, dbk_change *change, dbk_error *err)
{
    removal *r = user;
    dbk_result *rows;
    DBK_TRY(find(working, r->tenant, &r->which, &rows, err));
    const bool any = dbk_result_rows(rows) > 0;
    const dbk_status status = any ? dbk_row_batch_removal(&r->batch, r->which.table, rows, err) : DBK_OK;
    dbk_result_free(rows);
    if (status != DBK_OK || !any)
        return status;
    r->batches[0] = &r->batch;
    change->batches = r->batches;
    change->batches_count = 1;
    return DBK_OK;
}

static void on_removed(void *user, const dbk_change_result *result)
{
    removal *r = user;
    (void)result;
    dbk_batch_dispose(&r->batch);
    free(r);
}

void dbk_old_rows_remove(dbk_store *store, dbk_text tenant, const dbk_old_rows *which)
{
    removal *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return;
    memcpy(r->tenant_text, tenant.data, tenant.length);
    r->tenant = (dbk_text){r->tenant_text, tenant.length};
    r->which = *which;
    dbk_store_transact(store, r->tenant, make_change, r, on_removed, r);
}
