// SPDX-License-Identifier: Apache-2.0
// Options of a command.
#include "http/cli/options.h"

#include "http/cli/cli.h"

#include <assert.h>
#include <getopt.h>
#include <stdio.h>

int dbk_cli_read_options(int argc, char **argv, const char *help, const dbk_cli_option *options)
{
    struct option known[DBK_CLI_OPTIONS_MAX + 2] = {0};
    int count = 0, option, index;
    for (; options[count].name != NULL; count++) {
        assert(count < DBK_CLI_OPTIONS_MAX);
        known[count] = (struct option){
            options[count].name, options[count].text != NULL ? required_argument : no_argument, NULL, 'o'};
    }
    known[count] = (struct option){"help", no_argument, NULL, 'h'};
    while ((option = getopt_long(argc, argv, "", known, &index)) != -1) {
        if (option == 'h') {
            fputs(help, stdout);
            return DBK_EXIT_OK;
        }
        if (option != 'o')
            return dbk_cli_usage_error(argv[0], "it was not understood");
        if (options[index].text != NULL)
            *options[index].text = optarg;
        else
            *options[index].flag = true;
    }
    return -1;
}
