// SPDX-License-Identifier: Apache-2.0
// GET /events/{channel}: a stream of what happens at the point of sale (P20, PA13).
#include "http/app/call.h"
#include "http/app/handlers.h"
#include "http/pos/events.h"

void dbk_pos_events_handle(dbk_call *call)
{
    dbk_pos_events *events = call->app->events;
    dbk_text header = dbk_request_header(call->request, "last-event-id");
    dbk_pos_subscription subscription = {
        .tenant = call->tenant,
        .channel = dbk_pos_channel_find(call->argument),
        .is_unnamed = dbk_text_equal(dbk_call_param(call, "unnamed"), DBK_TEXT("1")),
        .last_id = header.length > 0 ? header : dbk_call_param(call, "lastEventId"),
    };
    if (subscription.channel == 0) {
        dbk_call_fail(call, 400, "Bad Request");
        return;
    }
    dbk_stream_options options;
    dbk_listener *listener = events != NULL ? dbk_pos_events_listen(events, &subscription, &options) : NULL;
    if (listener == NULL) {
        dbk_call_fail(call, 503, "Service Unavailable");
        return;
    }
    dbk_call_header(call, "cache-control", DBK_TEXT("no-cache"));
    // nginx would hold events back until its buffer is full.
    dbk_call_header(call, "x-accel-buffering", DBK_TEXT("no"));
    bool is_open = dbk_call_stream(call, 200, "text/event-stream", &options);
    dbk_pos_events_begin(events, listener, is_open ? dbk_call_stream_leave(call) : NULL);
}
