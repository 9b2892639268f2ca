// SPDX-License-Identifier: Apache-2.0
// GET …/preorders/skill.md and /llms.txt (S51, S57): the registry told to readers that have no token yet, as
// Markdown. Neither says anything of a shop.
#include "http/app/call.h"
#include "http/stoq/handlers.h"
#include "http/stoq/manifest.h"

#define SKILL DBK_STOQ_BASE "/preorders/skill.md"

static void write_aliases(dbk_buffer *text, const dbk_stoq_report *report)
{
    for (int i = 0; report->aliases[i] != NULL; i++)
        dbk_buffer_format(text, "%s%s", i > 0 ? ", " : "", report->aliases[i]);
}

// A row of the table of actions.
static void write_action(dbk_buffer *text, const char *method, const char *path, const char *suffix,
                         const char *description, const dbk_stoq_report *report)
{
    dbk_buffer_format(text, "| `%s` | `%s%s` | %s | ", method, path, suffix, description);
    if (report != NULL)
        write_aliases(text, report);
    dbk_buffer_format(text, " |\n");
}

static void write_actions(dbk_buffer *text)
{
    dbk_buffer_format(text, "| method | path | what | also called |\n|---|---|---|---|\n");
    for (int i = 0; i < dbk_stoq_actions_count; i++) {
        const dbk_stoq_action *action = &dbk_stoq_actions[i];
        write_action(text, action->method, action->path, "", action->description, NULL);
    }
    for (int is_export = 0; is_export < 2; is_export++)
        for (int i = 0; i < dbk_stoq_reports_count; i++) {
            const dbk_stoq_report *report = &dbk_stoq_reports[i];
            dbk_buffer path = {0};
            dbk_buffer_format(&path, DBK_STOQ_REPORTS "/%s", report->name);
            dbk_buffer_append(&path, "", 1);
            text->failed |= path.failed;
            if (!path.failed)
                write_action(text, is_export ? "POST" : "GET", (const char *)path.data,
                             is_export ? "/export" : "", report->description, report);
            dbk_buffer_dispose(&path);
        }
}

static void write_parameters(dbk_buffer *text)
{
    dbk_buffer_format(text, "| parameter | meaning | reports |\n|---|---|---|\n");
    for (int id = 0; id < DBK_STOQ_PARAMETER_COUNT; id++) {
        int takers = 0;
        dbk_buffer_format(text, "| `%s` | %s | ", dbk_stoq_parameters[id].name,
                          dbk_stoq_parameters[id].description);
        for (int i = 0; i < dbk_stoq_reports_count; i++)
            takers += dbk_stoq_report_takes(&dbk_stoq_reports[i], (dbk_stoq_parameter_id)id);
        if (takers == dbk_stoq_reports_count)
            dbk_buffer_format(text, "all");
        for (int i = 0, n = 0; i < dbk_stoq_reports_count && takers < dbk_stoq_reports_count; i++)
            if (dbk_stoq_report_takes(&dbk_stoq_reports[i], (dbk_stoq_parameter_id)id))
                dbk_buffer_format(text, "%s`%s`", n++ > 0 ? ", " : "", dbk_stoq_reports[i].name);
        dbk_buffer_format(text, " |\n");
    }
}

void dbk_stoq_skill(dbk_call *call)
{
    dbk_buffer *text = &call->body;
    dbk_buffer_format(
        text,
        "---\nname: preorder-reports\ndescription: Read a shop's preorder reports and export them as "
        "CSV.\n---\n\n"
        "# Preorder reports\n\n"
        "Base path: `" DBK_STOQ_BASE "`. Every action below needs the header `X-Auth-Token` with the shop's "
        "token; bodies are `application/json`. Reads answer 200 with the bare report, exports 202 with "
        "`job_id` and `status_url`; what is wrong is told as `{\"errors\":[…]}`, one sentence each. A shop "
        "has 360 points in 60 seconds: a read costs 1, a write 2.\n\n"
        "Find the action whose description or other names fit what is wanted, then ask `" DBK_STOQ_REPORTS
        "/help` for its `request_schema`. `by_variant` needs an offer. Money is decimal text.\n\n"
        "To export, POST the same parameters to the report's `/export`, then ask the `status_url` as given "
        "until `status` is no more `running`; a `ready` one has `download_url`, which needs no "
        "token.\n\n## Actions\n\n");
    write_actions(text);
    dbk_buffer_format(text, "\n## Parameters\n\n");
    write_parameters(text);
    dbk_call_answer(call, 200, call->route->answer_type);
}

void dbk_stoq_llms(dbk_call *call)
{
    dbk_buffer *text = &call->body;
    dbk_buffer_format(
        text,
        "# Daybook\n\n> Sales reports of shops over HTTP. What a token is needed for says so with 401.\n\n"
        "## Guides\n\n- [Preorder reports](" SKILL "): the %d preorder reports, their parameters and CSV "
        "exports\n\n## Schemas\n\n- [OpenAPI](/openapi.json): every path with parameters and answers\n"
        "- [Help](" DBK_STOQ_BASE "/help): the preorder actions with their query schemas; needs a token\n",
        dbk_stoq_reports_count);
    dbk_call_answer(call, 200, call->route->answer_type);
}
