// SPDX-License-Identifier: Apache-2.0
// Files to an S3-compatible store, and URLs to fetch them from there. libcurl moves the bytes; every request
// is signed by http/s3/sigv4.h, the file's SHA-256 included, so that what arrives is what was read.
#ifndef DBK_S3_UPLOAD_H
#define DBK_S3_UPLOAD_H

#include "http/s3/config.h"

#include "engine/base/bytes.h"

#include <stdatomic.h>

// What S3 takes in one request.
#define DBK_S3_BYTES_MAX (INT64_C(5) << 30)

typedef struct dbk_s3_object {
    const char *name;         // behind the configuration's prefix
    const char *content_type; // "text/csv; charset=utf-8"
    const char *file_name;    // under which browsers save it: ASCII without quotes; NULL = the name
} dbk_s3_object;

// Puts the file at `path` into the bucket; an object of that name is replaced. Reads the file twice, once to
// hash it, with little memory. Waits for the network: for a worker's thread. *cancelled (may be NULL) is
// looked at all the time: DBK_CANCELLED. DBK_INVALID: refused for good, the message names the status and the
// store's error code. DBK_BUSY: unreachable, silent for a minute, or its own failure (5xx, 429): worth
// another try. DBK_IO: the file cannot be read or changed while it was. DBK_LIMIT: over DBK_S3_BYTES_MAX.
dbk_status dbk_s3_upload(const dbk_s3_config *config, const char *path, const dbk_s3_object *object,
                         const atomic_bool *cancelled, dbk_error *err);

// Appends a URL that fetches the object for expires_s seconds (at most DBK_SIGV4_EXPIRY_MAX_S) from now_ms,
// which must be near the true time. Asks nobody.
dbk_status dbk_s3_presign(const dbk_s3_config *config, const char *object, int expires_s, int64_t now_ms,
                          dbk_buffer *out, dbk_error *err);

#endif
