// SPDX-License-Identifier: Apache-2.0
// Epochs: see the protocol in the header.
#include "engine/table/epoch.h"

#include <sched.h>
#include <stdlib.h>

// Eight slots share a cache line; threads begin their search on lines of their own.
enum { LINE_SLOTS = 8 };

static _Atomic uint32_t threads_seen;
static _Thread_local uint32_t hint = UINT32_MAX;

void dbk_epoch_init(dbk_epoch *epoch)
{
    atomic_store(&epoch->now, 1);
}

void dbk_epoch_dispose(dbk_epoch *epoch)
{
    dbk_object_free_all(epoch->oldest);
    epoch->oldest = epoch->newest = NULL;
    for (dbk_epoch_block *block = atomic_load(&epoch->first.next); block;) {
        dbk_epoch_block *next = atomic_load(&block->next);
        free(block);
        block = next;
    }
    atomic_store(&epoch->first.next, NULL);
}

static bool slot_claim(dbk_epoch *epoch, _Atomic uint64_t *slot)
{
    uint64_t expected = 0;
    if (atomic_load_explicit(slot, memory_order_relaxed) != 0)
        return false;
    return atomic_compare_exchange_strong(slot, &expected, atomic_load(&epoch->now));
}

static uint32_t block_claim(dbk_epoch *epoch, dbk_epoch_block *block, uint32_t start)
{
    for (uint32_t i = 0; i < DBK_EPOCH_SLOTS; i++) {
        uint32_t index = (start + i) % DBK_EPOCH_SLOTS;
        if (slot_claim(epoch, &block->slots[index]))
            return index;
    }
    return UINT32_MAX;
}

// The block behind this one, made when it is missing; NULL when memory is out.
static dbk_epoch_block *block_next(dbk_epoch_block *block)
{
    dbk_epoch_block *next = atomic_load(&block->next);
    if (next)
        return next;
    dbk_epoch_block *made = calloc(1, sizeof *made);
    if (!made)
        return NULL;
    if (atomic_compare_exchange_strong(&block->next, &next, made))
        return made;
    free(made); // another thread was faster
    return next;
}

uint32_t dbk_epoch_enter(dbk_epoch *epoch)
{
    if (hint == UINT32_MAX)
        hint = atomic_fetch_add(&threads_seen, 1) * LINE_SLOTS % DBK_EPOCH_SLOTS;
    for (;;) {
        uint32_t base = 0;
        for (dbk_epoch_block *block = &epoch->first; block; block = block_next(block)) {
            uint32_t index = block_claim(epoch, block, hint);
            if (index != UINT32_MAX)
                return base + index;
            base += DBK_EPOCH_SLOTS;
        }
        sched_yield(); // no memory for more slots: some read will end
    }
}

void dbk_epoch_leave(dbk_epoch *epoch, uint32_t slot)
{
    dbk_epoch_block *block = &epoch->first;
    for (; slot >= DBK_EPOCH_SLOTS; slot -= DBK_EPOCH_SLOTS)
        block = atomic_load(&block->next);
    atomic_store_explicit(&block->slots[slot], 0, memory_order_release);
}

void dbk_epoch_retire(dbk_epoch *epoch, dbk_object *object)
{
    object->next = NULL;
    object->epoch = atomic_fetch_add(&epoch->now, 1);
    if (epoch->newest)
        epoch->newest->next = object;
    else
        epoch->oldest = object;
    epoch->newest = object;
}

static uint64_t oldest_reader(dbk_epoch *epoch)
{
    uint64_t oldest = UINT64_MAX;
    for (dbk_epoch_block *block = &epoch->first; block; block = atomic_load(&block->next)) {
        for (int i = 0; i < DBK_EPOCH_SLOTS; i++) {
            uint64_t value = atomic_load(&block->slots[i]);
            if (value != 0 && value < oldest)
                oldest = value;
        }
    }
    return oldest;
}

void dbk_epoch_reclaim(dbk_epoch *epoch)
{
    if (!epoch->oldest)
        return;
    uint64_t oldest = oldest_reader(epoch);
    while (epoch->oldest && epoch->oldest->epoch < oldest) {
        dbk_object *object = epoch->oldest;
        epoch->oldest = object->next;
        if (!epoch->oldest)
            epoch->newest = NULL;
        dbk_object_free(object);
    }
}
