// SPDX-License-Identifier: Apache-2.0
// Presets, overrides, labels and local days.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/app/time_range.h"

#include <string.h>

static int64_t at(const char *text)
{
    int64_t ms;
    dbk_time_form form;
    assert_true(dbk_time_parse(text, strlen(text), NULL, &ms, &form));
    return ms;
}

static const dbk_zone *zone(const char *name)
{
    const dbk_zone *z;
    assert_int_equal(dbk_zone_load(name, &z, NULL), DBK_OK);
    return z;
}

static dbk_time_range resolve(const char *preset, const char *from, const char *to, const dbk_zone *z,
                              const char *now)
{
    dbk_range_request request = {dbk_text_from(preset), dbk_text_from(from), dbk_text_from(to)};
    dbk_time_range range;
    dbk_error err;
    if (dbk_time_range_resolve(&range, &request, z, at(now), &err) != DBK_OK)
        fail_msg("%s", err.message);
    return range;
}

static void expect(const dbk_time_range *range, const char *from, const char *to, const char *label)
{
    char text[DBK_RANGE_LABEL_MAX], written[DBK_TIME_TEXT_MAX + 1];
    written[dbk_time_write(written, range->from_ms)] = 0;
    assert_string_equal(written, from);
    written[dbk_time_write(written, range->to_ms)] = 0;
    assert_string_equal(written, to);
    dbk_time_range_label(range, text);
    assert_string_equal(text, label);
}

#define NOW "2026-04-17T12:34:56Z"

static void test_D7_DA1_DA7_presets_end_today(void **state)
{
    (void)state;
    const char *end = "2026-04-17T23:59:59.999Z";
    dbk_time_range r = resolve(NULL, NULL, NULL, NULL, NOW);
    expect(&r, "2026-04-01T00:00:00.000Z", end, "April 2026");
    assert_false(r.custom);
    r = resolve("today", NULL, NULL, NULL, NOW);
    expect(&r, "2026-04-17T00:00:00.000Z", end, "Apr 17, 2026");
    r = resolve("week", NULL, NULL, NULL, NOW);
    expect(&r, "2026-04-13T00:00:00.000Z", end, "2026-04-13 \u2192 2026-04-17");
    r = resolve("quarter", NULL, NULL, NULL, NOW);
    expect(&r, "2026-04-01T00:00:00.000Z", end, "Q2 2026");
    r = resolve("year", NULL, NULL, NULL, NOW);
    expect(&r, "2026-01-01T00:00:00.000Z", end, "2026");
}

static void test_D13_quarter_of_the_seed(void **state)
{
    (void)state;
    dbk_time_range r = resolve("quarter", NULL, NULL, NULL, "2026-03-31T08:00:00Z");
    expect(&r, "2026-01-01T00:00:00.000Z", "2026-03-31T23:59:59.999Z", "Q1 2026");
}

static void test_DA2_weeks_begin_on_monday(void **state)
{
    (void)state;
    dbk_time_range r = resolve("week", NULL, NULL, NULL, "2026-04-19T23:59:59Z"); // a Sunday
    assert_int_equal(r.from_ms, at("2026-04-13"));
    r = resolve("week", NULL, NULL, NULL, "2026-04-20T00:00:00Z");
    assert_int_equal(r.from_ms, at("2026-04-20"));
}

static void test_D9_overrides(void **state)
{
    (void)state;
    dbk_time_range r = resolve("year", "2026-02-03", NULL, NULL, NOW);
    expect(&r, "2026-02-03T00:00:00.000Z", "2026-04-17T23:59:59.999Z", "2026-02-03 \u2192 2026-04-17");
    assert_true(r.custom);
    r = resolve("month", NULL, "2026-04-10", NULL, NOW);
    expect(&r, "2026-04-01T00:00:00.000Z", "2026-04-10T23:59:59.999Z", "2026-04-01 \u2192 2026-04-10");
    r = resolve("nonsense", "2026-04-01", "2026-04-17", NULL, NOW);
    expect(&r, "2026-04-01T00:00:00.000Z", "2026-04-17T23:59:59.999Z", "2026-04-01 \u2192 2026-04-17");
}

static void test_DA3_an_instant_is_taken_as_it_is(void **state)
{
    (void)state;
    dbk_time_range r = resolve(NULL, "2026-04-01T10:00:00Z", "2026-04-01T10:00:00Z", NULL, NOW);
    assert_int_equal(r.from_ms, r.to_ms);
    r = resolve(NULL, "2026-04-01", "2026-04-01", NULL, NOW);
    assert_int_equal(r.to_ms - r.from_ms, DBK_MS_DAY - 1);
}

static void test_DA8_days_are_the_tenants(void **state)
{
    (void)state;
    const dbk_zone *berlin = zone("Europe/Berlin");
    // 23:30 UTC is the next day in Berlin.
    dbk_time_range r = resolve("today", NULL, NULL, berlin, "2026-04-16T23:30:00Z");
    expect(&r, "2026-04-16T22:00:00.000Z", "2026-04-17T21:59:59.999Z", "Apr 17, 2026");
    // The day on which the clock is put forward has 23 hours.
    r = resolve(NULL, "2026-03-29", "2026-03-29", berlin, NOW);
    assert_int_equal(r.to_ms + 1 - r.from_ms, 23 * DBK_MS_HOUR);
    r = resolve(NULL, "2026-10-25", "2026-10-25", berlin, NOW);
    assert_int_equal(r.to_ms + 1 - r.from_ms, 25 * DBK_MS_HOUR);
    // Midnight that the clock skips: the day begins at one.
    r = resolve(NULL, "2018-11-04", "2018-11-04", zone("America/Sao_Paulo"), NOW);
    expect(&r, "2018-11-04T03:00:00.000Z", "2018-11-05T01:59:59.999Z", "2018-11-04 \u2192 2018-11-04");
}

static void test_DA1_all_begins_with_the_first_row(void **state)
{
    (void)state;
    dbk_time_range r = resolve("all", NULL, NULL, NULL, NOW);
    assert_true(r.needs_first);
    assert_int_equal(dbk_time_range_begin(&r, at("2024-02-29T13:00:00Z"), NULL, NULL), DBK_OK);
    expect(&r, "2024-02-29T00:00:00.000Z", "2026-04-17T23:59:59.999Z", "All time");
    r = resolve("all", NULL, NULL, NULL, NOW);
    assert_int_equal(dbk_time_range_begin(&r, DBK_NULL, NULL, NULL), DBK_OK);
    assert_int_equal(r.from_ms, at("2026-04-17"));
    r = resolve("all", "2026-04-01", NULL, NULL, NOW);
    assert_false(r.needs_first);
}

static void test_DA5_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *preset, *from, *to, *message;
    } bad[] = {{"fortnight", NULL, NULL, "Invalid preset."},
               {"Month", NULL, NULL, "Invalid preset."},
               {NULL, "x", NULL, "Invalid from date."},
               {NULL, NULL, "x", "Invalid to date."},
               {NULL, "2026-04-02", "2026-04-01", "Invalid date range: from is after to."},
               {NULL, "2026-05-01", NULL, "Invalid date range: from is after to."}};
    for (size_t i = 0; i < DBK_COUNT(bad); i++) {
        dbk_range_request request = {dbk_text_from(bad[i].preset), dbk_text_from(bad[i].from),
                                     dbk_text_from(bad[i].to)};
        dbk_time_range range;
        dbk_error err;
        assert_int_equal(dbk_time_range_resolve(&range, &request, NULL, at(NOW), &err), DBK_INVALID);
        assert_string_equal(err.message, bad[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_D7_DA1_DA7_presets_end_today),
        cmocka_unit_test(test_D13_quarter_of_the_seed),
        cmocka_unit_test(test_DA2_weeks_begin_on_monday),
        cmocka_unit_test(test_D9_overrides),
        cmocka_unit_test(test_DA3_an_instant_is_taken_as_it_is),
        cmocka_unit_test(test_DA8_days_are_the_tenants),
        cmocka_unit_test(test_DA1_all_begins_with_the_first_row),
        cmocka_unit_test(test_DA5_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
