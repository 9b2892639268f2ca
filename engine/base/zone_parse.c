// SPDX-License-Identifier: Apache-2.0
// The TZif parser (RFC 9636), for zones on their way from a file to a list of offset changes.
//
// A file of version 2 or later holds two blocks of data, the first with 32-bit times for the readers of old,
// which is skipped, and a footer: a POSIX TZ rule that governs all time after the last listed transition. The
// rule is expanded here to transitions, so that queries know lists only.
#include "engine/base/zone_parse.h"
#include "engine/base/bytes.h"
#include "engine/base/days.h"
#include "engine/base/zone_data.h"

#include <stdlib.h>
#include <string.h>

enum {
    EXPAND_LAST_YEAR = 2200,
    RULE_HOURS_MAX = 167, // RFC 9636, section 3.3.1
    TYPE_BYTES = 6,
};

static uint32_t read_be32(dbk_reader *r)
{
    return __builtin_bswap32(dbk_read_u32(r));
}

static int64_t read_be_time(dbk_reader *r, size_t time_bytes)
{
    return time_bytes == 8 ? (int64_t)__builtin_bswap64(dbk_read_u64(r)) : (int32_t)read_be32(r);
}

typedef struct tzif_header {
    uint8_t version;
    uint32_t isut_count, isstd_count, leap_count, time_count, type_count, char_count;
} tzif_header;

static bool read_header(dbk_reader *r, tzif_header *header)
{
    const uint8_t *magic = dbk_read_bytes(r, 4);
    header->version = dbk_read_u8(r);
    dbk_read_bytes(r, 15);
    header->isut_count = read_be32(r);
    header->isstd_count = read_be32(r);
    header->leap_count = read_be32(r);
    header->time_count = read_be32(r);
    header->type_count = read_be32(r);
    header->char_count = read_be32(r);
    return !r->failed && memcmp(magic, "TZif", 4) == 0;
}

// What follows the types in a block: names, leap seconds, and two kinds of indicators, none of which we need.
static size_t trailer_bytes(const tzif_header *h, size_t time_bytes)
{
    return (size_t)h->char_count + (size_t)h->leap_count * (time_bytes + 4) + h->isstd_count + h->isut_count;
}

// The list under construction. Times are seconds here, as in the file.
typedef struct builder {
    dbk_zone *zone;
    size_t capacity;
    int32_t offset;    // after the last change
    int64_t last_time; // of the last transition, even one that changed no offset
    bool any;
    bool no_memory;
} builder;

static void builder_append(builder *b, int64_t time, int32_t offset)
{
    // Times that do not fit milliseconds are before or after everything that can be asked. Files do have
    // them: the first transition of some is the Big Bang.
    const int64_t limit = INT64_MAX / 1000 - ZONE_OFFSET_MAX;
    dbk_zone *zone = b->zone;
    b->last_time = time;
    b->any = true;
    if (time > limit || offset == b->offset)
        return;
    b->offset = offset;
    if (time < -limit) {
        zone->first_offset = offset;
        return;
    }
    if (zone->change_count == b->capacity) {
        size_t capacity = b->capacity ? b->capacity * 2 : 64;
        zone_change *changes = realloc(zone->changes, capacity * sizeof *changes);
        if (!changes) {
            b->no_memory = true;
            return;
        }
        zone->changes = changes;
        b->capacity = capacity;
    }
    zone->changes[zone->change_count++] = (zone_change){time * 1000, offset};
}

// One yearly change of a POSIX rule.
typedef struct rule_date {
    char kind;            // 'M' month.week.day, 'J' day of year without 29 February, '0' day of year from 0
    int month, week, day; // day: 0 = Sunday for 'M'
    int32_t time;         // seconds from local midnight, may be negative or beyond the day
} rule_date;

typedef struct tz_rule {
    int32_t standard, daylight; // seconds east of Greenwich
    bool has_daylight;
    rule_date begin, end; // of daylight saving time
} tz_rule;

// A cursor over the footer. peek gives '\0' at the end, which no rule contains.
typedef struct cursor {
    const char *at, *end;
} cursor;

static char peek(const cursor *c)
{
    return c->at < c->end ? *c->at : '\0';
}

static bool take(cursor *c, char wanted)
{
    if (peek(c) != wanted)
        return false;
    c->at++;
    return true;
}

static bool take_number(cursor *c, int least, int most, int *out)
{
    int value = 0, digits = 0;
    for (; peek(c) >= '0' && peek(c) <= '9' && digits < 4; c->at++, digits++)
        value = value * 10 + (*c->at - '0');
    *out = value;
    return digits > 0 && value >= least && value <= most;
}

static bool take_name(cursor *c)
{
    const char *begin = c->at;
    if (take(c, '<')) {
        while (peek(c) != '>') {
            if (peek(c) == '\0')
                return false;
            c->at++;
        }
        c->at++;
        return true;
    }
    while ((peek(c) >= 'a' && peek(c) <= 'z') || (peek(c) >= 'A' && peek(c) <= 'Z'))
        c->at++;
    return c->at > begin;
}

// [+-]hours[:minutes[:seconds]]
static bool take_time(cursor *c, int hours_max, int32_t *out)
{
    int hours, minutes = 0, seconds = 0, sign = 1;
    if (take(c, '-'))
        sign = -1;
    else
        take(c, '+');
    if (!take_number(c, 0, hours_max, &hours))
        return false;
    if (take(c, ':')) {
        if (!take_number(c, 0, 59, &minutes))
            return false;
        if (take(c, ':') && !take_number(c, 0, 59, &seconds))
            return false;
    }
    *out = sign * (hours * 3600 + minutes * 60 + seconds);
    return true;
}

static bool take_date(cursor *c, rule_date *date)
{
    *date = (rule_date){.kind = '0', .time = 2 * 3600};
    bool good;
    if (take(c, 'M')) {
        date->kind = 'M';
        good = take_number(c, 1, 12, &date->month) && take(c, '.') && take_number(c, 1, 5, &date->week) &&
               take(c, '.') && take_number(c, 0, 6, &date->day);
    } else if (take(c, 'J')) {
        date->kind = 'J';
        good = take_number(c, 1, 365, &date->day);
    } else {
        good = take_number(c, 0, 365, &date->day);
    }
    if (good && take(c, '/'))
        good = take_time(c, RULE_HOURS_MAX, &date->time);
    return good;
}

static bool parse_rule(cursor *c, tz_rule *out)
{
    *out = (tz_rule){0};
    // POSIX counts offsets west of Greenwich.
    if (!take_name(c) || !take_time(c, 24, &out->standard))
        return false;
    out->standard = -out->standard;
    if (peek(c) == '\0')
        return c->at == c->end;
    out->has_daylight = true;
    if (!take_name(c))
        return false;
    out->daylight = out->standard + 3600;
    if (peek(c) != ',') {
        if (!take_time(c, 24, &out->daylight))
            return false;
        out->daylight = -out->daylight;
    }
    return take(c, ',') && take_date(c, &out->begin) && take(c, ',') && take_date(c, &out->end) &&
           c->at == c->end;
}

static bool is_leap_year(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

// The change's local time in a year, in seconds as if local time were UTC.
static int64_t rule_date_in_year(const rule_date *date, int year)
{
    int32_t day;
    if (date->kind == 'M') {
        int32_t month_begin = dbk_day_from_civil(year, date->month, 1);
        int32_t month_end = date->month == 12 ? dbk_day_from_civil(year + 1, 1, 1)
                                              : dbk_day_from_civil(year, date->month + 1, 1);
        int first_weekday = (dbk_day_weekday(month_begin) + 1) % 7; // 0 = Sunday
        day = month_begin + (date->day - first_weekday + 7) % 7 + 7 * (date->week - 1);
        if (day >= month_end) // the fifth is the last
            day -= 7;
    } else {
        day = dbk_day_from_civil(year, 1, 1) + date->day;
        if (date->kind == 'J' && !(is_leap_year(year) && date->day >= 60))
            day--;
    }
    return (int64_t)day * 86400 + date->time;
}

static void append_by_rule(builder *b, int64_t after, int64_t time, int32_t offset)
{
    // Where daylight time lasts all year, it ends at the instant at which it begins again: the later word
    // counts.
    dbk_zone *zone = b->zone;
    if (time <= after || time < b->last_time)
        return;
    if (b->any && time == b->last_time && zone->change_count &&
        zone->changes[zone->change_count - 1].at_ms == time * 1000) {
        zone->change_count--;
        b->offset = zone->change_count ? zone->changes[zone->change_count - 1].offset : zone->first_offset;
    }
    builder_append(b, time, offset);
}

static void expand_rule(builder *b, const tz_rule *rule)
{
    if (!b->any)
        b->zone->first_offset = b->offset = rule->standard;
    if (!rule->has_daylight)
        return;

    // The year of the last transition may still have changes to come; without any, the rule was always in
    // force.
    int64_t after = b->any ? b->last_time : INT64_MIN;
    int year = 1;
    if (b->any && after > -62135596800) {
        if (after > (int64_t)dbk_day_from_civil(EXPAND_LAST_YEAR, 12, 31) * 86400)
            return;
        int month, day;
        dbk_civil_from_day((int32_t)(after / 86400), &year, &month, &day);
        year = year > 1 ? year - 1 : 1;
    }
    if (!b->any)
        b->last_time = INT64_MIN;
    for (; year <= EXPAND_LAST_YEAR; year++) {
        int64_t begin = rule_date_in_year(&rule->begin, year) - rule->standard;
        int64_t end = rule_date_in_year(&rule->end, year) - rule->daylight;
        if (begin <= end) {
            append_by_rule(b, after, begin, rule->daylight);
            append_by_rule(b, after, end, rule->standard);
        } else {
            append_by_rule(b, after, end, rule->standard);
            append_by_rule(b, after, begin, rule->daylight);
        }
    }
}

static bool offset_is_possible(int32_t offset)
{
    return offset > -25 * 3600 && offset < ZONE_OFFSET_MAX;
}

static dbk_status parse_block(dbk_reader *r, const tzif_header *h, size_t time_bytes, builder *b,
                              dbk_error *err)
{
    if (h->type_count == 0 || h->type_count > 256)
        return dbk_fail(err, DBK_CORRUPT, "the file lists no local time types, or more than 256");
    if (h->leap_count)
        return dbk_fail(err, DBK_INVALID, "the file counts leap seconds; use the zone without \"right/\"");

    dbk_reader times = *r;
    dbk_read_bytes(r, h->time_count * time_bytes);
    const uint8_t *indexes = dbk_read_bytes(r, h->time_count);
    dbk_reader types = *r;
    dbk_read_bytes(r, (size_t)h->type_count * TYPE_BYTES);
    dbk_read_bytes(r, trailer_bytes(h, time_bytes));
    if (r->failed)
        return dbk_fail(err, DBK_CORRUPT, "the file is cut short");

    int32_t offsets[256];
    for (uint32_t i = 0; i < h->type_count; i++) {
        offsets[i] = (int32_t)read_be32(&types);
        dbk_read_bytes(&types, TYPE_BYTES - 4);
        if (!offset_is_possible(offsets[i]))
            return dbk_fail(err, DBK_CORRUPT, "an offset is larger than a day");
    }

    b->zone->first_offset = b->offset = offsets[0];
    for (uint32_t i = 0; i < h->time_count; i++) {
        int64_t time = read_be_time(&times, time_bytes);
        if (i && time <= b->last_time)
            return dbk_fail(err, DBK_CORRUPT, "the transitions are out of order");
        if (indexes[i] >= h->type_count)
            return dbk_fail(err, DBK_CORRUPT, "a transition leads to an unknown type");
        builder_append(b, time, offsets[indexes[i]]);
    }
    return DBK_OK;
}

static dbk_status parse_footer(dbk_reader *r, builder *b, dbk_error *err)
{
    size_t left = dbk_reader_left(r);
    const char *footer = (const char *)dbk_read_bytes(r, left);
    const char *end = left > 1 ? memchr(footer + 1, '\n', left - 1) : NULL;
    if (!end || footer[0] != '\n')
        return dbk_fail(err, DBK_CORRUPT, "the footer is missing");
    cursor c = {footer + 1, end};
    if (c.at == c.end) // no rule is known for the future: the last transition holds on
        return DBK_OK;
    tz_rule rule;
    if (!parse_rule(&c, &rule) || !offset_is_possible(rule.standard) || !offset_is_possible(rule.daylight))
        return dbk_fail(err, DBK_CORRUPT, "the rule in the footer cannot be read");
    expand_rule(b, &rule);
    return DBK_OK;
}

dbk_status dbk_zone_parse(const uint8_t *bytes, size_t size, dbk_zone **out, dbk_error *err)
{
    dbk_reader r = dbk_reader_init(bytes, size);
    tzif_header header;
    size_t time_bytes = 4;
    if (!read_header(&r, &header))
        return dbk_fail(err, DBK_CORRUPT, "this is not a TZif file");
    if (header.version >= '2') {
        time_bytes = 8;
        dbk_read_bytes(&r, (size_t)header.time_count * 5 + (size_t)header.type_count * TYPE_BYTES +
                               trailer_bytes(&header, 4));
        if (!read_header(&r, &header))
            return dbk_fail(err, DBK_CORRUPT, "the second header is missing");
    }

    builder b = {.zone = calloc(1, sizeof *b.zone)};
    if (!b.zone)
        return dbk_fail(err, DBK_NO_MEMORY, "no memory for a time zone");
    dbk_status status = parse_block(&r, &header, time_bytes, &b, err);
    if (status == DBK_OK && time_bytes == 8)
        status = parse_footer(&r, &b, err);
    if (status == DBK_OK && b.no_memory)
        status = dbk_fail(err, DBK_NO_MEMORY, "no memory for a time zone");
    if (status != DBK_OK) {
        dbk_zone_free(b.zone);
        return status;
    }
    *out = b.zone;
    return DBK_OK;
}

void dbk_zone_free(dbk_zone *zone)
{
    if (!zone)
        return;
    free(zone->changes);
    free(zone->name);
    free(zone);
}
