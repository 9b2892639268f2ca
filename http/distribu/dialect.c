// SPDX-License-Identifier: Apache-2.0
// Distribu: a Bearer key and {"error": "one sentence"}.
#include "http/app/dialect.h"

static void write_forbidden(dbk_buffer *text, const char *scope)
{
    dbk_buffer_format(text, "Insufficient permissions. This key lacks the \"%s\" scope.", scope);
}

static void write_error(dbk_buffer *body, int status, dbk_text message, int retry_after)
{
    (void)status;
    dbk_out json = dbk_out_init(body);
    dbk_out_object(&json);
    dbk_out_key(&json, "error");
    dbk_out_text(&json, message);
    if (retry_after > 0) {
        dbk_out_key(&json, "retryAfter");
        dbk_out_int(&json, retry_after);
    }
    dbk_out_object_end(&json);
}

const dbk_dialect dbk_dialect_distribu = {
    .name = "distribu",
    .prefix = "/api/v1",
    .rate_per_minute = 60,
    .find_key = dbk_dialect_find_bearer,
    .key_missing = "Missing or invalid Authorization header. Use: Bearer <api_key>",
    .key_refused = "Invalid, expired, or revoked API key.",
    .write_forbidden = write_forbidden,
    .rate_exceeded = "Rate limit exceeded. Try again shortly.",
    .write_error = write_error,
};
