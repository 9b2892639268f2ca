// SPDX-License-Identifier: Apache-2.0
// Reports and closures of the point of sale, rule by rule, over a real store.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/random.h"
#include "http/app/row_batch.h"
#include "http/app/system_row.h"
#include "http/pos/gather.h"
#include "http/pos/report_id.h"
#include "tests/support/app_client.h"
#include "tests/support/seed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static test_app app;

#define TICKETS                                                                                              \
    "id,created_at,confirmed_at,completed_at,kind,status,total,currency,payment_method,cash_register_id\n"
#define LINES "id,order_id,product_id,quantity,total\n"

static int setup(void **state)
{
    (void)state;
    test_set_now("2026-01-15T12:30:00Z");
    test_app_open(&app, false);
    test_load(&app, "acme", "cash_registers", "id,name\nr1,Cassa Principale\nr2,Bar\n");
    test_load(&app, "acme", "products",
              "id,name,category_id\nf1,Spaghetti,c1\nf2,Penne,c1\nf3,Birra,c2\nf4,Nameless,\n");
    test_load(&app, "acme", "categories", "id,name\nc1,Primi Piatti\nc2,Bevande\n");
    test_load(
        &app, "acme", "orders",
        TICKETS
        "o1,2026-01-15T10:00:00Z,2026-01-15T10:05:00Z,2026-01-15T10:08:00Z,pos,COMPLETED,20,EUR,CASH,r1\n"
        "o2,2026-01-15T10:10:00Z,2026-01-15T10:59:59.999Z,2026-01-15T10:23:00Z,pos,PICKED_UP,30.50,EUR,"
        "card,r2\n"
        "o3,2026-01-15T10:50:00Z,2026-01-15T11:00:00Z,,pos,CONFIRMED,5,EUR,voucher,\n"
        "o4,2026-01-15T11:00:00Z,,,pos,PENDING,99,EUR,CASH,r1\n"
        "o5,2026-01-15T11:00:00Z,2026-01-15T11:01:00Z,,pos,CANCELLED,99,EUR,CASH,r1\n"
        "o6,2026-01-15T11:00:00Z,2026-01-15T11:01:00Z,,standard,CONFIRMED,99,EUR,CASH,r1\n"
        "o7,2026-01-15T12:00:00Z,2026-01-15T12:30:00Z,,pos,CONFIRMED,1,,CASH,r1\n"
        "o8,2026-01-15T12:00:00Z,2026-01-15T12:30:00.001Z,,pos,CONFIRMED,1,EUR,CASH,r1\n"
        "o9,2026-01-15T12:00:00Z,2026-01-15T12:10:00Z,,pos,CONFIRMED,7,USD,CASH,r1\n");
    test_load(&app, "acme", "order_lines",
              LINES
              "l1,o1,f1,2,16\nl2,o1,f3,1,5\nl3,o2,f2,3,30.50\nl4,o3,f4,1,2.5\nl5,o3,,1,2.5\nl6,o4,f1,9,99\n"
              "l7,o6,f1,9,99\nl8,o7,f1,1,1\nl9,o9,f1,1,7\n");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_app_close(&app);
    return 0;
}

static int get(const char *path)
{
    char target[2048];
    snprintf(target, sizeof(target), "/v1/reports%s%stenant=acme", path, strchr(path, '?') ? "&" : "?");
    return test_ask(&app, "GET", target, true, NULL, NULL);
}

static int make_closure(const char *body, const char *key)
{
    const char *const headers[] = {"content-type", "application/json", key ? "idempotency-key" : NULL, key,
                                   NULL};
    return test_ask(&app, "POST", "/v1/reports/general-closure?tenant=acme", true, headers, body);
}

#define CLOSE "{\"cashRegister\":\"r1\"}"

static void keep_hours(const char *kept)
{
    assert_int_equal(test_ask(&app, "POST", "/admin/pos-hours?tenant=acme", true, NULL, NULL), 200);
    expect_at(&app, "kept", kept);
}

// ---- Reports ----

static void test_P1_to_P5_P13_to_P15_an_hour(void **state)
{
    (void)state;
    assert_int_equal(get("?from=2026-01-15T10:00:00Z&to=2026-01-15T10:59:59.999Z&groupBy=1h"), 200);
    expect_at(&app, "", "[1]");
    expect_at(&app, "0.timestamp", "2026-01-15T10:00:00Z");
    expect_at(&app, "0.intervalInMinutes", "60");
    expect_at(&app, "0.totalRevenue", "50.50");
    expect_at(&app, "0.totalCashRevenue", "20.00");
    expect_at(&app, "0.totalCardRevenue", "30.50");
    expect_at(&app, "0.totalOrders", "2");
    expect_at(&app, "0.averageCompletitionTime", "11"); // 8 and 13 minutes: 10.5, away from zero
    expect_at(&app, "0.categoryStats", "[2]");
    expect_at(&app, "0.categoryStats.0.categoryName", "Primi Piatti");
    expect_at(&app, "0.categoryStats.0.revenue", "46.50");
    expect_at(&app, "0.categoryStats.0.quantity", "5");
    expect_at(&app, "0.categoryStats.0.foodStats.0.foodName", "Penne");
    expect_at(&app, "0.categoryStats.0.foodStats.0.revenue", "30.50");
    expect_at(&app, "0.categoryStats.0.foodStats.1.foodId", "f1");
    // Lines are what they were sold for, before what the whole ticket was given off (P15).
    expect_at(&app, "0.categoryStats.1.revenue", "5.00");
    expect_at(&app, "0.cashRegisterStats", "[2]");
    expect_at(&app, "0.cashRegisterStats.0.cashRegisterName", "Bar");
    expect_at(&app, "0.cashRegisterStats.0.totalCardRevenue", "30.50");
    expect_at(&app, "0.cashRegisterStats.1.cashRegisterId", "r1");
    expect_at(&app, "0.cashRegisterStats.1.totalCashRevenue", "20.00");
    assert_string_equal(test_value(&app, "0.categoryStats.0.reportId"), test_value(&app, "0.id"));
    assert_string_equal(test_value(&app, "0.cashRegisterStats.0.reportId"), test_value(&app, "0.id"));
    assert_string_equal(test_value(&app, "0.categoryStats.0.foodStats.0.categoryStatsId"),
                        test_value(&app, "0.categoryStats.0.id"));
}

static void test_PA3_PA12_P35_ends_are_inclusive_and_other_payments_count_in_the_total(void **state)
{
    (void)state;
    assert_int_equal(get("?from=2026-01-15T11:00:00Z&to=2026-01-15T11:59:59Z&groupBy=1h"), 200);
    expect_at(&app, "", "[1]");
    expect_at(&app, "0.totalRevenue", "5.00");
    expect_at(&app, "0.totalCashRevenue", "0.00");
    expect_at(&app, "0.totalCardRevenue", "0.00");
    expect_at(&app, "0.averageCompletitionTime", "null");
    expect_at(&app, "0.cashRegisterStats", "[0]");
    // A food of no category, and a line of no food.
    expect_at(&app, "0.categoryStats", "[1]");
    expect_at(&app, "0.categoryStats.0.categoryId", "");
    expect_at(&app, "0.categoryStats.0.foodStats", "[2]");
    // The last millisecond of a window, and the first of the next.
    assert_int_equal(get("?from=2026-01-15T10:59:59.999Z&to=2026-01-15T11:00:00Z&groupBy=1h"), 200);
    expect_at(&app, "", "[2]");
    expect_at(&app, "0.timestamp", "2026-01-15T10:00:00Z");
    expect_at(&app, "0.totalRevenue", "30.50");
    expect_at(&app, "1.totalRevenue", "5.00");
    assert_int_equal(get("?from=2026-01-15T10:05:00.001Z&to=2026-01-15T10:59:59.998Z&groupBy=1h"), 200);
    expect_at(&app, "", "[0]");
}

static void test_P6_P11_PA11_the_live_tail_ends_with_this_millisecond(void **state)
{
    (void)state;
    static const char *const ends[] = {"", "&to=2026-01-15T12:30:00Z", "&to=2027-01-01"};
    for (size_t i = 0; i < DBK_COUNT(ends); i++) {
        char path[128];
        snprintf(path, sizeof(path), "?from=2026-01-15T12:00:00Z&groupBy=1h%s", ends[i]);
        assert_int_equal(get(path), 200);
        expect_at(&app, "", "[1]");
        expect_at(&app, "0.totalOrders",
                  "1"); // that of the next millisecond is still to come; USD is not added
    }
    test_now_ms++;
    assert_int_equal(get("?from=2026-01-15T12:00:00Z&groupBy=1h"), 200);
    expect_at(&app, "0.totalOrders", "2");
    assert_int_equal(get("?from=2027-01-15T12:00:00Z&groupBy=1h"), 200);
    expect_at(&app, "", "[0]");
}

static void test_P10_PA10_refusals(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "?groupBy=1h",
                                      "?from=2026-01-15",
                                      "?from=2026-01-15&groupBy=2h",
                                      "?from=2026-01-15&groupBy=DAY",
                                      "?from=soon&groupBy=day",
                                      "?from=2026-02-30&groupBy=day",
                                      "?from=2026-01-15&to=soon&groupBy=day",
                                      "?from=2026-01-15T10:00:01Z&to=2026-01-15T10:00:00Z&groupBy=day",
                                      "?from=2026-01-15&groupBy=day&fill=yes",
                                      "?from=0001-01-01&groupBy=1h&fill=true",
                                      "?from=2026-01-15%&groupBy=day",
                                      "?from=2026-01-15%ff&groupBy=day",
                                      "?from=%00&groupBy=day"};
    for (size_t i = 0; i < DBK_COUNT(bad); i++) {
        assert_int_equal(get(bad[i]), 400);
        assert_int_equal(app.body.size, strlen("{\"message\":\"Bad Request\"}"));
        expect_at(&app, "message", "Bad Request");
        assert_true(strlen(test_header(&app, "daybook-detail")) > 0);
    }
    static const char *const unknown[] = {"/general-closure", "/clx", "/c000000000000000000000000",
                                          "/czzzzzzzzzzzzzzzzzzzzzzzz", "/realtime-1"};
    for (size_t i = 0; i < DBK_COUNT(unknown); i++) {
        assert_int_equal(get(unknown[i]), 404);
        expect_at(&app, "message", "Report not found");
    }
    assert_int_equal(test_get(&app, "/v1/reports?from=2026-01-15&groupBy=day"), 401);
    expect_at(&app, "message", "Unauthorized");
    test_use_key(&app, "acme", "[\"orders:read\"]", "off");
    assert_int_equal(test_get(&app, "/v1/reports?from=2026-01-15&groupBy=day"), 403);
    expect_at(&app, "message", "Forbidden");
    test_use_key(&app, "acme", "[\"reports:read\"]", "off");
    assert_int_equal(test_get(&app, "/v1/reports?from=2026-01-15&groupBy=day"), 200);
    static const char *const json[] = {"content-type", "application/json", NULL};
    assert_int_equal(test_ask(&app, "POST", "/v1/reports/general-closure", false, json, CLOSE), 403);
    expect_at(&app, "message", "Forbidden");
    assert_int_equal(test_get(&app, "/v1/nothing"), 404);
    expect_at(&app, "message", "Not found.");
}

static void test_PA2_P12_groupings(void **state)
{
    (void)state;
    assert_int_equal(get("?from=2026-01-15&groupBy=4h"), 200);
    expect_at(&app, "", "[2]");
    expect_at(&app, "0.timestamp", "2026-01-15T08:00:00Z");
    expect_at(&app, "0.intervalInMinutes", "240");
    expect_at(&app, "0.totalOrders", "3");
    expect_at(&app, "1.timestamp", "2026-01-15T12:00:00Z");
    assert_int_equal(get("?from=2026-01-15&groupBy=12h"), 200);
    expect_at(&app, "0.intervalInMinutes", "720");
    assert_int_equal(get("?from=2026-01-15&groupBy=day"), 200);
    expect_at(&app, "", "[1]");
    expect_at(&app, "0.intervalInMinutes", "1440");
    expect_at(&app, "0.totalOrders", "4");
    expect_at(&app, "0.averageCompletitionTime", "11");
    assert_int_equal(get("?from=2026-01-01T00:00:00Z&to=2026-01-15T11:59:59Z&groupBy=all"), 200);
    expect_at(&app, "", "[1]");
    expect_at(&app, "0.timestamp", "2026-01-01T00:00:00Z");
    expect_at(&app, "0.intervalInMinutes", "20880");
    expect_at(&app, "0.totalOrders", "3");
    assert_int_equal(get("?from=2020-01-01T00:00:00Z&to=2020-12-31&groupBy=all"), 200);
    expect_at(&app, "", "[0]");
}

static void test_PA4_fill(void **state)
{
    (void)state;
    assert_int_equal(get("?from=2026-01-15T08:30:00Z&groupBy=1h&fill=true"), 200);
    expect_at(&app, "", "[5]");
    expect_at(&app, "0.timestamp", "2026-01-15T08:00:00Z");
    expect_at(&app, "0.totalRevenue", "0.00");
    expect_at(&app, "0.averageCompletitionTime", "null");
    expect_at(&app, "2.totalOrders", "2");
    assert_int_equal(get("?from=2026-01-14&to=2026-01-14&groupBy=all&fill=true"), 200);
    expect_at(&app, "", "[1]");
    expect_at(&app, "0.intervalInMinutes", "1440");
}

// Europe/Rome: 23 hours on 2025-03-30, 25 on 2025-10-26.
static void test_a_list_has_at_most_20000_windows(void **state)
{
    enum { MOST = 20000 };
    (void)state;
    dbk_buffer csv = {0};
    dbk_buffer_format(&csv, TICKETS);
    for (int i = 0; i <= MOST; i++) {
        char time[DBK_TIME_TEXT_MAX + 1];
        int64_t day = dbk_day_from_civil(2020, 1, 1);
        time[dbk_time_write(time, DBK_MS_HOUR * (24 * day + i))] = 0;
        dbk_buffer_format(&csv, "w%d,%s,%s,,pos,CONFIRMED,1,EUR,CASH,r1\n", i, time, time);
    }
    dbk_buffer_u8(&csv, 0);
    test_load(&app, "acme", "orders", (const char *)csv.data);
    dbk_buffer_dispose(&csv);
    assert_int_equal(get("?from=2020-01-01T00:00:00Z&to=2022-04-13T08:00:00Z&groupBy=1h"), 400);
    expect_at(&app, "message", "Bad Request");
    assert_non_null(strstr(test_header(&app, "daybook-detail"), "20,000 windows"));
    assert_int_equal(get("?from=2020-01-01T01:00:00Z&to=2022-04-13T08:00:00Z&groupBy=1h"), 200);
    expect_at(&app, "", "[20000]");
    assert_int_equal(get("?from=2020-01-01T00:00:00Z&to=2022-04-13T08:00:00Z&groupBy=4h"), 200);
}

static void test_PA2_days_on_which_clocks_change(void **state)
{
    (void)state;
    test_ask(&app, "PUT", "/admin/settings?tenant=acme", true, NULL, "{\"timezone\":\"Europe/Rome\"}");
    assert_int_equal(get("?from=2025-03-30&to=2025-03-30&groupBy=day&fill=true"), 200);
    expect_at(&app, "", "[1]");
    expect_at(&app, "0.timestamp", "2025-03-29T23:00:00Z");
    expect_at(&app, "0.intervalInMinutes", "1380");
    assert_int_equal(get("?from=2025-03-30&to=2025-03-30&groupBy=1h&fill=true"), 200);
    expect_at(&app, "", "[23]");
    assert_int_equal(get("?from=2025-03-30&to=2025-03-30&groupBy=12h&fill=true"), 200);
    expect_at(&app, "", "[2]");
    expect_at(&app, "1.intervalInMinutes", "660");
    assert_int_equal(get("?from=2025-10-26&to=2025-10-26&groupBy=day&fill=true"), 200);
    expect_at(&app, "0.intervalInMinutes", "1500");
    assert_int_equal(get("?from=2025-10-26&to=2025-10-26&groupBy=1h&fill=true"), 200);
    expect_at(&app, "", "[25]");
    assert_int_equal(get("?from=2025-10-26&to=2025-10-26&groupBy=4h&fill=true"), 200);
    expect_at(&app, "", "[7]");
    expect_at(&app, "6.intervalInMinutes", "60");
    assert_int_equal(get("?from=2025-10-26&to=2025-10-26&groupBy=all&fill=true"), 200);
    expect_at(&app, "0.intervalInMinutes", "1500");
}

// Every listed report is read again by its id, byte for byte.
static void expect_readable(const char *path)
{
    assert_int_equal(get(path), 200);
    int count = test_count(&app, "");
    assert_true(count > 0);
    char *listed = strndup((const char *)app.body.data, app.body.size);
    char ids[64][DBK_POS_ID_BYTES + 2];
    for (int i = 0; i < count; i++) {
        char at[32];
        snprintf(at, sizeof(at), "%d.id", i);
        snprintf(ids[i], sizeof(ids[i]), "/%s", test_value(&app, at));
        assert_int_equal(strlen(ids[i]), DBK_POS_ID_BYTES + 1);
        assert_int_equal(ids[i][1], 'c');
        assert_int_equal(strspn(ids[i] + 1, "0123456789abcdefghijklmnopqrstuvwxyz"), DBK_POS_ID_BYTES);
    }
    const char *next = listed + 1;
    for (int i = 0; i < count; i++) {
        assert_int_equal(get(ids[i]), 200);
        assert_memory_equal(next, app.body.data, app.body.size);
        next += app.body.size + 1;
        char target[2048];
        snprintf(target, sizeof(target), "/v1/reports%s?tenant=other", ids[i]);
        assert_int_equal(test_ask(&app, "GET", target, true, NULL, NULL), 404);
    }
    free(listed);
}

static void test_P7_PA6_what_was_listed_is_read_again(void **state)
{
    (void)state;
    test_load(&app, "other", "cash_registers", "id,name\nx,X\n");
    expect_readable("?from=2026-01-15&groupBy=1h&fill=true");
    expect_readable("?from=2026-01-15&groupBy=4h");
    expect_readable("?from=2026-01-15&groupBy=12h");
    expect_readable("?from=2026-01-15&groupBy=day");
    expect_readable("?from=2026-01-01&groupBy=all");
    expect_readable("?from=2026-01-15T10:05:00.001Z&to=2026-01-15T12:29:59.999Z&groupBy=1h");
    expect_readable("?from=2026-01-15T10:30:00Z&to=2026-01-15T11:00:00Z&groupBy=day");
    expect_readable("?from=2026-01-15T10:30:00Z&to=2026-01-15T11:00:00Z&groupBy=all");
    // The id of an open window stays when it is over.
    assert_int_equal(get("?from=2026-01-15T12:00:00Z&groupBy=1h"), 200);
    char id[32];
    snprintf(id, sizeof(id), "%s", test_value(&app, "0.id"));
    test_set_now("2026-01-16T12:00:00Z");
    assert_int_equal(get("?from=2026-01-15T12:00:00Z&to=2026-01-15T12:59:59.999Z&groupBy=1h"), 200);
    expect_at(&app, "0.id", id);
    expect_at(&app, "0.totalOrders", "2");
}

static void test_PA6_ids_hold_what_was_put_in(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random("test_pos");
    for (int round = 0; round < 20000; round++) {
        int64_t from = -62135596800000 + (int64_t)dbk_random_below(&random, 315537897600000);
        dbk_pos_span span = {.grouping = (dbk_pos_grouping)dbk_random_below(&random, DBK_POS_GROUPINGS),
                             .from_ms = from,
                             .to_ms = dbk_random_below(&random, 2)
                                          ? DBK_NULL
                                          : from + (int64_t)dbk_random_below(&random, 1000)};
        dbk_pos_span back;
        dbk_pos_id id = dbk_pos_id_make(DBK_TEXT("acme"), &span);
        dbk_text text = dbk_text_from(id.text);
        assert_true(dbk_pos_id_read(text, DBK_TEXT("acme"), &back));
        assert_int_equal(back.grouping, span.grouping);
        assert_int_equal(back.from_ms, span.from_ms);
        assert_int_equal(back.to_ms, span.to_ms);
        for (uint32_t cut = 0; cut < text.length; cut++)
            assert_false(dbk_pos_id_read((dbk_text){text.data, cut}, DBK_TEXT("acme"), &back));
    }
    // 23 bits of check: a hundred thousand guesses hardly ever hit.
    int hits = 0;
    for (int round = 0; round < 100000; round++) {
        char guess[DBK_POS_ID_BYTES + 1] = "c";
        for (int i = 1; i < DBK_POS_ID_BYTES; i++)
            guess[i] = "0123456789abcdefghijklmnopqrstuvwxyz"[dbk_random_below(&random, 36)];
        dbk_pos_span span;
        hits += dbk_pos_id_read(dbk_text_from(guess), DBK_TEXT("acme"), &span);
    }
    assert_true(hits < 5);
}

static void test_etags_of_live_and_past_ranges(void **state)
{
    (void)state;
    assert_int_equal(get("?from=2026-01-15&to=2026-01-15T11:59:59Z&groupBy=1h"), 200);
    char etag[64];
    snprintf(etag, sizeof(etag), "%s", test_header(&app, "etag"));
    assert_string_equal(test_header(&app, "vary"), "Authorization, AppId, X-App-Id");
    test_now_ms += 1000;
    const char *const headers[] = {"if-none-match", etag, NULL};
    assert_int_equal(test_ask(&app, "GET",
                              "/v1/reports?from=2026-01-15&to=2026-01-15T11:59:59Z&groupBy=1h&tenant=acme",
                              true, headers, NULL),
                     304);
    test_load(&app, "acme", "cash_registers", "id,name\nr9,New\n");
    assert_int_equal(test_ask(&app, "GET",
                              "/v1/reports?from=2026-01-15&to=2026-01-15T11:59:59Z&groupBy=1h&tenant=acme",
                              true, headers, NULL),
                     200);
}

// ---- Hours ----

static void test_P16_names_of_a_kept_hour_stay(void **state)
{
    (void)state;
    keep_hours("2");
    keep_hours("0");
    test_load(&app, "acme", "products",
              "id,name,category_id\nf1,Spaghetti al Pomodoro,c1\nf3,Birra Media,c2\n");
    test_load(&app, "acme", "categories", "id,name\nc1,Pasta\n");
    test_load(&app, "acme", "cash_registers", "id,name\nr1,Cassa 1\n");
    for (int round = 0; round < 2; round++) {
        assert_int_equal(get("?from=2026-01-15&groupBy=1h"), 200);
        expect_at(&app, "0.categoryStats.0.categoryName", "Primi Piatti");
        expect_at(&app, "0.categoryStats.0.foodStats.1.foodName", "Spaghetti");
        expect_at(&app, "0.categoryStats.1.foodStats.0.foodName", "Birra");
        expect_at(&app, "0.cashRegisterStats.1.cashRegisterName", "Cassa Principale");
        // The hour that is still open shows what things are called now.
        expect_at(&app, "2.categoryStats.0.categoryName", "Pasta");
        expect_at(&app, "2.categoryStats.0.foodStats.0.foodName", "Spaghetti al Pomodoro");
        expect_at(&app, "2.cashRegisterStats.0.cashRegisterName", "Cassa 1");
        // A day shows the last kept name.
        assert_int_equal(get("?from=2026-01-15&groupBy=day"), 200);
        expect_at(&app, "0.categoryStats.0.categoryName", "Primi Piatti");
        test_app_reopen(&app);
    }
    // The next hour is kept under the new names, and is the last that knows them.
    test_set_now("2026-01-15T13:00:00Z");
    keep_hours("1");
    assert_int_equal(get("?from=2026-01-15&groupBy=all"), 200);
    expect_at(&app, "0.categoryStats.0.categoryName", "Pasta");
    expect_at(&app, "0.categoryStats.2.categoryName", "Bevande");
    assert_int_equal(get("?from=2026-01-15&groupBy=1h"), 200);
    expect_at(&app, "0.categoryStats.0.categoryName", "Primi Piatti");
}

static void test_P11_hours_that_were_missed_are_kept_later(void **state)
{
    (void)state;
    test_set_now("2026-02-14T10:30:00Z"); // 30 days
    keep_hours("3");
    test_set_now("2026-06-15T12:30:00Z");
    test_load(&app, "acme", "orders",
              TICKETS "n1,2026-05-01T10:00:00Z,2026-05-01T10:00:00Z,,pos,CONFIRMED,1,EUR,CASH,r1\n"
                      "n2,2026-06-15T10:00:00Z,2026-06-15T10:00:00Z,,pos,CONFIRMED,1,EUR,CASH,r1\n");
    keep_hours("1"); // the other is 45 days ago
}

static void test_PA9_a_late_change_shows_in_its_kept_hour(void **state)
{
    (void)state;
    keep_hours("2");
    test_load(&app, "acme", "orders",
              TICKETS "o1,2026-01-15T10:00:00Z,,,pos,PENDING,20,EUR,CASH,r1\n"
                      "n1,2026-01-15T10:00:00Z,2026-01-15T10:30:00Z,,pos,CONFIRMED,4,EUR,CASH,r1\n");
    assert_int_equal(get("?from=2026-01-15&groupBy=1h"), 200);
    expect_at(&app, "0.totalRevenue", "34.50");
    expect_at(&app, "0.totalCashRevenue", "4.00");
    expect_at(&app, "0.categoryStats", "[1]");
}

// ---- Closures ----

static void test_P8_P17_P18_PA1_PA7_a_closure(void **state)
{
    (void)state;
    test_set_now("2026-01-15T23:59:00Z");
    assert_int_equal(make_closure(CLOSE, NULL), 201);
    expect_at(&app, "timestamp", "2026-01-15T23:59:00Z");
    expect_at(&app, "intervalInMinutes", "1019"); // from 07:00
    expect_at(&app, "totalRevenue", "57.50");
    expect_at(&app, "totalCashRevenue", "22.00");
    expect_at(&app, "totalCardRevenue", "30.50");
    expect_at(&app, "totalOrders", "5");
    expect_at(&app, "averageCompletitionTime", "null");
    expect_at(&app, "adjustment", "(none)");
    expect_at(&app, "cashRegisterStats", "[2]"); // all of them, whoever asked
    char path[64];
    snprintf(path, sizeof(path), "/%s", test_value(&app, "id"));
    char *sealed = strndup((const char *)app.body.data, app.body.size);
    // Frozen, names too.
    test_load(&app, "acme", "categories", "id,name\nc1,Pasta\n");
    test_load(&app, "acme", "orders", TICKETS "o1,2026-01-15T10:00:00Z,,,pos,PENDING,20,EUR,CASH,r1\n");
    test_app_reopen(&app);
    assert_int_equal(get(path), 200);
    assert_int_equal(app.body.size, strlen(sealed));
    assert_memory_equal(app.body.data, sealed, app.body.size);
    free(sealed);
    char target[128];
    snprintf(target, sizeof(target), "/v1/reports%s?tenant=other", path);
    test_load(&app, "other", "cash_registers", "id,name\nx,X\n");
    assert_int_equal(test_ask(&app, "GET", target, true, NULL, NULL), 404);
    assert_int_equal(test_ask(&app, "GET", "/admin/closures/1?tenant=acme", true, NULL, NULL), 200);
    expect_at(&app, "from", "2026-01-15T07:00:00.000Z");
    expect_at(&app, "to", "2026-01-15T23:59:00.000Z");
    expect_at(&app, "cashRegister", "r1");
    expect_at(&app, "report.totalOrders", "5");
    assert_int_equal(test_ask(&app, "GET", "/admin/closures/2?tenant=acme", true, NULL, NULL), 404);
    assert_int_equal(
        test_ask(&app, "GET", "/api/v1/audit-log?tenant=acme&entityType=closure", true, NULL, NULL), 200);
    expect_at(&app, "data", "[1]");
    expect_at(&app, "data.0.action", "closure.created");
}

static void test_P17_before_seven_it_is_still_yesterday(void **state)
{
    (void)state;
    test_set_now("2026-01-16T06:59:00Z");
    assert_int_equal(make_closure(CLOSE, NULL), 201);
    expect_at(&app, "intervalInMinutes", "1439");
    expect_at(&app, "totalOrders", "5");
    test_set_now("2026-01-16T07:01:00Z");
    assert_int_equal(make_closure(CLOSE, NULL), 201);
    expect_at(&app, "intervalInMinutes", "1"); // the new day began after the closure before
    expect_at(&app, "totalOrders", "0");
    test_ask(&app, "PUT", "/admin/settings?tenant=acme", true, NULL, "{\"business-day\":\"04:00\"}");
    test_set_now("2026-01-17T04:10:00Z");
    assert_int_equal(make_closure(CLOSE, NULL), 201);
    expect_at(&app, "intervalInMinutes", "10");
}

static void remove_register(const char *id)
{
    dbk_batch batch = {0};
    const dbk_batch *batches[] = {&batch};
    dbk_error err;
    assert_int_equal(dbk_row_batch_init(&batch, DBK_CASH_REGISTERS, 1, &err), DBK_OK);
    assert_int_equal(dbk_row_batch_text(&batch, 0, "id", dbk_text_from(id), &err), DBK_OK);
    batch.remove = true;
    assert_int_equal(dbk_system_rows_write(app.store, DBK_TEXT("acme"), batches, 1, &err), DBK_OK);
    dbk_batch_dispose(&batch);
}

static void test_PA8_again_is_the_rest_and_with_its_key_the_same(void **state)
{
    (void)state;
    assert_int_equal(make_closure(CLOSE, "k1"), 201);
    char *first = strndup((const char *)app.body.data, app.body.size);
    expect_at(&app, "totalOrders", "4"); // the moment itself belongs to it
    test_now_ms += 60000;
    for (int round = 0; round < 2; round++) {
        assert_int_equal(make_closure(CLOSE, "k1"), 201);
        assert_string_equal(test_header(&app, "idempotency-replayed"), "true");
        assert_int_equal(app.body.size, strlen(first));
        assert_memory_equal(app.body.data, first, app.body.size);
        test_app_reopen(&app);
    }
    // Whatever became of the register that asked.
    remove_register("r1");
    assert_int_equal(make_closure(CLOSE, "k1"), 201);
    assert_string_equal(test_header(&app, "idempotency-replayed"), "true");
    assert_memory_equal(app.body.data, first, app.body.size);
    assert_int_equal(make_closure(CLOSE, "k9"), 400);
    test_load(&app, "acme", "cash_registers", "id,name\nr1,Cassa Principale\n");
    free(first);
    assert_int_equal(make_closure("{\"cashRegister\":\"r2\"}", "k1"), 422);
    assert_int_equal(make_closure(CLOSE, "k2"), 201);
    expect_at(&app, "intervalInMinutes", "1");
    expect_at(&app, "totalOrders", "1");
    assert_int_equal(make_closure(CLOSE, NULL), 201); // of the same moment: nothing is left
    expect_at(&app, "intervalInMinutes", "0");
    expect_at(&app, "totalOrders", "0");
    expect_at(&app, "categoryStats", "[0]");
    assert_int_equal(test_ask(&app, "GET", "/admin/closures?tenant=acme", true, NULL, NULL), 200);
    expect_at(&app, "data", "[3]");
    expect_at(&app, "data.2.number", "3");
}

static void test_P18_refused_closures(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"cashRegister\":null}",
        "{\"cashRegister\":7}",
        "{\"cashRegister\":\"\"}",
        "{\"cashRegister\":\"r3\"}",
        "{\"cashRegister\":\"0123456789012345678901234567890123456789012345678901234567890123456789\"}"};
    for (size_t i = 0; i < DBK_COUNT(bodies); i++) {
        assert_int_equal(make_closure(bodies[i], NULL), 400);
        expect_at(&app, "message", "Bad Request");
    }
    assert_int_equal(test_ask(&app, "GET", "/admin/closures?tenant=acme", true, NULL, NULL), 200);
    expect_at(&app, "data", "[0]");
}

static void test_PA9_late_changes_are_the_next_closures_adjustment(void **state)
{
    (void)state;
    assert_int_equal(make_closure(CLOSE, NULL), 201);
    expect_at(&app, "totalRevenue", "56.50");
    // One is un-confirmed, one changes its register and payment, one arrives late, a line is corrected.
    test_load(&app, "acme", "orders",
              TICKETS "o1,2026-01-15T10:00:00Z,,,pos,PENDING,20,EUR,CASH,r1\n"
                      "o2,2026-01-15T10:10:00Z,2026-01-15T10:59:59.999Z,,pos,PICKED_UP,30.50,EUR,CASH,r1\n"
                      "n1,2026-01-15T09:00:00Z,2026-01-15T09:00:00Z,,pos,CONFIRMED,4,EUR,CARD,r2\n");
    test_load(&app, "acme", "order_lines", LINES "l3,o2,f3,3,30.50\nm1,n1,f2,1,4\n");
    test_set_now("2026-01-15T13:00:00Z");
    assert_int_equal(make_closure(CLOSE, NULL), 201);
    expect_at(&app, "totalRevenue", "-15.00"); // o8 of the period, 1; -20 and 4 of before
    expect_at(&app, "totalOrders", "1");
    expect_at(&app, "totalCashRevenue", "11.50");
    expect_at(&app, "totalCardRevenue", "-26.50");
    expect_at(&app, "adjustment.totalRevenue", "-16.00");
    expect_at(&app, "adjustment.totalOrders", "0");
    expect_at(&app, "categoryStats.0.categoryName", "Bevande");
    expect_at(&app, "categoryStats.0.revenue", "25.50");
    expect_at(&app, "categoryStats.0.quantity", "2");
    expect_at(&app, "categoryStats.1.revenue", "-42.50");
    // Nothing is counted twice.
    test_set_now("2026-01-15T14:00:00Z");
    assert_int_equal(make_closure(CLOSE, NULL), 201);
    expect_at(&app, "totalRevenue", "0.00");
    expect_at(&app, "adjustment", "(none)");
}

// ---- The chain ----

static void on_problem(void *user, const char *line)
{
    snprintf(user, 256, "%s", line);
}

static void check(uint64_t problems, const char *says)
{
    char line[256] = "";
    dbk_check_report report;
    dbk_error err;
    dbk_app_destroy(app.app);
    dbk_store_close(app.store);
    assert_int_equal(dbk_store_check(app.directory, on_problem, line, &report, &err), DBK_OK);
    if (report.problems != problems || strstr(line, says) == NULL)
        fail_msg("%d problems: %s", (int)report.problems, line);
    app.app = NULL;
    app.store = NULL;
    test_app_reopen(&app);
}

// Replaces or removes a stored closure behind the application's back.
static void tamper(int64_t number, const char *column, const char *value)
{
    char path[64], id[64];
    snprintf(path, sizeof(path), "/admin/closures/%d?tenant=acme", (int)number);
    assert_int_equal(test_ask(&app, "GET", path, true, NULL, NULL), 200);
    snprintf(id, sizeof(id), "%s", test_value(&app, "id"));
    dbk_read read = dbk_read_begin(dbk_store_db(app.store));
    dbk_value key = {.kind = DBK_VALUE_TEXT, .text = dbk_text_from(id)};
    dbk_result *rows;
    dbk_batch batch;
    dbk_apply_report reports[1];
    dbk_error err;
    assert_int_equal(dbk_stored_rows(read.snapshot, DBK_TEXT("acme"), DBK_CLOSURES, &key, 1, &rows, &err),
                     DBK_OK);
    assert_int_equal(dbk_row_batch_init(&batch, DBK_CLOSURES, 1, &err), DBK_OK);
    assert_int_equal(dbk_row_batch_copy(&batch, 0, rows, 0, &err), DBK_OK);
    if (column != NULL && strstr(column, "_at") != NULL)
        dbk_row_batch_int(&batch, 0, column, strtoll(value, NULL, 10));
    else if (column != NULL)
        assert_int_equal(dbk_row_batch_text(&batch, 0, column, dbk_text_from(value), &err), DBK_OK);
    batch.remove = column == NULL;
    const dbk_batch *batches[] = {&batch};
    dbk_change change = {.tenant = DBK_TEXT("acme"), .batches = batches, .batches_count = 1};
    assert_int_equal(dbk_store_write(app.store, &change, reports, &err), DBK_OK);
    free(reports[0].rejected_rows);
    dbk_batch_dispose(&batch);
    dbk_result_free(rows);
    dbk_read_end(dbk_store_db(app.store), &read);
}

static void make_three(void)
{
    for (int i = 0; i < 3; i++) {
        assert_int_equal(make_closure(CLOSE, NULL), 201);
        test_now_ms += 1000;
    }
}

static void test_the_chain_holds(void **state)
{
    (void)state;
    check(0, "");
    make_three();
    check(0, "");
}

static void test_a_changed_closure_is_found(void **state)
{
    static const struct {
        const char *column, *value;
    } changes[] = {{"report", "{}"},    {"totals", "{\"registers\":[],\"foods\":[]}"},
                   {"actor", "nobody"}, {"cash_register_id", "r2"},
                   {"from_at", "1"},    {"created_at", "1768480201001"}};
    for (size_t i = 0; i < DBK_COUNT(changes); i++) {
        if (i > 0)
            setup(state);
        make_three();
        tamper(2, changes[i].column, changes[i].value);
        check(1, "closure 2 is not what was sealed");
        if (i + 1 < DBK_COUNT(changes))
            teardown(state);
    }
}

static void test_a_closure_sealed_again_breaks_the_next(void **state)
{
    (void)state;
    make_three();
    tamper(2, "hash", "0123456789012345678901234567890123456789012345678901234567890123");
    check(2, "closure 3 does not follow");
}

static void test_a_missing_closure_is_found(void **state)
{
    (void)state;
    make_three();
    tamper(2, NULL, NULL);
    check(1, "closure 2 is missing");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_P1_to_P5_P13_to_P15_an_hour),
        TEST(test_PA3_PA12_P35_ends_are_inclusive_and_other_payments_count_in_the_total),
        TEST(test_P6_P11_PA11_the_live_tail_ends_with_this_millisecond),
        TEST(test_P10_PA10_refusals),
        TEST(test_PA2_P12_groupings),
        TEST(test_PA4_fill),
        TEST(test_a_list_has_at_most_20000_windows),
        TEST(test_PA2_days_on_which_clocks_change),
        TEST(test_P7_PA6_what_was_listed_is_read_again),
        cmocka_unit_test(test_PA6_ids_hold_what_was_put_in),
        TEST(test_etags_of_live_and_past_ranges),
        TEST(test_P16_names_of_a_kept_hour_stay),
        TEST(test_P11_hours_that_were_missed_are_kept_later),
        TEST(test_PA9_a_late_change_shows_in_its_kept_hour),
        TEST(test_P8_P17_P18_PA1_PA7_a_closure),
        TEST(test_P17_before_seven_it_is_still_yesterday),
        TEST(test_PA8_again_is_the_rest_and_with_its_key_the_same),
        TEST(test_P18_refused_closures),
        TEST(test_PA9_late_changes_are_the_next_closures_adjustment),
        TEST(test_the_chain_holds),
        TEST(test_a_changed_closure_is_found),
        TEST(test_a_closure_sealed_again_breaks_the_next),
        TEST(test_a_missing_closure_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
