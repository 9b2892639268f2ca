// SPDX-License-Identifier: Apache-2.0
// What the API dialects do not agree on, and every route needs: how a caller shows its key or token, how an
// error is written, what the refusals say, how many requests a minute a caller may make. A dialect is one
// constant. http/app/caller.h does what it asks for.
#ifndef DBK_DIALECT_H
#define DBK_DIALECT_H

#include "http/auth/jwt.h"
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
    const char *vary;       // the headers that say who asks; NULL = Authorization
    const char *challenge;  // of a 401; NULL = Bearer
    // Of /openapi.json, as components: how a key is shown (NULL = key), what an error looks like (NULL =
    // Error).
    const char *security, *error_schema;

    // The key or token as the request shows it; valid while the request is.
    dbk_key_found (*find_key)(const dbk_request *request, dbk_text *key);
    const char *key_missing, *key_refused; // the two texts of a 401
    // The text of a 403 about a scope.
    void (*write_forbidden)(dbk_buffer *text, const char *scope);
    const char *rate_exceeded; // the text of a 429
    // The one text of every 400; what was wrong then stands in the header Daybook-Detail. NULL: the text says
    // it.
    const char *bad_request;
    // The text of the 404 for a method and path that nothing answers; NULL = the usual 404 and 405.
    void (*write_unknown)(dbk_buffer *text, dbk_text method, dbk_text path);

    // JSON Web Tokens; all of it zero in a dialect that takes keys alone. What find_key found and does not
    // begin with "dk_" is a token. Tokens have no scopes: one may use every route of its dialect that asks
    // for no more than its role.
    bool takes_tokens;
    dbk_role token_role;      // that a token needs on routes that do not say otherwise
    const char *role_refused; // the text of a 403 about a role; NULL when no route asks for one
    // The AppId of a request, which names the tenant; length 0 = not given. False: there are several, which
    // differ, and the request gets 401. NULL: the dialect has none. A key with an AppId that is not its
    // tenant's gets 403.
    bool (*find_app)(const dbk_request *request, dbk_text *id);
    const char *app_missing; // the text of a 401 for a token without AppId; NULL = it may be left out
    const char *app_refused; // the text of a 403 for a key with the AppId of another tenant

    // The whole body of an error. retry_after: seconds, 0 = none.
    void (*write_error)(dbk_buffer *body, int status, dbk_text message, int retry_after);
} dbk_dialect;

extern const dbk_dialect dbk_dialect_distribu, dbk_dialect_blocks, dbk_dialect_pos, dbk_dialect_stoq;

// For find_key: what stands behind "Bearer " in Authorization. Two of them that differ are none: whoever
// stands between client and server may have looked at the other.
dbk_key_found dbk_dialect_find_bearer(const dbk_request *request, dbk_text *key);
// For find_app: the headers AppId and X-App-Id.
bool dbk_dialect_find_app_id(const dbk_request *request, dbk_text *id);

#endif
