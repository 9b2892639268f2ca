// SPDX-License-Identifier: Apache-2.0
// A bump allocator over a list of blocks. Only the newest block is bumped; a request too large to share a
// block gets one of its own, placed behind the newest so that the room left in the newest is still used.
#include "engine/base/arena.h"

#include "engine/base/slabs.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGNMENT = 16, BLOCK_MIN = 4096, BLOCK_MAX = 1 << 20, SLAB = 32 << 20, HUGE_PAGE = 2 << 20 };

struct dbk_arena_block {
    dbk_arena_block *next;
    size_t capacity;  // of data
    dbk_slabs *slabs; // where it goes back to, or NULL
    _Alignas(ALIGNMENT) uint8_t data[];
};

_Static_assert(sizeof(dbk_arena_block) % ALIGNMENT == 0, "data follows the header at the promised alignment");

// ---- Slabs ----

struct dbk_slabs {
    pthread_mutex_t mutex;
    dbk_arena_block *free;
};

#if defined(__SANITIZE_ADDRESS__)
#define SLABS_ARE_USED 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLABS_ARE_USED 0
#endif
#endif
#ifndef SLABS_ARE_USED
#define SLABS_ARE_USED 1
#endif

dbk_slabs *dbk_slabs_create(void)
{
    dbk_slabs *slabs = SLABS_ARE_USED ? calloc(1, sizeof *slabs) : NULL;
    if (slabs)
        pthread_mutex_init(&slabs->mutex, NULL);
    return slabs;
}

void dbk_slabs_destroy(dbk_slabs *slabs)
{
    if (!slabs)
        return;
    while (slabs->free) {
        dbk_arena_block *next = slabs->free->next;
        free(slabs->free);
        slabs->free = next;
    }
    pthread_mutex_destroy(&slabs->mutex);
    free(slabs);
}

// The last one given back comes first: it may still be cached.
static dbk_arena_block *slab_take(dbk_slabs *slabs)
{
    pthread_mutex_lock(&slabs->mutex);
    dbk_arena_block *slab = slabs->free;
    if (slab)
        slabs->free = slab->next;
    pthread_mutex_unlock(&slabs->mutex);
    if (slab)
        return slab;
    slab = aligned_alloc(HUGE_PAGE, SLAB);
    if (!slab)
        return NULL;
    (void)madvise(slab, SLAB, MADV_HUGEPAGE); // a wish
    slab->capacity = SLAB - sizeof *slab;
    slab->slabs = slabs;
    return slab;
}

static void slab_give_back(dbk_arena_block *slab)
{
    pthread_mutex_lock(&slab->slabs->mutex);
    slab->next = slab->slabs->free;
    slab->slabs->free = slab;
    pthread_mutex_unlock(&slab->slabs->mutex);
}

void dbk_slabs_begin(dbk_slabs *slabs, dbk_arena *arena)
{
    dbk_arena_block *slab = slabs ? slab_take(slabs) : NULL;
    if (!slab)
        return;
    slab->next = NULL;
    *arena = (dbk_arena){.blocks = slab, .total_bytes = SLAB};
}

// ---- Blocks that a thread keeps ----

// A request uses some arenas of one block each, and a loop has dozens of requests that wait for the disk,
// which is more than the C library keeps at hand for a thread. Sanitizers see every block go.
enum { KEPT_MAX = SLABS_ARE_USED ? 128 : 0, FIRST_CAPACITY = BLOCK_MIN - sizeof(dbk_arena_block) };

static _Thread_local struct {
    dbk_arena_block *blocks; // of FIRST_CAPACITY
    int count;
    bool ends_well; // they are freed when the thread ends
} kept;
static pthread_once_t kept_once = PTHREAD_ONCE_INIT;
static pthread_key_t kept_key;
static bool has_kept_key;

static void kept_free(void *value)
{
    (void)value;
    while (kept.blocks) {
        dbk_arena_block *next = kept.blocks->next;
        free(kept.blocks);
        kept.blocks = next;
    }
    kept.count = 0;
    kept.ends_well = false; // should this thread's last steps use arenas, it asks to be called again
}

static void kept_begin(void)
{
    has_kept_key = pthread_key_create(&kept_key, kept_free) == 0;
}

static bool kept_give(dbk_arena_block *block)
{
    if (block->capacity != FIRST_CAPACITY || kept.count >= KEPT_MAX)
        return false;
    if (!kept.ends_well) {
        pthread_once(&kept_once, kept_begin);
        kept.ends_well = has_kept_key && pthread_setspecific(kept_key, &kept) == 0;
        if (!kept.ends_well)
            return false;
    }
    block->next = kept.blocks;
    kept.blocks = block;
    kept.count++;
    return true;
}

static dbk_arena_block *kept_take(size_t capacity)
{
    dbk_arena_block *block = capacity == FIRST_CAPACITY ? kept.blocks : NULL;
    if (block) {
        kept.blocks = block->next;
        kept.count--;
    }
    return block;
}

// ---- Blocks ----

static dbk_arena_block *block_create(dbk_arena *arena, size_t capacity)
{
    size_t bytes = sizeof(dbk_arena_block) + capacity;
    dbk_arena_block *block = kept_take(capacity);
    if (!block)
        block = malloc(bytes); // glibc aligns to 16 on 64-bit machines
    if (!block)
        return NULL;
    block->capacity = capacity;
    block->slabs = NULL;
    arena->total_bytes += bytes;
    return block;
}

// Each block is about as large as all before it together: few blocks for large arenas, little waste for small
// ones.
static size_t next_block_bytes(const dbk_arena *arena)
{
    size_t bytes = arena->total_bytes;
    if (bytes < BLOCK_MIN)
        return BLOCK_MIN;
    if (bytes > BLOCK_MAX)
        return BLOCK_MAX;
    return bytes & ~(size_t)(BLOCK_MIN - 1);
}

void *dbk_arena_alloc(dbk_arena *arena, size_t size)
{
    if (size > PTRDIFF_MAX - BLOCK_MAX) // more than any allocator gives, and the sums below stay in range
        return NULL;
    // A request for nothing still gets an address of its own.
    size = size ? (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1) : ALIGNMENT;

    dbk_arena_block *newest = arena->blocks;
    if (newest && size <= newest->capacity - arena->used) {
        void *p = newest->data + arena->used;
        arena->used += size;
        return p;
    }

    size_t capacity = next_block_bytes(arena) - sizeof(dbk_arena_block);
    bool own_block = size > capacity / 4;
    dbk_arena_block *block = block_create(arena, own_block && (newest || size > capacity) ? size : capacity);
    if (!block)
        return NULL;
    if (own_block && newest) {
        block->next = newest->next;
        newest->next = block;
        return block->data;
    }
    block->next = newest;
    arena->blocks = block;
    arena->used = size;
    return block->data;
}

void *dbk_arena_zalloc(dbk_arena *arena, size_t size)
{
    void *p = dbk_arena_alloc(arena, size);
    return p ? memset(p, 0, size) : NULL;
}

char *dbk_arena_copy(dbk_arena *arena, const char *data, size_t length)
{
    if (length == SIZE_MAX)
        return NULL;
    char *copy = dbk_arena_alloc(arena, length + 1);
    if (!copy)
        return NULL;
    if (length)
        memcpy(copy, data, length);
    copy[length] = '\0';
    return copy;
}

void dbk_arena_dispose(dbk_arena *arena)
{
    for (dbk_arena_block *block = arena->blocks; block;) {
        dbk_arena_block *next = block->next;
        if (block->slabs)
            slab_give_back(block);
        else if (!kept_give(block))
            free(block);
        block = next;
    }
    *arena = (dbk_arena){0};
}
