// SPDX-License-Identifier: Apache-2.0
// A stream for callers in this process that want a reply in one piece: the body is gathered in memory and
// sent with the head when the stream ends. One that ends short is answered with 503 and no body.
#ifndef DBK_SERVER_GATHER_H
#define DBK_SERVER_GATHER_H

#include "http/server/stream.h"

// As dbk_request.stream.
dbk_stream *dbk_gather_open(dbk_request *request, dbk_reply *head, const dbk_stream_options *options);

#endif
