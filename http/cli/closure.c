// SPDX-License-Identifier: Apache-2.0
// daybook closure list|show|make
#include "http/cli/ask.h"
#include "http/cli/cli.h"
#include "http/cli/client.h"
#include "http/cli/options.h"
#include "http/json/writer.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: daybook closure list --data DIR --tenant T [--json]\n"
    "       daybook closure show N --data DIR --tenant T\n"
    "       daybook closure make --data DIR --tenant T --register ID\n\n"
    "Closures of the point of sale. list prints every closure with its hash; keep the last one elsewhere, "
    "and\n"
    "`daybook check` proves that nothing before it was changed. show prints one closure as JSON, with the\n"
    "report as it was sealed. make closes the period that is open now and prints its report.\n";

typedef struct arguments {
    const char *directory, *tenant, *cash_register;
    bool json;
} arguments;

static int list(const arguments *a)
{
    dbk_buffer target = {0};
    dbk_buffer_format(&target, "/admin/closures");
    dbk_cli_add_parameter(&target, "tenant", a->tenant);
    return dbk_cli_ask(a->directory, "GET", &target, NULL, a->json);
}

static int show(const arguments *a, const char *number)
{
    dbk_buffer target = {0};
    dbk_buffer_format(&target, "/admin/closures/");
    dbk_client_escape(&target, number);
    dbk_cli_add_parameter(&target, "tenant", a->tenant);
    return dbk_cli_ask(a->directory, "GET", &target, NULL, true);
}

static int make(const arguments *a)
{
    dbk_buffer target = {0}, body = {0};
    dbk_buffer_format(&target, "/v1/reports/general-closure");
    dbk_cli_add_parameter(&target, "tenant", a->tenant);
    dbk_out json = dbk_out_init(&body);
    dbk_out_object(&json);
    dbk_out_key(&json, "cashRegister");
    dbk_out_string(&json, a->cash_register);
    dbk_out_object_end(&json);
    int code = dbk_cli_ask(a->directory, "POST", &target, &body, true);
    dbk_buffer_dispose(&body);
    return code;
}

int dbk_cli_closure(int argc, char **argv)
{
    arguments a = {0};
    const dbk_cli_option options[] = {{"data", .text = &a.directory},
                                      {"tenant", .text = &a.tenant},
                                      {"register", .text = &a.cash_register},
                                      {"json", .flag = &a.json},
                                      {0}};
    int code = dbk_cli_read_options(argc, argv, help, options);
    if (code >= 0)
        return code;
    const char *action = optind < argc ? argv[optind++] : "";
    const char *number = optind < argc ? argv[optind++] : NULL;
    if (a.directory == NULL || a.tenant == NULL)
        return dbk_cli_usage_error("closure", "--data DIR and --tenant T are needed");
    if (optind == argc && number == NULL && strcmp(action, "list") == 0)
        return list(&a);
    if (optind == argc && number != NULL && strcmp(action, "show") == 0)
        return show(&a, number);
    if (optind == argc && number == NULL && strcmp(action, "make") == 0 && a.cash_register != NULL)
        return make(&a);
    return dbk_cli_usage_error("closure",
                               "say `closure list`, `closure show N` or `closure make --register ID`");
}
