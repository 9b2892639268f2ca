// SPDX-License-Identifier: Apache-2.0
// Reports of the point of sale, rule by rule, over a real store.
#include "http/pos/hours.h"
#include "tests/unit/http/pos_evening.h"

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

static int64_t noon(void *user)
{
    (void)user;
    return 1768480200000; // 2026-01-15T12:30Z
}

static void test_P11_the_thread_has_kept_what_is_due_before_anybody_else_does(void **state)
{
    (void)state;
    const dbk_pos_keeper_options options = {.store = app.store, .now_ms = noon, .runs = true};
    const dbk_text acme = DBK_TEXT("acme");
    dbk_pos_keeper *keeper;
    int taken = -1;
    assert_int_equal(dbk_pos_keeper_create(&keeper, &options, NULL), DBK_OK);
    assert_int_equal(dbk_pos_keeper_run(keeper, acme, &taken, NULL), DBK_OK);
    assert_int_equal(taken, 0);
    dbk_pos_keeper_destroy(keeper);
    keep_hours("0");
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
        TEST(test_P11_the_thread_has_kept_what_is_due_before_anybody_else_does),
        TEST(test_P11_hours_that_were_missed_are_kept_later),
        TEST(test_PA9_a_late_change_shows_in_its_kept_hour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
