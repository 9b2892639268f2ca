// SPDX-License-Identifier: Apache-2.0
// STOQ: a key in X-Auth-Token, {"errors": ["one sentence", …]}, points instead of requests.
#include "http/app/dialect.h"

#include "http/stoq/registry.h"

#include <string.h>

static dbk_key_found find_key(const dbk_request *request, dbk_text *key)
{
    *key = dbk_request_header(request, "x-auth-token");
    return key->length > 0 ? DBK_KEY_GIVEN : DBK_KEY_MISSING;
}

static void write_forbidden(dbk_buffer *text, const char *scope)
{
    dbk_buffer_format(text, "This token lacks the \"%s\" scope.", scope);
}

static void write_unknown(dbk_buffer *text, dbk_text method, dbk_text path)
{
    enum { BASE_LENGTH = sizeof(DBK_STOQ_BASE) - 1, PATH_MAX_SHOWN = 200 };
    dbk_text below = {path.data + BASE_LENGTH, path.length - BASE_LENGTH};
    dbk_buffer_format(text, "No v2 action registered for %.*s %.*s", (int)method.length, method.data,
                      (int)(below.length < PATH_MAX_SHOWN ? below.length : PATH_MAX_SHOWN), below.data);
}

static void write_error(dbk_buffer *body, int status, dbk_text message, int retry_after)
{
    dbk_out json = dbk_out_init(body);
    dbk_out_object(&json);
    if (status == 429) {
        dbk_out_key(&json, "error");
        dbk_out_string(&json, "Rate limit exceeded");
        dbk_out_key(&json, "retry_after");
        dbk_out_int(&json, retry_after);
        dbk_out_key(&json, "message");
        dbk_out_text(&json, message);
    } else {
        dbk_out_key(&json, "errors");
        dbk_out_array(&json);
        dbk_out_text(&json, message);
        dbk_out_array_end(&json);
    }
    dbk_out_object_end(&json);
}

const dbk_dialect dbk_dialect_stoq = {
    .name = "stoq",
    .prefix = DBK_STOQ_BASE,
    .rate_per_minute = 360,
    .rate_is_of_tenant = true,
    .write_points = 2,
    .vary = "X-Auth-Token",
    .challenge = "X-Auth-Token",
    .security = "shopToken",
    .error_schema = "Messages",
    .find_key = find_key,
    .key_missing = "Missing X-Auth-Token.",
    .key_refused = "Invalid, expired, or revoked X-Auth-Token.",
    .write_forbidden = write_forbidden,
    .write_unknown = write_unknown,
    .rate_exceeded =
        "You have exceeded the rate limit of 360 points per 60 seconds. Read requests cost 1 point(s) "
        "and write requests cost 2 point(s).",
    .write_error = write_error,
};
