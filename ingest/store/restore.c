// SPDX-License-Identifier: Apache-2.0
// A ring of segments between the caller's thread, which reads and restores, and the threads that prepare.
#include "ingest/store/restore.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/hash.h"
#include "engine/image.h"
#include "ingest/store/state.h"

enum { THREADS_MAX = 8, AHEAD = 3 /* segments for each thread */, RING = AHEAD * THREADS_MAX };

typedef struct restorer restorer;

typedef struct item {
    restorer *restorer;
    const dbk_manifest_tenant *tenant;
    const dbk_manifest_table *table;
    uint32_t index; // of the slot
    void *bytes;    // of the file, until the segment has them
    size_t size;
    uint64_t dead[DBK_SEGMENT_ROWS / 64];
    bool has_dead, ready;
    dbk_image_prepared *prepared;
    dbk_status status;
    dbk_error error;
} item;

struct restorer {
    dbk_io *io;
    const dbk_manifest *manifest;
    const void *state;
    dbk_db *db;
    dbk_cold *cold; // texts stay on disk; NULL: they come, too
    pthread_mutex_t lock;
    pthread_cond_t changed; // `ready` of an item, or the counts
    uint64_t filled, taken, emptied;
    bool stopping;
    int threads; // 0: everything is done by the caller's
    uint64_t ring_size;
    item ring[RING];
};

// ---- Any thread ----

static dbk_status verify(const void *bytes, size_t got, uint64_t size, uint64_t checksum, dbk_error *err)
{
    if (got != size)
        return dbk_fail(err, DBK_CORRUPT,
                        "the file has %zu bytes instead of %" PRIu64 "; restore it from a backup", got, size);
    if (dbk_checksum(bytes, got) != checksum)
        return dbk_fail(err, DBK_CORRUPT,
                        "the checksum of its %zu bytes is not the manifest's; restore it from a backup", got);
    return DBK_OK;
}

static dbk_status open_segment(item *it, dbk_segment **out, dbk_error *err)
{
    const dbk_manifest_slot *slot = &it->table->slots[it->index];
    if (it->restorer->cold) {
        DBK_TRY(dbk_segment_open_cold(it->restorer->cold, slot->id, slot->size, out, err));
    } else {
        DBK_TRY(verify(it->bytes, it->size, slot->size, slot->checksum, err));
        DBK_TRY(dbk_segment_open(it->bytes, it->size, out, err));
        it->bytes = NULL;
    }
    if (dbk_segment_id(*out) == slot->id && dbk_segment_rows(*out) == slot->rows &&
        dbk_segment_table(*out)->id == it->table->id)
        return DBK_OK;
    dbk_segment_free(*out);
    return dbk_fail(err, DBK_CORRUPT, "it is another segment than the manifest names");
}

static dbk_status blame(const item *it, dbk_status status, dbk_error *err)
{
    uint64_t id = it->table->slots[it->index].id;
    return status == DBK_OK ? DBK_OK : dbk_file_blame(DBK_FILE_SEGMENT, id, status, err);
}

static void prepare(item *it)
{
    dbk_segment *segment;
    if (it->status != DBK_OK)
        return;
    it->status = open_segment(it, &segment, &it->error);
    if (it->status == DBK_OK)
        it->status =
            dbk_image_prepare_segment(segment, it->has_dead ? it->dead : NULL, &it->prepared, &it->error);
    blame(it, it->status, &it->error);
}

static void *run_worker(void *user)
{
    restorer *r = user;
    pthread_mutex_lock(&r->lock);
    for (;;) {
        while (r->taken == r->filled && !r->stopping)
            pthread_cond_wait(&r->changed, &r->lock);
        if (r->taken == r->filled)
            break;
        item *it = &r->ring[r->taken++ % r->ring_size];
        pthread_mutex_unlock(&r->lock);
        prepare(it);
        pthread_mutex_lock(&r->lock);
        it->ready = true;
        pthread_cond_broadcast(&r->changed);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

// ---- The caller's thread ----

dbk_status dbk_restore_read(dbk_io *io, dbk_file_kind kind, uint64_t number, uint64_t size, uint64_t checksum,
                            void **out, dbk_error *err)
{
    size_t got;
    DBK_TRY(dbk_file_read_named(io, kind, number, DBK_SEGMENT_SLACK, out, &got, err));
    dbk_status status = verify(*out, got, size, checksum, err);
    if (status == DBK_OK)
        return DBK_OK;
    free(*out);
    return dbk_file_blame(kind, number, status, err);
}

// A failure to read is the item's, so that the first one in the order of the manifest is told.
static void fill(restorer *r, const dbk_manifest_tenant *tenant, const dbk_manifest_table *table,
                 uint32_t index)
{
    item *it = &r->ring[r->filled % r->ring_size];
    const dbk_manifest_slot *slot = &table->slots[index];
    it->restorer = r;
    it->tenant = tenant;
    it->table = table;
    it->index = index;
    it->bytes = NULL;
    it->prepared = NULL;
    it->has_dead = slot->dead_offset != 0;
    it->ready = false;
    it->status = it->has_dead ? dbk_state_read_dead(r->state, slot, it->dead, &it->error) : DBK_OK;
    if (it->status == DBK_OK && !r->cold)
        it->status = dbk_file_read_named(r->io, DBK_FILE_SEGMENT, slot->id, DBK_SEGMENT_SLACK, &it->bytes,
                                         &it->size, &it->error);
    if (r->threads == 0) {
        prepare(it);
        it->ready = true;
    }
    pthread_mutex_lock(&r->lock);
    r->filled++;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

// Restores the oldest segment of the ring; or only drops it, after a failure.
static dbk_status empty(restorer *r, bool wanted, dbk_error *err)
{
    item *it = &r->ring[r->emptied++ % r->ring_size];
    pthread_mutex_lock(&r->lock);
    while (!it->ready)
        pthread_cond_wait(&r->changed, &r->lock);
    pthread_mutex_unlock(&r->lock);
    free(it->bytes);
    if (it->status != DBK_OK && wanted && err)
        *err = it->error;
    if (it->status != DBK_OK || !wanted) {
        dbk_image_prepared_dispose(it->prepared);
        return it->status;
    }
    dbk_status status =
        dbk_image_restore_segment(r->db, it->tenant->name, it->table->id, it->index, it->prepared, err);
    return blame(it, status, err);
}

static dbk_status restore_table(restorer *r, const dbk_manifest_tenant *tenant,
                                const dbk_manifest_table *table, dbk_error *err)
{
    for (uint32_t s = 0; s < table->slots_count; s++) {
        if (!table->slots[s].present)
            continue;
        if (r->filled - r->emptied == r->ring_size)
            DBK_TRY(empty(r, true, err));
        fill(r, tenant, table, s);
    }
    return DBK_OK;
}

static dbk_status run(restorer *r, dbk_error *err)
{
    dbk_status status = DBK_OK;
    for (uint32_t t = 0; t < r->manifest->tenants_count && status == DBK_OK; t++)
        for (int i = 0; i < r->manifest->tenants[t].tables_count && status == DBK_OK; i++)
            status = restore_table(r, &r->manifest->tenants[t], &r->manifest->tenants[t].tables[i], err);
    while (r->emptied < r->filled) {
        dbk_status emptied = empty(r, status == DBK_OK, err);
        status = status == DBK_OK ? emptied : status;
    }
    return status;
}

// ---- All of it ----

static uint64_t count_segments(const dbk_manifest *manifest)
{
    uint64_t count = 0;
    for (uint32_t t = 0; t < manifest->tenants_count; t++)
        for (int i = 0; i < manifest->tenants[t].tables_count; i++)
            for (uint32_t s = 0; s < manifest->tenants[t].tables[i].slots_count; s++)
                count += manifest->tenants[t].tables[i].slots[s].present;
    return count;
}

// Whether everything would come so near to the limit that texts had to leave again at once.
static bool is_tight(const dbk_manifest *manifest, dbk_cold *cold)
{
    enum { KEY_BYTES = 12, SHARE = 4 }; // a key in the index, dead rows and the like; part of the limit
    dbk_cold_figures figures;
    uint64_t bytes = manifest->state_size;
    dbk_cold_figures_read(cold, &figures);
    for (uint32_t t = 0; t < manifest->tenants_count; t++)
        for (int i = 0; i < manifest->tenants[t].tables_count; i++) {
            const dbk_manifest_table *table = &manifest->tenants[t].tables[i];
            for (uint32_t s = 0; s < table->slots_count; s++)
                if (table->slots[s].present)
                    bytes += table->slots[s].size + (uint64_t)table->slots[s].rows * KEY_BYTES;
        }
    return bytes > figures.limit - figures.limit / SHARE;
}

// A few segments are sooner there than a thread.
static int threads_wanted(uint64_t segments)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (segments < 3 || processors < 2)
        return 0;
    return processors < THREADS_MAX ? (int)processors : THREADS_MAX;
}

dbk_status dbk_restore_segments(dbk_io *io, const dbk_manifest *manifest, const void *state, dbk_db *db,
                                dbk_error *err)
{
    pthread_t threads[THREADS_MAX];
    uint64_t segments = count_segments(manifest);
    if (segments == 0)
        return DBK_OK;
    restorer *r = calloc(1, sizeof *r);
    if (!r)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory restoring segments");
    r->io = io;
    r->manifest = manifest;
    r->state = state;
    r->db = db;
    r->cold = dbk_image_cold(db);
    if (r->cold && !is_tight(manifest, r->cold))
        r->cold = NULL;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    int wanted = threads_wanted(segments);
    while (r->threads < wanted && pthread_create(&threads[r->threads], NULL, run_worker, r) == 0)
        r->threads++;
    r->ring_size = r->threads ? (uint64_t)r->threads * AHEAD : 1;
    dbk_status status = run(r, err);
    pthread_mutex_lock(&r->lock);
    r->stopping = true;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    for (int i = 0; i < r->threads; i++)
        pthread_join(threads[i], NULL);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    free(r);
    return status;
}
