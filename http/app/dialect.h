// SPDX-License-Identifier: Apache-2.0
// What the API dialects do not agree on, and every route needs: how a caller shows its key, how an error is
// written, what the refusals say, how many requests a minute a key may make. A dialect is one constant.
#ifndef DBK_DIALECT_H
#define DBK_DIALECT_H

#include "http/json/writer.h"
#include "http/server/server.h"

typedef enum dbk_key_found {
    DBK_KEY_GIVEN,
    DBK_KEY_MISSING, // no header, or not of the form that the dialect asks for
} dbk_key_found;

typedef struct dbk_dialect {
    const char *name;
    const char *prefix;     // of the paths whose unknown members answer in this dialect
    int rate_per_minute;    // requests of a key, or points of a tenant
    bool rate_is_of_tenant; // all keys of a tenant share it, and every answer says what is left of it
    int write_points;       // what a POST, PATCH or DELETE costs; 0 = 1, as a GET
    const char *key_header; // for Vary
    const char *challenge;  // for WWW-Authenticate
    // Of /openapi.json: how the key is shown, and what an error looks like, as components.
    const char *security, *error_schema;

    // The key as the request shows it; valid while the request is.
    dbk_key_found (*find_key)(const dbk_request *request, dbk_text *key);
    const char *key_missing, *key_refused; // the two texts of a 401
    // The text of a 403 about a scope.
    void (*write_forbidden)(dbk_buffer *text, const char *scope);
    const char *rate_exceeded; // the text of a 429
    // The text of the 404 for a method and path that nothing answers; NULL = the usual 404 and 405.
    void (*write_unknown)(dbk_buffer *text, dbk_text method, dbk_text path);

    // The whole body of an error. retry_after: seconds, 0 = none.
    void (*write_error)(dbk_buffer *body, int status, dbk_text message, int retry_after);
} dbk_dialect;

extern const dbk_dialect dbk_dialect_distribu, dbk_dialect_stoq;

#endif
