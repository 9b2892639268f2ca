// SPDX-License-Identifier: Apache-2.0
// Reading files, unpacking gzip on the way: any number of members (RFC 1952), as pigz and log rotation make
// them. zlib checks each member's length and CRC.
#include "ingest/parse/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { PACKED_BYTES = 1 << 18 };

struct dbk_input {
    int fd;
    char *name;
    uint64_t done, total; // of the file
    bool gzip;
    bool inflating; // stream was initialised
    bool in_member; // between a member's first byte and its trailer
    z_stream stream;
    uint8_t packed[PACKED_BYTES];
};

static dbk_status read_file(dbk_input *input, void *data, size_t size, size_t *got, dbk_error *err)
{
    *got = 0;
    while (*got < size) {
        ssize_t n = read(input->fd, (char *)data + *got, size - *got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return dbk_fail(err, DBK_IO, "cannot read %s: %s", input->name, strerror(errno));
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    input->done += *got;
    return DBK_OK;
}

// Standard input to a file that has no name and vanishes with its descriptor.
static dbk_status spool(dbk_input *input, dbk_error *err)
{
    const char *folder = getenv("TMPDIR");
    char path[4096];
    snprintf(path, sizeof path, "%s/daybook-XXXXXX", folder && *folder ? folder : "/tmp");
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return dbk_fail(err, DBK_IO, "cannot make a temporary file %s for standard input: %s", path,
                        strerror(errno));
    unlink(path);
    dbk_status status = DBK_OK;
    size_t got;
    do {
        status = read_file(input, input->packed, sizeof input->packed, &got, err);
        for (size_t at = 0; status == DBK_OK && at < got;) {
            ssize_t n = write(fd, input->packed + at, got - at);
            if (n < 0 && errno != EINTR)
                status = dbk_fail(err, errno == ENOSPC ? DBK_NO_SPACE : DBK_IO,
                                  "cannot copy standard input to %s: %s", folder ? folder : "/tmp",
                                  strerror(errno));
            at += n > 0 ? (size_t)n : 0;
        }
    } while (status == DBK_OK && got > 0);
    input->fd = fd;
    input->total = input->done;
    return status;
}

dbk_status dbk_input_rewind(dbk_input *input, dbk_error *err)
{
    uint8_t magic[2];
    if (lseek(input->fd, 0, SEEK_SET) < 0)
        return dbk_fail(err, DBK_IO, "cannot read %s from its start: %s", input->name, strerror(errno));
    ssize_t n = pread(input->fd, magic, sizeof magic, 0);
    if (n < 0)
        return dbk_fail(err, DBK_IO, "cannot read %s: %s", input->name, strerror(errno));
    input->done = 0;
    input->gzip = n == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
    input->in_member = false;
    input->stream.avail_in = 0;
    if (!input->gzip)
        return DBK_OK;
    int code = input->inflating ? inflateReset(&input->stream) : inflateInit2(&input->stream, 15 + 16);
    if (code != Z_OK)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory for unpacking %s", input->name);
    input->inflating = true;
    return DBK_OK;
}

dbk_status dbk_input_open(dbk_input **out, const char *path, dbk_error *err)
{
    bool standard = strcmp(path, "-") == 0;
    struct stat about;
    *out = NULL;
    dbk_input *input = calloc(1, sizeof *input);
    if (!input || !(input->name = strdup(standard ? "standard input" : path))) {
        free(input);
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory for opening %s", path);
    }
    input->fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    dbk_status status = DBK_OK;
    if (input->fd < 0)
        status = dbk_fail(err, errno == ENOENT ? DBK_NOT_FOUND : DBK_IO, "cannot open %s: %s", path,
                          strerror(errno));
    else if (standard)
        status = spool(input, err);
    else if (fstat(input->fd, &about) == 0 && S_ISDIR(about.st_mode))
        status = dbk_fail(err, DBK_INVALID, "%s is a folder: name the files in it", path);
    else if (fstat(input->fd, &about) == 0 && !S_ISREG(about.st_mode))
        status = spool(input, err); // a pipe, as in <(command)
    else
        input->total = (uint64_t)about.st_size;
    if (status == DBK_OK)
        status = dbk_input_rewind(input, err);
    if (status != DBK_OK) {
        dbk_input_close(input);
        return status;
    }
    *out = input;
    return DBK_OK;
}

static dbk_status inflate_some(dbk_input *input, void *data, size_t size, size_t *got, dbk_error *err)
{
    z_stream *stream = &input->stream;
    stream->next_out = data;
    stream->avail_out = (uInt)size;
    *got = 0;
    while (stream->avail_out > 0) {
        if (stream->avail_in == 0) {
            size_t packed;
            DBK_TRY(read_file(input, input->packed, sizeof input->packed, &packed, err));
            stream->next_in = input->packed;
            stream->avail_in = (uInt)packed;
            if (packed == 0 && input->in_member)
                return dbk_fail(err, DBK_INVALID,
                                "%s is truncated: its gzip data ends in the middle; copy it again",
                                input->name);
            if (packed == 0)
                break;
        }
        input->in_member = true;
        int code = inflate(stream, Z_NO_FLUSH);
        if (code == Z_STREAM_END) {
            input->in_member = false;
            inflateReset(stream);
        } else if (code == Z_MEM_ERROR) {
            return dbk_fail(err, DBK_NO_MEMORY, "out of memory for unpacking %s", input->name);
        } else if (code != Z_OK && code != Z_BUF_ERROR) {
            return dbk_fail(err, DBK_INVALID,
                            "%s is damaged: its gzip data does not unpack (%s); copy it again", input->name,
                            stream->msg ? stream->msg : "no reason given");
        }
    }
    *got = size - stream->avail_out;
    return DBK_OK;
}

dbk_status dbk_input_read(dbk_input *input, void *data, size_t size, size_t *got, dbk_error *err)
{
    if (!input->gzip)
        return read_file(input, data, size, got, err);
    return inflate_some(input, data, size, got, err);
}

bool dbk_input_is_plain(const dbk_input *input, uint64_t *size)
{
    *size = input->total;
    return !input->gzip;
}

dbk_status dbk_input_read_at(const dbk_input *input, void *data, size_t size, uint64_t offset, size_t *got,
                             dbk_error *err)
{
    *got = 0;
    while (*got < size) {
        ssize_t n = pread(input->fd, (char *)data + *got, size - *got, (off_t)(offset + *got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return dbk_fail(err, DBK_IO, "cannot read %s: %s", input->name, strerror(errno));
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return DBK_OK;
}

void dbk_input_progress(const dbk_input *input, uint64_t *done, uint64_t *total)
{
    *done = input->done - (input->gzip ? input->stream.avail_in : 0);
    *total = input->total;
}

void dbk_input_close(dbk_input *input)
{
    if (!input)
        return;
    if (input->inflating)
        inflateEnd(&input->stream);
    if (input->fd > STDIN_FILENO)
        close(input->fd);
    free(input->name);
    free(input);
}
