// SPDX-License-Identifier: Apache-2.0
// GET /api/v1/reports/sales: totals, one row a day, one row a status.
//
// Two queries: orders by status and currency, which also tells what else there is, then orders by day.
// Revenue is the total of all orders whatever their status, cancelled ones included.
#include "http/distribu/handlers.h"
#include "http/distribu/report.h"

#include <strings.h>

enum { DAYS_MAX = 36600, STATUSES = 5 };

static const char *const lifecycle[STATUSES] = {"SUBMITTED", "CONFIRMED", "SHIPPED", "DELIVERED",
                                                "CANCELLED"};

typedef struct figure {
    int64_t orders;
    dbk_i128 revenue;
} figure;

static void add(figure *to, int64_t orders, dbk_i128 revenue)
{
    to->orders += orders;
    to->revenue += revenue;
}

static void write_figure(dbk_out *out, const figure *f, int digits)
{
    dbk_out_key(out, "orderCount");
    dbk_out_int(out, f->orders);
    dbk_out_key(out, "revenue");
    dbk_out_money(out, f->revenue, 1, digits);
}

static const dbk_aggregate count_and_sum[] = {{.kind = DBK_COUNT_ROWS}, {.kind = DBK_SUM, .column = "total"}};

static dbk_status query_by_status(dbk_call *call, dbk_distribu_report *report, dbk_result **out,
                                  dbk_error *err)
{
    static const dbk_group_key keys[] = {{.column = "status"}, {.column = "currency"}};
    static const dbk_order order[] = {{.output = 0}, {.output = 1}};
    dbk_query query = dbk_distribu_report_orders(report);
    query.keys = keys;
    query.keys_count = DBK_COUNT(keys);
    query.aggregates = count_and_sum;
    query.aggregates_count = DBK_COUNT(count_and_sum);
    query.order = order;
    query.order_count = DBK_COUNT(order);
    return dbk_query_run(dbk_call_snapshot(call), call->tenant, &query, out, err);
}

static dbk_status query_by_day(dbk_call *call, dbk_distribu_report *report, dbk_result **out, dbk_error *err)
{
    const dbk_bucket day = {.unit = DBK_UNIT_DAY, .count = 1, .zone = report->settings.zone};
    const dbk_group_key key = {.column = "created_at", .bucket = &day};
    static const dbk_order order = {.output = 0};
    dbk_query query = dbk_distribu_report_orders(report);
    query.keys = &key;
    query.keys_count = 1;
    query.aggregates = count_and_sum;
    query.aggregates_count = DBK_COUNT(count_and_sum);
    query.order = &order;
    query.order_count = 1;
    query.fill = true;
    return dbk_query_run(dbk_call_snapshot(call), call->tenant, &query, out, err);
}

// The five states of the lifecycle are found in any case; -1 for others.
static int lifecycle_place(dbk_text status)
{
    for (int i = 0; i < STATUSES; i++) {
        dbk_text name = dbk_text_from(lifecycle[i]);
        if (name.length == status.length && strncasecmp(name.data, status.data, name.length) == 0)
            return i;
    }
    return -1;
}

static void write_status(dbk_out *out, dbk_text status, const figure *f, int digits)
{
    dbk_out_object(out);
    dbk_out_key(out, "status");
    dbk_out_text(out, status);
    write_figure(out, f, digits);
    dbk_out_object_end(out);
}

typedef struct sales {
    dbk_distribu_report report;
    figure total;
    figure states[STATUSES];
    bool shows_realised;
} sales;

// Rows of other currencies are passed over; the rest goes to the total and to its state.
static void shape_statuses(sales *s, const dbk_result *rows)
{
    for (size_t row = 0; row < dbk_result_rows(rows); row++) {
        int64_t orders = dbk_result_int(rows, row, 2);
        dbk_i128 revenue = dbk_result_sum(rows, row, 3);
        if (!dbk_currency_counts(&s->report.currency, dbk_result_text(rows, row, 1), orders))
            continue;
        add(&s->total, orders, revenue);
        int place = lifecycle_place(dbk_result_text(rows, row, 0));
        if (place >= 0)
            add(&s->states[place], orders, revenue);
    }
}

// Rows come by status, so those of one status that differ in currency only (its own, or none) are neighbours.
static void write_other_statuses(const sales *s, const dbk_result *rows, dbk_out *out)
{
    size_t row = 0, count = dbk_result_rows(rows);
    while (row < count) {
        dbk_text status = dbk_result_text(rows, row, 0);
        figure f = {0};
        for (; row < count && dbk_text_equal(dbk_result_text(rows, row, 0), status); row++)
            if (dbk_currency_is(&s->report.currency, dbk_result_text(rows, row, 1)))
                add(&f, dbk_result_int(rows, row, 2), dbk_result_sum(rows, row, 3));
        if (f.orders > 0 && lifecycle_place(status) < 0)
            write_status(out, status, &f, s->report.currency.digits);
    }
}

static void write_total(const sales *s, const char *name, const figure *total, dbk_out *out)
{
    dbk_out_key(out, name);
    dbk_out_object(out);
    write_figure(out, total, s->report.currency.digits);
    dbk_out_key(out, "averageOrderValue");
    dbk_out_money(out, total->revenue, total->orders > 0 ? total->orders : 1, s->report.currency.digits);
    dbk_out_object_end(out);
}

// "realised" is an addition: what remains without the cancelled orders.
static void write_totals(const sales *s, dbk_out *out)
{
    const figure *cancelled = &s->states[STATUSES - 1];
    figure realised = {s->total.orders - cancelled->orders, s->total.revenue - cancelled->revenue};
    write_total(s, "totals", &s->total, out);
    if (s->shows_realised)
        write_total(s, "realised", &realised, out);
}

static void write_days(const sales *s, const dbk_result *rows, dbk_out *out)
{
    dbk_out_key(out, "daily");
    dbk_out_array(out);
    for (size_t row = 0; row < dbk_result_rows(rows); row++) {
        figure f = {dbk_result_int(rows, row, 1), dbk_result_sum(rows, row, 2)};
        dbk_out_object(out);
        dbk_out_key(out, "date");
        dbk_out_day(out, dbk_local_day(dbk_result_int(rows, row, 0), s->report.settings.zone));
        write_figure(out, &f, s->report.currency.digits);
        dbk_out_object_end(out);
    }
    dbk_out_array_end(out);
}

static void write_sales(const sales *s, const dbk_result *statuses, const dbk_result *days, dbk_buffer *body)
{
    dbk_out out = dbk_out_init(body);
    dbk_out_object(&out);
    dbk_out_key(&out, "data");
    dbk_out_object(&out);
    dbk_distribu_report_range(&s->report, &out);
    write_totals(s, &out);
    write_days(s, days, &out);
    dbk_out_key(&out, "byStatus");
    dbk_out_array(&out);
    for (int i = 0; i < STATUSES; i++)
        write_status(&out, dbk_text_from(lifecycle[i]), &s->states[i], s->report.currency.digits);
    write_other_statuses(s, statuses, &out);
    dbk_out_array_end(&out);
    dbk_out_object_end(&out);
    dbk_out_object_end(&out);
}

void dbk_distribu_sales(dbk_call *call)
{
    sales s = {0};
    dbk_result *statuses = NULL, *days = NULL;
    dbk_error err;
    dbk_text include = dbk_call_param(call, "include");
    s.shows_realised = dbk_text_equal(include, DBK_TEXT("realised"));
    if (include.length > 0 && !s.shows_realised) {
        dbk_call_fail(call, 400, "include must be realised");
        return;
    }
    dbk_call_tag(call, &s.shows_realised, sizeof(s.shows_realised));
    if (!dbk_distribu_report_begin(call, &s.report, DAYS_MAX))
        return;
    dbk_status status = query_by_status(call, &s.report, &statuses, &err);
    if (status == DBK_OK) {
        shape_statuses(&s, statuses);
        status = query_by_day(call, &s.report, &days, &err);
    }
    if (status == DBK_OK) {
        dbk_currency_name_others(call, &s.report.currency);
        write_sales(&s, statuses, days, &call->body);
    }
    dbk_result_free(days);
    dbk_result_free(statuses);
    if (status == DBK_OK)
        dbk_call_answer_json(call, 200);
    else
        dbk_call_fail_read(call, status, &err);
}

const char dbk_schema_sales[] =
    "{\"type\":\"object\",\"required\":[\"data\"],\"properties\":{\"data\":{\"type\":\"object\","
    "\"required\":[\"range\",\"totals\",\"daily\",\"byStatus\"],\"properties\":{"
    "\"range\":{\"$ref\":\"#/components/schemas/Range\"},"
    "\"totals\":{\"type\":\"object\",\"properties\":{\"orderCount\":{\"type\":\"integer\"},"
    "\"revenue\":{\"type\":\"number\"},\"averageOrderValue\":{\"type\":\"number\"}}},"
    "\"daily\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
    "\"date\":{\"type\":\"string\",\"format\":\"date\"},\"orderCount\":{\"type\":\"integer\"},"
    "\"revenue\":{\"type\":\"number\"}}}},"
    "\"byStatus\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
    "\"status\":{\"type\":\"string\"},\"orderCount\":{\"type\":\"integer\"},"
    "\"revenue\":{\"type\":\"number\"}}}}}}}}";
