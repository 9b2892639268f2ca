// SPDX-License-Identifier: Apache-2.0
// Parts of a state file are found by offsets in the manifest; the file itself has no directory.
#include "ingest/store/state.h"

#include <stdlib.h>
#include <string.h>

enum { STATE_VERSION = 1 };
static const char magic[8] = {'D', 'B', 'K', 'S', 'T', 'A', '1', 0};

static void pad(dbk_buffer *out)
{
    static const uint8_t zeros[DBK_STATE_ALIGNMENT];
    size_t over = out->size % DBK_STATE_ALIGNMENT;
    if (over)
        dbk_buffer_append(out, zeros, DBK_STATE_ALIGNMENT - over);
}

void dbk_state_begin(dbk_buffer *out, uint64_t epoch)
{
    dbk_buffer_append(out, magic, sizeof(magic));
    dbk_buffer_u32(out, STATE_VERSION);
    dbk_buffer_u32(out, 0);
    dbk_buffer_u64(out, epoch);
    pad(out);
}

uint64_t dbk_state_append_dead(dbk_buffer *out, const uint64_t *dead, uint32_t rows)
{
    uint64_t offset = out->size;
    for (uint32_t w = 0; w < (rows + 63) / 64; w++)
        dbk_buffer_u64(out, dead[w]);
    pad(out);
    return offset;
}

uint64_t dbk_state_append_segment(dbk_buffer *out, const dbk_segment *segment, uint64_t *size)
{
    uint64_t offset = out->size;
    size_t bytes_size;
    const void *bytes = dbk_segment_bytes(segment, &bytes_size);
    dbk_buffer_append(out, bytes, bytes_size);
    pad(out);
    *size = bytes_size;
    return offset;
}

dbk_status dbk_state_check(const void *data, size_t size, uint64_t epoch, dbk_error *err)
{
    dbk_reader r = dbk_reader_init(data, size);
    const uint8_t *start = dbk_read_bytes(&r, sizeof(magic));
    uint32_t version = dbk_read_u32(&r);
    uint32_t reserved = dbk_read_u32(&r);
    uint64_t file_epoch = dbk_read_u64(&r);
    (void)dbk_read_bytes(&r, DBK_STATE_HEADER - r.at);
    if (r.failed || memcmp(start, magic, sizeof(magic)) != 0 || version != STATE_VERSION || reserved ||
        file_epoch != epoch)
        return dbk_fail(err, DBK_CORRUPT, "the header at offset 0 is not that of this state file");
    return DBK_OK;
}

dbk_status dbk_state_read_dead(const void *data, const dbk_manifest_slot *slot, uint64_t *out, dbk_error *err)
{
    uint32_t words = (slot->rows + 63) / 64;
    dbk_reader r = dbk_reader_init((const uint8_t *)data + slot->dead_offset, words * sizeof(uint64_t));
    for (uint32_t w = 0; w < words; w++)
        out[w] = dbk_read_u64(&r);
    if (slot->rows % 64 && out[words - 1] >> slot->rows % 64)
        return dbk_fail(err, DBK_CORRUPT, "dead rows at offset %llu reach past the last row",
                        (unsigned long long)slot->dead_offset);
    return DBK_OK;
}

dbk_status dbk_state_read_segment(const void *data, const dbk_manifest_table *table, dbk_segment **out,
                                  dbk_error *err)
{
    size_t room = (table->delta_size + DBK_SEGMENT_SLACK + 63) / 64 * 64;
    uint8_t *bytes = aligned_alloc(64, room);
    if (!bytes)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory reading %llu bytes of unsealed rows",
                        (unsigned long long)table->delta_size);
    memcpy(bytes, (const uint8_t *)data + table->delta_offset, table->delta_size);
    memset(bytes + table->delta_size, 0, room - table->delta_size);
    dbk_status status = dbk_segment_open(bytes, table->delta_size, out, err);
    if (status != DBK_OK)
        free(bytes);
    return status;
}
