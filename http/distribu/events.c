// SPDX-License-Identifier: Apache-2.0
// An event in its envelope (D85), and its rows among those of its change.
#include "http/distribu/events.h"

#include <string.h>

bool dbk_events_are_heard(const dbk_call *call, const dbk_snapshot *working)
{
    return dbk_snapshot_rows(working, call->tenant, DBK_WEBHOOKS) > 0;
}

dbk_status dbk_event_add(dbk_call *call, dbk_announcement *events, const dbk_snapshot *working,
                         const char *name, dbk_buffer *data_json, dbk_error *err)
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
    dbk_status status =
        body.failed || data_json->failed
            ? dbk_fail(err, DBK_NO_MEMORY, "Out of memory; nothing was stored.")
            : dbk_announcement_add(events, call->app->deliverer, working, call->tenant, dbk_text_from(name),
                                   (dbk_text){(const char *)body.data, (uint32_t)body.size}, call->now_ms,
                                   err);
    dbk_buffer_dispose(&body);
    dbk_buffer_dispose(data_json);
    *data_json = (dbk_buffer){0};
    return status;
}

dbk_status dbk_events_join(dbk_call *call, const dbk_announcement *events, dbk_change *change, dbk_error *err)
{
    if (events->batches_count == 0)
        return DBK_OK;
    int before = change->batches_count, count = before + events->batches_count;
    const dbk_batch **all = dbk_arena_alloc(&call->arena, (size_t)count * sizeof(*all));
    if (all == NULL)
        return dbk_fail(err, DBK_NO_MEMORY, "Out of memory; nothing was stored.");
    memcpy(all, change->batches, (size_t)before * sizeof(*all));
    for (int i = 0; i < events->batches_count; i++)
        all[before + i] = &events->batches[i];
    change->batches = all;
    change->batches_count = count;
    return DBK_OK;
}
