// SPDX-License-Identifier: Apache-2.0
// A list of segments; each thread takes the next that nobody has, the caller waits for them one by one.
#include "ingest/store/restore.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/base/pages.h"
#include "engine/base/pool.h"
#include "engine/base/processors.h"
#include "engine/image.h"
#include "engine/segment/proof.h"
#include "ingest/store/state.h"

enum { THREADS_A_PROCESSOR = 2, THREADS_MAX = 16 };
// Half of a processor's second-level cache, and what huge pages come for.
enum { WINDOW_BYTES = 1 << 20, WINDOW_ROOM = 4 << 20 };

// What a thread reads with.
typedef struct hand {
    dbk_restorer *restorer;
    dbk_io *io;
    dbk_io_window window;
    size_t room_bytes; // of the window, as it was asked for
} hand;

typedef struct item {
    const dbk_manifest_tenant *tenant;
    const dbk_manifest_table *table;
    uint32_t index; // of the slot
    bool ready;     // guarded by the lock
    void *room;     // for the bytes of its file, until they are its segment's; NULL: texts stay on disk
    dbk_image_prepared *prepared;
    dbk_status status;
    dbk_error error; // of a failure
} item;

struct dbk_restorer {
    dbk_io *io; // the caller's
    hand own;   // the caller's as well
    const void *state;
    dbk_cold *cold; // texts stay on disk; NULL: they come, too
    item *items;
    size_t count;
    uint64_t largest;    // file
    _Atomic size_t next; // that nobody has taken
    _Atomic bool stopping;
    pthread_mutex_t lock;
    pthread_cond_t arrived; // the awaited item is ready
    size_t awaited;         // by the caller; SIZE_MAX: none. Guarded by the lock
    pthread_t threads[THREADS_MAX];
    int threads_count; // 0: everything is done by the caller's
};

// ---- Any thread ----

static dbk_status verify(uint64_t sum, size_t got, uint64_t size, uint64_t checksum, dbk_error *err)
{
    if (got != size)
        return dbk_fail(err, DBK_CORRUPT,
                        "the file has %zu bytes instead of %" PRIu64 "; restore it from a backup", got, size);
    if (sum != checksum)
        return dbk_fail(err, DBK_CORRUPT,
                        "the checksum of its %zu bytes is not the manifest's; restore it from a backup", got);
    return DBK_OK;
}

// Facts are many rows, of which the first answers need few: their columns are proved when they are needed.
static dbk_status open_bytes(const dbk_manifest_table *table, void *bytes, size_t size, dbk_segment **out,
                             dbk_error *err)
{
    const dbk_table_def *def = dbk_table_def_by_id((int)table->id);
    dbk_status status = def && def->kind == DBK_FACT ? dbk_segment_open_late(bytes, size, out, err)
                                                     : dbk_segment_open(bytes, size, out, err);
    if (status != DBK_OK)
        free(bytes);
    return status;
}

// `bytes` are of the whole file, NULL when texts stay there. They are the segment's or freed.
static dbk_status open_segment(const dbk_restorer *r, const item *it, void *bytes, dbk_segment **out,
                               dbk_error *err)
{
    const dbk_manifest_slot *slot = &it->table->slots[it->index];
    if (bytes)
        DBK_TRY(open_bytes(it->table, bytes, slot->size, out, err));
    else
        DBK_TRY(dbk_segment_open_cold(r->cold, slot->id, slot->size, out, err));
    if (dbk_segment_id(*out) == slot->id && dbk_segment_rows(*out) == slot->rows &&
        dbk_segment_table(*out)->id == it->table->id)
        return DBK_OK;
    dbk_segment_free(*out);
    return dbk_fail(err, DBK_CORRUPT, "it is another segment than the manifest names");
}

typedef struct arrival {
    uint8_t *at; // in the room
    dbk_checksum_state sum;
} arrival;

// What is kept is what is summed, and both from the same copy of it.
static void take_piece(void *user, const void *bytes, size_t size)
{
    arrival *a = user;
    dbk_checksum_add(&a->sum, bytes, size);
    memcpy(a->at, bytes, size);
    a->at += size;
}

static dbk_status read_bytes(const hand *h, const item *it, dbk_error *err)
{
    const dbk_manifest_slot *slot = &it->table->slots[it->index];
    size_t size;
    if (!it->room)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory for its %" PRIu64 " bytes", slot->size);
    arrival a = {.at = it->room};
    dbk_checksum_begin(&a.sum);
    DBK_TRY(dbk_file_read_pieces(h->io, DBK_FILE_SEGMENT, slot->id, slot->size, &h->window, take_piece, &a,
                                 &size, err));
    dbk_status status = verify(dbk_checksum_end(&a.sum), size, slot->size, slot->checksum, err);
    if (status == DBK_OK)
        memset(a.at, 0, DBK_SEGMENT_SLACK);
    return status == DBK_OK ? DBK_OK : dbk_file_blame(DBK_FILE_SEGMENT, slot->id, status, err);
}

static dbk_status read_and_prepare(const hand *h, item *it, dbk_error *err)
{
    const dbk_restorer *r = h->restorer;
    const dbk_manifest_slot *slot = &it->table->slots[it->index];
    uint64_t dead[DBK_SEGMENT_ROWS / 64];
    bool has_dead = slot->dead_offset != 0;
    if (has_dead)
        DBK_TRY(dbk_state_read_dead(r->state, slot, dead, err));
    if (!r->cold)
        DBK_TRY(read_bytes(h, it, err));
    void *bytes = it->room;
    it->room = NULL;
    dbk_segment *segment;
    dbk_status status = open_segment(r, it, bytes, &segment, err);
    if (status == DBK_OK)
        status = dbk_image_prepare_segment(segment, has_dead ? dead : NULL, &it->prepared, err);
    return status == DBK_OK ? DBK_OK : dbk_file_blame(DBK_FILE_SEGMENT, slot->id, status, err);
}

static void work(hand *h, item *it)
{
    it->status = read_and_prepare(h, it, &it->error);
    if (it->status != DBK_OK)
        atomic_store(&h->restorer->stopping, true); // what comes later is not asked for any more
}

// Huge pages where files are large: they are one piece of memory to the disk.
static bool window_create(hand *h)
{
    const dbk_restorer *r = h->restorer;
    h->window.bytes =
        r->largest < DBK_SEGMENT_LARGE ? (r->largest / DBK_IO_BLOCK + 1) * DBK_IO_BLOCK : WINDOW_BYTES;
    h->room_bytes = r->largest < DBK_SEGMENT_LARGE ? h->window.bytes : WINDOW_ROOM;
    h->window.memory = r->cold ? NULL : dbk_pages_create(h->room_bytes);
    return r->cold || h->window.memory;
}

static void window_dispose(hand *h)
{
    dbk_pages_free(h->window.memory, h->room_bytes);
}

static void *run_thread(void *user)
{
    dbk_restorer *r = user;
    hand h = {.restorer = r};
    dbk_error ignored;
    // Without a window and a dbk_io of its own it can do nothing: the others, or the caller, do it.
    if (!window_create(&h))
        return NULL;
    size_t i;
    if (r->io->backend->again(r->io, &h.io, &ignored) == DBK_OK) {
        while (!atomic_load(&r->stopping) && (i = atomic_fetch_add(&r->next, 1)) < r->count) {
            work(&h, &r->items[i]);
            pthread_mutex_lock(&r->lock);
            r->items[i].ready = true;
            const bool is_awaited = r->awaited == i;
            pthread_mutex_unlock(&r->lock);
            if (is_awaited)
                pthread_cond_signal(&r->arrived);
        }
        dbk_io_close(h.io);
    }
    window_dispose(&h);
    return NULL;
}

// ---- The caller's thread ----

dbk_status dbk_restore_read(dbk_io *io, dbk_file_kind kind, uint64_t number, uint64_t size, uint64_t checksum,
                            void **out, dbk_error *err)
{
    size_t got;
    DBK_TRY(dbk_file_read_named(io, kind, number, DBK_SEGMENT_SLACK, out, &got, err));
    dbk_status status = verify(got == size ? dbk_checksum(*out, got) : 0, got, size, checksum, err);
    if (status == DBK_OK)
        return DBK_OK;
    free(*out);
    *out = NULL;
    return dbk_file_blame(kind, number, status, err);
}

static void list_items(dbk_restorer *r, const dbk_manifest *manifest)
{
    for (uint32_t t = 0; t < manifest->tenants_count; t++)
        for (int i = 0; i < manifest->tenants[t].tables_count; i++) {
            const dbk_manifest_table *table = &manifest->tenants[t].tables[i];
            for (uint32_t s = 0; s < table->slots_count; s++)
                if (table->slots[s].present)
                    r->items[r->count++] =
                        (item){.tenant = &manifest->tenants[t], .table = table, .index = s};
        }
}

// Room for all files, before any thread reads: who asks the system for memory and who has it filled in wait
// for each other, and every file that is read past the page cache is filled in as a whole.
static void make_rooms(dbk_restorer *r)
{
    for (size_t i = 0; i < r->count; i++) {
        const uint64_t size = r->items[i].table->slots[r->items[i].index].size;
        r->items[i].room = dbk_io_room_create(size, DBK_SEGMENT_SLACK);
        r->largest = size > r->largest ? size : r->largest;
    }
}

static size_t count_segments(const dbk_manifest *manifest)
{
    size_t count = 0;
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
static int threads_wanted(const dbk_restorer *r)
{
    int wanted = dbk_processors(DBK_POOL_WORTH) * THREADS_A_PROCESSOR;
    if (r->count < 3 || !r->io->backend->again)
        return 0;
    wanted = wanted < THREADS_MAX ? wanted : THREADS_MAX;
    return (size_t)wanted < r->count ? wanted : (int)r->count;
}

dbk_status dbk_restore_begin(dbk_restorer **out, dbk_io *io, const dbk_manifest *manifest, const void *state,
                             dbk_cold *cold, dbk_error *err)
{
    size_t count = count_segments(manifest);
    dbk_restorer *r = calloc(1, sizeof(*r));
    item *items = calloc(count ? count : 1, sizeof(*items));
    if (!r || !items) {
        free(r);
        free(items);
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory restoring segments");
    }
    r->io = io;
    r->state = state;
    r->cold = cold && is_tight(manifest, cold) ? cold : NULL;
    r->items = items;
    r->awaited = SIZE_MAX;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->arrived, NULL);
    list_items(r, manifest);
    if (!r->cold)
        make_rooms(r);
    r->own = (hand){.restorer = r, .io = io};
    if (!window_create(&r->own)) {
        (void)dbk_restore_end(r, NULL, NULL);
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory restoring segments");
    }
    int wanted = threads_wanted(r);
    while (r->threads_count < wanted &&
           pthread_create(&r->threads[r->threads_count], NULL, run_thread, r) == 0)
        r->threads_count++;
    *out = r;
    return DBK_OK;
}

// Makes the item ready: by waiting for the thread that has it, or here.
static void obtain(dbk_restorer *r, size_t index)
{
    item *it = &r->items[index];
    size_t next = index; // nobody has it yet: rather than wait, the caller helps
    if (atomic_compare_exchange_strong(&r->next, &next, index + 1)) {
        work(&r->own, it);
        it->ready = true;
        return;
    }
    pthread_mutex_lock(&r->lock);
    r->awaited = index;
    while (!it->ready)
        pthread_cond_wait(&r->arrived, &r->lock);
    r->awaited = SIZE_MAX;
    pthread_mutex_unlock(&r->lock);
}

static dbk_status restore(dbk_db *db, item *it, dbk_error *err)
{
    if (it->status != DBK_OK) {
        if (err)
            *err = it->error;
        return it->status;
    }
    dbk_image_prepared *prepared = it->prepared;
    it->prepared = NULL;
    dbk_status status =
        dbk_image_restore_segment(db, it->tenant->name, it->table->id, it->index, prepared, err);
    return status == DBK_OK ? DBK_OK
                            : dbk_file_blame(DBK_FILE_SEGMENT, it->table->slots[it->index].id, status, err);
}

dbk_status dbk_restore_end(dbk_restorer *r, dbk_db *db, dbk_error *err)
{
    dbk_status status = DBK_OK;
    for (size_t i = 0; db && i < r->count && status == DBK_OK; i++) {
        obtain(r, i);
        status = restore(db, &r->items[i], err);
    }
    atomic_store(&r->stopping, true);
    for (int i = 0; i < r->threads_count; i++)
        pthread_join(r->threads[i], NULL);
    for (size_t i = 0; i < r->count; i++) {
        dbk_image_prepared_dispose(r->items[i].prepared);
        free(r->items[i].room);
    }
    pthread_cond_destroy(&r->arrived);
    pthread_mutex_destroy(&r->lock);
    window_dispose(&r->own);
    free(r->items);
    free(r);
    return status;
}
