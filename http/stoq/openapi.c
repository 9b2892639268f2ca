// SPDX-License-Identifier: Apache-2.0
// The nine reads as paths of /openapi.json.
#include "http/stoq/handlers.h"
#include "http/stoq/manifest.h"

static void write_text(dbk_out *out, const char *key, const char *text)
{
    dbk_out_key(out, key);
    dbk_out_string(out, text);
}

static void write_formatted(dbk_out *out, const char *key, const char *format, const char *name)
{
    dbk_buffer text = {0};
    dbk_buffer_format(&text, format, name);
    if (key != NULL) {
        dbk_out_key(out, key);
        dbk_out_text(out, (dbk_text){(const char *)text.data, (uint32_t)text.size});
    } else {
        dbk_out_key_text(out, (dbk_text){(const char *)text.data, (uint32_t)text.size});
    }
    dbk_buffer_dispose(&text);
}

static void write_parameters(dbk_out *out, const dbk_stoq_report *report)
{
    dbk_out_key(out, "parameters");
    dbk_out_array(out);
    for (int id = 0; id < DBK_STOQ_PARAMETER_COUNT; id++) {
        const dbk_stoq_parameter *parameter = &dbk_stoq_parameters[id];
        if (!dbk_stoq_report_takes(report, (dbk_stoq_parameter_id)id))
            continue;
        bool is_list = parameter->type == DBK_STOQ_UUID_LIST || parameter->type == DBK_STOQ_ENUM_LIST;
        dbk_out_object(out);
        write_text(out, "name", parameter->name);
        write_text(out, "in", "query");
        write_text(out, "description", parameter->description);
        if (is_list) {
            dbk_out_key(out, "explode");
            dbk_out_bool(out, false);
        }
        dbk_out_key(out, "schema");
        dbk_stoq_parameter_schema(out, parameter);
        dbk_out_object_end(out);
    }
    dbk_out_array_end(out);
}

static void write_failure(dbk_out *out, const char *status, const char *description)
{
    dbk_out_key(out, status);
    dbk_out_object(out);
    write_text(out, "description", description);
    dbk_out_key(out, "content");
    dbk_out_raw(out, "{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/Messages\"}}}");
    dbk_out_object_end(out);
}

static void write_answers(dbk_out *out, const dbk_stoq_report *report)
{
    dbk_out_key(out, "responses");
    dbk_out_object(out);
    dbk_out_key(out, "200");
    dbk_out_object(out);
    write_text(out, "description", report->description);
    dbk_out_key(out, "content");
    dbk_out_object(out);
    dbk_out_key(out, "application/json");
    dbk_out_object(out);
    dbk_out_key(out, "schema");
    dbk_stoq_answer_schema(out, report);
    dbk_out_object_end(out);
    dbk_out_object_end(out);
    dbk_out_object_end(out);
    dbk_out_key(out, "304");
    dbk_out_raw(out, "{\"description\":\"If-None-Match names the current answer\"}");
    write_failure(out, "400", "The query string cannot be read");
    write_failure(out, "401", "No token, or one that is not valid");
    write_failure(out, "403", "The token lacks the scope");
    write_failure(out, "422", "Parameters that cannot be used, each named; or an exchange rate is missing");
    write_failure(out, "429", "The shop's points are used up");
    dbk_out_object_end(out);
}

void dbk_stoq_describe_reads(dbk_out *paths)
{
    for (int i = 0; i < dbk_stoq_reports_count; i++) {
        const dbk_stoq_report *report = &dbk_stoq_reports[i];
        write_formatted(paths, NULL, DBK_STOQ_BASE DBK_STOQ_REPORTS "/%s", report->name);
        dbk_out_object(paths);
        dbk_out_key(paths, "get");
        dbk_out_object(paths);
        write_formatted(paths, "operationId", "get_api_v2_external_preorders_reports_%s", report->name);
        write_text(paths, "summary", report->description);
        write_text(paths, "description", "Needs a key with the scope reports:read.");
        dbk_out_key(paths, "security");
        dbk_out_raw(paths, "[{\"shopToken\":[]}]");
        write_parameters(paths, report);
        write_answers(paths, report);
        dbk_out_object_end(paths);
        dbk_out_object_end(paths);
    }
}
