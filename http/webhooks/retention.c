// SPDX-License-Identifier: Apache-2.0
// One small transaction a tenant. What is left is found by the next call.
#include "http/webhooks/retention.h"

#include "engine/query.h"
#include "http/app/row_batch.h"
#include "http/app/settings.h"
#include "ingest/store/tenant_name.h"

#include <stdlib.h>
#include <string.h>

enum { SWEEP_ROWS = 1000 };
static const int64_t day_ms = 86400000;

typedef struct sweep {
    char tenant_text[DBK_TENANT_NAME_MAX];
    dbk_text tenant;
    int64_t before_ms;
    dbk_batch batch;
    const dbk_batch *batches[1];
} sweep;

static dbk_status find_old(const dbk_snapshot *snapshot, dbk_text tenant, int64_t before_ms, dbk_result **out,
                           dbk_error *err)
{
    static const char *const fields[] = {"id"};
    dbk_value pending = {.kind = DBK_VALUE_TEXT, .text = DBK_TEXT("pending")};
    dbk_filter filter = {.column = "state", .op = DBK_OP_NE, .values = &pending, .values_count = 1};
    dbk_query query = {.table = "webhook_deliveries",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = before_ms,
                       .filters = &filter,
                       .filters_count = 1,
                       .fields = fields,
                       .fields_count = 1,
                       .limit = SWEEP_ROWS};
    return dbk_query_run(snapshot, tenant, &query, out, err);
}

static dbk_status remove_old(void *user, const dbk_snapshot *working, dbk_change *change, dbk_error *err)
{
    sweep *s = user;
    dbk_result *rows;
    DBK_TRY(find_old(working, s->tenant, s->before_ms, &rows, err));
    size_t count = dbk_result_rows(rows);
    dbk_status status =
        count > 0 ? dbk_row_batch_removal(&s->batch, DBK_WEBHOOK_DELIVERIES, rows, err) : DBK_OK;
    dbk_result_free(rows);
    if (status != DBK_OK || count == 0)
        return status;
    s->batches[0] = &s->batch;
    change->batches = s->batches;
    change->batches_count = 1;
    return DBK_OK;
}

static void on_swept(void *user, const dbk_change_result *result)
{
    sweep *s = user;
    (void)result;
    dbk_batch_dispose(&s->batch);
    free(s);
}

// Looks before it keeps the writer busy.
static bool has_old(const dbk_snapshot *snapshot, dbk_text tenant, int64_t now_ms, int64_t *before_ms)
{
    dbk_settings settings;
    dbk_result *rows;
    dbk_error err;
    if (dbk_snapshot_rows(snapshot, tenant, DBK_WEBHOOK_DELIVERIES) == 0 ||
        dbk_settings_read(snapshot, tenant, &settings, &err) != DBK_OK || settings.delivery_days == 0)
        return false;
    *before_ms = now_ms - settings.delivery_days * day_ms;
    if (find_old(snapshot, tenant, *before_ms, &rows, &err) != DBK_OK)
        return false;
    bool found = dbk_result_rows(rows) > 0;
    dbk_result_free(rows);
    return found;
}

void dbk_deliveries_sweep(dbk_store *store, int64_t now_ms)
{
    dbk_db *db = dbk_store_db(store);
    dbk_read read = dbk_read_begin(db);
    for (size_t i = 0; i < dbk_snapshot_tenants(read.snapshot); i++) {
        int64_t before_ms;
        dbk_text tenant = dbk_snapshot_tenant_name(read.snapshot, i);
        sweep *s = has_old(read.snapshot, tenant, now_ms, &before_ms) ? calloc(1, sizeof(*s)) : NULL;
        if (s == NULL)
            continue;
        memcpy(s->tenant_text, tenant.data, tenant.length);
        s->tenant = (dbk_text){s->tenant_text, tenant.length};
        s->before_ms = before_ms;
        dbk_store_transact(store, s->tenant, remove_old, s, on_swept, s);
    }
    dbk_read_end(db, &read);
}
