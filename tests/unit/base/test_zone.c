// SPDX-License-Identifier: Apache-2.0
// Zones against the C library's own reading of the same files.
#include "engine/base/bytes.h"
#include "engine/base/calendar.h"
#include "engine/base/zone.h"
#include "engine/base/zone_parse.h"
#include "tests/support/seed.h"

#include <ftw.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char folder[] = "/usr/share/zoneinfo/";

static char *names[2000];
static size_t name_count;

static int collect_name(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info;
    (void)where;
    const char *name = path + strlen(folder);
    char magic[4] = "";
    if (type != FTW_F || strchr(name, '.') || strncmp(name, "right/", 6) == 0 ||
        name_count == DBK_COUNT(names))
        return 0;
    FILE *file = fopen(path, "rb");
    if (file && fread(magic, 1, 4, file) == 4 && memcmp(magic, "TZif", 4) == 0)
        names[name_count++] = strdup(name);
    if (file)
        fclose(file);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    return nftw(folder, collect_name, 16, FTW_PHYS);
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < name_count; i++)
        free(names[i]);
    return 0;
}

static void assert_same_as_libc(const dbk_zone *zone, int64_t second)
{
    struct tm wanted;
    time_t t = (time_t)second;
    assert_non_null(localtime_r(&t, &wanted));
    int64_t span[2];
    for (int ms = 0; ms < 1000; ms += 999) {
        int32_t offset = dbk_zone_offset(zone, second * 1000 + ms, span);
        if (offset != wanted.tm_gmtoff)
            fail_msg("%s at %lld: %d, the C library says %ld", dbk_zone_name(zone), (long long)second, offset,
                     wanted.tm_gmtoff);
        assert_true(span[0] <= second * 1000 + ms && second * 1000 + ms < span[1]);
    }
    dbk_civil civil = dbk_civil_from_ms(second * 1000 + 7, zone);
    assert_int_equal(civil.year, wanted.tm_year + 1900);
    assert_int_equal(civil.month, wanted.tm_mon + 1);
    assert_int_equal(civil.day, wanted.tm_mday);
    assert_int_equal(civil.hour, wanted.tm_hour);
    assert_int_equal(civil.minute, wanted.tm_min);
    assert_int_equal(civil.second, wanted.tm_sec);
    assert_int_equal(civil.ms, 7);
}

static void test_every_zone_agrees_with_the_c_library(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random(__func__);
    const int64_t first = (int64_t)dbk_day_from_civil(1800, 1, 1) * 86400;
    const int64_t last = (int64_t)dbk_day_from_civil(2200, 1, 1) * 86400;
    if (name_count == 0)
        fail_msg("there is no /usr/share/zoneinfo to compare with: install tzdata");
    long checks = 0;
    for (size_t i = 0; i < name_count; i++) {
        const dbk_zone *zone;
        dbk_error err;
        if (dbk_zone_load(names[i], &zone, &err) != DBK_OK)
            fail_msg("%s: %s", names[i], err.message);
        char setting[300];
        snprintf(setting, sizeof setting, ":%s", names[i]);
        setenv("TZ", setting, 1);
        tzset();
        for (int k = 0; k < 200; k++, checks++)
            assert_same_as_libc(zone, first + (int64_t)dbk_random_below(&r, (uint64_t)(last - first)));
        // Both sides of every change; a span reaches exactly to them.
        int64_t span[2] = {0, first * 1000};
        while (span[1] < last * 1000) {
            int64_t change = span[1];
            assert_int_equal(change % 1000, 0);
            int32_t after = dbk_zone_offset(zone, change, span),
                    before = dbk_zone_offset(zone, change - 1, NULL);
            if (change != first * 1000) {
                assert_true(span[0] == change);
                assert_int_not_equal(before, after);
                assert_same_as_libc(zone, change / 1000 - 1);
            }
            assert_same_as_libc(zone, change / 1000);
            checks += 2;
        }
    }
    printf("%zu zones, %ld instants\n", name_count, checks);
    assert_true(checks > (long)name_count * 200);
    unsetenv("TZ");
    tzset();
}

// The naive twin of the way back: try every offset the zone has around the reading.
static int64_t twin_local_to_utc(const dbk_zone *zone, int64_t local)
{
    const int64_t day = 2 * 86400000;
    int64_t span[2] = {0, local - day}, best = INT64_MAX, jump = INT64_MAX;
    while (span[1] <= local + day) {
        int64_t at = span[1];
        int32_t offset = dbk_zone_offset(zone, at, span);
        int64_t utc = local - (int64_t)offset * 1000;
        if (dbk_zone_offset(zone, utc, NULL) == offset && utc < best)
            best = utc;
        if (at != local - day) {
            int64_t before = at - 1 + (int64_t)dbk_zone_offset(zone, at - 1, NULL) * 1000;
            if (before < local && at + (int64_t)offset * 1000 > local && at < jump)
                jump = at;
        }
    }
    return best != INT64_MAX ? best : jump;
}

static void test_local_to_utc_against_the_twin(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random(__func__);
    for (size_t i = 0; i < name_count; i++) {
        const dbk_zone *zone;
        assert_int_equal(dbk_zone_load(names[i], &zone, NULL), DBK_OK);
        int64_t span[2], at = INT64_C(-6000000000000);
        while (at < INT64_C(4200000000000)) {
            int32_t offset = dbk_zone_offset(zone, at, span);
            if (span[1] == INT64_MAX)
                break;
            for (int k = 0; k < 4; k++) {
                int64_t near = (int64_t)dbk_random_below(&r, 10800000) - 5400000;
                int64_t local = span[1] + (int64_t)offset * 1000 + (k ? near : 0);
                int64_t utc = dbk_zone_local_to_utc(zone, local), wanted = twin_local_to_utc(zone, local);
                if (utc != wanted)
                    fail_msg("%s: local %lld is %lld, wanted %lld", names[i], (long long)local,
                             (long long)utc, (long long)wanted);
            }
            at = span[1];
        }
    }
}

static int64_t local(int year, int month, int day, int hour, int minute)
{
    return (int64_t)dbk_day_from_civil(year, month, day) * DBK_MS_DAY + (int64_t)hour * DBK_MS_HOUR +
           minute * DBK_MS_MINUTE;
}

static void test_berlin_by_hand(void **state)
{
    (void)state;
    const dbk_zone *berlin;
    assert_int_equal(dbk_zone_load("Europe/Berlin", &berlin, NULL), DBK_OK);
    assert_string_equal(dbk_zone_name(berlin), "Europe/Berlin");
    // 2026-03-29 02:30 does not exist: the change is at 01:00 UTC. 2026-10-25 02:30 exists twice: 00:30 is
    // the earlier.
    assert_true(dbk_zone_local_to_utc(berlin, local(2026, 3, 29, 2, 30)) == local(2026, 3, 29, 1, 0));
    assert_true(dbk_zone_local_to_utc(berlin, local(2026, 3, 29, 3, 0)) == local(2026, 3, 29, 1, 0));
    assert_true(dbk_zone_local_to_utc(berlin, local(2026, 10, 25, 2, 30)) == local(2026, 10, 25, 0, 30));
    assert_true(dbk_zone_local_to_utc(berlin, local(2026, 10, 25, 3, 0)) == local(2026, 10, 25, 2, 0));
    // Far beyond the file's list, by the rule; and after its last year.
    assert_int_equal(dbk_zone_offset(berlin, local(2199, 7, 1, 0, 0), NULL), 7200);
    assert_int_equal(dbk_zone_offset(berlin, local(2200, 12, 1, 0, 0), NULL), 3600);
    assert_int_equal(dbk_zone_offset(berlin, INT64_MAX, NULL), 3600);
    assert_int_equal(dbk_zone_offset(berlin, INT64_MIN, NULL), 3208);
    // The millisecond before a change before 1970.
    assert_int_equal(dbk_zone_offset(berlin, local(1945, 5, 24, 0, 0) - 1, NULL), 7200);
    assert_int_equal(dbk_zone_offset(berlin, local(1945, 5, 24, 0, 0), NULL), 10800);
    dbk_zone_local_to_utc(berlin, INT64_MIN);
    dbk_zone_local_to_utc(berlin, INT64_MAX);
}

static void test_load_names(void **state)
{
    (void)state;
    const dbk_zone *a, *b;
    dbk_error err;
    assert_int_equal(dbk_zone_load("Asia/Tokyo", &a, &err), DBK_OK);
    assert_int_equal(dbk_zone_load("Asia/Tokyo", &b, &err), DBK_OK);
    assert_ptr_equal(a, b);
    const char *const refused[] = {
        "",        "/etc/passwd", "../zoneinfo/UTC", "Europe/../UTC", "Europe//Berlin",
        "Europe/", ".",           "Europe/Ber lin",  "zone.tab",      "A\nB"};
    for (size_t i = 0; i < DBK_COUNT(refused); i++)
        assert_int_equal(dbk_zone_load(refused[i], &b, &err), DBK_INVALID);
    char longest[1000];
    memset(longest, 'a', sizeof longest);
    longest[999] = '\0';
    assert_int_equal(dbk_zone_load(longest, &b, &err), DBK_INVALID);
    assert_int_equal(dbk_zone_load("Europe/Atlantis", &b, &err), DBK_NOT_FOUND);
    assert_non_null(strstr(err.message, "Atlantis"));
    assert_int_equal(dbk_zone_load("Europe", &b, &err), DBK_NOT_FOUND);
    assert_int_equal(dbk_zone_load("Europe/Berlin/x", &b, &err), DBK_NOT_FOUND);

    setenv("TZDIR", "/nonexistent", 1);
    assert_int_equal(dbk_zone_load("UTC", &b, &err), DBK_OK);
    assert_string_equal(dbk_zone_name(b), "UTC");
    assert_int_equal(dbk_zone_offset(b, 0, NULL), 0);
    assert_int_equal(dbk_zone_load("Asia/Kathmandu", &b, &err), DBK_NOT_FOUND);
    unsetenv("TZDIR");
    assert_int_equal(dbk_zone_load("Asia/Kathmandu", &b, &err), DBK_OK);
    assert_string_equal(dbk_zone_name(NULL), "UTC");
    assert_true(dbk_zone_local_to_utc(NULL, 42) == 42);
}

static void put_be(dbk_buffer *b, uint64_t v, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        dbk_buffer_u8(b, (uint8_t)(v >> (8 * i)));
}

// A version 2 file with one transition at 0 from type 0 (offset 0) to type 1.
static void make_file(dbk_buffer *b, int32_t offset, const char *footer)
{
    dbk_buffer_reset(b);
    for (int block = 0; block < 2; block++) {
        dbk_buffer_append(b, "TZif2", 5);
        for (int i = 0; i < 15; i++)
            dbk_buffer_u8(b, 0);
        const uint32_t counts[6] = {0, 0, 0, 1, 2, 4};
        for (int i = 0; i < 6; i++)
            put_be(b, counts[i], 4);
        put_be(b, 0, block ? 8 : 4);
        dbk_buffer_u8(b, 1);
        put_be(b, 0, 6);
        put_be(b, (uint32_t)offset, 4);
        put_be(b, 0, 2);
        dbk_buffer_append(b, "LMT", 4);
    }
    dbk_buffer_append(b, footer, strlen(footer));
}

static dbk_status parse_file(int32_t offset, const char *footer, dbk_zone **out)
{
    dbk_buffer b = {0};
    make_file(&b, offset, footer);
    dbk_status status = dbk_zone_parse(b.data, b.size, out, NULL);
    dbk_buffer_dispose(&b);
    return status;
}

static void test_footers(void **state)
{
    (void)state;
    dbk_zone *zone;
    const char *const bad[] = {"",
                               "\n",
                               "\nCET-1",
                               "CET-1\n",
                               "\nCET\n",
                               "\nCET-99\n",
                               "\nCET-1CEST\n",
                               "\n<+01\n",
                               "\nCET-1CEST,M13.1.0,M1.1.0\n",
                               "\nCET-1CEST,M3.5.0\n",
                               "\nCET-1CEST,M3.5.0,M10.5.0/999\n",
                               "\nCET-1CEST,M3.5.0,M10.5.0x\n",
                               "\nCET-1CEST,366,1\n",
                               "\nCET-1CEST,J0,J1\n",
                               "\nCET-1CEST,M3.6.0,M10.5.0\n"};
    for (size_t i = 0; i < DBK_COUNT(bad); i++) {
        if (parse_file(3600, bad[i], &zone) != DBK_CORRUPT)
            fail_msg("footer %zu was taken", i);
    }
    assert_int_equal(parse_file(3600, "\n\n", &zone), DBK_OK);
    assert_int_equal(dbk_zone_offset(zone, -1, NULL), 0);
    assert_int_equal(dbk_zone_offset(zone, 0, NULL), 3600);
    dbk_zone_free(zone);
    // Daylight time all year round, as RFC 9636 writes it, is one offset with no changes.
    assert_int_equal(parse_file(-4 * 3600, "\nEST5EDT,0/0,J365/25\n", &zone), DBK_OK);
    int64_t span[2];
    assert_int_equal(dbk_zone_offset(zone, local(2031, 12, 31, 23, 59), span), -4 * 3600);
    assert_true(span[0] == 0 && span[1] > local(2200, 1, 1, 0, 0));
    dbk_zone_free(zone);
    // Negative daylight time, days of the year, and times before midnight.
    assert_int_equal(parse_file(3600, "\n<+01>-1<+00>0,J60/-1:30,300/24\n", &zone), DBK_OK);
    assert_int_equal(dbk_zone_offset(zone, local(2028, 2, 29, 21, 29), NULL), 3600);
    assert_int_equal(dbk_zone_offset(zone, local(2028, 2, 29, 21, 30), NULL), 0);
    assert_int_equal(dbk_zone_offset(zone, local(2028, 10, 28, 0, 0) - 1, NULL), 0);
    assert_int_equal(dbk_zone_offset(zone, local(2028, 10, 28, 0, 0), NULL), 3600);
    dbk_zone_free(zone);
    assert_int_equal(parse_file(26 * 3600, "\n\n", &zone), DBK_CORRUPT);
    assert_int_equal(parse_file(INT32_MIN, "\n\n", &zone), DBK_CORRUPT);
}

static void test_every_cut_is_refused(void **state)
{
    (void)state;
    dbk_buffer b = {0};
    make_file(&b, 3600, "\nCET-1CEST,M3.5.0,M10.5.0/3\n");
    dbk_zone *zone;
    for (size_t size = 0; size < b.size; size++) {
        uint8_t *exact = malloc(size ? size : 1); // so that a sanitizer sees a read beyond it
        memcpy(exact, b.data, size);
        assert_int_equal(dbk_zone_parse(exact, size, &zone, NULL), DBK_CORRUPT);
        free(exact);
    }
    assert_int_equal(dbk_zone_parse(b.data, b.size, &zone, NULL), DBK_OK);
    dbk_zone_free(zone);
    dbk_buffer_dispose(&b);
}

int main(void)
{
    // Names first: the test of a missing folder needs a zone that is not yet in the cache.
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_names),
        cmocka_unit_test(test_every_zone_agrees_with_the_c_library),
        cmocka_unit_test(test_local_to_utc_against_the_twin),
        cmocka_unit_test(test_berlin_by_hand),
        cmocka_unit_test(test_footers),
        cmocka_unit_test(test_every_cut_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
