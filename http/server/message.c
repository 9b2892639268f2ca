// SPDX-License-Identifier: Apache-2.0
// The parts of a request and a reply that need no server: they work the same for a request that the command
// line built in its own process.
#include "http/server/server.h"

#include <assert.h>
#include <string.h>

dbk_text dbk_request_header(const dbk_request *request, const char *name)
{
    dbk_text wanted = dbk_text_from(name);
    for (int i = 0; i < request->headers_count; i++)
        if (dbk_text_equal(request->headers[i].name, wanted))
            return request->headers[i].value;
    return (dbk_text){0};
}

void dbk_request_reply(dbk_request *request, dbk_reply *reply)
{
    request->send(request, reply);
}

void dbk_request_keep(dbk_request *request)
{
    request->keep(request);
}

void dbk_reply_header(dbk_reply *reply, const char *name, dbk_text value)
{
    assert(reply->headers_count < (int)DBK_COUNT(reply->headers));
    reply->headers[reply->headers_count++] = (dbk_header){dbk_text_from(name), value};
}
