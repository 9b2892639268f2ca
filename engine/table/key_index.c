// SPDX-License-Identifier: Apache-2.0
// The key index of facts.
#include "engine/table/key_index.h"

#include <assert.h>

enum { PARTITIONS = 4096, SPLIT_ENTRIES = 1 << 18, TABLE_FIRST = 16, DOUBLE_BELOW = 64 };

#define ENTRY_FREE 0ull
#define TOMBSTONE  UINT64_MAX

struct dbk_key_table {
    dbk_object object;
    uint32_t capacity;
    uint32_t used;     // entries and tombstones; the writer's, like the next two
    uint32_t live;     // entries
    uint32_t reserved; // asked for by the reservation being made
    _Atomic uint64_t entries[];
};

struct dbk_key_directory {
    dbk_object object;
    uint32_t partitions; // a power of two
    _Atomic(dbk_key_table *) tables[];
};

// Directory and tables are root pointers of the epoch protocol: readers load them sequentially consistent, as
// the writer replaces them, since a weaker load could fall before the claim of the epoch's slot.
static dbk_key_directory *directory_of(const dbk_key_index *index)
{
    return atomic_load(&index->directory);
}

static _Atomic(dbk_key_table *) *table_at(dbk_key_directory *directory, uint64_t hash)
{
    return &directory->tables[hash & (directory->partitions - 1)];
}

static uint32_t home(const dbk_key_table *table, uint64_t tag)
{
    return (uint32_t)(tag * table->capacity >> 24);
}

static uint32_t following(const dbk_key_table *table, uint32_t at)
{
    return at + 1 == table->capacity ? 0 : at + 1;
}

void dbk_key_directory_destroy(dbk_key_directory *directory)
{
    for (uint32_t i = 0; directory && i < directory->partitions; i++) {
        dbk_key_table *table = atomic_load_explicit(&directory->tables[i], memory_order_relaxed);
        if (table)
            dbk_object_free(&table->object);
    }
    if (directory)
        dbk_object_free(&directory->object);
}

void dbk_key_index_dispose(dbk_key_index *index)
{
    dbk_key_directory_destroy(directory_of(index));
    *index = (dbk_key_index){.versions = index->versions};
}

uint64_t dbk_key_index_memory(const dbk_key_index *index)
{
    const dbk_key_directory *directory = directory_of(index);
    uint64_t bytes = directory ? directory->object.bytes : 0;
    for (uint32_t i = 0; directory && i < directory->partitions; i++) {
        const dbk_key_table *table = atomic_load_explicit(&directory->tables[i], memory_order_relaxed);
        bytes += table ? table->object.bytes : 0;
    }
    return bytes;
}

// ---- Probing ----

dbk_key_probe dbk_key_probe_begin(const dbk_key_index *index, uint64_t hash)
{
    dbk_key_probe probe = {.tag = dbk_key_tag(hash)};
    dbk_key_directory *directory = directory_of(index);
    probe.table = directory ? atomic_load(table_at(directory, hash)) : NULL;
    if (probe.table) {
        probe.at = home(probe.table, probe.tag);
        probe.left = probe.table->capacity;
    }
    return probe;
}

bool dbk_key_probe_next(dbk_key_probe *probe)
{
    dbk_key_table *table = probe->table;
    for (; probe->left > 0; probe->left--) {
        _Atomic uint64_t *at = &table->entries[probe->at];
        uint64_t entry = atomic_load_explicit(at, memory_order_acquire);
        if (entry == ENTRY_FREE) {
            probe->entry = at;
            return false;
        }
        probe->at = following(table, probe->at);
        if (entry >> DBK_PLACE_BITS == probe->tag) {
            probe->left--;
            probe->entry = at;
            probe->place = dbk_entry_place(entry);
            return true;
        }
    }
    probe->entry = NULL;
    return false;
}

void dbk_key_index_prefetch(const dbk_key_index *index, uint64_t hash)
{
    dbk_key_probe probe = dbk_key_probe_begin(index, hash);
    if (probe.table)
        __builtin_prefetch((const void *)&probe.table->entries[probe.at]);
}

// ---- Growing ----

static bool is_full(const dbk_key_table *table, uint64_t used)
{
    return used * 100 > (uint64_t)table->capacity * 85;
}

static uint64_t grown_capacity(const dbk_key_table *old, uint64_t live)
{
    uint64_t capacity = old ? old->capacity : TABLE_FIRST;
    while (live * 100 > capacity * 80)
        capacity = capacity < DOUBLE_BELOW ? capacity * 2 : capacity + capacity / 4;
    return capacity;
}

static void table_put(dbk_key_table *table, uint32_t at, uint64_t entry, memory_order order)
{
    for (;; at = following(table, at)) {
        uint64_t there = atomic_load_explicit(&table->entries[at], memory_order_relaxed);
        if (there == ENTRY_FREE)
            table->used++;
        if (there == ENTRY_FREE || there == TOMBSTONE)
            break;
    }
    table->live++;
    atomic_store_explicit(&table->entries[at], entry, order);
}

// Puts a table with room for so many entries in the place of *at.
static bool table_grow(dbk_key_index *index, _Atomic(dbk_key_table *) *at, uint64_t live)
{
    dbk_key_table *old = atomic_load_explicit(at, memory_order_relaxed);
    uint64_t capacity = grown_capacity(old, live);
    if (capacity > UINT32_MAX)
        return false;
    dbk_key_table *table = dbk_versions_create(
        index->versions, sizeof *table + (size_t)capacity * sizeof table->entries[0], NULL);
    if (!table)
        return false;
    table->capacity = (uint32_t)capacity;
    table->reserved = old ? old->reserved : 0;
    for (uint32_t i = 0; old && i < old->capacity; i++) {
        uint64_t entry = atomic_load_explicit(&old->entries[i], memory_order_relaxed);
        if (entry != ENTRY_FREE && entry != TOMBSTONE)
            table_put(table, home(table, entry >> DBK_PLACE_BITS), entry, memory_order_relaxed);
    }
    // Sequentially consistent: the epoch protocol asks it of everything that replaces a root pointer.
    atomic_store(at, table);
    if (old)
        dbk_epoch_retire(&index->versions->epoch, &old->object);
    return true;
}

dbk_key_directory *dbk_key_directory_create(dbk_versions *versions, uint32_t partitions)
{
    dbk_key_directory *directory =
        dbk_versions_create(versions, sizeof *directory + partitions * sizeof directory->tables[0], NULL);
    if (directory)
        directory->partitions = partitions;
    return directory;
}

bool dbk_key_index_wants_split(const dbk_key_index *index, size_t more)
{
    const dbk_key_directory *directory = directory_of(index);
    return directory && directory->partitions == 1 && index->entries + more > SPLIT_ENTRIES;
}

bool dbk_key_index_split(dbk_key_index *fresh)
{
    dbk_key_directory *directory = dbk_key_directory_create(fresh->versions, PARTITIONS);
    atomic_store(&fresh->directory, directory);
    return directory != NULL;
}

void dbk_key_index_replace(dbk_key_index *index, dbk_key_index *fresh)
{
    dbk_key_directory *old = directory_of(index);
    atomic_store(&index->directory, directory_of(fresh));
    index->entries = fresh->entries;
    *fresh = (dbk_key_index){.versions = fresh->versions};
    for (uint32_t i = 0; old && i < old->partitions; i++) {
        dbk_key_table *table = atomic_load_explicit(&old->tables[i], memory_order_relaxed);
        if (table)
            dbk_epoch_retire(&index->versions->epoch, &table->object);
    }
    if (old)
        dbk_epoch_retire(&index->versions->epoch, &old->object);
}

// Counts the hashes of each partition before any of them grows, so that one grows at most once.
static void count_reserved(dbk_key_directory *directory, const uint64_t *hashes, size_t count, bool add)
{
    for (size_t i = 0; i < count; i++) {
        dbk_key_table *table = atomic_load_explicit(table_at(directory, hashes[i]), memory_order_relaxed);
        if (table)
            table->reserved = add ? table->reserved + 1 : 0;
    }
}

bool dbk_key_index_reserve(dbk_key_index *index, const uint64_t *hashes, size_t count)
{
    if (count == 0)
        return true;
    dbk_key_directory *directory = directory_of(index);
    if (!directory) {
        directory = dbk_key_directory_create(index->versions, dbk_key_partitions(count));
        if (!directory)
            return false;
        atomic_store(&index->directory, directory);
    }
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        _Atomic(dbk_key_table *) *at = table_at(directory, hashes[i]);
        if (!atomic_load_explicit(at, memory_order_relaxed))
            ok = table_grow(index, at, 1);
    }
    if (!ok)
        return false;
    count_reserved(directory, hashes, count, true);
    for (size_t i = 0; ok && i < count; i++) {
        _Atomic(dbk_key_table *) *at = table_at(directory, hashes[i]);
        dbk_key_table *table = atomic_load_explicit(at, memory_order_relaxed);
        if (is_full(table, (uint64_t)table->used + table->reserved))
            ok = table_grow(index, at, (uint64_t)table->live + table->reserved);
    }
    count_reserved(directory, hashes, count, false);
    return ok;
}

bool dbk_key_index_expect(dbk_key_index *index, uint64_t keys)
{
    if (keys == 0 || directory_of(index))
        return true;
    dbk_key_directory *directory = dbk_key_directory_create(index->versions, dbk_key_partitions(keys));
    if (!directory)
        return false;
    // Some partitions get more than their part, and the number is no more than about right.
    const uint64_t each = (keys + keys / 8 + directory->partitions - 1) / directory->partitions;
    for (uint32_t i = 0; i < directory->partitions; i++)
        if (each > UINT32_MAX || !dbk_key_directory_make(directory, index->versions, i, (uint32_t)each)) {
            dbk_key_directory_destroy(directory);
            return false;
        }
    dbk_key_index_adopt(index, directory, 0);
    return true;
}

bool dbk_key_index_reserve_one(dbk_key_index *index, uint64_t hash)
{
    dbk_key_directory *directory = atomic_load_explicit(&index->directory, memory_order_relaxed);
    if (!directory)
        return dbk_key_index_reserve(index, &hash, 1);
    _Atomic(dbk_key_table *) *at = table_at(directory, hash);
    const dbk_key_table *table = atomic_load_explicit(at, memory_order_relaxed);
    if (table && !is_full(table, (uint64_t)table->used + 1))
        return true;
    return table_grow(index, at, table ? (uint64_t)table->live + 1 : 1);
}

// ---- Changing ----

void dbk_key_index_insert(dbk_key_index *index, uint64_t hash, dbk_place place, _Atomic uint64_t *from)
{
    dbk_key_table *table = atomic_load_explicit(table_at(directory_of(index), hash), memory_order_relaxed);
    assert(table->used < table->capacity);
    uint64_t entry = dbk_key_entry(hash, place);
    uint32_t at = from ? (uint32_t)(from - table->entries) : home(table, entry >> DBK_PLACE_BITS);
    table_put(table, at, entry, memory_order_release);
    index->entries++;
}

// How many keys ahead a partition and an entry of it are asked for: enough to hide a miss to memory, few
// enough to stay cached.
enum { TABLE_AHEAD = 96, ENTRY_AHEAD = 24 };

static void look_ahead(const dbk_key_index *index, const uint64_t *hashes, uint32_t count)
{
    const dbk_key_table *table =
        count > TABLE_AHEAD
            ? atomic_load_explicit(table_at(directory_of(index), hashes[TABLE_AHEAD]), memory_order_relaxed)
            : NULL;
    if (table)
        __builtin_prefetch(&table->capacity);
    if (count > ENTRY_AHEAD)
        dbk_key_index_prefetch(index, hashes[ENTRY_AHEAD]);
}

dbk_status dbk_key_index_insert_all(dbk_key_index *index, uint32_t slot, const uint64_t *hashes,
                                    const uint32_t *rows, uint32_t count, dbk_key_met met, void *user)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t hash = hashes[i], tag = dbk_key_tag(hash);
        if (!dbk_key_index_reserve_one(index, hash))
            return DBK_NO_MEMORY;
        look_ahead(index, hashes + i, count - i);
        dbk_key_table *table =
            atomic_load_explicit(table_at(directory_of(index), hash), memory_order_relaxed);
        uint32_t at = home(table, tag);
        uint64_t there;
        while ((there = atomic_load_explicit(&table->entries[at], memory_order_relaxed)) != ENTRY_FREE &&
               there >> DBK_PLACE_BITS != tag)
            at = following(table, at);
        if (there == ENTRY_FREE)
            dbk_key_index_insert(index, hash, dbk_place_make(slot, rows[i]), &table->entries[at]);
        else
            DBK_TRY(met(user, hash, rows[i]));
    }
    return DBK_OK;
}

void dbk_key_index_update(_Atomic uint64_t *entry, uint64_t hash, dbk_place place)
{
    atomic_store_explicit(entry, dbk_key_entry(hash, place), memory_order_release);
}

void dbk_key_index_remove(dbk_key_index *index, uint64_t hash, _Atomic uint64_t *entry)
{
    dbk_key_table *table = atomic_load_explicit(table_at(directory_of(index), hash), memory_order_relaxed);
    table->live--;
    index->entries--;
    atomic_store_explicit(entry, TOMBSTONE, memory_order_release);
}

_Atomic uint64_t *dbk_key_index_entry(const dbk_key_index *index, uint64_t hash, dbk_place place)
{
    dbk_key_probe probe = dbk_key_probe_begin(index, hash);
    while (dbk_key_probe_next(&probe)) {
        if (probe.place == place)
            return probe.entry;
    }
    assert(!"a live row has an entry");
    return NULL;
}

// ---- All at once ----

uint32_t dbk_key_partitions(uint64_t keys)
{
    return keys > SPLIT_ENTRIES ? PARTITIONS : 1;
}

dbk_key_table *dbk_key_directory_make(dbk_key_directory *directory, dbk_versions *versions,
                                      uint32_t partition, uint32_t entries)
{
    uint64_t capacity = (uint64_t)entries * 5 / 4 + TABLE_FIRST / 4;
    if (capacity > UINT32_MAX)
        return NULL;
    dbk_key_table *table =
        dbk_versions_create(versions, sizeof *table + (size_t)capacity * sizeof table->entries[0], NULL);
    if (!table)
        return NULL;
    table->capacity = (uint32_t)capacity;
    atomic_store_explicit(&directory->tables[partition], table, memory_order_relaxed);
    return table;
}

bool dbk_key_table_fill(dbk_key_table *table, const uint64_t *entries, uint32_t count, dbk_key_same same,
                        void *user)
{
    assert(table->used + count < table->capacity);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t tag = entries[i] >> DBK_PLACE_BITS;
        uint32_t at = home(table, tag);
        for (;; at = following(table, at)) {
            uint64_t there = atomic_load_explicit(&table->entries[at], memory_order_relaxed);
            if (there == ENTRY_FREE)
                break;
            if (there >> DBK_PLACE_BITS == tag &&
                same(user, dbk_entry_place(there), dbk_entry_place(entries[i])))
                return false;
        }
        atomic_store_explicit(&table->entries[at], entries[i], memory_order_relaxed);
    }
    table->used += count;
    table->live += count;
    return true;
}

void dbk_key_index_adopt(dbk_key_index *index, dbk_key_directory *directory, uint64_t entries)
{
    assert(!directory_of(index));
    index->entries = entries;
    atomic_store(&index->directory, directory);
}
