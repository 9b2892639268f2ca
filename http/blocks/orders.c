// SPDX-License-Identifier: Apache-2.0
// /reports/orders/summary, /reports/orders/list and /reports/flexible_orders/summary. Revenue is the total of
// all orders whatever their status, cancelled ones included; refunds do not change it.
#include "http/blocks/handlers.h"
#include "http/blocks/list.h"

enum { REVENUE, TAX, TIPS };

static const dbk_value plain_kinds[] = {
    {.kind = DBK_VALUE_NULL},
    {.kind = DBK_VALUE_TEXT, .text = {"standard", 8}},
    {.kind = DBK_VALUE_TEXT, .text = {"preorder", 8}},
    {.kind = DBK_VALUE_TEXT, .text = {"pos", 3}},
};
static const dbk_value flexible_kind = {.kind = DBK_VALUE_TEXT, .text = {"flexible", 8}};
static const dbk_filter is_plain = {
    .column = "kind", .op = DBK_OP_IN, .values = plain_kinds, .values_count = DBK_COUNT(plain_kinds)};
static const dbk_filter is_flexible = {
    .column = "kind", .op = DBK_OP_EQ, .values = &flexible_kind, .values_count = 1};

static const char *const sums[] = {[REVENUE] = "total", [TAX] = "tax", [TIPS] = "tip"};

static const dbk_blocks_source orders = {.table = "orders",
                                         .time_column = "created_at",
                                         .id_column = "id",
                                         .sums = sums,
                                         .sums_count = DBK_COUNT(sums),
                                         .filter = &is_plain,
                                         .method = "payment_method"};
static const dbk_blocks_source flexible_orders = {.table = "orders",
                                                  .time_column = "created_at",
                                                  .id_column = "id",
                                                  .sums = sums,
                                                  .sums_count = 1,
                                                  .filter = &is_flexible,
                                                  .method = "payment_method"};

static const char *const states[] = {"pending",   "confirmed", "processing", "shipped",
                                     "delivered", "cancelled", NULL};
static const char *const flexible_states[] = {"pending",   "confirmed", "processing",
                                              "delivered", "cancelled", NULL};

static dbk_status write_summary(dbk_blocks_report *report, const char *const *always, dbk_error *err)
{
    const dbk_blocks_figure *total = &report->total;
    dbk_out out = dbk_blocks_open(report);
    dbk_blocks_write_count(&out, "total_orders", total->rows);
    dbk_blocks_write_money(report, &out, "total_revenue", total->sums[REVENUE]);
    dbk_out_key(&out, "average_order_value");
    dbk_out_money(&out, total->sums[REVENUE], total->rows > 0 ? total->rows : 1, report->currency.digits);
    if (report->source->sums_count > TAX) {
        dbk_blocks_write_money(report, &out, "total_tax", total->sums[TAX]);
        dbk_blocks_write_money(report, &out, "total_tips", total->sums[TIPS]);
    }
    dbk_blocks_write_currency(report, &out);
    dbk_blocks_write_period(report, &out);
    dbk_blocks_write_statuses(report, &out, always);
    dbk_status status = dbk_blocks_write_breakdown(report, &out, "orders", "revenue", err);
    dbk_blocks_close(&out);
    return status;
}

static void answer_summary(dbk_call *call, const dbk_blocks_source *source, const char *const *always)
{
    dbk_blocks_report report;
    dbk_error err;
    if (!dbk_blocks_begin(call, &report, source) || !dbk_blocks_can_break_down(&report))
        return;
    dbk_status status = write_summary(&report, always, &err);
    dbk_blocks_end(&report, status, &err);
}

void dbk_blocks_orders_summary(dbk_call *call)
{
    answer_summary(call, &orders, states);
}

void dbk_blocks_flexible_orders_summary(dbk_call *call)
{
    answer_summary(call, &flexible_orders, flexible_states);
}

void dbk_blocks_orders_list(dbk_call *call)
{
    static const dbk_blocks_column columns[] = {
        {"order_id", "id", DBK_BLOCKS_TEXT},
        {"user_id", "customer_id", DBK_BLOCKS_TEXT},
        {"total", "total", DBK_BLOCKS_MONEY},
        {"subtotal", "subtotal", DBK_BLOCKS_MONEY},
        {"tax", "tax", DBK_BLOCKS_MONEY},
        {"status", "status", DBK_BLOCKS_STATUS},
        {"payment_method", "payment_method", DBK_BLOCKS_TEXT},
        {"created_at", "created_at", DBK_BLOCKS_TIME},
        {"delivered_at", "delivered_at", DBK_BLOCKS_TIME},
    };
    static const dbk_blocks_list list = {columns, DBK_COUNT(columns), "total_revenue"};
    dbk_blocks_answer_list(call, &orders, &list);
}
