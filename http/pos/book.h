// SPDX-License-Identifier: Apache-2.0
// What is kept of a company between one closure and the next, so that making a closure costs what has changed
// since the last one, not what was ever closed: which moments are closed, and what parts of tickets and lines
// came to there (engine/standing.h). All of it can be made anew from a snapshot; a book that is empty, as
// after a start, only makes the next closure dearer.
#ifndef DBK_POS_BOOK_H
#define DBK_POS_BOOK_H

#include "engine/standing.h"
#include "http/pos/gather.h"

typedef struct dbk_pos_book dbk_pos_book;

// NULL: no memory.
dbk_pos_book *dbk_pos_book_create(void);
// NULL is fine.
void dbk_pos_book_destroy(dbk_pos_book *book);

// Adds to the ledger what counts at closed moments, as stored in g's snapshot (DBK_POS_BEFORE), and what
// counts from g->from_ms to g->to_ms (DBK_POS_PERIOD), without how long tickets took. One thread at a time;
// the same company each time. g's windows are not used.
dbk_status dbk_pos_book_gather(dbk_pos_book *book, dbk_pos_ledger *ledger, const dbk_pos_gathering *g,
                               dbk_error *err);

#endif
