// SPDX-License-Identifier: Apache-2.0
// D8: what new Date() accepts. Expected instants are what browsers give in the zone named.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/random.h"
#include "http/app/js_date.h"
#include "tests/support/seed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct vector {
    const char *text;
    const char *utc; // NULL: refused
    dbk_time_form form;
} vector;

static void check(const vector *v, const dbk_zone *zone)
{
    int64_t ms = 0;
    dbk_time_form form = DBK_TIME_DATE;
    bool parsed = dbk_js_date_parse(dbk_text_from(v->text), zone, &ms, &form);
    char text[DBK_TIME_TEXT_MAX + 1] = "refused";
    if (parsed)
        text[dbk_time_write(text, ms)] = 0;
    if (strcmp(text, v->utc ? v->utc : "refused") != 0 || (parsed && form != v->form))
        fail_msg("\"%s\" gave %s (form %d), expected %s", v->text, text, (int)form,
                 v->utc ? v->utc : "refused");
}

static void test_D8_documented_forms(void **state)
{
    (void)state;
    static const vector vectors[] = {
        {"2026-04-01", "2026-04-01T00:00:00.000Z", DBK_TIME_DATE},
        {"2026-04-01T00:00:00Z", "2026-04-01T00:00:00.000Z", DBK_TIME_INSTANT},
        {"2026-04-01T00:00:00.123Z", "2026-04-01T00:00:00.123Z", DBK_TIME_INSTANT},
        {"2026-04-01T00:00:00+02:00", "2026-03-31T22:00:00.000Z", DBK_TIME_INSTANT},
        {"2026-04", "2026-04-01T00:00:00.000Z", DBK_TIME_DATE},
        {"2026", "2026-01-01T00:00:00.000Z", DBK_TIME_DATE},
    };
    for (size_t i = 0; i < DBK_COUNT(vectors); i++)
        check(&vectors[i], NULL);
}

static void test_D8_loose_forms(void **state)
{
    (void)state;
    static const vector vectors[] = {
        {"2026/04/01", "2026-04-01T00:00:00.000Z", DBK_TIME_DATE},
        {"2026-4-1", "2026-04-01T00:00:00.000Z", DBK_TIME_DATE},
        {"4/1/2026", "2026-04-01T00:00:00.000Z", DBK_TIME_DATE},
        {"04/01/26", "2026-04-01T00:00:00.000Z", DBK_TIME_DATE},
        {"April 1, 2026", "2026-04-01T00:00:00.000Z", DBK_TIME_DATE},
        {"Apr 1 2026", "2026-04-01T00:00:00.000Z", DBK_TIME_DATE},
        {"1 April 2026", "2026-04-01T00:00:00.000Z", DBK_TIME_DATE},
        {"1-Apr-2026", "2026-04-01T00:00:00.000Z", DBK_TIME_DATE},
        {"  1 Apr 2026 ", "2026-04-01T00:00:00.000Z", DBK_TIME_DATE},
        {"Wed, 01 Apr 2026 10:00:00 GMT", "2026-04-01T10:00:00.000Z", DBK_TIME_INSTANT},
        {"Wed, 01 Apr 2026 10:00:00 +0200", "2026-04-01T08:00:00.000Z", DBK_TIME_INSTANT},
        {"Wed Apr 01 2026 10:00:00 GMT+0200 (Central European Summer Time)", "2026-04-01T08:00:00.000Z",
         DBK_TIME_INSTANT},
        {"Apr 1, 2026 3:05 PM", "2026-04-01T15:05:00.000Z", DBK_TIME_INSTANT},
        {"Apr 1, 2026 12:30 AM EST", "2026-04-01T05:30:00.000Z", DBK_TIME_INSTANT},
        {"2026/04/01 10:00:00.5", "2026-04-01T10:00:00.500Z", DBK_TIME_INSTANT},
        {"29 Feb 2028", "2028-02-29T00:00:00.000Z", DBK_TIME_DATE},
    };
    for (size_t i = 0; i < DBK_COUNT(vectors); i++)
        check(&vectors[i], NULL);
}

static void test_DA8_texts_without_offset_are_local(void **state)
{
    (void)state;
    const dbk_zone *berlin;
    assert_int_equal(dbk_zone_load("Europe/Berlin", &berlin, NULL), DBK_OK);
    static const vector vectors[] = {
        {"2026-04-01", "2026-03-31T22:00:00.000Z", DBK_TIME_DATE},
        {"2026-04", "2026-03-31T22:00:00.000Z", DBK_TIME_DATE},
        {"April 1, 2026", "2026-03-31T22:00:00.000Z", DBK_TIME_DATE},
        {"2026-01-01T12:00", "2026-01-01T11:00:00.000Z", DBK_TIME_INSTANT},
        {"2026/01/01 12:00 UTC", "2026-01-01T12:00:00.000Z", DBK_TIME_INSTANT},
    };
    for (size_t i = 0; i < DBK_COUNT(vectors); i++)
        check(&vectors[i], berlin);
}

static void test_DA5_what_is_no_date_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        " ",
                                        "yesterday",
                                        "81:00:31.0200010102",
                                        "1775001600000",
                                        "2026-13-01",
                                        "2026-02-30",
                                        "2026/02/30",
                                        "Feb 30 2026",
                                        "April 2026 x",
                                        "2026-04-01T25:00",
                                        "13/13/2026",
                                        "1 2 3 4",
                                        "April",
                                        "2026-04-01 10:00 13 PM",
                                        "Apr 1 2026 (open",
                                        "10:00",
                                        "Apr Apr 1 2026",
                                        "+2026",
                                        "2026-04-01T00:00:00 02:00",
                                        "0/1/2026",
                                        "2026.04.01",
                                        "99999999999/1/1"};
    for (size_t i = 0; i < DBK_COUNT(texts); i++)
        check(&(vector){texts[i], NULL, DBK_TIME_DATE}, NULL);
}

// Every day of some years, written in every loose form, comes back as that day.
static void test_forms_agree_with_each_other(void **state)
{
    (void)state;
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    for (int32_t day = dbk_day_from_civil(2023, 12, 25); day < dbk_day_from_civil(2026, 1, 5); day++) {
        int y, m, d;
        dbk_civil_from_day(day, &y, &m, &d);
        char forms[5][32];
        snprintf(forms[0], 32, "%04d-%02d-%02d", y, m, d);
        snprintf(forms[1], 32, "%d/%d/%d", y, m, d);
        snprintf(forms[2], 32, "%d/%d/%d", m, d, y);
        snprintf(forms[3], 32, "%s %d, %d", months[m - 1], d, y);
        snprintf(forms[4], 32, "%d %s %d", d, months[m - 1], y);
        for (int i = 0; i < 5; i++) {
            int64_t ms;
            dbk_time_form form;
            assert_true(dbk_js_date_parse(dbk_text_from(forms[i]), NULL, &ms, &form));
            assert_int_equal(ms, (int64_t)day * DBK_MS_DAY);
        }
    }
}

// Bytes at random neither crash nor read past the end (the sanitizers watch).
static void test_any_bytes_are_survived(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random("js_date");
    static const char alphabet[] = "0123456789/-:., aprgmtz+()TZ";
    for (int round = 0; round < 50000; round++) {
        size_t length = dbk_random_below(&random, 24);
        char *text = malloc(length + 1);
        for (size_t i = 0; i < length; i++)
            text[i] = alphabet[dbk_random_below(&random, sizeof(alphabet) - 1)];
        int64_t ms = 0;
        dbk_time_form form;
        if (dbk_js_date_parse((dbk_text){text, (uint32_t)length}, NULL, &ms, &form))
            assert_true(dbk_civil_from_ms(ms, NULL).year <= 10000);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_D8_documented_forms),
        cmocka_unit_test(test_D8_loose_forms),
        cmocka_unit_test(test_DA8_texts_without_offset_are_local),
        cmocka_unit_test(test_DA5_what_is_no_date_is_refused),
        cmocka_unit_test(test_forms_agree_with_each_other),
        cmocka_unit_test(test_any_bytes_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
