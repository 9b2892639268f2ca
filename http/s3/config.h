// SPDX-License-Identifier: Apache-2.0
// Where exports go when they go to an S3-compatible store: the section [s3] of the server's configuration
// file.
#ifndef DBK_S3_CONFIG_H
#define DBK_S3_CONFIG_H

#include "engine/base/status.h"
#include "engine/base/types.h"

enum { DBK_S3_TEXT_MAX = 256, DBK_S3_RETRY_MS = 1000, DBK_S3_RETRY_MS_MAX = 60000 };

typedef struct dbk_s3_config {
    char endpoint[DBK_S3_TEXT_MAX]; // "https://s3.eu-central-1.amazonaws.com"
    char region[DBK_S3_TEXT_MAX];   // default us-east-1
    char bucket[DBK_S3_TEXT_MAX];
    char prefix[DBK_S3_TEXT_MAX]; // stands before the names of objects, as it is
    char access_key[DBK_S3_TEXT_MAX], secret_key[DBK_S3_TEXT_MAX];
    bool path_style; // https://host/bucket/name instead of https://bucket.host/name
    int retry_ms;    // the first pause before an upload is tried again; 0 until finished
} dbk_s3_config;

// One line of the section: endpoint, region, bucket, prefix, access_key, secret_key, path_style (on, off),
// retry_ms.
// False when there is no such name or the value is too long.
bool dbk_s3_config_apply(dbk_s3_config *config, const char *name, const char *value);
// Takes the keys that are not given from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, then says what is
// missing or cannot be.
dbk_status dbk_s3_config_finish(dbk_s3_config *config, dbk_error *err);

// Where an object is: "https://host" and what stands in Host, and its path, not encoded.
typedef struct dbk_s3_place {
    char origin[2 * DBK_S3_TEXT_MAX], path[4 * DBK_S3_TEXT_MAX];
    const char *host; // within origin
} dbk_s3_place;

// DBK_INVALID: the object's name is too long.
dbk_status dbk_s3_place_of(const dbk_s3_config *config, const char *object, dbk_s3_place *out,
                           dbk_error *err);

#endif
