// SPDX-License-Identifier: Apache-2.0
// Entries are scattered to the partitions first and put into tables then: 4,096 places that are written to in
// turn stay in the second-level cache as one line each, and so does a partition while it is filled, where an
// index of a gigabyte would answer every key with a miss to memory.
#include "engine/table/key_make.h"

#include "engine/base/hash.h"
#include "engine/base/pool.h"
#include "engine/base/processors.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>

// A chunk is aligned to its size, so that an address alone says whether it is full.
enum { CHUNK_BYTES = 512, CHUNK_ENTRIES = CHUNK_BYTES / 8 - 1 };
enum { BLOCK_BYTES = 1 << 20, PARTS_FOR_HELP = 2 };

typedef struct chunk {
    struct chunk *older;
    uint64_t entries[CHUNK_ENTRIES];
} chunk;
_Static_assert(sizeof(chunk) == CHUNK_BYTES, "a chunk is as large as its alignment");

typedef struct block {
    struct block *next;
    chunk *chunks;
    size_t bytes;
} block;

// What one thread scatters, and what it compares with.
typedef struct scatter {
    uint64_t **at;    // by partition: where its next entry goes
    uint32_t *counts; // by partition: entries in full chunks and in the newest as if it were full
    block *blocks;
    uint32_t chunks_left; // of the newest block
    dbk_text_scratch ids;
    dbk_text_cursor cursors[2];
} scatter;

typedef struct maker {
    dbk_table *table;
    dbk_key_directory *directory;
    uint32_t partitions;
    scatter scatters[DBK_POOL_MAX];
    _Atomic uint32_t next_slot, next_partition;
    _Atomic int status; // the first failure; DBK_INVALID: `twins` have one id
    dbk_error read;     // why ids could not be read, when that is it
    _Atomic(uint64_t) twins[2];
    _Atomic uint64_t entries;
} maker;

static void fail(maker *m, dbk_status status)
{
    int none = DBK_OK;
    atomic_compare_exchange_strong(&m->status, &none, (int)status);
}

// Ids that did not come back from disk, or memory to decode them in.
static void fail_read(maker *m, dbk_status status)
{
    int none = DBK_OK;
    if (atomic_compare_exchange_strong(&m->status, &none, (int)status))
        (void)dbk_fail(&m->read, status, "%s", dbk_segment_read_failure(status));
}

static bool goes_on(const maker *m)
{
    return atomic_load_explicit(&m->status, memory_order_relaxed) == DBK_OK;
}

// ---- Scattering ----

static bool block_add(maker *m, scatter *s)
{
    dbk_memory *memory = &dbk_table_versions(m->table)->memory;
    block *b = malloc(sizeof *b);
    // A small table needs a chunk for each partition, a large one many.
    size_t bytes = m->partitions == 1 && m->table->rows < BLOCK_BYTES / 64 ? BLOCK_BYTES / 64 : BLOCK_BYTES;
    // Mapped, so that all of it is the system's again afterwards: the C library would keep it between the
    // tables of the index that are made meanwhile.
    void *chunks =
        b ? mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : MAP_FAILED;
    if (chunks == MAP_FAILED) {
        free(b);
        return false;
    }
    dbk_memory_add(memory, bytes);
    *b = (block){.next = s->blocks, .chunks = chunks, .bytes = bytes};
    s->blocks = b;
    s->chunks_left = (uint32_t)(bytes / CHUNK_BYTES);
    return true;
}

static bool chunk_add(maker *m, scatter *s, uint32_t partition)
{
    if (s->chunks_left == 0 && !block_add(m, s))
        return false;
    chunk *c = &s->blocks->chunks[--s->chunks_left];
    uint64_t *at = s->at[partition];
    c->older = at ? (chunk *)(void *)((uint8_t *)at - CHUNK_BYTES) : NULL;
    s->at[partition] = c->entries;
    s->counts[partition] += CHUNK_ENTRIES;
    return true;
}

static bool scatter_create(maker *m, scatter *s)
{
    if (s->at)
        return true;
    s->at = calloc(m->partitions, sizeof *s->at);
    s->counts = calloc(m->partitions, sizeof *s->counts);
    return s->at && s->counts;
}

static void scatter_dispose(maker *m, scatter *s)
{
    while (s->blocks) {
        block *next = s->blocks->next;
        dbk_memory_subtract(&dbk_table_versions(m->table)->memory, s->blocks->bytes);
        munmap(s->blocks->chunks, s->blocks->bytes);
        free(s->blocks);
        s->blocks = next;
    }
    free(s->at);
    free(s->counts);
    dbk_text_scratch_dispose(&s->ids);
    for (int i = 0; i < 2; i++)
        dbk_text_scratch_dispose(&s->cursors[i].scratch);
}

static dbk_status vector_scatter(maker *m, scatter *s, uint32_t slot, uint32_t vector)
{
    const dbk_part *part = dbk_table_part(m->table, slot);
    uint32_t start = vector * DBK_VECTOR_ROWS, left = part->rows - start;
    uint32_t n = left < DBK_VECTOR_ROWS ? left : DBK_VECTOR_ROWS;
    const dbk_text *ids;
    DBK_TRY(dbk_part_texts(part, m->table->def->key_column, vector, &s->ids, &ids));
    for (uint32_t i = 0; i < n; i++) {
        if (dbk_part_is_dead(part, start + i))
            continue;
        uint64_t hash = dbk_hash_bytes(ids[i].data, ids[i].length);
        uint32_t partition = dbk_key_partition(hash, m->partitions);
        uint64_t *at = s->at[partition];
        if (((uintptr_t)at & (CHUNK_BYTES - 1)) == 0) {
            if (!chunk_add(m, s, partition))
                return DBK_NO_MEMORY;
            at = s->at[partition];
        }
        *at = dbk_key_entry(hash, dbk_place_make(slot, start + i));
        s->at[partition] = at + 1;
    }
    return DBK_OK;
}

static void parts_scatter(void *user, int worker)
{
    maker *m = user;
    scatter *s = &m->scatters[worker];
    if (!scatter_create(m, s)) {
        fail(m, DBK_NO_MEMORY);
        return;
    }
    uint32_t slot;
    while (goes_on(m) && (slot = atomic_fetch_add(&m->next_slot, 1)) < m->table->slots) {
        const dbk_part *part = dbk_table_part(m->table, slot);
        dbk_status status = DBK_OK;
        if (atomic_load_explicit(&m->table->tenant->db->keys.stop, memory_order_relaxed))
            status = DBK_CANCELLED;
        for (uint32_t v = 0; part->rows > part->dead_rows && v * DBK_VECTOR_ROWS < part->rows; v++)
            if (status == DBK_OK)
                status = vector_scatter(m, s, slot, v);
        if (status != DBK_OK)
            fail_read(m, status);
    }
}

// ---- Filling ----

typedef struct comparer {
    maker *maker;
    scatter *scatter;
} comparer;

static bool is_same(void *user, dbk_place a, dbk_place b)
{
    comparer *c = user;
    const dbk_place places[2] = {a, b};
    dbk_text ids[2];
    for (int i = 0; i < 2; i++) {
        const dbk_part *part = dbk_table_part(c->maker->table, dbk_place_slot(places[i]));
        dbk_status status = dbk_part_text_at(part, c->maker->table->def->key_column, dbk_place_row(places[i]),
                                             &c->scatter->cursors[i], &ids[i]);
        if (status != DBK_OK) {
            fail_read(c->maker, status);
            return true;
        }
    }
    if (!dbk_text_equal(ids[0], ids[1]))
        return false;
    atomic_store(&c->maker->twins[0], a);
    atomic_store(&c->maker->twins[1], b);
    fail(c->maker, DBK_INVALID);
    return true;
}

static uint32_t newest_count(const uint64_t *at)
{
    uint32_t used = (uint32_t)((uintptr_t)at & (CHUNK_BYTES - 1)) / 8;
    return used ? used - 1 : CHUNK_ENTRIES;
}

static uint32_t partition_count(const maker *m, uint32_t partition)
{
    uint32_t count = 0;
    for (int w = 0; w < DBK_POOL_MAX; w++) {
        const scatter *s = &m->scatters[w];
        if (s->at && s->at[partition])
            count += s->counts[partition] - CHUNK_ENTRIES + newest_count(s->at[partition]);
    }
    return count;
}

static void partition_fill(maker *m, scatter *mine, uint32_t partition)
{
    comparer c = {m, mine};
    uint32_t count = partition_count(m, partition);
    if (count == 0)
        return;
    dbk_key_table *table =
        dbk_key_directory_make(m->directory, dbk_table_versions(m->table), partition, count);
    if (!table) {
        fail(m, DBK_NO_MEMORY);
        return;
    }
    for (int w = 0; w < DBK_POOL_MAX; w++) {
        uint64_t *at = m->scatters[w].at ? m->scatters[w].at[partition] : NULL;
        if (!at)
            continue;
        uint32_t n = newest_count(at);
        const chunk *piece = (const chunk *)(const void *)(at - n - 1);
        for (; piece; piece = piece->older, n = CHUNK_ENTRIES) {
            for (int line = 0; piece->older && line < CHUNK_BYTES; line += 64)
                __builtin_prefetch((const uint8_t *)piece->older + line);
            if (!dbk_key_table_fill(table, piece->entries, n, is_same, &c))
                return;
        }
    }
    atomic_fetch_add(&m->entries, count);
}

static void partitions_fill(void *user, int worker)
{
    maker *m = user;
    uint32_t partition;
    while (goes_on(m) && (partition = atomic_fetch_add(&m->next_partition, 1)) < m->partitions) {
        if (atomic_load_explicit(&m->table->tenant->db->keys.stop, memory_order_relaxed))
            fail(m, DBK_CANCELLED);
        else
            partition_fill(m, &m->scatters[worker], partition);
    }
}

// ---- A table ----

static uint64_t segment_at(const dbk_table *table, dbk_place place)
{
    const dbk_part *part = dbk_table_part(table, dbk_place_slot(place));
    return part->sealed ? dbk_segment_id(part->sealed->segment) : 0;
}

static dbk_status story(const maker *m, dbk_status status, dbk_error *err)
{
    const char *name = m->table->def->name;
    if (status == DBK_NO_MEMORY)
        return dbk_fail(err, status, "memory is out while making the key index of %s", name);
    if (status == DBK_CANCELLED)
        return dbk_fail(err, status, "the key index of %s was not made: the database is being closed", name);
    if (status != DBK_INVALID)
        return dbk_fail(err, status, "the key index of %s cannot be made: %.400s", name, m->read.message);
    return dbk_fail(err, DBK_CORRUPT,
                    "%s: an id lives twice, in segment %" PRIu64 " and in segment %" PRIu64
                    " (0: rows not in one yet); restore the directory from a backup",
                    name, segment_at(m->table, atomic_load(&m->twins[0])),
                    segment_at(m->table, atomic_load(&m->twins[1])));
}

static dbk_status table_make(dbk_table *table, dbk_error *err)
{
    maker *m = calloc(1, sizeof *m);
    if (!m)
        return dbk_fail(err, DBK_NO_MEMORY, "memory is out while making a key index");
    m->table = table;
    m->partitions = dbk_key_partitions(table->rows);
    m->directory = dbk_key_directory_create(dbk_table_versions(table), m->partitions);
    if (!m->directory)
        fail(m, DBK_NO_MEMORY);
    dbk_haste *haste = &table->tenant->db->haste;
    int threads = table->slots < PARTS_FOR_HELP ? 1 : dbk_processors(DBK_POOL_WORTH);
    if (goes_on(m))
        dbk_pool_run_behind(threads, parts_scatter, m, haste);
    if (goes_on(m))
        dbk_pool_run_behind(m->partitions == 1 ? 1 : threads, partitions_fill, m, haste);
    dbk_status status = (dbk_status)atomic_load(&m->status);
    if (status == DBK_OK)
        dbk_key_index_adopt(&table->index, m->directory, atomic_load(&m->entries));
    else
        dbk_key_directory_destroy(m->directory);
    for (int w = 0; w < DBK_POOL_MAX; w++)
        scatter_dispose(m, &m->scatters[w]);
    status = status == DBK_OK ? status : story(m, status, err);
    free(m);
    return status;
}

// ---- Who needs them ----

void dbk_table_keys_expect(dbk_table *table)
{
    atomic_store(&table->keyless, true);
}

static void tell(dbk_db *db, dbk_table *made, bool over)
{
    pthread_mutex_lock(&db->keys.lock);
    if (made)
        atomic_store_explicit(&made->keyless, false, memory_order_release);
    db->keys.over = db->keys.over || over;
    pthread_cond_broadcast(&db->keys.changed);
    pthread_mutex_unlock(&db->keys.lock);
}

static dbk_status need(dbk_table *table, dbk_error *err)
{
    if (!atomic_load_explicit(&table->keyless, memory_order_relaxed))
        return DBK_OK;
    DBK_TRY(table_make(table, err));
    tell(table->tenant->db, table, false);
    return DBK_OK;
}

dbk_status dbk_table_keys_need(dbk_table *table)
{
    return need(table, &table->tenant->db->keys.failure);
}

dbk_status dbk_db_make_keys(dbk_db *db, dbk_error *err)
{
    dbk_status status = DBK_OK;
    for (uint32_t t = 0; t < db->tenants_count && status == DBK_OK; t++)
        for (int id = 1; id < DBK_TABLE_END && status == DBK_OK; id++)
            if (db->tenants[t]->tables[id])
                status = need(db->tenants[t]->tables[id], err);
    db->keys.wait = false;
    tell(db, NULL, status != DBK_OK);
    return status;
}

void dbk_db_put_off_keys(dbk_db *db)
{
    db->keys.wait = true;
}

void dbk_db_give_way(dbk_db *db)
{
    atomic_store(&db->haste.is_made, false);
}

void dbk_db_hurry(dbk_db *db)
{
    dbk_haste_make(&db->haste);
}

void dbk_db_stop_making_keys(dbk_db *db)
{
    atomic_store(&db->keys.stop, true);
    dbk_haste_make(&db->haste);
}

bool dbk_table_keys_wait(const dbk_table *table)
{
    dbk_keys_making *keys = &table->tenant->db->keys;
    dbk_db_hurry(table->tenant->db);
    pthread_mutex_lock(&keys->lock);
    while (atomic_load_explicit(&table->keyless, memory_order_relaxed) && !keys->over)
        pthread_cond_wait(&keys->changed, &keys->lock);
    bool there = !atomic_load_explicit(&table->keyless, memory_order_relaxed);
    pthread_mutex_unlock(&keys->lock);
    return there;
}
