// SPDX-License-Identifier: Apache-2.0
// JSON bodies.
#include "http/app/json_body.h"

#include <stdio.h>
#include <strings.h>

// A request that does not name its type is taken at the word of its body.
static bool is_json(dbk_text type)
{
    static const char json[] = "application/json";
    enum { LENGTH = sizeof(json) - 1 };
    if (type.length == 0)
        return true;
    return type.length >= LENGTH && strncasecmp(type.data, json, LENGTH) == 0 &&
           (type.length == LENGTH || type.data[LENGTH] == ';' || type.data[LENGTH] == ' ');
}

static void say_where(dbk_call *call, const dbk_json_fault *fault)
{
    char text[256];
    int length = snprintf(text, sizeof(text), "line %u, column %u: %s", fault->line, fault->column,
                          fault->reason != NULL ? fault->reason : "cannot be read");
    char *copy = dbk_arena_copy(&call->arena, text, (size_t)length);
    if (copy != NULL)
        dbk_call_header(call, "daybook-json-error", (dbk_text){copy, (uint32_t)length});
}

dbk_json_body dbk_json_body_read(dbk_call *call, dbk_json_doc *doc)
{
    dbk_text body = call->request->body;
    dbk_json_fault fault = {0};
    if (body.length > DBK_JSON_BODY_BYTES_MAX)
        return DBK_JSON_BODY_TOO_LARGE;
    if (!is_json(dbk_request_header(call->request, "content-type")))
        return DBK_JSON_BODY_OTHER_TYPE;
    if (dbk_request_header(call->request, "content-encoding").length > 0)
        return DBK_JSON_BODY_ENCODED;
    dbk_status status = dbk_json_parse(body.data, body.length, doc, &fault, NULL);
    if (status == DBK_OK)
        return DBK_JSON_BODY_OK;
    if (status == DBK_NO_MEMORY)
        return DBK_JSON_BODY_NO_MEMORY;
    say_where(call, &fault);
    return DBK_JSON_BODY_BROKEN;
}

bool dbk_json_body_refuse(dbk_call *call, dbk_json_body found)
{
    switch (found) {
    case DBK_JSON_BODY_TOO_LARGE:
        dbk_call_fail(call, 413, "The JSON body is larger than 1 MiB.");
        return true;
    case DBK_JSON_BODY_OTHER_TYPE:
        dbk_call_fail(call, 415, "Content-Type must be application/json.");
        return true;
    case DBK_JSON_BODY_ENCODED:
        dbk_call_fail(call, 415, "Compressed bodies are not accepted; send the JSON as it is.");
        return true;
    default:
        return false;
    }
}
