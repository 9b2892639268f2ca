// SPDX-License-Identifier: Apache-2.0
// What monitors and machines ask without a key: /healthz, /readyz, /metrics, /openapi.json.
#include "http/app/call.h"
#include "http/routes/handlers.h"

static void answer_status(dbk_call *call, int code, const char *text)
{
    dbk_out out = dbk_out_init(&call->body);
    dbk_out_object(&out);
    dbk_out_key(&out, "status");
    dbk_out_string(&out, text);
    dbk_out_object_end(&out);
    dbk_call_answer_json(call, code);
}

void dbk_health_handle(dbk_call *call)
{
    answer_status(call, 200, "ok");
}

// A server that has turned read-only still answers reads and stays ready; /metrics tells.
void dbk_ready_handle(dbk_call *call)
{
    bool ready = call->app->ready;
    answer_status(call, ready ? 200 : 503, ready ? "ready" : "not ready");
}

void dbk_metrics_handle(dbk_call *call)
{
    dbk_metrics_write(call->app->metrics, call->app->store, call->app->events, call->app->ready, &call->body);
    dbk_call_answer(call, 200, call->route->answer_type);
}

void dbk_openapi_handle(dbk_call *call)
{
    dbk_buffer_append(&call->body, call->app->openapi.data, call->app->openapi.size);
    dbk_call_answer_json(call, 200);
}
