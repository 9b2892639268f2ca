// SPDX-License-Identifier: Apache-2.0
// Two ways to the same handlers: over a socket when a server runs, in this process when none does.
#include "http/cli/client.h"

#include "http/app/app.h"
#include "ingest/parse/json.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct dbk_client {
    // One of the two:
    dbk_store *store; // with its app, when the directory is ours
    dbk_app *app;
    CURL *curl; // when a server answers
    // A store that is opened while the caller goes on.
    dbk_store_options loading; // directory is NULL otherwise
    pthread_t opener;
    bool opener_runs;
    dbk_error failure;
    char base[512];
    char socket_path[108];
    struct curl_slist *headers; // what every request carries
};

bool dbk_client_socket_path(char out[108], const char *directory)
{
    int length = snprintf(out, 108, "%s/daybook.sock", directory);
    return length > 0 && length < 108;
}

static bool answers(const char *socket_path)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, socket_path);
    bool connected = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    close(fd);
    return connected;
}

static dbk_status open_curl(dbk_client *client, dbk_error *err)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
    client->curl = curl_easy_init();
    if (!client->curl)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory");
    return DBK_OK;
}

static void notice(void *user, const char *line)
{
    (void)user;
    fprintf(stderr, "daybook: %s\n", line);
}

// Finds out whether a server runs on the directory; then *here is false and the client speaks to it.
static dbk_status begin_directory(dbk_client **out, const dbk_store_options *options, bool *here,
                                  dbk_error *err)
{
    struct stat info;
    dbk_status status = DBK_OK;
    dbk_client *client = calloc(1, sizeof(*client));
    if (!client)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory");
    *here = !dbk_client_socket_path(client->socket_path, options->directory) || !answers(client->socket_path);
    if (!*here) {
        strcpy(client->base, "http://daybook");
        status = open_curl(client, err);
    } else {
        client->socket_path[0] = 0;
        if (!options->create && stat(options->directory, &info) != 0)
            status = dbk_fail(err, DBK_NOT_FOUND, "there is no data directory %s", options->directory);
    }
    if (status != DBK_OK) {
        dbk_client_close(client);
        return status;
    }
    *out = client;
    return DBK_OK;
}

dbk_status dbk_client_open_directory(dbk_client **out, const char *directory, bool create, dbk_error *err)
{
    const dbk_store_options options = {.directory = directory, .create = create, .notice = notice};
    const dbk_app_options app_options = {0};
    dbk_client *client = NULL;
    bool here = false;
    DBK_TRY(begin_directory(&client, &options, &here, err));
    dbk_status status = here ? dbk_store_open(&client->store, &options, err) : DBK_OK;
    if (status == DBK_OK && here)
        status = dbk_app_create(&client->app, client->store, &app_options, err);
    if (status != DBK_OK) {
        dbk_client_close(client);
        return status;
    }
    *out = client;
    return DBK_OK;
}

static void *run_opener(void *user)
{
    dbk_client *client = user;
    client->failure.status = dbk_store_open(&client->store, &client->loading, &client->failure);
    return NULL;
}

dbk_status dbk_client_open_loading(dbk_client **out, const char *directory, dbk_error *err)
{
    // Batches of so much are stored while the next are parsed.
    static const uint64_t checkpoint_bytes = 128 << 20;
    const dbk_store_options options = {.directory = directory,
                                       .create = true,
                                       .notice = notice,
                                       .unlogged = true,
                                       .checkpoint_bytes = checkpoint_bytes};
    dbk_client *client = NULL;
    bool here = false;
    DBK_TRY(begin_directory(&client, &options, &here, err));
    if (here) {
        client->loading = options;
        client->opener_runs = pthread_create(&client->opener, NULL, run_opener, client) == 0;
        if (!client->opener_runs)
            run_opener(client);
    }
    *out = client;
    return DBK_OK;
}

bool dbk_client_is_loading(const dbk_client *client)
{
    return client->loading.directory;
}

dbk_status dbk_client_opened(dbk_client *client, dbk_store **out, dbk_error *err)
{
    if (client->opener_runs)
        pthread_join(client->opener, NULL);
    client->opener_runs = false;
    *out = client->store;
    return client->store ? DBK_OK : dbk_fail(err, client->failure.status, "%s", client->failure.message);
}

dbk_status dbk_client_open_url(dbk_client **out, const char *url, const char *key, dbk_error *err)
{
    dbk_client *client = calloc(1, sizeof(*client));
    if (!client)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory");
    dbk_status status = open_curl(client, err);
    size_t length = strlen(url);
    while (length && url[length - 1] == '/')
        length--;
    if (status == DBK_OK && length >= sizeof(client->base))
        status = dbk_fail(err, DBK_INVALID, "the URL is too long");
    if (status != DBK_OK) {
        dbk_client_close(client);
        return status;
    }
    memcpy(client->base, url, length);
    char header[256];
    snprintf(header, sizeof(header), "Authorization: Bearer %s", key);
    client->headers = curl_slist_append(NULL, header);
    *out = client;
    return DBK_OK;
}

void dbk_client_close(dbk_client *client)
{
    if (!client)
        return;
    if (client->opener_runs)
        pthread_join(client->opener, NULL);
    dbk_app_destroy(client->app);
    dbk_store_close(client->store);
    curl_slist_free_all(client->headers);
    if (client->curl)
        curl_easy_cleanup(client->curl);
    free(client);
}

// ---- In this process ----

typedef struct local_call {
    dbk_request request; // first: the callbacks see a dbk_request
    pthread_mutex_t lock;
    pthread_cond_t replied;
    bool done;
    dbk_client_reply *reply;
} local_call;

static void copy_if(dbk_text name, const char *wanted, dbk_text value, char out[256])
{
    if (name.length == strlen(wanted) && strncasecmp(name.data, wanted, name.length) == 0)
        snprintf(out, 256, "%.*s", (int)value.length, value.data);
}

static void note_header(dbk_client_reply *reply, dbk_text name, dbk_text value)
{
    copy_if(name, "daybook-other-currencies", value, reply->other_currencies);
    copy_if(name, "daybook-detail", value, reply->detail);
}

static void local_send(dbk_request *request, dbk_reply *reply)
{
    local_call *call = (local_call *)request;
    for (int i = 0; i < reply->headers_count; i++)
        note_header(call->reply, reply->headers[i].name, reply->headers[i].value);
    pthread_mutex_lock(&call->lock);
    call->reply->status = reply->status;
    call->reply->body = reply->body;
    call->done = true;
    pthread_cond_signal(&call->replied);
    pthread_mutex_unlock(&call->lock);
}

// The caller waits for the reply, so everything stays valid as it is.
static void local_keep(dbk_request *request)
{
    (void)request;
}

static void call_here(dbk_client *client, const char *method, const char *target, const char *content_type,
                      const void *body, size_t body_size, dbk_client_reply *reply)
{
    dbk_header headers[] = {{DBK_TEXT("content-type"), dbk_text_from(content_type)}};
    const char *mark = strchr(target, '?');
    size_t path_length = mark ? (size_t)(mark - target) : strlen(target);
    local_call call = {.request = {.method = dbk_text_from(method),
                                   .target = dbk_text_from(target),
                                   .path = {target, (uint32_t)path_length},
                                   .query = dbk_text_from(mark ? mark + 1 : NULL),
                                   .headers = headers,
                                   .headers_count = content_type ? 1 : 0,
                                   .body = {body, (uint32_t)body_size},
                                   .peer = "local",
                                   .local = true,
                                   .send = local_send,
                                   .keep = local_keep},
                       .lock = PTHREAD_MUTEX_INITIALIZER,
                       .replied = PTHREAD_COND_INITIALIZER,
                       .reply = reply};
    dbk_app_handle(client->app, &call.request);
    pthread_mutex_lock(&call.lock);
    while (!call.done)
        pthread_cond_wait(&call.replied, &call.lock);
    pthread_mutex_unlock(&call.lock);
}

// ---- Over a socket ----

static size_t on_body(char *data, size_t size, size_t count, void *user)
{
    dbk_buffer *body = user;
    dbk_buffer_append(body, data, size * count);
    return body->failed ? 0 : size * count;
}

static size_t on_header(char *line, size_t size, size_t count, void *user)
{
    size_t length = size * count;
    const char *colon = memchr(line, ':', length);
    if (colon) {
        const char *value = colon + 1, *end = line + length;
        while (value < end && *value == ' ')
            value++;
        while (end > value && (end[-1] == '\r' || end[-1] == '\n'))
            end--;
        note_header(user, (dbk_text){line, (uint32_t)(colon - line)},
                    (dbk_text){value, (uint32_t)(end - value)});
    }
    return length;
}

static dbk_status call_there(dbk_client *client, const char *method, const char *target,
                             const char *content_type, const void *body, size_t body_size,
                             dbk_client_reply *reply, dbk_error *err)
{
    CURL *curl = client->curl;
    dbk_buffer url = {0};
    dbk_buffer_format(&url, "%s%s", client->base, target);
    dbk_buffer_u8(&url, 0);
    char type[128];
    snprintf(type, sizeof(type), "Content-Type: %s", content_type ? content_type : "application/json");
    struct curl_slist type_header = {.data = type, .next = client->headers};
    // An Expect header would cost a round trip for each body.
    struct curl_slist no_expect = {.data = "Expect:", .next = &type_header};

    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, (const char *)url.data);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply->body);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, reply);
    if (client->socket_path[0])
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client->socket_path);
    if (body) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body_size);
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, &no_expect);
    } else {
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, client->headers);
    }
    CURLcode code = url.failed ? CURLE_OUT_OF_MEMORY : curl_easy_perform(curl);
    dbk_buffer_dispose(&url);
    if (code != CURLE_OK)
        return dbk_fail(err, DBK_IO, "no answer from %s: %s",
                        client->socket_path[0] ? client->socket_path : client->base,
                        curl_easy_strerror(code));
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    reply->status = (int)status;
    return DBK_OK;
}

dbk_status dbk_client_call(dbk_client *client, const char *method, const char *target,
                           const char *content_type, const void *body, size_t body_size,
                           dbk_client_reply *reply, dbk_error *err)
{
    *reply = (dbk_client_reply){0};
    if (client->curl)
        return call_there(client, method, target, content_type, body, body_size, reply, err);
    call_here(client, method, target, content_type, body, body_size, reply);
    return DBK_OK;
}

void dbk_client_escape(dbk_buffer *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain =
            (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || strchr("-._~", c);
        if (plain)
            dbk_buffer_u8(out, c);
        else
            dbk_buffer_format(out, "%%%02X", c);
    }
}

void dbk_client_message(const dbk_client_reply *reply, char *out, size_t size)
{
    dbk_json_doc doc;
    const char *body = (const char *)reply->body.data;
    if (reply->detail[0]) {
        snprintf(out, size, "%s", reply->detail);
        return;
    }
    if (body && dbk_json_parse(body, reply->body.size, &doc, NULL, NULL) == DBK_OK) {
        dbk_text message = dbk_json_string_of(dbk_json_get(doc.root, "error"));
        const dbk_json *errors = dbk_json_get(doc.root, "errors");
        if (message.length == 0 && errors)
            message = dbk_json_string_of(dbk_json_get(dbk_json_first(errors), "detail"));
        if (message.length == 0)
            message = dbk_json_string_of(dbk_json_get(doc.root, "message"));
        if (message.length) {
            snprintf(out, size, "%.*s", (int)message.length, message.data);
            dbk_json_doc_dispose(&doc);
            return;
        }
        dbk_json_doc_dispose(&doc);
    }
    snprintf(out, size, "HTTP %d: %.*s", reply->status, (int)reply->body.size, body ? body : "");
}
