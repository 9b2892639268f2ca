// SPDX-License-Identifier: Apache-2.0
// daybook keys create|list|revoke
#include "http/cli/ask.h"
#include "http/cli/cli.h"
#include "http/cli/client.h"
#include "http/cli/options.h"
#include "http/cli/render.h"
#include "http/json/writer.h"
#include "ingest/parse/json.h"

#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "usage: daybook keys create --data DIR --tenant T --scope S[,S…] [--rate N|off] [--name TEXT] [--expires "
    "TIME] [--by TEXT]\n"
    "       daybook keys list --data DIR [--tenant T] [--json]\n"
    "       daybook keys revoke --data DIR [--tenant T] ID\n\n"
    "create prints the key, alone, on stdout; it is shown this once. Its id goes to stderr.\n\n"
    "  --scope S     products:read, orders:read, orders:write, customers:read, customers:write, "
    "reports:read,\n"
    "                webhooks:read, webhooks:write, ingest:write, …; several with commas\n"
    "  --rate N|off  requests a minute (default: the dialect's own, 60 for Distribu)\n"
    "  --by TEXT     who makes the key, for the audit log (default: your user name)\n";

typedef struct arguments {
    const char *directory, *tenant, *scopes, *rate, *name, *expires, *by;
    bool json;
} arguments;

static void write_member(dbk_out *json, const char *name, const char *value)
{
    if (!value)
        return;
    dbk_out_key(json, name);
    dbk_out_string(json, value);
}

static void create_body(dbk_buffer *out, const arguments *a)
{
    dbk_out json = dbk_out_init(out);
    dbk_out_object(&json);
    write_member(&json, "tenant", a->tenant);
    write_member(&json, "rate", a->rate);
    write_member(&json, "name", a->name);
    write_member(&json, "expiresAt", a->expires);
    const struct passwd *user = getpwuid(getuid());
    write_member(&json, "createdBy", a->by || !user ? a->by : user->pw_name);
    dbk_out_key(&json, "scopes");
    dbk_out_array(&json);
    for (const char *at = a->scopes; *at;) {
        uint32_t length = (uint32_t)strcspn(at, ",");
        dbk_out_text(&json, (dbk_text){at, length});
        at += length;
        at += *at == ',';
    }
    dbk_out_array_end(&json);
    dbk_out_object_end(&json);
}

static int print_created(const dbk_client_reply *reply)
{
    dbk_json_doc doc;
    dbk_error err;
    if (dbk_json_parse((const char *)reply->body.data, reply->body.size, &doc, NULL, &err) != DBK_OK)
        return dbk_cli_fail(DBK_EXIT_FAILED, "the server's answer is not JSON: %s", err.message);
    dbk_text key = dbk_json_string_of(dbk_json_get(doc.root, "key"));
    dbk_text id = dbk_json_string_of(dbk_json_get(doc.root, "id"));
    printf("%.*s\n", (int)key.length, key.data);
    fprintf(stderr, "id %.*s; the key is not shown again\n", (int)id.length, id.data);
    dbk_json_doc_dispose(&doc);
    return DBK_EXIT_OK;
}

static int create_key(const arguments *a)
{
    dbk_buffer target = {0}, body = {0};
    dbk_buffer_format(&target, "/admin/keys");
    create_body(&body, a);
    dbk_client_reply reply;
    int code = dbk_cli_call(a->directory, true, "POST", &target, &body, &reply);
    if (code == DBK_EXIT_OK)
        code = print_created(&reply);
    dbk_buffer_dispose(&reply.body);
    dbk_buffer_dispose(&body);
    return code;
}

static int list_or_revoke(const arguments *a, const char *id)
{
    dbk_buffer target = {0};
    dbk_buffer_format(&target, "/admin/keys");
    if (id) {
        dbk_buffer_u8(&target, '/');
        dbk_client_escape(&target, id);
    }
    dbk_cli_add_parameter(&target, "tenant", a->tenant);
    dbk_client_reply reply;
    int code = dbk_cli_call(a->directory, false, id ? "DELETE" : "GET", &target, NULL, &reply);
    if (code == DBK_EXIT_OK && id)
        fprintf(stderr, "revoked %s\n", id);
    else if (code == DBK_EXIT_OK)
        code = dbk_render(stdout, a->json ? DBK_RENDER_JSON : DBK_RENDER_TABLE, reply.body.data,
                          reply.body.size);
    dbk_buffer_dispose(&reply.body);
    return code;
}

int dbk_cli_keys(int argc, char **argv)
{
    arguments a = {0};
    const dbk_cli_option options[] = {
        {"data", .text = &a.directory}, {"tenant", .text = &a.tenant}, {"scope", .text = &a.scopes},
        {"rate", .text = &a.rate},      {"name", .text = &a.name},     {"expires", .text = &a.expires},
        {"by", .text = &a.by},          {"json", .flag = &a.json},     {0}};
    int code = dbk_cli_read_options(argc, argv, help, options);
    if (code >= 0)
        return code;
    const char *action = optind < argc ? argv[optind++] : "";
    if (!a.directory)
        return dbk_cli_usage_error("keys", "--data DIR is needed");
    if (strcmp(action, "create") == 0 && optind == argc) {
        if (!a.tenant)
            return dbk_cli_usage_error("keys", "--tenant T is needed: whose data the key opens");
        if (!a.scopes)
            return dbk_cli_usage_error("keys",
                                       "--scope S is needed: what the key may do, such as reports:read");
        return create_key(&a);
    }
    if (strcmp(action, "list") == 0 && optind == argc)
        return list_or_revoke(&a, NULL);
    if (strcmp(action, "revoke") == 0 && optind + 1 == argc)
        return list_or_revoke(&a, argv[optind]);
    return dbk_cli_usage_error("keys", "say `keys create`, `keys list` or `keys revoke ID`");
}
