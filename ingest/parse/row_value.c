// SPDX-License-Identifier: Apache-2.0
// One text, one value. The shapes that files are full of (1234.50, 2026-04-01T12:30:00Z) have a short path
// each; everything else goes the thorough way through engine/base, which also finds the reasons.
#include "ingest/parse/row.h"

#include "engine/base/calendar.h"
#include "engine/base/decimal.h"
#include "engine/schema.h"

#include <string.h>
#include <strings.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

dbk_text dbk_text_trim(dbk_text text)
{
    while (text.length && is_space(text.data[0])) {
        text.data++;
        text.length--;
    }
    while (text.length && is_space(text.data[text.length - 1]))
        text.length--;
    return text;
}

bool dbk_text_blank(dbk_text text)
{
    return dbk_text_trim(text).length == 0;
}

// At most 64 bytes: keys, and references to rows of another table.
static bool is_id(const dbk_column_def *column)
{
    size_t length = strlen(column->name);
    bool reference = length > 3 && strcmp(column->name + length - 3, "_id") == 0;
    return (column->flags & DBK_KEY) || reference || dbk_table_def_by_domain(column->domain);
}

// Up to 17 digits with at most one point and at most `scale` decimals cannot overflow 19 digits when scaled
// to 4 or less.
static bool parse_short_decimal(dbk_text text, int scale, int64_t *out)
{
    static const int64_t powers[] = {1, 10, 100, 1000, 10000};
    if (text.length == 0 || text.length > 14 || scale > 4)
        return false;
    const char *at = text.data, *end = at + text.length;
    bool negative = *at == '-';
    at += negative;
    int64_t value = 0;
    const char *point = NULL, *first = at;
    for (; at < end; at++) {
        unsigned digit = (unsigned)(*at - '0');
        if (digit < 10) {
            value = value * 10 + digit;
        } else if (*at == '.' && !point) {
            point = at;
        } else {
            return false;
        }
    }
    int64_t decimals = point ? end - point - 1 : 0;
    if (decimals > scale || end - first == (point != NULL))
        return false;
    value *= powers[scale - decimals];
    *out = negative ? -value : value;
    return true;
}

static const char *parse_decimal(dbk_text text, int scale, int64_t *out)
{
    if (parse_short_decimal(text, scale, out))
        return NULL;
    dbk_decimal_fault fault = dbk_decimal_parse(text.data, text.length, scale, out);
    if (fault == DBK_DECIMAL_OK)
        return NULL;
    if (scale == 0 && fault != DBK_DECIMAL_TOO_LARGE)
        return "not a whole number";
    return dbk_decimal_fault_text(fault, scale);
}

static const char *parse_bool(dbk_text text, int64_t *out)
{
    static const char *const words[] = {"false", "true", "0", "1", "f", "t", "no", "yes", "n", "y"};
    for (size_t i = 0; i < DBK_COUNT(words); i++) {
        if (strlen(words[i]) == text.length && strncasecmp(words[i], text.data, text.length) == 0) {
            *out = (int64_t)(i & 1);
            return NULL;
        }
    }
    return "neither true nor false";
}

static bool take_number(const char *at, int digits, int *out)
{
    int value = 0;
    for (int i = 0; i < digits; i++) {
        unsigned digit = (unsigned)(at[i] - '0');
        if (digit > 9)
            return false;
        value = value * 10 + (int)digit;
    }
    *out = value;
    return true;
}

// "2026-04-01T12:30:00Z", "… 12:30:00.123Z" and the same without Z when that is UTC too. The date is left to
// dbk_date_parse, once for each run of equal dates: files are mostly sorted by time.
static bool parse_short_time(dbk_text text, const dbk_zone *zone, int64_t *out)
{
    static _Thread_local char last_date[10];
    static _Thread_local int32_t last_day;
    const char *at = text.data;
    uint32_t length = text.length;
    int hour, minute, second, ms = 0;
    if (length > 0 && at[length - 1] == 'Z')
        length--;
    else if (zone)
        return false;
    if ((length != 19 && length != 23) || (at[10] != 'T' && at[10] != ' ') || at[13] != ':' || at[16] != ':')
        return false;
    if (!take_number(at + 11, 2, &hour) || !take_number(at + 14, 2, &minute) ||
        !take_number(at + 17, 2, &second) || hour > 23 || minute > 59 || second > 59)
        return false;
    if (length == 23 && (at[19] != '.' || !take_number(at + 20, 3, &ms)))
        return false;
    if (memcmp(at, last_date, sizeof last_date) != 0) {
        int32_t day;
        if (!dbk_date_parse(at, sizeof last_date, &day))
            return false;
        memcpy(last_date, at, sizeof last_date);
        last_day = day;
    }
    *out = (int64_t)last_day * DBK_MS_DAY + hour * DBK_MS_HOUR + minute * DBK_MS_MINUTE +
           second * DBK_MS_SECOND + ms;
    return true;
}

const char *dbk_value_parse(const dbk_column_def *column, const dbk_zone *zone, dbk_text text, int64_t *out)
{
    text = dbk_text_trim(text);
    if (text.length == 0) {
        *out = DBK_NULL;
        return NULL;
    }
    int32_t day;
    switch (column->type) {
    case DBK_BOOL:
        return parse_bool(text, out);
    case DBK_INT:
        return parse_decimal(text, 0, out);
    case DBK_MONEY:
        return parse_decimal(text, DBK_MONEY_SCALE, out);
    case DBK_RATE:
        return parse_decimal(text, DBK_RATE_SCALE, out);
    case DBK_TIME:
        if (parse_short_time(text, zone, out) || dbk_time_parse(text.data, text.length, zone, out, NULL))
            return NULL;
        return "not a time such as 2026-04-01T12:30:00Z";
    case DBK_DATE:
        if (!dbk_date_parse(text.data, text.length, &day))
            return "not a date such as 2026-04-01";
        *out = day;
        return NULL;
    case DBK_CODE:
    case DBK_TEXT:
        break;
    }
    return "not a column of numbers";
}

const char *dbk_value_check(const dbk_column_def *column, dbk_text text)
{
    if (text.length > DBK_ID_BYTES_MAX) {
        if (is_id(column))
            return "longer than 64 bytes";
        if (text.length > DBK_TEXT_BYTES_MAX)
            return "longer than 1 MiB";
    }
    if (!column->values || dbk_text_blank(text))
        return NULL;
    for (const char *const *value = column->values; *value; value++) {
        if (strlen(*value) == text.length && memcmp(*value, text.data, text.length) == 0)
            return NULL;
    }
    return "not one of the values allowed here";
}
