// SPDX-License-Identifier: Apache-2.0
// daybook report
#include "http/cli/cli.h"
#include "http/cli/client.h"
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
static void add_parameter(dbk_buffer *parameters, const char *name, const char *value)
{
    dbk_buffer_u8(parameters, '&');
    for (; *name != 0; name++)
        dbk_buffer_u8(parameters, *name == '-' ? '_' : (uint8_t)*name);
    dbk_buffer_u8(parameters, '=');
    dbk_client_escape(parameters, value);
}

int dbk_cli_report(int argc, char **argv)
{
    static const struct option options[] = {
        {"data", required_argument, NULL, 'd'},     {"tenant", required_argument, NULL, 't'},
        {"preset", required_argument, NULL, 'p'},   {"from", required_argument, NULL, 'p'},
        {"to", required_argument, NULL, 'p'},       {"currency", required_argument, NULL, 'p'},
        {"group-by", required_argument, NULL, 'p'}, {"status", required_argument, NULL, 'p'},
        {"page", required_argument, NULL, 'p'},     {"per-page", required_argument, NULL, 'p'},
        {"format", required_argument, NULL, 'f'},   {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},           {0}};
    const char *directory = NULL, *tenant = NULL, *format = "table";
    dbk_buffer parameters = {0}, target = {0};
    int option, index = 0;
    while ((option = getopt_long(argc, argv, "", options, &index)) != -1) {
        switch (option) {
        case 'd':
            directory = optarg;
            break;
        case 't':
            tenant = optarg;
            break;
        case 'p':
            add_parameter(&parameters, options[index].name, optarg);
            break;
        case 'f':
            format = optarg;
            break;
        case 'j':
            format = "json";
            break;
        case 'h':
            fputs(help, stdout);
            return DBK_EXIT_OK;
        default:
            return dbk_cli_usage_error("report", "it was not understood");
        }
    }
    dbk_render_format how;
    if (!dbk_render_format_parse(format, &how))
        return dbk_cli_usage_error("report", "--format is json, csv or table, not \"%s\"", format);
    if (!directory || !tenant || optind + 1 != argc)
        return dbk_cli_usage_error("report", "--data DIR, --tenant T and the report's NAME are needed");

    dbk_client *client;
    dbk_error err;
    if (dbk_client_open_directory(&client, directory, false, &err) != DBK_OK)
        return dbk_cli_fail(DBK_EXIT_FAILED, "%s", err.message);
    dbk_buffer_format(&target, "/admin/report/");
    dbk_client_escape(&target, argv[optind]);
    dbk_buffer_format(&target, "?tenant=");
    dbk_client_escape(&target, tenant);
    dbk_buffer_append(&target, parameters.data, parameters.size);
    dbk_buffer_u8(&target, 0);
    dbk_client_reply reply;
    dbk_status status =
        dbk_client_call(client, "GET", (const char *)target.data, NULL, NULL, 0, &reply, &err);
    int code = DBK_EXIT_OK;
    if (status != DBK_OK) {
        code = dbk_cli_fail(DBK_EXIT_UNREACHABLE, "%s", err.message);
    } else if (reply.status != 200) {
        char message[400];
        dbk_client_message(&reply, message, sizeof(message));
        code = dbk_cli_fail(DBK_EXIT_FAILED, "%s", message);
    } else {
        code = dbk_render(stdout, how, reply.body.data, reply.body.size);
        if (reply.other_currencies[0])
            fprintf(stderr, "not counted, in other currencies: %s (--currency C counts one of them)\n",
                    reply.other_currencies);
    }
    dbk_buffer_dispose(&reply.body);
    dbk_buffer_dispose(&parameters);
    dbk_buffer_dispose(&target);
    dbk_client_close(client);
    return code;
}
