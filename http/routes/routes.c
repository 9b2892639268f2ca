// SPDX-License-Identifier: Apache-2.0
// Daybook's own routes.
#include "http/routes/handlers.h"

#include "http/app/route_parameters.h"

static const dbk_route_parameter tenant_parameters[] = {DBK_PARAMETER_TENANT, {0}};
static const dbk_route_parameter ingest_parameters[] = {
    {"table", "path", "{\"type\":\"string\"}", "orders, order_lines, customers, products, …"},
    DBK_PARAMETER_TENANT,
    {0}};
static const dbk_route_parameter key_parameters[] = {
    {"id", "path", "{\"type\":\"string\"}", "Key id."}, DBK_PARAMETER_TENANT, {0}};

#define OPEN(route_path, handler, text, type)                                                                \
    {                                                                                                        \
        .method = "GET", .path = route_path, .access = DBK_ACCESS_OPEN, .dialect = &dbk_dialect_distribu,    \
        .cost = DBK_COST_SMALL, .handle = handler, .summary = text, .answer_type = type                      \
    }

static const dbk_route routes[] = {
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
    OPEN("/healthz", dbk_health_handle, "The process answers", NULL),
    OPEN("/readyz", dbk_ready_handle, "Whether to send traffic here", NULL),
    OPEN("/metrics", dbk_metrics_handle, "Figures for Prometheus",
         "application/openmetrics-text; version=1.0.0; charset=utf-8"),
    OPEN("/openapi.json", dbk_openapi_handle, "This description", NULL),
    DBK_LOCAL_ROUTE("POST", "/admin/keys", DBK_COST_WRITE, dbk_admin_key_create, "Make an API key", NULL,
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
    DBK_LOCAL_ROUTE("GET", "/admin/settings", DBK_COST_SMALL, dbk_admin_settings_get, "A tenant's settings",
                    tenant_parameters, NULL),
    DBK_LOCAL_ROUTE("PUT", "/admin/settings", DBK_COST_WRITE, dbk_admin_settings_put,
                    "Change some of a tenant's settings", tenant_parameters, "application/json"),
    DBK_LOCAL_ROUTE("POST", "/admin/checkpoint", DBK_COST_WRITE, dbk_admin_checkpoint,
                    "Turn the log into segment files now", NULL, NULL),
};
const dbk_route_set dbk_own_routes = {routes, DBK_COUNT(routes)};
