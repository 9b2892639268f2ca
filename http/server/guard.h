// SPDX-License-Identifier: Apache-2.0
// The framing guard: what RFC 9112 forbids in a request's head, and what Daybook does not speak.
//
// The HTTP library takes the first of two Content-Lengths, the last of several Transfer-Encodings, any number
// of Hosts and lines that end in a bare LF. Each of these lets two servers in a row disagree about where a
// request ends, which is how requests are smuggled. So the raw bytes of every head pass through here before a
// handler sees the request. The function reads nothing but those bytes: it is tested and fuzzed without a
// socket.
#ifndef DBK_SERVER_GUARD_H
#define DBK_SERVER_GUARD_H

#include "engine/base/types.h"

// A browser with every cookie it may hold stays below 8 KiB; the library itself would buffer 408 KiB.
enum { DBK_GUARD_HEAD_BYTES_MAX = 32 * 1024 };

typedef struct dbk_guard_verdict {
    int status;         // 0 = well formed; otherwise the HTTP status to refuse with: 400, 411, 431 or 505
    const char *detail; // constant text for the client; NULL when well formed
    size_t head_bytes;  // up to and including the empty line; 0 unless well formed
} dbk_guard_verdict;

// Judges the head at the start of `bytes`; what follows the empty line is not looked at. One empty line
// before the request line is skipped, as RFC 9112 section 2.2 asks.
dbk_guard_verdict dbk_guard_check(const char *bytes, size_t size);

#endif
