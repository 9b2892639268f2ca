// SPDX-License-Identifier: Apache-2.0
// STOQ's routes.
#include "http/stoq/handlers.h"

#include "http/app/route_parameters.h"

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

#define STOQ(route_path, handler, text, params)                                                              \
    {                                                                                                        \
        .method = "GET", .path = route_path, .access = DBK_ACCESS_SCOPED, .scope = "reports:read",           \
        .dialect = &dbk_dialect_stoq, .cost = DBK_COST_SMALL, .handle = handler, .summary = text,            \
        .parameters = params                                                                                 \
    }

#define STOQ_OPEN(route_path, handler, text, type)                                                           \
    {                                                                                                        \
        .method = "GET", .path = route_path, .access = DBK_ACCESS_OPEN, .dialect = &dbk_dialect_stoq,        \
        .cost = DBK_COST_SMALL, .handle = handler, .summary = text, .answer_type = type                      \
    }

#define EXPORT_ROUTE(route_method, route_path, handler, text, params, body, status, schema)                  \
    {                                                                                                        \
        .method = route_method, .path = route_path, .access = DBK_ACCESS_SCOPED, .scope = "reports:read",    \
        .dialect = &dbk_dialect_stoq, .cost = DBK_COST_SMALL, .handle = handler, .summary = text,            \
        .parameters = params, .body_types = body, .success = status, .answer = schema                        \
    }

#define EXPORTS "/api/v2/external/preorders/reports/exports"

static const dbk_route routes[] = {
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
};
const dbk_route_set dbk_stoq_routes = {routes, DBK_COUNT(routes)};
