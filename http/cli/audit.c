// SPDX-License-Identifier: Apache-2.0
// daybook audit
#include "http/cli/ask.h"
#include "http/cli/cli.h"

#include <getopt.h>
#include <stdio.h>

static const char help[] =
    "usage: daybook audit --data DIR --tenant T [--from TIME] [--to TIME] [--entity TYPE] [--actor KEY-ID]\n"
    "                     [--limit N] [--cursor C] [--json]\n\n"
    "Prints who changed what, newest first. --to with a date means the whole day. --entity is order, "
    "customer,\n"
    "webhook, api_key, ….\n";

int dbk_cli_audit(int argc, char **argv)
{
    // The long options in the order of the parameters they become.
    static const char *const parameters[] = {"tenant", "from",  "to",    "entityType",
                                             "actor",  "limit", "cursor"};
    enum { PARAMETERS = DBK_COUNT(parameters) };
    static const struct option options[] = {{"tenant", required_argument, NULL, 'p'},
                                            {"from", required_argument, NULL, 'p'},
                                            {"to", required_argument, NULL, 'p'},
                                            {"entity", required_argument, NULL, 'p'},
                                            {"actor", required_argument, NULL, 'p'},
                                            {"limit", required_argument, NULL, 'p'},
                                            {"cursor", required_argument, NULL, 'p'},
                                            {"data", required_argument, NULL, 'd'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char *directory = NULL, *values[PARAMETERS] = {NULL};
    bool json = false;
    int option, index;
    while ((option = getopt_long(argc, argv, "", options, &index)) != -1) {
        switch (option) {
        case 'p':
            values[index] = optarg;
            break;
        case 'd':
            directory = optarg;
            break;
        case 'j':
            json = true;
            break;
        case 'h':
            fputs(help, stdout);
            return DBK_EXIT_OK;
        default:
            return dbk_cli_usage_error("audit", "it was not understood");
        }
    }
    if (directory == NULL || values[0] == NULL || optind != argc)
        return dbk_cli_usage_error("audit", "--data DIR and --tenant T are needed");
    dbk_buffer target = {0};
    dbk_buffer_format(&target, "/api/v1/audit-log");
    for (int i = 0; i < PARAMETERS; i++)
        dbk_cli_add_parameter(&target, parameters[i], values[i]);
    return dbk_cli_ask(directory, "GET", &target, NULL, json);
}
