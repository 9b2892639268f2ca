// SPDX-License-Identifier: Apache-2.0
// One small transaction a tenant.
#include "http/webhooks/retention.h"

#include "engine/query.h"
#include "http/app/old_rows.h"
#include "http/app/settings.h"

enum { SWEEP_ROWS = 1000 };
static const int64_t day_ms = 86400000;

// Looks before it keeps the writer busy.
static bool find_old(const dbk_snapshot *snapshot, dbk_text tenant, int64_t now_ms, dbk_old_rows *out)
{
    static const dbk_value pending = {.kind = DBK_VALUE_TEXT, .text = {"pending", sizeof("pending") - 1}};
    static const dbk_filter is_over = {
        .column = "state", .op = DBK_OP_NE, .values = &pending, .values_count = 1};
    dbk_settings settings;
    dbk_error err;
    if (dbk_snapshot_rows(snapshot, tenant, DBK_WEBHOOK_DELIVERIES) == 0 ||
        dbk_settings_read(snapshot, tenant, &settings, &err) != DBK_OK || settings.delivery_days == 0)
        return false;
    *out = (dbk_old_rows){.table = DBK_WEBHOOK_DELIVERIES,
                          .before_ms = now_ms - settings.delivery_days * day_ms,
                          .filter = &is_over,
                          .most = SWEEP_ROWS};
    return dbk_old_rows_exist(snapshot, tenant, out);
}

void dbk_deliveries_sweep(dbk_store *store, int64_t now_ms)
{
    dbk_db *db = dbk_store_db(store);
    dbk_read read = dbk_read_begin(db);
    for (size_t i = 0; i < dbk_snapshot_tenants(read.snapshot); i++) {
        dbk_old_rows old;
        dbk_text tenant = dbk_snapshot_tenant_name(read.snapshot, i);
        if (find_old(read.snapshot, tenant, now_ms, &old))
            dbk_old_rows_remove(store, tenant, &old);
    }
    dbk_read_end(db, &read);
}
