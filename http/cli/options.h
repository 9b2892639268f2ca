// SPDX-License-Identifier: Apache-2.0
// Options of a command whose values are texts, read into the places that they fill.
#ifndef DBK_CLI_OPTIONS_H
#define DBK_CLI_OPTIONS_H

#include <stdbool.h>

typedef struct dbk_cli_option {
    const char *name;  // without the "--"
    const char **text; // takes a value, which is put here …
    bool *flag;        // … or takes none, and turns this true
} dbk_cli_option;

enum { DBK_CLI_OPTIONS_MAX = 24 };

// argv[0] is the command's name. The list ends with a name of NULL; --help is every command's and prints
// `help`. Negative: go on, with getopt's optind at the first argument that is none; otherwise the exit code,
// all that is to be said having been said.
int dbk_cli_read_options(int argc, char **argv, const char *help, const dbk_cli_option *options);

#endif
