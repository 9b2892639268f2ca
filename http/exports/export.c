// SPDX-License-Identifier: Apache-2.0
// Export jobs as rows.
#include "http/exports/export.h"

#include "http/app/row_batch.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

const char *const dbk_export_state_names[4] = {"running", "ready", "failed", "cancelled"};

// A running job is shown and kept for as long as it runs: the last day that people write.
static const int64_t no_end = 253402300799999;

dbk_status dbk_export_id(char out[DBK_EXPORT_ID_BYTES + 1], dbk_error *err)
{
    uint8_t bytes[8];
    if (RAND_bytes(bytes, sizeof(bytes)) != 1)
        return dbk_fail(err, DBK_IO, "the system gives no random bytes");
    memcpy(out, "exp_", 4);
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(out + 4 + 2 * i, 3, "%02x", bytes[i]);
    return DBK_OK;
}

bool dbk_export_id_is_valid(dbk_text id)
{
    if (id.length != DBK_EXPORT_ID_BYTES || memcmp(id.data, "exp_", 4) != 0)
        return false;
    for (uint32_t i = 4; i < id.length; i++)
        if (!((id.data[i] >= '0' && id.data[i] <= '9') || (id.data[i] >= 'a' && id.data[i] <= 'f')))
            return false;
    return true;
}

// ---- Reading ----

// The columns that every query here returns, in the order of `column`.
enum column {
    ID,
    CREATED,
    KIND,
    REPORT,
    PARAMETERS,
    STATE,
    PROGRESS,
    ROWS,
    BYTES,
    FILE_NAME,
    OBJECT,
    ERROR,
    DONE,
    EXPIRES,
    KEEP,
    ACTOR
};
static const char *const columns[] = {
    "id",    "created_at", "kind",   "report", "parameters", "state",      "progress",   "rows",
    "bytes", "file_name",  "object", "error",  "done_at",    "expires_at", "keep_until", "actor"};

static dbk_query all_columns(const dbk_filter *filters, int filters_count)
{
    return (dbk_query){.table = "exports",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .filters = filters,
                       .filters_count = filters_count,
                       .fields = columns,
                       .fields_count = DBK_COUNT(columns)};
}

static dbk_export_state state_of(dbk_text name)
{
    for (int i = 0; i < (int)DBK_COUNT(dbk_export_state_names); i++)
        if (dbk_text_equal(name, dbk_text_from(dbk_export_state_names[i])))
            return (dbk_export_state)i;
    return DBK_EXPORT_FAILED;
}

void dbk_export_of(const dbk_result *rows, size_t row, dbk_export *out)
{
    *out = (dbk_export){
        .id = dbk_result_text(rows, row, ID),
        .kind = dbk_result_text(rows, row, KIND),
        .report = dbk_result_text(rows, row, REPORT),
        .parameters = dbk_result_text(rows, row, PARAMETERS),
        .file_name = dbk_result_text(rows, row, FILE_NAME),
        .object = dbk_result_text(rows, row, OBJECT),
        .error = dbk_result_text(rows, row, ERROR),
        .actor = dbk_result_text(rows, row, ACTOR),
        .state = state_of(dbk_result_text(rows, row, STATE)),
        .created_at = dbk_result_int(rows, row, CREATED),
        .done_at = dbk_result_int(rows, row, DONE),
        .expires_at = dbk_result_int(rows, row, EXPIRES),
        .keep_until = dbk_result_int(rows, row, KEEP),
        .progress = dbk_result_int(rows, row, PROGRESS),
        .rows = dbk_result_int(rows, row, ROWS),
        .bytes = dbk_result_int(rows, row, BYTES),
    };
}

dbk_status dbk_export_find(const dbk_snapshot *snapshot, dbk_text tenant, dbk_text id, dbk_result **rows,
                           dbk_export *out, dbk_error *err)
{
    dbk_value key = {.kind = DBK_VALUE_TEXT, .text = id};
    dbk_filter filter = {.column = "id", .op = DBK_OP_IN, .values = &key, .values_count = 1};
    dbk_query query = all_columns(&filter, 1);
    DBK_TRY(dbk_query_run(snapshot, tenant, &query, rows, err));
    if (dbk_result_rows(*rows) == 0) {
        dbk_result_free(*rows);
        return dbk_fail(err, DBK_NOT_FOUND, "there is no export %.*s", (int)id.length, id.data);
    }
    dbk_export_of(*rows, 0, out);
    return DBK_OK;
}

static dbk_status count_rows(const dbk_snapshot *snapshot, dbk_text tenant, const dbk_filter *filters,
                             int filters_count, int64_t *out, dbk_error *err)
{
    dbk_aggregate count = {.kind = DBK_COUNT_ROWS};
    dbk_query query = {.table = "exports",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .filters = filters,
                       .filters_count = filters_count,
                       .aggregates = &count,
                       .aggregates_count = 1};
    dbk_result *result;
    DBK_TRY(dbk_query_run(snapshot, tenant, &query, &result, err));
    *out = dbk_result_int(result, 0, 0);
    dbk_result_free(result);
    return DBK_OK;
}

dbk_status dbk_exports_page(const dbk_snapshot *snapshot, dbk_text tenant, const char *kind, int64_t now_ms,
                            int64_t page, int64_t per_page, dbk_result **rows, size_t *first, int64_t *total,
                            dbk_error *err)
{
    dbk_value now = {.kind = DBK_VALUE_INT, .number = now_ms};
    dbk_value name = {.kind = DBK_VALUE_TEXT, .text = dbk_text_from(kind)};
    dbk_filter filters[] = {
        {.column = "expires_at", .op = DBK_OP_GT, .values = &now, .values_count = 1},
        {.column = "kind", .op = DBK_OP_EQ, .values = &name, .values_count = 1},
    };
    DBK_TRY(count_rows(snapshot, tenant, filters, DBK_COUNT(filters), total, err));
    int64_t skipped = page - 1 > *total / per_page ? *total : (page - 1) * per_page;
    dbk_order order[] = {{.output = CREATED, .descending = true}, {.output = ID}};
    dbk_query query = all_columns(filters, DBK_COUNT(filters));
    query.order = order;
    query.order_count = DBK_COUNT(order);
    query.limit = skipped + per_page;
    DBK_TRY(dbk_query_run(snapshot, tenant, &query, rows, err));
    *first = (size_t)skipped < dbk_result_rows(*rows) ? (size_t)skipped : dbk_result_rows(*rows);
    return DBK_OK;
}

dbk_status dbk_exports_in_state(const dbk_snapshot *snapshot, dbk_text tenant, dbk_export_state state,
                                dbk_result **rows, dbk_error *err)
{
    dbk_value name = {.kind = DBK_VALUE_TEXT, .text = dbk_text_from(dbk_export_state_names[state])};
    dbk_filter filter = {.column = "state", .op = DBK_OP_EQ, .values = &name, .values_count = 1};
    dbk_order order[] = {{.output = CREATED}, {.output = ID}};
    dbk_query query = all_columns(&filter, 1);
    query.order = order;
    query.order_count = DBK_COUNT(order);
    return dbk_query_run(snapshot, tenant, &query, rows, err);
}

dbk_status dbk_exports_outdated(const dbk_snapshot *snapshot, dbk_text tenant, int64_t now_ms, int64_t limit,
                                dbk_result **rows, dbk_error *err)
{
    dbk_value now = {.kind = DBK_VALUE_INT, .number = now_ms};
    dbk_filter filter = {.column = "keep_until", .op = DBK_OP_LE, .values = &now, .values_count = 1};
    dbk_order order[] = {{.output = KEEP}, {.output = ID}};
    dbk_query query = all_columns(&filter, 1);
    query.order = order;
    query.order_count = DBK_COUNT(order);
    query.limit = limit;
    return dbk_query_run(snapshot, tenant, &query, rows, err);
}

// ---- Changing ----

dbk_status dbk_export_build(dbk_batch *batch, const dbk_export *job, dbk_error *err)
{
    bool is_running = job->state == DBK_EXPORT_RUNNING;
    int64_t kept_ms = job->state == DBK_EXPORT_READY ? DBK_EXPORT_KEPT_MS : DBK_EXPORT_SHOWN_MS;
    struct {
        const char *column;
        dbk_text value;
    } texts[] = {
        {"id", job->id},
        {"kind", job->kind},
        {"report", job->report},
        {"parameters", job->parameters},
        {"state", dbk_text_from(dbk_export_state_names[job->state])},
        {"file_name", job->file_name},
        {"object", job->object},
        {"error", job->error},
        {"actor", job->actor},
    };
    DBK_TRY(dbk_row_batch_init(batch, DBK_EXPORTS, 1, err));
    for (size_t i = 0; i < DBK_COUNT(texts); i++)
        DBK_TRY(dbk_row_batch_text(batch, 0, texts[i].column, texts[i].value, err));
    dbk_row_batch_int(batch, 0, "created_at", job->created_at);
    dbk_row_batch_int(batch, 0, "progress", job->progress);
    dbk_row_batch_int(batch, 0, "rows", job->rows);
    dbk_row_batch_int(batch, 0, "bytes", job->bytes);
    dbk_row_batch_int(batch, 0, "done_at", job->done_at);
    dbk_row_batch_int(batch, 0, "expires_at", is_running ? no_end : job->done_at + DBK_EXPORT_SHOWN_MS);
    dbk_row_batch_int(batch, 0, "keep_until", is_running ? no_end : job->done_at + kept_ms);
    return DBK_OK;
}

dbk_status dbk_export_advance(const dbk_snapshot *working, dbk_text tenant, dbk_text id, const dbk_export *to,
                              dbk_batch *batch, dbk_export_state *found, dbk_error *err)
{
    dbk_result *rows;
    dbk_export job;
    DBK_TRY(dbk_export_find(working, tenant, id, &rows, &job, err));
    *found = job.state;
    dbk_status status = DBK_OK;
    if (job.state != DBK_EXPORT_RUNNING) {
        status = dbk_fail(err, DBK_INVALID, "the export is %s already", dbk_export_state_names[job.state]);
    } else {
        job.state = to->state;
        job.progress = to->progress > job.progress ? to->progress : job.progress;
        job.rows = to->rows;
        job.bytes = to->bytes;
        job.object = to->object;
        job.error = to->error;
        job.done_at = to->done_at;
        status = dbk_export_build(batch, &job, err);
    }
    dbk_result_free(rows);
    return status;
}

dbk_status dbk_exports_build_removal(dbk_batch *batch, const dbk_result *rows, dbk_error *err)
{
    uint32_t count = (uint32_t)dbk_result_rows(rows);
    DBK_TRY(dbk_row_batch_init(batch, DBK_EXPORTS, count, err));
    for (uint32_t row = 0; row < count; row++)
        DBK_TRY(dbk_row_batch_text(batch, row, "id", dbk_result_text(rows, row, ID), err));
    batch->remove = true;
    return DBK_OK;
}
