// SPDX-License-Identifier: Apache-2.0
// Presets, overrides and labels.
#include "http/app/time_range.h"

#include "http/app/js_date.h"

#include <stdio.h>

const char *const dbk_preset_names[DBK_PRESET_COUNT + 1] = {"today", "week", "month", "quarter",
                                                            "year",  "all",  NULL};

int64_t dbk_local_day_start(int32_t day, const dbk_zone *zone)
{
    return dbk_zone_local_to_utc(zone, (int64_t)day * DBK_MS_DAY);
}

static bool find_preset(dbk_text text, dbk_preset *out)
{
    for (int i = 0; i < DBK_PRESET_COUNT; i++) {
        if (dbk_text_equal(text, dbk_text_from(dbk_preset_names[i]))) {
            *out = (dbk_preset)i;
            return true;
        }
    }
    return false;
}

static int32_t preset_first_day(dbk_preset preset, int32_t today)
{
    int year, month, day;
    dbk_civil_from_day(today, &year, &month, &day);
    switch (preset) {
    case DBK_PRESET_WEEK:
        return today - dbk_day_weekday(today);
    case DBK_PRESET_MONTH:
        return dbk_day_from_civil(year, month, 1);
    case DBK_PRESET_QUARTER:
        return dbk_day_from_civil(year, (month - 1) / 3 * 3 + 1, 1);
    case DBK_PRESET_YEAR:
        return dbk_day_from_civil(year, 1, 1);
    default:
        return today;
    }
}

static dbk_status check_order(const dbk_time_range *range, dbk_error *err)
{
    if (range->from_ms > range->to_ms)
        return dbk_fail(err, DBK_INVALID, "Invalid date range: from is after to.");
    return DBK_OK;
}

dbk_status dbk_time_range_resolve(dbk_time_range *out, const dbk_range_request *request, const dbk_zone *zone,
                                  int64_t now_ms, dbk_error *err)
{
    bool has_from = request->from.length > 0, has_to = request->to.length > 0;
    int32_t today = dbk_local_day(now_ms, zone);
    *out = (dbk_time_range){.preset = DBK_PRESET_MONTH, .custom = has_from || has_to};

    bool preset_matters = !(has_from && has_to);
    if (preset_matters && request->preset.length > 0 && !find_preset(request->preset, &out->preset))
        return dbk_fail(err, DBK_INVALID, "Invalid preset.");

    dbk_time_form form;
    if (has_from) {
        if (!dbk_js_date_parse(request->from, zone, &out->from_ms, &form))
            return dbk_fail(err, DBK_INVALID, "Invalid from date.");
    } else {
        out->from_ms = dbk_local_day_start(preset_first_day(out->preset, today), zone);
        out->needs_first = out->preset == DBK_PRESET_ALL;
    }
    if (has_to) {
        if (!dbk_js_date_parse(request->to, zone, &out->to_ms, &form))
            return dbk_fail(err, DBK_INVALID, "Invalid to date.");
        if (form == DBK_TIME_DATE)
            out->to_ms = dbk_local_day_start(dbk_local_day(out->to_ms, zone) + 1, zone) - 1;
    } else {
        out->to_ms = dbk_local_day_start(today + 1, zone) - 1;
    }

    if (out->needs_first)
        out->from_ms = INT64_MIN;
    out->to_day = dbk_local_day(out->to_ms, zone);
    out->from_day = out->needs_first ? out->to_day : dbk_local_day(out->from_ms, zone);
    return check_order(out, err);
}

dbk_status dbk_time_range_begin(dbk_time_range *range, int64_t first_ms, const dbk_zone *zone, dbk_error *err)
{
    range->needs_first = false;
    range->from_day = range->to_day;
    if (first_ms != DBK_NULL && first_ms <= range->to_ms)
        range->from_day = dbk_local_day(first_ms, zone);
    range->from_ms = dbk_local_day_start(range->from_day, zone);
    return check_order(range, err);
}

static void label_span(const dbk_time_range *range, char out[DBK_RANGE_LABEL_MAX])
{
    char from[DBK_TIME_TEXT_MAX], to[DBK_TIME_TEXT_MAX];
    int from_length = (int)dbk_date_write(from, range->from_day);
    int to_length = (int)dbk_date_write(to, range->to_day);
    snprintf(out, DBK_RANGE_LABEL_MAX, "%.*s \u2192 %.*s", from_length, from, to_length, to);
}

void dbk_time_range_label(const dbk_time_range *range, char out[DBK_RANGE_LABEL_MAX])
{
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    int year, month, day;
    dbk_civil_from_day(range->to_day, &year, &month, &day);
    if (range->custom || range->preset == DBK_PRESET_WEEK)
        label_span(range, out);
    else if (range->preset == DBK_PRESET_TODAY)
        snprintf(out, DBK_RANGE_LABEL_MAX, "%.3s %d, %d", months[month - 1], day, year);
    else if (range->preset == DBK_PRESET_MONTH)
        snprintf(out, DBK_RANGE_LABEL_MAX, "%s %d", months[month - 1], year);
    else if (range->preset == DBK_PRESET_QUARTER)
        snprintf(out, DBK_RANGE_LABEL_MAX, "Q%d %d", (month - 1) / 3 + 1, year);
    else if (range->preset == DBK_PRESET_YEAR)
        snprintf(out, DBK_RANGE_LABEL_MAX, "%d", year);
    else
        snprintf(out, DBK_RANGE_LABEL_MAX, "All time");
}
