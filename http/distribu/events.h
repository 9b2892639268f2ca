// SPDX-License-Identifier: Apache-2.0
// Events of a tenant, as the routes that write announce them: an order was created, its status changed. They
// are decided by the transaction that decides the change, stored in it, and sent once it is stored; whoever
// listens keeps nobody waiting.
#ifndef DBK_EVENTS_H
#define DBK_EVENTS_H

#include "http/app/call.h"
#include "http/webhooks/announcement.h"

// Whether the tenant has webhooks at all: if not, its events need not be made.
bool dbk_events_are_heard(const dbk_call *call, const dbk_snapshot *working);
// Adds an event of the call's tenant. `name` such as order.created; `data_json` is the event's data, one JSON
// object, and is taken over: its memory is freed and it is empty afterwards.
dbk_status dbk_event_add(dbk_call *call, dbk_announcement *events, const dbk_snapshot *working,
                         const char *name, dbk_buffer *data_json, dbk_error *err);
// Puts the events' rows behind the batches of the change.
dbk_status dbk_events_join(dbk_call *call, const dbk_announcement *events, dbk_change *change,
                           dbk_error *err);

#endif
