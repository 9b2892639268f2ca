// SPDX-License-Identifier: Apache-2.0
// GET /api/v1/reports/customers: what each customer with orders in the range spent, most first.
//
// Orders without a customer are in the sales report but not here. Names and e-mail addresses are the current
// ones; either is null when the customer has none or is not known.
#include "http/distribu/fields.h"
#include "http/distribu/handlers.h"
#include "http/distribu/report.h"

enum { CUSTOMER, NAME, EMAIL, ORDERS, REVENUE, LAST };

static dbk_status query_customers(dbk_call *call, dbk_distribu_report *report, dbk_result **out,
                                  dbk_error *err)
{
    static const dbk_group_key key = {.column = "customer_id"};
    static const char *const fields[] = {"customer_id.name", "customer_id.email"};
    static const dbk_aggregate aggregates[] = {{.kind = DBK_COUNT_ROWS},
                                               {.kind = DBK_SUM, .column = "total"},
                                               {.kind = DBK_MAX, .column = "created_at"}};
    static const dbk_order order[] = {{.output = REVENUE, .descending = true}, {.output = CUSTOMER}};
    dbk_query query = dbk_distribu_report_orders(report);
    dbk_filter filters[2] = {{.column = "customer_id", .op = DBK_OP_NOT_NULL}};
    int filters_count = 1;
    if (query.filters_count > 0)
        filters[filters_count++] = query.filters[0];
    query.filters = filters;
    query.filters_count = filters_count;
    query.keys = &key;
    query.keys_count = 1;
    query.fields = fields;
    query.fields_count = DBK_COUNT(fields);
    query.aggregates = aggregates;
    query.aggregates_count = DBK_COUNT(aggregates);
    query.order = order;
    query.order_count = DBK_COUNT(order);
    return dbk_query_run(dbk_call_snapshot(call), call->tenant, &query, out, err);
}

static void write_totals(const dbk_distribu_report *report, const dbk_result *rows, dbk_out *out)
{
    int64_t orders = 0;
    dbk_i128 revenue = 0;
    for (size_t row = 0; row < dbk_result_rows(rows); row++) {
        orders += dbk_result_int(rows, row, ORDERS);
        revenue += dbk_result_sum(rows, row, REVENUE);
    }
    dbk_out_key(out, "totals");
    dbk_out_object(out);
    dbk_out_key(out, "customerCount");
    dbk_out_int(out, (int64_t)dbk_result_rows(rows));
    dbk_out_key(out, "orderCount");
    dbk_out_int(out, orders);
    dbk_out_key(out, "revenue");
    dbk_out_money(out, revenue, 1, report->currency.digits);
    dbk_out_object_end(out);
}

static const char *const row_fields[] = {
    "customerId", "customerName", "customerEmail", "orderCount", "revenue", "lastOrderAt", NULL};

static void write_row(const dbk_distribu_report *report, const dbk_result *rows, size_t row,
                      const dbk_fields *fields, dbk_out *out)
{
    dbk_out_object(out);
    if (dbk_fields_open(fields, out, "customerId"))
        dbk_out_text(out, dbk_result_text(rows, row, CUSTOMER));
    if (dbk_fields_open(fields, out, "customerName"))
        dbk_out_text_or_null(out, dbk_result_text(rows, row, NAME));
    if (dbk_fields_open(fields, out, "customerEmail"))
        dbk_out_text_or_null(out, dbk_result_text(rows, row, EMAIL));
    if (dbk_fields_open(fields, out, "orderCount"))
        dbk_out_int(out, dbk_result_int(rows, row, ORDERS));
    if (dbk_fields_open(fields, out, "revenue"))
        dbk_out_money(out, dbk_result_sum(rows, row, REVENUE), 1, report->currency.digits);
    if (dbk_fields_open(fields, out, "lastOrderAt"))
        dbk_out_time(out, dbk_result_int(rows, row, LAST));
    dbk_out_object_end(out);
}

static void write_customers(const dbk_distribu_report *report, const dbk_result *rows,
                            const dbk_fields *fields, dbk_buffer *body)
{
    dbk_out out = dbk_out_init(body);
    dbk_out_object(&out);
    dbk_out_key(&out, "data");
    dbk_out_object(&out);
    dbk_distribu_report_range(report, &out);
    write_totals(report, rows, &out);
    dbk_out_key(&out, "rows");
    dbk_out_array(&out);
    for (size_t row = 0; row < dbk_result_rows(rows); row++)
        write_row(report, rows, row, fields, &out);
    dbk_out_array_end(&out);
    dbk_out_object_end(&out);
    dbk_out_object_end(&out);
}

void dbk_distribu_customers(dbk_call *call)
{
    dbk_distribu_report report;
    dbk_result *rows = NULL;
    dbk_error err;
    dbk_fields fields;
    if (!dbk_fields_read(call, row_fields, &fields) || !dbk_distribu_report_begin(call, &report, 0))
        return;
    dbk_status status = dbk_distribu_report_currencies(call, &report, &err);
    if (status == DBK_OK)
        status = query_customers(call, &report, &rows, &err);
    if (status != DBK_OK) {
        dbk_call_fail_read(call, status, &err);
        return;
    }
    dbk_currency_name_others(call, &report.currency);
    write_customers(&report, rows, &fields, &call->body);
    dbk_result_free(rows);
    dbk_call_answer_json(call, 200);
}

const char dbk_schema_customers[] =
    "{\"type\":\"object\",\"required\":[\"data\"],\"properties\":{\"data\":{\"type\":\"object\","
    "\"required\":[\"range\",\"totals\",\"rows\"],\"properties\":{"
    "\"range\":{\"$ref\":\"#/components/schemas/Range\"},"
    "\"totals\":{\"type\":\"object\",\"properties\":{\"customerCount\":{\"type\":\"integer\"},"
    "\"orderCount\":{\"type\":\"integer\"},\"revenue\":{\"type\":\"number\"}}},"
    "\"rows\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
    "\"customerId\":{\"type\":\"string\"},\"customerName\":{\"type\":[\"string\",\"null\"]},"
    "\"customerEmail\":{\"type\":[\"string\",\"null\"]},\"orderCount\":{\"type\":\"integer\"},"
    "\"revenue\":{\"type\":\"number\"},\"lastOrderAt\":{\"type\":\"string\",\"format\":\"date-time\"}}}}}}}}";
