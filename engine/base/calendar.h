// SPDX-License-Identifier: Apache-2.0
// The proleptic Gregorian calendar, ISO 8601 texts and calendar buckets.
//
// An instant is int64 milliseconds since 1970-01-01T00:00Z. Years 0001 to 9999.
#ifndef DBK_BASE_CALENDAR_H
#define DBK_BASE_CALENDAR_H

#include "engine/base/days.h"
#include "engine/base/zone.h"

enum { DBK_MS_SECOND = 1000, DBK_MS_MINUTE = 60000, DBK_MS_HOUR = 3600000, DBK_MS_DAY = 86400000 };

typedef struct dbk_civil {
    int year, month, day;         // month 1..12, day 1..31
    int hour, minute, second, ms; // second 0..59
} dbk_civil;

// The civil time of an instant in a zone (NULL = UTC).
dbk_civil dbk_civil_from_ms(int64_t ms, const dbk_zone *zone);
// The day of it.
int32_t dbk_local_day(int64_t ms, const dbk_zone *zone);

typedef enum dbk_time_form {
    DBK_TIME_DATE,    // the text was a date only: ms is that day's first instant in the zone
    DBK_TIME_INSTANT, // date and time
} dbk_time_form;

// Parses "2026-04-01", "2026-04-01T00:00", "2026-04-01 00:00:00.123456", with optional "Z" or "+02:00" /
// "+0200" /
// "+02". Without an offset the zone decides (NULL = UTC); fractions beyond milliseconds must be digits and
// are cut. Refuses days that do not exist. The whole text must be used. false: not such a text, *out
// untouched.
bool dbk_time_parse(const char *text, size_t length, const dbk_zone *zone, int64_t *out_ms,
                    dbk_time_form *out_form);
bool dbk_date_parse(const char *text, size_t length, int32_t *out_day);

enum { DBK_TIME_TEXT_MAX = 32 };
// "2026-04-17T23:59:59.999Z"; returns 24. Years outside 0..9999 are clamped.
size_t dbk_time_write(char out[DBK_TIME_TEXT_MAX], int64_t ms);
// "2026-04-17"; returns 10.
size_t dbk_date_write(char out[DBK_TIME_TEXT_MAX], int32_t day);

// A calendar bucket: which span of time an instant is counted under.
//
// Days begin at local midnight (plus day_start_minutes, for shops whose business day begins at 07:00) in the
// zone. Sub-day buckets count elapsed time from the start of the local day: a day of 25 hours has 25 one-hour
// buckets, and the last bucket of a day ends with the day. Weeks begin on Monday. Larger units are made of
// whole local days.
typedef enum dbk_unit {
    DBK_UNIT_MINUTE, // with count: 15 minutes
    DBK_UNIT_HOUR,   // with count: 1, 4, 12 hours
    DBK_UNIT_DAY,
    DBK_UNIT_WEEK,
    DBK_UNIT_MONTH,
    DBK_UNIT_QUARTER,
    DBK_UNIT_YEAR,
    // The hour that the zone's clock shows, 0 to 23, of all days together: not a span of time, but a question
    // that is asked like one. count 1, day_start_minutes 0.
    DBK_UNIT_HOUR_OF_DAY,
} dbk_unit;

typedef struct dbk_bucket {
    dbk_unit unit;
    int count;             // of minutes or hours: 1..1440 minutes or 1..24 hours; 1 for the other units
    int day_start_minutes; // 0..1439
    const dbk_zone *zone;  // NULL = UTC
} dbk_bucket;

// The bucket [*start, *end) that holds the instant. start <= ms < end. Not for hours of the day.
void dbk_bucket_span(const dbk_bucket *bucket, int64_t ms, int64_t *start, int64_t *end);
// The hour of the day that the clock of the zone (NULL = UTC) shows at the instant, and a span [*start, *end)
// around it of at most an hour in which it shows that hour: one that the clock goes back to is shown again
// later, and belongs to the same hour of the day. All time beyond the calendar's range has the hour of its
// end; ms is not INT64_MAX. Whole hours that end at *steady_end or before follow that span one by one, each
// of them the next hour of the day.
int dbk_hour_of_day(const dbk_zone *zone, int64_t ms, int64_t *start, int64_t *end, int64_t *steady_end);
// The same as dbk_bucket_span for hours of UTC (count 1), days and months, and the bucket's number: hours and
// days since 1970, months since January of the year 0. Later buckets have larger numbers, and no number is
// left out but that of a day which the zone left out.
int32_t dbk_bucket_number(const dbk_bucket *bucket, int64_t ms, int64_t *start, int64_t *end);

// Buckets one after the other. Far from every change of the clocks all buckets of less than a month are
// equally long, so that the next one needs no look at the zone.
typedef struct dbk_bucket_walk {
    const dbk_bucket *bucket;
    int64_t start, end; // dbk_bucket_span of the instants in it
    int32_t day;        // of days: dbk_bucket_number; else not set
    int64_t step;       // how long a bucket is that ends at steady_end or before
    int64_t steady_end; // INT64_MIN where that is not known
} dbk_bucket_walk;

// The bucket that holds the instant. Not for hours of the day. The bucket must outlive the walk.
dbk_bucket_walk dbk_bucket_walk_begin(const dbk_bucket *bucket, int64_t ms);
// The one that begins where the current one ends, which is not at INT64_MAX.
void dbk_bucket_walk_next(dbk_bucket_walk *walk);

#endif
