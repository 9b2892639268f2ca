// SPDX-License-Identifier: Apache-2.0
// A buffer that is sent at the end.
#include "http/server/gather.h"

#include <stdlib.h>

typedef struct gather {
    dbk_stream stream; // first: a gather is its stream
    dbk_request *request;
    dbk_reply *reply; // the head; body = what was written so far
    void (*room)(void *user);
    void *user;
} gather;

static bool gather_write(dbk_stream *stream, const void *data, size_t size)
{
    gather *g = (gather *)stream;
    dbk_buffer_append(&g->reply->body, data, size);
    // There is always room.
    if (g->room && !g->reply->body.failed)
        g->room(g->user);
    return !g->reply->body.failed;
}

static bool gather_wait(dbk_stream *stream)
{
    return !((gather *)stream)->reply->body.failed;
}

// The caller takes all of it at the end.
static size_t gather_queued(dbk_stream *stream)
{
    (void)stream;
    return 0;
}

static void gather_end(dbk_stream *stream, bool whole)
{
    gather *g = (gather *)stream;
    dbk_reply short_reply = {.status = 503};
    bool is_whole = whole && !g->reply->body.failed;
    if (!is_whole)
        dbk_buffer_dispose(&g->reply->body);
    dbk_request_reply(g->request, is_whole ? g->reply : &short_reply);
    free(g->reply);
    free(g);
}

dbk_stream *dbk_gather_open(dbk_request *request, dbk_reply *head, const dbk_stream_options *options)
{
    static const dbk_stream_kind kind = {gather_write, gather_wait, gather_queued, gather_end};
    gather *g = malloc(sizeof(*g));
    dbk_reply *reply = g ? dbk_reply_copy(head) : NULL;
    if (!reply) {
        free(g);
        dbk_reply out_of_memory = {.status = 503};
        dbk_request_reply(request, &out_of_memory);
        return NULL;
    }
    *g = (gather){.stream = {&kind, request},
                  .request = request,
                  .reply = reply,
                  .room = options->room,
                  .user = options->user};
    return &g->stream;
}
