// SPDX-License-Identifier: Apache-2.0
// GET …/preorders/reports and …/help: the registry as JSON.
#include "http/stoq/manifest.h"

#include "http/app/call.h"
#include "http/stoq/handlers.h"

#include <string.h>

// ---- Schemas ----

static void write_text(dbk_out *json, const char *key, const char *text)
{
    dbk_out_key(json, key);
    dbk_out_string(json, text);
}

static void write_texts(dbk_out *json, const char *key, const char *const *texts)
{
    dbk_out_key(json, key);
    dbk_out_array(json);
    for (; *texts != NULL; texts++)
        dbk_out_string(json, *texts);
    dbk_out_array_end(json);
}

static void write_member_schema(dbk_out *json, const dbk_stoq_parameter *parameter)
{
    bool is_uuid = parameter->type == DBK_STOQ_UUID || parameter->type == DBK_STOQ_UUID_LIST;
    write_text(json, "type", "string");
    if (is_uuid)
        write_text(json, "format", "uuid");
    if (parameter->values != NULL)
        write_texts(json, "enum", parameter->values);
}

static void write_list_schema(dbk_out *json, const dbk_stoq_parameter *parameter)
{
    write_text(json, "type", "array");
    dbk_out_key(json, "items");
    dbk_out_object(json);
    write_member_schema(json, parameter);
    dbk_out_object_end(json);
    dbk_out_key(json, "maxItems");
    dbk_out_int(json, parameter->max);
}

static void write_type(dbk_out *json, const dbk_stoq_parameter *parameter)
{
    switch (parameter->type) {
    case DBK_STOQ_UUID_LIST:
    case DBK_STOQ_ENUM_LIST:
        write_list_schema(json, parameter);
        break;
    case DBK_STOQ_BOOL:
        write_text(json, "type", "boolean");
        break;
    case DBK_STOQ_INTEGER:
        write_text(json, "type", "integer");
        dbk_out_key(json, "minimum");
        dbk_out_int(json, parameter->min);
        dbk_out_key(json, "maximum");
        dbk_out_int(json, parameter->max);
        break;
    case DBK_STOQ_DATE:
        write_text(json, "type", "string");
        write_text(json, "format", "date");
        break;
    case DBK_STOQ_CURRENCY:
        write_text(json, "type", "string");
        write_text(json, "pattern", "^[A-Za-z]{3}$");
        break;
    case DBK_STOQ_ID:
        write_text(json, "type", "string");
        dbk_out_key(json, "maxLength");
        dbk_out_int(json, DBK_ID_BYTES_MAX);
        break;
    case DBK_STOQ_UUID:
    case DBK_STOQ_ENUM:
        write_member_schema(json, parameter);
        break;
    }
}

void dbk_stoq_parameter_schema(dbk_out *json, const dbk_stoq_parameter *parameter)
{
    dbk_out_object(json);
    write_type(json, parameter);
    if (parameter->standard != NULL) {
        dbk_out_key(json, "default");
        dbk_out_raw(json, parameter->standard);
    }
    write_text(json, "description", parameter->description);
    dbk_out_object_end(json);
}

// {"type":"object","properties":{…},"required":[…]} of the report's parameters; without paging for an export.
static void write_request_schema(dbk_out *json, const dbk_stoq_report *report, bool is_export)
{
    dbk_out_object(json);
    write_text(json, "type", "object");
    dbk_out_key(json, "properties");
    dbk_out_object(json);
    for (int id = 0; id < DBK_STOQ_PARAMETER_COUNT; id++) {
        const dbk_stoq_parameter *parameter = &dbk_stoq_parameters[id];
        if (!dbk_stoq_report_takes(report, (dbk_stoq_parameter_id)id) || (is_export && parameter->is_paging))
            continue;
        dbk_out_key(json, parameter->name);
        dbk_stoq_parameter_schema(json, parameter);
    }
    dbk_out_object_end(json);
    dbk_out_key(json, "required");
    dbk_out_raw(json, "[]");
    // One of two is required, which `required` cannot say.
    if (report->needs_offer) {
        dbk_out_key(json, "anyOf");
        dbk_out_raw(json, "[{\"required\":[\"offer_id\"]},{\"required\":[\"offer_ids\"]}]");
    }
    dbk_out_object_end(json);
}

static void write_column_schema(dbk_out *json, const dbk_stoq_column *column)
{
    static const char *const types[] = {
        [DBK_STOQ_INT] = "integer", [DBK_STOQ_MONEY] = "string", [DBK_STOQ_TEXT] = "string",
        [DBK_STOQ_DAY] = "string",  [DBK_STOQ_RATIO] = "number", [DBK_STOQ_FLAG] = "boolean"};
    dbk_out_object(json);
    dbk_out_key(json, "type");
    if (column->is_nullable)
        dbk_out_array(json);
    dbk_out_string(json, types[column->type]);
    if (column->is_nullable) {
        dbk_out_string(json, "null");
        dbk_out_array_end(json);
    }
    if (column->type == DBK_STOQ_MONEY)
        write_text(json, "pattern", "^-?[0-9]+(\\.[0-9]+)?$");
    if (column->type == DBK_STOQ_DAY)
        write_text(json, "format", "date");
    write_text(json, "description", column->description);
    dbk_out_object_end(json);
}

static void write_row_schema(dbk_out *json, const dbk_stoq_set *set)
{
    write_text(json, "type", "object");
    dbk_out_key(json, "properties");
    dbk_out_object(json);
    for (int i = 0; i < set->columns_count; i++) {
        dbk_out_key(json, set->columns[i].key);
        write_column_schema(json, &set->columns[i]);
    }
    dbk_out_object_end(json);
}

static void write_set_schema(dbk_out *json, const dbk_stoq_set *set)
{
    dbk_out_object(json);
    write_text(json, "description", set->description);
    if (set->is_object) {
        write_row_schema(json, set);
    } else {
        write_text(json, "type", "array");
        dbk_out_key(json, "items");
        dbk_out_object(json);
        write_row_schema(json, set);
        dbk_out_object_end(json);
    }
    dbk_out_object_end(json);
}

void dbk_stoq_answer_schema(dbk_out *json, const dbk_stoq_report *report)
{
    dbk_out_object(json);
    write_text(json, "type", "object");
    dbk_out_key(json, "properties");
    dbk_out_object(json);
    dbk_out_key(json, "window");
    dbk_out_raw(json,
                "{\"type\":\"object\",\"properties\":{\"from\":{\"type\":\"string\",\"format\":\"date\"},"
                "\"to\":{\"type\":\"string\",\"format\":\"date\"}}}");
    dbk_out_key(json, "currency");
    dbk_out_raw(json, "{\"type\":[\"string\",\"null\"]}");
    for (int id = 0; id < DBK_STOQ_PARAMETER_COUNT; id++) {
        if (!dbk_stoq_report_takes(report, (dbk_stoq_parameter_id)id) || !dbk_stoq_parameters[id].is_echoed)
            continue;
        dbk_out_key(json, dbk_stoq_parameters[id].name);
        dbk_stoq_parameter_schema(json, &dbk_stoq_parameters[id]);
    }
    for (int i = 0; i < report->sets_count; i++) {
        dbk_out_key(json, report->sets[i].key);
        write_set_schema(json, &report->sets[i]);
    }
    dbk_out_object_end(json);
    dbk_out_object_end(json);
}

// ---- The catalogue ----

static void write_url(dbk_out *json, const char *key, const char *base, const dbk_stoq_report *report,
                      const char *suffix)
{
    dbk_buffer text = {0};
    dbk_buffer_format(&text, "%s" DBK_STOQ_REPORTS "/%s%s", base, report->name, suffix);
    dbk_out_key(json, key);
    dbk_out_text(json, (dbk_text){(const char *)text.data, (uint32_t)text.size});
    dbk_buffer_dispose(&text);
}

void dbk_stoq_catalogue(dbk_call *call)
{
    dbk_out json = dbk_out_init(&call->body);
    dbk_out_object(&json);
    dbk_out_key(&json, "reports");
    dbk_out_array(&json);
    for (int i = 0; i < dbk_stoq_reports_count; i++) {
        const dbk_stoq_report *report = &dbk_stoq_reports[i];
        dbk_out_object(&json);
        write_text(&json, "name", report->name);
        write_text(&json, "description", report->description);
        write_texts(&json, "aliases", report->aliases);
        write_url(&json, "url", DBK_STOQ_BASE, report, "");
        dbk_out_object_end(&json);
    }
    dbk_out_array_end(&json);
    dbk_out_object_end(&json);
    dbk_call_answer_json(call, 200);
}

// ---- Help ----

// The name of an action has its words joined by dots: preorders.reports.revenue.export
static void write_name(dbk_out *json, const char *name, const char *suffix)
{
    dbk_buffer text = {0};
    dbk_buffer_format(&text, "preorders.reports.%s%s", name, suffix);
    dbk_out_key(json, "name");
    dbk_out_text(json, (dbk_text){(const char *)text.data, (uint32_t)text.size});
    dbk_buffer_dispose(&text);
}

static void write_report_action(dbk_out *json, const dbk_stoq_report *report, bool is_export)
{
    dbk_out_object(json);
    write_name(json, report->name, is_export ? ".export" : "");
    write_text(json, "method", is_export ? "POST" : "GET");
    write_url(json, "path", "", report, is_export ? "/export" : "");
    write_text(json, "description", report->description);
    write_texts(json, "aliases", report->aliases);
    dbk_out_key(json, "request_schema");
    write_request_schema(json, report, is_export);
    if (report->notes != NULL)
        write_text(json, "notes", report->notes);
    dbk_out_object_end(json);
}

#define EXPORTS DBK_STOQ_REPORTS "/exports"

const dbk_stoq_action dbk_stoq_actions[] = {
    {"index", "GET", DBK_STOQ_REPORTS, NULL, "Every available report."},
    {"help", "GET", DBK_STOQ_REPORTS "/help", NULL, "Every available report with its query schema."},
    {"exports.index", "GET", EXPORTS, NULL, "Exports of the last day, newest first."},
    {"exports.show", "GET", EXPORTS "/:job_id", "job_id", "What became of an export."},
    {"exports.cancel", "DELETE", EXPORTS "/:job_id", "job_id", "Cancel an export that is running."},
};
const int dbk_stoq_actions_count = DBK_COUNT(dbk_stoq_actions);

static void write_action(dbk_out *json, const dbk_stoq_action *action)
{
    static const char *const no_aliases[] = {NULL};
    dbk_out_object(json);
    write_name(json, action->name, "");
    write_text(json, "method", action->method);
    write_text(json, "path", action->path);
    write_text(json, "description", action->description);
    write_texts(json, "aliases", no_aliases);
    if (action->path_param != NULL) {
        dbk_out_key(json, "path_params");
        dbk_out_array(json);
        dbk_out_string(json, action->path_param);
        dbk_out_array_end(json);
    }
    dbk_out_key(json, "request_schema");
    dbk_out_raw(json, "{\"type\":\"object\",\"properties\":{},\"required\":[]}");
    dbk_out_object_end(json);
}

static bool is_wanted(dbk_text prefix)
{
    static const char known[] = DBK_STOQ_REPORTS;
    return prefix.length <= sizeof(known) - 1 && memcmp(prefix.data, known, prefix.length) == 0;
}

void dbk_stoq_help(dbk_call *call)
{
    dbk_text prefix = dbk_call_param(call, "prefix");
    dbk_out json = dbk_out_init(&call->body);
    dbk_out_object(&json);
    write_text(&json, "version", "v2");
    write_text(&json, "base_path", DBK_STOQ_BASE);
    dbk_out_key(&json, "actions");
    dbk_out_array(&json);
    if (prefix.length == 0 || is_wanted(prefix)) {
        for (int i = 0; i < dbk_stoq_actions_count; i++)
            write_action(&json, &dbk_stoq_actions[i]);
        for (int i = 0; i < dbk_stoq_reports_count; i++)
            write_report_action(&json, &dbk_stoq_reports[i], false);
        for (int i = 0; i < dbk_stoq_reports_count; i++)
            write_report_action(&json, &dbk_stoq_reports[i], true);
    }
    dbk_out_array_end(&json);
    dbk_out_object_end(&json);
    dbk_call_answer_json(call, 200);
}
