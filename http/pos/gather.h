// SPDX-License-Identifier: Apache-2.0
// The queries behind every report of the point of sale: three over a span of time, grouped by window.
//
// A ticket is an order of kind pos; it counts when its status is CONFIRMED, COMPLETED or PICKED_UP, at the
// moment of its confirmed_at (P13), and when it is in the company's currency or names none. Foods are the
// products of a counted ticket's lines.
#ifndef DBK_POS_GATHER_H
#define DBK_POS_GATHER_H

#include "engine/base/calendar.h"
#include "engine/db.h"
#include "engine/standing.h"
#include "http/pos/figures.h"

typedef struct dbk_pos_gathering {
    const dbk_snapshot *snapshot;
    dbk_text tenant;
    dbk_text currency;        // the company's
    int64_t from_ms, to_ms;   // both inclusive
    const dbk_bucket *bucket; // windows are these; NULL: all is one window …
    int64_t window_ms;        // … that starts here
    int threads;
} dbk_pos_gathering;

// A line is found when its own created_at is at most so far from those of the tickets of the span: lines are
// sorted by it, so that only those around have to be looked at.
enum { DBK_POS_LINES_WITHIN_MS = DBK_MS_DAY };

// Adds what counts in the span to the ledger.
dbk_status dbk_pos_gather(dbk_pos_ledger *ledger, dbk_pos_source source, const dbk_pos_gathering *g,
                          dbk_error *err);

// The same at moments within intervals (numbers, the first and the last of each, ascending), without how long
// tickets took; what parts of the tables came to is kept for the next time. Lines are found however far from
// their tickets. from_ms, to_ms and the bucket are not used. One currency for the life of what is kept.
typedef struct dbk_pos_kept_gathering {
    dbk_standing *tickets, *items;
} dbk_pos_kept_gathering;
dbk_status dbk_pos_gather_kept(dbk_pos_ledger *ledger, dbk_pos_source source, const dbk_pos_gathering *g,
                               dbk_pos_kept_gathering *kept, const dbk_value *intervals, int count,
                               dbk_error *err);

// How many tickets count in the span, and the first and last moment of them (DBK_NULL when none does).
typedef struct dbk_pos_extent {
    int64_t orders, first_ms, last_ms;
} dbk_pos_extent;
dbk_status dbk_pos_measure(const dbk_pos_gathering *g, dbk_pos_extent *out, dbk_error *err);

#endif
