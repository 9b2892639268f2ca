// SPDX-License-Identifier: Apache-2.0
// Records: one change, seen whole or not at all.
#include "ingest/store/record.h"

#include <endian.h>
#include <lz4.h>
#include <stdlib.h>
#include <string.h>

// Below this the block rounding of the group outweighs what compression could win, and that costs the thread,
// often the writer, microseconds: LZ4 clears 16 KiB before it begins.
enum { COMPRESS_FROM = 4096 };

dbk_status dbk_change_check(const dbk_change *change, dbk_error *err)
{
    if (!dbk_tenant_name_is_valid(change->tenant))
        return dbk_fail(err, DBK_INVALID, "a tenant's name is 1 to %d of the characters A-Z a-z 0-9 . _ -",
                        DBK_TENANT_NAME_MAX);
    if (change->batches_count < 1 || change->batches_count > UINT16_MAX)
        return dbk_fail(err, DBK_INVALID, "a change has 1 to %d batches, not %d", UINT16_MAX,
                        change->batches_count);
    for (int i = 0; i < change->batches_count; i++)
        DBK_TRY(dbk_batch_check(change->batches[i], err));
    return DBK_OK;
}

static void put_u32(uint8_t *at, uint32_t v)
{
    v = htole32(v);
    memcpy(at, &v, sizeof(v));
}

static void encode_content(dbk_buffer *out, const dbk_change *change)
{
    dbk_buffer_text(out, change->tenant);
    dbk_buffer_u16(out, (uint16_t)change->batches_count);
    for (int i = 0; i < change->batches_count && !out->failed; i++) {
        size_t length_at = out->size;
        dbk_buffer_u32(out, 0);
        dbk_batch_encode(change->batches[i], out);
        size_t length = out->size - length_at - 4;
        if (length > DBK_RECORD_BYTES_MAX)
            return; // the caller sees the total
        if (!out->failed)
            put_u32(out->data + length_at, (uint32_t)length);
    }
}

// Puts what LZ4 makes of the content into its place; the bytes that are stored, all of them where that is no
// less, or where memory for it is out.
static uint32_t compress_content(uint8_t *content, uint32_t raw)
{
    // One byte less than raw: what LZ4 cannot make smaller is kept as it is.
    char *packed = raw >= COMPRESS_FROM ? malloc(raw - 1) : NULL;
    int stored = packed ? LZ4_compress_default((const char *)content, packed, (int)raw, (int)raw - 1) : 0;
    if (stored > 0)
        memcpy(content, packed, (size_t)stored);
    free(packed);
    return stored > 0 ? (uint32_t)stored : raw;
}

dbk_status dbk_record_append(dbk_buffer *out, const dbk_change *change, dbk_error *err)
{
    enum { HEAD = 8, SMALL = 1024 - HEAD };
    const size_t start = out->size;
    (void)dbk_buffer_reserve(out, HEAD + SMALL); // most changes are of a few rows and grow no buffer
    dbk_buffer_u64(out, 0);
    encode_content(out, change);
    const size_t raw = out->size - start - HEAD;
    if (!out->failed && raw <= DBK_RECORD_BYTES_MAX) {
        uint8_t *head = out->data + start;
        const uint32_t stored = compress_content(head + HEAD, (uint32_t)raw);
        put_u32(head, stored);
        put_u32(head + 4, (uint32_t)raw);
        out->size = start + HEAD + stored;
        return DBK_OK;
    }
    const bool failed = out->failed;
    out->failed = false; // what was there stays usable
    out->size = start;
    return failed ? dbk_fail(err, DBK_NO_MEMORY, "out of memory encoding a change")
                  : dbk_fail(err, DBK_LIMIT, "a change of %zu bytes is larger than %d MiB; send it in parts",
                             raw, DBK_RECORD_BYTES_MAX >> 20);
}

// The content of the next record; *owned is what has to be freed afterwards.
static dbk_status unpack(dbk_reader *payload, const uint8_t **content, uint32_t *size, void **owned,
                         dbk_error *err)
{
    *owned = NULL;
    uint32_t stored = dbk_read_u32(payload);
    uint32_t raw = dbk_read_u32(payload);
    const uint8_t *bytes = dbk_read_bytes(payload, stored);
    // An LZ4 block cannot grow by more than a factor of 255: a larger claim is refused before it is
    // allocated.
    if (!bytes || raw < stored || raw > DBK_RECORD_BYTES_MAX || raw > (uint64_t)stored * 255)
        return dbk_fail(err, DBK_CORRUPT, "a record has impossible sizes (%u stored, %u raw)", stored, raw);
    *content = bytes;
    *size = raw;
    if (raw == stored)
        return DBK_OK;
    char *unpacked = malloc(raw);
    if (!unpacked)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory decoding a record of %u bytes", raw);
    if (LZ4_decompress_safe((const char *)bytes, unpacked, (int)stored, (int)raw) != (int)raw) {
        free(unpacked);
        return dbk_fail(err, DBK_CORRUPT, "a record does not decompress to its %u bytes", raw);
    }
    *content = (const uint8_t *)unpacked;
    *owned = unpacked;
    return DBK_OK;
}

static dbk_status walk_batches(dbk_reader *r, dbk_db *db, dbk_error *err)
{
    dbk_text tenant = dbk_read_text(r);
    uint16_t count = dbk_read_u16(r);
    if (r->failed || !dbk_tenant_name_is_valid(tenant) || count == 0)
        return dbk_fail(err, DBK_CORRUPT, "a record does not begin with a tenant and its batches");
    for (int i = 0; i < count; i++) {
        uint32_t size = dbk_read_u32(r);
        const uint8_t *bytes = dbk_read_bytes(r, size);
        if (!bytes)
            return dbk_fail(err, DBK_CORRUPT, "a record ends inside a batch");
        dbk_batch batch;
        DBK_TRY(dbk_batch_decode(&batch, bytes, size, err));
        dbk_status status = DBK_OK;
        if (db) {
            dbk_apply_report report = {0};
            status = dbk_db_apply(db, tenant, &batch, &report, err);
            free(report.rejected_rows);
        }
        dbk_batch_dispose(&batch);
        DBK_TRY(status);
    }
    if (dbk_reader_left(r))
        return dbk_fail(err, DBK_CORRUPT, "a record has %zu bytes behind its batches", dbk_reader_left(r));
    return DBK_OK;
}

dbk_status dbk_record_replay(dbk_reader *payload, dbk_db *db, dbk_error *err)
{
    const uint8_t *content = NULL;
    uint32_t size = 0;
    void *owned = NULL;
    DBK_TRY(unpack(payload, &content, &size, &owned, err));
    dbk_reader r = dbk_reader_init(content, size);
    dbk_status status = walk_batches(&r, db, err);
    free(owned);
    return status;
}

dbk_status dbk_record_verify(dbk_reader *payload, dbk_error *err)
{
    return dbk_record_replay(payload, NULL, err);
}
