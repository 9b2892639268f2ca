// SPDX-License-Identifier: Apache-2.0
// ISO texts go to the calendar's own parser. Everything else is cut into numbers, words and signs, each of
// which has one place to go; what finds no place makes the text no date.
#include "http/app/js_date.h"

#include <string.h>

typedef struct scanner {
    const char *at, *end;
} scanner;

typedef struct parts {
    int numbers[3]; // day, month, year in the order they stood
    int widths[3];  // their digits: four make a year
    int numbers_count;
    int month; // from a name; 0 = none
    int hour, minute, second, ms;
    bool has_time, has_meridiem, is_pm;
    bool has_offset;
    int offset_minutes;
    char date_sign; // '/' or '-' between the numbers, 0 = none
} parts;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    c |= 0x20;
    return c >= 'a' && c <= 'z';
}

// Up to nine digits; returns how many, 0 when there is none or too many.
static int scan_number(scanner *s, int *out)
{
    int digits = 0;
    *out = 0;
    while (s->at < s->end && is_digit(*s->at)) {
        if (++digits > 9)
            return 0;
        *out = *out * 10 + (*s->at++ - '0');
    }
    return digits;
}

// The word in lower case, cut to what fits.
static void scan_word(scanner *s, char word[12])
{
    size_t length = 0;
    while (s->at < s->end && is_letter(*s->at)) {
        if (length < 11)
            word[length++] = (char)(*s->at | 0x20);
        s->at++;
    }
    word[length] = 0;
}

// The place (1-based) of a name of which the word is a beginning of three letters or more.
static int find_name(const char *const *names, int count, const char *word)
{
    size_t length = strlen(word);
    for (int i = 0; length >= 3 && i < count; i++)
        if (strncmp(names[i], word, length) == 0)
            return i + 1;
    return 0;
}

// Two-digit years are those of 1950 to 2049, as browsers have it.
static int full_year(int year, int width)
{
    if (width > 2)
        return year;
    return year < 50 ? 2000 + year : 1900 + year;
}

// ":30[:15[.250]]" behind an hour.
static bool scan_clock(scanner *s, int hour, parts *p)
{
    if (p->has_time)
        return false;
    p->has_time = true;
    p->hour = hour;
    s->at++;
    if (scan_number(s, &p->minute) != 2)
        return false;
    if (s->at == s->end || *s->at != ':')
        return true;
    s->at++;
    if (scan_number(s, &p->second) != 2)
        return false;
    if (s->at == s->end || *s->at != '.')
        return true;
    s->at++;
    int fraction;
    int digits = scan_number(s, &fraction);
    if (digits == 0)
        return false;
    for (int i = digits; i < 3; i++)
        fraction *= 10;
    for (int i = digits; i > 3; i--)
        fraction /= 10;
    p->ms = fraction;
    return true;
}

// "+0200", "+02:00" or "+2" behind a time or a zone's name.
static bool scan_offset(scanner *s, parts *p)
{
    int sign = *s->at == '-' ? -1 : 1;
    s->at++;
    int hours, minutes = 0;
    int digits = scan_number(s, &hours);
    if (digits >= 3) {
        minutes = hours % 100;
        hours /= 100;
    } else if (digits > 0 && s->at < s->end && *s->at == ':') {
        s->at++;
        if (scan_number(s, &minutes) != 2)
            return false;
    }
    if (digits == 0 || digits > 4 || hours > 23 || minutes > 59)
        return false;
    p->has_offset = true;
    p->offset_minutes = sign * (hours * 60 + minutes);
    return true;
}

static bool take_word(const char *word, parts *p)
{
    static const char *const months[] = {"january",   "february", "march",    "april",
                                         "may",       "june",     "july",     "august",
                                         "september", "october",  "november", "december"};
    static const char *const weekdays[] = {"monday", "tuesday",  "wednesday", "thursday",
                                           "friday", "saturday", "sunday"};
    static const struct {
        const char *name;
        int hours;
    } zones[] = {{"z", 0},    {"gmt", 0},  {"utc", 0},  {"ut", 0},   {"est", -5}, {"edt", -4},
                 {"cst", -6}, {"cdt", -5}, {"mst", -7}, {"mdt", -6}, {"pst", -8}, {"pdt", -7}};

    if (strcmp(word, "am") == 0 || strcmp(word, "pm") == 0) {
        bool is_new = p->has_time && !p->has_meridiem;
        p->has_meridiem = true;
        p->is_pm = word[0] == 'p';
        return is_new;
    }
    if (strcmp(word, "t") == 0)
        return p->numbers_count == 3 && !p->has_time;
    int month = find_name(months, 12, word);
    if (month > 0) {
        bool is_new = p->month == 0;
        p->month = month;
        return is_new;
    }
    for (size_t i = 0; i < DBK_COUNT(zones); i++) {
        if (strcmp(zones[i].name, word) != 0)
            continue;
        bool is_new = !p->has_offset;
        p->has_offset = true;
        p->offset_minutes = zones[i].hours * 60;
        return is_new;
    }
    return find_name(weekdays, 7, word) > 0;
}

// A '-' or '/' between numbers of the date is its separator; elsewhere a sign begins an offset.
static bool take_sign(scanner *s, parts *p)
{
    bool in_date = !p->has_time && !p->has_offset && p->numbers_count + (p->month > 0) < 3;
    if (in_date) {
        if (*s->at == '+')
            return false;
        p->date_sign = *s->at++;
        return true;
    }
    return *s->at != '/' && scan_offset(s, p);
}

static bool scan_comment(scanner *s)
{
    const char *close = memchr(s->at, ')', (size_t)(s->end - s->at));
    if (close == NULL)
        return false;
    s->at = close + 1;
    return true;
}

static bool scan_parts(dbk_text text, parts *p)
{
    scanner s = {text.data, text.data + text.length};
    while (s.at < s.end) {
        char c = *s.at;
        if (c == ' ' || c == ',') {
            s.at++;
        } else if (c == '(') {
            if (!scan_comment(&s))
                return false;
        } else if (is_letter(c)) {
            char word[12];
            scan_word(&s, word);
            if (!take_word(word, p))
                return false;
        } else if (is_digit(c)) {
            int value;
            int width = scan_number(&s, &value);
            if (width == 0)
                return false;
            if (s.at < s.end && *s.at == ':') {
                if (!scan_clock(&s, value, p))
                    return false;
            } else {
                if (p->numbers_count == 3)
                    return false;
                p->widths[p->numbers_count] = width;
                p->numbers[p->numbers_count++] = value;
            }
        } else if (c == '+' || c == '-' || c == '/') {
            if (!take_sign(&s, p))
                return false;
        } else {
            return false;
        }
    }
    return true;
}

// Which number is which: with a month's name, day and year in either order ("1 April 2026", "April 1, 2026",
// "2026 April 1"); without, year first when it has four digits, else month, day, year.
static bool order_parts(const parts *p, int *year, int *month, int *day)
{
    const int *n = p->numbers, *w = p->widths;
    if (p->month > 0) {
        if (p->numbers_count != 2)
            return false;
        bool year_first = w[0] >= 3;
        *month = p->month;
        *year = year_first ? n[0] : full_year(n[1], w[1]);
        *day = year_first ? n[1] : n[0];
        return true;
    }
    if (p->numbers_count != 3 || p->date_sign == 0)
        return false;
    if (w[0] >= 3) {
        *year = n[0], *month = n[1], *day = n[2];
    } else {
        *month = n[0], *day = n[1], *year = full_year(n[2], w[2]);
    }
    return true;
}

static bool day_exists(int year, int month, int day)
{
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    int y, m, d;
    dbk_civil_from_day(dbk_day_from_civil(year, month, day), &y, &m, &d);
    return y == year && m == month && d == day;
}

static bool parse_loose(dbk_text text, const dbk_zone *zone, int64_t *out_ms, dbk_time_form *out_form)
{
    parts p = {0};
    int year, month, day;
    if (!scan_parts(text, &p) || !order_parts(&p, &year, &month, &day) || !day_exists(year, month, day))
        return false;
    if (p.has_meridiem) {
        if (p.hour < 1 || p.hour > 12)
            return false;
        p.hour = p.hour % 12 + (p.is_pm ? 12 : 0);
    }
    if (p.hour > 23 || p.minute > 59 || p.second > 59)
        return false;
    int64_t local = (int64_t)dbk_day_from_civil(year, month, day) * DBK_MS_DAY +
                    (int64_t)p.hour * DBK_MS_HOUR + (int64_t)p.minute * DBK_MS_MINUTE +
                    (int64_t)p.second * DBK_MS_SECOND + p.ms;
    *out_ms =
        p.has_offset ? local - (int64_t)p.offset_minutes * DBK_MS_MINUTE : dbk_zone_local_to_utc(zone, local);
    *out_form = p.has_time || p.has_offset ? DBK_TIME_INSTANT : DBK_TIME_DATE;
    return true;
}

// "2026" and "2026-04" are ISO dates to JavaScript: the first day of the year or month.
static bool parse_short(dbk_text text, const dbk_zone *zone, int64_t *out_ms, dbk_time_form *out_form)
{
    char whole[10] = "0000-01-01";
    if (text.length != 4 && text.length != 7)
        return false;
    memcpy(whole, text.data, text.length);
    return dbk_time_parse(whole, sizeof(whole), zone, out_ms, out_form);
}

bool dbk_js_date_parse(dbk_text text, const dbk_zone *zone, int64_t *out_ms, dbk_time_form *out_form)
{
    while (text.length > 0 && text.data[0] == ' ')
        text.data++, text.length--;
    while (text.length > 0 && text.data[text.length - 1] == ' ')
        text.length--;
    if (text.length == 0 || text.length > 100)
        return false;
    return dbk_time_parse(text.data, text.length, zone, out_ms, out_form) ||
           parse_short(text, zone, out_ms, out_form) || parse_loose(text, zone, out_ms, out_form);
}
