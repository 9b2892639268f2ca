// SPDX-License-Identifier: Apache-2.0
// The point of sale's dialect: a Bearer token (a JSON Web Token with a role, or a key) and {"message": "…"}.
// The texts of 400, 401 and 403 are a word each; what was wrong with a request stands in a header.
#include "http/app/dialect.h"

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
    .vary = "Authorization, AppId, X-App-Id",
    .find_key = dbk_dialect_find_bearer,
    .takes_tokens = true,
    .token_role = DBK_ROLE_ADMIN,
    .role_refused = "Forbidden",
    .find_app = dbk_dialect_find_app_id, // for tenants that share an issuer; may be left out
    .app_refused = "Forbidden",
    .key_missing = "Unauthorized",
    .key_refused = "Unauthorized",
    .write_forbidden = write_forbidden,
    .bad_request = "Bad Request",
    .rate_exceeded = "Too Many Requests",
    .write_error = write_error,
};
