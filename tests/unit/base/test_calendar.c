// SPDX-License-Identifier: Apache-2.0
// Days, texts and buckets against plain loops over the calendar.
#include "engine/base/calendar.h"
#include "tests/support/seed.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const dbk_zone *zone_of(const char *name)
{
    const dbk_zone *zone;
    dbk_error err;
    if (dbk_zone_load(name, &zone, &err) != DBK_OK)
        fail_msg("%s", err.message);
    return zone;
}

static int64_t at(const char *text)
{
    int64_t ms;
    dbk_time_form form;
    if (!dbk_time_parse(text, strlen(text), NULL, &ms, &form))
        fail_msg("cannot parse %s", text);
    return ms;
}

// Every day of ten thousand years, by counting.
static void test_days_against_counting(void **state)
{
    (void)state;
    const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int32_t day = -719162; // 0001-01-01, a Monday
    int weekday = 0;
    for (int y = 1; y <= 9999; y++) {
        bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
        for (int m = 1; m <= 12; m++) {
            int length = lengths[m - 1] + (m == 2 && leap);
            for (int d = 1; d <= length; d++, day++, weekday = (weekday + 1) % 7) {
                int year, month, day_of_month;
                dbk_civil_from_day(day, &year, &month, &day_of_month);
                if (dbk_day_from_civil(y, m, d) != day || year != y || month != m || day_of_month != d ||
                    dbk_day_weekday(day) != weekday)
                    fail_msg("%04d-%02d-%02d", y, m, d);
            }
        }
    }
    assert_int_equal(dbk_day_from_civil(1970, 1, 1), 0);
    int y, m, d;
    for (int32_t far = INT32_MIN; far < INT32_MIN + 1000; far++) {
        dbk_civil_from_day(far, &y, &m, &d);
        assert_int_equal(dbk_day_from_civil(y, m, d), far);
    }
}

static void test_iso_weeks(void **state)
{
    (void)state;
    // strftime knows ISO weeks; it reads the fields, no zone.
    for (int32_t day = dbk_day_from_civil(1890, 1, 1); day < dbk_day_from_civil(2110, 1, 1); day++) {
        time_t t = (time_t)day * 86400;
        struct tm tm;
        gmtime_r(&t, &tm);
        char wanted[20], text[20];
        strftime(wanted, sizeof wanted, "%G-%V", &tm);
        int year, week = dbk_day_iso_week(day, &year);
        snprintf(text, sizeof text, "%04d-%02d", year, week);
        assert_string_equal(text, wanted);
    }
}

static void test_times_parsed(void **state)
{
    (void)state;
    const dbk_zone *berlin = zone_of("Europe/Berlin");
    const struct {
        const char *text, *in_utc, *in_berlin;
        dbk_time_form form;
    } cases[] = {
        {"2026-04-01", "2026-04-01T00:00:00.000Z", "2026-03-31T22:00:00.000Z", DBK_TIME_DATE},
        {"2026-04-01T00:00", "2026-04-01T00:00:00.000Z", "2026-03-31T22:00:00.000Z", DBK_TIME_INSTANT},
        {"2026-04-01 13:14:15.123456", "2026-04-01T13:14:15.123Z", "2026-04-01T11:14:15.123Z",
         DBK_TIME_INSTANT},
        {"2026-04-01T13:14:15.9", "2026-04-01T13:14:15.900Z", "2026-04-01T11:14:15.900Z", DBK_TIME_INSTANT},
        {"2026-04-01T13:14:15.9999999999999999", "2026-04-01T13:14:15.999Z", "2026-04-01T11:14:15.999Z",
         DBK_TIME_INSTANT},
        {"2026-04-01T13:14Z", "2026-04-01T13:14:00.000Z", "2026-04-01T13:14:00.000Z", DBK_TIME_INSTANT},
        {"2026-04-01T13:14:15+02:00", "2026-04-01T11:14:15.000Z", "2026-04-01T11:14:15.000Z",
         DBK_TIME_INSTANT},
        {"2026-04-01T13:14:15-0930", "2026-04-01T22:44:15.000Z", "2026-04-01T22:44:15.000Z",
         DBK_TIME_INSTANT},
        {"2026-04-01T13:14:15.5+02", "2026-04-01T11:14:15.500Z", "2026-04-01T11:14:15.500Z",
         DBK_TIME_INSTANT},
        {"1969-12-31T23:59:59.999", "1969-12-31T23:59:59.999Z", "1969-12-31T22:59:59.999Z", DBK_TIME_INSTANT},
        {"2024-02-29", "2024-02-29T00:00:00.000Z", "2024-02-28T23:00:00.000Z", DBK_TIME_DATE},
        {"2026-03-29T02:30", "2026-03-29T02:30:00.000Z", "2026-03-29T01:00:00.000Z", DBK_TIME_INSTANT},
        {"2026-10-25T02:30", "2026-10-25T02:30:00.000Z", "2026-10-25T00:30:00.000Z", DBK_TIME_INSTANT},
    };
    for (size_t i = 0; i < DBK_COUNT(cases); i++) {
        for (int zoned = 0; zoned < 2; zoned++) {
            int64_t ms;
            dbk_time_form form;
            char text[DBK_TIME_TEXT_MAX];
            assert_true(
                dbk_time_parse(cases[i].text, strlen(cases[i].text), zoned ? berlin : NULL, &ms, &form));
            assert_int_equal(form, cases[i].form);
            assert_int_equal(dbk_time_write(text, ms), 24);
            text[24] = '\0';
            assert_string_equal(text, zoned ? cases[i].in_berlin : cases[i].in_utc);
        }
    }
    // A day whose midnight was skipped begins at the change.
    int64_t ms;
    dbk_time_form form;
    assert_true(dbk_time_parse("2018-11-04", 10, zone_of("America/Sao_Paulo"), &ms, &form));
    assert_true(ms == at("2018-11-04T03:00Z"));
}

static void test_times_refused(void **state)
{
    (void)state;
    const char *const bad[] = {"",
                               "2026",
                               "2026-4-01",
                               "2026-04-1",
                               "2026-13-01",
                               "2026-00-01",
                               "2026-04-31",
                               "2026-04-00",
                               "2023-02-29",
                               "1900-02-29",
                               "0000-01-01",
                               "12026-04-01",
                               "-026-04-01",
                               "2026/04/01",
                               "2026-04-01 ",
                               " 2026-04-01",
                               "2026-04-01T",
                               "2026-04-01T1:00",
                               "2026-04-01T10",
                               "2026-04-01T24:00",
                               "2026-04-01T10:60",
                               "2026-04-01T10:00:60",
                               "2026-04-01T10:00:",
                               "2026-04-01T10:00:00.",
                               "2026-04-01T10:00:00.x",
                               "2026-04-01T10:00:00.1234x",
                               "2026-04-01T10:00.5",
                               "2026-04-01T10:00ZZ",
                               "2026-04-01Z",
                               "2026-04-01T10:00+2",
                               "2026-04-01T10:00+02:",
                               "2026-04-01T10:00+02:0",
                               "2026-04-01T10:00+020",
                               "2026-04-01T10:00+24:00",
                               "2026-04-01T10:00+02:60",
                               "2026-04-01T10:00+02:00x",
                               "2026-04-01t10:00",
                               "2026-04-01x10:00"};
    for (size_t i = 0; i < DBK_COUNT(bad); i++) {
        int64_t ms = 77;
        dbk_time_form form = (dbk_time_form)55;
        if (dbk_time_parse(bad[i], strlen(bad[i]), NULL, &ms, &form) || ms != 77 || (int)form != 55)
            fail_msg("\"%s\" was taken", bad[i]);
    }
    int32_t day = 77;
    assert_false(dbk_date_parse("2026-04-01T00:00", 16, &day));
    assert_false(dbk_date_parse("2026-02-30", 10, &day));
    assert_int_equal(day, 77);
    assert_true(dbk_date_parse("2026-04-01x", 10, &day));
    assert_int_equal(day, dbk_day_from_civil(2026, 4, 1));
}

static void test_times_written(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random(__func__);
    char text[DBK_TIME_TEXT_MAX + 1];
    const int64_t first = at("0001-01-01"), last = at("9999-12-31T23:59:59.999");
    for (int i = 0; i < 100000; i++) {
        int64_t ms = first + (int64_t)dbk_random_below(&r, (uint64_t)(last - first) + 1), back;
        dbk_time_form form;
        assert_int_equal(dbk_time_write(text, ms), 24);
        assert_true(dbk_time_parse(text, 24, NULL, &back, &form));
        assert_true(back == ms);
        int32_t day = (int32_t)dbk_random_below(&r, 3000000) - 700000, day_back;
        if (day > dbk_day_from_civil(9999, 12, 31))
            continue;
        assert_int_equal(dbk_date_write(text, day), 10);
        assert_true(dbk_date_parse(text, 10, &day_back));
        assert_int_equal(day, day_back);
    }
    text[dbk_time_write(text, INT64_MIN)] = '\0';
    assert_string_equal(text, "0000-01-01T00:00:00.000Z");
    text[dbk_time_write(text, INT64_MAX)] = '\0';
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
    text[dbk_date_write(text, INT32_MIN)] = '\0';
    assert_string_equal(text, "0000-01-01");
    text[dbk_date_write(text, INT32_MAX)] = '\0';
    assert_string_equal(text, "9999-12-31");
}

static const char *const zone_names[] = {"UTC",
                                         "Europe/Berlin",
                                         "America/New_York",
                                         "Australia/Lord_Howe",
                                         "Asia/Kathmandu",
                                         "America/Sao_Paulo",
                                         "Pacific/Apia",
                                         "America/St_Johns",
                                         "Africa/Cairo",
                                         "Asia/Beirut",
                                         "America/Havana",
                                         "Africa/Casablanca",
                                         "Pacific/Kwajalein"};

// What the bucket's start must look like on the local clock.
static void assert_begins_well(const dbk_bucket *bucket, int64_t ms, int64_t start, int64_t end)
{
    dbk_bucket days = *bucket;
    days.unit = DBK_UNIT_DAY;
    days.count = 1;
    int64_t day_start, day_end;
    dbk_bucket_span(&days, ms, &day_start, &day_end);
    if (bucket->unit <= DBK_UNIT_HOUR) {
        int64_t step = (int64_t)bucket->count * (bucket->unit == DBK_UNIT_HOUR ? DBK_MS_HOUR : DBK_MS_MINUTE);
        assert_int_equal((start - day_start) % step, 0);
        assert_true(end - start == step || end == day_end);
        assert_true(end - start <= step && start >= day_start && end <= day_end);
        return;
    }
    // The local clock shows the day's start, or has just jumped over it.
    int64_t start_of_start, end_of_start;
    dbk_bucket_span(&days, start, &start_of_start, &end_of_start);
    assert_true(start_of_start == start);
    dbk_civil civil = dbk_civil_from_ms(start, bucket->zone);
    if (civil.hour * 60 + civil.minute != bucket->day_start_minutes || civil.second || civil.ms) {
        assert_non_null(bucket->zone);
        assert_true(dbk_zone_offset(bucket->zone, start, NULL) >
                    dbk_zone_offset(bucket->zone, start - 1, NULL));
        return;
    }
    int32_t day = dbk_day_from_civil(civil.year, civil.month, civil.day);
    if (bucket->unit == DBK_UNIT_WEEK)
        assert_int_equal(dbk_day_weekday(day), 0);
    if (bucket->unit >= DBK_UNIT_MONTH)
        assert_int_equal(civil.day, 1);
    if (bucket->unit == DBK_UNIT_QUARTER)
        assert_int_equal(civil.month % 3, 1);
    if (bucket->unit == DBK_UNIT_YEAR)
        assert_int_equal(civil.month, 1);
}

static void check_span(const dbk_bucket *bucket, int64_t ms)
{
    int64_t start, end, other_start, other_end;
    dbk_bucket_span(bucket, ms, &start, &end);
    assert_true(start <= ms && ms < end);
    dbk_bucket_span(bucket, start, &other_start, &other_end);
    assert_true(other_start == start && other_end == end);
    dbk_bucket_span(bucket, end - 1, &other_start, &other_end);
    assert_true(other_start == start && other_end == end);
    dbk_bucket_span(bucket, end, &other_start, &other_end);
    assert_true(other_start == end && other_end > end);
    dbk_bucket_span(bucket, start - 1, &other_start, &other_end);
    assert_true(other_end == start && other_start < start);
    assert_begins_well(bucket, ms, start, end);
}

static void test_buckets_tile_the_time_line(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random(__func__);
    const int64_t first = at("1850-01-01"), last = at("2150-01-01");
    for (size_t z = 0; z < DBK_COUNT(zone_names); z++) {
        const dbk_zone *zone = z ? zone_of(zone_names[z]) : NULL;
        for (int i = 0; i < 12000; i++) {
            dbk_bucket bucket = {.unit = (dbk_unit)(i % 7), .count = 1, .zone = zone};
            if (bucket.unit == DBK_UNIT_MINUTE)
                bucket.count = 1 + (int)dbk_random_below(&r, 1440);
            if (bucket.unit == DBK_UNIT_HOUR)
                bucket.count = 1 + (int)dbk_random_below(&r, 24);
            if (dbk_random_below(&r, 2))
                bucket.day_start_minutes = (int)dbk_random_below(&r, 1440);
            int64_t ms = first + (int64_t)dbk_random_below(&r, (uint64_t)(last - first));
            // Half of them within a day and a half of a change of the clock.
            int64_t span[2];
            if (zone && dbk_random_below(&r, 2)) {
                dbk_zone_offset(zone, ms, span);
                if (span[1] != INT64_MAX)
                    ms = span[1] + (int64_t)dbk_random_below(&r, 3 * DBK_MS_DAY) - 3 * DBK_MS_DAY / 2;
            }
            check_span(&bucket, ms);
        }
    }
}

static void assert_bucket(dbk_bucket bucket, const char *ms, const char *start, const char *end)
{
    int64_t s, e;
    dbk_bucket_span(&bucket, at(ms), &s, &e);
    char text[DBK_TIME_TEXT_MAX + 1];
    text[dbk_time_write(text, s)] = '\0';
    assert_string_equal(text, start);
    text[dbk_time_write(text, e)] = '\0';
    assert_string_equal(text, end);
}

static int buckets_between(dbk_bucket bucket, const char *from, const char *to)
{
    int count = 0;
    int64_t ms = at(from), start, end;
    for (; ms < at(to); ms = end, count++) {
        dbk_bucket_span(&bucket, ms, &start, &end);
        assert_true(start == ms);
    }
    assert_true(ms == at(to));
    return count;
}

static void test_buckets_by_hand(void **state)
{
    (void)state;
    dbk_bucket b = {.unit = DBK_UNIT_HOUR, .count = 1, .zone = zone_of("Europe/Berlin")};
    // Days of 23 and 25 hours.
    assert_int_equal(buckets_between(b, "2026-03-28T23:00Z", "2026-03-29T22:00Z"), 23);
    assert_int_equal(buckets_between(b, "2026-10-24T22:00Z", "2026-10-25T23:00Z"), 25);
    b.count = 4; // 7 buckets, the last of one hour
    assert_int_equal(buckets_between(b, "2026-10-24T22:00Z", "2026-10-25T23:00Z"), 7);
    assert_bucket(b, "2026-10-25T22:30Z", "2026-10-25T22:00:00.000Z", "2026-10-25T23:00:00.000Z");
    b = (dbk_bucket){.unit = DBK_UNIT_MONTH, .count = 1, .zone = b.zone};
    assert_bucket(b, "2026-03-31T21:59:59.999Z", "2026-02-28T23:00:00.000Z", "2026-03-31T22:00:00.000Z");
    b.unit = DBK_UNIT_QUARTER;
    assert_bucket(b, "2026-12-31T22:59:59.999Z", "2026-09-30T22:00:00.000Z", "2026-12-31T23:00:00.000Z");
    b.unit = DBK_UNIT_YEAR;
    assert_bucket(b, "2026-12-31T23:00Z", "2026-12-31T23:00:00.000Z", "2027-12-31T23:00:00.000Z");
    b.unit = DBK_UNIT_WEEK;
    assert_bucket(b, "2026-04-01T12:00Z", "2026-03-29T22:00:00.000Z", "2026-04-05T22:00:00.000Z");
    // A business day from 07:00 to 07:00: half past six belongs to the day, and the month, before.
    b = (dbk_bucket){.unit = DBK_UNIT_DAY, .count = 1, .day_start_minutes = 420};
    assert_bucket(b, "2026-05-01T06:30Z", "2026-04-30T07:00:00.000Z", "2026-05-01T07:00:00.000Z");
    b.unit = DBK_UNIT_MONTH;
    assert_bucket(b, "2026-05-01T06:30Z", "2026-04-01T07:00:00.000Z", "2026-05-01T07:00:00.000Z");
    b.unit = DBK_UNIT_HOUR;
    b.count = 12;
    assert_bucket(b, "2026-05-01T06:30Z", "2026-04-30T19:00:00.000Z", "2026-05-01T07:00:00.000Z");
    // Before 1970.
    b = (dbk_bucket){.unit = DBK_UNIT_MINUTE, .count = 15};
    assert_bucket(b, "1969-12-31T23:59:59.999Z", "1969-12-31T23:45:00.000Z", "1970-01-01T00:00:00.000Z");
    // Samoa had no 30 December 2011; São Paulo's midnight of 4 November 2018 was skipped.
    b = (dbk_bucket){.unit = DBK_UNIT_DAY, .count = 1, .zone = zone_of("Pacific/Apia")};
    assert_bucket(b, "2011-12-30T09:59Z", "2011-12-29T10:00:00.000Z", "2011-12-30T10:00:00.000Z");
    assert_bucket(b, "2011-12-30T10:00Z", "2011-12-30T10:00:00.000Z", "2011-12-31T10:00:00.000Z");
    b.unit = DBK_UNIT_WEEK;
    assert_int_equal(buckets_between(b, "2011-12-26T10:00Z", "2012-01-01T10:00Z"), 1);
    b = (dbk_bucket){.unit = DBK_UNIT_DAY, .count = 1, .zone = zone_of("America/Sao_Paulo")};
    assert_bucket(b, "2018-11-04T12:00Z", "2018-11-04T03:00:00.000Z", "2018-11-05T02:00:00.000Z");
}

// From a bucket to the next, each is the one that is found by itself.
static void check_walk(const dbk_bucket *bucket, int64_t ms, int steps)
{
    dbk_bucket_walk walk = dbk_bucket_walk_begin(bucket, ms);
    int64_t at = ms;
    for (int i = 0; i < steps; i++) {
        int64_t start, end;
        dbk_bucket_span(bucket, at, &start, &end);
        if (walk.start != start || walk.end != end)
            fail_msg("unit %d of %d from %lld, step %d: not the bucket at %lld", (int)bucket->unit,
                     bucket->count, (long long)ms, i, (long long)at);
        if (bucket->unit == DBK_UNIT_DAY)
            assert_int_equal(walk.day, dbk_bucket_number(bucket, at, &start, &end));
        if (end == INT64_MAX)
            return;
        at = end;
        dbk_bucket_walk_next(&walk);
    }
}

static void test_a_walk_meets_every_bucket(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random(__func__);
    const int64_t first = at("1850-01-01"), last = at("2150-01-01");
    const int64_t ends[] = {INT64_MIN, -INT64_C(377705116800000), INT64_C(568971820799999)};
    for (size_t z = 0; z < DBK_COUNT(zone_names); z++) {
        for (int i = 0; i < 240; i++) {
            dbk_bucket bucket = {
                .unit = (dbk_unit)(i % 7), .count = 1, .zone = z ? zone_of(zone_names[z]) : NULL};
            if (bucket.unit == DBK_UNIT_MINUTE)
                bucket.count = 1 + (int)dbk_random_below(&r, 1440);
            if (bucket.unit == DBK_UNIT_HOUR)
                bucket.count = 1 + (int)dbk_random_below(&r, 24);
            if (dbk_random_below(&r, 2))
                bucket.day_start_minutes = (int)dbk_random_below(&r, 1440);
            check_walk(&bucket, first + (int64_t)dbk_random_below(&r, (uint64_t)(last - first)), 1200);
            const int64_t near = (int64_t)dbk_random_below(&r, 20 * (uint64_t)DBK_MS_DAY);
            for (size_t e = 0; e < DBK_COUNT(ends); e++)
                check_walk(&bucket, e == 2 ? ends[e] - near : ends[e] + near, 60);
        }
    }
}

static void test_buckets_at_the_ends_of_time(void **state)
{
    (void)state;
    const int64_t far[] = {INT64_MIN,
                           INT64_MIN + 1,
                           -INT64_C(377705116800001),
                           -INT64_C(377705116800000),
                           INT64_MAX - 1,
                           INT64_C(568971820799999),
                           INT64_C(568971820800000)};
    for (int unit = DBK_UNIT_MINUTE; unit <= DBK_UNIT_YEAR; unit++) {
        for (size_t i = 0; i < DBK_COUNT(far); i++) {
            dbk_bucket bucket = {(dbk_unit)unit, 1, 300, zone_of("Europe/Berlin")};
            int64_t start, end, again_start, again_end;
            dbk_bucket_span(&bucket, far[i], &start, &end);
            assert_true(start <= far[i] && far[i] < end);
            dbk_bucket_span(&bucket, start, &again_start, &again_end);
            assert_true(start == again_start && end == again_end);
            dbk_bucket_span(&bucket, end - 1, &again_start, &again_end);
            assert_true(start == again_start && end == again_end);
        }
    }
}

// The hour is the one that the civil time has, and holds on the whole span and no longer than an hour.
static void test_hours_of_the_day_are_the_clocks(void **state)
{
    (void)state;
    static const char *const zones[] = {"UTC",          "Europe/Berlin",       "America/St_Johns",
                                        "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"};
    dbk_random r = dbk_test_random("hour of day");
    for (size_t z = 0; z < DBK_COUNT(zones); z++) {
        const dbk_zone *zone;
        dbk_error err;
        assert_int_equal(dbk_zone_load(zones[z], &zone, &err), DBK_OK);
        int64_t changes[2] = {0, 0};
        for (int i = 0; i < 20000; i++) {
            int64_t ms = (int64_t)dbk_random_below(&r, INT64_C(4102444800000)), start, end, steady;
            if (i % 2) { // near a change of the clock
                dbk_zone_offset(zone, ms, changes);
                const int64_t change = changes[0] > 0 ? changes[0] : ms;
                ms = change - 2 * DBK_MS_HOUR + (int64_t)dbk_random_below(&r, 4 * DBK_MS_HOUR);
            }
            const int hour = dbk_hour_of_day(zone, ms, &start, &end, &steady);
            assert_true(start <= ms && ms < end && end - start <= DBK_MS_HOUR);
            assert_int_equal(hour, dbk_civil_from_ms(ms, zone).hour);
            assert_int_equal(hour, dbk_civil_from_ms(start, zone).hour);
            assert_int_equal(hour, dbk_civil_from_ms(end - 1, zone).hour);
            const int64_t more = end < steady ? (steady - end) / DBK_MS_HOUR : 0;
            if (more > 0) {
                const int64_t ahead = (int64_t)dbk_random_below(&r, (uint64_t)(more < 5000 ? more : 5000));
                const int64_t from = end + ahead * DBK_MS_HOUR;
                int64_t next_start, next_end, next_steady;
                const int next = dbk_hour_of_day(zone, from, &next_start, &next_end, &next_steady);
                assert_int_equal(next, (hour + 1 + ahead) % 24);
                assert_true(next_start == from && next_end == from + DBK_MS_HOUR && next_steady == steady);
            }
            if (dbk_civil_from_ms(end, zone).hour == hour) // shown again, or its minutes left out
                assert_true(dbk_zone_offset(zone, end, NULL) != dbk_zone_offset(zone, end - 1, NULL));
        }
        int64_t start, end, steady;
        const int last = dbk_hour_of_day(zone, INT64_MAX - 1, &start, &end, &steady);
        assert_true(end == INT64_MAX && dbk_hour_of_day(zone, start, &start, &end, &steady) == last);
        const int first = dbk_hour_of_day(zone, INT64_MIN + 1, &start, &end, &steady);
        assert_true(start == INT64_MIN && dbk_hour_of_day(zone, end - 1, &start, &end, &steady) == first);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_days_against_counting),
        cmocka_unit_test(test_iso_weeks),
        cmocka_unit_test(test_times_parsed),
        cmocka_unit_test(test_times_refused),
        cmocka_unit_test(test_times_written),
        cmocka_unit_test(test_buckets_tile_the_time_line),
        cmocka_unit_test(test_a_walk_meets_every_bucket),
        cmocka_unit_test(test_buckets_by_hand),
        cmocka_unit_test(test_buckets_at_the_ends_of_time),
        cmocka_unit_test(test_hours_of_the_day_are_the_clocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
