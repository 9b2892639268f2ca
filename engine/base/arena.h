// SPDX-License-Identifier: Apache-2.0
// Memory that is freed all at once: one arena per batch, per query, per delta.
// Not thread-safe; an arena belongs to one thread at a time.
#ifndef DBK_BASE_ARENA_H
#define DBK_BASE_ARENA_H

#include "engine/base/types.h"

typedef struct dbk_arena_block dbk_arena_block;

typedef struct dbk_arena {
    dbk_arena_block *blocks; // newest first
    size_t used;             // in the newest block
    size_t total_bytes;      // of all blocks, for memory accounting
} dbk_arena;

// A zeroed struct is an empty arena. Blocks grow from 4 KiB to 1 MiB; larger requests get their own block.
// Returns NULL when memory is out. Aligned to 16 bytes, not zeroed.
void *dbk_arena_alloc(dbk_arena *arena, size_t size);
void *dbk_arena_zalloc(dbk_arena *arena, size_t size);
// A copy of the text with a NUL behind it.
char *dbk_arena_copy(dbk_arena *arena, const char *data, size_t length);
void dbk_arena_dispose(dbk_arena *arena);

#endif
