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

int dbk_cli_call(const char *directory, bool create, const char *method, dbk_buffer *target,
                 const dbk_buffer *body, dbk_client_reply *reply)
{
    dbk_client *client;
    dbk_error err;
    char message[400];
    *reply = (dbk_client_reply){0};
    dbk_buffer_u8(target, 0);
    dbk_status opened = dbk_client_open_directory(&client, directory, create, &err), status = opened;
    if (opened == DBK_OK) {
        status = dbk_client_call(client, method, (const char *)target->data, body ? "application/json" : NULL,
                                 body ? body->data : NULL, body ? body->size : 0, reply, &err);
        dbk_client_close(client);
    }
    dbk_buffer_dispose(target);
    if (status != DBK_OK)
        return dbk_cli_fail(opened == DBK_OK ? DBK_EXIT_UNREACHABLE : DBK_EXIT_FAILED, "%s", err.message);
    if (reply->status / 100 == 2)
        return DBK_EXIT_OK;
    dbk_client_message(reply, message, sizeof(message));
    return dbk_cli_fail(DBK_EXIT_FAILED, "%s", message);
}

int dbk_cli_ask(const char *directory, const char *method, dbk_buffer *target, const dbk_buffer *body,
                bool json)
{
    dbk_client_reply reply;
    int code = dbk_cli_call(directory, false, method, target, body, &reply);
    if (code == DBK_EXIT_OK)
        code =
            dbk_render(stdout, json ? DBK_RENDER_JSON : DBK_RENDER_TABLE, reply.body.data, reply.body.size);
    dbk_buffer_dispose(&reply.body);
    return code;
}
