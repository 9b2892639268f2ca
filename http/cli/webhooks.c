// SPDX-License-Identifier: Apache-2.0
// daybook webhooks list|rotate|deliveries
#include "http/cli/ask.h"
#include "http/cli/cli.h"
#include "http/cli/client.h"
#include "http/cli/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: daybook webhooks list --data DIR --tenant T [--json]\n"
    "       daybook webhooks deliveries --data DIR --tenant T ID [--limit N] [--cursor C] [--json]\n"
    "       daybook webhooks rotate --data DIR --tenant T ID\n\n"
    "rotate gives a webhook a new secret and prints it; it is shown this once. The one before signs too for\n"
    "24 hours. deliveries shows what was sent, what came back and when it is tried again, newest first.\n";

typedef struct arguments {
    const char *directory, *tenant, *limit, *cursor;
    bool json;
} arguments;

static int ask(const arguments *a, const char *method, const char *base, const char *id, const char *suffix,
               bool json)
{
    dbk_buffer target = {0};
    dbk_buffer_format(&target, "%s", base);
    if (id != NULL) {
        dbk_buffer_u8(&target, '/');
        dbk_client_escape(&target, id);
        dbk_buffer_format(&target, "%s", suffix);
    }
    dbk_cli_add_parameter(&target, "tenant", a->tenant);
    dbk_cli_add_parameter(&target, "limit", a->limit);
    dbk_cli_add_parameter(&target, "cursor", a->cursor);
    return dbk_cli_ask(a->directory, method, &target, NULL, json);
}

int dbk_cli_webhooks(int argc, char **argv)
{
    arguments a = {0};
    const dbk_cli_option options[] = {{"data", .text = &a.directory}, {"tenant", .text = &a.tenant},
                                      {"limit", .text = &a.limit},    {"cursor", .text = &a.cursor},
                                      {"json", .flag = &a.json},      {0}};
    int code = dbk_cli_read_options(argc, argv, help, options);
    if (code >= 0)
        return code;
    const char *action = optind < argc ? argv[optind++] : "";
    const char *id = optind < argc ? argv[optind++] : NULL;
    if (a.directory == NULL || a.tenant == NULL)
        return dbk_cli_usage_error("webhooks", "--data DIR and --tenant T are needed");
    if (optind == argc && id == NULL && strcmp(action, "list") == 0)
        return ask(&a, "GET", "/api/v1/webhooks", NULL, "", a.json);
    if (optind == argc && id != NULL && strcmp(action, "deliveries") == 0)
        return ask(&a, "GET", "/api/v1/webhooks", id, "/deliveries", a.json);
    if (optind == argc && id != NULL && strcmp(action, "rotate") == 0)
        return ask(&a, "POST", "/admin/webhooks", id, "/rotate", true);
    return dbk_cli_usage_error("webhooks",
                               "say `webhooks list`, `webhooks deliveries ID` or `webhooks rotate ID`");
}
