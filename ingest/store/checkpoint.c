// SPDX-License-Identifier: Apache-2.0
// The order of a checkpoint is the whole of its safety: files, each of them synced; the directory; the
// manifest, synced; the directory; and only then removals, the old manifest first.
#include "ingest/store/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/image.h"
#include "ingest/store/files.h"
#include "ingest/store/new_files.h"
#include "ingest/store/state.h"
#include "ingest/store/words.h"

typedef struct checkpoint {
    dbk_io *io;
    dbk_new_files files; // not yet synced
    const dbk_checkpoint_input *input;
    dbk_manifest_index on_disk; // segments of the previous manifest
    dbk_manifest *next;
    dbk_buffer state;
    dbk_checkpoint_figures *figures;
} checkpoint;

static dbk_status out_of_memory(dbk_error *err)
{
    return dbk_fail(err, DBK_NO_MEMORY, "out of memory during a checkpoint");
}

// ---- Segments and state ----

static dbk_status write_segment(checkpoint *c, const dbk_segment *segment, dbk_manifest_slot *slot,
                                dbk_error *err)
{
    size_t size;
    const void *bytes = dbk_segment_bytes(segment, &size);
    slot->size = size;
    slot->checksum = dbk_checksum(bytes, size);
    DBK_TRY(dbk_new_files_write(&c->files, DBK_FILE_SEGMENT, slot->id, bytes, size, c->input->again, err));
    c->figures->segments_written++;
    c->figures->bytes_written += size;
    return DBK_OK;
}

static int compare_ids(const void *a, const void *b)
{
    uint64_t x = ((const dbk_written_segment *)a)->id, y = ((const dbk_written_segment *)b)->id;
    return (x > y) - (x < y);
}

static const dbk_written_segment *find_written(const checkpoint *c, uint64_t id)
{
    const dbk_written_segment wanted = {.id = id};
    return c->input->written_count
               ? bsearch(&wanted, c->input->written, c->input->written_count, sizeof wanted, compare_ids)
               : NULL;
}

static dbk_status keep_slot(checkpoint *c, size_t tenant, dbk_table_id table, size_t index,
                            dbk_manifest_slot *slot, dbk_error *err)
{
    const dbk_segment *segment = dbk_image_segment(c->input->snapshot, tenant, table, index);
    if (!segment)
        return DBK_OK;
    slot->present = true;
    slot->id = dbk_segment_id(segment);
    slot->rows = dbk_segment_rows(segment);
    const dbk_manifest_slot *kept = dbk_manifest_index_find(&c->on_disk, slot->id);
    const dbk_written_segment *written = kept ? NULL : find_written(c, slot->id);
    if (kept) {
        slot->size = kept->size;
        slot->checksum = kept->checksum;
    } else if (written) {
        slot->size = written->size;
        slot->checksum = written->checksum;
        c->figures->segments_written++;
        c->figures->bytes_written += written->size;
    } else {
        DBK_TRY(write_segment(c, segment, slot, err));
    }
    const uint64_t *dead = dbk_image_dead(c->input->snapshot, tenant, table, index);
    if (dead)
        slot->dead_offset = dbk_state_append_dead(&c->state, dead, slot->rows);
    return DBK_OK;
}

static dbk_status keep_table(checkpoint *c, size_t tenant, dbk_table_id id, dbk_manifest_table *table,
                             dbk_error *err)
{
    const dbk_snapshot *snapshot = c->input->snapshot;
    table->id = id;
    table->slots_count = (uint32_t)dbk_image_slots(snapshot, tenant, id);
    size_t room = table->slots_count * sizeof(*table->slots);
    table->slots = dbk_arena_zalloc(&c->next->arena, room ? room : 1);
    if (!table->slots)
        return out_of_memory(err);
    for (uint32_t s = 0; s < table->slots_count; s++)
        DBK_TRY(keep_slot(c, tenant, id, s, &table->slots[s], err));
    dbk_segment *delta = NULL;
    DBK_TRY(dbk_image_delta(snapshot, tenant, id, &delta, err));
    if (delta) {
        table->delta_offset = dbk_state_append_segment(&c->state, delta, &table->delta_size);
        dbk_segment_free(delta);
    }
    return DBK_OK;
}

static dbk_status keep_tenant(checkpoint *c, size_t index, dbk_manifest_tenant *tenant, dbk_error *err)
{
    const dbk_snapshot *snapshot = c->input->snapshot;
    dbk_text name = dbk_snapshot_tenant_name(snapshot, index);
    char *copy = dbk_arena_copy(&c->next->arena, name.data, name.length);
    tenant->tables = dbk_arena_zalloc(&c->next->arena, (DBK_TABLE_END - 1) * sizeof(*tenant->tables));
    if (!copy || !tenant->tables)
        return out_of_memory(err);
    tenant->name = (dbk_text){copy, name.length};
    tenant->number = dbk_snapshot_tenant_number(snapshot, name);
    for (int id = DBK_ORDERS; id < DBK_TABLE_END; id++) {
        dbk_manifest_table *table = &tenant->tables[tenant->tables_count];
        DBK_TRY(keep_table(c, index, (dbk_table_id)id, table, err));
        if (table->slots_count || table->delta_size)
            tenant->tables_count++;
        else
            memset(table, 0, sizeof(*table));
    }
    return DBK_OK;
}

static dbk_status keep_tenants(checkpoint *c, dbk_error *err)
{
    size_t count = dbk_snapshot_tenants(c->input->snapshot);
    c->next->tenants_count = (uint32_t)count;
    c->next->tenants = dbk_arena_zalloc(&c->next->arena, (count ? count : 1) * sizeof(*c->next->tenants));
    if (!c->next->tenants)
        return out_of_memory(err);
    for (size_t t = 0; t < count; t++)
        DBK_TRY(keep_tenant(c, t, &c->next->tenants[t], err));
    if (c->state.failed)
        return out_of_memory(err);
    if (c->state.size == DBK_STATE_HEADER)
        return DBK_OK;
    c->next->state_size = c->state.size;
    c->next->state_checksum = dbk_checksum(c->state.data, c->state.size);
    c->figures->bytes_written += c->state.size;
    return dbk_new_files_write(&c->files, DBK_FILE_STATE, c->next->epoch, c->state.data, c->state.size,
                               c->input->again, err);
}

// ---- Words ----

// The tenant's index in the next manifest. Tenants are only ever added, so its old index is nearly always
// right.
static uint32_t tenant_index(const dbk_manifest *next, dbk_text name, uint32_t guess)
{
    if (guess < next->tenants_count && dbk_text_equal(next->tenants[guess].name, name))
        return guess;
    for (uint32_t t = 0; t < next->tenants_count; t++)
        if (dbk_text_equal(next->tenants[t].name, name))
            return t;
    return UINT32_MAX;
}

static uint64_t words_in(const dbk_manifest_words *words)
{
    uint64_t sum = 0;
    for (uint32_t s = 0; s < words->sections_count; s++)
        sum += words->sections[s].count;
    return sum;
}

// Words already covered by files that stay, by tenant and domain.
typedef uint32_t covered_words[DBK_DOMAIN_COUNT];

// Takes over the first `count` words files and notes what they cover.
static dbk_status keep_words_files(checkpoint *c, uint32_t count, covered_words *covered, dbk_error *err)
{
    dbk_manifest *next = c->next;
    next->words = dbk_arena_zalloc(&next->arena, (count + 1) * sizeof(*next->words));
    if (!next->words)
        return out_of_memory(err);
    next->words_count = count;
    for (uint32_t w = 0; w < count; w++) {
        const dbk_manifest_words *old = &c->input->previous->words[w];
        dbk_manifest_words *kept = &next->words[w];
        *kept = *old;
        size_t room = old->sections_count * sizeof(*old->sections);
        kept->sections = dbk_arena_alloc(&next->arena, room ? room : 1);
        if (!kept->sections)
            return out_of_memory(err);
        for (uint32_t s = 0; s < old->sections_count; s++) {
            kept->sections[s] = old->sections[s];
            uint32_t tenant = tenant_index(next, c->input->previous->tenants[old->sections[s].tenant].name,
                                           old->sections[s].tenant);
            if (tenant == UINT32_MAX)
                return dbk_fail(err, DBK_CORRUPT, "a tenant vanished between two checkpoints");
            kept->sections[s].tenant = tenant;
            covered[tenant][old->sections[s].domain] += old->sections[s].count;
        }
    }
    return DBK_OK;
}

static dbk_status write_words(checkpoint *c, const covered_words *covered, dbk_error *err)
{
    dbk_manifest *next = c->next;
    dbk_manifest_words *words = &next->words[next->words_count];
    words->epoch = next->epoch;
    size_t room = (size_t)next->tenants_count * (DBK_DOMAIN_COUNT - 1) * sizeof(*words->sections);
    words->sections = dbk_arena_alloc(&next->arena, room ? room : 1);
    if (!words->sections)
        return out_of_memory(err);
    for (uint32_t t = 0; t < next->tenants_count; t++)
        for (int d = DBK_DOMAIN_NONE + 1; d < DBK_DOMAIN_COUNT; d++) {
            uint32_t now = dbk_image_words(c->input->snapshot, t, (dbk_domain)d);
            if (now > covered[t][d])
                words->sections[words->sections_count++] = (dbk_manifest_section){
                    .tenant = t,
                    .domain = (dbk_domain)d,
                    .first = covered[t][d] + 1,
                    .count = now - covered[t][d],
                };
        }
    if (words->sections_count == 0)
        return DBK_OK;
    dbk_buffer bytes = {0};
    dbk_status status = dbk_words_encode(c->input->snapshot, next, words, &bytes, err);
    if (status == DBK_OK) {
        words->size = bytes.size;
        words->checksum = dbk_checksum(bytes.data, bytes.size);
        c->figures->bytes_written += bytes.size;
        status = dbk_new_files_write(&c->files, DBK_FILE_WORDS, words->epoch, bytes.data, bytes.size,
                                     c->input->again, err);
    }
    if (status == DBK_OK)
        next->words_count++;
    dbk_buffer_dispose(&bytes);
    return status;
}

static dbk_status keep_words(checkpoint *c, dbk_error *err)
{
    const dbk_manifest *previous = c->input->previous;
    uint64_t now = 0, stored = 0;
    for (uint32_t t = 0; t < c->next->tenants_count; t++)
        for (int d = DBK_DOMAIN_NONE + 1; d < DBK_DOMAIN_COUNT; d++)
            now += dbk_image_words(c->input->snapshot, t, (dbk_domain)d);
    for (uint32_t w = 0; w < previous->words_count; w++)
        stored += words_in(&previous->words[w]);
    uint64_t fresh = now - stored;
    uint32_t kept = previous->words_count;
    while (fresh && kept && words_in(&previous->words[kept - 1]) <= fresh)
        fresh += words_in(&previous->words[--kept]);
    covered_words *covered = calloc(c->next->tenants_count ? c->next->tenants_count : 1, sizeof(*covered));
    if (!covered)
        return out_of_memory(err);
    dbk_status status = keep_words_files(c, kept, covered, err);
    if (status == DBK_OK)
        status = write_words(c, (const covered_words *)covered, err);
    free(covered);
    return status;
}

// ---- The manifest ----

static dbk_status write_manifest(dbk_io *io, const dbk_manifest *manifest, bool again,
                                 uint64_t *bytes_written, dbk_error *err)
{
    dbk_buffer bytes = {0};
    dbk_manifest_encode(manifest, &bytes);
    dbk_status status = bytes.failed ? out_of_memory(err) : DBK_OK;
    // The files have to be findable before anything names them.
    if (status == DBK_OK)
        status = io->backend->sync_directory(io, err);
    if (status == DBK_OK)
        status =
            dbk_file_write_new(io, DBK_FILE_MANIFEST, manifest->epoch, bytes.data, bytes.size, again, err);
    if (status == DBK_OK)
        status = io->backend->sync_directory(io, err);
    *bytes_written += bytes.size;
    dbk_buffer_dispose(&bytes);
    return status;
}

dbk_status dbk_checkpoint_write(dbk_io *io, const dbk_checkpoint_input *input, dbk_manifest **out,
                                dbk_checkpoint_figures *figures, dbk_error *err)
{
    checkpoint c = {.io = io, .files.io = io, .input = input, .figures = figures};
    DBK_TRY(dbk_manifest_index_build(&c.on_disk, input->previous, err));
    c.next = dbk_manifest_create();
    dbk_status status = c.next ? DBK_OK : out_of_memory(err);
    if (status == DBK_OK) {
        c.next->epoch = input->previous->epoch + 1;
        c.next->number = dbk_snapshot_number(input->snapshot);
        c.next->next_segment_id = dbk_image_next_segment_id(input->snapshot);
        c.next->log = input->log;
        dbk_state_begin(&c.state, c.next->epoch);
        status = keep_tenants(&c, err);
    }
    if (status == DBK_OK)
        status = keep_words(&c, err);
    dbk_error why = {0};
    const dbk_status settled = dbk_new_files_settle(&c.files, &why);
    if (status == DBK_OK && settled != DBK_OK)
        status = dbk_fail(err, settled, "%s", why.message);
    if (status == DBK_OK)
        status = write_manifest(io, c.next, input->again, &figures->bytes_written, err);
    dbk_manifest_index_dispose(&c.on_disk);
    dbk_buffer_dispose(&c.state);
    if (status != DBK_OK) {
        dbk_manifest_destroy(c.next);
        return status;
    }
    dbk_image_settle(input->snapshot);
    *out = c.next;
    return DBK_OK;
}

dbk_status dbk_checkpoint_first(dbk_io *io, const dbk_log_position *log, dbk_manifest **out, dbk_error *err)
{
    dbk_manifest *first = dbk_manifest_create();
    if (!first)
        return out_of_memory(err);
    first->epoch = 1;
    first->next_segment_id = 1;
    first->log = *log;
    uint64_t ignored = 0;
    dbk_status status = write_manifest(io, first, false, &ignored, err);
    if (status != DBK_OK) {
        dbk_manifest_destroy(first);
        return status;
    }
    *out = first;
    return DBK_OK;
}

// ---- Afterwards ----

// A file that stays behind costs space, not safety: nothing names it, and the next opening removes it.
static void discard(dbk_io *io, dbk_file_kind kind, uint64_t number)
{
    (void)io->backend->remove(io, dbk_file_name_make(kind, number).text, NULL);
}

// Removes what the old manifest names, once that one is gone for good: were it to come back after a crash,
// its files would be missing. Where nothing else goes, it may come back; the next opening removes it.
typedef struct discarder {
    dbk_io *io;
    const dbk_db *db;
    dbk_segment_files *files;
    const dbk_manifest *previous;
    bool forgot;
    dbk_status status;
    dbk_error *err;
} discarder;

static bool forget(discarder *d)
{
    if (!d->forgot) {
        discard(d->io, DBK_FILE_MANIFEST, d->previous->epoch);
        d->status = d->io->backend->sync_directory(d->io, d->err);
    }
    d->forgot = true;
    return d->status == DBK_OK;
}

static void discard_named(discarder *d, dbk_file_kind kind, uint64_t number)
{
    if (forget(d))
        discard(d->io, kind, number);
}

static void discard_segment(discarder *d, uint64_t id)
{
    if (forget(d))
        dbk_segment_files_discard(d->files, dbk_image_cold(d->db), d->io, id);
}

static bool has_words_file(const dbk_manifest *manifest, uint64_t epoch)
{
    for (uint32_t w = 0; w < manifest->words_count; w++)
        if (manifest->words[w].epoch == epoch)
            return true;
    return false;
}

dbk_status dbk_checkpoint_sweep(dbk_io *io, const dbk_manifest *previous, const dbk_manifest *next,
                                const dbk_db *db, dbk_segment_files *files, dbk_error *err)
{
    dbk_manifest_index before, after;
    DBK_TRY(dbk_manifest_index_build(&before, previous, err));
    dbk_status status = dbk_manifest_index_build(&after, next, err);
    if (status != DBK_OK) {
        dbk_manifest_index_dispose(&before);
        return status;
    }
    discarder d = {.io = io, .db = db, .files = files, .previous = previous, .status = DBK_OK, .err = err};
    for (size_t i = 0; i < before.count; i++)
        if (!dbk_manifest_index_find(&after, before.slots[i]->id))
            discard_segment(&d, before.slots[i]->id);
    dbk_segment_files_tidy(files, dbk_image_cold(db), io);
    for (uint32_t w = 0; w < previous->words_count; w++)
        if (!has_words_file(next, previous->words[w].epoch))
            discard_named(&d, DBK_FILE_WORDS, previous->words[w].epoch);
    if (previous->state_size)
        discard_named(&d, DBK_FILE_STATE, previous->epoch);
    for (uint64_t s = previous->log.sequence; s < next->log.sequence; s++)
        discard_named(&d, DBK_FILE_LOG, s);
    if (!d.forgot)
        discard(io, DBK_FILE_MANIFEST, previous->epoch);
    status = d.status;
    dbk_manifest_index_dispose(&before);
    dbk_manifest_index_dispose(&after);
    return status;
}
