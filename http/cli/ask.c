// SPDX-License-Identifier: Apache-2.0
// Asking and printing.
#include "http/cli/ask.h"

#include "http/cli/cli.h"
#include "http/cli/client.h"
#include "http/cli/render.h"

#include <stdio.h>
#include <string.h>

void dbk_cli_add_parameter(dbk_buffer *target, const char *name, const char *value)
{
    if (value == NULL)
        return;
    bool is_first = target->size == 0 || memchr(target->data, '?', target->size) == NULL;
    dbk_buffer_format(target, "%c%s=", is_first ? '?' : '&', name);
    dbk_client_escape(target, value);
}

static int print(const dbk_client_reply *reply, bool json)
{
    char message[400];
    if (reply->status / 100 == 2)
        return dbk_render(stdout, json ? DBK_RENDER_JSON : DBK_RENDER_TABLE, reply->body.data,
                          reply->body.size);
    dbk_client_message(reply, message, sizeof(message));
    return dbk_cli_fail(DBK_EXIT_FAILED, "%s", message);
}

int dbk_cli_ask(const char *directory, const char *method, dbk_buffer *target, const dbk_buffer *body,
                bool json)
{
    dbk_client *client;
    dbk_client_reply reply = {0};
    dbk_error err;
    int code;
    dbk_buffer_u8(target, 0);
    if (dbk_client_open_directory(&client, directory, false, &err) != DBK_OK) {
        code = dbk_cli_fail(DBK_EXIT_FAILED, "%s", err.message);
    } else {
        dbk_status status =
            dbk_client_call(client, method, (const char *)target->data, body ? "application/json" : NULL,
                            body ? body->data : NULL, body ? body->size : 0, &reply, &err);
        dbk_client_close(client);
        code = status == DBK_OK ? print(&reply, json) : dbk_cli_fail(DBK_EXIT_UNREACHABLE, "%s", err.message);
    }
    dbk_buffer_dispose(&reply.body);
    dbk_buffer_dispose(target);
    return code;
}
