// SPDX-License-Identifier: Apache-2.0
// The routes of the point of sale.
#include "http/pos/handlers.h"

#include "http/app/route_parameters.h"

static const dbk_route_parameter tenant_parameters[] = {DBK_PARAMETER_TENANT, {0}};
static const dbk_route_parameter order_create_parameters[] = {DBK_PARAMETER_IDEMPOTENCY_KEY, {0}};
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
    {"number", "path", "{\"type\":\"integer\"}", "The closure's number."}, DBK_PARAMETER_TENANT, {0}};

#define POS(route_method, route_path, route_scope, route_cost, handler, text, params, body, status, schema)  \
    {                                                                                                        \
        .method = route_method, .path = route_path, .access = DBK_ACCESS_SCOPED, .scope = route_scope,       \
        .dialect = &dbk_dialect_pos, .cost = route_cost, .handle = handler, .summary = text,                 \
        .parameters = params, .body_types = body, .success = status, .answer = schema                        \
    }

static const dbk_route routes[] = {
    POS("GET", "/v1/reports", "reports:read", DBK_COST_LIVE, dbk_pos_reports,
        "Point-of-sale reports by window of time", pos_report_list_parameters, NULL, 200,
        dbk_schema_pos_reports),
    POS("POST", "/v1/reports/general-closure", "closures:write", DBK_COST_WRITE, dbk_pos_closure_create,
        "Close the period of the point of sale: {\"cashRegister\": …}", order_create_parameters,
        "application/json", 201, dbk_schema_pos_report),
    POS("GET", "/v1/reports/{id}", "reports:read", DBK_COST_LIVE, dbk_pos_report_get,
        "One point-of-sale report or closure", pos_report_parameters, NULL, 200, dbk_schema_pos_report),
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
    DBK_LOCAL_ROUTE("GET", "/admin/closures", DBK_COST_LIVE, dbk_admin_closure_list,
                    "Closures of the point of sale", tenant_parameters, NULL),
    DBK_LOCAL_ROUTE("GET", "/admin/closures/{number}", DBK_COST_SMALL, dbk_admin_closure_get,
                    "One closure, with its place in the chain", closure_parameters, NULL),
    DBK_LOCAL_ROUTE("POST", "/admin/pos-hours", DBK_COST_WRITE, dbk_admin_pos_hours,
                    "Keep the hours of the point of sale that are due", tenant_parameters, NULL),
};
const dbk_route_set dbk_pos_routes = {routes, DBK_COUNT(routes)};
