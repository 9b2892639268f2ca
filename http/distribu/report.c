// SPDX-License-Identifier: Apache-2.0
// Range and currency of a Distribu report.
//
// The currency filter is only put into a query when a first, unfiltered one met other currencies: nearly all
// companies have a single one, and a query without filter can be answered from statistics.
#include "http/distribu/report.h"

#include "engine/base/decimal.h"

#include <stdlib.h>
#include <string.h>

static bool is_currency_code(dbk_text text)
{
    for (uint32_t i = 0; i < text.length; i++)
        if ((text.data[i] | 0x20) < 'a' || (text.data[i] | 0x20) > 'z')
            return false;
    return text.length == 3;
}

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

static bool resolve_currency(dbk_call *call, dbk_distribu_report *report)
{
    dbk_text wanted = dbk_call_param(call, "currency");
    report->currency = dbk_text_from(report->settings.currency);
    if (wanted.length > 0) {
        if (!is_currency_code(wanted)) {
            dbk_call_fail(call, 400, "Invalid currency.");
            return false;
        }
        // As they are stored, in capitals.
        char capitals[3];
        for (int i = 0; i < 3; i++)
            capitals[i] = wanted.data[i] & ~0x20;
        char *kept = dbk_arena_copy(&call->arena, capitals, sizeof(capitals));
        report->currency = (dbk_text){kept, kept ? 3 : 0};
    }
    report->is_default_currency = dbk_text_equal(report->currency, dbk_text_from(report->settings.currency));
    report->digits = dbk_currency_digits(report->currency);
    return true;
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
    if (!resolve_currency(call, report))
        return false;
    dbk_call_tag(call, &range->from_ms, sizeof(range->from_ms));
    dbk_call_tag(call, &range->to_ms, sizeof(range->to_ms));
    const char *preset = range->custom ? "custom" : dbk_preset_names[range->preset];
    dbk_call_tag(call, preset, strlen(preset));
    dbk_call_tag(call, report->currency.data, report->currency.length);
    return !dbk_call_is_unchanged(call);
}

static void note_other(dbk_distribu_report *report, dbk_text currency, int64_t orders)
{
    for (int i = 0; i < report->others_count; i++) {
        if (dbk_text_equal(report->others[i].name, currency)) {
            report->others[i].orders += orders;
            return;
        }
    }
    if (report->others_count == DBK_OTHER_CURRENCIES_MAX)
        return;
    report->others[report->others_count].name = currency;
    report->others[report->others_count++].orders = orders;
}

bool dbk_distribu_report_counts(dbk_distribu_report *report, dbk_text currency, int64_t orders)
{
    if (currency.length == 0)
        currency = dbk_text_from(report->settings.currency);
    if (dbk_text_equal(currency, report->currency))
        return true;
    note_other(report, currency.length > 0 ? currency : DBK_TEXT("none"), orders);
    return false;
}

// Currencies are data and a header is not the place for all of it.
static void append_token(dbk_buffer *out, dbk_text text)
{
    for (uint32_t i = 0; i < text.length && i < 16; i++) {
        char c = text.data[i], lower = c | 0x20;
        bool is_plain = (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
        dbk_buffer_u8(out, is_plain ? (uint8_t)c : '?');
    }
}

void dbk_distribu_report_others(dbk_call *call, dbk_distribu_report *report)
{
    if (report->others_count == 0)
        return;
    // By name; a handful of entries.
    for (int i = 1; i < report->others_count; i++)
        for (int j = i; j > 0 && dbk_text_compare(report->others[j - 1].name, report->others[j].name) > 0;
             j--) {
            __auto_type swapped = report->others[j];
            report->others[j] = report->others[j - 1];
            report->others[j - 1] = swapped;
        }
    dbk_buffer text = {0};
    for (int i = 0; i < report->others_count; i++) {
        if (i > 0)
            dbk_buffer_append(&text, ", ", 2);
        append_token(&text, report->others[i].name);
        dbk_buffer_format(&text, "=%lld", (long long)report->others[i].orders);
    }
    char *copy = text.failed ? NULL : dbk_arena_copy(&call->arena, (const char *)text.data, text.size);
    if (copy != NULL)
        dbk_call_header(call, "daybook-other-currencies", (dbk_text){copy, (uint32_t)text.size});
    dbk_buffer_dispose(&text);
}

dbk_query dbk_distribu_report_orders(dbk_distribu_report *report)
{
    report->currency_values[0] = (dbk_value){.kind = DBK_VALUE_TEXT, .text = report->currency};
    report->currency_values[1] = (dbk_value){.kind = DBK_VALUE_NULL};
    report->currency_filter = (dbk_filter){.column = "currency",
                                           .op = DBK_OP_IN,
                                           .values = report->currency_values,
                                           .values_count = report->is_default_currency ? 2 : 1};
    return (dbk_query){.table = "orders",
                       .from_ms = report->range.from_ms,
                       .to_ms = report->range.to_ms + 1,
                       .filters = &report->currency_filter,
                       .filters_count = report->others_count > 0 ? 1 : 0,
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
            dbk_distribu_report_counts(report, (dbk_text){copy, name.length}, dbk_result_int(rows, row, 1));
    }
    dbk_result_free(rows);
    return status;
}
