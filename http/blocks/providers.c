// SPDX-License-Identifier: Apache-2.0
// /reports/orders/providers/list and …/summary: who carries out which order, and what is kept for it.
#include "http/blocks/commission.h"
#include "http/blocks/handlers.h"
#include "http/blocks/list.h"

#include <stdlib.h>

static const char *const sums[] = {"amount"};
static const dbk_blocks_source assignments = {.table = "provider_assignments",
                                              .time_column = "created_at",
                                              .id_column = "id",
                                              .sums = sums,
                                              .sums_count = DBK_COUNT(sums),
                                              .initial = "assigned",
                                              .vendor = "vendor_id",
                                              .groups = DBK_BLOCKS_VENDOR};

// ---- Commission ----

static dbk_status query_rates(const dbk_blocks_report *report, dbk_result **out, dbk_error *err)
{
    static const dbk_group_key rate = {.column = "commission_rate"};
    static const dbk_aggregate amount = {.kind = DBK_SUM, .column = "amount"};
    dbk_query query = dbk_blocks_rows(report);
    query.keys = &rate;
    query.keys_count = 1;
    query.aggregates = &amount;
    query.aggregates_count = 1;
    return dbk_blocks_run(report, &query, out, err);
}

static dbk_status read_commission(const dbk_blocks_report *report, dbk_i128 *out, dbk_error *err)
{
    dbk_result *rates;
    DBK_TRY(query_rates(report, &rates, err));
    size_t count = dbk_result_rows(rates);
    dbk_commission *parts = malloc((count + 1) * sizeof(*parts));
    dbk_status status =
        parts == NULL ? dbk_fail(err, DBK_NO_MEMORY, "out of memory adding commission") : DBK_OK;
    for (size_t row = 0; row < count && status == DBK_OK; row++)
        parts[row] = (dbk_commission){dbk_result_sum(rates, row, 1), dbk_result_int(rates, row, 0)};
    if (status == DBK_OK)
        status = dbk_commission_sum(parts, count, report->currency.digits, out, err);
    free(parts);
    dbk_result_free(rates);
    return status;
}

// ---- By vendor ----

enum { VENDOR, NAME, COUNT, AMOUNT, RATE };

static dbk_status query_vendors(const dbk_blocks_report *report, dbk_result **out, dbk_error *err)
{
    static const dbk_group_key vendor = {.column = "vendor_id"};
    static const char *const name[] = {"vendor_id.name"};
    static const dbk_aggregate aggregates[] = {{.kind = DBK_COUNT_ROWS},
                                               {.kind = DBK_SUM, .column = "amount"},
                                               {.kind = DBK_AVERAGE, .column = "commission_rate"}};
    static const dbk_order order[] = {{.output = AMOUNT, .descending = true}, {.output = VENDOR}};
    dbk_query query = dbk_blocks_rows(report);
    query.keys = &vendor;
    query.keys_count = 1;
    query.fields = name;
    query.fields_count = 1;
    query.aggregates = aggregates;
    query.aggregates_count = DBK_COUNT(aggregates);
    query.order = order;
    query.order_count = DBK_COUNT(order);
    return dbk_blocks_run(report, &query, out, err);
}

static void write_vendor(const dbk_blocks_report *report, dbk_out *out, const dbk_result *vendors, size_t row)
{
    int64_t rates = dbk_result_count(vendors, row, RATE);
    dbk_out_object(out);
    dbk_out_key(out, "vendor_id");
    dbk_out_text_or_null(out, dbk_result_text(vendors, row, VENDOR));
    dbk_out_key(out, "vendor_name");
    dbk_out_text_or_null(out, dbk_result_text(vendors, row, NAME));
    dbk_blocks_write_count(out, "assignments", dbk_result_int(vendors, row, COUNT));
    dbk_blocks_write_money(report, out, "total_amount", dbk_result_sum(vendors, row, AMOUNT));
    dbk_out_key(out, "avg_commission_rate");
    dbk_out_rate(out, dbk_result_sum(vendors, row, RATE), rates > 0 ? rates : 1, 1);
    dbk_out_object_end(out);
}

static dbk_status write_summary(dbk_blocks_report *report, dbk_error *err)
{
    dbk_i128 commission;
    dbk_result *vendors;
    DBK_TRY(read_commission(report, &commission, err));
    DBK_TRY(query_vendors(report, &vendors, err));
    dbk_out out = dbk_blocks_open(report);
    dbk_blocks_write_count(&out, "total_assignments", report->total.rows);
    dbk_blocks_write_money(report, &out, "total_provider_amount", report->total.sums[0]);
    dbk_blocks_write_money(report, &out, "total_commission", commission);
    dbk_blocks_write_currency(report, &out);
    dbk_out_key(&out, "by_vendor");
    dbk_out_array(&out);
    for (size_t row = 0; row < dbk_result_rows(vendors); row++)
        write_vendor(report, &out, vendors, row);
    dbk_out_array_end(&out);
    dbk_blocks_close(&out);
    dbk_result_free(vendors);
    return DBK_OK;
}

void dbk_blocks_providers_summary(dbk_call *call)
{
    dbk_blocks_report report;
    dbk_error err;
    if (!dbk_blocks_begin(call, &report, &assignments))
        return;
    dbk_status status = write_summary(&report, &err);
    dbk_blocks_end(&report, status, &err);
}

void dbk_blocks_providers_list(dbk_call *call)
{
    static const dbk_blocks_column columns[] = {
        {"provider_id", "provider_id", DBK_BLOCKS_TEXT},
        {"vendor_id", "vendor_id", DBK_BLOCKS_TEXT},
        {"vendor_name", "vendor_id.name", DBK_BLOCKS_TEXT},
        {"order_id", "order_id", DBK_BLOCKS_TEXT},
        {"detail_id", "line_id", DBK_BLOCKS_TEXT},
        {"commission_rate", "commission_rate", DBK_BLOCKS_RATE},
        {"amount", "amount", DBK_BLOCKS_MONEY},
        {"status", "status", DBK_BLOCKS_STATUS},
    };
    static const dbk_blocks_list list = {columns, DBK_COUNT(columns), NULL};
    dbk_blocks_answer_list(call, &assignments, &list);
}
