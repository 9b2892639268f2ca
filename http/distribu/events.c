// SPDX-License-Identifier: Apache-2.0
// Nobody listens: an event is dropped.

#include "http/distribu/events.h"

void dbk_event_emit(dbk_call *call, const char *name, dbk_buffer *data_json)
{
    (void)call;
    (void)name;
    dbk_buffer_dispose(data_json);
}
