// SPDX-License-Identifier: Apache-2.0
// The registry told to machines: JSON Schemas of what a report takes and answers.
#ifndef DBK_STOQ_MANIFEST_H
#define DBK_STOQ_MANIFEST_H

#include "http/json/writer.h"
#include "http/stoq/registry.h"

// {"type":"object","properties":{…},"required":[…]} of the report's parameters; without paging for an export.
void dbk_stoq_request_schema(dbk_out *json, const dbk_stoq_report *report, bool is_export);
// … of what the read answers.
void dbk_stoq_answer_schema(dbk_out *json, const dbk_stoq_report *report);
// {"type":…} of one parameter.
void dbk_stoq_parameter_schema(dbk_out *json, const dbk_stoq_parameter *parameter);

#endif
