// SPDX-License-Identifier: Apache-2.0
// The bounded reader and the growing buffer.
#include "engine/base/bytes.h"

#include <assert.h>
#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What an empty reader points at, so that a view of no bytes is never NULL, which would look like a failure.
static const uint8_t nothing[1];

dbk_reader dbk_reader_init(const void *data, size_t size)
{
    assert(data || size == 0);
    return (dbk_reader){.data = data ? data : nothing, .size = size};
}

const uint8_t *dbk_read_bytes(dbk_reader *r, size_t n)
{
    if (r->failed || n > r->size - r->at) {
        r->failed = true;
        r->at = r->size;
        return NULL;
    }
    const uint8_t *view = r->data + r->at;
    r->at += n;
    return view;
}

static void read_into(dbk_reader *r, void *value, size_t n)
{
    const uint8_t *view = dbk_read_bytes(r, n);
    if (view)
        memcpy(value, view, n);
}

uint8_t dbk_read_u8(dbk_reader *r)
{
    uint8_t v = 0;
    read_into(r, &v, sizeof v);
    return v;
}

uint16_t dbk_read_u16(dbk_reader *r)
{
    uint16_t v = 0;
    read_into(r, &v, sizeof v);
    return le16toh(v);
}

uint32_t dbk_read_u32(dbk_reader *r)
{
    uint32_t v = 0;
    read_into(r, &v, sizeof v);
    return le32toh(v);
}

uint64_t dbk_read_u64(dbk_reader *r)
{
    uint64_t v = 0;
    read_into(r, &v, sizeof v);
    return le64toh(v);
}

dbk_text dbk_read_text(dbk_reader *r)
{
    uint32_t length = dbk_read_u32(r);
    const uint8_t *view = dbk_read_bytes(r, length);
    return view ? (dbk_text){(const char *)view, length} : (dbk_text){NULL, 0};
}

size_t dbk_reader_left(const dbk_reader *r)
{
    return r->size - r->at;
}

void dbk_buffer_dispose(dbk_buffer *b)
{
    free(b->data);
    *b = (dbk_buffer){0};
}

void dbk_buffer_reset(dbk_buffer *b)
{
    b->size = 0;
    b->failed = false;
}

uint8_t *dbk_buffer_grow(dbk_buffer *b, size_t n)
{
    enum { FIRST_CAPACITY = 256 };
    if (b->failed)
        return NULL;
    size_t needed, capacity = b->capacity < FIRST_CAPACITY ? FIRST_CAPACITY : b->capacity;
    // Sizes beyond half the address space cannot be allocated; refusing them here keeps the doubling below
    // finite.
    if (__builtin_add_overflow(b->size, n, &needed) || needed > SIZE_MAX / 2) {
        b->failed = true;
        return NULL;
    }
    while (capacity < needed)
        capacity *= 2;
    uint8_t *data = realloc(b->data, capacity);
    if (!data) {
        b->failed = true;
        return NULL;
    }
    b->data = data;
    b->capacity = capacity;
    return b->data + b->size;
}

void dbk_buffer_append(dbk_buffer *b, const void *data, size_t n)
{
    if (n == 0)
        return;
    uint8_t *room = dbk_buffer_reserve(b, n);
    if (!room)
        return;
    memcpy(room, data, n);
    b->size += n;
}

// Most of what a record of few rows consists of: no call where there is room.
#define PUT(b, v)                                                                                            \
    do {                                                                                                     \
        uint8_t *room = dbk_buffer_reserve(b, sizeof v);                                                     \
        if (!room)                                                                                           \
            return;                                                                                          \
        memcpy(room, &v, sizeof v);                                                                          \
        (b)->size += sizeof v;                                                                               \
    } while (0)

void dbk_buffer_u16(dbk_buffer *b, uint16_t v)
{
    v = htole16(v);
    PUT(b, v);
}

void dbk_buffer_u32(dbk_buffer *b, uint32_t v)
{
    v = htole32(v);
    PUT(b, v);
}

void dbk_buffer_u64(dbk_buffer *b, uint64_t v)
{
    v = htole64(v);
    PUT(b, v);
}

void dbk_buffer_text(dbk_buffer *b, dbk_text text)
{
    dbk_buffer_u32(b, text.length);
    dbk_buffer_append(b, text.data, text.length);
}

void dbk_buffer_format(dbk_buffer *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    size_t room = b->data && !b->failed ? b->capacity - b->size : 0;
    int length = vsnprintf(room ? (char *)b->data + b->size : NULL, room, format, args);
    if (length < 0) {
        b->failed = true;
    } else if ((size_t)length >= room) {
        // One more byte than the text, for the NUL that vsnprintf insists on.
        uint8_t *larger = dbk_buffer_reserve(b, (size_t)length + 1);
        if (larger)
            vsnprintf((char *)larger, (size_t)length + 1, format, again);
    }
    if (!b->failed)
        b->size += (size_t)length;
    va_end(again);
    va_end(args);
}
