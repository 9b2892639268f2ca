// SPDX-License-Identifier: Apache-2.0
// Pieces of memory that outlive their use by the writer, because a reader may still hold them. Every such
// piece begins with a dbk_object, so that putting one aside for later can never fail for want of memory.
#ifndef DBK_TABLE_OBJECT_H
#define DBK_TABLE_OBJECT_H

#include "engine/base/types.h"

#include <stdatomic.h>

// What the database holds, in bytes; any thread.
typedef struct dbk_memory {
    _Atomic uint64_t bytes;
} dbk_memory;

static inline void dbk_memory_add(dbk_memory *memory, size_t bytes)
{
    atomic_fetch_add_explicit(&memory->bytes, bytes, memory_order_relaxed);
}

static inline void dbk_memory_subtract(dbk_memory *memory, size_t bytes)
{
    atomic_fetch_sub_explicit(&memory->bytes, bytes, memory_order_relaxed);
}

typedef struct dbk_object {
    struct dbk_object *next;                    // in the list of those waiting to be freed
    void (*dispose)(struct dbk_object *object); // frees what it holds beside itself; may be NULL
    dbk_memory *memory;
    size_t bytes;
    uint64_t generation; // of the working state it was created for; see versions.h
    uint64_t epoch;      // in which it was retired; see epoch.h
} dbk_object;

// Zeroed memory of so many bytes, beginning with the object. NULL when memory is out.
void *dbk_object_create(dbk_memory *memory, size_t bytes, void (*dispose)(dbk_object *object));
// NULL is fine.
void dbk_object_free(dbk_object *object);
// Frees a whole list.
void dbk_object_free_all(dbk_object *list);

#endif
