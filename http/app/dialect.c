// SPDX-License-Identifier: Apache-2.0
// Ways to show a key that several dialects share.
#include "http/app/dialect.h"

#include <string.h>

// Whether a header also stands there with another value.
static bool is_contradicted(const dbk_request *request, const char *name, dbk_text value)
{
    for (int i = 0; i < request->headers_count; i++)
        if (dbk_text_equal(request->headers[i].name, dbk_text_from(name)) &&
            !dbk_text_equal(request->headers[i].value, value))
            return true;
    return false;
}

dbk_key_found dbk_dialect_find_bearer(const dbk_request *request, dbk_text *key)
{
    static const char scheme[] = "Bearer ";
    enum { SCHEME_LENGTH = sizeof(scheme) - 1 };
    dbk_text header = dbk_request_header(request, "authorization");
    if (header.length <= SCHEME_LENGTH || memcmp(header.data, scheme, SCHEME_LENGTH) != 0 ||
        is_contradicted(request, "authorization", header))
        return DBK_KEY_MISSING;
    *key = (dbk_text){header.data + SCHEME_LENGTH, header.length - SCHEME_LENGTH};
    return DBK_KEY_GIVEN;
}

bool dbk_dialect_find_app_id(const dbk_request *request, dbk_text *id)
{
    dbk_text other = dbk_request_header(request, "x-app-id");
    *id = dbk_request_header(request, "appid");
    if (is_contradicted(request, "appid", *id) || is_contradicted(request, "x-app-id", other))
        return false;
    if (id->length == 0)
        *id = other;
    return other.length == 0 || dbk_text_equal(*id, other);
}
