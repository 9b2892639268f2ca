// SPDX-License-Identifier: Apache-2.0
// Fields gather in a buffer that is written in large pieces.
#include "ingest/gen/csv_out.h"

#include "engine/base/calendar.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FLUSH_BYTES = 1 << 18 };

dbk_status dbk_csv_out_open(dbk_csv_out *out, const char *directory, const char *name, const char *header,
                            dbk_error *err)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s.csv", directory, name);
    *out = (dbk_csv_out){.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
    if (out->fd < 0)
        return dbk_fail(err, DBK_IO, "cannot create %s: %s", path, strerror(errno));
    dbk_buffer_append(&out->buffer, header, strlen(header));
    dbk_buffer_u8(&out->buffer, '\n');
    return DBK_OK;
}

static void flush(dbk_csv_out *out)
{
    size_t at = 0;
    while (at < out->buffer.size && !out->error_number) {
        ssize_t n = write(out->fd, out->buffer.data + at, out->buffer.size - at);
        if (n < 0 && errno != EINTR)
            out->error_number = errno;
        else if (n > 0)
            at += (size_t)n;
    }
    out->bytes += out->buffer.size;
    dbk_buffer_reset(&out->buffer);
}

static void begin_field(dbk_csv_out *out)
{
    if (out->line_open)
        dbk_buffer_u8(&out->buffer, ',');
    out->line_open = true;
}

void dbk_csv_text(dbk_csv_out *out, const char *text)
{
    begin_field(out);
    dbk_buffer_append(&out->buffer, text, strlen(text));
}

void dbk_csv_format(dbk_csv_out *out, const char *format, ...)
{
    char field[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(field, sizeof(field), format, arguments);
    va_end(arguments);
    dbk_csv_text(out, field);
}

static void digits(dbk_csv_out *out, uint64_t value, int at_least)
{
    char text[24];
    int at = (int)sizeof(text);
    while (value || at_least > 0) {
        text[--at] = (char)('0' + value % 10);
        value /= 10;
        at_least--;
    }
    dbk_buffer_append(&out->buffer, text + at, sizeof(text) - (size_t)at);
}

void dbk_csv_int(dbk_csv_out *out, int64_t value)
{
    begin_field(out);
    if (value < 0)
        dbk_buffer_u8(&out->buffer, '-');
    digits(out, (uint64_t)(value < 0 ? -value : value), 1);
}

void dbk_csv_cents(dbk_csv_out *out, int64_t cents)
{
    begin_field(out);
    if (cents < 0)
        dbk_buffer_u8(&out->buffer, '-');
    uint64_t value = (uint64_t)(cents < 0 ? -cents : cents);
    digits(out, value / 100, 1);
    dbk_buffer_u8(&out->buffer, '.');
    digits(out, value % 100, 2);
}

void dbk_csv_time(dbk_csv_out *out, int64_t ms)
{
    begin_field(out);
    if (ms == 0)
        return;
    char text[DBK_TIME_TEXT_MAX];
    size_t length = dbk_time_write(text, ms);
    dbk_buffer_append(&out->buffer, text, length);
}

void dbk_csv_empty(dbk_csv_out *out)
{
    begin_field(out);
}

void dbk_csv_end_line(dbk_csv_out *out)
{
    dbk_buffer_u8(&out->buffer, '\n');
    out->line_open = false;
    out->rows++;
    if (out->buffer.size >= FLUSH_BYTES)
        flush(out);
}

dbk_status dbk_csv_out_close(dbk_csv_out *out, const char *name, dbk_error *err)
{
    if (out->fd < 0)
        return DBK_OK;
    flush(out);
    bool failed_memory = out->buffer.failed;
    dbk_buffer_dispose(&out->buffer);
    int error_number = out->error_number;
    if (close(out->fd) != 0 && !error_number)
        error_number = errno;
    out->fd = -1;
    if (failed_memory)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory writing %s.csv", name);
    if (error_number)
        return dbk_fail(err, error_number == ENOSPC ? DBK_NO_SPACE : DBK_IO, "cannot write %s.csv: %s", name,
                        strerror(error_number));
    return DBK_OK;
}
