// SPDX-License-Identifier: Apache-2.0
// Which calendar bucket an instant is counted under.
//
// Everything rests on one function that never decreases: the instant at which local day d begins. Day d is
// the span from day_begin(d) to day_begin(d + 1), so days tile the time line whatever a zone does to its
// clocks; a day that a zone left out is an empty span. All other buckets are cut from days or made of them.
#include "engine/base/calendar.h"
#include "engine/base/calendar_range.h"

#include <assert.h>

static int64_t day_begin(const dbk_bucket *bucket, int64_t day)
{
    int64_t local = day * DBK_MS_DAY + (int64_t)bucket->day_start_minutes * DBK_MS_MINUTE;
    return bucket->zone ? dbk_zone_local_to_utc(bucket->zone, local) : local;
}

// Three days from every change of its clocks, which is farther than any two offsets differ, a zone is a
// constant: the day around the instant follows from one look at it. False nearer to a change.
#define FAR (3 * (int64_t)DBK_MS_DAY)

static bool steady_day(const dbk_bucket *bucket, int64_t ms, int64_t *day, int64_t *start)
{
    int64_t period[2] = {INT64_MIN, INT64_MAX}, offset = 0;
    if (bucket->zone)
        offset = (int64_t)dbk_zone_offset(bucket->zone, ms, period) * DBK_MS_SECOND;
    offset -= (int64_t)bucket->day_start_minutes * DBK_MS_MINUTE;
    *day = dbk_floor_div(ms + offset, DBK_MS_DAY);
    *start = *day * DBK_MS_DAY - offset;
    return period[0] <= *start - FAR && *start + DBK_MS_DAY + FAR <= period[1];
}

// The local day that holds the instant. The day on the clock has begun at ms at the latest, but where the
// clock went back over the day's start, or a day was skipped, a later one may have begun already.
static int64_t day_of(const dbk_bucket *bucket, int64_t ms)
{
    int64_t day, start;
    if (steady_day(bucket, ms, &day, &start))
        return day;
    while (day_begin(bucket, day + 1) <= ms)
        day++;
    return day;
}

// The first days of the unit around a day and of the next one.
static void unit_days(dbk_unit unit, int64_t day, int64_t *first, int64_t *next)
{
    if (unit == DBK_UNIT_DAY) {
        *first = day;
        *next = day + 1;
        return;
    }
    if (unit == DBK_UNIT_WEEK) {
        *first = day - dbk_day_weekday((int32_t)day);
        *next = *first + 7;
        return;
    }
    int year, month, day_of_month;
    dbk_civil_from_day((int32_t)day, &year, &month, &day_of_month);
    int months = unit == DBK_UNIT_MONTH ? 1 : unit == DBK_UNIT_QUARTER ? 3 : 12;
    month = (month - 1) / months * months + 1;
    *first = dbk_day_from_civil(year, month, 1);
    month += months;
    *next = month > 12 ? dbk_day_from_civil(year + 1, 1, 1) : dbk_day_from_civil(year, month, 1);
}

int dbk_hour_of_day(const dbk_zone *zone, int64_t ms, int64_t *start, int64_t *end, int64_t *steady_end)
{
    const int64_t in_range = ms < DBK_MS_FIRST ? DBK_MS_FIRST : ms > DBK_MS_LAST ? DBK_MS_LAST : ms;
    int64_t period[2] = {INT64_MIN, INT64_MAX}, offset = 0;
    if (zone)
        offset = (int64_t)dbk_zone_offset(zone, in_range, period) * DBK_MS_SECOND;
    const int64_t hours = dbk_floor_div(in_range + offset, DBK_MS_HOUR);
    *start = hours * DBK_MS_HOUR - offset;
    *end = *start + DBK_MS_HOUR;
    *start = *start > period[0] ? *start : period[0];
    *end = *end < period[1] ? *end : period[1];
    *steady_end = period[1] < DBK_MS_LAST ? period[1] : DBK_MS_LAST;
    if (ms < *start)
        *start = INT64_MIN;
    if (ms >= *end)
        *end = INT64_MAX;
    return (int)(hours - dbk_floor_div(hours, 24) * 24);
}

void dbk_bucket_span(const dbk_bucket *bucket, int64_t ms, int64_t *start, int64_t *end)
{
    assert(bucket->unit != DBK_UNIT_HOUR_OF_DAY);
    assert(bucket->count > 0);
    assert(bucket->day_start_minutes >= 0 && bucket->day_start_minutes < 1440);

    // Beyond the calendar's range all time is one bucket on either side.
    if (ms < DBK_MS_FIRST || ms > DBK_MS_LAST) {
        bool before = ms < DBK_MS_FIRST;
        dbk_bucket_span(bucket, before ? DBK_MS_FIRST : DBK_MS_LAST, start, end);
        if (before && ms < *start) {
            *end = *start;
            *start = INT64_MIN;
        } else if (!before && ms >= *end) {
            *start = *end;
            *end = INT64_MAX;
        }
        return;
    }

    int64_t day;
    if (bucket->unit == DBK_UNIT_DAY && steady_day(bucket, ms, &day, start)) {
        *end = *start + DBK_MS_DAY;
        return;
    }
    day = day_of(bucket, ms);
    if (bucket->unit == DBK_UNIT_MINUTE || bucket->unit == DBK_UNIT_HOUR) {
        int64_t step =
            (int64_t)bucket->count * (bucket->unit == DBK_UNIT_MINUTE ? DBK_MS_MINUTE : DBK_MS_HOUR);
        int64_t begin = day_begin(bucket, day), day_end = day_begin(bucket, day + 1);
        *start = begin + (ms - begin) / step * step;
        *end = *start + step < day_end ? *start + step : day_end;
        return;
    }
    int64_t first, next;
    unit_days(bucket->unit, day, &first, &next);
    *start = day_begin(bucket, first);
    *end = day_begin(bucket, next);
}

// Of a bucket by an instant inside of the calendar's range.
static int64_t number_at(const dbk_bucket *bucket, int64_t ms)
{
    if (bucket->unit == DBK_UNIT_HOUR)
        return dbk_floor_div(ms, DBK_MS_HOUR);
    int64_t day = day_of(bucket, ms);
    if (bucket->unit == DBK_UNIT_DAY)
        return day;
    int year, month, day_of_month;
    dbk_civil_from_day((int32_t)day, &year, &month, &day_of_month);
    return (int64_t)year * 12 + month - 1;
}

int32_t dbk_bucket_number(const dbk_bucket *bucket, int64_t ms, int64_t *start, int64_t *end)
{
    assert(bucket->unit == DBK_UNIT_DAY || bucket->unit == DBK_UNIT_MONTH ||
           (bucket->unit == DBK_UNIT_HOUR && bucket->count == 1 && !bucket->zone));
    dbk_bucket_span(bucket, ms, start, end);
    if (*end <= DBK_MS_FIRST)
        return (int32_t)number_at(bucket, DBK_MS_FIRST) - 1;
    if (*start > DBK_MS_LAST)
        return (int32_t)number_at(bucket, DBK_MS_LAST) + 1;
    return (int32_t)number_at(bucket, ms < DBK_MS_FIRST ? DBK_MS_FIRST : ms > DBK_MS_LAST ? DBK_MS_LAST : ms);
}

// ---- Walks ----

// How long a bucket is where all days have 24 hours; 0 where that differs.
static int64_t usual_length(const dbk_bucket *bucket)
{
    switch (bucket->unit) {
    case DBK_UNIT_MINUTE:
    case DBK_UNIT_HOUR: {
        const int64_t step =
            bucket->count * (int64_t)(bucket->unit == DBK_UNIT_HOUR ? DBK_MS_HOUR : DBK_MS_MINUTE);
        return DBK_MS_DAY % step == 0 ? step : 0;
    }
    case DBK_UNIT_DAY:
        return DBK_MS_DAY;
    case DBK_UNIT_WEEK:
        return 7 * (int64_t)DBK_MS_DAY;
    default:
        return 0;
    }
}

// The bucket at an instant, and until when those behind it are as long as it: it and all of their days are
// steady (see steady_day), and inside of the calendar's range.
static void look_up(dbk_bucket_walk *walk, int64_t ms)
{
    int64_t period[2] = {INT64_MIN, INT64_MAX};
    const bool is_day = walk->bucket->unit == DBK_UNIT_DAY;
    if (is_day)
        walk->day = dbk_bucket_number(walk->bucket, ms, &walk->start, &walk->end);
    else
        dbk_bucket_span(walk->bucket, ms, &walk->start, &walk->end);
    walk->steady_end = INT64_MIN;
    if (walk->step == 0 || walk->start < DBK_MS_FIRST + FAR || walk->end > DBK_MS_LAST - FAR)
        return;
    if (walk->bucket->zone)
        (void)dbk_zone_offset(walk->bucket->zone, walk->start, period);
    const int64_t last = period[1] < DBK_MS_LAST ? period[1] - FAR : DBK_MS_LAST - FAR;
    if (period[0] < walk->start - FAR - DBK_MS_DAY)
        walk->steady_end = last;
}

dbk_bucket_walk dbk_bucket_walk_begin(const dbk_bucket *bucket, int64_t ms)
{
    dbk_bucket_walk walk = {.bucket = bucket, .step = usual_length(bucket)};
    look_up(&walk, ms);
    return walk;
}

void dbk_bucket_walk_next(dbk_bucket_walk *walk)
{
    assert(walk->end != INT64_MAX);
    if (walk->end + walk->step > walk->steady_end) {
        look_up(walk, walk->end);
        return;
    }
    walk->start = walk->end;
    walk->end += walk->step;
    walk->day++;
}
