// SPDX-License-Identifier: Apache-2.0
// What our server costs on top of the library: `bare` is one libh2o handler that sends N bytes, `daybook` the
// server of http/server with a handler that does the same. Both print their port (0 picks one) and serve
// until they are killed; load them in turn with the same generator and compare the rates.
//
//     bench_http bare|daybook --port P [--bytes N]
#include "http/server/server.h"

#include <arpa/inet.h>
#include <h2o.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static size_t bytes = 1000;
static char *content;

static int on_bare(h2o_handler_t *self, h2o_req_t *req)
{
    (void)self;
    req->res.status = 200;
    req->res.content_length = bytes;
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL,
                   H2O_STRLIT("application/json"));
    h2o_send_inline(req, content, bytes);
    return 0;
}

static void on_accept(h2o_socket_t *listener, const char *failure)
{
    h2o_socket_t *accepted;
    if (!failure && (accepted = h2o_evloop_socket_accept(listener)))
        h2o_accept(listener->data, accepted);
}

static int serve_bare(int port)
{
    static h2o_globalconf_t config;
    static h2o_context_t context;
    static h2o_accept_ctx_t accept_context;
    static const int on = 1;
    h2o_config_init(&config);
    config.server_name = (h2o_iovec_t){0};
    h2o_hostconf_t *host = h2o_config_register_host(&config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_create_handler(h2o_config_register_path(host, "/", 0), sizeof(h2o_handler_t))->on_req = on_bare;
    h2o_context_init(&context, h2o_evloop_create(), &config);
    accept_context = (h2o_accept_ctx_t){.ctx = &context, .hosts = config.hosts};

    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 4096) != 0) {
        perror("listen");
        return 1;
    }
    socklen_t size = sizeof address;
    getsockname(fd, (struct sockaddr *)&address, &size);
    printf("listening on %d\n", ntohs(address.sin_port));
    fflush(stdout);
    h2o_socket_t *listener = h2o_evloop_socket_create(context.loop, fd, H2O_SOCKET_FLAG_DONT_READ);
    listener->data = &accept_context;
    h2o_socket_read_start(listener, on_accept);
    for (;;)
        h2o_evloop_run(context.loop, INT32_MAX);
}

static void on_daybook(void *app, dbk_request *request)
{
    (void)app;
    dbk_reply reply = {.status = 200, .content_type = "application/json"};
    dbk_buffer_append(&reply.body, content, bytes);
    dbk_request_reply(request, &reply);
}

static int serve_daybook(int port)
{
    dbk_server *server;
    dbk_error err;
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    dbk_server_options options = {.handler = on_daybook};
    if (dbk_server_create(&server, &options, &err) != DBK_OK ||
        dbk_server_listen(server, address, &err) != DBK_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    printf("listening on %d\n", dbk_server_port(server));
    fflush(stdout);
    return dbk_server_run(server, 0, &err) == DBK_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    int port = -1;
    for (int i = 2; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--port") == 0)
            port = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--bytes") == 0)
            bytes = (size_t)strtoull(argv[i + 1], NULL, 10);
    }
    if (argc < 2 || port < 0) {
        fprintf(stderr, "usage: bench_http bare|daybook --port P [--bytes N]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    content = malloc(bytes + 1);
    if (!content)
        return 1;
    memset(content, 'x', bytes);
    return strcmp(argv[1], "bare") == 0 ? serve_bare(port) : serve_daybook(port);
}
