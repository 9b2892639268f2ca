// SPDX-License-Identifier: Apache-2.0
// The routes of 23blocks.
#include "http/blocks/handlers.h"

#include "http/app/route_parameters.h"

static const dbk_route_parameter blocks_parameters[] = {
    {"start_date", "query", "{\"type\":\"string\",\"format\":\"date\"}",
     "The first day; by default the first of the month that end_date is in."},
    {"end_date", "query", "{\"type\":\"string\",\"format\":\"date\"}", "The last day; by default today."},
    {"group_by", "query", "{\"type\":\"string\",\"enum\":[\"day\",\"week\",\"month\",\"vendor\",\"model\"]}",
     "vendor: providers and vendor payments; model: subscriptions."},
    {"status", "query", "{\"type\":\"string\"}", "Only this status, in any case."},
    DBK_PARAMETER_CURRENCY,
    {"vendor_id", "query", "{\"type\":\"string\"}", "Only this vendor (providers, vendor payments)."},
    {"payment_method", "query", "{\"type\":\"string\"}", "Only this method (orders, payments)."},
    {"page", "query", "{\"type\":\"integer\",\"minimum\":1}", "Lists: the page."},
    {"per_page", "query", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":10000,\"default\":100}",
     "Lists: records on a page."},
    {"include", "query", "{\"type\":\"string\",\"enum\":[\"breakdown\"]}",
     "Payments: also the breakdown of the summary."},
    {0}};

// A report of 23blocks: the question is a body, or stands in the query string.
#define BLOCKS(report_path, name, text)                                                                      \
    {.method = "POST",                                                                                       \
     .path = "/reports/" report_path,                                                                        \
     .access = DBK_ACCESS_SCOPED,                                                                            \
     .scope = "reports:read",                                                                                \
     .dialect = &dbk_dialect_blocks,                                                                         \
     .cost = DBK_COST_READ,                                                                                  \
     .handle = dbk_blocks_##name,                                                                            \
     .summary = text,                                                                                        \
     .body_types = "application/json",                                                                       \
     .body_schema = dbk_schema_blocks_body,                                                                  \
     .answer = dbk_schema_blocks_##name},                                                                    \
    {                                                                                                        \
        .method = "GET", .path = "/reports/" report_path, .access = DBK_ACCESS_SCOPED,                       \
        .scope = "reports:read", .dialect = &dbk_dialect_blocks, .cost = DBK_COST_READ,                      \
        .handle = dbk_blocks_##name, .summary = text, .parameters = blocks_parameters,                       \
        .answer = dbk_schema_blocks_##name                                                                   \
    }

// A report of 23blocks for the command line.
#define LOCAL_BLOCKS(report_name, name)                                                                      \
    {                                                                                                        \
        .method = "GET", .path = "/admin/report/" report_name, .access = DBK_ACCESS_LOCAL,                   \
        .dialect = &dbk_dialect_blocks, .cost = DBK_COST_READ, .handle = dbk_blocks_##name,                  \
        .summary = "A report of 23blocks", .parameters = blocks_parameters                                   \
    }

static const dbk_route routes[] = {
    BLOCKS("orders/summary", orders_summary,
           "Orders: how many, what they came to, by status and by day, week or month"),
    BLOCKS("orders/list", orders_list, "The orders of a period"),
    BLOCKS("orders/providers/list", providers_list, "Assignments of orders to providers"),
    BLOCKS("orders/providers/summary", providers_summary, "Amounts and commission of providers, by vendor"),
    BLOCKS("flexible_orders/summary", flexible_orders_summary,
           "Flexible orders: how many, what they came to, by status and by day, week or month"),
    BLOCKS("payments/list", payments_list, "The payments of a period"),
    BLOCKS("payments/summary", payments_summary, "Payments by status and by method"),
    BLOCKS("vendors/payments/list", vendor_payments_list, "Payments to vendors"),
    BLOCKS("vendors/payments/summary", vendor_payments_summary, "Payments to vendors, by vendor"),
    BLOCKS("users/subscriptions/list", subscriptions_list,
           "Subscriptions that had started by the end of a period"),
    BLOCKS("users/subscriptions/summary", subscriptions_summary,
           "Active, new and churned subscriptions and their monthly revenue"),
    LOCAL_BLOCKS("orders-summary", orders_summary),
    LOCAL_BLOCKS("orders-list", orders_list),
    LOCAL_BLOCKS("providers-list", providers_list),
    LOCAL_BLOCKS("providers-summary", providers_summary),
    LOCAL_BLOCKS("flexible-orders-summary", flexible_orders_summary),
    LOCAL_BLOCKS("payments-list", payments_list),
    LOCAL_BLOCKS("payments-summary", payments_summary),
    LOCAL_BLOCKS("vendor-payments-list", vendor_payments_list),
    LOCAL_BLOCKS("vendor-payments-summary", vendor_payments_summary),
    LOCAL_BLOCKS("subscriptions-list", subscriptions_list),
    LOCAL_BLOCKS("subscriptions-summary", subscriptions_summary),
};
const dbk_route_set dbk_blocks_routes = {routes, DBK_COUNT(routes)};
