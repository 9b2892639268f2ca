// SPDX-License-Identifier: Apache-2.0
// Constants, and the months they are moved by.
#include "bench/queries.h"

#include "engine/base/days.h"

#include <stdlib.h>
#include <string.h>

// The first instant of a month, so many months earlier.
static int64_t at(const char *date, int months_back)
{
    int32_t day;
    int year, month, day_of_month;
    if (!dbk_date_parse(date, strlen(date), &day))
        abort();
    dbk_civil_from_day(day, &year, &month, &day_of_month);
    int months = year * 12 + month - 1 - months_back;
    return (int64_t)dbk_day_from_civil(months / 12, months % 12 + 1, day_of_month) * DBK_MS_DAY;
}

static const dbk_bucket day = {.unit = DBK_UNIT_DAY, .count = 1};
static const dbk_bucket hour_of_day = {.unit = DBK_UNIT_HOUR_OF_DAY, .count = 1};
static const dbk_bucket month = {.unit = DBK_UNIT_MONTH, .count = 1};
static const dbk_aggregate count_sum[] = {{DBK_COUNT_ROWS, NULL}, {DBK_SUM, "total"}};
static const dbk_aggregate count_sum_last[] = {
    {DBK_COUNT_ROWS, NULL}, {DBK_SUM, "total"}, {DBK_MAX, "created_at"}};
static const dbk_aggregate count_only[] = {{DBK_COUNT_ROWS, NULL}};
static const dbk_aggregate distinct_customers[] = {{DBK_COUNT_DISTINCT, "customer_id"}};
static const dbk_value cancelled = {.kind = DBK_VALUE_TEXT, .text = {"CANCELLED", 9}};
enum { METHODS = 4 };
#define METHOD(word)                                                                                         \
    {                                                                                                        \
        .kind = DBK_VALUE_TEXT, .text = { word, sizeof(word) - 1 }                                           \
    }
static const dbk_value methods[METHODS] = {METHOD("card"), METHOD("paypal"), METHOD("transfer"),
                                           METHOD("cash")};
#define CANCELLED_BY(method)                                                                                 \
    {                                                                                                        \
        {"status", DBK_OP_EQ, &cancelled, 1},                                                                \
        {                                                                                                    \
            "payment_method", DBK_OP_EQ, method, 1                                                           \
        }                                                                                                    \
    }
static const dbk_filter cancelled_by[METHODS][2] = {CANCELLED_BY(&methods[0]), CANCELLED_BY(&methods[1]),
                                                    CANCELLED_BY(&methods[2]), CANCELLED_BY(&methods[3])};
static const dbk_filter with_customer[] = {{"customer_id", DBK_OP_NOT_NULL, NULL, 0}};
static const dbk_group_key by_day_status[] = {{"created_at", &day}, {"status", NULL}};
static const dbk_group_key by_status[] = {{"status", NULL}};
static const dbk_group_key by_method_month[] = {{"payment_method", NULL}, {"created_at", &month}};
static const dbk_group_key by_customer[] = {{"customer_id", NULL}};
static const dbk_group_key by_day[] = {{"created_at", &day}};
static const dbk_group_key by_method[] = {{"payment_method", NULL}};
static const dbk_group_key by_status_currency[] = {{"status", NULL}, {"currency", NULL}};
static const dbk_group_key by_month_status[] = {{"created_at", &month}, {"status", NULL}};
static const dbk_group_key by_month[] = {{"created_at", &month}};
static const dbk_group_key by_hour[] = {{"created_at", &hour_of_day}};
static const dbk_group_key by_product[] = {{"product_id", NULL}};
// Revenue descending, then the key.
static const dbk_order top[] = {{2, true}, {0, false}};

static const struct {
    const char *name, *from, *to;
    dbk_query query;
} queries[] = {
    {"sum_all", NULL, NULL, {.table = "orders", .aggregates = count_sum, .aggregates_count = 2}},
    {"sum_month",
     "2025-03-01",
     "2025-04-01",
     {.table = "orders", .aggregates = count_sum, .aggregates_count = 2}},
    {"filter_count",
     NULL,
     NULL,
     {.table = "orders",
      .filters = cancelled_by[0],
      .filters_count = 2,
      .aggregates = count_only,
      .aggregates_count = 1}},
    {"day_status",
     NULL,
     NULL,
     {.table = "orders",
      .keys = by_day_status,
      .keys_count = 2,
      .aggregates = count_sum,
      .aggregates_count = 2}},
    {"status",
     NULL,
     NULL,
     {.table = "orders", .keys = by_status, .keys_count = 1, .aggregates = count_sum, .aggregates_count = 2}},
    {"method_month",
     NULL,
     NULL,
     {.table = "orders",
      .keys = by_method_month,
      .keys_count = 2,
      .aggregates = count_sum,
      .aggregates_count = 2}},
    {"top_customers_quarter",
     "2025-01-01",
     "2025-04-01",
     {.table = "orders",
      .filters = with_customer,
      .filters_count = 1,
      .keys = by_customer,
      .keys_count = 1,
      .aggregates = count_sum_last,
      .aggregates_count = 3,
      .order = top,
      .order_count = 2,
      .limit = 100}},
    {"top_customers_all",
     NULL,
     NULL,
     {.table = "orders",
      .filters = with_customer,
      .filters_count = 1,
      .keys = by_customer,
      .keys_count = 1,
      .aggregates = count_sum,
      .aggregates_count = 2,
      .order = top,
      .order_count = 2,
      .limit = 100}},
    {"distinct_month",
     NULL,
     NULL,
     {.table = "orders",
      .keys = by_month,
      .keys_count = 1,
      .aggregates = distinct_customers,
      .aggregates_count = 1}},
    {"top_products",
     NULL,
     NULL,
     {.table = "order_lines",
      .keys = by_product,
      .keys_count = 1,
      .aggregates = count_sum,
      .aggregates_count = 2,
      .order = top,
      .order_count = 2,
      .limit = 100}},
    {"hour_of_day",
     NULL,
     NULL,
     {.table = "orders", .keys = by_hour, .keys_count = 1, .aggregates = count_sum, .aggregates_count = 2}},
    {"kept_month_status_currency",
     "2025-03-01",
     "2025-04-01",
     {.table = "orders",
      .keys = by_status_currency,
      .keys_count = 2,
      .aggregates = count_sum,
      .aggregates_count = 2}},
    {"kept_month_by_day",
     "2025-03-01",
     "2025-04-01",
     {.table = "orders", .keys = by_day, .keys_count = 1, .aggregates = count_sum, .aggregates_count = 2}},
    {"kept_year_by_day",
     "2025-01-01",
     "2026-01-01",
     {.table = "orders", .keys = by_day, .keys_count = 1, .aggregates = count_sum, .aggregates_count = 2}},
    {"kept_all_month_status",
     NULL,
     NULL,
     {.table = "orders",
      .keys = by_month_status,
      .keys_count = 2,
      .aggregates = count_sum,
      .aggregates_count = 2}},
    {"kept_month_method",
     "2025-03-01",
     "2025-04-01",
     {.table = "orders", .keys = by_method, .keys_count = 1, .aggregates = count_sum, .aggregates_count = 2}},
    {"kept_month_top_customers",
     "2025-03-01",
     "2025-04-01",
     {.table = "orders",
      .filters = with_customer,
      .filters_count = 1,
      .keys = by_customer,
      .keys_count = 1,
      .aggregates = count_sum,
      .aggregates_count = 2,
      .order = top,
      .order_count = 2,
      .limit = 100}},
    {"kept_month_top_products",
     "2025-03-01",
     "2025-04-01",
     {.table = "order_lines",
      .keys = by_product,
      .keys_count = 1,
      .aggregates = count_sum,
      .aggregates_count = 2,
      .order = top,
      .order_count = 2,
      .limit = 100}},
};

size_t bench_queries_count(void)
{
    return DBK_COUNT(queries);
}

const char *bench_query_name(size_t number)
{
    return queries[number].name;
}

size_t bench_query_find(const char *name)
{
    size_t i = 0;
    while (i < DBK_COUNT(queries) && strcmp(queries[i].name, name) != 0)
        i++;
    return i;
}

const dbk_table_def *bench_query_table(const dbk_query *query)
{
    return dbk_table_def_by_name(dbk_text_from(query->table));
}

dbk_query bench_query_make(size_t number, int variation, int threads)
{
    dbk_query query = queries[number].query;
    query.from_ms = queries[number].from ? at(queries[number].from, variation) : DBK_TIME_OPEN_FROM;
    query.to_ms = queries[number].to ? at(queries[number].to, variation) : DBK_TIME_OPEN_TO;
    if (query.filters == cancelled_by[0])
        query.filters = cancelled_by[variation % METHODS];
    query.threads = threads;
    query.from_rows = strncmp(queries[number].name, "kept_", 5) != 0;
    return query;
}
