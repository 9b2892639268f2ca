// SPDX-License-Identifier: Apache-2.0
// STOQ's routes: who answers them, and the JSON Schemas of what they answer.
#ifndef DBK_STOQ_HANDLERS_H
#define DBK_STOQ_HANDLERS_H

#include "http/app/route.h"

void dbk_stoq_catalogue(dbk_call *call);
void dbk_stoq_help(dbk_call *call);
void dbk_stoq_skill(dbk_call *call);
void dbk_stoq_llms(dbk_call *call);
void dbk_stoq_report_get(dbk_call *call);
void dbk_stoq_describe_reads(dbk_out *paths);
void dbk_stoq_export_create(dbk_call *call);
void dbk_stoq_export_status(dbk_call *call);
void dbk_stoq_export_list(dbk_call *call);
void dbk_stoq_export_cancel(dbk_call *call);
void dbk_export_download(dbk_call *call);

extern const char dbk_schema_export_accepted[], dbk_schema_export_job[], dbk_schema_export_list[];

#endif
