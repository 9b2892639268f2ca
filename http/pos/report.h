// SPDX-License-Identifier: Apache-2.0
// A report of the point of sale as it is answered (P1 to P5), and what its routes have in common.
#ifndef DBK_POS_REPORT_H
#define DBK_POS_REPORT_H

#include "http/app/call.h"
#include "http/pos/figures.h"
#include "http/pos/report_id.h"

typedef struct dbk_pos_report {
    dbk_pos_id id;
    int64_t timestamp_ms, interval_ms;
    const dbk_pos_window *window;     // sorted for an answer; NULL: nothing happened
    int digits;                       // of the currency
    bool hides_average;               // averageCompletitionTime is null (closures)
    const dbk_pos_window *adjustment; // of a closure: what late changes add to it; NULL = nothing
} dbk_pos_report;

// One object. intervalInMinutes and the average are rounded to whole minutes, half away from zero.
void dbk_pos_report_write(dbk_out *out, const dbk_pos_report *report);

void dbk_pos_report_not_found(dbk_call *call);

// The windows of a grouping; NULL for DBK_POS_ALL, which is one window.
const dbk_bucket *dbk_pos_bucket(dbk_pos_grouping grouping, const dbk_zone *zone, dbk_bucket *room);

#endif
