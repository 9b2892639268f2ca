// SPDX-License-Identifier: Apache-2.0
// The routes of the point of sale: who answers them, and the JSON Schemas of what they answer.
#ifndef DBK_POS_HANDLERS_H
#define DBK_POS_HANDLERS_H

#include "http/app/route.h"

void dbk_pos_events_handle(dbk_call *call);
void dbk_pos_event_ticket(dbk_call *call);
void dbk_pos_reports(dbk_call *call);
void dbk_pos_report_get(dbk_call *call);
void dbk_pos_closure_create(dbk_call *call);
void dbk_admin_closure_list(dbk_call *call);
void dbk_admin_closure_get(dbk_call *call);
void dbk_admin_pos_hours(dbk_call *call);

extern const char dbk_schema_event_ticket[], dbk_schema_pos_report[], dbk_schema_pos_reports[];

#endif
