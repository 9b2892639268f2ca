// SPDX-License-Identifier: Apache-2.0
// AWS Signature Version 4 as S3 wants it: paths encoded once and never normalised, the payload's hash a
// header of its own. Requests are signed in a header (Authorization) or in the query of a URL that whoever
// holds it may GET until it expires. Pure functions of their arguments.
#ifndef DBK_SIGV4_H
#define DBK_SIGV4_H

#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "engine/base/types.h"

enum { DBK_SIGV4_PAIRS_MAX = 16, DBK_SIGV4_EXPIRY_MAX_S = 604800, DBK_SIGV4_TIME_BYTES = 17 };

// Whose signature it is, and where it holds.
typedef struct dbk_sigv4_keys {
    const char *access_key, *secret_key, *region, *service;
} dbk_sigv4_keys;

typedef struct dbk_sigv4_pair {
    const char *name, *value;
} dbk_sigv4_pair;

typedef struct dbk_sigv4_request {
    const char *method;
    const char *host; // as the header Host has it
    const char *path; // not encoded, with its leading '/'
    // Not encoded, in any order; at most DBK_SIGV4_PAIRS_MAX. Empty values are empty strings.
    const dbk_sigv4_pair *query;
    int query_count;
    // To be signed beside Host, X-Amz-Date and X-Amz-Content-Sha256: names in lower case, values without
    // spaces around them; in any order.
    const dbk_sigv4_pair *headers;
    int headers_count;
    const char *payload_hash; // SHA-256 as hex, or "UNSIGNED-PAYLOAD"
} dbk_sigv4_request;

// "20130524T000000Z": X-Amz-Date of a moment.
void dbk_sigv4_time(int64_t now_ms, char out[DBK_SIGV4_TIME_BYTES]);
// SHA-256 as lower-case hex with a NUL. False: OpenSSL failed.
bool dbk_sigv4_hash(const void *data, size_t size, char out[65]);

// Appends the value of Authorization. The request must be sent with just the headers named above.
dbk_status dbk_sigv4_authorization(const dbk_sigv4_keys *keys, const dbk_sigv4_request *request,
                                   int64_t now_ms, dbk_buffer *out, dbk_error *err);
// Appends "path?query" with the signature in it, for a request with no other header than Host. expires_s: 1
// to DBK_SIGV4_EXPIRY_MAX_S, counted from now_ms.
dbk_status dbk_sigv4_presign(const dbk_sigv4_keys *keys, const dbk_sigv4_request *request, int expires_s,
                             int64_t now_ms, dbk_buffer *out, dbk_error *err);
// Appends the text with all but A-Z a-z 0-9 - . _ ~ (and '/', unless that is encoded too) as %XX.
void dbk_sigv4_encode(dbk_buffer *out, const char *text, bool encodes_slash);

#endif
