// SPDX-License-Identifier: Apache-2.0
// daybook serve
#include "engine/base/processors.h"
#include "http/app/app.h"
#include "http/cli/cli.h"
#include "http/cli/client.h"
#include "http/pos/events.h"

#include <getopt.h>
#include <ini.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const char help[] =
    "usage: daybook serve --data DIR [--listen HOST:PORT] [--threads N] [--config FILE] [--memory BYTES]\n"
    "                     [--tls-certificate FILE --tls-key FILE] [--access-log] [--rate-limits on|off]\n"
    "                     [--public-url URL]\n\n"
    "  --data DIR          the data directory; made when it is missing\n"
    "  --listen HOST:PORT  default 127.0.0.1:8080; port 0 picks one\n"
    "  --threads N         event loops (default: one a processor, at most 8)\n"
    "  --memory BYTES      budget for rows, such as 8G (default: three quarters of the machine)\n"
    "  --public-url URL    what clients reach this server by, for addresses in answers (default: their "
    "Host)\n"
    "  --access-log        a JSON line for each request on stderr\n"
    "  --rate-limits off   for benchmarks\n"
    "  --config FILE       the same names as lines `name = value`; options given here win. A section [s3]\n"
    "                      with endpoint, bucket, region, prefix, access_key, secret_key and path_style\n"
    "                      sends exports to an S3-compatible store\n\n"
    "Prints `listening on http://…` on stdout when it answers. SIGTERM or SIGINT stops it: running requests "
    "finish.\n";

enum { DRAIN_MS = 10000, TEXT_MAX = 1024, LOOPS_DEFAULT_MAX = 8 };

typedef struct settings {
    char data[TEXT_MAX], listen[TEXT_MAX], tls_certificate[TEXT_MAX], tls_key[TEXT_MAX], public_url[TEXT_MAX];
    int64_t threads;
    uint64_t memory;
    bool access_log, rate_limits;
    bool has_s3;
    dbk_s3_config s3;
} settings;

static bool is_yes(const char *value)
{
    return strcmp(value, "on") == 0 || strcmp(value, "true") == 0 || strcmp(value, "yes") == 0 ||
           strcmp(value, "1") == 0;
}

static bool copy(char out[TEXT_MAX], const char *value)
{
    return snprintf(out, TEXT_MAX, "%s", value) < TEXT_MAX;
}

// One setting by name; false when the name or the value cannot be.
static bool apply(settings *s, const char *name, const char *value)
{
    if (strcmp(name, "data") == 0)
        return copy(s->data, value);
    if (strcmp(name, "listen") == 0)
        return copy(s->listen, value);
    if (strcmp(name, "tls-certificate") == 0)
        return copy(s->tls_certificate, value);
    if (strcmp(name, "tls-key") == 0)
        return copy(s->tls_key, value);
    if (strcmp(name, "public-url") == 0)
        return copy(s->public_url, value);
    if (strcmp(name, "threads") == 0)
        return dbk_cli_number(value, 1, 64, &s->threads);
    if (strcmp(name, "memory") == 0)
        return dbk_cli_bytes(value, &s->memory);
    if (strcmp(name, "access-log") == 0)
        s->access_log = is_yes(value);
    else if (strcmp(name, "rate-limits") == 0)
        s->rate_limits = is_yes(value);
    else
        return false;
    return true;
}

static int on_config_line(void *user, const char *section, const char *name, const char *value)
{
    settings *s = user;
    bool is_s3 = strcmp(section, "s3") == 0;
    s->has_s3 = s->has_s3 || is_s3;
    if (is_s3 ? dbk_s3_config_apply(&s->s3, name, value) : apply(s, name, value))
        return 1;
    if (is_s3) // its values may be secrets
        fprintf(stderr, "daybook: cannot use `%s` of [s3]\n", name);
    else
        fprintf(stderr, "daybook: cannot use `%s = %s`\n", name, value);
    return 0;
}

static const struct option options[] = {{"data", required_argument, NULL, 'o'},
                                        {"listen", required_argument, NULL, 'o'},
                                        {"threads", required_argument, NULL, 'o'},
                                        {"memory", required_argument, NULL, 'o'},
                                        {"tls-certificate", required_argument, NULL, 'o'},
                                        {"tls-key", required_argument, NULL, 'o'},
                                        {"rate-limits", required_argument, NULL, 'o'},
                                        {"public-url", required_argument, NULL, 'o'},
                                        {"access-log", no_argument, NULL, 'l'},
                                        {"config", required_argument, NULL, 'c'},
                                        {"help", no_argument, NULL, 'h'},
                                        {0}};

// HOST:PORT by its look, so that a slip is found before a data directory is made for it.
static bool is_address(const char *text)
{
    const char *colon = strrchr(text, ':');
    int64_t port;
    return colon && colon > text && dbk_cli_number(colon + 1, 0, 65535, &port);
}

// Negative: go on; else the exit code.
static int read_config(int argc, char **argv, settings *s)
{
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option != 'c')
            continue;
        int line = ini_parse(optarg, on_config_line, s);
        if (line != 0)
            return dbk_cli_fail(DBK_EXIT_USAGE,
                                line < 0 ? "cannot read %s" : "%s:%d: this line cannot be used", optarg,
                                line);
    }
    optind = 1;
    opterr = 1;
    return -1;
}

static int read_options(int argc, char **argv, settings *s)
{
    int code = read_config(argc, argv, s);
    if (code >= 0)
        return code;
    int option, index;
    while ((option = getopt_long(argc, argv, "", options, &index)) != -1) {
        switch (option) {
        case 'o':
            if (!apply(s, options[index].name, optarg))
                return dbk_cli_usage_error("serve", "--%s cannot be \"%s\"", options[index].name, optarg);
            break;
        case 'l':
            s->access_log = true;
            break;
        case 'h':
            fputs(help, stdout);
            return DBK_EXIT_OK;
        case 'c':
            break;
        default:
            return dbk_cli_usage_error("serve", "it was not understood");
        }
    }
    if (!s->data[0] || optind != argc)
        return dbk_cli_usage_error("serve", "--data DIR is needed, and nothing else");
    if (!is_address(s->listen))
        return dbk_cli_usage_error("serve", "--listen is HOST:PORT, such as 127.0.0.1:8080, not \"%s\"",
                                   s->listen);
    if (!s->tls_certificate[0] != !s->tls_key[0])
        return dbk_cli_usage_error("serve", "--tls-certificate and --tls-key go together");
    dbk_error err;
    if (s->has_s3 && dbk_s3_config_finish(&s->s3, &err) != DBK_OK)
        return dbk_cli_usage_error("serve", "%s", err.message);
    return -1;
}

// Each connection is a descriptor, and shells commonly allow 1,024: take what the system lets us have.
static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void notice(void *user, const char *line)
{
    (void)user;
    fprintf(stderr, "daybook: %s\n", line);
}

typedef struct signal_watch {
    sigset_t signals;
    dbk_server *server;
    dbk_app *app;
} signal_watch;

// Signals are blocked everywhere and waited for here, so that no code of ours ever runs inside a handler.
static void *watch_signals(void *user)
{
    signal_watch *watch = user;
    int number;
    sigwait(&watch->signals, &number);
    if (number != SIGUSR1) {
        fprintf(stderr, "daybook: stopping, running requests finish first\n");
        dbk_app_drain(watch->app);
        dbk_server_stop(watch->server);
    }
    return NULL;
}

static dbk_status open_server(const settings *s, dbk_app *app, dbk_server **out, dbk_error *err)
{
    dbk_server_options server_options = {
        .handler = dbk_app_handle,
        .app = app,
        .threads = (int)s->threads,
        .tls_certificate = s->tls_certificate[0] ? s->tls_certificate : NULL,
        .tls_key = s->tls_key[0] ? s->tls_key : NULL,
        .refuse = dbk_app_refuse,
        .log = s->access_log ? dbk_app_log : NULL,
    };
    DBK_TRY(dbk_server_create(out, &server_options, err));
    DBK_TRY(dbk_server_listen(*out, s->listen, err));
    char path[108], address[120];
    if (!dbk_client_socket_path(path, s->data))
        return dbk_fail(err, DBK_INVALID, "the path of the data directory is too long for a local socket: %s",
                        s->data);
    snprintf(address, sizeof(address), "unix:%s", path);
    return dbk_server_listen(*out, address, err);
}

static int serve(const settings *s)
{
    signal_watch watch;
    signal(SIGPIPE, SIG_IGN);
    raise_descriptors();
    sigemptyset(&watch.signals);
    sigaddset(&watch.signals, SIGTERM);
    sigaddset(&watch.signals, SIGINT);
    sigaddset(&watch.signals, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &watch.signals, NULL);

    dbk_error err;
    dbk_store *store = NULL;
    dbk_app *app = NULL;
    dbk_server *server = NULL;
    dbk_store_options store_options = {.directory = s->data,
                                       .create = true,
                                       .memory_bytes = s->memory,
                                       .watches = dbk_pos_watches,
                                       .watches_count = DBK_POS_WATCHES,
                                       .answers_begin = dbk_resume_hold,
                                       .answers_end = dbk_resume_release,
                                       .notice = notice};
    char exports[TEXT_MAX + sizeof("/exports")];
    snprintf(exports, sizeof(exports), "%s/exports", s->data);
    dbk_app_options app_options = {.rate_limits = s->rate_limits,
                                   .webhooks = true,
                                   .events = true,
                                   .pos_hours = true,
                                   .exports_directory = exports,
                                   .public_url = s->public_url,
                                   .tls = s->tls_key[0] != 0,
                                   .s3 = s->has_s3 ? &s->s3 : NULL};
    dbk_status status = dbk_store_open(&store, &store_options, &err);
    if (status == DBK_OK)
        status = dbk_app_create(&app, store, &app_options, &err);
    if (status == DBK_OK)
        status = open_server(s, app, &server, &err);
    pthread_t watcher;
    if (status == DBK_OK) {
        watch.server = server;
        watch.app = app;
        pthread_create(&watcher, NULL, watch_signals, &watch);
        const char *colon = strrchr(s->listen, ':');
        int host_length = colon ? (int)(colon - s->listen) : (int)strlen(s->listen);
        dbk_app_ready(app);
        printf("listening on http%s://%.*s:%d\n", s->tls_key[0] ? "s" : "", host_length, s->listen,
               dbk_server_port(server));
        fflush(stdout);
        status = dbk_server_run(server, DRAIN_MS, &err);
        // Wakes the watcher when the server ended by itself.
        pthread_kill(watcher, SIGUSR1);
        pthread_join(watcher, NULL);
    }
    dbk_server_destroy(server);
    dbk_app_destroy(app);
    dbk_store_close(store);
    return status == DBK_OK ? DBK_EXIT_OK : dbk_cli_fail(DBK_EXIT_FAILED, "%s", err.message);
}

int dbk_cli_serve(int argc, char **argv)
{
    static settings s = {.listen = "127.0.0.1:8080", .rate_limits = true};
    s.threads = dbk_processors(LOOPS_DEFAULT_MAX);
    int code = read_options(argc, argv, &s);
    return code >= 0 ? code : serve(&s);
}
