// SPDX-License-Identifier: Apache-2.0
// What holds for all of Distribu's reports: entity tags, and sums that agree with each other.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/decimal.h"
#include "engine/base/random.h"
#include "tests/support/distribu_client.h"
#include "tests/support/one_app.h"
#include "tests/support/seed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- ETags ----

static void test_X22_equal_reads_are_equal_bytes_and_not_sent_twice(void **state)
{
    (void)state;
    char first[64], body[4096];
    test_load_seed_month(&app);
    test_sales(&app, "");
    snprintf(first, sizeof(first), "%s", test_header(&app, "etag"));
    size_t size = app.body.size;
    assert_true(size < sizeof(body));
    memcpy(body, app.body.data, size);
    assert_int_equal(first[0], '"');
    // The whole preset and the same days spelt out differ in their label, so in their tag.
    test_sales(&app, "from=2026-04-01&to=2026-04-17");
    assert_string_not_equal(test_header(&app, "etag"), first);
    // A query that means the same has the same tag and the same bytes.
    test_sales(&app, "preset=month&x=y");
    assert_string_equal(test_header(&app, "etag"), first);
    assert_int_equal(app.body.size, size);
    assert_memory_equal(app.body.data, body, size);

    static const char *const forms[] = {"%s", "W/%s", "\"other\", %s", "\"a\",W/\"b\" , %s", "*"};
    for (size_t i = 0; i < DBK_COUNT(forms); i++) {
        char value[256];
        snprintf(value, sizeof(value), forms[i], first);
        const char *headers[] = {"if-none-match", value, NULL};
        assert_int_equal(test_ask(&app, "GET", "/admin/report/sales?tenant=acme", true, headers, NULL), 304);
        assert_int_equal(app.body.size, 0);
        assert_string_equal(test_header(&app, "etag"), first);
    }
    const char *other[] = {"if-none-match", "\"other\"", NULL};
    assert_int_equal(test_ask(&app, "GET", "/admin/report/sales?tenant=acme", true, other, NULL), 200);
    // Midnight changes it, and so does a change.
    test_set_now("2026-04-18T00:00:00Z");
    test_sales(&app, "");
    assert_string_not_equal(test_header(&app, "etag"), first);
    test_set_now("2026-04-17T12:34:56Z");
    test_load(&app, "elsewhere", "orders", "id,created_at,status,total\na,2026-04-03,SUBMITTED,10\n");
    test_sales(&app, "");
    assert_string_equal(test_header(&app, "etag"), first);
    test_load(&app, "acme", "orders", "id,created_at,status,total\nnew,2026-04-03,SUBMITTED,10\n");
    test_sales(&app, "");
    assert_string_not_equal(test_header(&app, "etag"), first);
    expect_at(&app, "data.totals.orderCount", "43");
}

// ---- D19, D26: everything adds up ----

static int64_t money(const char *text)
{
    int64_t value;
    assert_int_equal(dbk_decimal_parse(text, strlen(text), DBK_MONEY_SCALE, &value), DBK_DECIMAL_OK);
    return value;
}

static void sum_rows(const char *list, int64_t *orders, int64_t *revenue)
{
    *orders = *revenue = 0;
    for (int i = 0; i < test_count(&app, list); i++) {
        char path[64];
        snprintf(path, sizeof(path), "%s.%d.orderCount", list, i);
        *orders += atoll(test_value(&app, path));
        snprintf(path, sizeof(path), "%s.%d.revenue", list, i);
        *revenue += money(test_value(&app, path));
    }
}

static void test_D19_D26_sums_agree_on_random_data(void **state)
{
    (void)state;
    static const char *const statuses[] = {"SUBMITTED", "confirmed", "Shipped",
                                           "DELIVERED", "CANCELLED", "odd"};
    static const char *const zones[] = {"UTC", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"};
    dbk_random random = dbk_test_random("distribu");
    char body[64];
    snprintf(body, sizeof(body), "{\"timezone\":\"%s\"}", zones[dbk_random_below(&random, DBK_COUNT(zones))]);
    assert_int_equal(test_settings(&app, body), 200);

    enum { ORDERS = 3000, ROUNDS = 3 };
    static struct {
        int64_t ms, cents;
        bool has_customer;
    } orders[ORDERS];
    int64_t first = (int64_t)dbk_day_from_civil(2025, 9, 1) * DBK_MS_DAY;
    for (int round = 0; round < ROUNDS; round++) {
        dbk_buffer csv = {0};
        dbk_buffer_format(&csv, "id,created_at,status,customer_id,total\n");
        for (int i = 0; i < ORDERS; i++) {
            // Later rounds replace some orders, moving them in time, state and amount.
            if (round > 0 && dbk_random_below(&random, 4) != 0)
                continue;
            char time[DBK_TIME_TEXT_MAX];
            orders[i].ms = first + (int64_t)dbk_random_below(&random, 240ull * DBK_MS_DAY);
            orders[i].cents = (int64_t)dbk_random_below(&random, 1000000) - 1000;
            orders[i].has_customer = dbk_random_below(&random, 5) != 0;
            size_t length = dbk_time_write(time, orders[i].ms);
            dbk_buffer_format(&csv, "o%d,%.*s,%s,", i, (int)length, time,
                              statuses[dbk_random_below(&random, DBK_COUNT(statuses))]);
            if (orders[i].has_customer)
                dbk_buffer_format(&csv, "c%d", (int)dbk_random_below(&random, 200));
            char amount[DBK_DECIMAL_TEXT_MAX];
            length = dbk_decimal_write(amount, (dbk_i128)orders[i].cents * 100, DBK_MONEY_SCALE, 1, 2);
            dbk_buffer_format(&csv, ",%.*s\n", (int)length, amount);
        }
        dbk_buffer_u8(&csv, 0);
        test_load(&app, "acme", "orders", (const char *)csv.data);
        dbk_buffer_dispose(&csv);

        int64_t from = first + (int64_t)dbk_random_below(&random, 120ull * DBK_MS_DAY);
        int64_t to = from + (int64_t)dbk_random_below(&random, 120ull * DBK_MS_DAY);
        int64_t count = 0, total = 0, anonymous_count = 0, anonymous_total = 0;
        for (int i = 0; i < ORDERS; i++) {
            bool inside = orders[i].ms >= from && orders[i].ms <= to;
            count += inside;
            total += inside ? orders[i].cents * 100 : 0;
            anonymous_count += inside && !orders[i].has_customer;
            anonymous_total += inside && !orders[i].has_customer ? orders[i].cents * 100 : 0;
        }
        char query[128], from_text[DBK_TIME_TEXT_MAX], to_text[DBK_TIME_TEXT_MAX];
        int from_length = (int)dbk_time_write(from_text, from), to_length = (int)dbk_time_write(to_text, to);
        snprintf(query, sizeof(query), "from=%.*s&to=%.*s", from_length, from_text, to_length, to_text);

        int64_t sum_count, sum_total;
        assert_int_equal(test_sales(&app, query), 200);
        assert_int_equal(atoll(test_value(&app, "data.totals.orderCount")), count);
        assert_int_equal(money(test_value(&app, "data.totals.revenue")), total);
        sum_rows("data.byStatus", &sum_count, &sum_total);
        assert_int_equal(sum_count, count);
        assert_int_equal(sum_total, total);
        sum_rows("data.daily", &sum_count, &sum_total);
        assert_int_equal(sum_count, count);
        assert_int_equal(sum_total, total);
        assert_int_equal(test_customers(&app, query), 200);
        sum_rows("data.rows", &sum_count, &sum_total);
        assert_int_equal(sum_count + anonymous_count, count);
        assert_int_equal(sum_total + anonymous_total, total);
        assert_int_equal(atoll(test_value(&app, "data.totals.orderCount")), sum_count);
        assert_int_equal(money(test_value(&app, "data.totals.revenue")), sum_total);
        assert_int_equal(atoll(test_value(&app, "data.totals.customerCount")), test_count(&app, "data.rows"));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, one_app_open, one_app_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_X22_equal_reads_are_equal_bytes_and_not_sent_twice),
        TEST(test_D19_D26_sums_agree_on_random_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
