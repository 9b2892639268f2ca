// SPDX-License-Identifier: Apache-2.0
// What the key index of a fact forgets: where keys stood before they were replaced or removed. The index
// always shows the writer's newest state; a reader of an older snapshot that does not find its row by the
// index looks here for what happened since.
//
// A ring of old index entries, numbered from 0 in the order they were overwritten; a snapshot keeps the
// number of the first that came after it. The writer notes an entry before it overwrites it, so a reader that
// saw the index changed sees the note. When the ring has gone round since the snapshot, the reader is told so
// and searches the rows themselves.
#ifndef DBK_TABLE_MOVES_H
#define DBK_TABLE_MOVES_H

#include "engine/table/versions.h"

typedef struct dbk_moves_ring dbk_moves_ring;

// A zeroed struct is empty.
typedef struct dbk_moves {
    _Atomic(dbk_moves_ring *) ring;
    _Atomic uint64_t count; // noted ever
    // Times that rows of a part got new numbers within it: a place may then be right in its slot and wrong in
    // its row.
    _Atomic uint64_t renumberings;
} dbk_moves;

// Makes the ring as large as is useful for so many more notes; when memory is out it stays as it is, which
// costs readers time and nothing else. `kept_from` is the first note that some reader may need.
void dbk_moves_reserve(dbk_moves *moves, dbk_versions *versions, uint64_t kept_from, size_t more);
void dbk_moves_note(dbk_moves *moves, uint64_t entry);
void dbk_moves_dispose(dbk_moves *moves);

// Walks the notes with this tag made since `from`. Ends with false; *complete then says whether all of them
// were still there.
typedef struct dbk_moves_walk {
    const dbk_moves *moves;
    const dbk_moves_ring *ring;
    uint64_t tag, from, at, end;
} dbk_moves_walk;
dbk_moves_walk dbk_moves_walk_begin(const dbk_moves *moves, uint64_t from, uint64_t tag);
bool dbk_moves_walk_next(dbk_moves_walk *walk, uint64_t *entry, bool *complete);

#endif
