// SPDX-License-Identifier: Apache-2.0
// What the two ways to answer a request share: one reply (exchange.c) and a stream (stream.c). Loop thread
// only, unless said otherwise.
#ifndef DBK_SERVER_EXCHANGE_H
#define DBK_SERVER_EXCHANGE_H

#include "http/server/loop.h"
#include "http/server/stream.h"

typedef struct dbk_exchange {
    dbk_request request;
    h2o_req_t *req; // NULL once the library gave it up
    dbk_loop *loop;
    dbk_connection *connection;
    h2o_timeout_entry_t deadline; // for the client to take the reply
    h2o_multithread_message_t message;
    dbk_reply *late; // a kept request's reply on its way to the loop; NULL when memory was out
    // A kept request on its way to the loop to be answered there, or NULL.
    void (*run)(void *user);
    void *run_user;
    struct dbk_exchange *next; // of the same loop, on the way with this one; or held back with it
    dbk_stream *stream;        // answers it; NULL = a reply does
    dbk_buffer body;           // being written
    // Of a kept request: the bytes that its texts point into, put aside while what comes next goes elsewhere.
    h2o_buffer_t *input;
    int status;
    size_t bytes;
    bool kept, resumed, replied;
    dbk_header headers[];
} dbk_exchange;

// Everything of the response but the sending. Takes the body.
void dbk_exchange_prepare(dbk_exchange *x, dbk_reply *reply);
// Makes the exchange outlive the handler's return, until it is released by whoever answers it.
void dbk_exchange_keep(dbk_exchange *x);

// dbk_request.stream of the server's requests. Any thread.
dbk_stream *dbk_stream_open(dbk_request *request, dbk_reply *head, const dbk_stream_options *options);
// The exchange is over, and with it the stream's way to the client.
void dbk_stream_leave(dbk_stream *stream);
// The time to take what is being written is over: more of it for a client that took something, otherwise the
// end.
void dbk_stream_on_deadline(dbk_stream *stream);

#endif
