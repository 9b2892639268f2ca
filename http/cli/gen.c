// SPDX-License-Identifier: Apache-2.0
// daybook gen
#include "ingest/gen/gen.h"
#include "engine/base/calendar.h"
#include "http/cli/cli.h"
#include "http/cli/options.h"
#include "http/cli/progress.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char help[] =
    "usage: daybook gen --orders N [--seed S] [--dir OUT] [--until DATE] [--days N] [--festival] [--json]\n\n"
    "Writes a made-up company as CSV files, one per table: the same bytes for the same options.\n\n"
    "  --orders N    how many orders (1 to 1,000,000,000)\n"
    "  --seed S      another company (default 1)\n"
    "  --dir OUT     where to (default ./company)\n"
    "  --until DATE  its last day of trade, or \"today\" (default 2025-12-31)\n"
    "  --days N      how many days it has traded (default 1095, of a festival 30)\n"
    "  --festival    a festival: point-of-sale tickets at six tills, from 17:00 to midnight, and nothing "
    "else;\n"
    "                100 tickets a second over 30 evenings are --orders 75600000\n"
    "  --json        the report as JSON on stdout\n\n"
    "Prints for each column the information that was put in, so that compression can be judged.\n";

static void print_json(const dbk_gen_report *report)
{
    printf("{\"csvBytes\":%llu,\"tables\":[", (unsigned long long)report->csv_bytes);
    bool first = true;
    for (int id = 1; id < DBK_TABLE_END; id++) {
        if (dbk_table_def_by_id(id)->system)
            continue;
        printf("%s{\"name\":\"%s\",\"rows\":%llu}", first ? "" : ",", dbk_table_def_by_id(id)->name,
               (unsigned long long)report->rows[id]);
        first = false;
    }
    printf("],\"columns\":[");
    for (int i = 0; i < report->columns_count; i++)
        printf("%s{\"table\":\"%s\",\"column\":\"%s\",\"bits\":%.0f}", i ? "," : "",
               dbk_table_def_by_id(report->columns[i].table)->name, report->columns[i].name,
               report->columns[i].bits);
    puts("]}");
}

static void print_table(const dbk_gen_report *report)
{
    printf("%-22s %12s %14s\n", "table", "rows", "bytes/row");
    for (int id = 1; id < DBK_TABLE_END; id++) {
        if (report->rows[id] == 0)
            continue;
        double bits = 0;
        for (int i = 0; i < report->columns_count; i++)
            if (report->columns[i].table == (dbk_table_id)id)
                bits += report->columns[i].bits;
        printf("%-22s %12llu %14.2f\n", dbk_table_def_by_id(id)->name, (unsigned long long)report->rows[id],
               bits / 8 / (double)report->rows[id]);
    }
    printf("\n%-42s %8s\n", "information put in, by column", "bits/row");
    for (int i = 0; i < report->columns_count; i++) {
        const dbk_gen_column *column = &report->columns[i];
        printf("%-22s %-19s %8.2f\n", dbk_table_def_by_id(column->table)->name, column->name,
               column->bits / (double)report->rows[column->table]);
    }
}

static void on_progress(void *user, uint64_t done, uint64_t total)
{
    dbk_progress_update(user, done, total, done);
}

int dbk_cli_gen(int argc, char **argv)
{
    const char *orders = NULL, *seed = "1", *until = "2025-12-31", *days = NULL;
    bool json = false;
    dbk_gen_options gen = {.directory = "company"};
    const dbk_cli_option options[] = {{"orders", .text = &orders},
                                      {"seed", .text = &seed},
                                      {"dir", .text = &gen.directory},
                                      {"until", .text = &until},
                                      {"days", .text = &days},
                                      {"json", .flag = &json},
                                      {"festival", .flag = &gen.is_festival},
                                      {0}};
    int code = dbk_cli_read_options(argc, argv, help, options);
    if (code >= 0)
        return code;
    if (orders == NULL || optind != argc)
        return dbk_cli_usage_error("gen", orders != NULL ? "unexpected \"%s\"" : "--orders N is needed",
                                   orders != NULL ? argv[optind] : "");
    int64_t number;
    if (!dbk_cli_number(orders, 1, 1000000000, &number))
        return dbk_cli_usage_error("gen", "--orders is a whole number from 1 to 1000000000, not \"%s\"",
                                   orders);
    gen.orders = (uint64_t)number;
    if (!dbk_cli_number(seed, 0, INT64_MAX, &number))
        return dbk_cli_usage_error("gen", "--seed is a whole number, not \"%s\"", seed);
    gen.seed = (uint64_t)number;
    if (days != NULL && !dbk_cli_number(days, 1, 36600, &number))
        return dbk_cli_usage_error("gen", "--days is a whole number from 1 to 36600, not \"%s\"", days);
    gen.days = days != NULL ? (int)number : 0;
    if (strcmp(until, "today") == 0)
        gen.last_day = (int32_t)(time(NULL) / 86400);
    else if (!dbk_date_parse(until, strlen(until), &gen.last_day))
        return dbk_cli_usage_error("gen", "--until is a date such as 2025-12-31, not \"%s\"", until);

    dbk_progress progress = dbk_progress_begin("orders");
    gen.progress = on_progress;
    gen.user = &progress;
    static dbk_gen_report report;
    dbk_error err;
    dbk_status status = dbk_gen_run(&gen, &report, &err);
    dbk_progress_end(&progress);
    if (status != DBK_OK)
        return dbk_cli_fail(DBK_EXIT_FAILED, "%s", err.message);
    if (json)
        print_json(&report);
    else
        print_table(&report);
    return DBK_EXIT_OK;
}
