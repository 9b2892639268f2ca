// SPDX-License-Identifier: Apache-2.0
// The registry told to machines: JSON Schemas of what a report takes and answers.
#ifndef DBK_STOQ_MANIFEST_H
#define DBK_STOQ_MANIFEST_H

#include "http/json/writer.h"
#include "http/stoq/registry.h"

// An action that is no report's.
typedef struct dbk_stoq_action {
    const char *name, *method, *path; // the path below the base
    const char *path_param;           // NULL = none
    const char *description;
} dbk_stoq_action;

extern const dbk_stoq_action dbk_stoq_actions[];
extern const int dbk_stoq_actions_count;

// {"type":"object","properties":{…},"required":[…]} of what the read answers.
void dbk_stoq_answer_schema(dbk_out *json, const dbk_stoq_report *report);
// {"type":…} of one parameter.
void dbk_stoq_parameter_schema(dbk_out *json, const dbk_stoq_parameter *parameter);

#endif
