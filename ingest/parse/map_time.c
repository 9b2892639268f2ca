// SPDX-License-Identifier: Apache-2.0
// Times as foreign files write them. A pattern is letters for the parts of a date and time, and anything else
// for itself: YYYY, YY (2000 to 2099), MM, M, MMM (Jan), DD, D, HH, H, hh, h, mm, m, ss, s, SSS, A (AM or
// PM). A doubled letter is exactly two digits, a single one is one or two. "unix" and "unix ms" count from
// 1970.
#include "ingest/parse/map_plan.h"

#include "engine/base/calendar.h"
#include "engine/base/decimal.h"

#include <string.h>
#include <strings.h>

typedef struct reading {
    const char *at, *end;
    int year, month, day, hour, minute, second, ms;
    bool half_day, afternoon;
} reading;

static bool take_digits(reading *r, int least, int most, int *out)
{
    int value = 0, count = 0;
    for (; count < most && r->at < r->end && *r->at >= '0' && *r->at <= '9'; count++)
        value = value * 10 + (*r->at++ - '0');
    *out = value;
    return count >= least;
}

static bool take_month_name(reading *r)
{
    static const char names[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    for (int i = 0; i < 12; i++) {
        if (r->end - r->at >= 3 && strncasecmp(r->at, names[i], 3) == 0) {
            r->month = i + 1;
            r->at += 3;
            return true;
        }
    }
    return false;
}

static bool take_half(reading *r)
{
    if (r->end - r->at < 2 || (r->at[1] != 'M' && r->at[1] != 'm'))
        return false;
    char c = r->at[0];
    r->afternoon = c == 'P' || c == 'p';
    r->half_day = true;
    r->at += 2;
    return r->afternoon || c == 'A' || c == 'a';
}

// One run of a letter of the pattern; false: the text does not fit, or there is no such letter.
static bool take_part(reading *r, char letter, int run)
{
    int least = run == 1 ? 1 : 2;
    switch (letter) {
    case 'Y':
        if (run == 4)
            return take_digits(r, 4, 4, &r->year);
        if (!take_digits(r, 2, 2, &r->year))
            return false;
        r->year += 2000;
        return true;
    case 'M':
        return run == 3 ? take_month_name(r) : take_digits(r, least, 2, &r->month);
    case 'D':
        return take_digits(r, least, 2, &r->day);
    case 'h':
        r->half_day = true;
        return take_digits(r, least, 2, &r->hour) && r->hour >= 1 && r->hour <= 12;
    case 'H':
        return take_digits(r, least, 2, &r->hour);
    case 'm':
        return take_digits(r, least, 2, &r->minute);
    case 's':
        return take_digits(r, least, 2, &r->second);
    case 'S':
        return take_digits(r, 3, 3, &r->ms);
    case 'A':
        return take_half(r);
    }
    return false;
}

static bool is_letter(char c)
{
    return c && strchr("YMDhHmsSA", c);
}

static int run_length(const char *at)
{
    int run = 1;
    while (at[run] == at[0])
        run++;
    return run;
}

static bool is_unix(const char *pattern, int64_t *unit)
{
    *unit = strcmp(pattern, "unix ms") == 0 ? 1 : DBK_MS_SECOND;
    return strcmp(pattern, "unix") == 0 || *unit == 1;
}

const char *dbk_map_time_check(const char *pattern)
{
    int64_t unit;
    bool year = false, month = false, day = false, half = false, mark = false;
    if (is_unix(pattern, &unit))
        return NULL;
    for (const char *at = pattern; *at;) {
        int run = run_length(at);
        if (!is_letter(*at)) {
            at += run;
            continue;
        }
        bool fits = *at == 'Y'   ? run == 2 || run == 4
                    : *at == 'M' ? run <= 3
                    : *at == 'S' ? run == 3
                    : *at == 'A' ? run == 1
                                 : run <= 2;
        if (!fits)
            return "a part of the time format is too long or too short";
        year |= *at == 'Y';
        month |= *at == 'M';
        day |= *at == 'D';
        half |= *at == 'h';
        mark |= *at == 'A';
        at += run;
    }
    if (!year || !month || !day)
        return "a time format needs a year (YYYY), a month (M) and a day (D)";
    return half != mark ? "h and A (AM or PM) go together" : NULL;
}

bool dbk_map_time_parse(const char *pattern, dbk_text text, const dbk_zone *zone, int64_t *out_ms)
{
    int64_t unit, count;
    if (is_unix(pattern, &unit)) {
        if (dbk_decimal_parse(text.data, text.length, 0, &count) != DBK_DECIMAL_OK)
            return false;
        return !__builtin_mul_overflow(count, unit, out_ms) && *out_ms > -62135596800000 &&
               *out_ms < 253402300800000;
    }
    reading r = {.at = text.data, .end = text.data + text.length};
    for (const char *at = pattern; *at;) {
        int run = run_length(at);
        if (is_letter(*at)) {
            if (!take_part(&r, *at, run))
                return false;
        } else {
            for (int i = 0; i < run; i++) {
                if (r.at == r.end || *r.at++ != *at)
                    return false;
            }
        }
        at += run;
    }
    if (r.at != r.end || r.month < 1 || r.month > 12 || r.day < 1 || r.year < 1 || r.hour > 23 ||
        r.minute > 59 || r.second > 59)
        return false;
    if (r.half_day)
        r.hour = r.hour % 12 + (r.afternoon ? 12 : 0);
    // A day that does not exist comes back as another.
    int32_t day = dbk_day_from_civil(r.year, r.month, r.day);
    int year, month, day_of_month;
    dbk_civil_from_day(day, &year, &month, &day_of_month);
    if (month != r.month || day_of_month != r.day)
        return false;
    int64_t local = (int64_t)day * DBK_MS_DAY + (int64_t)r.hour * DBK_MS_HOUR + r.minute * DBK_MS_MINUTE +
                    r.second * DBK_MS_SECOND + r.ms;
    *out_ms = zone ? dbk_zone_local_to_utc(zone, local) : local;
    return true;
}
