// SPDX-License-Identifier: Apache-2.0
// Epoch-based reclamation: how the writer learns that no reader can still hold what it took away.
//
// The protocol. `now` counts retirements. Each read in progress occupies one slot; the slot holds the value
// that `now` had when the read began, 0 means free.
//
//   reader   1. claim a slot with the value of `now`    2. load a root pointer    …    3. free the slot
//   writer   1. replace a root pointer   2. retire: tag what it led to with `now`, then count `now` up
//            3. reclaim: free what is tagged with less than every occupied slot
//
// Why it holds. Reader 1 and 2 and writer 1, 2 and 3 are sequentially consistent, so there is one order of
// them all. If reclaim found the reader's slot free, the reader claimed it later and its load came after the
// replacement: it has the new root. If it found the slot with a value above the tag, the reader had seen
// `now` counted up, after the replacement, and again has the new root. Any other value keeps the object. A
// reader delayed between reading `now` and claiming the slot holds an old value, which only keeps more.
//
// Slots belong to reads, not to threads: a read may end on another thread than it began on.
#ifndef DBK_TABLE_EPOCH_H
#define DBK_TABLE_EPOCH_H

#include "engine/table/object.h"

enum { DBK_EPOCH_SLOTS = 1024 };

typedef struct dbk_epoch_block dbk_epoch_block;
struct dbk_epoch_block {
    _Atomic uint64_t slots[DBK_EPOCH_SLOTS];
    _Atomic(dbk_epoch_block *) next; // more slots, once more reads were in progress at a time
};

typedef struct dbk_epoch {
    _Atomic uint64_t now;
    dbk_epoch_block first;
    dbk_object *oldest, *newest; // retired, in order; the writer's
} dbk_epoch;

// The struct must be zeroed before.
void dbk_epoch_init(dbk_epoch *epoch);
// No reader may be active. Frees everything retired.
void dbk_epoch_dispose(dbk_epoch *epoch);

// ---- Readers ----

// Returns the slot. What was reachable from root pointers loaded after this stays until dbk_epoch_leave.
uint32_t dbk_epoch_enter(dbk_epoch *epoch);
void dbk_epoch_leave(dbk_epoch *epoch, uint32_t slot);

// ---- The writer ----

// Hands over an object that reads beginning from now on cannot reach any more.
void dbk_epoch_retire(dbk_epoch *epoch, dbk_object *object);
// Frees what no reader can hold, oldest first and without leaving one out: an object is freed only after all
// those retired before it.
void dbk_epoch_reclaim(dbk_epoch *epoch);

#endif
