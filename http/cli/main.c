// SPDX-License-Identifier: Apache-2.0
// `daybook COMMAND`: finds the command and hands the rest of the line to it.
#include "http/cli/cli.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    {"serve", dbk_cli_serve, "serve the report APIs from a data directory"},
    {"load", dbk_cli_load, "load CSV or NDJSON files"},
    {"keys", dbk_cli_keys, "create, list and revoke API keys"},
    {"tenant", dbk_cli_tenant, "show or set a tenant's time zone, currency and business day"},
    {"webhooks", dbk_cli_webhooks, "list webhooks and their deliveries, rotate a secret"},
    {"audit", dbk_cli_audit, "show who changed what"},
    {"closure", dbk_cli_closure, "list, show and make closures of the point of sale"},
    {"report", dbk_cli_report, "print a report"},
    {"check", dbk_cli_check, "verify every checksum and every figure of a data directory"},
    {"gen", dbk_cli_gen, "write a made-up company as CSV files"},
};

static void usage(FILE *out)
{
    fputs("usage: daybook COMMAND [OPTION …]\n\n", out);
    for (size_t i = 0; i < DBK_COUNT(commands); i++)
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
    fputs("\n`daybook COMMAND --help` says more. `daybook --version` prints the version.\n", out);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return DBK_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        usage(stdout);
        return DBK_EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("daybook " DBK_VERSION);
        return DBK_EXIT_OK;
    }
    for (size_t i = 0; i < DBK_COUNT(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "daybook: there is no command \"%s\"\n\n", argv[1]);
    usage(stderr);
    return DBK_EXIT_USAGE;
}
