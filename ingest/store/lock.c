// SPDX-License-Identifier: Apache-2.0
// The lock is about processes, not about bytes, so it goes past dbk_io. flock vanishes with its holder: a
// killed process leaves no stale lock.
#include "ingest/store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

dbk_status dbk_lock_take(const char *directory, bool create, int *out, dbk_error *err)
{
    char path[4096];
    *out = -1;
    if ((size_t)snprintf(path, sizeof(path), "%s/lock", directory) >= sizeof(path))
        return dbk_fail(err, DBK_INVALID, "the path of the data directory is too long");
    int fd = open(
        path, create ? O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW : O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 && errno == ENOENT && !create)
        return DBK_OK;
    if (fd < 0)
        return dbk_fail(err, errno == ENOSPC ? DBK_NO_SPACE : DBK_IO, "cannot open %s: %s", path,
                        strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int number = errno;
        close(fd);
        if (number == EWOULDBLOCK)
            return dbk_fail(err, DBK_BUSY,
                            "%s is in use by another daybook process; stop it or use its server", directory);
        return dbk_fail(err, DBK_IO, "cannot lock %s: %s", path, strerror(number));
    }
    *out = fd;
    return DBK_OK;
}

void dbk_lock_release(int lock)
{
    if (lock >= 0)
        close(lock);
}
