// SPDX-License-Identifier: Apache-2.0
// daybook audit
#include "http/cli/ask.h"
#include "http/cli/cli.h"
#include "http/cli/options.h"

#include <getopt.h>

static const char help[] =
    "usage: daybook audit --data DIR --tenant T [--from TIME] [--to TIME] [--entity TYPE] [--actor KEY-ID]\n"
    "                     [--limit N] [--cursor C] [--json]\n\n"
    "Prints who changed what, newest first. --to with a date means the whole day. --entity is order, "
    "customer,\n"
    "webhook, api_key, ….\n";

int dbk_cli_audit(int argc, char **argv)
{
    const char *directory = NULL, *tenant = NULL, *from = NULL, *to = NULL, *entity = NULL, *actor = NULL;
    const char *limit = NULL, *cursor = NULL;
    bool json = false;
    const dbk_cli_option options[] = {{"data", .text = &directory}, {"tenant", .text = &tenant},
                                      {"from", .text = &from},      {"to", .text = &to},
                                      {"entity", .text = &entity},  {"actor", .text = &actor},
                                      {"limit", .text = &limit},    {"cursor", .text = &cursor},
                                      {"json", .flag = &json},      {0}};
    int code = dbk_cli_read_options(argc, argv, help, options);
    if (code >= 0)
        return code;
    if (directory == NULL || tenant == NULL || optind != argc)
        return dbk_cli_usage_error("audit", "--data DIR and --tenant T are needed");
    dbk_buffer target = {0};
    dbk_buffer_format(&target, "/api/v1/audit-log");
    dbk_cli_add_parameter(&target, "tenant", tenant);
    dbk_cli_add_parameter(&target, "from", from);
    dbk_cli_add_parameter(&target, "to", to);
    dbk_cli_add_parameter(&target, "entityType", entity);
    dbk_cli_add_parameter(&target, "actor", actor);
    dbk_cli_add_parameter(&target, "limit", limit);
    dbk_cli_add_parameter(&target, "cursor", cursor);
    return dbk_cli_ask(directory, "GET", &target, NULL, json);
}
