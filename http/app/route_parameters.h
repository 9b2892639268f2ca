// SPDX-License-Identifier: Apache-2.0
// Query parameters that routes of several dialects describe alike, as initializers of dbk_route_parameter.
#ifndef DBK_ROUTE_PARAMETERS_H
#define DBK_ROUTE_PARAMETERS_H

#include "http/app/route.h"

#define DBK_PARAMETER_PRESET                                                                                 \
    {                                                                                                        \
        "preset", "query",                                                                                   \
            "{\"type\":\"string\",\"enum\":[\"today\",\"week\",\"month\",\"quarter\",\"year\",\"all\"],"     \
            "\"default\":\"month\"}",                                                                        \
            "The current period, up to the end of today in the tenant's time zone."                          \
    }
#define DBK_PARAMETER_FROM                                                                                   \
    {                                                                                                        \
        "from", "query", "{\"type\":\"string\"}",                                                            \
            "Overrides the preset's start: a date (that day's first moment) or a date and time, in any "     \
            "form that "                                                                                     \
            "JavaScript's new Date() accepts."                                                               \
    }
#define DBK_PARAMETER_TO                                                                                     \
    {                                                                                                        \
        "to", "query", "{\"type\":\"string\"}",                                                              \
            "Overrides the preset's end, inclusive: a date means the whole day."                             \
    }
#define DBK_PARAMETER_CURRENCY                                                                               \
    {                                                                                                        \
        "currency", "query", "{\"type\":\"string\",\"pattern\":\"^[A-Za-z]{3}$\"}",                          \
            "The currency to count; by default the tenant's own. Currencies are never added together."       \
    }
#define DBK_PARAMETER_FIELDS                                                                                 \
    {                                                                                                        \
        "fields", "query", "{\"type\":\"string\"}",                                                          \
            "Names of row columns with commas between them: rows have these alone."                          \
    }
#define DBK_PARAMETER_TENANT                                                                                 \
    {                                                                                                        \
        "tenant", "query", "{\"type\":\"string\"}", "Whose data (local requests only; a key already says)."  \
    }
#define DBK_PARAMETER_LIMIT                                                                                  \
    {                                                                                                        \
        "limit", "query", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":100,\"default\":50}",             \
            "Page size; out of range is clamped, anything else counts as 50."                                \
    }
#define DBK_PARAMETER_CURSOR                                                                                 \
    {                                                                                                        \
        "cursor", "query", "{\"type\":\"string\"}", "pagination.nextCursor of the page before."              \
    }
// A write that answers the same request with the same answer.
#define DBK_PARAMETER_IDEMPOTENCY_KEY                                                                        \
    {                                                                                                        \
        "Idempotency-Key", "header", "{\"type\":\"string\",\"maxLength\":255}",                              \
            "For a day the same request with the same key gets the same answer, and stores nothing."         \
    }

// A route for the local socket alone.
#define DBK_LOCAL_ROUTE(route_method, route_path, route_cost, handler, text, params, body)                   \
    {                                                                                                        \
        .method = route_method, .path = route_path, .access = DBK_ACCESS_LOCAL,                              \
        .dialect = &dbk_dialect_distribu, .cost = route_cost, .handle = handler, .summary = text,            \
        .parameters = params, .body_types = body                                                             \
    }

#endif
