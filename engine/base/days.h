// SPDX-License-Identifier: Apache-2.0
// Day numbers of the proleptic Gregorian calendar: a day is int32 days since 1970-01-01. The lowest part of
// everything about time: it knows no zone and no instant, so that the parser of zones can count days too.
#ifndef DBK_BASE_DAYS_H
#define DBK_BASE_DAYS_H

#include "engine/base/types.h"

// The largest integer not above a / b; b > 0.
int64_t dbk_floor_div(int64_t a, int64_t b);

// month 1..12, day 1..31.
int32_t dbk_day_from_civil(int year, int month, int day);
void dbk_civil_from_day(int32_t day, int *year, int *month, int *day_of_month);
// 0 = Monday … 6 = Sunday (ISO 8601 less one).
int dbk_day_weekday(int32_t day);
// ISO week number 1..53 and the year it belongs to.
int dbk_day_iso_week(int32_t day, int *iso_year);

#endif
