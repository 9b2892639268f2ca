// SPDX-License-Identifier: Apache-2.0
// GET /events/{channel}: a stream of what happens at the point of sale (P20, PA13). POST /events/tickets:
// what a browser's EventSource, which cannot send headers, opens one with.
#include "http/app/call.h"
#include "http/auth/ticket.h"
#include "http/pos/events.h"
#include "http/pos/handlers.h"
#include "http/pos/report.h"

#include <stdio.h>

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
        dbk_call_fail(call, 400, "the channels are cashier, display and printer");
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

// A key has no role: it may listen, as an operator may.
void dbk_pos_event_ticket(dbk_call *call)
{
    enum { TICKET_MS = 60000 };
    dbk_ticket ticket = {.role = call->has_token ? call->token.claims.role : DBK_ROLE_OPERATOR,
                         .expires_ms = call->now_ms + TICKET_MS};
    char text[DBK_TICKET_TEXT_MAX];
    dbk_error err;
    snprintf(ticket.tenant, sizeof(ticket.tenant), "%.*s", (int)call->tenant.length, call->tenant.data);
    snprintf(ticket.id, sizeof(ticket.id), "%s", call->has_token ? call->token.id : call->key.id);
    dbk_status status = dbk_ticket_issue(call->app->store, &ticket, text, &err);
    if (status != DBK_OK) {
        dbk_call_fail_write(call, status, err.message);
        return;
    }
    dbk_out out = dbk_out_init(&call->body);
    dbk_out_object(&out);
    dbk_out_key(&out, "ticket");
    dbk_out_string(&out, text);
    dbk_out_key(&out, "expiresAt");
    dbk_out_time(&out, ticket.expires_ms);
    dbk_out_object_end(&out);
    dbk_call_answer_json(call, 201);
}

const char dbk_schema_event_ticket[] =
    "{\"type\":\"object\",\"properties\":{\"ticket\":{\"type\":\"string\"},"
    "\"expiresAt\":{\"type\":\"string\"}}}";
