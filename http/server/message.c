// SPDX-License-Identifier: Apache-2.0
// The parts of a request and a reply that need no server: they work the same for a request that the command
// line built in its own process.
#include "http/server/gather.h"

#include <assert.h>
#include <stdlib.h>
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

void dbk_request_resume(dbk_request *request, void (*run)(void *user), void *user)
{
    if (request->resume)
        request->resume(request, run, user);
    else
        run(user);
}

dbk_stream *dbk_request_stream(dbk_request *request, dbk_reply *head, const dbk_stream_options *options)
{
    assert(head->body.size == 0);
    return request->stream ? request->stream(request, head, options)
                           : dbk_gather_open(request, head, options);
}

const dbk_request *dbk_stream_request(const dbk_stream *stream)
{
    return stream->request;
}

bool dbk_stream_write(dbk_stream *stream, const void *data, size_t size)
{
    return stream->kind->write(stream, data, size);
}

size_t dbk_stream_queued(dbk_stream *stream)
{
    return stream->kind->queued(stream);
}

bool dbk_stream_wait(dbk_stream *stream)
{
    return stream->kind->wait(stream);
}

void dbk_stream_end(dbk_stream *stream, bool whole)
{
    stream->kind->end(stream, whole);
}

void dbk_reply_header(dbk_reply *reply, const char *name, dbk_text value)
{
    assert(reply->headers_count < (int)DBK_COUNT(reply->headers));
    reply->headers[reply->headers_count++] = (dbk_header){dbk_text_from(name), value};
}

static size_t bytes_of_headers(const dbk_reply *reply)
{
    size_t n = 0;
    for (int i = 0; i < reply->headers_count; i++)
        n += reply->headers[i].name.length + reply->headers[i].value.length;
    return n;
}

static dbk_text copy_text(char **to, dbk_text text)
{
    dbk_text copy = {*to, text.length};
    if (text.length)
        memcpy(*to, text.data, text.length);
    *to += text.length;
    return copy;
}

dbk_reply *dbk_reply_copy(dbk_reply *reply)
{
    size_t type = reply->content_type ? strlen(reply->content_type) + 1 : 0;
    dbk_reply *copy = malloc(sizeof *copy + bytes_of_headers(reply) + type);
    if (!copy)
        return NULL;
    *copy = *reply;
    reply->body = (dbk_buffer){0};
    char *bytes = (char *)(copy + 1);
    if (type) {
        copy->content_type = memcpy(bytes, reply->content_type, type);
        bytes += type;
    }
    for (int i = 0; i < reply->headers_count; i++) {
        copy->headers[i].name = copy_text(&bytes, reply->headers[i].name);
        copy->headers[i].value = copy_text(&bytes, reply->headers[i].value);
    }
    return copy;
}
