// SPDX-License-Identifier: Apache-2.0
// The table and its look-up. Routes are few; they are tried in order.
#include "http/app/route.h"

#include "http/app/handlers.h"

#include <string.h>

#define PRESET                                                                                               \
    {                                                                                                        \
        "preset", "query",                                                                                   \
            "{\"type\":\"string\",\"enum\":[\"today\",\"week\",\"month\",\"quarter\",\"year\",\"all\"],"     \
            "\"default\":\"month\"}",                                                                        \
            "The current period, up to the end of today in the tenant's time zone."                          \
    }
#define FROM                                                                                                 \
    {                                                                                                        \
        "from", "query", "{\"type\":\"string\"}",                                                            \
            "Overrides the preset's start: a date (that day's first moment) or a date and time, in any "     \
            "form that "                                                                                     \
            "JavaScript's new Date() accepts."                                                               \
    }
#define TO                                                                                                   \
    {                                                                                                        \
        "to", "query", "{\"type\":\"string\"}",                                                              \
            "Overrides the preset's end, inclusive: a date means the whole day."                             \
    }
#define CURRENCY                                                                                             \
    {                                                                                                        \
        "currency", "query", "{\"type\":\"string\",\"pattern\":\"^[A-Za-z]{3}$\"}",                          \
            "The currency to count; by default the tenant's own. Currencies are never added together."       \
    }
#define FIELDS                                                                                               \
    {                                                                                                        \
        "fields", "query", "{\"type\":\"string\"}",                                                          \
            "Names of row columns with commas between them: rows have these alone."                          \
    }
#define INCLUDE                                                                                              \
    {                                                                                                        \
        "include", "query", "{\"type\":\"string\",\"enum\":[\"realised\"]}",                                 \
            "realised: also the totals without cancelled orders."                                            \
    }
#define TENANT                                                                                               \
    {                                                                                                        \
        "tenant", "query", "{\"type\":\"string\"}", "Whose data (local requests only; a key already says)."  \
    }

#define LIMIT                                                                                                \
    {                                                                                                        \
        "limit", "query", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":100,\"default\":50}",             \
            "Page size; out of range is clamped, anything else counts as 50."                                \
    }
#define CURSOR                                                                                               \
    {                                                                                                        \
        "cursor", "query", "{\"type\":\"string\"}", "pagination.nextCursor of the page before."              \
    }

static const dbk_route_parameter sales_parameters[] = {PRESET, FROM, TO, CURRENCY, INCLUDE, {0}};
static const dbk_route_parameter customers_parameters[] = {PRESET, FROM, TO, CURRENCY, FIELDS, {0}};
static const dbk_route_parameter inventory_parameters[] = {FIELDS, {0}};
static const dbk_route_parameter admin_range_parameters[] = {TENANT, PRESET, FROM, TO, CURRENCY, {0}};
static const dbk_route_parameter tenant_parameters[] = {TENANT, {0}};
static const dbk_route_parameter product_list_parameters[] = {
    LIMIT,
    CURSOR,
    {"category", "query", "{\"type\":\"string\"}", "The exact name of a category."},
    {"search", "query", "{\"type\":\"string\"}",
     "Part of the name, SKU or category, in upper or lower case."},
    {"active", "query", "{\"type\":\"string\",\"enum\":[\"true\",\"false\"]}", "Anything else is ignored."},
    {0}};
static const dbk_route_parameter product_parameters[] = {
    {"id", "path", "{\"type\":\"string\"}", "Product id."}, {0}};
#define ORDER_FILTERS                                                                                        \
    {"status", "query",                                                                                      \
     "{\"type\":\"string\",\"enum\":[\"SUBMITTED\",\"CONFIRMED\",\"SHIPPED\",\"DELIVERED\",\"CANCELLED\"]}", \
     "Only orders that stand there."},                                                                       \
        {"customerId", "query", "{\"type\":\"string\"}", "Only this customer's orders."},                    \
        {"since", "query", "{\"type\":\"string\"}", "createdAt at or after this date or time."},             \
    {                                                                                                        \
        "until", "query", "{\"type\":\"string\"}",                                                           \
            "createdAt at or before it; a date alone means its first moment."                                \
    }
static const dbk_route_parameter order_list_parameters[] = {LIMIT, CURSOR, ORDER_FILTERS, {0}};
static const dbk_route_parameter order_export_parameters[] = {
    {"mode", "query", "{\"type\":\"string\",\"enum\":[\"summary\",\"line-items\"],\"default\":\"summary\"}",
     "A row for each order, or for each of their lines."},
    ORDER_FILTERS,
    {0}};
static const dbk_route_parameter customer_list_parameters[] = {
    LIMIT,
    CURSOR,
    {"status", "query", "{\"type\":\"string\",\"enum\":[\"ACTIVE\",\"BLOCKED\"]}", "Only such customers."},
    {"search", "query", "{\"type\":\"string\"}",
     "Part of the name or e-mail address, in upper or lower case."},
    {0}};
static const dbk_route_parameter customer_parameters[] = {
    {"id", "path", "{\"type\":\"string\"}", "Customer id."}, {0}};
static const dbk_route_parameter order_parameters[] = {{"id", "path", "{\"type\":\"string\"}", "Order id."},
                                                       {0}};
static const dbk_route_parameter order_create_parameters[] = {
    {"Idempotency-Key", "header", "{\"type\":\"string\",\"maxLength\":255}",
     "For a day the same request with the same key gets the same answer, and stores nothing."},
    {0}};
static const dbk_route_parameter ingest_parameters[] = {
    {"table", "path", "{\"type\":\"string\"}", "orders, order_lines, customers, products, …"}, TENANT, {0}};
static const dbk_route_parameter key_parameters[] = {
    {"id", "path", "{\"type\":\"string\"}", "Key id."}, TENANT, {0}};

static const dbk_route_parameter top_product_parameters[] = {
    PRESET,
    FROM,
    TO,
    CURRENCY,
    LIMIT,
    FIELDS,
    {"by", "query", "{\"type\":\"string\",\"enum\":[\"revenue\",\"units\"],\"default\":\"revenue\"}",
     "What the rows are sorted by."},
    {0}};
static const dbk_route_parameter event_parameters[] = {
    {"channel", "path", "{\"type\":\"string\",\"enum\":[\"cashier\",\"display\",\"printer\"]}",
     "Who listens."},
    {"lastEventId", "query", "{\"type\":\"string\"}",
     "As the header Last-Event-ID: go on behind this event."},
    {"Last-Event-ID", "header", "{\"type\":\"string\"}", "The id of the last event that the client has."},
    {"ticket", "query", "{\"type\":\"string\"}",
     "From POST /events/tickets, in place of the header Authorization."},
    {"unnamed", "query", "{\"type\":\"string\",\"enum\":[\"1\"]}",
     "Leave the events' names out, for clients that only hear `message`."},
    {0}};
static const dbk_route_parameter pos_report_list_parameters[] = {
    {"from", "query", "{\"type\":\"string\"}",
     "The first moment (required): ISO 8601; without an offset in the tenant's time zone."},
    {"to", "query", "{\"type\":\"string\"}",
     "The last moment, inclusive; a date alone means the whole day. Now when it is left out or in the "
     "future."},
    {"groupBy", "query", "{\"type\":\"string\",\"enum\":[\"1h\",\"4h\",\"12h\",\"day\",\"all\"]}",
     "The windows (required): hours and days of the tenant's time zone, or one over the whole range."},
    {"fill", "query", "{\"type\":\"string\",\"enum\":[\"true\",\"false\"],\"default\":\"false\"}",
     "true: windows without tickets are there too."},
    {0}};
static const dbk_route_parameter pos_report_parameters[] = {
    {"id", "path", "{\"type\":\"string\"}", "Report id, of a list or a closure."}, {0}};
static const dbk_route_parameter closure_parameters[] = {
    {"number", "path", "{\"type\":\"integer\"}", "The closure's number."}, TENANT, {0}};

static const dbk_route_parameter webhook_parameters[] = {
    {"id", "path", "{\"type\":\"string\"}", "Webhook id."}, {0}};
static const dbk_route_parameter rotate_parameters[] = {
    {"id", "path", "{\"type\":\"string\"}", "Webhook id."}, TENANT, {0}};
static const dbk_route_parameter delivery_parameters[] = {
    {"id", "path", "{\"type\":\"string\"}", "Webhook id."}, LIMIT, CURSOR, {0}};
static const dbk_route_parameter audit_parameters[] = {
    {"from", "query", "{\"type\":\"string\"}", "Entries from this date or time on."},
    {"to", "query", "{\"type\":\"string\"}", "… up to this one, inclusive: a date means the whole day."},
    {"entityType", "query", "{\"type\":\"string\"}", "order, customer, webhook, api_key, …"},
    {"actor", "query", "{\"type\":\"string\"}", "The id of a key."},
    {"actorType", "query", "{\"type\":\"string\",\"enum\":[\"USER\",\"SYSTEM\"]}",
     "USER: with a key; SYSTEM: the operator, or Daybook itself."},
    LIMIT,
    CURSOR,
    {0}};

static const dbk_route_parameter export_parameters[] = {
    {"job_id", "path", "{\"type\":\"string\",\"pattern\":\"^exp_[0-9a-f]{16}$\"}", "The export's id."}, {0}};
static const dbk_route_parameter export_create_parameters[] = {
    {"name", "path", "{\"type\":\"string\"}", "The report's name. The body has the parameters of its read."},
    {0}};
static const dbk_route_parameter export_list_parameters[] = {
    {"page", "query", "{\"type\":\"integer\",\"minimum\":1,\"default\":1}", "Which page."},
    {"per_page", "query", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":250,\"default\":25}",
     "Exports on a page."},
    {0}};
static const dbk_route_parameter download_parameters[] = {
    {"job_id", "path", "{\"type\":\"string\"}", "The export's id."},
    {"tenant", "query", "{\"type\":\"string\"}", "As download_url has it, like the next two."},
    {"expires", "query", "{\"type\":\"integer\"}", "Seconds since 1970."},
    {"signature", "query", "{\"type\":\"string\"}", "Signs the address."},
    {"Range", "header", "{\"type\":\"string\"}", "One range of bytes; If-Range takes the ETag."},
    {0}};

static const dbk_route_parameter help_parameters[] = {
    {"prefix", "query", "{\"type\":\"string\"}", "Only actions whose path begins so."}, {0}};
static const dbk_route_parameter blocks_parameters[] = {
    {"start_date", "query", "{\"type\":\"string\",\"format\":\"date\"}",
     "The first day; by default the first of the month that end_date is in."},
    {"end_date", "query", "{\"type\":\"string\",\"format\":\"date\"}", "The last day; by default today."},
    {"group_by", "query", "{\"type\":\"string\",\"enum\":[\"day\",\"week\",\"month\",\"vendor\",\"model\"]}",
     "vendor: providers and vendor payments; model: subscriptions."},
    {"status", "query", "{\"type\":\"string\"}", "Only this status, in any case."},
    CURRENCY,
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

// Answered from a few rows, and anew each time: what it shows changes without the reports changing.
#define SMALL_READ(route_path, route_scope, handler, text, params, schema)                                   \
    {                                                                                                        \
        .method = "GET", .path = route_path, .access = DBK_ACCESS_SCOPED, .scope = route_scope,              \
        .dialect = &dbk_dialect_distribu, .cost = DBK_COST_SMALL, .handle = handler, .summary = text,        \
        .parameters = params, .answer = schema                                                               \
    }

#define WEBHOOK_WRITE(route_method, route_path, handler, text, params, body, status)                         \
    {                                                                                                        \
        .method = route_method, .path = route_path, .access = DBK_ACCESS_SCOPED, .scope = "webhooks:write",  \
        .dialect = &dbk_dialect_distribu, .cost = DBK_COST_WRITE, .handle = handler, .summary = text,        \
        .parameters = params, .body_types = body, .success = status, .answer = dbk_schema_webhook            \
    }

#define DISTRIBU(route_path, route_scope, handler, text, params, schema)                                     \
    {                                                                                                        \
        .method = "GET", .path = route_path, .access = DBK_ACCESS_SCOPED, .scope = route_scope,              \
        .dialect = &dbk_dialect_distribu, .cost = DBK_COST_READ, .handle = handler, .summary = text,         \
        .parameters = params, .answer = schema                                                               \
    }

// Judges small things where it arrives and leaves the rest to a transaction.
#define DISTRIBU_WRITE(route_method, route_path, route_scope, route_cost, handler, text, params, status,     \
                       schema)                                                                               \
    {                                                                                                        \
        .method = route_method, .path = route_path, .access = DBK_ACCESS_SCOPED, .scope = route_scope,       \
        .dialect = &dbk_dialect_distribu, .cost = route_cost, .handle = handler, .summary = text,            \
        .parameters = params, .body_types = "application/json", .success = status, .answer = schema          \
    }

#define POS(route_method, route_path, route_scope, route_cost, handler, text, params, body, status, schema)  \
    {                                                                                                        \
        .method = route_method, .path = route_path, .access = DBK_ACCESS_SCOPED, .scope = route_scope,       \
        .dialect = &dbk_dialect_pos, .cost = route_cost, .handle = handler, .summary = text,                 \
        .parameters = params, .body_types = body, .success = status, .answer = schema                        \
    }

#define STOQ(route_path, handler, text, params)                                                              \
    {                                                                                                        \
        .method = "GET", .path = route_path, .access = DBK_ACCESS_SCOPED, .scope = "reports:read",           \
        .dialect = &dbk_dialect_stoq, .cost = DBK_COST_SMALL, .handle = handler, .summary = text,            \
        .parameters = params                                                                                 \
    }

#define LOCAL(route_method, route_path, route_cost, handler, text, params, body)                             \
    {                                                                                                        \
        .method = route_method, .path = route_path, .access = DBK_ACCESS_LOCAL,                              \
        .dialect = &dbk_dialect_distribu, .cost = route_cost, .handle = handler, .summary = text,            \
        .parameters = params, .body_types = body                                                             \
    }

// A report of 23blocks for the command line.
#define LOCAL_BLOCKS(report_name, name)                                                                      \
    {                                                                                                        \
        .method = "GET", .path = "/admin/report/" report_name, .access = DBK_ACCESS_LOCAL,                   \
        .dialect = &dbk_dialect_blocks, .cost = DBK_COST_READ, .handle = dbk_blocks_##name,                  \
        .summary = "A report of 23blocks", .parameters = blocks_parameters                                   \
    }

#define OPEN(route_path, handler, text, type)                                                                \
    {                                                                                                        \
        .method = "GET", .path = route_path, .access = DBK_ACCESS_OPEN, .dialect = &dbk_dialect_distribu,    \
        .cost = DBK_COST_SMALL, .handle = handler, .summary = text, .answer_type = type                      \
    }

#define STOQ_OPEN(route_path, handler, text, type)                                                           \
    {                                                                                                        \
        .method = "GET", .path = route_path, .access = DBK_ACCESS_OPEN, .dialect = &dbk_dialect_stoq,        \
        .cost = DBK_COST_SMALL, .handle = handler, .summary = text, .answer_type = type                      \
    }

#define EXPORTS "/api/v2/external/preorders/reports/exports"

#define EXPORT_ROUTE(route_method, route_path, handler, text, params, body, status, schema)                  \
    {                                                                                                        \
        .method = route_method, .path = route_path, .access = DBK_ACCESS_SCOPED, .scope = "reports:read",    \
        .dialect = &dbk_dialect_stoq, .cost = DBK_COST_SMALL, .handle = handler, .summary = text,            \
        .parameters = params, .body_types = body, .success = status, .answer = schema                        \
    }

const dbk_route dbk_routes[] = {
    DISTRIBU("/api/v1/reports/sales", "reports:read", dbk_distribu_sales,
             "Sales totals, by day and by status, over a range", sales_parameters, dbk_schema_sales),
    DISTRIBU("/api/v1/reports/customers", "reports:read", dbk_distribu_customers,
             "Spend per customer over a range", customers_parameters, dbk_schema_customers),
    DISTRIBU("/api/v1/reports/inventory", "reports:read", dbk_distribu_inventory,
             "Current stock times current price of the active catalogue", inventory_parameters,
             dbk_schema_inventory),
    DISTRIBU("/api/v1/reports/products", "reports:read", dbk_distribu_top_products,
             "Best-selling products by revenue or units over a range", top_product_parameters,
             dbk_schema_top_products),
    DISTRIBU("/api/v1/products", "products:read", dbk_distribu_products, "Products, newest first",
             product_list_parameters, dbk_schema_products),
    DISTRIBU("/api/v1/products/{id}", "products:read", dbk_distribu_product, "One product",
             product_parameters, dbk_schema_product),
    DISTRIBU("/api/v1/orders", "orders:read", dbk_distribu_orders, "Orders, newest first",
             order_list_parameters, dbk_schema_orders),
    {.method = "GET",
     .path = "/api/v1/orders/export",
     .access = DBK_ACCESS_SCOPED,
     .scope = "orders:read",
     .dialect = &dbk_dialect_distribu,
     .cost = DBK_COST_SMALL,
     .handle = dbk_distribu_orders_export,
     .summary = "Orders or their lines as CSV, streamed",
     .parameters = order_export_parameters,
     .answer_type = "text/csv; charset=utf-8; header=present"},
    DISTRIBU("/api/v1/orders/{id}", "orders:read", dbk_distribu_order, "One order", order_parameters,
             dbk_schema_order),
    DISTRIBU_WRITE("POST", "/api/v1/orders", "orders:write", DBK_COST_SMALL, dbk_distribu_order_create,
                   "Place an order and take its units from stock, all or nothing", order_create_parameters,
                   201, dbk_schema_order),
    DISTRIBU_WRITE("PATCH", "/api/v1/orders/{id}", "orders:write", DBK_COST_WRITE, dbk_distribu_order_update,
                   "Move an order on: {\"status\": …}", order_parameters, 200, dbk_schema_order),
    DISTRIBU("/api/v1/customers", "customers:read", dbk_distribu_customer_list, "Customers, newest first",
             customer_list_parameters, dbk_schema_customer_list),
    DISTRIBU("/api/v1/customers/{id}", "customers:read", dbk_distribu_customer, "One customer",
             customer_parameters, dbk_schema_customer),
    DISTRIBU_WRITE("POST", "/api/v1/customers", "customers:write", DBK_COST_WRITE,
                   dbk_distribu_customer_create, "Add a customer", NULL, 201, dbk_schema_customer),
    DISTRIBU_WRITE("PATCH", "/api/v1/customers/{id}", "customers:write", DBK_COST_WRITE,
                   dbk_distribu_customer_update, "Change some of a customer's fields", customer_parameters,
                   200, dbk_schema_customer),
    SMALL_READ("/api/v1/webhooks", "webhooks:read", dbk_distribu_webhooks, "Webhooks, newest first", NULL,
               dbk_schema_webhooks),
    WEBHOOK_WRITE("POST", "/api/v1/webhooks", dbk_distribu_webhook_create,
                  "Register a webhook; its secret is shown this once", NULL, "application/json", 201),
    SMALL_READ("/api/v1/webhooks/{id}", "webhooks:read", dbk_distribu_webhook, "One webhook",
               webhook_parameters, dbk_schema_webhook),
    WEBHOOK_WRITE("PATCH", "/api/v1/webhooks/{id}", dbk_distribu_webhook_update,
                  "Change a webhook's URL, events or whether it is active", webhook_parameters,
                  "application/json", 200),
    WEBHOOK_WRITE("DELETE", "/api/v1/webhooks/{id}", dbk_distribu_webhook_delete, "Delete a webhook",
                  webhook_parameters, NULL, 200),
    SMALL_READ("/api/v1/webhooks/{id}/deliveries", "webhooks:read", dbk_distribu_webhook_deliveries,
               "What was sent to a webhook and what came back, newest first", delivery_parameters,
               dbk_schema_deliveries),
    SMALL_READ("/api/v1/audit-log", "reports:read", dbk_distribu_audit_log, "Who changed what, newest first",
               audit_parameters, dbk_schema_audit_log),
    EXPORT_ROUTE("GET", EXPORTS, dbk_stoq_export_list, "Exports of the last day, newest first",
                 export_list_parameters, NULL, 200, dbk_schema_export_list),
    EXPORT_ROUTE("GET", EXPORTS "/{job_id}", dbk_stoq_export_status, "What became of an export",
                 export_parameters, NULL, 200, dbk_schema_export_job),
    EXPORT_ROUTE("DELETE", EXPORTS "/{job_id}", dbk_stoq_export_cancel, "Cancel an export that is running",
                 export_parameters, NULL, 200, dbk_schema_export_job),
    {.method = "GET",
     .path = EXPORTS "/{job_id}/download",
     .access = DBK_ACCESS_OPEN,
     .dialect = &dbk_dialect_stoq,
     .cost = DBK_COST_WRITE,
     .handle = dbk_export_download,
     .summary = "The file of an export, by its signed address, without a key; single ranges",
     .parameters = download_parameters,
     .answer_type = "text/csv; charset=utf-8"},
    EXPORT_ROUTE("POST", "/api/v2/external/preorders/reports/{name}/export", dbk_stoq_export_create,
                 "Export a report as CSV, off the request's path", export_create_parameters,
                 "application/json", 202, dbk_schema_export_accepted),
    STOQ("/api/v2/external/help", dbk_stoq_help, "Every action with its query schema", help_parameters),
    STOQ_OPEN("/api/v2/external/preorders/skill.md", dbk_stoq_skill, "The preorder actions, for agents",
              "text/markdown; charset=utf-8"),
    STOQ_OPEN("/llms.txt", dbk_stoq_llms, "What there is to read, for agents", "text/plain; charset=utf-8"),
    STOQ("/api/v2/external/preorders/reports", dbk_stoq_catalogue, "Every preorder report", NULL),
    STOQ("/api/v2/external/preorders/reports/help", dbk_stoq_help,
         "Every preorder report with its query schema", help_parameters),
    {.method = "GET",
     .path = "/api/v2/external/preorders/reports/{name}",
     .access = DBK_ACCESS_SCOPED,
     .scope = "reports:read",
     .dialect = &dbk_dialect_stoq,
     .cost = DBK_COST_READ,
     .handle = dbk_stoq_report_get,
     .summary = "One preorder report",
     .describe = dbk_stoq_describe_reads},
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
    POS("GET", "/v1/reports", "reports:read", DBK_COST_LIVE, dbk_pos_reports,
        "Point-of-sale reports by window of time", pos_report_list_parameters, NULL, 200,
        dbk_schema_pos_reports),
    POS("POST", "/v1/reports/general-closure", "closures:write", DBK_COST_WRITE, dbk_pos_closure_create,
        "Close the period of the point of sale: {\"cashRegister\": …}", order_create_parameters,
        "application/json", 201, dbk_schema_pos_report),
    POS("GET", "/v1/reports/{id}", "reports:read", DBK_COST_LIVE, dbk_pos_report_get,
        "One point-of-sale report or closure", pos_report_parameters, NULL, 200, dbk_schema_pos_report),
    {.method = "POST",
     .path = "/ingest/{table}",
     .access = DBK_ACCESS_SCOPED,
     .scope = "ingest:write",
     .dialect = &dbk_dialect_distribu,
     .cost = DBK_COST_SMALL,
     .handle = dbk_ingest_handle,
     .summary = "Store rows: insert, or replace by id",
     .parameters = ingest_parameters,
     .body_types = "application/x-ndjson text/csv",
     .answer = dbk_schema_ingest},
    {.method = "GET",
     .path = "/events/{channel}",
     .access = DBK_ACCESS_SCOPED,
     .scope = "reports:read",
     .token_role = DBK_ROLE_OPERATOR,
     .is_unlimited = true,
     .takes_ticket = true,
     .dialect = &dbk_dialect_pos,
     .cost = DBK_COST_SMALL,
     .handle = dbk_pos_events_handle,
     .summary = "Server-sent events of the point of sale",
     .parameters = event_parameters,
     .answer_type = "text/event-stream"},
    {.method = "POST",
     .path = "/events/tickets",
     .access = DBK_ACCESS_SCOPED,
     .scope = "reports:read",
     .token_role = DBK_ROLE_OPERATOR,
     .dialect = &dbk_dialect_pos,
     .cost = DBK_COST_WRITE,
     .handle = dbk_pos_event_ticket,
     .summary = "A ticket that opens event streams for a minute, for browsers that cannot send headers",
     .success = 201,
     .answer = dbk_schema_event_ticket},
    OPEN("/healthz", dbk_health_handle, "The process answers", NULL),
    OPEN("/readyz", dbk_ready_handle, "Whether to send traffic here", NULL),
    OPEN("/metrics", dbk_metrics_handle, "Figures for Prometheus",
         "application/openmetrics-text; version=1.0.0; charset=utf-8"),
    OPEN("/openapi.json", dbk_openapi_handle, "This description", NULL),
    LOCAL("POST", "/admin/keys", DBK_COST_WRITE, dbk_admin_key_create, "Make an API key", NULL,
          "application/json"),
    {.method = "GET",
     .path = "/admin/keys",
     .access = DBK_ACCESS_LOCAL,
     .tenant_is_optional = true,
     .dialect = &dbk_dialect_distribu,
     .cost = DBK_COST_SMALL,
     .handle = dbk_admin_key_list,
     .summary = "List API keys, of one tenant or of all",
     .parameters = tenant_parameters},
    {.method = "DELETE",
     .path = "/admin/keys/{id}",
     .access = DBK_ACCESS_LOCAL,
     .tenant_is_optional = true,
     .dialect = &dbk_dialect_distribu,
     .cost = DBK_COST_WRITE,
     .handle = dbk_admin_key_revoke,
     .summary = "Revoke an API key",
     .parameters = key_parameters},
    LOCAL("POST", "/admin/webhooks/{id}/rotate", DBK_COST_WRITE, dbk_admin_webhook_rotate,
          "Give a webhook a new secret; the one before holds for a day", rotate_parameters, NULL),
    LOCAL("GET", "/admin/settings", DBK_COST_SMALL, dbk_admin_settings_get, "A tenant's settings",
          tenant_parameters, NULL),
    LOCAL("PUT", "/admin/settings", DBK_COST_WRITE, dbk_admin_settings_put,
          "Change some of a tenant's settings", tenant_parameters, "application/json"),
    LOCAL("GET", "/admin/closures", DBK_COST_LIVE, dbk_admin_closure_list, "Closures of the point of sale",
          tenant_parameters, NULL),
    LOCAL("GET", "/admin/closures/{number}", DBK_COST_SMALL, dbk_admin_closure_get,
          "One closure, with its place in the chain", closure_parameters, NULL),
    LOCAL("POST", "/admin/pos-hours", DBK_COST_WRITE, dbk_admin_pos_hours,
          "Keep the hours of the point of sale that are due", tenant_parameters, NULL),
    LOCAL("POST", "/admin/checkpoint", DBK_COST_WRITE, dbk_admin_checkpoint,
          "Turn the log into segment files now", NULL, NULL),
    LOCAL("GET", "/admin/report/sales", DBK_COST_READ, dbk_distribu_sales, "The sales report",
          admin_range_parameters, NULL),
    LOCAL("GET", "/admin/report/customers", DBK_COST_READ, dbk_distribu_customers, "The customers report",
          admin_range_parameters, NULL),
    LOCAL("GET", "/admin/report/inventory", DBK_COST_READ, dbk_distribu_inventory, "The inventory report",
          tenant_parameters, NULL),
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
const int dbk_routes_count = DBK_COUNT(dbk_routes);

// Compares part by part; "{name}" matches any one part that is not empty.
static bool matches_path(const char *pattern, dbk_text path, dbk_text *argument)
{
    const char *at = path.data, *end = path.data + path.length;
    while (*pattern != 0) {
        if (*pattern != '{') {
            if (at == end || *at != *pattern)
                return false;
            at++;
            pattern++;
            continue;
        }
        const char *slash = at < end ? memchr(at, '/', (size_t)(end - at)) : NULL;
        const char *stop = slash != NULL ? slash : end;
        if (stop == at)
            return false;
        *argument = (dbk_text){at, (uint32_t)(stop - at)};
        at = stop;
        pattern = strchr(pattern, '}') + 1;
    }
    return at == end;
}

static void add_allowed(char allowed[DBK_ALLOWED_MAX], const char *method)
{
    size_t used = strlen(allowed);
    const char *also = strcmp(method, "GET") == 0 ? ", HEAD" : "";
    if (used + strlen(method) + strlen(also) + 3 > DBK_ALLOWED_MAX)
        return;
    if (used > 0)
        strcat(allowed, ", ");
    strcat(allowed, method);
    strcat(allowed, also);
}

// A POST that only reads is what the method QUERY is for.
static bool reads_by_body(const dbk_route *route)
{
    return route->cost == DBK_COST_READ && strcmp(route->method, "POST") == 0;
}

const dbk_route *dbk_route_find(dbk_text method, dbk_text path, dbk_text *argument,
                                char allowed[DBK_ALLOWED_MAX])
{
    allowed[0] = 0;
    dbk_text wanted = dbk_text_equal(method, DBK_TEXT("HEAD")) ? DBK_TEXT("GET") : method;
    for (int i = 0; i < dbk_routes_count; i++) {
        const dbk_route *route = &dbk_routes[i];
        *argument = (dbk_text){NULL, 0};
        if (!matches_path(route->path, path, argument))
            continue;
        bool is_question = reads_by_body(route);
        if (dbk_text_equal(wanted, dbk_text_from(route->method)) ||
            (is_question && dbk_text_equal(wanted, DBK_TEXT("QUERY"))))
            return route;
        add_allowed(allowed, route->method);
        if (is_question)
            add_allowed(allowed, "QUERY");
    }
    return NULL;
}

const dbk_dialect *dbk_dialect_of_path(dbk_text path)
{
    static const dbk_dialect *const dialects[] = {&dbk_dialect_distribu, &dbk_dialect_blocks,
                                                  &dbk_dialect_pos, &dbk_dialect_stoq};
    static const char events[] = "/events"; // the point of sale's, outside its prefix
    if (path.length >= sizeof(events) - 1 && memcmp(path.data, events, sizeof(events) - 1) == 0)
        return &dbk_dialect_pos;
    for (size_t i = 0; i < DBK_COUNT(dialects); i++) {
        size_t length = strlen(dialects[i]->prefix);
        if (path.length >= length && memcmp(path.data, dialects[i]->prefix, length) == 0)
            return dialects[i];
    }
    return &dbk_dialect_distribu;
}
