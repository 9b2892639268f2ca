// SPDX-License-Identifier: Apache-2.0
// What Distribu's two reports over orders share: the range, the one currency that is counted, and the orders
// that both leave.
#ifndef DBK_DISTRIBU_REPORT_H
#define DBK_DISTRIBU_REPORT_H

#include "http/app/currency.h"
#include "http/app/time_range.h"

typedef struct dbk_distribu_report {
    int threads; // of its queries
    dbk_settings settings;
    dbk_time_range range;
    dbk_currency currency;
} dbk_distribu_report;

// Reads settings and parameters and settles the ETag. False: the call was answered (400, 304 or a failure).
bool dbk_distribu_report_begin(dbk_call *call, dbk_distribu_report *report, int days_max);

// The orders of the range; only those of the counted currency once others are known to be there. Points into
// the report.
dbk_query dbk_distribu_report_orders(dbk_distribu_report *report);
// "range": {…}
void dbk_distribu_report_range(const dbk_distribu_report *report, dbk_out *out);

// Meets every currency of the range, for reports whose main query is not by currency: the next
// dbk_distribu_report_orders filters if it must.
dbk_status dbk_distribu_report_currencies(dbk_call *call, dbk_distribu_report *report, dbk_error *err);

#endif
