// SPDX-License-Identifier: Apache-2.0
// The cache of zones, and the questions asked of one. Parsing is in zone_parse.c.
//
// A zone is a list of instants, in order, at which its offset from UTC changes. Changes of name or of the
// daylight flag alone are not in it, so a neighbouring pair always bounds a span as long as it can be.
#include "engine/base/zone.h"
#include "engine/base/bytes.h"
#include "engine/base/zone_data.h"
#include "engine/base/zone_parse.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// The largest file of the tz database is below 4 KiB; a "fat" one with everything spelled out stays below 16
// KiB.
enum { ZONE_FILE_MAX = 1 << 20, ZONE_NAME_MAX = 255 };

static const dbk_zone utc = {.name = "UTC"};

const char *dbk_zone_name(const dbk_zone *zone)
{
    if (!zone)
        return utc.name;
    return zone->name ? zone->name : "";
}

// How many changes are at or before the instant; so the index of the change that is to come next.
static size_t changes_until(const dbk_zone *zone, int64_t utc_ms)
{
    size_t low = 0, high = zone->change_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->changes[middle].at_ms <= utc_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int32_t offset_before(const dbk_zone *zone, size_t next)
{
    return next ? zone->changes[next - 1].offset : zone->first_offset;
}

int32_t dbk_zone_offset(const dbk_zone *zone, int64_t utc_ms, int64_t span[2])
{
    if (!zone)
        zone = &utc;
    size_t next = changes_until(zone, utc_ms);
    if (span) {
        span[0] = next ? zone->changes[next - 1].at_ms : INT64_MIN;
        span[1] = next < zone->change_count ? zone->changes[next].at_ms : INT64_MAX;
    }
    return offset_before(zone, next);
}

int64_t dbk_zone_local_to_utc(const dbk_zone *zone, int64_t local_ms)
{
    if (!zone)
        zone = &utc;
    // The answer is the first instant whose local reading is local_ms or later: that is the reading itself,
    // the earlier of two, or the change that jumps over it. No offset is larger than ZONE_OFFSET_MAX, so no
    // period that ends more than that before local_ms can hold it.
    const int64_t reach = (int64_t)ZONE_OFFSET_MAX * 1000;
    if (local_ms < INT64_MIN + reach || local_ms > INT64_MAX - reach)
        return local_ms;
    for (size_t next = changes_until(zone, local_ms - reach);; next++) {
        int64_t instant = local_ms - (int64_t)offset_before(zone, next) * 1000;
        if (next && instant < zone->changes[next - 1].at_ms)
            instant = zone->changes[next - 1].at_ms;
        if (next == zone->change_count || instant < zone->changes[next].at_ms)
            return instant;
    }
}

// Names are letters, digits, '_', '-', '+' and single slashes between them. Without dots no name leaves the
// folder.
static bool name_is_safe(const char *name)
{
    size_t length = 0;
    char before = '/';
    for (; name[length]; length++) {
        char c = name[length];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && !strchr("_-+/", c))
            return false;
        if ((c == '/' && before == '/') || length == ZONE_NAME_MAX)
            return false;
        before = c;
    }
    return before != '/';
}

static dbk_status read_whole_file(const char *path, const char *name, dbk_buffer *out, dbk_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return dbk_fail(err, DBK_NOT_FOUND,
                            "there is no time zone \"%s\"; use an IANA name such as Europe/Berlin", name);
        return dbk_fail(err, DBK_IO, "cannot open %s: %s", path, strerror(errno));
    }
    dbk_status status = DBK_OK;
    struct stat info;
    if (fstat(fd, &info) != 0) {
        status = dbk_fail(err, DBK_IO, "cannot examine %s: %s", path, strerror(errno));
    } else if (!S_ISREG(info.st_mode)) {
        status = dbk_fail(err, DBK_NOT_FOUND,
                          "\"%s\" is not a time zone; use an IANA name such as Europe/Berlin", name);
    }
    while (status == DBK_OK) {
        enum { STEP = 16384 };
        uint8_t *room = dbk_buffer_reserve(out, STEP);
        if (!room) {
            status = dbk_fail(err, DBK_NO_MEMORY, "no memory to read time zone %s", name);
            break;
        }
        ssize_t got = read(fd, room, STEP);
        if (got == 0)
            break;
        if (got > 0)
            out->size += (size_t)got;
        else if (errno != EINTR)
            status = dbk_fail(err, DBK_IO, "cannot read %s: %s", path, strerror(errno));
        if (out->size > ZONE_FILE_MAX)
            status = dbk_fail(err, DBK_CORRUPT, "%s is too large for a time zone file", path);
    }
    close(fd);
    return status;
}

static dbk_status load_file(const char *name, dbk_zone **out, dbk_error *err)
{
    const char *folder = getenv("TZDIR");
    if (!folder || !folder[0])
        folder = "/usr/share/zoneinfo";
    dbk_buffer path = {0}, bytes = {0};
    dbk_zone *zone = NULL;
    dbk_buffer_format(&path, "%s/%s", folder, name);
    dbk_buffer_u8(&path, 0);
    dbk_status status;
    if (path.failed)
        status = dbk_fail(err, DBK_NO_MEMORY, "no memory to load time zone %s", name);
    else
        status = read_whole_file((const char *)path.data, name, &bytes, err);
    if (status == DBK_OK) {
        dbk_error why = {0};
        status = dbk_zone_parse(bytes.data, bytes.size, &zone, &why);
        if (status != DBK_OK)
            dbk_fail(err, status, "time zone %s: %s", name, why.message);
    }
    if (status == DBK_OK) {
        zone->name = strdup(name);
        if (!zone->name) {
            dbk_zone_free(zone);
            zone = NULL;
            status = dbk_fail(err, DBK_NO_MEMORY, "no memory to load time zone %s", name);
        }
    }
    dbk_buffer_dispose(&bytes);
    dbk_buffer_dispose(&path);
    *out = zone;
    return status;
}

// A list under one lock is enough: a tenant's zone is looked up when the tenant is opened, not per row.
static pthread_mutex_t cache_lock = PTHREAD_MUTEX_INITIALIZER;
static dbk_zone *cache;

dbk_status dbk_zone_load(const char *name, const dbk_zone **out, dbk_error *err)
{
    if (strcmp(name, utc.name) == 0) {
        *out = &utc;
        return DBK_OK;
    }
    if (!name_is_safe(name))
        return dbk_fail(err, DBK_INVALID,
                        "this is not a time zone name; use an IANA name such as Europe/Berlin or UTC");

    dbk_status status = DBK_OK;
    pthread_mutex_lock(&cache_lock);
    dbk_zone *zone = cache;
    while (zone && strcmp(zone->name, name) != 0)
        zone = zone->next;
    if (!zone) {
        status = load_file(name, &zone, err);
        if (status == DBK_OK) {
            zone->next = cache;
            cache = zone;
        }
    }
    pthread_mutex_unlock(&cache_lock);
    if (status == DBK_OK)
        *out = zone;
    return status;
}
