// SPDX-License-Identifier: Apache-2.0
// daybook tenant set|show
#include "engine/base/utf8.h"
#include "http/cli/ask.h"
#include "http/cli/cli.h"
#include "http/cli/options.h"
#include "http/json/writer.h"

#include <errno.h>
#include <getopt.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: daybook tenant set --data DIR --tenant T [--timezone Z] [--currency C] [--business-day HH:MM]\n"
    "                          [--jwks FILE] [--app-id A] [--jwt-audience A] [--jwt-secret-file FILE]\n"
    "                          [--restock-on-cancel on|off] [--allow-private-webhooks on|off]\n"
    "                          [--webhook-delivery-days N|off]\n"
    "       daybook tenant show --data DIR --tenant T\n\n"
    "  --timezone Z          days and presets of reports are those of this zone, such as Europe/Berlin "
    "(default UTC)\n"
    "  --currency C          what reports count unless asked otherwise (default: that of the first money "
    "loaded)\n"
    "  --business-day HH:MM  when a business day of the point of sale begins (default 07:00)\n"
    "  --jwks FILE           a JSON Web Key Set: tokens signed with these keys (RS256, ES256, EdDSA) may ask "
    "in this\n"
    "                        tenant's name\n"
    "  --app-id A            the AppId that names this tenant beside a token (default: the tenant's name)\n"
    "  --jwt-audience A      what `aud` of a token must name (default: anything)\n"
    "  --jwt-secret-file FILE\n"
    "                        a shared secret of at least 32 bytes: tokens signed with it (HS256) may ask "
    "too\n"
    "  --restock-on-cancel on  cancelling an order puts its units back into stock (default off)\n"
    "  --allow-private-webhooks on|off\n"
    "                        whether webhooks may lead to addresses that are not public (default off)\n"
    "  --webhook-delivery-days N|off\n"
    "                        how long deliveries that are over are kept (default 90)\n\n"
    "`set` prints the settings as they are afterwards, as JSON. An empty value takes a setting away.\n";

enum { FILE_BYTES_MAX = 1 << 20 };

typedef struct setting {
    const char *name, *value;
} setting;

// Reads a file whole as a text with a NUL behind it, without the line feed that editors put at its end.
static int read_file(const char *path, dbk_buffer *out)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return dbk_cli_fail(DBK_EXIT_FAILED, "%s: %s", path, strerror(errno));
    uint8_t *at = dbk_buffer_reserve(out, FILE_BYTES_MAX + 1);
    size_t size = at != NULL ? fread(at, 1, FILE_BYTES_MAX + 1, file) : 0;
    bool failed = at == NULL || ferror(file) != 0;
    fclose(file);
    if (failed)
        return dbk_cli_fail(DBK_EXIT_FAILED, "%s cannot be read", path);
    if (size > FILE_BYTES_MAX || memchr(at, 0, size) != NULL || dbk_utf8_invalid_at(at, size) != size)
        return dbk_cli_fail(DBK_EXIT_FAILED, "%s is no text", path);
    if (size > 0 && at[size - 1] == '\n')
        size--;
    if (size > 0 && at[size - 1] == '\r')
        size--;
    if (size == 0)
        return dbk_cli_fail(DBK_EXIT_FAILED, "%s is empty", path);
    out->size = size;
    dbk_buffer_u8(out, 0);
    return DBK_EXIT_OK;
}

static int ask(const char *directory, const char *tenant, bool set, const setting *settings, int count)
{
    dbk_buffer target = {0}, body = {0};
    dbk_buffer_format(&target, "/admin/settings");
    dbk_cli_add_parameter(&target, "tenant", tenant);
    dbk_out json = dbk_out_init(&body);
    dbk_out_object(&json);
    for (int i = 0; i < count; i++) {
        dbk_out_key(&json, settings[i].name);
        dbk_out_string(&json, settings[i].value);
    }
    dbk_out_object_end(&json);
    dbk_client_reply reply;
    int code = dbk_cli_call(directory, set, set ? "PUT" : "GET", &target, set ? &body : NULL, &reply);
    if (code == DBK_EXIT_OK)
        printf("%.*s\n", (int)reply.body.size, (const char *)reply.body.data);
    dbk_buffer_dispose(&reply.body);
    dbk_buffer_dispose(&body);
    return code;
}

// The settings that are given as files: their option and what they are called.
static const setting file_settings[] = {{"jwks", "jwks"}, {"jwt-secret-file", "jwt-secret"}};

static int run(const char *directory, const char *tenant, bool set, setting *settings, int count)
{
    dbk_buffer files[DBK_COUNT(file_settings)] = {0};
    int code = DBK_EXIT_OK;
    for (int i = 0; i < count; i++) {
        for (size_t f = 0; f < DBK_COUNT(file_settings) && code == DBK_EXIT_OK; f++) {
            if (strcmp(settings[i].name, file_settings[f].name) != 0)
                continue;
            if (settings[i].value[0] != 0)
                code = read_file(settings[i].value, &files[f]);
            else
                dbk_buffer_u8(&files[f], 0);
            settings[i] = (setting){file_settings[f].value, (const char *)files[f].data};
            break;
        }
    }
    if (code == DBK_EXIT_OK)
        code = ask(directory, tenant, set, settings, count);
    for (size_t f = 0; f < DBK_COUNT(file_settings); f++) {
        if (files[f].data != NULL)
            OPENSSL_cleanse(files[f].data, files[f].capacity);
        dbk_buffer_dispose(&files[f]);
    }
    return code;
}

int dbk_cli_tenant(int argc, char **argv)
{
    static const char *const names[] = {"timezone",
                                        "currency",
                                        "business-day",
                                        "app-id",
                                        "jwks",
                                        "jwt-audience",
                                        "jwt-secret-file",
                                        "restock-on-cancel",
                                        "allow-private-webhooks",
                                        "webhook-delivery-days"};
    enum { NAMES = DBK_COUNT(names) };
    const char *directory = NULL, *tenant = NULL, *values[NAMES] = {NULL};
    dbk_cli_option options[NAMES + 3] = {{"data", .text = &directory}, {"tenant", .text = &tenant}};
    for (int i = 0; i < NAMES; i++)
        options[i + 2] = (dbk_cli_option){names[i], .text = &values[i]};
    int code = dbk_cli_read_options(argc, argv, help, options);
    if (code >= 0)
        return code;
    setting settings[NAMES];
    int count = 0;
    for (int i = 0; i < NAMES; i++)
        if (values[i] != NULL)
            settings[count++] = (setting){names[i], values[i]};
    const char *action = optind < argc ? argv[optind] : "";
    bool set = strcmp(action, "set") == 0;
    if (optind + 1 != argc || (!set && strcmp(action, "show") != 0))
        return dbk_cli_usage_error("tenant", "say `daybook tenant set` or `daybook tenant show`");
    if (!directory || !tenant)
        return dbk_cli_usage_error("tenant", "--data DIR and --tenant T are needed");
    if (set && count == 0)
        return dbk_cli_usage_error("tenant", "there is nothing to set");
    return run(directory, tenant, set, settings, count);
}
