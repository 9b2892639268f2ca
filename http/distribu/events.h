// SPDX-License-Identifier: Apache-2.0
// Events of a tenant, as the routes that write announce them: an order was created, its status changed. The
// caller has its answer from the disk already when it announces; whoever listens must not keep it waiting.
#ifndef DBK_EVENTS_H
#define DBK_EVENTS_H

#include "http/app/call.h"

// Queues an event of the call's tenant for those who listen. `name` such as order.created; `data_json` is the
// event's data, one JSON object, and is taken over: its memory is freed and it is empty afterwards.
void dbk_event_emit(dbk_call *call, const char *name, dbk_buffer *data_json);

#endif
