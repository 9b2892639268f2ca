// SPDX-License-Identifier: Apache-2.0
// Where the row of an id stands, for facts: an open-addressing table of 8-byte entries, a 24-bit tag and a
// 40-bit locator. The ids themselves are only in the rows, so whoever asks verifies a hit against the row.
//
// The place of an entry is its tag scaled to the capacity. A larger table is therefore filled from the
// entries alone, in one sequential pass, and may be larger by any factor: at 5/4 the load stays between 0.68
// and 0.85. A tag that also says the place tells neighbours apart by the bits that are left, so past 2^18
// entries the index is split, once, into 4,096 partitions by other bits of the hash; each then grows on its
// own, and no pause is longer than filling one of them.
//
// One writer; readers probe at the same time. Tables and the directory are replaced, never moved under a
// reader; removed entries stay as tombstones until the table is next replaced.
#ifndef DBK_TABLE_KEY_INDEX_H
#define DBK_TABLE_KEY_INDEX_H

#include "engine/base/status.h"
#include "engine/table/place.h"
#include "engine/table/versions.h"

// 24 bits of the hash, neither all zeros nor all ones: those mark free and removed entries.
static inline uint64_t dbk_key_tag(uint64_t hash)
{
    uint64_t tag = hash >> 40;
    return tag == 0 ? 1 : tag == 0xFFFFFF ? 0xFFFFFE : tag;
}
static inline uint64_t dbk_key_entry(uint64_t hash, dbk_place place)
{
    return dbk_key_tag(hash) << DBK_PLACE_BITS | place;
}
static inline dbk_place dbk_entry_place(uint64_t entry)
{
    return entry & ((1ull << DBK_PLACE_BITS) - 1);
}

typedef struct dbk_key_directory dbk_key_directory;
typedef struct dbk_key_table dbk_key_table;

// A struct with `versions` set and all else zero is an empty index.
typedef struct dbk_key_index {
    dbk_versions *versions;
    _Atomic(dbk_key_directory *) directory;
    uint64_t entries; // live ones
} dbk_key_index;

void dbk_key_index_dispose(dbk_key_index *index);
// Bytes of its tables; the writer's.
uint64_t dbk_key_index_memory(const dbk_key_index *index);

// The rows that may have this hash, one after the other.
typedef struct dbk_key_probe {
    dbk_key_table *table;
    uint64_t tag;
    uint32_t at, left;
    dbk_place place;
    // For the writer: where the entry stands, or after the last one where the free place is that ended the
    // probe (NULL: there is none), until the index is next reserved.
    _Atomic uint64_t *entry;
} dbk_key_probe;

dbk_key_probe dbk_key_probe_begin(const dbk_key_index *index, uint64_t hash);
bool dbk_key_probe_next(dbk_key_probe *probe);
// Asks the processor to bring the entry's cache line.
void dbk_key_index_prefetch(const dbk_key_index *index, uint64_t hash);

// ---- The writer ----

// More than one partition can hold: the index is to be filled anew, with dbk_key_index_split first.
bool dbk_key_index_wants_split(const dbk_key_index *index, size_t more);
// Makes *fresh, zeroed but for `versions`, an empty index of 4,096 partitions.
bool dbk_key_index_split(dbk_key_index *fresh);
// Lets the split index take over; the old entries are retired.
void dbk_key_index_replace(dbk_key_index *index, dbk_key_index *fresh);

// Room for about so many keys in an index that has none yet; otherwise nothing. Optional; false: no memory.
bool dbk_key_index_expect(dbk_key_index *index, uint64_t keys);
// Room for these hashes; false when memory is out. Entries of the index may move.
bool dbk_key_index_reserve(dbk_key_index *index, const uint64_t *hashes, size_t count);
// Room for one more of this hash, for one who inserts it at once; false when memory is out.
bool dbk_key_index_reserve_one(dbk_key_index *index, uint64_t hash);
// After a reservation. The key must not be there. `from` is where a probe for it ended since then, or NULL.
void dbk_key_index_insert(dbk_key_index *index, uint64_t hash, dbk_place place, _Atomic uint64_t *from);
// The keys of many rows of a slot, fastest in the order of the index's partitions. Where there may be the
// same key already, `met` sees to it, after a reservation, and may change the index. DBK_NO_MEMORY, or what
// met says: the keys before are there then.
typedef dbk_status (*dbk_key_met)(void *user, uint64_t hash, uint32_t row);
dbk_status dbk_key_index_insert_all(dbk_key_index *index, uint32_t slot, const uint64_t *hashes,
                                    const uint32_t *rows, uint32_t count, dbk_key_met met, void *user);
void dbk_key_index_update(_Atomic uint64_t *entry, uint64_t hash, dbk_place place);
void dbk_key_index_remove(dbk_key_index *index, uint64_t hash, _Atomic uint64_t *entry);
// The entry of this hash that leads to this place, which must exist.
_Atomic uint64_t *dbk_key_index_entry(const dbk_key_index *index, uint64_t hash, dbk_place place);

// ---- All at once ----
// Where the keys of many rows are known, each partition is filled by itself from its own entries: it then
// stays in the processor's cache, which makes a key cost a fifth of what it costs by turns. Different
// partitions may be filled by different threads.

// Into how many partitions so many keys are divided. The partition of a hash:
uint32_t dbk_key_partitions(uint64_t keys);
static inline uint32_t dbk_key_partition(uint64_t hash, uint32_t partitions)
{
    return (uint32_t)hash & (partitions - 1);
}
// NULL when memory is out.
dbk_key_directory *dbk_key_directory_create(dbk_versions *versions, uint32_t partitions);
void dbk_key_directory_destroy(dbk_key_directory *directory);
// An empty table with room for so many entries, in the directory; NULL when memory is out.
dbk_key_table *dbk_key_directory_make(dbk_key_directory *directory, dbk_versions *versions,
                                      uint32_t partition, uint32_t entries);
// Puts entries into it, at most as many as it has room for in all. `same` says whether two rows of the same
// tag have the same key, or could not be compared: then the fill ends with false.
typedef bool (*dbk_key_same)(void *user, dbk_place a, dbk_place b);
bool dbk_key_table_fill(dbk_key_table *table, const uint64_t *entries, uint32_t count, dbk_key_same same,
                        void *user);
// An index without any directory gets this one, of so many entries in all. Readers may probe from then on.
void dbk_key_index_adopt(dbk_key_index *index, dbk_key_directory *directory, uint64_t entries);

#endif
