// SPDX-License-Identifier: Apache-2.0
// The dates that JavaScript's `new Date(text)` accepts, as far as people use them: ISO 8601, a year, a year
// and month, and the looser forms that browsers agree on ("2026/04/01", "4/1/2026", "April 1, 2026",
// "1 Apr 2026", "Wed, 01 Apr 2026 10:00:00 GMT", "Wed Apr 01 2026 10:00:00 GMT+0200 (CEST)", "… 3:05 PM").
// Milliseconds since the epoch are not accepted, because `new Date` of a string does not either.
//
// Two deliberate differences: a text without offset is read in the tenant's zone, date-only forms too, and a
// day that does not exist is refused where browsers roll over into the next month.
#ifndef DBK_JS_DATE_H
#define DBK_JS_DATE_H

#include "engine/base/calendar.h"

// DBK_TIME_DATE: the text had no time of day and *out_ms is the day's first instant. False: not a date.
bool dbk_js_date_parse(dbk_text text, const dbk_zone *zone, int64_t *out_ms, dbk_time_form *out_form);

#endif
