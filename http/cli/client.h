// SPDX-License-Identifier: Apache-2.0
// How a command reaches the data: through the server that runs on the directory (its local socket), through
// the directory itself when none does, or through a server elsewhere by URL and key. In each case the command
// speaks HTTP to the same handlers, so the answers cannot differ.
#ifndef DBK_CLI_CLIENT_H
#define DBK_CLI_CLIENT_H

#include "engine/base/bytes.h"
#include "ingest/store/store.h"

typedef struct dbk_client dbk_client;

// DBK_NOT_FOUND: no such directory and not `create`. DBK_BUSY: locked, and nobody answers on its socket.
dbk_status dbk_client_open_directory(dbk_client **out, const char *directory, bool create, dbk_error *err);
// For loading files, creating the directory. Where no server runs on it this returns while the directory is
// still being opened, by this process, without a log and for no calls: dbk_client_opened waits for that.
dbk_status dbk_client_open_loading(dbk_client **out, const char *directory, dbk_error *err);
dbk_status dbk_client_open_url(dbk_client **out, const char *url, const char *key, dbk_error *err);
// Checkpoints and closes when the directory was opened by this process.
void dbk_client_close(dbk_client *client);

// Whether a directory is opened for loading by this process.
bool dbk_client_is_loading(const dbk_client *client);
// Its store; or what dbk_client_open_directory may come to, each time it is asked. One thread at a time.
dbk_status dbk_client_opened(dbk_client *client, dbk_store **out, dbk_error *err);
// The address of the directory's socket: directory + "/daybook.sock". false when it does not fit a socket's
// name.
bool dbk_client_socket_path(char out[108], const char *directory);

typedef struct dbk_client_reply {
    int status;
    dbk_buffer body; // the caller disposes of it
    // Headers of these names; "" when they were not sent.
    char other_currencies[256]; // what a report left out
    char detail[256];           // what was wrong, where the body has no more than a word for it
} dbk_client_reply;

// One request. body may be NULL. DBK_IO: no server answers.
dbk_status dbk_client_call(dbk_client *client, const char *method, const char *target,
                           const char *content_type, const void *body, size_t body_size,
                           dbk_client_reply *reply, dbk_error *err);

// Appends text to a URL query, percent-encoded.
void dbk_client_escape(dbk_buffer *out, const char *text);
// For people: the detail, the message of an error body ({"error":"…"} or {"message":"…"}), or the whole body.
void dbk_client_message(const dbk_client_reply *reply, char *out, size_t size);

#endif
