// SPDX-License-Identifier: Apache-2.0
// /reports/payments/list and …/summary. Failed payments are part of the totals; refunds are no payments.
#include "http/blocks/handlers.h"
#include "http/blocks/list.h"

static const dbk_value kinds[] = {
    {.kind = DBK_VALUE_NULL},
    {.kind = DBK_VALUE_TEXT, .text = {"payment", 7}},
    {.kind = DBK_VALUE_TEXT, .text = {"deposit", 7}},
    {.kind = DBK_VALUE_TEXT, .text = {"balance", 7}},
};
static const dbk_filter is_payment = {
    .column = "kind", .op = DBK_OP_IN, .values = kinds, .values_count = DBK_COUNT(kinds)};
static const char *const sums[] = {"amount"};
static const dbk_blocks_source payments = {.table = "payments",
                                           .time_column = "created_at",
                                           .id_column = "id",
                                           .sums = sums,
                                           .sums_count = DBK_COUNT(sums),
                                           .filter = &is_payment,
                                           .initial = "pending",
                                           .method = "method"};

enum { METHOD, COUNT, AMOUNT };

static dbk_status query_methods(const dbk_blocks_report *report, dbk_result **out, dbk_error *err)
{
    static const dbk_group_key method = {.column = "method"};
    static const dbk_aggregate aggregates[] = {{.kind = DBK_COUNT_ROWS},
                                               {.kind = DBK_SUM, .column = "amount"}};
    static const dbk_order order[] = {{.output = AMOUNT, .descending = true}, {.output = METHOD}};
    dbk_query query = dbk_blocks_rows(report);
    query.keys = &method;
    query.keys_count = 1;
    query.aggregates = aggregates;
    query.aggregates_count = DBK_COUNT(aggregates);
    query.order = order;
    query.order_count = DBK_COUNT(order);
    return dbk_blocks_run(report, &query, out, err);
}

// Payments without a method stand under the word `unknown`, and join a method that is really called so.
static void write_methods(const dbk_blocks_report *report, dbk_out *out, const dbk_result *methods)
{
    const dbk_text unknown = DBK_TEXT("unknown");
    int64_t unknown_count = 0;
    dbk_i128 unknown_amount = 0;
    dbk_out_key(out, "by_method");
    dbk_out_object(out);
    for (size_t row = 0; row <= dbk_result_rows(methods); row++) {
        bool is_end = row == dbk_result_rows(methods);
        dbk_text method = is_end ? unknown : dbk_result_text(methods, row, METHOD);
        int64_t count = is_end ? unknown_count : dbk_result_int(methods, row, COUNT);
        dbk_i128 amount = is_end ? unknown_amount : dbk_result_sum(methods, row, AMOUNT);
        if (!is_end && (method.length == 0 || dbk_text_equal(method, unknown))) {
            unknown_count += count;
            unknown_amount += amount;
            continue;
        }
        if (count == 0)
            continue;
        dbk_out_key_text(out, method);
        dbk_out_object(out);
        dbk_blocks_write_count(out, "count", count);
        dbk_blocks_write_money(report, out, "amount", amount);
        dbk_out_object_end(out);
    }
    dbk_out_object_end(out);
}

static bool is_broken_down(const dbk_blocks_report *report)
{
    dbk_blocks_group group = report->request.group;
    return report->request.wants_breakdown || group == DBK_BLOCKS_DAY || group == DBK_BLOCKS_WEEK;
}

static dbk_status write_summary(dbk_blocks_report *report, dbk_error *err)
{
    static const struct {
        const char *key, *status;
    } amounts[] = {
        {"confirmed_amount", "confirmed"}, {"pending_amount", "pending"}, {"failed_amount", "failed"}};
    dbk_result *methods;
    DBK_TRY(query_methods(report, &methods, err));
    dbk_out out = dbk_blocks_open(report);
    dbk_blocks_write_count(&out, "total_payments", report->total.rows);
    dbk_blocks_write_money(report, &out, "total_amount", report->total.sums[0]);
    for (size_t i = 0; i < DBK_COUNT(amounts); i++)
        dbk_blocks_write_money(report, &out, amounts[i].key,
                               dbk_blocks_figure_of(report, amounts[i].status).sums[0]);
    dbk_blocks_write_currency(report, &out);
    write_methods(report, &out, methods);
    dbk_result_free(methods);
    dbk_status status = DBK_OK;
    if (is_broken_down(report)) {
        dbk_blocks_write_period(report, &out);
        status = dbk_blocks_write_breakdown(report, &out, "payments", "amount", err);
    }
    dbk_blocks_close(&out);
    return status;
}

void dbk_blocks_payments_summary(dbk_call *call)
{
    dbk_blocks_report report;
    dbk_error err;
    if (!dbk_blocks_begin(call, &report, &payments) ||
        (is_broken_down(&report) && !dbk_blocks_can_break_down(&report)))
        return;
    dbk_status status = write_summary(&report, &err);
    dbk_blocks_end(&report, status, &err);
}

void dbk_blocks_payments_list(dbk_call *call)
{
    static const dbk_blocks_column columns[] = {
        {"payment_id", "id", DBK_BLOCKS_TEXT},         {"order_id", "order_id", DBK_BLOCKS_TEXT},
        {"user_id", "customer_id", DBK_BLOCKS_TEXT},   {"amount", "amount", DBK_BLOCKS_MONEY},
        {"currency", "currency", DBK_BLOCKS_CURRENCY}, {"status", "status", DBK_BLOCKS_STATUS},
        {"payment_method", "method", DBK_BLOCKS_TEXT}, {"created_at", "created_at", DBK_BLOCKS_TIME},
    };
    static const dbk_blocks_list list = {columns, DBK_COUNT(columns), "total_amount"};
    dbk_blocks_answer_list(call, &payments, &list);
}
