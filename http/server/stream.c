// SPDX-License-Identifier: Apache-2.0
// The server's streams.
//
// A stream stands between two threads at a time. Its owner's side appends to `waiting` under the lock and,
// when the loop is neither writing nor already called, sends one message to the loop. The loop's side swaps
// `waiting` for `sending`, hands that to the library, and looks again when the library has written it. So a
// burst of writes costs one message and goes out in pieces as large as the client can take.
//
// A stream ends twice. For its owner with dbk_stream_end; for the loop when the exchange is over, which
// is the one place where a client's leaving, a failed write, a cut and the regular end all arrive:
// dbk_stream_leave. The memory goes with the last of them, or of a message still under way.
//
// While nothing is being written, the library polls the socket for nothing. So each loop watches the sockets
// of its open streams for hang-ups with an epoll of its own, which the library's loop sees as one more
// socket.
#include "http/server/exchange.h"

#include <assert.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HANGUPS_AT_ONCE = 64 };

typedef struct server_stream {
    dbk_stream stream; // first: what the owner holds
    dbk_request request;
    dbk_stream_options options;
    dbk_loop *loop; // not to be touched once the stream has left it

    pthread_mutex_t lock;
    pthread_cond_t changed; // room in the queue, over, or `gone` has been told
    dbk_buffer waiting;     // written by the owner, not yet taken by the loop
    size_t sending_size;
    int64_t written; // bytes of the body so far
    int references;  // the owner, the loop, a message under way
    bool called;     // a message is under way
    bool busy;       // the loop is writing and will look at the queue by itself
    bool over;       // nothing more is taken
    bool ended, whole;
    bool cut;  // to be reset rather than ended
    bool left; // the loop
    bool telling;

    // The loop's own.
    h2o_multithread_message_t message;
    h2o_generator_t generator;
    dbk_exchange *x;
    dbk_reply *head; // until it is sent
    dbk_buffer sending;
    char chunk_head[20]; // its size in hexadecimal
    h2o_linklist_t link; // in loop->open_streams
    int unread;          // bytes in the socket when last looked at
    bool watched, chunked;
    bool writing;   // the library, something; on_written follows
    bool finishing; // and that is the last
    dbk_header headers[];
} server_stream;

// ---- Memory ----

// With the lock held; gives it back.
static void release(server_stream *s)
{
    bool is_last = --s->references == 0;
    pthread_mutex_unlock(&s->lock);
    if (!is_last)
        return;
    dbk_buffer_dispose(&s->waiting);
    dbk_buffer_dispose(&s->sending);
    free(s->head);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static size_t texts_size(const dbk_request *r)
{
    size_t n = r->method.length + r->target.length + r->path.length + r->query.length;
    for (int i = 0; i < r->headers_count; i++)
        n += r->headers[i].name.length + r->headers[i].value.length;
    return n;
}

static dbk_text keep_text(char **to, dbk_text text)
{
    dbk_text copy = {*to, text.length};
    if (text.length)
        memcpy(*to, text.data, text.length);
    *to += text.length;
    return copy;
}

// The library's memory, which the request's texts are in, goes when the client goes.
static void copy_request(server_stream *s, const dbk_request *r)
{
    char *to = (char *)(s->headers + r->headers_count);
    s->request = *r;
    s->request.method = keep_text(&to, r->method);
    s->request.target = keep_text(&to, r->target);
    s->request.path = keep_text(&to, r->path);
    s->request.query = keep_text(&to, r->query);
    s->request.body = (dbk_text){0};
    for (int i = 0; i < r->headers_count; i++)
        s->headers[i] = (dbk_header){keep_text(&to, r->headers[i].name), keep_text(&to, r->headers[i].value)};
    s->request.headers = s->headers;
    s->request.send = NULL;
    s->request.stream = NULL;
    s->request.keep = NULL;
    s->request.user = NULL;
}

// ---- The owner's side ----

// With the lock held.
static void call_loop(server_stream *s)
{
    if (s->called || s->left)
        return;
    s->called = true;
    s->references++;
    atomic_fetch_add(&s->loop->stream_messages, 1);
    h2o_multithread_send_message(&s->loop->streams, &s->message);
}

static size_t queue_max(const server_stream *s)
{
    return s->options.queue_max ? s->options.queue_max : DBK_STREAM_QUEUE;
}

// With the lock held. What waits is nobody's any more.
static void cut_off(server_stream *s)
{
    s->over = true;
    s->cut = true;
    dbk_buffer_dispose(&s->waiting);
    pthread_cond_broadcast(&s->changed);
    call_loop(s);
}

static bool stream_write(dbk_stream *stream, const void *data, size_t size)
{
    server_stream *s = (server_stream *)stream;
    pthread_mutex_lock(&s->lock);
    if (!s->over && size > 0) {
        size_t taken = s->waiting.size + s->sending_size;
        bool is_promised = s->options.length < 0 || (int64_t)size <= s->options.length - s->written;
        if (size > queue_max(s) - taken || !is_promised)
            cut_off(s);
        else
            dbk_buffer_append(&s->waiting, data, size);
        s->written += (int64_t)size;
        if (s->waiting.failed)
            cut_off(s);
        else if (!s->over && !s->busy)
            call_loop(s);
    }
    bool is_open = !s->over;
    pthread_mutex_unlock(&s->lock);
    return is_open;
}

static size_t stream_queued(dbk_stream *stream)
{
    server_stream *s = (server_stream *)stream;
    pthread_mutex_lock(&s->lock);
    size_t size = s->waiting.size + s->sending_size;
    pthread_mutex_unlock(&s->lock);
    return size;
}

static bool stream_wait(dbk_stream *stream)
{
    server_stream *s = (server_stream *)stream;
    pthread_mutex_lock(&s->lock);
    while (!s->over && s->waiting.size + s->sending_size > queue_max(s) / 2)
        pthread_cond_wait(&s->changed, &s->lock);
    bool is_open = !s->over;
    pthread_mutex_unlock(&s->lock);
    return is_open;
}

static void stream_end(dbk_stream *stream, bool whole)
{
    server_stream *s = (server_stream *)stream;
    pthread_mutex_lock(&s->lock);
    assert(!s->ended);
    // `gone` or `room` may be under way with the owner's `user`. From within it, there is nothing to wait
    // for.
    while (s->telling && !pthread_equal(pthread_self(), s->loop->thread))
        pthread_cond_wait(&s->changed, &s->lock);
    s->ended = true;
    s->whole = whole && (s->options.length < 0 || s->written == s->options.length);
    if (!s->over) {
        if (!s->whole)
            cut_off(s);
        s->over = true;
        if (!s->busy)
            call_loop(s);
    }
    release(s);
}

static bool has_no_body(const server_stream *s)
{
    return dbk_text_equal(s->request.method, DBK_TEXT("HEAD"));
}

dbk_stream *dbk_stream_open(dbk_request *request, dbk_reply *head, const dbk_stream_options *options)
{
    static const dbk_stream_kind kind = {stream_write, stream_wait, stream_queued, stream_end};
    dbk_exchange *x = request->user;
    size_t size = sizeof(server_stream) + (size_t)request->headers_count * sizeof(dbk_header);
    server_stream *s = calloc(1, size + texts_size(request));
    dbk_reply *copy = s ? dbk_reply_copy(head) : NULL;
    if (!copy) {
        free(s);
        dbk_reply out_of_memory = {.status = 503};
        dbk_request_reply(request, &out_of_memory);
        return NULL;
    }
    copy_request(s, request);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    s->stream = (dbk_stream){&kind, &s->request};
    s->options = *options;
    s->head = copy;
    s->loop = x->loop;
    s->x = x;
    s->references = 2;
    s->over = has_no_body(s);
    if (!x->kept)
        dbk_exchange_keep(x);
    pthread_mutex_lock(&s->lock);
    call_loop(s);
    pthread_mutex_unlock(&s->lock);
    return &s->stream;
}

// ---- The loop's side ----

static int socket_of(const server_stream *s)
{
    return h2o_socket_get_fd(s->x->connection->socket);
}

// What the client has not acknowledged; 0 where the kernel cannot tell.
static int unread_bytes(const server_stream *s)
{
    int n = 0;
    return ioctl(socket_of(s), SIOCOUTQ, &n) == 0 ? n : 0;
}

static void expect_progress(server_stream *s)
{
    dbk_loop *loop = s->loop;
    h2o_timeout_unlink(&s->x->deadline);
    h2o_timeout_link(loop->context.loop, &loop->response_timeout, &s->x->deadline);
    s->unread = unread_bytes(s);
}

// A reset tells every client that the body is not whole, even one that reads until the end of the connection.
static void reset_connection(const server_stream *s)
{
    static const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    if (connect(socket_of(s), &nobody, sizeof nobody) != 0)
        shutdown(socket_of(s), SHUT_RDWR);
}

// Resets. The library notices by a write that fails: its own that is under way, or this one.
static void break_off(server_stream *s)
{
    if (s->finishing)
        return;
    s->x->req->http1_is_persistent = 0;
    reset_connection(s);
    if (s->writing)
        return;
    s->finishing = true;
    h2o_send(s->x->req, NULL, 0, H2O_SEND_STATE_ERROR);
}

// What goes out now: `sending`, as a chunk if the body is chunked, and the last chunk behind it.
static size_t fill_pieces(server_stream *s, h2o_iovec_t pieces[4])
{
    size_t n = 0;
    if (s->sending.size > 0) {
        int head = snprintf(s->chunk_head, sizeof s->chunk_head, "%zx\r\n", s->sending.size);
        if (s->chunked)
            pieces[n++] = h2o_iovec_init(s->chunk_head, (size_t)head);
        pieces[n++] = h2o_iovec_init(s->sending.data, s->sending.size);
        if (s->chunked)
            pieces[n++] = h2o_iovec_init(H2O_STRLIT("\r\n"));
    }
    if (s->chunked && s->finishing)
        pieces[n++] = h2o_iovec_init(H2O_STRLIT("0\r\n\r\n"));
    return n;
}

// Writes what waits, unless a write is under way. The stream may have left the loop when this returns.
static void pump(server_stream *s)
{
    pthread_mutex_lock(&s->lock);
    if (s->cut) {
        pthread_mutex_unlock(&s->lock);
        break_off(s);
        return;
    }
    bool is_last = s->over;
    if (s->writing || s->finishing || (s->waiting.size == 0 && !is_last)) {
        s->busy = s->writing || s->finishing;
        pthread_mutex_unlock(&s->lock);
        return;
    }
    dbk_buffer_dispose(&s->sending);
    s->sending = s->waiting;
    s->waiting = (dbk_buffer){0};
    s->sending_size = s->sending.size;
    s->busy = true;
    pthread_mutex_unlock(&s->lock);

    s->x->bytes += s->sending.size;
    s->writing = true;
    s->finishing = is_last;
    if (is_last && s->loop->draining)
        s->x->req->http1_is_persistent = 0;
    expect_progress(s);
    h2o_iovec_t pieces[4];
    size_t count = fill_pieces(s, pieces);
    h2o_send(s->x->req, pieces, count, is_last ? H2O_SEND_STATE_FINAL : H2O_SEND_STATE_IN_PROGRESS);
}

// A callback has returned; see stream_end.
static void told(server_stream *s)
{
    pthread_mutex_lock(&s->lock);
    s->telling = false;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static void on_written(h2o_generator_t *generator, h2o_req_t *req)
{
    (void)req;
    server_stream *s = H2O_STRUCT_FROM_MEMBER(server_stream, generator, generator);
    h2o_timeout_unlink(&s->x->deadline);
    dbk_buffer_dispose(&s->sending);
    s->writing = false;
    pthread_mutex_lock(&s->lock);
    s->sending_size = 0;
    pthread_cond_broadcast(&s->changed);
    s->telling = s->options.room && !s->over && s->waiting.size <= queue_max(s) / 2;
    bool telling = s->telling;
    pthread_mutex_unlock(&s->lock);
    if (telling) {
        s->options.room(s->options.user);
        told(s);
    }
    pump(s);
}

static void watch(server_stream *s)
{
    if (s->loop->watch < 0)
        return;
    // A client of an export may close its sending side and go on reading.
    struct epoll_event event = {.events = EPOLLONESHOT | (s->options.is_endless ? EPOLLRDHUP : 0),
                                .data.ptr = s};
    s->watched = epoll_ctl(s->loop->watch, EPOLL_CTL_ADD, socket_of(s), &event) == 0;
}

static void send_head(server_stream *s)
{
    dbk_exchange *x = s->x;
    dbk_reply *head = s->head; // the library reads it until it writes the first bytes
    s->head = NULL;
    dbk_exchange_prepare(x, head);
    x->req->res.content_length = s->options.length < 0 ? SIZE_MAX : (size_t)s->options.length;
    // The library could chunk as well, but would keep the head back until there is a body.
    if (s->options.length < 0 && !has_no_body(s)) {
        s->chunked = x->req->version >= 0x101;
        if (s->chunked)
            h2o_add_header(&x->req->pool, &x->req->res.headers, H2O_TOKEN_TRANSFER_ENCODING, NULL,
                           H2O_STRLIT("chunked"));
        else
            x->req->http1_is_persistent = 0; // its end is the body's
    }
    s->generator.proceed = on_written;
    x->stream = &s->stream;
    h2o_linklist_insert(&s->loop->open_streams, &s->link);
    watch(s);
    if (s->options.is_endless && s->loop->draining) {
        pthread_mutex_lock(&s->lock);
        s->over = true;
        pthread_mutex_unlock(&s->lock);
    }
    h2o_start_response(x->req, &s->generator);
    pthread_mutex_lock(&s->lock);
    bool is_empty = s->waiting.size == 0 && !s->over;
    s->busy = is_empty;
    s->writing = is_empty;
    pthread_mutex_unlock(&s->lock);
    if (is_empty)
        h2o_send(x->req, NULL, 0, H2O_SEND_STATE_IN_PROGRESS);
    else
        pump(s);
    free(head);
}

static void start(server_stream *s)
{
    dbk_exchange *x = s->x;
    s->loop->waiting--;
    // The library gave the request up before it was answered.
    if (x->req)
        send_head(s);
    else
        dbk_stream_leave(&s->stream);
    h2o_mem_release_shared(x);
}

static void on_messages(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    dbk_loop *loop = H2O_STRUCT_FROM_MEMBER(dbk_loop, streams, receiver);
    while (!h2o_linklist_is_empty(messages)) {
        server_stream *s = H2O_STRUCT_FROM_MEMBER(server_stream, message.link, messages->next);
        h2o_linklist_unlink(&s->message.link);
        atomic_fetch_sub(&loop->stream_messages, 1);
        pthread_mutex_lock(&s->lock);
        s->called = false;
        bool left = s->left;
        pthread_mutex_unlock(&s->lock);
        if (s->head)
            start(s);
        else if (!left)
            pump(s);
        pthread_mutex_lock(&s->lock);
        release(s);
    }
}

void dbk_stream_leave(dbk_stream *stream)
{
    server_stream *s = (server_stream *)stream;
    if (s->watched)
        epoll_ctl(s->loop->watch, EPOLL_CTL_DEL, socket_of(s), NULL);
    if (h2o_linklist_is_linked(&s->link))
        h2o_linklist_unlink(&s->link);
    pthread_mutex_lock(&s->lock);
    s->left = true;
    s->over = true;
    s->telling = !s->ended && s->options.gone;
    s->sending_size = 0;
    dbk_buffer_dispose(&s->waiting);
    pthread_cond_broadcast(&s->changed);
    bool telling = s->telling;
    pthread_mutex_unlock(&s->lock);
    if (telling)
        s->options.gone(s->options.user);
    pthread_mutex_lock(&s->lock);
    s->telling = false;
    pthread_cond_broadcast(&s->changed);
    release(s);
}

void dbk_stream_on_deadline(dbk_stream *stream)
{
    server_stream *s = (server_stream *)stream;
    int before = s->unread;
    s->unread = unread_bytes(s);
    if (s->unread != before)
        h2o_timeout_link(s->loop->context.loop, &s->loop->response_timeout, &s->x->deadline);
    else
        reset_connection(s); // and the write that is under way fails
}

// ---- The loop ----

static void on_hangup(h2o_socket_t *socket, const char *failure)
{
    (void)failure;
    dbk_loop *loop = socket->data;
    struct epoll_event events[HANGUPS_AT_ONCE];
    int n = epoll_wait(loop->watch, events, HANGUPS_AT_ONCE, 0);
    for (int i = 0; i < n; i++) {
        server_stream *s = events[i].data.ptr;
        pthread_mutex_lock(&s->lock);
        s->over = true;
        s->cut = true;
        pthread_mutex_unlock(&s->lock);
        break_off(s);
    }
}

void dbk_streams_init(dbk_loop *loop)
{
    h2o_multithread_register_receiver(loop->context.queue, &loop->streams, on_messages);
    h2o_linklist_init_anchor(&loop->open_streams);
    // Without it, a client's leaving is noticed by the next write.
    loop->watch = epoll_create1(EPOLL_CLOEXEC);
    if (loop->watch < 0)
        return;
    loop->watch_socket = h2o_evloop_socket_create(loop->context.loop, loop->watch, H2O_SOCKET_FLAG_DONT_READ);
    loop->watch_socket->data = loop;
    h2o_socket_read_start(loop->watch_socket, on_hangup);
}

void dbk_streams_dispose(dbk_loop *loop)
{
    h2o_multithread_unregister_receiver(loop->context.queue, &loop->streams);
    if (loop->watch >= 0)
        h2o_socket_close(loop->watch_socket);
}

void dbk_streams_drain(dbk_loop *loop)
{
    h2o_linklist_t *next;
    for (h2o_linklist_t *node = loop->open_streams.next; node != &loop->open_streams; node = next) {
        next = node->next;
        server_stream *s = H2O_STRUCT_FROM_MEMBER(server_stream, link, node);
        if (!s->options.is_endless)
            continue;
        pthread_mutex_lock(&s->lock);
        s->over = true;
        pthread_cond_broadcast(&s->changed);
        pthread_mutex_unlock(&s->lock);
        pump(s);
    }
}
