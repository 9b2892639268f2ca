// SPDX-License-Identifier: Apache-2.0
// Which span of time a report covers: a preset ("month"), or dates that override its ends, in the tenant's
// zone. Shared by the dialects; each brings its own texts.
#ifndef DBK_TIME_RANGE_H
#define DBK_TIME_RANGE_H

#include "engine/base/calendar.h"
#include "engine/base/status.h"

typedef enum dbk_preset {
    DBK_PRESET_TODAY,
    DBK_PRESET_WEEK, // from Monday
    DBK_PRESET_MONTH,
    DBK_PRESET_QUARTER,
    DBK_PRESET_YEAR,
    DBK_PRESET_ALL,
    DBK_PRESET_COUNT,
} dbk_preset;

extern const char *const dbk_preset_names[DBK_PRESET_COUNT + 1]; // "today", …, NULL

// What was asked; length 0 = not given.
typedef struct dbk_range_request {
    dbk_text preset, from, to;
} dbk_range_request;

typedef struct dbk_time_range {
    int64_t from_ms, to_ms;   // both inclusive
    int32_t from_day, to_day; // the local days that they fall on
    dbk_preset preset;
    bool custom; // an end was given, so the preset no longer names the range
    // Preset `all` without a start of its own: from_ms is open until dbk_time_range_begin sets it.
    bool needs_first;
} dbk_time_range;

// Every preset ends with today (local 23:59:59.999) and begins with the period that today is in; nothing
// given means `month`. `from` and `to` each override one end; with both the preset does not matter. A date
// alone as `to` means the whole day, an instant is taken as it is. DBK_INVALID: "Invalid preset.", "Invalid
// from date.", "Invalid to date." or from > to, as a sentence.
dbk_status dbk_time_range_resolve(dbk_time_range *out, const dbk_range_request *request, const dbk_zone *zone,
                                  int64_t now_ms, dbk_error *err);
// Completes a range that needs_first: it begins with the day of the first row, or today when first_ms is
// DBK_NULL or later than the end.
dbk_status dbk_time_range_begin(dbk_time_range *range, int64_t first_ms, const dbk_zone *zone,
                                dbk_error *err);

enum { DBK_RANGE_LABEL_MAX = 64 };
// "Apr 17, 2026", "April 2026", "Q1 2026", "2026", "All time", or "2026-04-01 → 2026-04-17" for weeks and
// custom ranges.
void dbk_time_range_label(const dbk_time_range *range, char out[DBK_RANGE_LABEL_MAX]);

// A local day's first instant.
int64_t dbk_local_day_start(int32_t day, const dbk_zone *zone);

#endif
