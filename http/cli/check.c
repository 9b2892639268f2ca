// SPDX-License-Identifier: Apache-2.0
// daybook check
#include "http/cli/cli.h"
#include "http/cli/client.h"
#include "http/cli/options.h"

#include <getopt.h>
#include <stdio.h>

static const char help[] =
    "usage: daybook check --data DIR [--json]\n\n"
    "Reads every file of a data directory that no server has open, verifies every checksum, rebuilds the "
    "tables and\n"
    "compares every stored figure with the rows themselves. Exit code 0 only if all hold. Changes nothing.\n";

static void on_problem(void *user, const char *line)
{
    (void)user;
    fprintf(stderr, "%s\n", line);
}

int dbk_cli_check(int argc, char **argv)
{
    const char *directory = NULL;
    bool json = false;
    const dbk_cli_option options[] = {{"data", .text = &directory}, {"json", .flag = &json}, {0}};
    int code = dbk_cli_read_options(argc, argv, help, options);
    if (code >= 0)
        return code;
    if (!directory || optind != argc)
        return dbk_cli_usage_error("check", "--data DIR is needed, and nothing else");
    dbk_check_report report = {0};
    dbk_error err;
    if (dbk_store_check(directory, on_problem, NULL, &report, &err) != DBK_OK)
        return dbk_cli_fail(DBK_EXIT_FAILED, "%s", err.message);
    if (json) {
        printf("{\"files\":%llu,\"bytes\":%llu,\"segments\":%llu,\"logGroups\":%llu,\"tenants\":%llu,"
               "\"rows\":%llu,"
               "\"problems\":%llu}\n",
               (unsigned long long)report.files, (unsigned long long)report.bytes,
               (unsigned long long)report.segments, (unsigned long long)report.log_groups,
               (unsigned long long)report.tenants, (unsigned long long)report.rows,
               (unsigned long long)report.problems);
    } else {
        char bytes[32];
        printf("%llu files, %s, %llu segments, %llu log groups, %llu tenants, %llu rows: %s\n",
               (unsigned long long)report.files, dbk_cli_human(bytes, (double)report.bytes, "B"),
               (unsigned long long)report.segments, (unsigned long long)report.log_groups,
               (unsigned long long)report.tenants, (unsigned long long)report.rows,
               report.problems ? "DAMAGED" : "all hold");
        if (report.problems)
            printf("%llu problems\n", (unsigned long long)report.problems);
    }
    return report.problems ? DBK_EXIT_FAILED : DBK_EXIT_OK;
}
