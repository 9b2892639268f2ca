// SPDX-License-Identifier: Apache-2.0
// Range and currency of a Distribu report.
#include "http/distribu/report.h"

#include <stdlib.h>
#include <string.h>

static dbk_status read_first_order(dbk_call *call, int64_t *first_ms, dbk_error *err)
{
    dbk_aggregate first = {.kind = DBK_MIN, .column = "created_at"};
    dbk_query query = {.table = "orders",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .aggregates = &first,
                       .aggregates_count = 1};
    dbk_result *result;
    DBK_TRY(dbk_query_run(dbk_call_snapshot(call), call->tenant, &query, &result, err));
    *first_ms = dbk_result_rows(result) > 0 ? dbk_result_int(result, 0, 0) : DBK_NULL;
    dbk_result_free(result);
    return DBK_OK;
}

bool dbk_distribu_report_begin(dbk_call *call, dbk_distribu_report *report, int days_max)
{
    *report = (dbk_distribu_report){.threads = dbk_call_threads(call)};
    dbk_error err;
    dbk_status status = dbk_settings_read(dbk_call_snapshot(call), call->tenant, &report->settings, &err);
    if (status != DBK_OK) {
        dbk_call_fail_read(call, status, &err);
        return false;
    }
    dbk_range_request wanted = {dbk_call_param(call, "preset"), dbk_call_param(call, "from"),
                                dbk_call_param(call, "to")};
    dbk_time_range *range = &report->range;
    status = dbk_time_range_resolve(range, &wanted, report->settings.zone, call->now_ms, &err);
    if (status == DBK_OK && range->needs_first) {
        int64_t first_ms;
        status = read_first_order(call, &first_ms, &err);
        if (status != DBK_OK) {
            dbk_call_fail_read(call, status, &err);
            return false;
        }
        status = dbk_time_range_begin(range, first_ms, report->settings.zone, &err);
    }
    if (status != DBK_OK) {
        dbk_call_fail(call, 400, "%s", err.message);
        return false;
    }
    if (days_max > 0 && range->to_day - range->from_day >= days_max) {
        dbk_call_fail(call, 400, "Date range too long. At most %d days.", days_max);
        return false;
    }
    if (!dbk_currency_choose(&report->currency, dbk_call_param(call, "currency"), &report->settings,
                             &call->arena)) {
        dbk_call_fail(call, 400, "Invalid currency.");
        return false;
    }
    dbk_call_tag(call, &range->from_ms, sizeof(range->from_ms));
    dbk_call_tag(call, &range->to_ms, sizeof(range->to_ms));
    const char *preset = range->custom ? "custom" : dbk_preset_names[range->preset];
    dbk_call_tag(call, preset, strlen(preset));
    dbk_call_tag(call, report->currency.name.data, report->currency.name.length);
    return !dbk_call_is_unchanged(call);
}

dbk_query dbk_distribu_report_orders(dbk_distribu_report *report)
{
    const dbk_filter *filter = dbk_currency_filter(&report->currency);
    return (dbk_query){.table = "orders",
                       .from_ms = report->range.from_ms,
                       .to_ms = report->range.to_ms + 1,
                       .filters = filter,
                       .filters_count = filter != NULL ? 1 : 0,
                       .threads = report->threads};
}

void dbk_distribu_report_range(const dbk_distribu_report *report, dbk_out *out)
{
    char label[DBK_RANGE_LABEL_MAX];
    dbk_time_range_label(&report->range, label);
    dbk_out_key(out, "range");
    dbk_out_object(out);
    dbk_out_key(out, "from");
    dbk_out_time(out, report->range.from_ms);
    dbk_out_key(out, "to");
    dbk_out_time(out, report->range.to_ms);
    dbk_out_key(out, "preset");
    dbk_out_string(out, report->range.custom ? "custom" : dbk_preset_names[report->range.preset]);
    dbk_out_key(out, "label");
    dbk_out_string(out, label);
    dbk_out_object_end(out);
}

dbk_status dbk_distribu_report_currencies(dbk_call *call, dbk_distribu_report *report, dbk_error *err)
{
    static const dbk_group_key key = {.column = "currency"};
    static const dbk_aggregate count = {.kind = DBK_COUNT_ROWS};
    dbk_query query = dbk_distribu_report_orders(report);
    query.keys = &key;
    query.keys_count = 1;
    query.aggregates = &count;
    query.aggregates_count = 1;
    dbk_result *rows;
    DBK_TRY(dbk_query_run(dbk_call_snapshot(call), call->tenant, &query, &rows, err));
    dbk_status status = DBK_OK;
    for (size_t row = 0; row < dbk_result_rows(rows) && status == DBK_OK; row++) {
        dbk_text name = dbk_result_text(rows, row, 0);
        char *copy = dbk_arena_copy(&call->arena, name.data, name.length);
        if (copy == NULL)
            // A currency passed over would be added to another.
            status = dbk_fail(err, DBK_NO_MEMORY, "out of memory reading currencies");
        else
            dbk_currency_counts(&report->currency, (dbk_text){copy, name.length},
                                dbk_result_int(rows, row, 1));
    }
    dbk_result_free(rows);
    return status;
}
