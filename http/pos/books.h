// SPDX-License-Identifier: Apache-2.0
// The books of all companies, and whose turn it is: a company's closures are made one after the other, since
// each goes on from the one before. Who waits holds no thread.
#ifndef DBK_POS_BOOKS_H
#define DBK_POS_BOOKS_H

#include "http/pos/book.h"

typedef struct dbk_pos_books dbk_pos_books;
typedef struct dbk_pos_turns dbk_pos_turns;

dbk_status dbk_pos_books_create(dbk_pos_books **out, dbk_error *err);
// Nobody may have a turn or wait for one. NULL is fine.
void dbk_pos_books_destroy(dbk_pos_books *books);

// A wish for a turn, whose memory is the caller's until dbk_pos_turn_end.
typedef struct dbk_pos_turn {
    void (*begin)(struct dbk_pos_turn *turn);
    struct dbk_pos_turn *next;
    dbk_pos_turns *of;
    dbk_pos_book *book; // from the beginning of the turn to its end
} dbk_pos_turn;

// Calls turn->begin when it is its turn: at once on this thread, or later on that of whoever had the turn
// before; so it must not take long. DBK_NO_MEMORY: it is never called.
dbk_status dbk_pos_turn_take(dbk_pos_books *books, dbk_text tenant, dbk_pos_turn *turn, dbk_error *err);
void dbk_pos_turn_end(dbk_pos_books *books, dbk_pos_turn *turn);

#endif
