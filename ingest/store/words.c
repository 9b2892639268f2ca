// SPDX-License-Identifier: Apache-2.0
// Sections of words, each a list of chunks.
#include "ingest/store/words.h"

#include "ingest/store/words_chunk.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_VERSION = 2, HEADER = 64 };
static const char magic[8] = {'D', 'B', 'K', 'W', 'R', 'D', '1', 0};

static dbk_status append_section(dbk_buffer *out, dbk_text *room, const dbk_snapshot *snapshot,
                                 dbk_text tenant, const dbk_manifest_section *section, dbk_error *err)
{
    dbk_buffer_text(out, tenant);
    dbk_buffer_u16(out, (uint16_t)section->domain);
    dbk_buffer_u32(out, section->first);
    dbk_buffer_u32(out, section->count);
    const size_t chunks_at = out->size;
    dbk_buffer_u32(out, 0);
    uint32_t chunks = 0, words = 0;
    size_t bytes = 0;
    for (uint32_t i = 0; i < section->count; i++) {
        room[words] = dbk_image_word(snapshot, section->tenant, section->domain, section->first + i);
        bytes += dbk_words_chunk_bytes(room[words++]);
        if (words < DBK_WORDS_CHUNK_WORDS && bytes < DBK_WORDS_CHUNK_BYTES && i + 1 < section->count)
            continue;
        DBK_TRY(dbk_words_chunk_append(out, room, words, err));
        chunks++;
        words = 0;
        bytes = 0;
    }
    chunks = htole32(chunks);
    if (!out->failed)
        memcpy(out->data + chunks_at, &chunks, sizeof(chunks));
    return DBK_OK;
}

dbk_status dbk_words_encode(const dbk_snapshot *snapshot, const dbk_manifest *manifest,
                            const dbk_manifest_words *words, dbk_buffer *out, dbk_error *err)
{
    static const uint8_t zeros[HEADER];
    dbk_text *room = malloc(DBK_WORDS_CHUNK_WORDS * sizeof(*room));
    dbk_status status = room ? DBK_OK : dbk_fail(err, DBK_NO_MEMORY, "out of memory writing dictionaries");
    size_t start = out->size;
    dbk_buffer_append(out, magic, sizeof(magic));
    dbk_buffer_u32(out, WORDS_VERSION);
    dbk_buffer_u32(out, words->sections_count);
    dbk_buffer_u64(out, words->epoch);
    dbk_buffer_append(out, zeros, HEADER - (out->size - start));
    for (uint32_t s = 0; s < words->sections_count && status == DBK_OK; s++) {
        const dbk_manifest_section *section = &words->sections[s];
        status = append_section(out, room, snapshot, manifest->tenants[section->tenant].name, section, err);
    }
    free(room);
    if (status == DBK_OK && out->failed)
        status = dbk_fail(err, DBK_NO_MEMORY, "out of memory writing dictionaries");
    return status;
}

// Whom the words of a section are for.
typedef struct visitor {
    dbk_words_visit visit;
    void *user;
    dbk_text tenant;
    dbk_domain domain;
} visitor;

static dbk_status take(void *user, const dbk_text *words, uint32_t count, dbk_error *err)
{
    const visitor *v = user;
    return v->visit(v->user, v->tenant, v->domain, words, count, err);
}

static dbk_status read_section(dbk_reader *r, uint32_t version, dbk_words_room *room, visitor *v,
                               const dbk_manifest_section *section, dbk_error *err)
{
    dbk_text name = dbk_read_text(r);
    uint16_t domain = dbk_read_u16(r);
    uint32_t first = dbk_read_u32(r);
    uint32_t count = dbk_read_u32(r);
    uint32_t chunks = dbk_read_u32(r);
    if (r->failed || !dbk_text_equal(name, v->tenant) || domain != section->domain ||
        first != section->first || count != section->count)
        return dbk_fail(err, DBK_CORRUPT, "words before offset %zu are not those that the manifest names",
                        r->at);
    const dbk_words_taker taker = {take, v};
    v->domain = section->domain;
    for (uint32_t c = 0; c < chunks; c++) {
        const size_t at = r->at;
        const dbk_status status = dbk_words_chunk_read(r, version, room, &count, &taker, err);
        if (status == DBK_CORRUPT && err) {
            const dbk_error why = *err;
            return dbk_fail(err, DBK_CORRUPT, "at offset %zu: %s", at, why.message);
        }
        DBK_TRY(status);
    }
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
    if (r.failed || memcmp(start, magic, sizeof(magic)) != 0 || version < 1 || version > WORDS_VERSION ||
        sections != words->sections_count || epoch != words->epoch)
        return dbk_fail(err, DBK_CORRUPT, "the header at offset 0 is not that of these words");
    dbk_words_room *room = dbk_words_room_create();
    if (!room)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory reading dictionaries");
    dbk_status status = DBK_OK;
    for (uint32_t s = 0; s < sections && status == DBK_OK; s++) {
        const dbk_manifest_section *section = &words->sections[s];
        visitor v = {.visit = visit, .user = user, .tenant = manifest->tenants[section->tenant].name};
        status = read_section(&r, version, room, &v, section, err);
    }
    if (status == DBK_OK && dbk_reader_left(&r))
        status = dbk_fail(err, DBK_CORRUPT, "the file is too long from offset %zu", r.at);
    dbk_words_room_destroy(room);
    return status;
}
