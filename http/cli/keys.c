// SPDX-License-Identifier: Apache-2.0
// daybook keys create|list|revoke
#include "http/cli/cli.h"
#include "http/cli/client.h"
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

static int call(const arguments *a, const char *method, const dbk_buffer *target, const dbk_buffer *body,
                bool create, dbk_client_reply *reply)
{
    dbk_client *client;
    dbk_error err;
    *reply = (dbk_client_reply){0};
    if (dbk_client_open_directory(&client, a->directory, create, &err) != DBK_OK)
        return dbk_cli_fail(DBK_EXIT_FAILED, "%s", err.message);
    dbk_status status =
        dbk_client_call(client, method, (const char *)target->data, body->size ? "application/json" : NULL,
                        body->size ? body->data : NULL, body->size, reply, &err);
    dbk_client_close(client);
    if (status != DBK_OK)
        return dbk_cli_fail(DBK_EXIT_UNREACHABLE, "%s", err.message);
    if (reply->status / 100 != 2) {
        char message[400];
        dbk_client_message(reply, message, sizeof(message));
        return dbk_cli_fail(DBK_EXIT_FAILED, "%s", message);
    }
    return DBK_EXIT_OK;
}

static int create_key(const arguments *a)
{
    dbk_buffer target = {0}, body = {0};
    dbk_buffer_append(&target, "/admin/keys", sizeof("/admin/keys"));
    create_body(&body, a);
    dbk_client_reply reply;
    int code = call(a, "POST", &target, &body, true, &reply);
    if (code == DBK_EXIT_OK)
        code = print_created(&reply);
    dbk_buffer_dispose(&reply.body);
    dbk_buffer_dispose(&target);
    dbk_buffer_dispose(&body);
    return code;
}

static int list_or_revoke(const arguments *a, const char *id)
{
    dbk_buffer target = {0}, body = {0};
    dbk_buffer_format(&target, "/admin/keys");
    if (id) {
        dbk_buffer_u8(&target, '/');
        dbk_client_escape(&target, id);
    }
    if (a->tenant) {
        dbk_buffer_format(&target, "?tenant=");
        dbk_client_escape(&target, a->tenant);
    }
    dbk_buffer_u8(&target, 0);
    dbk_client_reply reply;
    int code = call(a, id ? "DELETE" : "GET", &target, &body, false, &reply);
    if (code == DBK_EXIT_OK && id)
        fprintf(stderr, "revoked %s\n", id);
    else if (code == DBK_EXIT_OK)
        code = dbk_render(stdout, a->json ? DBK_RENDER_JSON : DBK_RENDER_TABLE, reply.body.data,
                          reply.body.size);
    dbk_buffer_dispose(&reply.body);
    dbk_buffer_dispose(&target);
    return code;
}

int dbk_cli_keys(int argc, char **argv)
{
    static const struct option options[] = {
        {"data", required_argument, NULL, 'd'},  {"tenant", required_argument, NULL, 't'},
        {"scope", required_argument, NULL, 's'}, {"rate", required_argument, NULL, 'r'},
        {"name", required_argument, NULL, 'n'},  {"expires", required_argument, NULL, 'e'},
        {"by", required_argument, NULL, 'b'},    {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},        {0}};
    arguments a = {0};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'd':
            a.directory = optarg;
            break;
        case 't':
            a.tenant = optarg;
            break;
        case 's':
            a.scopes = optarg;
            break;
        case 'r':
            a.rate = optarg;
            break;
        case 'n':
            a.name = optarg;
            break;
        case 'e':
            a.expires = optarg;
            break;
        case 'b':
            a.by = optarg;
            break;
        case 'j':
            a.json = true;
            break;
        case 'h':
            fputs(help, stdout);
            return DBK_EXIT_OK;
        default:
            return dbk_cli_usage_error("keys", "it was not understood");
        }
    }
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
