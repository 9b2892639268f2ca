// SPDX-License-Identifier: Apache-2.0
// Manifests to bytes and back.
#include "ingest/store/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "ingest/store/tenant_name.h"

enum { MANIFEST_VERSION = 1, STATE_HEADER = 64, STATE_ALIGNMENT = 64 };
static const char magic[8] = {'D', 'B', 'K', 'M', 'A', 'N', '1', 0};

dbk_manifest *dbk_manifest_create(void)
{
    return calloc(1, sizeof(dbk_manifest));
}

void dbk_manifest_destroy(dbk_manifest *manifest)
{
    if (!manifest)
        return;
    dbk_arena_dispose(&manifest->arena);
    free(manifest);
}

// ---- Encoding ----

static void encode_table(const dbk_manifest_table *table, dbk_buffer *out)
{
    dbk_buffer_u16(out, (uint16_t)table->id);
    dbk_buffer_u64(out, table->delta_offset);
    dbk_buffer_u64(out, table->delta_size);
    dbk_buffer_u32(out, table->slots_count);
    for (uint32_t s = 0; s < table->slots_count; s++) {
        const dbk_manifest_slot *slot = &table->slots[s];
        dbk_buffer_u8(out, slot->present);
        if (!slot->present)
            continue;
        dbk_buffer_u64(out, slot->id);
        dbk_buffer_u64(out, slot->size);
        dbk_buffer_u64(out, slot->checksum);
        dbk_buffer_u32(out, slot->rows);
        dbk_buffer_u64(out, slot->dead_offset);
    }
}

static void encode_words(const dbk_manifest_words *words, dbk_buffer *out)
{
    dbk_buffer_u64(out, words->epoch);
    dbk_buffer_u64(out, words->size);
    dbk_buffer_u64(out, words->checksum);
    dbk_buffer_u32(out, words->sections_count);
    for (uint32_t s = 0; s < words->sections_count; s++) {
        const dbk_manifest_section *section = &words->sections[s];
        dbk_buffer_u32(out, section->tenant);
        dbk_buffer_u16(out, (uint16_t)section->domain);
        dbk_buffer_u32(out, section->first);
        dbk_buffer_u32(out, section->count);
    }
}

void dbk_manifest_encode(const dbk_manifest *m, dbk_buffer *out)
{
    size_t start = out->size;
    dbk_buffer_append(out, magic, sizeof(magic));
    dbk_buffer_u32(out, MANIFEST_VERSION);
    dbk_buffer_u32(out, 0);
    dbk_buffer_u64(out, m->epoch);
    dbk_buffer_u64(out, m->number);
    dbk_buffer_u64(out, m->next_segment_id);
    dbk_buffer_u64(out, m->log.sequence);
    dbk_buffer_u64(out, m->log.file_id);
    dbk_buffer_u64(out, m->log.offset);
    dbk_buffer_u64(out, m->log.group);
    dbk_buffer_u64(out, m->state_size);
    dbk_buffer_u64(out, m->state_checksum);
    dbk_buffer_u32(out, m->tenants_count);
    for (uint32_t t = 0; t < m->tenants_count; t++) {
        const dbk_manifest_tenant *tenant = &m->tenants[t];
        dbk_buffer_text(out, tenant->name);
        dbk_buffer_u64(out, tenant->number);
        dbk_buffer_u16(out, (uint16_t)tenant->tables_count);
        for (int i = 0; i < tenant->tables_count; i++)
            encode_table(&tenant->tables[i], out);
    }
    dbk_buffer_u32(out, m->words_count);
    for (uint32_t w = 0; w < m->words_count; w++)
        encode_words(&m->words[w], out);
    if (!out->failed)
        dbk_buffer_u64(out, dbk_checksum(out->data + start, out->size - start));
}

// ---- Decoding ----

// Room for `count` things of which each takes at least `least` bytes of what is left to read; NULL and a
// failed reader when they cannot all be there. A false count must not buy memory.
static void *room_for(dbk_manifest *m, dbk_reader *r, uint32_t count, size_t least, size_t size)
{
    if (r->failed || count > dbk_reader_left(r) / least) {
        r->failed = true;
        return NULL;
    }
    void *room = dbk_arena_zalloc(&m->arena, count ? count * size : 1);
    if (!room)
        r->failed = m->memory_failed = true;
    return room;
}

// A part of the state file that must lie inside it, behind the header.
static bool is_part(const dbk_manifest *m, uint64_t offset, uint64_t size)
{
    return offset >= STATE_HEADER && offset % STATE_ALIGNMENT == 0 && size > 0 && offset <= m->state_size &&
           size <= m->state_size - offset;
}

static bool decode_slot(dbk_manifest *m, dbk_reader *r, dbk_manifest_slot *slot)
{
    uint8_t present = dbk_read_u8(r);
    if (present != 1)
        return present == 0;
    slot->present = true;
    slot->id = dbk_read_u64(r);
    slot->size = dbk_read_u64(r);
    slot->checksum = dbk_read_u64(r);
    slot->rows = dbk_read_u32(r);
    slot->dead_offset = dbk_read_u64(r);
    return slot->rows > 0 && slot->rows <= DBK_SEGMENT_ROWS && slot->size > 0 &&
           slot->id < m->next_segment_id &&
           (slot->dead_offset == 0 || is_part(m, slot->dead_offset, (slot->rows + 63) / 64 * 8));
}

static bool decode_table(dbk_manifest *m, dbk_reader *r, dbk_manifest_table *table)
{
    int id = dbk_read_u16(r);
    if (!dbk_table_def_by_id(id))
        return false;
    table->id = (dbk_table_id)id;
    table->delta_offset = dbk_read_u64(r);
    table->delta_size = dbk_read_u64(r);
    if ((table->delta_offset || table->delta_size) && !is_part(m, table->delta_offset, table->delta_size))
        return false;
    table->slots_count = dbk_read_u32(r);
    table->slots = room_for(m, r, table->slots_count, 1, sizeof(*table->slots));
    for (uint32_t s = 0; s < table->slots_count && !r->failed; s++)
        if (!decode_slot(m, r, &table->slots[s]))
            return false;
    return true;
}

static bool decode_tenant(dbk_manifest *m, dbk_reader *r, dbk_manifest_tenant *tenant)
{
    dbk_text name = dbk_read_text(r);
    if (r->failed || !dbk_tenant_name_is_valid(name))
        return false;
    char *copy = dbk_arena_copy(&m->arena, name.data, name.length);
    if (!copy) {
        m->memory_failed = true;
        return false;
    }
    tenant->name = (dbk_text){copy, name.length};
    tenant->number = dbk_read_u64(r);
    tenant->tables_count = dbk_read_u16(r);
    tenant->tables = room_for(m, r, (uint32_t)tenant->tables_count, 22, sizeof(*tenant->tables));
    for (int t = 0; t < tenant->tables_count && !r->failed; t++)
        if (!decode_table(m, r, &tenant->tables[t]))
            return false;
    return true;
}

static bool decode_words(dbk_manifest *m, dbk_reader *r, dbk_manifest_words *words)
{
    words->epoch = dbk_read_u64(r);
    words->size = dbk_read_u64(r);
    words->checksum = dbk_read_u64(r);
    words->sections_count = dbk_read_u32(r);
    words->sections = room_for(m, r, words->sections_count, 14, sizeof(*words->sections));
    for (uint32_t s = 0; s < words->sections_count && !r->failed; s++) {
        dbk_manifest_section *section = &words->sections[s];
        section->tenant = dbk_read_u32(r);
        section->domain = (dbk_domain)dbk_read_u16(r);
        section->first = dbk_read_u32(r);
        section->count = dbk_read_u32(r);
        if (section->tenant >= m->tenants_count || section->domain <= DBK_DOMAIN_NONE ||
            section->domain >= DBK_DOMAIN_COUNT || section->first == 0 || section->count == 0 ||
            section->count > UINT32_MAX - section->first)
            return false;
    }
    return true;
}

static bool decode_fields(dbk_manifest *m, dbk_reader *r)
{
    m->tenants_count = dbk_read_u32(r);
    m->tenants = room_for(m, r, m->tenants_count, 14, sizeof(*m->tenants));
    for (uint32_t t = 0; t < m->tenants_count && !r->failed; t++)
        if (!decode_tenant(m, r, &m->tenants[t]))
            return false;
    m->words_count = dbk_read_u32(r);
    m->words = room_for(m, r, m->words_count, 28, sizeof(*m->words));
    for (uint32_t w = 0; w < m->words_count && !r->failed; w++)
        if (!decode_words(m, r, &m->words[w]))
            return false;
    return !r->failed && dbk_reader_left(r) == 0;
}

// The words of each dictionary join without a gap over all files: 1, 2, 3 ….
static bool words_join(dbk_manifest *m)
{
    uint32_t(*next)[DBK_DOMAIN_COUNT] = calloc(m->tenants_count ? m->tenants_count : 1, sizeof(*next));
    if (!next) {
        m->memory_failed = true;
        return false;
    }
    bool ok = true;
    for (uint32_t w = 0; w < m->words_count && ok; w++)
        for (uint32_t s = 0; s < m->words[w].sections_count && ok; s++) {
            const dbk_manifest_section *section = &m->words[w].sections[s];
            uint32_t *words = &next[section->tenant][section->domain];
            ok = section->first == *words + 1;
            *words += section->count;
        }
    free(next);
    return ok;
}

static bool segment_ids_are_unique(dbk_manifest *m)
{
    dbk_manifest_index index;
    if (dbk_manifest_index_build(&index, m, NULL) != DBK_OK) {
        m->memory_failed = true;
        return false;
    }
    bool ok = true;
    for (size_t i = 1; i < index.count; i++)
        ok &= index.slots[i - 1]->id != index.slots[i]->id;
    dbk_manifest_index_dispose(&index);
    return ok;
}

dbk_status dbk_manifest_decode(const void *data, size_t size, uint64_t epoch, dbk_manifest **out,
                               dbk_error *err)
{
    if (size < sizeof(magic) + 8 || memcmp(data, magic, sizeof(magic)) != 0)
        return dbk_fail(err, DBK_CORRUPT, "the file does not begin as a manifest");
    dbk_reader tail = dbk_reader_init((const uint8_t *)data + size - 8, 8);
    if (dbk_checksum(data, size - 8) != dbk_read_u64(&tail))
        return dbk_fail(err, DBK_CORRUPT, "the checksum at its end is wrong");
    dbk_manifest *m = dbk_manifest_create();
    if (!m)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory reading a manifest");
    dbk_reader r = dbk_reader_init(data, size - 8);
    (void)dbk_read_bytes(&r, sizeof(magic));
    uint32_t version = dbk_read_u32(&r);
    uint32_t reserved = dbk_read_u32(&r);
    m->epoch = dbk_read_u64(&r);
    m->number = dbk_read_u64(&r);
    m->next_segment_id = dbk_read_u64(&r);
    m->log.sequence = dbk_read_u64(&r);
    m->log.file_id = dbk_read_u64(&r);
    m->log.offset = dbk_read_u64(&r);
    m->log.group = dbk_read_u64(&r);
    m->state_size = dbk_read_u64(&r);
    m->state_checksum = dbk_read_u64(&r);
    dbk_status status = DBK_OK;
    if (version != MANIFEST_VERSION)
        status = dbk_fail(err, DBK_CORRUPT, "it has version %u; this Daybook reads version %d", version,
                          MANIFEST_VERSION);
    else if (reserved != 0 || m->epoch != epoch || m->log.offset % DBK_IO_BLOCK ||
             m->log.offset < DBK_IO_BLOCK || m->log.group == 0 || m->log.file_id == 0 ||
             !decode_fields(m, &r) || !words_join(m) || !segment_ids_are_unique(m))
        status = dbk_fail(err, DBK_CORRUPT, "it has impossible values near offset %zu", r.at);
    if (status != DBK_OK && m->memory_failed)
        status = dbk_fail(err, DBK_NO_MEMORY, "out of memory reading a manifest");
    if (status != DBK_OK) {
        dbk_manifest_destroy(m);
        return status;
    }
    *out = m;
    return DBK_OK;
}

// ---- Index by segment id ----

static int by_id(const void *a, const void *b)
{
    uint64_t x = (*(const dbk_manifest_slot *const *)a)->id, y = (*(const dbk_manifest_slot *const *)b)->id;
    return (x > y) - (x < y);
}

dbk_status dbk_manifest_index_build(dbk_manifest_index *index, const dbk_manifest *m, dbk_error *err)
{
    size_t slots = 0;
    for (uint32_t t = 0; t < m->tenants_count; t++)
        for (int i = 0; i < m->tenants[t].tables_count; i++)
            slots += m->tenants[t].tables[i].slots_count;
    index->count = 0;
    index->slots = malloc((slots ? slots : 1) * sizeof(const dbk_manifest_slot *));
    if (!index->slots)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory listing %zu segments", slots);
    for (uint32_t t = 0; t < m->tenants_count; t++)
        for (int i = 0; i < m->tenants[t].tables_count; i++) {
            const dbk_manifest_table *table = &m->tenants[t].tables[i];
            for (uint32_t s = 0; s < table->slots_count; s++)
                if (table->slots[s].present)
                    index->slots[index->count++] = &table->slots[s];
        }
    qsort(index->slots, index->count, sizeof(const dbk_manifest_slot *), by_id);
    return DBK_OK;
}

const dbk_manifest_slot *dbk_manifest_index_find(const dbk_manifest_index *index, uint64_t id)
{
    size_t low = 0, high = index->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (index->slots[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < index->count && index->slots[low]->id == id ? index->slots[low] : NULL;
}

void dbk_manifest_index_dispose(dbk_manifest_index *index)
{
    free(index->slots);
    memset(index, 0, sizeof(*index));
}
