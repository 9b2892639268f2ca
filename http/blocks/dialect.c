// SPDX-License-Identifier: Apache-2.0
// 23blocks: a Bearer token with an AppId beside it, and an array of errors.
#include "http/app/dialect.h"

#include "http/blocks/problem.h"

static void write_forbidden(dbk_buffer *text, const char *scope)
{
    dbk_buffer_format(text, "The key lacks the scope %s.", scope);
}

const dbk_dialect dbk_dialect_blocks = {
    .name = "23blocks",
    .prefix = "/reports",
    .rate_per_minute = DBK_RATE_OFF, // the vendor names none
    .vary = "Authorization, AppId, X-App-Id",
    .error_schema = "Errors",
    .find_key = dbk_dialect_find_bearer,
    .key_missing = "The request needs the headers Authorization: Bearer <token> and AppId.",
    .key_refused = "The token is not valid, or has expired or been revoked.",
    .write_forbidden = write_forbidden,
    .rate_exceeded = "The key has used up its requests. Try again shortly.",
    .takes_tokens = true,
    .find_app = dbk_dialect_find_app_id,
    .app_missing = "The request needs the header AppId beside its token.",
    .app_refused = "The AppId is not that of the key.",
    .write_error = dbk_blocks_write_error,
};
