// SPDX-License-Identifier: Apache-2.0
// Reading and writing little-endian formats. Every byte that comes from a disk or a network passes through
// dbk_reader, which cannot be made to read outside its bounds: after the first short read all reads give
// zeros and `failed` stays set, so a parser may read a whole header and check once.
#ifndef DBK_BASE_BYTES_H
#define DBK_BASE_BYTES_H

#include "engine/base/types.h"

typedef struct dbk_reader {
    const uint8_t *data;
    size_t size;
    size_t at;
    bool failed;
} dbk_reader;

dbk_reader dbk_reader_init(const void *data, size_t size);
uint8_t dbk_read_u8(dbk_reader *r);
uint16_t dbk_read_u16(dbk_reader *r);
uint32_t dbk_read_u32(dbk_reader *r);
uint64_t dbk_read_u64(dbk_reader *r);
// A view of the next n bytes, or NULL (and failed) when fewer are left.
const uint8_t *dbk_read_bytes(dbk_reader *r, size_t n);
// A u32 length and so many bytes; no value when failed.
dbk_text dbk_read_text(dbk_reader *r);
size_t dbk_reader_left(const dbk_reader *r);

// A growing byte buffer. Allocation failure sets `failed` and drops writes; check once at the end.
typedef struct dbk_buffer {
    uint8_t *data;
    size_t size;
    size_t capacity;
    bool failed;
} dbk_buffer;

void dbk_buffer_dispose(dbk_buffer *b);
// Forgets the content, keeps the memory.
void dbk_buffer_reset(dbk_buffer *b);
// Room for n more bytes; NULL and failed when memory is out. Does not change size. The first is for when
// there is not enough.
uint8_t *dbk_buffer_grow(dbk_buffer *b, size_t n);
static inline uint8_t *dbk_buffer_reserve(dbk_buffer *b, size_t n)
{
    return n <= b->capacity - b->size && b->data && !b->failed ? b->data + b->size : dbk_buffer_grow(b, n);
}
void dbk_buffer_append(dbk_buffer *b, const void *data, size_t n);
static inline void dbk_buffer_u8(dbk_buffer *b, uint8_t v)
{
    uint8_t *room = dbk_buffer_reserve(b, sizeof v);
    if (room) {
        *room = v;
        b->size++;
    }
}
void dbk_buffer_u16(dbk_buffer *b, uint16_t v);
void dbk_buffer_u32(dbk_buffer *b, uint32_t v);
void dbk_buffer_u64(dbk_buffer *b, uint64_t v);
// A u32 length and the bytes, as dbk_read_text wants them. For the bytes alone use dbk_buffer_append.
void dbk_buffer_text(dbk_buffer *b, dbk_text text);
// printf into the buffer, without the NUL.
void dbk_buffer_format(dbk_buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
