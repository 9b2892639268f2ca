// SPDX-License-Identifier: Apache-2.0
// Day numbers are computed in years that begin on 1 March: then the leap day is a year's last, and the
// months' lengths repeat in a pattern of 153 days for five of them.
#include "engine/base/days.h"

enum { DAYS_ERA = 146097, YEARS_ERA = 400, DAYS_TO_EPOCH = 719468 }; // 0000-03-01 to 1970-01-01

int64_t dbk_floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int32_t dbk_day_from_civil(int year, int month, int day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = dbk_floor_div(y, YEARS_ERA);
    int64_t year_of_era = y - era * YEARS_ERA;
    int64_t month_from_march = (month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (int32_t)(era * DAYS_ERA + day_of_era - DAYS_TO_EPOCH);
}

void dbk_civil_from_day(int32_t day, int *year, int *month, int *day_of_month)
{
    // Unsigned numbers of 32 bits are divided by constants at the least cost; they have all days from the
    // year 0 on.
    const int64_t shifted = (int64_t)day + DAYS_TO_EPOCH;
    const int era =
        shifted >= 0 ? (int)((uint32_t)shifted / DAYS_ERA) : (int)dbk_floor_div(shifted, DAYS_ERA);
    const uint32_t day_of_era = (uint32_t)(shifted - (int64_t)era * DAYS_ERA);
    // Taking out the leap days passed so far leaves years of 365 days. 1460, 36524 and 146096 are the last
    // days of 4, 100 and 400 years.
    const uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const uint32_t month_from_march = (5 * day_of_year + 2) / 153;
    *day_of_month = (int)(day_of_year - (153 * month_from_march + 2) / 5) + 1;
    *month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    *year = era * YEARS_ERA + (int)year_of_era + (*month <= 2);
}

int dbk_day_weekday(int32_t day)
{
    // 1970-01-01 was a Thursday.
    int64_t from_monday = (int64_t)day + 3;
    return (int)(from_monday - dbk_floor_div(from_monday, 7) * 7);
}

int dbk_day_iso_week(int32_t day, int *iso_year)
{
    // A week belongs to the year that has its Thursday.
    int32_t thursday = day - dbk_day_weekday(day) + 3;
    int month, day_of_month;
    dbk_civil_from_day(thursday, iso_year, &month, &day_of_month);
    return (thursday - dbk_day_from_civil(*iso_year, 1, 1)) / 7 + 1;
}
