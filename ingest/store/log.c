// SPDX-License-Identifier: Apache-2.0
// Headers and groups. What is decoded here was checked byte for byte: magic, reserved fields, padding, CRC.
#include "ingest/store/log.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "ingest/store/files.h"

static const uint8_t header_magic[8] = {'D', 'B', 'K', 'L', 'O', 'G', '1', 0};
static const uint8_t group_magic[4] = {'D', 'B', 'K', 'G'};

enum { HEADER_CRC_AT = 8, HEADER_CRC_FROM = 12, GROUP_CRC_AT = 4, GROUP_CRC_FROM = 8 };

static void put_u16(uint8_t *at, uint16_t v)
{
    v = htole16(v);
    memcpy(at, &v, sizeof(v));
}

static void put_u32(uint8_t *at, uint32_t v)
{
    v = htole32(v);
    memcpy(at, &v, sizeof(v));
}

static void put_u64(uint8_t *at, uint64_t v)
{
    v = htole64(v);
    memcpy(at, &v, sizeof(v));
}

size_t dbk_log_used(const uint8_t *data, size_t size)
{
    while (size >= sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, data + size - sizeof(word), sizeof(word));
        if (word)
            break;
        size -= sizeof(word);
    }
    while (size && data[size - 1] == 0)
        size--;
    return size;
}

void dbk_log_header_encode(const dbk_log_plan *plan, uint8_t *out)
{
    memset(out, 0, DBK_IO_BLOCK);
    memcpy(out, header_magic, sizeof(header_magic));
    put_u32(out + 12, DBK_LOG_VERSION);
    put_u64(out + 16, plan->sequence);
    put_u64(out + 24, plan->file_id);
    put_u64(out + 32, plan->bytes);
    put_u32(out + HEADER_CRC_AT, dbk_crc32c(0, out + HEADER_CRC_FROM, DBK_IO_BLOCK - HEADER_CRC_FROM));
}

dbk_status dbk_log_header_decode(const void *data, size_t size, dbk_log_plan *out, dbk_error *err)
{
    const uint8_t *bytes = data;
    if (size < DBK_IO_BLOCK)
        return dbk_fail(err, DBK_CORRUPT, "the file has %zu bytes, less than a header", size);
    dbk_reader r = dbk_reader_init(bytes, DBK_IO_BLOCK);
    const uint8_t *magic = dbk_read_bytes(&r, sizeof(header_magic));
    uint32_t crc = dbk_read_u32(&r);
    uint32_t version = dbk_read_u32(&r);
    out->sequence = dbk_read_u64(&r);
    out->file_id = dbk_read_u64(&r);
    out->bytes = dbk_read_u64(&r);
    if (memcmp(magic, header_magic, sizeof(header_magic)) != 0)
        return dbk_fail(err, DBK_CORRUPT, "the header at offset 0 is not that of a log file");
    if (crc != dbk_crc32c(0, bytes + HEADER_CRC_FROM, DBK_IO_BLOCK - HEADER_CRC_FROM))
        return dbk_fail(err, DBK_CORRUPT, "the checksum of the header at offset 0 is wrong");
    if (version != DBK_LOG_VERSION)
        return dbk_fail(err, DBK_CORRUPT, "the log has version %u; this Daybook reads version %d", version,
                        DBK_LOG_VERSION);
    if (out->file_id == 0 || out->bytes % DBK_IO_BLOCK || dbk_log_used(bytes + r.at, DBK_IO_BLOCK - r.at))
        return dbk_fail(err, DBK_CORRUPT, "the header at offset 0 has impossible values");
    return DBK_OK;
}

dbk_status dbk_log_file_create(dbk_io *io, const dbk_log_plan *plan, bool again, dbk_error *err)
{
    assert(plan->bytes % DBK_IO_BLOCK == 0 && plan->file_id != 0);
    dbk_file_name name = dbk_file_name_make(DBK_FILE_LOG, plan->sequence);
    uint8_t *header = aligned_alloc(DBK_IO_BLOCK, DBK_IO_BLOCK);
    if (!header)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory making %s", name.text);
    dbk_log_header_encode(plan, header);
    if (again)
        (void)io->backend->remove(io, name.text, NULL);
    dbk_file file = -1;
    dbk_status status = io->backend->open(io, name.text, DBK_OPEN_CREATE, &file, err);
    if (status == DBK_OK)
        status = io->backend->allocate(io, file, plan->bytes, err);
    if (status == DBK_OK)
        status = dbk_io_write(io, file, header, DBK_IO_BLOCK, 0, err);
    if (status == DBK_OK)
        status = dbk_io_sync(io, file, err);
    if (file >= 0)
        io->backend->close(io, file);
    if (status == DBK_OK)
        status = io->backend->sync_directory(io, err);
    else if (file >= 0)
        (void)io->backend->remove(io, name.text, NULL);
    free(header);
    return status == DBK_OK ? DBK_OK : dbk_file_blame(DBK_FILE_LOG, plan->sequence, status, err);
}

size_t dbk_group_size(size_t payload_size)
{
    return (DBK_GROUP_HEADER + payload_size + DBK_IO_BLOCK - 1) / DBK_IO_BLOCK * DBK_IO_BLOCK;
}

bool dbk_group_finish(dbk_buffer *buffer, const dbk_group *group)
{
    assert(buffer->size >= DBK_GROUP_HEADER);
    size_t payload = buffer->size - DBK_GROUP_HEADER;
    assert(payload <= UINT32_MAX && group->offset % DBK_IO_BLOCK == 0);
    size_t size = dbk_group_size(payload);
    uint8_t *padding = dbk_buffer_reserve(buffer, size - buffer->size);
    if (!padding)
        return false;
    memset(padding, 0, size - buffer->size);
    buffer->size = size;
    uint8_t *h = buffer->data;
    memset(h, 0, DBK_GROUP_HEADER);
    memcpy(h, group_magic, sizeof(group_magic));
    put_u64(h + 8, group->file_id);
    put_u64(h + 16, group->offset);
    put_u64(h + 24, group->number);
    put_u64(h + 32, group->changes_before);
    put_u32(h + 40, group->changes);
    put_u32(h + 44, (uint32_t)payload);
    put_u16(h + 48, (uint16_t)group->kind);
    put_u32(h + GROUP_CRC_AT, dbk_crc32c(0, h + GROUP_CRC_FROM, size - GROUP_CRC_FROM));
    return true;
}

static bool kind_is_consistent(const dbk_group *group)
{
    switch (group->kind) {
    case DBK_GROUP_DATA:
        return group->changes > 0;
    case DBK_GROUP_CONFIRM:
        return group->changes == 0 && group->payload_size == 0;
    case DBK_GROUP_LINK:
        return group->changes == 0 && group->payload_size == DBK_LINK_BYTES;
    }
    return false;
}

bool dbk_group_decode(const void *data, size_t size, dbk_group *out)
{
    const uint8_t *bytes = data;
    if (size < DBK_IO_BLOCK || memcmp(bytes, group_magic, sizeof(group_magic)) != 0)
        return false;
    dbk_reader r = dbk_reader_init(bytes, size);
    (void)dbk_read_u32(&r);
    uint32_t crc = dbk_read_u32(&r);
    out->file_id = dbk_read_u64(&r);
    out->offset = dbk_read_u64(&r);
    out->number = dbk_read_u64(&r);
    out->changes_before = dbk_read_u64(&r);
    out->changes = dbk_read_u32(&r);
    out->payload_size = dbk_read_u32(&r);
    out->kind = (dbk_group_kind)dbk_read_u16(&r);
    const uint8_t *reserved = dbk_read_bytes(&r, DBK_GROUP_HEADER - r.at);
    out->payload = bytes + DBK_GROUP_HEADER;
    out->size = dbk_group_size(out->payload_size);
    if (out->size > size || crc != dbk_crc32c(0, bytes + GROUP_CRC_FROM, out->size - GROUP_CRC_FROM))
        return false;
    size_t padding = out->size - DBK_GROUP_HEADER - out->payload_size;
    return kind_is_consistent(out) && dbk_log_used(reserved, 14) == 0 &&
           dbk_log_used(out->payload + out->payload_size, padding) == 0;
}

bool dbk_group_expect(const void *data, size_t size, const dbk_log_position *position, dbk_group *out)
{
    return dbk_group_decode(data, size, out) && out->file_id == position->file_id &&
           out->offset == position->offset && out->number == position->group;
}

bool dbk_link_decode(const dbk_group *group, uint64_t *sequence, uint64_t *file_id)
{
    dbk_reader r = dbk_reader_init(group->payload, group->payload_size);
    *sequence = dbk_read_u64(&r);
    *file_id = dbk_read_u64(&r);
    return group->kind == DBK_GROUP_LINK && !r.failed;
}

bool dbk_log_find_group(const uint8_t *data, size_t size, uint64_t base, uint64_t file_id, uint64_t after,
                        uint64_t *found_at)
{
    for (size_t at = 0; at + DBK_IO_BLOCK <= size; at += DBK_IO_BLOCK) {
        dbk_group group;
        if (dbk_group_decode(data + at, size - at, &group) && group.offset == base + at &&
            (file_id == 0 || group.file_id == file_id) && group.number >= after) {
            *found_at = base + at;
            return true;
        }
    }
    return false;
}
