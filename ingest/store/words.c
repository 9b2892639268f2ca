// SPDX-License-Identifier: Apache-2.0
// Words in chunks of about a MiB, each an LZ4 block when that is smaller: ids that count up compress well.
#include "ingest/store/words.h"

#include <endian.h>
#include <lz4.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_VERSION = 1, HEADER = 64, CHUNK = 1 << 20, LONG_WORD = 255, WORDS_AT_ONCE = 1024 };
// A chunk ends after the word that fills it; a word has at most 1 MiB.
enum { CHUNK_MAX = 2 * CHUNK + 64 };
static const char magic[8] = {'D', 'B', 'K', 'W', 'R', 'D', '1', 0};

static void put_u32(uint8_t *at, uint32_t v)
{
    v = htole32(v);
    memcpy(at, &v, sizeof(v));
}

static void append_word(dbk_buffer *raw, dbk_text word)
{
    if (word.length < LONG_WORD) {
        dbk_buffer_u8(raw, (uint8_t)word.length);
    } else {
        dbk_buffer_u8(raw, LONG_WORD);
        dbk_buffer_u32(raw, word.length);
    }
    dbk_buffer_append(raw, word.data, word.length);
}

static void append_chunk(dbk_buffer *out, const dbk_buffer *raw, uint32_t words)
{
    uint8_t *room = dbk_buffer_reserve(out, 12 + raw->size);
    if (!room)
        return;
    int stored =
        LZ4_compress_default((const char *)raw->data, (char *)room + 12, (int)raw->size, (int)raw->size - 1);
    if (stored <= 0) {
        memcpy(room + 12, raw->data, raw->size);
        stored = (int)raw->size;
    }
    put_u32(room, words);
    put_u32(room + 4, (uint32_t)raw->size);
    put_u32(room + 8, (uint32_t)stored);
    out->size += 12 + (size_t)stored;
}

static void append_section(dbk_buffer *out, dbk_buffer *raw, const dbk_snapshot *snapshot, dbk_text tenant,
                           const dbk_manifest_section *section)
{
    dbk_buffer_text(out, tenant);
    dbk_buffer_u16(out, (uint16_t)section->domain);
    dbk_buffer_u32(out, section->first);
    dbk_buffer_u32(out, section->count);
    size_t chunks_at = out->size;
    dbk_buffer_u32(out, 0);
    uint32_t chunks = 0, words = 0;
    dbk_buffer_reset(raw);
    for (uint32_t i = 0; i < section->count; i++) {
        append_word(raw, dbk_image_word(snapshot, section->tenant, section->domain, section->first + i));
        words++;
        if (raw->failed)
            return;
        if (raw->size >= CHUNK || i + 1 == section->count) {
            append_chunk(out, raw, words);
            chunks++;
            words = 0;
            dbk_buffer_reset(raw);
        }
    }
    if (!out->failed)
        put_u32(out->data + chunks_at, chunks);
}

dbk_status dbk_words_encode(const dbk_snapshot *snapshot, const dbk_manifest *manifest,
                            const dbk_manifest_words *words, dbk_buffer *out, dbk_error *err)
{
    static const uint8_t zeros[HEADER];
    dbk_buffer raw = {0};
    size_t start = out->size;
    dbk_buffer_append(out, magic, sizeof(magic));
    dbk_buffer_u32(out, WORDS_VERSION);
    dbk_buffer_u32(out, words->sections_count);
    dbk_buffer_u64(out, words->epoch);
    dbk_buffer_append(out, zeros, HEADER - (out->size - start));
    for (uint32_t s = 0; s < words->sections_count && !raw.failed; s++) {
        const dbk_manifest_section *section = &words->sections[s];
        append_section(out, &raw, snapshot, manifest->tenants[section->tenant].name, section);
    }
    bool failed = raw.failed || out->failed;
    dbk_buffer_dispose(&raw);
    return failed ? dbk_fail(err, DBK_NO_MEMORY, "out of memory writing dictionaries") : DBK_OK;
}

static dbk_status read_chunk(dbk_reader *r, char *unpacked, dbk_text tenant,
                             const dbk_manifest_section *section, uint32_t *words_left, dbk_words_visit visit,
                             void *user, dbk_error *err)
{
    uint32_t words = dbk_read_u32(r);
    uint32_t raw = dbk_read_u32(r);
    uint32_t stored = dbk_read_u32(r);
    const uint8_t *bytes = dbk_read_bytes(r, stored);
    if (!bytes || raw < stored || raw > CHUNK_MAX || words == 0 || words > *words_left)
        return dbk_fail(err, DBK_CORRUPT, "a chunk of words has impossible sizes before offset %zu", r->at);
    if (raw > stored) {
        if (LZ4_decompress_safe((const char *)bytes, unpacked, (int)stored, (int)raw) != (int)raw)
            return dbk_fail(err, DBK_CORRUPT, "a chunk of words does not decompress before offset %zu",
                            r->at);
        bytes = (const uint8_t *)unpacked;
    }
    dbk_reader chunk = dbk_reader_init(bytes, raw);
    dbk_text some[WORDS_AT_ONCE];
    for (uint32_t w = 0, n = 0; w < words; w++) {
        uint32_t length = dbk_read_u8(&chunk);
        if (length == LONG_WORD)
            length = dbk_read_u32(&chunk);
        const uint8_t *word = dbk_read_bytes(&chunk, length);
        if (!word || length == 0)
            return dbk_fail(err, DBK_CORRUPT, "a chunk of words is cut short before offset %zu", r->at);
        some[n++] = (dbk_text){(const char *)word, length};
        if (n == WORDS_AT_ONCE || w + 1 == words) {
            DBK_TRY(visit(user, tenant, section->domain, some, n, err));
            n = 0;
        }
    }
    if (dbk_reader_left(&chunk))
        return dbk_fail(err, DBK_CORRUPT, "a chunk of words is too long before offset %zu", r->at);
    *words_left -= words;
    return DBK_OK;
}

static dbk_status read_section(dbk_reader *r, char *unpacked, dbk_text tenant,
                               const dbk_manifest_section *section, dbk_words_visit visit, void *user,
                               dbk_error *err)
{
    dbk_text name = dbk_read_text(r);
    uint16_t domain = dbk_read_u16(r);
    uint32_t first = dbk_read_u32(r);
    uint32_t count = dbk_read_u32(r);
    uint32_t chunks = dbk_read_u32(r);
    if (r->failed || !dbk_text_equal(name, tenant) || domain != section->domain || first != section->first ||
        count != section->count)
        return dbk_fail(err, DBK_CORRUPT, "words before offset %zu are not those that the manifest names",
                        r->at);
    for (uint32_t c = 0; c < chunks; c++)
        DBK_TRY(read_chunk(r, unpacked, tenant, section, &count, visit, user, err));
    if (count)
        return dbk_fail(err, DBK_CORRUPT, "%u words are missing before offset %zu", count, r->at);
    return DBK_OK;
}

dbk_status dbk_words_decode(const void *data, size_t size, const dbk_manifest *manifest,
                            const dbk_manifest_words *words, dbk_words_visit visit, void *user,
                            dbk_error *err)
{
    dbk_reader r = dbk_reader_init(data, size);
    const uint8_t *start = dbk_read_bytes(&r, sizeof(magic));
    uint32_t version = dbk_read_u32(&r);
    uint32_t sections = dbk_read_u32(&r);
    uint64_t epoch = dbk_read_u64(&r);
    (void)dbk_read_bytes(&r, HEADER - r.at);
    if (r.failed || memcmp(start, magic, sizeof(magic)) != 0 || version != WORDS_VERSION ||
        sections != words->sections_count || epoch != words->epoch)
        return dbk_fail(err, DBK_CORRUPT, "the header at offset 0 is not that of these words");
    char *unpacked = malloc(CHUNK_MAX);
    if (!unpacked)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory reading dictionaries");
    dbk_status status = DBK_OK;
    for (uint32_t s = 0; s < sections && status == DBK_OK; s++) {
        const dbk_manifest_section *section = &words->sections[s];
        status =
            read_section(&r, unpacked, manifest->tenants[section->tenant].name, section, visit, user, err);
    }
    if (status == DBK_OK && dbk_reader_left(&r))
        status = dbk_fail(err, DBK_CORRUPT, "the file is too long from offset %zu", r.at);
    free(unpacked);
    return status;
}
