// SPDX-License-Identifier: Apache-2.0
// Distribu's routes.
#include "http/distribu/handlers.h"

#include "http/app/route_parameters.h"

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
static const dbk_route_parameter sales_parameters[] = {
    DBK_PARAMETER_PRESET,
    DBK_PARAMETER_FROM,
    DBK_PARAMETER_TO,
    DBK_PARAMETER_CURRENCY,
    {"include", "query", "{\"type\":\"string\",\"enum\":[\"realised\"]}",
     "realised: also the totals without cancelled orders."},
    {0}};
static const dbk_route_parameter customers_parameters[] = {DBK_PARAMETER_PRESET, DBK_PARAMETER_FROM,
                                                           DBK_PARAMETER_TO,     DBK_PARAMETER_CURRENCY,
                                                           DBK_PARAMETER_FIELDS, {0}};
static const dbk_route_parameter inventory_parameters[] = {DBK_PARAMETER_FIELDS, {0}};
static const dbk_route_parameter admin_range_parameters[] = {DBK_PARAMETER_TENANT,   DBK_PARAMETER_PRESET,
                                                             DBK_PARAMETER_FROM,     DBK_PARAMETER_TO,
                                                             DBK_PARAMETER_CURRENCY, {0}};
static const dbk_route_parameter tenant_parameters[] = {DBK_PARAMETER_TENANT, {0}};
static const dbk_route_parameter product_list_parameters[] = {
    DBK_PARAMETER_LIMIT,
    DBK_PARAMETER_CURSOR,
    {"category", "query", "{\"type\":\"string\"}", "The exact name of a category."},
    {"search", "query", "{\"type\":\"string\"}",
     "Part of the name, SKU or category, in upper or lower case."},
    {"active", "query", "{\"type\":\"string\",\"enum\":[\"true\",\"false\"]}", "Anything else is ignored."},
    {0}};
static const dbk_route_parameter product_parameters[] = {
    {"id", "path", "{\"type\":\"string\"}", "Product id."}, {0}};
static const dbk_route_parameter order_list_parameters[] = {
    DBK_PARAMETER_LIMIT, DBK_PARAMETER_CURSOR, ORDER_FILTERS, {0}};
static const dbk_route_parameter order_export_parameters[] = {
    {"mode", "query", "{\"type\":\"string\",\"enum\":[\"summary\",\"line-items\"],\"default\":\"summary\"}",
     "A row for each order, or for each of their lines."},
    ORDER_FILTERS,
    {0}};
static const dbk_route_parameter customer_list_parameters[] = {
    DBK_PARAMETER_LIMIT,
    DBK_PARAMETER_CURSOR,
    {"status", "query", "{\"type\":\"string\",\"enum\":[\"ACTIVE\",\"BLOCKED\"]}", "Only such customers."},
    {"search", "query", "{\"type\":\"string\"}",
     "Part of the name or e-mail address, in upper or lower case."},
    {0}};
static const dbk_route_parameter customer_parameters[] = {
    {"id", "path", "{\"type\":\"string\"}", "Customer id."}, {0}};
static const dbk_route_parameter order_parameters[] = {{"id", "path", "{\"type\":\"string\"}", "Order id."},
                                                       {0}};
static const dbk_route_parameter order_create_parameters[] = {DBK_PARAMETER_IDEMPOTENCY_KEY, {0}};
static const dbk_route_parameter top_product_parameters[] = {
    DBK_PARAMETER_PRESET,
    DBK_PARAMETER_FROM,
    DBK_PARAMETER_TO,
    DBK_PARAMETER_CURRENCY,
    DBK_PARAMETER_LIMIT,
    DBK_PARAMETER_FIELDS,
    {"by", "query", "{\"type\":\"string\",\"enum\":[\"revenue\",\"units\"],\"default\":\"revenue\"}",
     "What the rows are sorted by."},
    {0}};
static const dbk_route_parameter webhook_parameters[] = {
    {"id", "path", "{\"type\":\"string\"}", "Webhook id."}, {0}};
static const dbk_route_parameter rotate_parameters[] = {
    {"id", "path", "{\"type\":\"string\"}", "Webhook id."}, DBK_PARAMETER_TENANT, {0}};
static const dbk_route_parameter delivery_parameters[] = {
    {"id", "path", "{\"type\":\"string\"}", "Webhook id."}, DBK_PARAMETER_LIMIT, DBK_PARAMETER_CURSOR, {0}};
static const dbk_route_parameter audit_parameters[] = {
    {"from", "query", "{\"type\":\"string\"}", "Entries from this date or time on."},
    {"to", "query", "{\"type\":\"string\"}", "… up to this one, inclusive: a date means the whole day."},
    {"entityType", "query", "{\"type\":\"string\"}", "order, customer, webhook, api_key, …"},
    {"actor", "query", "{\"type\":\"string\"}", "The id of a key."},
    {"actorType", "query", "{\"type\":\"string\",\"enum\":[\"USER\",\"SYSTEM\"]}",
     "USER: with a key; SYSTEM: the operator, or Daybook itself."},
    DBK_PARAMETER_LIMIT,
    DBK_PARAMETER_CURSOR,
    {0}};

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

static const dbk_route routes[] = {
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
    DBK_LOCAL_ROUTE("POST", "/admin/webhooks/{id}/rotate", DBK_COST_WRITE, dbk_admin_webhook_rotate,
                    "Give a webhook a new secret; the one before holds for a day", rotate_parameters, NULL),
    DBK_LOCAL_ROUTE("GET", "/admin/report/sales", DBK_COST_READ, dbk_distribu_sales, "The sales report",
                    admin_range_parameters, NULL),
    DBK_LOCAL_ROUTE("GET", "/admin/report/customers", DBK_COST_READ, dbk_distribu_customers,
                    "The customers report", admin_range_parameters, NULL),
    DBK_LOCAL_ROUTE("GET", "/admin/report/inventory", DBK_COST_READ, dbk_distribu_inventory,
                    "The inventory report", tenant_parameters, NULL),
};
const dbk_route_set dbk_distribu_routes = {routes, DBK_COUNT(routes)};
