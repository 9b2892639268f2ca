// SPDX-License-Identifier: Apache-2.0
// ISO 8601 texts of days and instants.
#include "engine/base/calendar.h"
#include "engine/base/calendar_range.h"
#include "engine/base/digits.h"

#include <string.h>

typedef struct cursor {
    const char *at, *end;
} cursor;

static bool take(cursor *c, char wanted)
{
    if (c->at == c->end || *c->at != wanted)
        return false;
    c->at++;
    return true;
}

// Exactly so many digits.
static bool take_digits(cursor *c, int count, int *out)
{
    int value = 0;
    if (c->end - c->at < count)
        return false;
    for (int i = 0; i < count; i++) {
        unsigned digit = (unsigned)(c->at[i] - '0');
        if (digit > 9)
            return false;
        value = value * 10 + (int)digit;
    }
    c->at += count;
    *out = value;
    return true;
}

static bool take_date(cursor *c, int32_t *out_day)
{
    static const uint8_t month_days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day;
    if (!take_digits(c, 4, &year) || !take(c, '-') || !take_digits(c, 2, &month) || !take(c, '-') ||
        !take_digits(c, 2, &day))
        return false;
    if (year < 1 || month < 1 || month > 12 || day < 1)
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day > month_days[month - 1] + (month == 2 && leap))
        return false;
    *out_day = dbk_day_from_civil(year, month, day);
    return true;
}

static bool take_clock(cursor *c, int64_t *out_ms)
{
    int hour, minute, second = 0, ms = 0;
    if (!take_digits(c, 2, &hour) || !take(c, ':') || !take_digits(c, 2, &minute))
        return false;
    if (take(c, ':')) {
        if (!take_digits(c, 2, &second))
            return false;
        if (take(c, '.')) {
            int digit, weight = 100;
            if (!take_digits(c, 1, &digit))
                return false;
            do {
                ms += digit * weight;
                weight /= 10;
            } while (take_digits(c, 1, &digit));
        }
    }
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    *out_ms = (int64_t)hour * DBK_MS_HOUR + minute * DBK_MS_MINUTE + second * DBK_MS_SECOND + ms;
    return true;
}

// "Z", "+02:00", "+0200" or "+02".
static bool take_offset(cursor *c, int64_t *out_ms)
{
    *out_ms = 0;
    if (take(c, 'Z'))
        return true;
    int sign = take(c, '-') ? -1 : 1, hours, minutes = 0;
    if (sign > 0 && !take(c, '+'))
        return false;
    if (!take_digits(c, 2, &hours))
        return false;
    bool colon = take(c, ':');
    if ((colon || c->at < c->end) && !take_digits(c, 2, &minutes))
        return false;
    if (hours > 23 || minutes > 59)
        return false;
    *out_ms = sign * ((int64_t)hours * DBK_MS_HOUR + minutes * DBK_MS_MINUTE);
    return true;
}

bool dbk_time_parse(const char *text, size_t length, const dbk_zone *zone, int64_t *out_ms,
                    dbk_time_form *out_form)
{
    if (length == 0)
        return false;
    cursor c = {text, text + length};
    int32_t day;
    int64_t clock = 0, offset = 0;
    if (!take_date(&c, &day))
        return false;
    dbk_time_form form = DBK_TIME_DATE;
    bool local = true;
    if (c.at < c.end) {
        form = DBK_TIME_INSTANT;
        if ((!take(&c, 'T') && !take(&c, ' ')) || !take_clock(&c, &clock))
            return false;
        if (c.at < c.end) {
            local = false;
            if (!take_offset(&c, &offset) || c.at < c.end)
                return false;
        }
    }
    int64_t ms = (int64_t)day * DBK_MS_DAY + clock - offset;
    *out_ms = local && zone ? dbk_zone_local_to_utc(zone, ms) : ms;
    if (out_form)
        *out_form = form;
    return true;
}

bool dbk_date_parse(const char *text, size_t length, int32_t *out_day)
{
    if (length == 0)
        return false;
    cursor c = {text, text + length};
    int32_t day;
    if (!take_date(&c, &day) || c.at < c.end)
        return false;
    *out_day = day;
    return true;
}

// What can be written: 0000-01-01 to 9999-12-31, as day numbers.
enum { FIRST_DAY = -719528, LAST_DAY = 2932896 };

size_t dbk_date_write(char out[DBK_TIME_TEXT_MAX], int32_t day)
{
    int year, month, day_of_month;
    day = day < FIRST_DAY ? FIRST_DAY : day > LAST_DAY ? LAST_DAY : day;
    dbk_civil_from_day(day, &year, &month, &day_of_month);
    char *p = dbk_digits_write(out, (uint64_t)year, 4);
    *p++ = '-';
    p = dbk_digits_write(p, (uint64_t)month, 2);
    *p++ = '-';
    p = dbk_digits_write(p, (uint64_t)day_of_month, 2);
    return (size_t)(p - out);
}

size_t dbk_time_write(char out[DBK_TIME_TEXT_MAX], int64_t ms)
{
    const int64_t first = FIRST_DAY * (int64_t)DBK_MS_DAY, last = (LAST_DAY + 1) * (int64_t)DBK_MS_DAY - 1;
    ms = ms < first ? first : ms > last ? last : ms;
    int64_t day = dbk_floor_div(ms, DBK_MS_DAY);
    int rest = (int)(ms - day * DBK_MS_DAY);
    char *p = out + dbk_date_write(out, (int32_t)day);
    *p++ = 'T';
    p = dbk_digits_write(p, (uint64_t)(rest / DBK_MS_HOUR), 2);
    *p++ = ':';
    p = dbk_digits_write(p, (uint64_t)(rest / DBK_MS_MINUTE % 60), 2);
    *p++ = ':';
    p = dbk_digits_write(p, (uint64_t)(rest / DBK_MS_SECOND % 60), 2);
    *p++ = '.';
    p = dbk_digits_write(p, (uint64_t)(rest % DBK_MS_SECOND), 3);
    *p++ = 'Z';
    return (size_t)(p - out);
}
