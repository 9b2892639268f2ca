// SPDX-License-Identifier: Apache-2.0
// The point of sale's dialect: a Bearer token and {"message": "…"}. The texts of 400, 401 and 403 are a word
// each.
#include "http/app/dialect.h"

#include <string.h>
#include <strings.h>

static dbk_key_found find_key(const dbk_request *request, dbk_text *key)
{
    static const char scheme[] = "Bearer ";
    enum { SCHEME_LENGTH = sizeof(scheme) - 1 };
    dbk_text header = dbk_request_header(request, "authorization");
    if (header.length <= SCHEME_LENGTH || strncasecmp(header.data, scheme, SCHEME_LENGTH) != 0)
        return DBK_KEY_MISSING;
    *key = (dbk_text){header.data + SCHEME_LENGTH, header.length - SCHEME_LENGTH};
    return DBK_KEY_GIVEN;
}

static void write_forbidden(dbk_buffer *text, const char *scope)
{
    (void)scope;
    dbk_buffer_format(text, "Forbidden");
}

static void write_error(dbk_buffer *body, int status, dbk_text message, int retry_after)
{
    (void)status;
    (void)retry_after;
    dbk_out json = dbk_out_init(body);
    dbk_out_object(&json);
    dbk_out_key(&json, "message");
    dbk_out_text(&json, message);
    dbk_out_object_end(&json);
}

const dbk_dialect dbk_dialect_pos = {
    .name = "pos",
    .prefix = "/v1",
    .rate_per_minute = 600,
    .find_key = find_key,
    .key_missing = "Unauthorized",
    .key_refused = "Unauthorized",
    .write_forbidden = write_forbidden,
    .rate_exceeded = "Too Many Requests",
    .write_error = write_error,
};
