// SPDX-License-Identifier: Apache-2.0
// GET /api/v1/reports/products: which products sell best, by revenue or by units. An addition to the vendor's
// three reports (D44).
//
// It counts order lines: a line's revenue is its own total, so the sum is that of the goods, without
// shipping, tax or discounts of a whole order. As in the other reports every status counts, cancelled ones
// too. Names are the current ones.
#include "http/distribu/fields.h"
#include "http/distribu/handlers.h"
#include "http/distribu/report.h"
#include "http/distribu/request.h"

enum { PRODUCT, NAME, SKU, CATEGORY, ORDERS, UNITS, REVENUE };

static dbk_status query_products(dbk_call *call, dbk_distribu_report *report, bool by_units, dbk_result **out,
                                 dbk_error *err)
{
    static const dbk_group_key key = {.column = "product_id"};
    static const char *const fields[] = {"product_id.name", "product_id.sku", "product_id.category_id.name"};
    static const dbk_aggregate aggregates[] = {{.kind = DBK_COUNT_DISTINCT, .column = "order_id"},
                                               {.kind = DBK_SUM, .column = "quantity"},
                                               {.kind = DBK_SUM, .column = "total"}};
    const dbk_order order[] = {{.output = by_units ? UNITS : REVENUE, .descending = true},
                               {.output = by_units ? REVENUE : UNITS, .descending = true},
                               {.output = PRODUCT}};
    dbk_query query = dbk_distribu_report_orders(report);
    dbk_filter filters[2] = {{.column = "product_id", .op = DBK_OP_NOT_NULL}};
    int filters_count = 1;
    if (query.filters_count > 0) {
        filters[filters_count] = query.filters[0];
        filters[filters_count++].column = "order_id.currency";
    }
    query.table = "order_lines";
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

// Of all products that sold, not only of those shown.
static void write_totals(const dbk_distribu_report *report, const dbk_result *rows, dbk_out *out)
{
    dbk_i128 units = 0, revenue = 0;
    for (size_t row = 0; row < dbk_result_rows(rows); row++) {
        units += dbk_result_sum(rows, row, UNITS);
        revenue += dbk_result_sum(rows, row, REVENUE);
    }
    dbk_out_key(out, "totals");
    dbk_out_object(out);
    dbk_out_key(out, "productCount");
    dbk_out_int(out, (int64_t)dbk_result_rows(rows));
    dbk_out_key(out, "units");
    dbk_out_wide(out, units);
    dbk_out_key(out, "revenue");
    dbk_out_money(out, revenue, 1, report->currency.digits);
    dbk_out_object_end(out);
}

static const char *const row_fields[] = {"productId",  "name",  "sku",     "category",
                                         "orderCount", "units", "revenue", NULL};

static void write_row(const dbk_distribu_report *report, const dbk_result *rows, size_t row,
                      const dbk_fields *fields, dbk_out *out)
{
    dbk_out_object(out);
    if (dbk_fields_open(fields, out, "productId"))
        dbk_out_text(out, dbk_result_text(rows, row, PRODUCT));
    if (dbk_fields_open(fields, out, "name"))
        dbk_out_text_or_null(out, dbk_result_text(rows, row, NAME));
    if (dbk_fields_open(fields, out, "sku"))
        dbk_out_text_or_null(out, dbk_result_text(rows, row, SKU));
    if (dbk_fields_open(fields, out, "category"))
        dbk_out_text_or_null(out, dbk_result_text(rows, row, CATEGORY));
    if (dbk_fields_open(fields, out, "orderCount"))
        dbk_out_int(out, dbk_result_int(rows, row, ORDERS));
    if (dbk_fields_open(fields, out, "units"))
        dbk_out_wide(out, dbk_result_sum(rows, row, UNITS));
    if (dbk_fields_open(fields, out, "revenue"))
        dbk_out_money(out, dbk_result_sum(rows, row, REVENUE), 1, report->currency.digits);
    dbk_out_object_end(out);
}

static void write_report(const dbk_distribu_report *report, const dbk_result *rows, size_t limit,
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
    for (size_t row = 0; row < dbk_result_rows(rows) && row < limit; row++)
        write_row(report, rows, row, fields, &out);
    dbk_out_array_end(&out);
    dbk_out_object_end(&out);
    dbk_out_object_end(&out);
}

void dbk_distribu_top_products(dbk_call *call)
{
    dbk_distribu_report report;
    dbk_result *rows = NULL;
    dbk_error err;
    dbk_text by = dbk_call_param(call, "by");
    bool by_units = dbk_text_equal(by, DBK_TEXT("units"));
    int64_t limit = dbk_distribu_limit(dbk_call_param(call, "limit"));
    if (by.length > 0 && !by_units && !dbk_text_equal(by, DBK_TEXT("revenue"))) {
        dbk_call_fail(call, 400, "by must be revenue or units");
        return;
    }
    dbk_call_tag(call, &by_units, sizeof(by_units));
    dbk_call_tag(call, &limit, sizeof(limit));
    dbk_fields fields;
    if (!dbk_fields_read(call, row_fields, &fields) || !dbk_distribu_report_begin(call, &report, 0))
        return;
    // A line has its order's currency; orders that are not known have none.
    dbk_status status = dbk_distribu_report_currencies(call, &report, &err);
    if (status == DBK_OK)
        status = query_products(call, &report, by_units, &rows, &err);
    if (status != DBK_OK) {
        dbk_call_fail_read(call, status, &err);
        return;
    }
    dbk_currency_name_others(call, &report.currency);
    write_report(&report, rows, (size_t)limit, &fields, &call->body);
    dbk_result_free(rows);
    dbk_call_answer_json(call, 200);
}

const char dbk_schema_top_products[] =
    "{\"type\":\"object\",\"required\":[\"data\"],\"properties\":{\"data\":{\"type\":\"object\","
    "\"required\":[\"range\",\"totals\",\"rows\"],\"properties\":{"
    "\"range\":{\"$ref\":\"#/components/schemas/Range\"},"
    "\"totals\":{\"type\":\"object\",\"properties\":{\"productCount\":{\"type\":\"integer\"},"
    "\"units\":{\"type\":\"integer\"},\"revenue\":{\"type\":\"number\"}}},"
    "\"rows\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
    "\"productId\":{\"type\":\"string\"},\"name\":{\"type\":[\"string\",\"null\"]},"
    "\"sku\":{\"type\":[\"string\",\"null\"]},\"category\":{\"type\":[\"string\",\"null\"]},"
    "\"orderCount\":{\"type\":\"integer\"},\"units\":{\"type\":\"integer\"},"
    "\"revenue\":{\"type\":\"number\"}}}}}}}}";
