// SPDX-License-Identifier: Apache-2.0
// An event in its envelope (D85), given to those who send it.
#include "http/distribu/events.h"

#include "http/webhooks/deliverer.h"

void dbk_event_emit(dbk_call *call, const char *name, dbk_buffer *data_json)
{
    dbk_buffer body = {0};
    dbk_out out = dbk_out_init(&body);
    dbk_out_object(&out);
    dbk_out_key(&out, "event");
    dbk_out_string(&out, name);
    dbk_out_key(&out, "timestamp");
    dbk_out_time(&out, call->now_ms);
    dbk_out_key(&out, "data");
    dbk_out_raw(&out, "");
    dbk_buffer_append(&body, data_json->data, data_json->size);
    dbk_out_object_end(&out);
    if (!body.failed && !data_json->failed)
        dbk_deliverer_announce(call->app->deliverer, call->tenant, dbk_text_from(name),
                               (dbk_text){(const char *)body.data, (uint32_t)body.size}, call->now_ms);
    dbk_buffer_dispose(&body);
    dbk_buffer_dispose(data_json);
    *data_json = (dbk_buffer){0};
}
