// SPDX-License-Identifier: Apache-2.0
// daybook report
#include "http/cli/ask.h"
#include "http/cli/cli.h"
#include "http/cli/options.h"
#include "http/cli/render.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: daybook report --data DIR --tenant T NAME [--preset P] [--from A] [--to B] [--currency C]\n"
    "                      [--group-by G] [--status S] [--page N] [--per-page N]\n"
    "                      [--format json|csv|table]\n\n"
    "  NAME          sales, customers, inventory; orders-summary, orders-list, providers-list,\n"
    "                providers-summary, flexible-orders-summary, payments-list, payments-summary,\n"
    "                vendor-payments-list, vendor-payments-summary, subscriptions-list,\n"
    "                subscriptions-summary\n"
    "  --preset P    today, week, month (default), quarter, year, all: of the first three\n"
    "  --from, --to  dates that override the preset's ends\n"
    "  --group-by G  day, week or month, of the others; so are --status, --page and --per-page\n"
    "  --format F    table (default), json as the API sends it, or csv of the report's rows\n\n"
    "The figures are those of the API: the same code answers.\n";

// --group-by is the parameter group_by.
static void add_parameter(dbk_buffer *target, const char *option, const char *value)
{
    char name[16];
    snprintf(name, sizeof(name), "%s", option);
    for (char *at = name; *at != 0; at++)
        *at = *at == '-' ? '_' : *at;
    dbk_cli_add_parameter(target, name, value);
}

int dbk_cli_report(int argc, char **argv)
{
    static const char *const names[] = {"preset",   "from",   "to",   "currency",
                                        "group-by", "status", "page", "per-page"};
    enum { NAMES = DBK_COUNT(names) };
    const char *directory = NULL, *tenant = NULL, *format = "table", *values[NAMES] = {NULL};
    bool json = false;
    dbk_cli_option options[NAMES + 5] = {{"data", .text = &directory},
                                         {"tenant", .text = &tenant},
                                         {"format", .text = &format},
                                         {"json", .flag = &json}};
    for (int i = 0; i < NAMES; i++)
        options[i + 4] = (dbk_cli_option){names[i], .text = &values[i]};
    int code = dbk_cli_read_options(argc, argv, help, options);
    if (code >= 0)
        return code;
    dbk_render_format how;
    if (!dbk_render_format_parse(json ? "json" : format, &how))
        return dbk_cli_usage_error("report", "--format is json, csv or table, not \"%s\"", format);
    if (!directory || !tenant || optind + 1 != argc)
        return dbk_cli_usage_error("report", "--data DIR, --tenant T and the report's NAME are needed");

    dbk_buffer target = {0};
    dbk_buffer_format(&target, "/admin/report/");
    dbk_client_escape(&target, argv[optind]);
    dbk_cli_add_parameter(&target, "tenant", tenant);
    for (int i = 0; i < NAMES; i++)
        add_parameter(&target, names[i], values[i]);
    dbk_client_reply reply;
    code = dbk_cli_call(directory, false, "GET", &target, NULL, &reply);
    if (code == DBK_EXIT_OK) {
        code = dbk_render(stdout, how, reply.body.data, reply.body.size);
        if (reply.other_currencies[0])
            fprintf(stderr, "not counted, in other currencies: %s (--currency C counts one of them)\n",
                    reply.other_currencies);
    }
    dbk_buffer_dispose(&reply.body);
    return code;
}
