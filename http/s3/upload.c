// SPDX-License-Identifier: Apache-2.0
// One PUT.
#include "http/s3/upload.h"

#include "engine/base/clock.h"
#include "http/s3/sigv4.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CONNECT_TIMEOUT_MS = 10000,
    SILENCE_S = 60,
    ANSWER_BYTES_MAX = 16384,
    BLOCK_BYTES = 1 << 18,
    HEADER_MAX = 2048,
};

typedef struct transfer {
    const atomic_bool *cancelled;
    int file;
    int64_t size, sent;
    bool file_failed; // it could not be read, or ended early
    char hash[65];
    dbk_buffer answer; // the beginning of the body
    struct curl_slist *headers;
} transfer;

static bool is_cancelled(const transfer *t)
{
    return t->cancelled != NULL && atomic_load_explicit(t->cancelled, memory_order_relaxed);
}

// ---- The file ----

static dbk_status open_file(transfer *t, const char *path, dbk_error *err)
{
    struct stat about;
    t->file = open(path, O_RDONLY | O_CLOEXEC);
    if (t->file < 0 || fstat(t->file, &about) != 0)
        return dbk_fail(err, DBK_IO, "%s: %s", path, strerror(errno));
    t->size = about.st_size;
    if (t->size > DBK_S3_BYTES_MAX)
        return dbk_fail(err, DBK_LIMIT, "%s has more than the 5 GiB that S3 takes at once", path);
    return DBK_OK;
}

static dbk_status digest_file(transfer *t, const char *path, EVP_MD_CTX *context, uint8_t *block,
                              dbk_error *err)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    int64_t at = 0;
    bool is_made = EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
    while (at < t->size) {
        if (is_cancelled(t))
            return dbk_fail(err, DBK_CANCELLED, "cancelled");
        ssize_t got = pread(t->file, block, BLOCK_BYTES, at);
        if (got <= 0)
            return dbk_fail(err, DBK_IO, "%s: %s", path, got < 0 ? strerror(errno) : "it became shorter");
        if (got > t->size - at)
            got = t->size - at;
        is_made = is_made && EVP_DigestUpdate(context, block, (size_t)got) == 1;
        at += got;
    }
    if (!is_made || EVP_DigestFinal_ex(context, digest, NULL) != 1)
        return dbk_fail(err, DBK_NO_MEMORY, "no memory to hash %s", path);
    for (int i = 0; i < 32; i++)
        snprintf(t->hash + 2 * i, 3, "%02x", digest[i]);
    return DBK_OK;
}

static dbk_status hash_file(transfer *t, const char *path, dbk_error *err)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t *block = malloc(BLOCK_BYTES);
    dbk_status status = context != NULL && block != NULL
                            ? digest_file(t, path, context, block, err)
                            : dbk_fail(err, DBK_NO_MEMORY, "no memory to hash %s", path);
    free(block);
    EVP_MD_CTX_free(context);
    return status;
}

// ---- What libcurl calls ----

static size_t on_read(char *out, size_t size, size_t count, void *user)
{
    transfer *t = user;
    size_t room = size * count;
    int64_t left = t->size - t->sent;
    if (left == 0)
        return 0;
    ssize_t got = pread(t->file, out, (int64_t)room < left ? room : (size_t)left, t->sent);
    if (got <= 0) {
        t->file_failed = true;
        return CURL_READFUNC_ABORT;
    }
    t->sent += got;
    return (size_t)got;
}

// A connection that was kept open and has just been closed by the other side makes libcurl begin again.
static int on_seek(void *user, curl_off_t offset, int origin)
{
    transfer *t = user;
    if (origin != SEEK_SET || offset < 0 || offset > t->size)
        return CURL_SEEKFUNC_FAIL;
    t->sent = offset;
    return CURL_SEEKFUNC_OK;
}

static size_t on_answer(char *data, size_t size, size_t count, void *user)
{
    transfer *t = user;
    size_t bytes = size * count, room = ANSWER_BYTES_MAX - t->answer.size;
    dbk_buffer_append(&t->answer, data, bytes < room ? bytes : room);
    return bytes;
}

static int on_progress(void *user, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
    (void)down_total;
    (void)down;
    (void)up_total;
    (void)up;
    return is_cancelled(user);
}

// ---- The request ----

static bool add_header(transfer *t, const char *name, const char *value)
{
    char line[HEADER_MAX];
    if (snprintf(line, sizeof(line), "%s: %s", name, value) >= HEADER_MAX)
        return false;
    struct curl_slist *grown = curl_slist_append(t->headers, line);
    if (grown == NULL)
        return false;
    t->headers = grown;
    return true;
}

static dbk_sigv4_keys keys_of(const dbk_s3_config *config)
{
    return (dbk_sigv4_keys){.access_key = config->access_key,
                            .secret_key = config->secret_key,
                            .region = config->region,
                            .service = "s3"};
}

static dbk_status add_headers(transfer *t, const dbk_s3_config *config, const dbk_s3_place *place,
                              const dbk_s3_object *object, dbk_error *err)
{
    char disposition[HEADER_MAX], date[DBK_SIGV4_TIME_BYTES];
    int64_t now_ms = dbk_clock_wall_ms(); // the store's clock is the true time, whatever "today" is here
    snprintf(disposition, sizeof(disposition), "attachment; filename=\"%s\"",
             object->file_name != NULL ? object->file_name : object->name);
    dbk_sigv4_pair headers[] = {{"content-disposition", disposition}, {"content-type", object->content_type}};
    dbk_sigv4_request request = {.method = "PUT",
                                 .host = place->host,
                                 .path = place->path,
                                 .headers = headers,
                                 .headers_count = DBK_COUNT(headers),
                                 .payload_hash = t->hash};
    dbk_sigv4_keys keys = keys_of(config);
    dbk_buffer authorization = {0};
    dbk_status status = dbk_sigv4_authorization(&keys, &request, now_ms, &authorization, err);
    dbk_buffer_u8(&authorization, 0);
    if (status == DBK_OK) {
        dbk_sigv4_time(now_ms, date);
        bool is_added = !authorization.failed && add_header(t, "Host", place->host) &&
                        add_header(t, headers[0].name, headers[0].value) &&
                        add_header(t, headers[1].name, headers[1].value) &&
                        add_header(t, "X-Amz-Content-Sha256", t->hash) && add_header(t, "X-Amz-Date", date) &&
                        add_header(t, "Authorization", (const char *)authorization.data);
        if (!is_added)
            status = dbk_fail(err, DBK_NO_MEMORY, "no memory for an upload");
    }
    dbk_buffer_dispose(&authorization);
    return status;
}

static bool set_options(CURL *curl, transfer *t, const char *url)
{
    return curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)SILENCE_S) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)t->size) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_READDATA, t) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, on_seek) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SEEKDATA, t) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_answer) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, t) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t) == CURLE_OK;
}

// ---- What came of it ----

// The text of an element of S3's error document, cut to what a message can show.
static void find_element(const dbk_buffer *answer, const char *name, char *out, size_t size)
{
    char open[32];
    int length = snprintf(open, sizeof(open), "<%s>", name);
    const char *text = (const char *)answer->data;
    const char *at = answer->size > 0 ? memmem(text, answer->size, open, (size_t)length) : NULL;
    size_t used = 0;
    if (at != NULL)
        for (at += length; at < text + answer->size && *at != '<' && used + 1 < size; at++)
            out[used++] = (unsigned char)*at < ' ' ? ' ' : *at;
    out[used] = 0;
}

static dbk_status judge_status(const transfer *t, long status, const dbk_s3_place *place, dbk_error *err)
{
    char code[64], message[200];
    if (status / 100 == 2)
        return DBK_OK;
    find_element(&t->answer, "Code", code, sizeof(code));
    find_element(&t->answer, "Message", message, sizeof(message));
    bool may_pass = status / 100 == 5 || status == 429 || status == 408;
    return dbk_fail(err, may_pass ? DBK_BUSY : DBK_INVALID, "S3 at %.100s answered %ld%s%s%s%s", place->host,
                    status, code[0] != 0 ? " " : "", code, message[0] != 0 ? ": " : "", message);
}

static dbk_status perform(CURL *curl, transfer *t, const char *path, const dbk_s3_place *place,
                          dbk_error *err)
{
    long status = 0;
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (is_cancelled(t))
        return dbk_fail(err, DBK_CANCELLED, "cancelled");
    if (t->file_failed)
        return dbk_fail(err, DBK_IO, "%s changed or could not be read while it was sent", path);
    // A store may refuse before it has read everything; what it said counts more than that it closed.
    if (status / 100 > 2)
        return judge_status(t, status, place, err);
    if (code != CURLE_OK)
        return dbk_fail(err, DBK_BUSY, "S3 at %.100s: %s", place->host, curl_easy_strerror(code));
    return judge_status(t, status, place, err);
}

static dbk_status send_file(transfer *t, const dbk_s3_config *config, const char *path,
                            const dbk_s3_object *object, dbk_error *err)
{
    dbk_s3_place place;
    dbk_buffer url = {0};
    DBK_TRY(dbk_s3_place_of(config, object->name, &place, err));
    DBK_TRY(hash_file(t, path, err));
    DBK_TRY(add_headers(t, config, &place, object, err));
    dbk_buffer_format(&url, "%s", place.origin);
    dbk_sigv4_encode(&url, place.path, false);
    dbk_buffer_u8(&url, 0);
    CURL *curl = url.failed ? NULL : curl_easy_init();
    dbk_status status = curl != NULL && set_options(curl, t, (const char *)url.data)
                            ? perform(curl, t, path, &place, err)
                            : dbk_fail(err, DBK_NO_MEMORY, "no memory for an upload");
    curl_easy_cleanup(curl);
    dbk_buffer_dispose(&url);
    return status;
}

dbk_status dbk_s3_upload(const dbk_s3_config *config, const char *path, const dbk_s3_object *object,
                         const atomic_bool *cancelled, dbk_error *err)
{
    transfer t = {.cancelled = cancelled, .file = -1};
    dbk_status status = open_file(&t, path, err);
    if (status == DBK_OK)
        status = send_file(&t, config, path, object, err);
    curl_slist_free_all(t.headers);
    dbk_buffer_dispose(&t.answer);
    if (t.file >= 0)
        close(t.file);
    return status;
}

dbk_status dbk_s3_presign(const dbk_s3_config *config, const char *object, int expires_s, int64_t now_ms,
                          dbk_buffer *out, dbk_error *err)
{
    dbk_s3_place place;
    DBK_TRY(dbk_s3_place_of(config, object, &place, err));
    dbk_sigv4_keys keys = keys_of(config);
    dbk_sigv4_request request = {
        .method = "GET", .host = place.host, .path = place.path, .payload_hash = "UNSIGNED-PAYLOAD"};
    dbk_buffer_format(out, "%s", place.origin);
    return dbk_sigv4_presign(&keys, &request, expires_s, now_ms, out, err);
}
