// SPDX-License-Identifier: Apache-2.0
// General closures (P8, P17, P18, PA7 to PA9): sealed periods of the point of sale, rows of the table
// `closures`, numbered from 1 in each company, never changed.
//
// A period begins behind the closure before it, or with the business day if that began later, and ends with
// the moment of the closure, inclusive. Closure n says
//
//     what counts in its period  +  adjustment
//     adjustment = what counts in the periods of closures 1 … n-1, as it is stored now,
//                  minus what those closures said all together
//
// for every register, every way to pay and every food of a category. So the closures of a company always add
// up to what is stored of their periods at the moment of the last one, whatever was confirmed late, changed,
// cancelled or removed; and nothing that was sealed is ever rewritten.
#ifndef DBK_POS_CLOSURE_H
#define DBK_POS_CLOSURE_H

#include "http/app/call.h"
#include "http/pos/book.h"
#include "http/pos/report_id.h"
#include "ingest/sha256.h"

// The newest closure of a company. number 0: there is none yet.
typedef struct dbk_pos_last_closure {
    int64_t number, at_ms;
    char hash[DBK_SHA256_HEX];
} dbk_pos_last_closure;
dbk_status dbk_pos_closure_last(const dbk_snapshot *snapshot, dbk_text tenant, dbk_pos_last_closure *out,
                                dbk_error *err);

// A closure as it would be if it were made of this snapshot at this moment. Report and totals are JSON.
typedef struct dbk_pos_draft {
    dbk_pos_last_closure last;
    dbk_pos_id id;
    int64_t number, from_ms, at_ms;
    dbk_buffer report, totals;
} dbk_pos_draft;
// Costs what has changed since the book was last used; the answer does not depend on what is in it. *out must
// be disposed of, whatever this returns.
dbk_status dbk_pos_draft_make(dbk_pos_draft *out, dbk_pos_book *book, const dbk_snapshot *snapshot,
                              dbk_text tenant, int64_t now_ms, int threads, dbk_error *err);
void dbk_pos_draft_dispose(dbk_pos_draft *draft);

// Ends the call with the report of the closure with this id, as it was sealed, or with 404.
void dbk_pos_closure_answer(dbk_call *call, dbk_text id);

#endif
