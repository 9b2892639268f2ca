// SPDX-License-Identifier: Apache-2.0
// One request and its reply: the library's request becomes a dbk_request, a dbk_reply becomes the library's
// response.
//
// The common case is a handler that replies before it returns: one allocation for the exchange, no copy of
// anything; the request's texts point into the connection's input buffer, which stands still while a request
// is answered, the reply's headers are written out before `send` returns, and the body's memory is handed to
// the socket and freed with the request's pool.
//
// A kept request is replied to from another thread: its reply is copied into a message for the loop, and the
// loop sends it. The library stops reading meanwhile, so that the bytes of the request stand still, and would
// have the kernel told so twice a request. Instead the socket stays polled and what comes first goes to a
// buffer of its own; only then nothing more is read until the reply. A client that goes away is noticed when
// the reply is written, and the request stays valid. Should the library give a request up earlier all the
// same, its pool tells us, and the reply is dropped.
//
// Some refusals are born inside the library, before any handler: bodies over the cap, broken lengths, unknown
// expectations. They leave through the fallback path, where a filter puts our words in place of the
// library's. Heads that its parser cannot read at all (a control character, a name with a space, over 100
// fields) it answers itself, with a plain "400 Bad Request" and a close; no hook sees them.
#include "http/server/exchange.h"

#include "engine/base/clock.h"
#include "http/server/guard.h"
#include "http/server/loop.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static dbk_text text_of(h2o_iovec_t v)
{
    return (dbk_text){v.base, (uint32_t)v.len};
}

// ---- making a dbk_request
// ------------------------------------------------------------------------------------

static void send_now_or_later(dbk_request *request, dbk_reply *reply);
static void keep(dbk_request *request);
static void resume(dbk_request *request, void (*run)(void *user), void *user);

// The end of an exchange: its reply is written or its connection is gone.
static void exchange_dispose(void *memory)
{
    dbk_exchange *x = memory;
    h2o_timeout_unlink(&x->deadline);
    if (x->stream)
        dbk_stream_leave(x->stream);
    if (x->connection) {
        const dbk_server_options *options = &x->loop->server->options;
        x->connection->busy = false;
        if (options->log && x->replied)
            options->log(options->app, &x->request, x->status, x->bytes,
                         (uint64_t)dbk_clock_steady_ns() - x->request.received_ns);
    }
    dbk_buffer_dispose(&x->body);
    if (x->input)
        h2o_buffer_dispose(&x->input);
}

static void on_deadline(h2o_timeout_entry_t *entry)
{
    dbk_exchange *x = H2O_STRUCT_FROM_MEMBER(dbk_exchange, deadline, entry);
    if (x->stream)
        dbk_stream_on_deadline(x->stream);
    else
        shutdown(h2o_socket_get_fd(x->connection->socket), SHUT_RDWR);
}

// RFC 9112 section 3.2.2: a server accepts "GET http://host/path". Daybook is one origin, so the part before
// the path says nothing that Host does not.
static void use_absolute_form(h2o_req_t *req)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < DBK_COUNT(schemes); i++) {
        size_t n = strlen(schemes[i]);
        if (req->path.len < n || strncasecmp(req->path.base, schemes[i], n) != 0)
            continue;
        size_t authority = n;
        while (authority < req->path.len && req->path.base[authority] != '/' &&
               req->path.base[authority] != '?')
            authority++;
        req->path = authority < req->path.len
                        ? h2o_iovec_init(req->path.base + authority, req->path.len - authority)
                        : h2o_iovec_init(H2O_STRLIT("/"));
        req->path_normalized = h2o_url_normalize_path(&req->pool, req->path.base, req->path.len,
                                                      &req->query_at, &req->norm_indexes);
    }
}

static void read_headers(dbk_exchange *x, h2o_req_t *req)
{
    dbk_header *out = x->headers;
    // The library takes Host out of the list.
    if (req->input.authority.base)
        *out++ = (dbk_header){DBK_TEXT("host"), text_of(req->input.authority)};
    for (size_t i = 0; i < req->headers.size; i++) {
        const h2o_header_t *h = &req->headers.entries[i];
        *out++ = (dbk_header){text_of(*h->name), text_of(h->value)};
    }
    x->request.headers = x->headers;
    x->request.headers_count = (int)(out - x->headers);
}

static dbk_exchange *exchange_create(h2o_req_t *req)
{
    size_t headers = req->headers.size + 1;
    dbk_exchange *x =
        h2o_mem_alloc_shared(&req->pool, sizeof *x + headers * sizeof *x->headers, exchange_dispose);
    memset(x, 0, sizeof *x);
    x->req = req;
    x->connection = dbk_connection_of(req);
    x->connection->busy = true;
    x->loop = x->connection->loop;
    x->deadline.cb = on_deadline;

    if (req->path.len && req->path.base[0] != '/')
        use_absolute_form(req);
    dbk_request *r = &x->request;
    r->method = text_of(req->method);
    r->target = text_of(req->input.path);
    r->path = text_of(req->path_normalized);
    if (req->query_at != SIZE_MAX)
        r->query =
            text_of(h2o_iovec_init(req->path.base + req->query_at + 1, req->path.len - req->query_at - 1));
    r->body = text_of(req->entity);
    r->local = x->connection->local;
    memcpy(r->peer, x->connection->peer, sizeof r->peer);
    r->received_ns = (uint64_t)dbk_clock_steady_ns();
    r->send = send_now_or_later;
    r->stream = dbk_stream_open;
    r->keep = keep;
    r->resume = resume;
    r->user = x;
    read_headers(x, req);
    return x;
}

// ---- input while a request is kept
// ----------------------------------------------------------------------------

// The next request, an end or a failure: for later.
static void on_early_input(h2o_socket_t *socket, const char *failure)
{
    (void)failure; // met again by the next read
    h2o_socket_read_stop(socket);
}

// The library has just stopped reading: begun again within the same turn of the loop, that costs nothing.
static void read_aside(dbk_exchange *x)
{
    h2o_socket_t *socket = x->connection->socket;
    if (socket->ssl) // has bytes of its own under way
        return;
    x->input = socket->input;
    h2o_buffer_init(&socket->input, &h2o_socket_buffer_prototype);
    h2o_socket_read_start(socket, on_early_input);
}

// Everything as the library left it. What came early goes behind the request in a new buffer: the request's
// own bytes must not move before its end.
static void read_aside_end(dbk_exchange *x)
{
    if (!x->input)
        return;
    h2o_socket_t *socket = x->connection->socket;
    h2o_buffer_t *early = socket->input;
    h2o_socket_read_stop(socket);
    if (early->size == 0) {
        socket->input = x->input;
        x->input = NULL;
    } else {
        size_t size = x->input->size + early->size;
        h2o_buffer_init(&socket->input, &h2o_socket_buffer_prototype);
        h2o_iovec_t room = h2o_buffer_reserve(&socket->input, size);
        memcpy(room.base, x->input->bytes, x->input->size);
        memcpy(room.base + x->input->size, early->bytes, early->size);
        socket->input->size = size;
    }
    h2o_buffer_dispose(&early);
}

// ---- writing a reply
// -----------------------------------------------------------------------------------------

// A line end in a header's value would let it write headers, or whole replies, of its own.
static bool is_one_line(dbk_text value)
{
    return value.length == 0 ||
           (memchr(value.data, '\r', value.length) == NULL &&
            memchr(value.data, '\n', value.length) == NULL && memchr(value.data, 0, value.length) == NULL);
}

static void write_headers(h2o_req_t *req, const dbk_reply *reply)
{
    req->res.headers = (h2o_headers_t){0};
    h2o_vector_reserve(&req->pool, &req->res.headers, (size_t)reply->headers_count + 1);
    if (reply->content_type)
        h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, reply->content_type,
                       strlen(reply->content_type));
    for (int i = 0; i < reply->headers_count; i++) {
        const dbk_header *h = &reply->headers[i];
        if (is_one_line(h->value)) // the name is one of ours
            h2o_add_header_by_str(&req->pool, &req->res.headers, h->name.data, h->name.length, 0, NULL,
                                  h->value.data, h->value.length);
    }
}

void dbk_exchange_prepare(dbk_exchange *x, dbk_reply *reply)
{
    h2o_req_t *req = x->req;
    read_aside_end(x);
    if (reply->body.failed) {
        dbk_buffer_dispose(&reply->body);
        *reply = (dbk_reply){.status = 503};
    }
    assert(reply->status >= 200 && reply->status <= 999 && !x->replied);
    x->replied = true;
    x->status = reply->status;
    x->body = reply->body;
    reply->body = (dbk_buffer){0};

    req->res.status = reply->status;
    req->res.reason = dbk_reason(reply->status);
    // These two have no body by definition, and a length of 0 would say something else.
    bool bodiless = reply->status == 204 || reply->status == 304;
    req->res.content_length = bodiless ? SIZE_MAX : x->body.size;
    bool head = h2o_memis(req->input.method.base, req->input.method.len, H2O_STRLIT("HEAD"));
    x->bytes = bodiless || head ? 0 : x->body.size;
    write_headers(req, reply);
    if (x->loop->draining)
        req->http1_is_persistent = 0;
    h2o_timeout_link(x->loop->context.loop, &x->loop->response_timeout, &x->deadline);
}

static void send_now(dbk_exchange *x, dbk_reply *reply)
{
    static h2o_generator_t
        generator; // nothing to proceed with, nothing to stop: the body goes out in one piece
    dbk_exchange_prepare(x, reply);
    h2o_iovec_t body = {(char *)x->body.data, x->bytes};
    h2o_start_response(x->req, &generator);
    h2o_send(x->req, &body, x->bytes ? 1 : 0, H2O_SEND_STATE_FINAL);
}

// ---- kept requests
// -------------------------------------------------------------------------------------------

// In the pool of a kept request: what tells us that the library gave it up.
typedef struct tie {
    dbk_exchange *x;
} tie;

static void on_given_up(void *memory)
{
    tie *t = memory;
    t->x->req = NULL;
    if (!t->x->replied) {
        t->x->connection->busy = false;
        t->x->connection = NULL;
    }
}

void dbk_exchange_keep(dbk_exchange *x)
{
    assert(!x->kept && !x->replied);
    x->kept = true;
    x->loop->waiting++;
    h2o_mem_addref_shared(x);
    tie *t = h2o_mem_alloc_shared(&x->req->pool, sizeof *t, on_given_up);
    t->x = x;
    read_aside(x);
}

static void keep(dbk_request *request)
{
    dbk_exchange_keep(request->user);
}

// Requests that the thread at hand resumed and holds back, first to last.
static _Thread_local struct {
    bool is_on;
    dbk_exchange *first, **end;
} held;

static void resume(dbk_request *request, void (*run)(void *user), void *user)
{
    dbk_exchange *x = request->user;
    x->run = run;
    x->run_user = user;
    if (held.is_on) {
        *held.end = x;
        held.end = &x->next;
    } else {
        h2o_multithread_send_message(&x->loop->replies, &x->message);
    }
}

void dbk_resume_hold(void)
{
    held.is_on = true;
    held.end = &held.first;
}

// One message a loop: its first request brings the others.
void dbk_resume_release(void)
{
    held.is_on = false;
    *held.end = NULL;
    while (held.first) {
        dbk_exchange *head = held.first, **with = &head->next, **left = &held.first;
        for (dbk_exchange *x = head->next; x; x = x->next) {
            dbk_exchange ***list = x->loop == head->loop ? &with : &left;
            **list = x;
            *list = &x->next;
        }
        *left = NULL;
        *with = NULL;
        h2o_multithread_send_message(&head->loop->replies, &head->message);
    }
}

static void run_all(dbk_exchange *x)
{
    while (x) {
        dbk_exchange *next = x->next; // x is gone when it has replied
        x->resumed = true;
        x->run(x->run_user);
        x = next;
    }
}

// The end of a kept request, on its loop.
static void send_kept(dbk_exchange *x, dbk_reply *reply)
{
    x->loop->waiting--;
    if (x->req)
        send_now(x, reply);
    dbk_buffer_dispose(&reply->body);
    free(x->late);
    x->late = NULL;
    h2o_mem_release_shared(x);
}

static void send_now_or_later(dbk_request *request, dbk_reply *reply)
{
    dbk_exchange *x = request->user;
    if (!x->kept) {
        send_now(x, reply);
        return;
    }
    if (x->resumed) {
        send_kept(x, reply);
        return;
    }
    x->late = dbk_reply_copy(reply);
    dbk_buffer_dispose(&reply->body);
    h2o_multithread_send_message(&x->loop->replies, &x->message);
}

void dbk_exchange_on_replies(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    (void)receiver;
    while (!h2o_linklist_is_empty(messages)) {
        dbk_exchange *x = H2O_STRUCT_FROM_MEMBER(dbk_exchange, message.link, messages->next);
        h2o_linklist_unlink(&x->message.link);
        if (x->run) {
            run_all(x);
        } else {
            dbk_reply out_of_memory = {.status = 503};
            send_kept(x, x->late ? x->late : &out_of_memory);
        }
    }
}

// ---- refusing
// ------------------------------------------------------------------------------------------------

static void write_refusal(dbk_exchange *x, int status, const char *detail, dbk_reply *reply)
{
    const dbk_server_options *options = &x->loop->server->options;
    *reply = (dbk_reply){.status = status};
    if (options->refuse)
        options->refuse(options->app, status, detail, x->request.path, reply);
    // Where the next request would start is in doubt, so none is read.
    x->req->http1_is_persistent = 0;
    dbk_connection_linger(x->connection);
}

static dbk_guard_verdict check_head(h2o_req_t *req)
{
    const h2o_buffer_t *input = req->conn->callbacks->get_socket(req->conn)->input;
    return dbk_guard_check(input->bytes, input->size);
}

static int on_request(h2o_handler_t *self, h2o_req_t *req)
{
    (void)self;
    dbk_exchange *x = exchange_create(req);
    const dbk_server_options *options = &x->loop->server->options;
    dbk_guard_verdict verdict = check_head(req);
    if (verdict.status) {
        dbk_reply refusal;
        write_refusal(x, verdict.status, verdict.detail, &refusal);
        send_now(x, &refusal);
        return 0;
    }
    options->handler(options->app, &x->request);
    assert(x->kept || x->replied);
    return 0;
}

typedef struct refusal_stream {
    h2o_ostream_t super;
    dbk_exchange *x;
} refusal_stream;

static void send_refusal(h2o_ostream_t *stream, h2o_req_t *req, h2o_iovec_t *bufs, size_t count,
                         h2o_send_state_t state)
{
    (void)bufs;
    (void)count;
    dbk_exchange *x = ((refusal_stream *)stream)->x;
    h2o_iovec_t body = {(char *)x->body.data, x->bytes};
    h2o_ostream_send_next(stream, req, &body, x->bytes ? 1 : 0, state);
}

static void on_library_refusal(h2o_filter_t *self, h2o_req_t *req, h2o_ostream_t **slot)
{
    (void)self;
    int status = req->res.status;
    const char *detail = status == 413   ? "the body is larger than this server takes"
                         : status == 417 ? "the only expectation is 100-continue"
                                         : "the request's body is not framed as HTTP asks";
    dbk_exchange *x = exchange_create(req);
    // The library refuses for one reason; the head may have another that says more.
    dbk_guard_verdict verdict = check_head(req);
    if (verdict.status) {
        status = verdict.status;
        detail = verdict.detail;
    }
    dbk_reply refusal;
    write_refusal(x, status, detail, &refusal);
    dbk_exchange_prepare(x, &refusal);
    refusal_stream *stream = (refusal_stream *)h2o_add_ostream(req, sizeof *stream, slot);
    stream->super.do_send = send_refusal;
    stream->x = x;
    h2o_setup_next_ostream(req, &stream->super.next);
}

void dbk_exchange_configure(dbk_server *server)
{
    h2o_globalconf_t *config = &server->config;
    h2o_config_init(config);
    config->server_name = (h2o_iovec_t){0};
    config->max_request_entity_size = server->options.body_bytes_max;
    config->http1.req_timeout = (uint64_t)server->options.request_timeout_ms;
    config->http1.upgrade_to_http2 = 0;
    // There is no HTTP/2 to shut down; its callback would leave a timer behind that outlives the loop.
    config->http2.callbacks.request_shutdown = NULL;
    if ((uint64_t)server->options.request_timeout_ms < config->handshake_timeout)
        config->handshake_timeout = (uint64_t)server->options.request_timeout_ms;
    // Bodies stay in memory: without this a body near 16 MiB would land in a temporary file of the library's.
    h2o_socket_buffer_mmap_settings.threshold = SIZE_MAX;

    h2o_hostconf_t *host = h2o_config_register_host(config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_create_filter(&host->fallback_path, sizeof(h2o_filter_t))->on_setup_ostream = on_library_refusal;
    h2o_handler_t *handler = h2o_create_handler(h2o_config_register_path(host, "/", 0), sizeof *handler);
    handler->on_req = on_request;
}
