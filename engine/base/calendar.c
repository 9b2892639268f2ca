// SPDX-License-Identifier: Apache-2.0
// Civil times of instants. Texts are in calendar_text.c, buckets in calendar_bucket.c.
#include "engine/base/calendar.h"
#include "engine/base/calendar_range.h"

// On the zone's clock, as if that were UTC's.
static int64_t local_ms(int64_t ms, const dbk_zone *zone)
{
    if (ms < DBK_MS_FIRST)
        ms = DBK_MS_FIRST;
    if (ms > DBK_MS_LAST)
        ms = DBK_MS_LAST;
    return ms + (zone ? (int64_t)dbk_zone_offset(zone, ms, NULL) * DBK_MS_SECOND : 0);
}

int32_t dbk_local_day(int64_t ms, const dbk_zone *zone)
{
    return (int32_t)dbk_floor_div(local_ms(ms, zone), DBK_MS_DAY);
}

dbk_civil dbk_civil_from_ms(int64_t ms, const dbk_zone *zone)
{
    int64_t local = local_ms(ms, zone);
    int64_t day = dbk_floor_div(local, DBK_MS_DAY);
    int rest = (int)(local - day * DBK_MS_DAY);
    dbk_civil civil;
    dbk_civil_from_day((int32_t)day, &civil.year, &civil.month, &civil.day);
    civil.hour = rest / DBK_MS_HOUR;
    civil.minute = rest / DBK_MS_MINUTE % 60;
    civil.second = rest / DBK_MS_SECOND % 60;
    civil.ms = rest % DBK_MS_SECOND;
    return civil;
}
