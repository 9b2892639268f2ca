// SPDX-License-Identifier: Apache-2.0
// Large blocks that arenas hand on to one another, on huge pages where the system has them: for one who fills
// one large arena after the other.
#ifndef DBK_BASE_SLABS_H
#define DBK_BASE_SLABS_H

#include "engine/base/arena.h"

// Any thread. NULL when memory is out, and under AddressSanitizer, which is to see every use of what was
// freed.
typedef struct dbk_slabs dbk_slabs;
dbk_slabs *dbk_slabs_create(void);
// Every arena that has one must have been disposed of. NULL is fine.
void dbk_slabs_destroy(dbk_slabs *slabs);
// Gives an empty arena 32 MiB to begin with, of which it touches what it uses; disposing of the arena gives
// them back. Without slabs or memory nothing happens.
void dbk_slabs_begin(dbk_slabs *slabs, dbk_arena *arena);

#endif
