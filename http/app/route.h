// SPDX-License-Identifier: Apache-2.0
// Everything that can be asked: what a request must look like, what it needs, who answers it. A dialect
// brings its routes as one constant; /openapi.json, the metrics and the router are three readings of all of
// them.
#ifndef DBK_ROUTE_H
#define DBK_ROUTE_H

#include "http/app/dialect.h"

typedef struct dbk_call dbk_call;

typedef enum dbk_access {
    DBK_ACCESS_OPEN,   // anybody
    DBK_ACCESS_SCOPED, // a key with the scope, a token with the role; or a local request that names its
                       // tenant
    DBK_ACCESS_LOCAL,  // local requests only; others are told that there is no such route
} dbk_access;

typedef enum dbk_cost {
    DBK_COST_SMALL, // answered where it arrives
    // May read many rows of the company's tables, and nothing of Daybook's own but settings: begun where it
    // arrives, and begun anew on a worker when a query of it would take too long for an event loop, so a
    // handler changes nothing and tells a failed query by dbk_call_fail_read. Its answer is kept until those
    // tables change.
    DBK_COST_READ,
    DBK_COST_WRITE, // waits for the disk: always a worker's
    DBK_COST_LIVE,  // reads many rows as of this very moment: always a worker's, and its answer is never kept
} dbk_cost;

typedef struct dbk_route_parameter {
    const char *name, *in; // "query" or "path"
    const char *schema;    // JSON Schema
    const char *description;
} dbk_route_parameter;

typedef struct dbk_route {
    const char *method;
    const char *path; // "/api/v1/products/{id}": one part may be a parameter
    dbk_access access;
    const char *scope;       // for DBK_ACCESS_SCOPED
    dbk_role token_role;     // that a token needs here; DBK_ROLE_NONE = what the dialect says
    bool is_unlimited;       // no rate limit: clients that come back after a restart come all at once
    bool takes_ticket;       // the query parameter "ticket" (http/auth/ticket.h) will do instead of a header
    bool tenant_is_optional; // for DBK_ACCESS_LOCAL with parameters
    const dbk_dialect *dialect;
    dbk_cost cost;
    // Replies exactly once, now or later.
    void (*handle)(dbk_call *call);
    // The rest describes the route to readers.
    const char *summary;
    const dbk_route_parameter *parameters; // ends with a NULL name; NULL = none
    // Where one route stands for several paths: writes a member "path": {…} for each. NULL = the route's own.
    void (*describe)(dbk_out *paths);
    const char *body_types;  // media types of a request body, separated by spaces; NULL = no body
    const char *body_schema; // JSON Schema of one that may be left out; NULL = a body that must be there
    int success;             // status of the answer that is none of the errors; 0 = 200
    const char *answer;      // its JSON Schema (NULL = any object) …
    const char *answer_type; // … and its media type, NULL = application/json
} dbk_route;

typedef struct dbk_route_set {
    const dbk_route *routes;
    int count;
} dbk_route_set;

extern const dbk_route_set dbk_distribu_routes, dbk_blocks_routes, dbk_pos_routes, dbk_stoq_routes,
    dbk_own_routes;

// All routes have numbers from 0, in the order in which they are tried.
int dbk_route_count(void);
const dbk_route *dbk_route_at(int number);
int dbk_route_number(const dbk_route *route);

// The route of a method and path; HEAD finds what GET does, QUERY what POST does where that only reads.
// *argument is the text in the place of the path's parameter. NULL when there is none; then *allowed holds
// the methods that the path has, ", " between them, empty for an unknown path.
enum { DBK_ALLOWED_MAX = 64 };
const dbk_route *dbk_route_find(dbk_text method, dbk_text path, dbk_text *argument,
                                char allowed[DBK_ALLOWED_MAX]);
// The dialect in which an unknown path is told so.
const dbk_dialect *dbk_dialect_of_path(dbk_text path);

#endif
