// SPDX-License-Identifier: Apache-2.0
// The section [s3].
#include "http/s3/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_ms(const char *value, int *out)
{
    char *end;
    long ms = strtol(value, &end, 10);
    if (end == value || *end != 0 || ms < 1 || ms > DBK_S3_RETRY_MS_MAX)
        return false;
    *out = (int)ms;
    return true;
}

bool dbk_s3_config_apply(dbk_s3_config *config, const char *name, const char *value)
{
    const struct {
        const char *name;
        char *text;
    } texts[] = {{"endpoint", config->endpoint},     {"region", config->region},
                 {"bucket", config->bucket},         {"prefix", config->prefix},
                 {"access_key", config->access_key}, {"secret_key", config->secret_key}};
    for (size_t i = 0; i < DBK_COUNT(texts); i++)
        if (strcmp(name, texts[i].name) == 0)
            return snprintf(texts[i].text, DBK_S3_TEXT_MAX, "%s", value) < DBK_S3_TEXT_MAX;
    if (strcmp(name, "retry_ms") == 0)
        return read_ms(value, &config->retry_ms);
    if (strcmp(name, "path_style") != 0 || (strcmp(value, "on") != 0 && strcmp(value, "off") != 0))
        return false;
    config->path_style = strcmp(value, "on") == 0;
    return true;
}

static const char *host_of(const char *endpoint)
{
    if (strncmp(endpoint, "https://", 8) == 0)
        return endpoint + 8;
    return strncmp(endpoint, "http://", 7) == 0 ? endpoint + 7 : NULL;
}

// Scheme, host and perhaps a port: the path is the bucket's and the object's.
static dbk_status check_endpoint(char *endpoint, dbk_error *err)
{
    size_t length = strlen(endpoint);
    if (length > 0 && endpoint[length - 1] == '/')
        endpoint[--length] = 0;
    const char *host = host_of(endpoint);
    if (host == NULL || *host == 0 || strpbrk(host, "/?#@ \t") != NULL)
        return dbk_fail(err, DBK_INVALID,
                        "[s3] endpoint must be http://HOST[:PORT] or https://HOST[:PORT], without a path");
    // Clients leave the scheme's own port out of Host, and Host is signed.
    const char *port = strrchr(host, ':');
    const char *usual = host == endpoint + 8 ? ":443" : ":80";
    if (port != NULL && strcmp(port, usual) == 0)
        endpoint[port - endpoint] = 0;
    return DBK_OK;
}

static bool is_bucket(const char *name)
{
    size_t length = strlen(name);
    return length >= 3 && length <= 63 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == length;
}

// What stands in a header or a path must not end it.
static bool is_plain(const char *text)
{
    for (; *text != 0; text++)
        if ((unsigned char)*text <= ' ' || *text == 0x7f)
            return false;
    return true;
}

static bool take_environment(char out[DBK_S3_TEXT_MAX], const char *name)
{
    const char *value = getenv(name);
    return out[0] != 0 ||
           (value != NULL && *value != 0 && snprintf(out, DBK_S3_TEXT_MAX, "%s", value) < DBK_S3_TEXT_MAX);
}

dbk_status dbk_s3_config_finish(dbk_s3_config *config, dbk_error *err)
{
    DBK_TRY(check_endpoint(config->endpoint, err));
    if (config->region[0] == 0)
        snprintf(config->region, sizeof(config->region), "us-east-1");
    if (config->retry_ms == 0)
        config->retry_ms = DBK_S3_RETRY_MS;
    if (!is_bucket(config->bucket))
        return dbk_fail(err, DBK_INVALID,
                        "[s3] bucket must be 3 to 63 lower-case letters, digits, dots and hyphens");
    if (!take_environment(config->access_key, "AWS_ACCESS_KEY_ID") ||
        !take_environment(config->secret_key, "AWS_SECRET_ACCESS_KEY"))
        return dbk_fail(err, DBK_INVALID,
                        "[s3] access_key and secret_key are needed, there or as AWS_ACCESS_KEY_ID and "
                        "AWS_SECRET_ACCESS_KEY in the environment");
    if (!is_plain(config->region) || !is_plain(config->access_key) || !is_plain(config->secret_key) ||
        !is_plain(config->prefix))
        return dbk_fail(err, DBK_INVALID, "[s3] region, prefix and keys must not have spaces");
    return DBK_OK;
}

dbk_status dbk_s3_place_of(const dbk_s3_config *config, const char *object, dbk_s3_place *out, dbk_error *err)
{
    const char *host = host_of(config->endpoint);
    int scheme = (int)(host - config->endpoint);
    const char *bucket = config->bucket, *prefix = config->prefix;
    int length;
    if (config->path_style) {
        snprintf(out->origin, sizeof(out->origin), "%s", config->endpoint);
        length = snprintf(out->path, sizeof(out->path), "/%s/%s%s", bucket, prefix, object);
    } else {
        snprintf(out->origin, sizeof(out->origin), "%.*s%s.%s", scheme, config->endpoint, bucket, host);
        length = snprintf(out->path, sizeof(out->path), "/%s%s", prefix, object);
    }
    out->host = out->origin + scheme;
    return length < (int)sizeof(out->path)
               ? DBK_OK
               : dbk_fail(err, DBK_INVALID, "the object's name is too long for S3: %.100s", object);
}
