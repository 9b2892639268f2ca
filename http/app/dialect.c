// SPDX-License-Identifier: Apache-2.0
// Ways to show a key that several dialects share.
#include "http/app/dialect.h"

#include <string.h>

dbk_key_found dbk_dialect_find_bearer(const dbk_request *request, dbk_text *key)
{
    static const char scheme[] = "Bearer ";
    enum { SCHEME_LENGTH = sizeof(scheme) - 1 };
    dbk_text header = dbk_request_header(request, "authorization");
    if (header.length <= SCHEME_LENGTH || memcmp(header.data, scheme, SCHEME_LENGTH) != 0)
        return DBK_KEY_MISSING;
    *key = (dbk_text){header.data + SCHEME_LENGTH, header.length - SCHEME_LENGTH};
    return DBK_KEY_GIVEN;
}

dbk_text dbk_dialect_find_app_id(const dbk_request *request)
{
    dbk_text id = dbk_request_header(request, "appid");
    return id.length > 0 ? id : dbk_request_header(request, "x-app-id");
}
