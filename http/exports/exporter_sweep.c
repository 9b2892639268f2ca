// SPDX-License-Identifier: Apache-2.0
// What happens to jobs apart from running: taken up after a start, removed when their time is over.
#include "http/exports/exporter_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REMOVED_AT_ONCE = 1000 };

// ---- After a start ----

// The ids of files that jobs stand behind, 20 bytes each.
typedef struct id_list {
    char *ids;
    size_t count;
} id_list;

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, DBK_EXPORT_ID_BYTES);
}

static bool is_listed(void *user, dbk_text id)
{
    const id_list *list = user;
    return list->count > 0 &&
           bsearch(id.data, list->ids, list->count, DBK_EXPORT_ID_BYTES, compare_ids) != NULL;
}

static dbk_status list_ready(id_list *list, const dbk_snapshot *snapshot, dbk_text tenant, dbk_error *err)
{
    dbk_result *rows;
    DBK_TRY(dbk_exports_in_state(snapshot, tenant, DBK_EXPORT_READY, &rows, err));
    size_t count = dbk_result_rows(rows);
    char *grown = realloc(list->ids, (list->count + count + 1) * DBK_EXPORT_ID_BYTES);
    if (grown != NULL)
        list->ids = grown;
    for (size_t row = 0; row < count && grown != NULL; row++) {
        dbk_export job;
        dbk_export_of(rows, row, &job);
        if (dbk_export_id_is_valid(job.id))
            memcpy(list->ids + list->count++ * DBK_EXPORT_ID_BYTES, job.id.data, DBK_EXPORT_ID_BYTES);
    }
    dbk_result_free(rows);
    return grown != NULL ? DBK_OK : dbk_fail(err, DBK_NO_MEMORY, "no memory for the exports");
}

static dbk_status queue_running(dbk_exporter *exporter, const dbk_snapshot *snapshot, dbk_text tenant,
                                dbk_error *err)
{
    dbk_result *rows;
    dbk_status status = DBK_OK;
    DBK_TRY(dbk_exports_in_state(snapshot, tenant, DBK_EXPORT_RUNNING, &rows, err));
    for (size_t row = 0; row < dbk_result_rows(rows) && status == DBK_OK; row++) {
        dbk_export job;
        char id[DBK_EXPORT_ID_BYTES + 1] = {0};
        dbk_export_of(rows, row, &job);
        if (!dbk_export_id_is_valid(job.id))
            continue;
        memcpy(id, job.id.data, DBK_EXPORT_ID_BYTES);
        dbk_export_ticket *ticket = dbk_export_queue_reserve(&exporter->queue, tenant, id);
        if (ticket != NULL)
            dbk_export_queue_admit(ticket);
        else
            status = dbk_fail(err, DBK_NO_MEMORY, "no memory for the exports");
    }
    dbk_result_free(rows);
    return status;
}

dbk_status dbk_exporter_resume(dbk_exporter *exporter, dbk_error *err)
{
    dbk_db *db = dbk_store_db(exporter->store);
    dbk_read read = dbk_read_begin(db);
    dbk_status status = DBK_OK;
    id_list ready = {0};
    for (size_t i = 0; i < dbk_snapshot_tenants(read.snapshot) && status == DBK_OK; i++) {
        dbk_text tenant = dbk_snapshot_tenant_name(read.snapshot, i);
        if (dbk_snapshot_rows(read.snapshot, tenant, DBK_EXPORTS) == 0)
            continue;
        status = queue_running(exporter, read.snapshot, tenant, err);
        if (status == DBK_OK)
            status = list_ready(&ready, read.snapshot, tenant, err);
    }
    dbk_read_end(db, &read);
    if (status == DBK_OK && ready.count > 0)
        qsort(ready.ids, ready.count, DBK_EXPORT_ID_BYTES, compare_ids);
    dbk_error disk;
    // A directory that cannot be read fails the jobs that need it, not the server.
    if (status == DBK_OK && dbk_export_files_sweep(exporter->directory, is_listed, &ready, &disk) != DBK_OK)
        fprintf(stderr, "daybook: exports: %s\n", disk.message);
    free(ready.ids);
    return status;
}

// ---- Jobs whose time is over ----

static dbk_status remove_files(const dbk_exporter *exporter, const dbk_result *rows, dbk_error *err)
{
    for (size_t row = 0; row < dbk_result_rows(rows); row++) {
        dbk_export job;
        dbk_export_of(rows, row, &job);
        if (dbk_export_id_is_valid(job.id))
            DBK_TRY(dbk_export_file_remove(exporter->directory, job.id, err));
    }
    return DBK_OK;
}

static dbk_status remove_rows(dbk_exporter *exporter, dbk_text tenant, const dbk_result *rows, dbk_error *err)
{
    dbk_batch batch = {0};
    const dbk_batch *batches[] = {&batch};
    dbk_change change = {.tenant = tenant, .batches = batches, .batches_count = 1};
    dbk_apply_report report = {0};
    dbk_status status = dbk_exports_build_removal(&batch, rows, err);
    if (status == DBK_OK)
        status = dbk_store_write(exporter->store, &change, &report, err);
    free(report.rejected_rows);
    dbk_batch_dispose(&batch);
    return status;
}

// A tenant with more than go at once has the rest removed the next time.
static dbk_status sweep_tenant(dbk_exporter *exporter, const dbk_snapshot *snapshot, dbk_text tenant,
                               dbk_error *err)
{
    dbk_result *rows;
    int64_t now = exporter->options.now_ms(exporter->options.user);
    DBK_TRY(dbk_exports_outdated(snapshot, tenant, now, REMOVED_AT_ONCE, &rows, err));
    dbk_status status = DBK_OK;
    if (dbk_result_rows(rows) > 0) {
        status = remove_files(exporter, rows, err);
        if (status == DBK_OK)
            status = remove_rows(exporter, tenant, rows, err);
    }
    dbk_result_free(rows);
    return status;
}

void dbk_exporter_sweep(dbk_exporter *exporter)
{
    dbk_db *db = dbk_store_db(exporter->store);
    dbk_read read = dbk_read_begin(db);
    for (size_t i = 0; i < dbk_snapshot_tenants(read.snapshot); i++) {
        dbk_text tenant = dbk_snapshot_tenant_name(read.snapshot, i);
        dbk_error err;
        if (dbk_snapshot_rows(read.snapshot, tenant, DBK_EXPORTS) > 0 &&
            sweep_tenant(exporter, read.snapshot, tenant, &err) != DBK_OK)
            fprintf(stderr, "daybook: exports: old ones were not removed: %s\n", err.message);
    }
    dbk_read_end(db, &read);
}
