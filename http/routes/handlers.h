// SPDX-License-Identifier: Apache-2.0
// Daybook's own routes: who answers them, and the JSON Schemas of what they answer.
#ifndef DBK_ROUTES_HANDLERS_H
#define DBK_ROUTES_HANDLERS_H

#include "http/app/route.h"

void dbk_ingest_handle(dbk_call *call);
void dbk_health_handle(dbk_call *call);
void dbk_ready_handle(dbk_call *call);
void dbk_metrics_handle(dbk_call *call);
void dbk_openapi_handle(dbk_call *call);
void dbk_admin_key_create(dbk_call *call);
void dbk_admin_key_list(dbk_call *call);
void dbk_admin_key_revoke(dbk_call *call);
void dbk_admin_settings_get(dbk_call *call);
void dbk_admin_settings_put(dbk_call *call);
void dbk_admin_checkpoint(dbk_call *call);

extern const char dbk_schema_ingest[];

#endif
