// SPDX-License-Identifier: Apache-2.0
// Columns of numbers that are proved when somebody first needs them, rather than when their segment is
// opened.
//
// A segment whose file was compared, as a whole, with a checksum that somebody trusts (the manifest's) holds
// what was written. What is left to prove is that what was written is sound: that each block is what the
// directory says of it, that no number leaves its bounds, that the statistics are those of the rows. This
// takes most of the time of opening, so dbk_segment_open_late leaves it to the first call that needs the
// column or its statistics: every call of segment.h on a column of numbers proves it first, or waits for the
// thread that does. So nothing is ever read, pruned or answered from bytes that were not proved.
//
// Calls that read numbers cannot fail. So a column that turns out to be wrong becomes one in which no row has
// a value, which is safe to read, and what was found is noted *before* that is seen by anybody. Whoever lets
// something out that came from such reads (the answer to a query, a change, an image) looks at the notes at
// its end: while there are none, everything that was read was proved. Notes never go away. They are kept for
// each company, so that one company's damage is not another's, and for all of them together, for the writer.
#ifndef DBK_SEGMENT_PROOF_H
#define DBK_SEGMENT_PROOF_H

#include "engine/segment/segment.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct dbk_proofs {
    struct dbk_proofs *whole; // hears of everything that is found here; or NULL
    _Atomic uint64_t *memory; // grows by what columns take once they are open; or NULL
    _Atomic bool is_broken;   // set once, after the story
    pthread_mutex_t lock;     // of the story while it is told, and of `found`
    dbk_error story;          // the first failure
    // Puts the name of a segment's file in front of a message; or NULL.
    void (*blame)(void *user, uint64_t segment, dbk_error *err);
    void *blame_user;
    // Called once, by the thread that found it, before anybody can see what came of it. Or NULL.
    void (*found)(void *user, const char *story);
    void *found_user;
} dbk_proofs;

void dbk_proofs_init(dbk_proofs *proofs, dbk_proofs *whole, _Atomic uint64_t *memory);
void dbk_proofs_dispose(dbk_proofs *proofs);
// DBK_OK while every proof that was made has held; else what was found first: DBK_CORRUPT with file and
// column, or DBK_NO_MEMORY when a proof could not be made. For after the reads whose outcome matters.
dbk_status dbk_proofs_hold(const dbk_proofs *proofs, dbk_error *err);

// As dbk_segment_open, but columns of numbers with a block are proved later, each by itself. The caller has
// compared a checksum of all the bytes with one that it trusts: those of blocks of texts, which would say the
// same once more, are not looked at; those of numbers are by their proofs.
dbk_status dbk_segment_open_late(void *bytes, size_t size, dbk_segment **out, dbk_error *err);
// From now on what is found is noted there. Before other threads see the segment; what was found before is
// noted at once. The notes must outlive the segment.
void dbk_segment_note(dbk_segment *segment, dbk_proofs *proofs);
// Proves a column, if nobody has, and says whether it held: DBK_OK, DBK_CORRUPT, DBK_NO_MEMORY. Any thread.
dbk_status dbk_segment_prove(const dbk_segment *segment, int column, dbk_error *err);
// What the directory says of a column, proved or not: for who only needs that the claim is in bounds.
void dbk_segment_claim(const dbk_segment *segment, int column, dbk_zone_map *out);

#endif
