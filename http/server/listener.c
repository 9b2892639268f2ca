// SPDX-License-Identifier: Apache-2.0
// From an address in text to bound, listening sockets.
//
// A TCP address gets one socket for each loop, all on one port: with SO_REUSEPORT the kernel deals new
// connections out and no loop waits for another. The price of SO_REUSEPORT is that a second server on the
// same port would also bind, and quietly take half of the clients; a probe without it catches that.
#include "http/server/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

// Clients that wait for accept during a burst or while at the connection cap; the kernel clips it to its own.
enum { BACKLOG = 4096 };

static dbk_status fail(dbk_error *err, const char *what, const char *address)
{
    dbk_status status = errno == EADDRINUSE ? DBK_BUSY : DBK_IO;
    return dbk_fail(err, status, "cannot %s %s: %s", what, address, strerror(errno));
}

static void close_all(int *fds, int count)
{
    for (int i = 0; i < count; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

// Splits HOST:PORT or [HOST]:PORT.
static bool split(const char *address, char host[256], char port[8])
{
    const char *colon = strrchr(address, ':');
    if (!colon || !colon[1] || strlen(colon + 1) > 5 ||
        strspn(colon + 1, "0123456789") != strlen(colon + 1) || atoi(colon + 1) > 65535)
        return false;
    size_t length = (size_t)(colon - address);
    if (length >= 2 && address[0] == '[' && colon[-1] == ']') {
        address++;
        length -= 2;
    } else if (memchr(address, ':', length)) {
        return false;
    }
    if (length == 0 || length >= 256)
        return false;
    memcpy(host, address, length);
    host[length] = 0;
    strcpy(port, colon + 1);
    return true;
}

static int bind_tcp(const struct sockaddr *address, socklen_t length, bool shared)
{
    static const int on = 1;
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if ((shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) ||
        bind(fd, address, length) != 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

static uint16_t *port_of(struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6 ? &((struct sockaddr_in6 *)address)->sin6_port
                                          : &((struct sockaddr_in *)address)->sin_port;
}

static dbk_status open_tcp(dbk_listener *out, const char *text, int loops, int *port, dbk_error *err)
{
    char host[256], service[8];
    if (!split(text, host, service))
        return dbk_fail(err, DBK_INVALID,
                        "cannot listen on %s: expected HOST:PORT, [HOST]:PORT or unix:/path", text);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found;
    int failure = getaddrinfo(host, service, &hints, &found);
    if (failure)
        return dbk_fail(err, DBK_INVALID, "cannot listen on %s: %s", text, gai_strerror(failure));
    struct sockaddr_storage address = {0};
    socklen_t length = found->ai_addrlen;
    memcpy(&address, found->ai_addr, length);
    freeaddrinfo(found);

    if (*port_of(&address) != 0) {
        int probe = bind_tcp((struct sockaddr *)&address, length, false);
        if (probe < 0)
            return fail(err, "listen on", text);
        close(probe);
    }
    for (int i = 0; i < loops; i++) {
        out->fds[i] = bind_tcp((struct sockaddr *)&address, length, true);
        if (out->fds[i] < 0)
            return fail(err, "listen on", text);
        // The first socket tells which port the kernel picked; the others join it.
        if (i == 0 && getsockname(out->fds[0], (struct sockaddr *)&address, &length) != 0)
            return fail(err, "listen on", text);
        if (listen(out->fds[i], BACKLOG) != 0)
            return fail(err, "listen on", text);
    }
    *port = ntohs(*port_of(&address));
    return DBK_OK;
}

// Removes a socket file that nobody listens on: what a killed server leaves behind.
static dbk_status remove_stale(const struct sockaddr_un *path, dbk_error *err)
{
    struct stat st;
    if (lstat(path->sun_path, &st) != 0)
        return errno == ENOENT ? DBK_OK : fail(err, "look at", path->sun_path);
    if (!S_ISSOCK(st.st_mode))
        return dbk_fail(err, DBK_INVALID, "cannot listen on %s: the file exists and is no socket",
                        path->sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail(err, "open a socket for", path->sun_path);
    // EAGAIN is a listener whose backlog is full: alive.
    bool stale = connect(fd, (const struct sockaddr *)path, sizeof *path) != 0 && errno == ECONNREFUSED;
    close(fd);
    if (!stale)
        return dbk_fail(err, DBK_BUSY, "another server listens on %s", path->sun_path);
    if (unlink(path->sun_path) != 0 && errno != ENOENT)
        return fail(err, "replace", path->sun_path);
    return DBK_OK;
}

static dbk_status open_local(dbk_listener *out, const char *path, dbk_error *err)
{
    out->local = true;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof address.sun_path)
        return dbk_fail(err, DBK_INVALID, "the path of a socket has 1 to %zu bytes: %s",
                        sizeof address.sun_path - 1, path);
    memcpy(address.sun_path, path, length);
    DBK_TRY(remove_stale(&address, err));
    int fd = out->fds[0] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    // The mode is set on the socket before it has a file: bind gives it to the file, and there is no moment
    // in which others could connect.
    struct stat st;
    if (fd < 0 || fchmod(fd, 0600) != 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0)
        return fail(err, "listen on", path);
    if (chmod(path, 0600) != 0 || lstat(path, &st) != 0 || listen(fd, BACKLOG) != 0) {
        dbk_status status = fail(err, "listen on", path);
        unlink(path);
        return status;
    }
    out->path = address;
    out->device = st.st_dev;
    out->inode = st.st_ino;
    return DBK_OK;
}

dbk_status dbk_listener_open(dbk_listener *out, const char *address, int loops, int *port, dbk_error *err)
{
    *out = (dbk_listener){.path_removed = ATOMIC_FLAG_INIT};
    out->fds = malloc((size_t)loops * sizeof *out->fds);
    if (!out->fds)
        return dbk_fail(err, DBK_NO_MEMORY, "no memory to listen on %s", address);
    for (int i = 0; i < loops; i++)
        out->fds[i] = -1;
    static const char prefix[] = "unix:";
    dbk_status status = strncmp(address, prefix, sizeof prefix - 1) == 0
                            ? open_local(out, address + sizeof prefix - 1, err)
                            : open_tcp(out, address, loops, port, err);
    if (status != DBK_OK) {
        close_all(out->fds, loops);
        free(out->fds);
        out->fds = NULL;
    }
    return status;
}

void dbk_listener_remove_path(dbk_listener *listener)
{
    struct stat st;
    const char *path = listener->path.sun_path;
    if (!listener->local || atomic_flag_test_and_set(&listener->path_removed))
        return;
    if (lstat(path, &st) == 0 && st.st_dev == listener->device && st.st_ino == listener->inode)
        unlink(path);
}
