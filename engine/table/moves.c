// SPDX-License-Identifier: Apache-2.0
// The ring of overwritten index entries.
#include "engine/table/moves.h"

#include "engine/table/key_index.h"

enum { RING_FIRST = 64, RING_MAX = 1 << 17 };

struct dbk_moves_ring {
    dbk_object object;
    uint64_t capacity; // a power of two
    uint64_t first;    // the oldest note it was filled with; older ones are gone
    _Atomic uint64_t entries[];
};

void dbk_moves_reserve(dbk_moves *moves, dbk_versions *versions, uint64_t kept_from, size_t more)
{
    dbk_moves_ring *old = atomic_load_explicit(&moves->ring, memory_order_relaxed);
    uint64_t count = atomic_load_explicit(&moves->count, memory_order_relaxed);
    // Twice, since a reader may hold the image before the newest.
    uint64_t needed = 2 * (count - kept_from + more);
    uint64_t capacity = old ? old->capacity : RING_FIRST;
    while (capacity < needed && capacity < RING_MAX)
        capacity *= 2;
    if (more == 0 || (old && capacity == old->capacity))
        return;
    dbk_moves_ring *ring =
        dbk_versions_create(versions, sizeof *ring + (size_t)capacity * sizeof ring->entries[0], NULL);
    if (!ring)
        return;
    ring->capacity = capacity;
    ring->first = count;
    if (old) {
        ring->first = count > old->capacity ? count - old->capacity : 0;
        if (ring->first < old->first)
            ring->first = old->first;
    }
    for (uint64_t i = ring->first; i < count; i++)
        atomic_store_explicit(
            &ring->entries[i & (capacity - 1)],
            atomic_load_explicit(&old->entries[i & (old->capacity - 1)], memory_order_relaxed),
            memory_order_relaxed);
    atomic_store(&moves->ring, ring);
    if (old)
        dbk_epoch_retire(&versions->epoch, &old->object);
}

void dbk_moves_note(dbk_moves *moves, uint64_t entry)
{
    dbk_moves_ring *ring = atomic_load_explicit(&moves->ring, memory_order_relaxed);
    uint64_t count = atomic_load_explicit(&moves->count, memory_order_relaxed);
    // Counted before it is written: a reader that meets the new entry in the place of an old one then also
    // sees that the ring has gone round. One that counts it too early finds an old entry, which it verifies
    // like any other, and the key's own entry in the index not yet overwritten.
    atomic_store(&moves->count, count + 1);
    if (ring)
        atomic_store(&ring->entries[count & (ring->capacity - 1)], entry);
}

void dbk_moves_dispose(dbk_moves *moves)
{
    dbk_moves_ring *ring = atomic_load_explicit(&moves->ring, memory_order_relaxed);
    if (ring)
        dbk_object_free(&ring->object);
    *moves = (dbk_moves){.ring = NULL};
}

dbk_moves_walk dbk_moves_walk_begin(const dbk_moves *moves, uint64_t from, uint64_t tag)
{
    dbk_moves_walk walk = {.moves = moves, .tag = tag, .from = from, .at = from};
    walk.end = atomic_load(&moves->count);
    // After the count: a ring loaded now has every note counted, or is an older one that has them too.
    walk.ring = atomic_load(&moves->ring);
    return walk;
}

bool dbk_moves_walk_next(dbk_moves_walk *walk, uint64_t *entry, bool *complete)
{
    const dbk_moves_ring *ring = walk->ring;
    if (ring && walk->from >= ring->first && walk->end - walk->from <= ring->capacity) {
        for (; walk->at < walk->end; walk->at++) {
            *entry = atomic_load(&ring->entries[walk->at & (ring->capacity - 1)]);
            if (*entry >> DBK_PLACE_BITS == walk->tag) {
                walk->at++;
                return true;
            }
        }
    }
    // Whatever was overwritten while we looked was counted before.
    *complete = walk->from == walk->end || (ring && walk->from >= ring->first &&
                                            atomic_load(&walk->moves->count) - walk->from <= ring->capacity);
    return false;
}
