// SPDX-License-Identifier: Apache-2.0
// Closures of the point of sale, rule by rule, over a real store; their chain, and what check says of it.
#include "tests/unit/http/pos_evening.h"

#include "engine/base/calendar.h"
#include "http/pos/closure.h"

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

// ---- What is kept between closures ----

static const char *random_moment(dbk_random *r, char out[DBK_TIME_TEXT_MAX])
{
    int64_t at = test_now_ms - (int64_t)dbk_random_below(r, 6 * 3600 * 1000);
    out[dbk_time_write(out, at)] = 0;
    return out;
}

static void append(char *out, size_t size, const char *format, ...)
{
    va_list arguments;
    size_t at = strlen(out);
    va_start(arguments, format);
    vsnprintf(out + at, size - at, format, arguments);
    va_end(arguments);
}

// Tickets that come, change, are un-confirmed or come late; lines that come before or after them or change;
// foods that move.
static void trade(dbk_random *r)
{
    static const char *const statuses[] = {"CONFIRMED", "PICKED_UP", "PENDING", "CANCELLED"};
    static const char *const methods[] = {"CASH", "CARD", "voucher"};
    char tickets[8192] = TICKETS, lines[8192] = "id,order_id,product_id,quantity,total,created_at\n";
    char created[DBK_TIME_TEXT_MAX], confirmed[DBK_TIME_TEXT_MAX];
    for (uint64_t i = 1 + dbk_random_below(r, 12); i > 0; i--)
        append(tickets, sizeof(tickets), "r%d,%s,%s,,pos,%s,%d,EUR,%s,r%d\n", (int)dbk_random_below(r, 60),
               random_moment(r, created), random_moment(r, confirmed),
               statuses[dbk_random_below(r, DBK_COUNT(statuses))], (int)dbk_random_below(r, 50),
               methods[dbk_random_below(r, DBK_COUNT(methods))], 1 + (int)dbk_random_below(r, 2));
    for (uint64_t i = 1 + dbk_random_below(r, 12); i > 0; i--) {
        int line = (int)dbk_random_below(r, 150);
        append(lines, sizeof(lines), "x%d,r%d,f%d,%d,%d,%s\n", line, line % 70,
               1 + (int)dbk_random_below(r, 4), 1 + (int)dbk_random_below(r, 3), (int)dbk_random_below(r, 30),
               random_moment(r, created));
    }
    if (dbk_random_below(r, 4) > 0)
        test_load(&app, "acme", "orders", tickets);
    if (dbk_random_below(r, 4) > 0)
        test_load(&app, "acme", "order_lines", lines);
    if (dbk_random_below(r, 6) == 0)
        test_load(&app, "acme", "products",
                  dbk_random_below(r, 2) ? "id,name,category_id\nf2,Penne,c2\n"
                                         : "id,name,category_id\nf2,Penne,c1\n");
}

static void draft_both(dbk_pos_book *kept)
{
    dbk_pos_book *empty = dbk_pos_book_create();
    dbk_read read = dbk_read_begin(dbk_store_db(app.store));
    dbk_pos_draft a, b;
    dbk_error err;
    assert_int_equal(dbk_pos_draft_make(&a, kept, read.snapshot, DBK_TEXT("acme"), test_now_ms, 1, &err),
                     DBK_OK);
    assert_int_equal(dbk_pos_draft_make(&b, empty, read.snapshot, DBK_TEXT("acme"), test_now_ms, 2, &err),
                     DBK_OK);
    assert_int_equal(a.report.size, b.report.size);
    assert_memory_equal(a.report.data, b.report.data, a.report.size);
    assert_int_equal(a.totals.size, b.totals.size);
    assert_memory_equal(a.totals.data, b.totals.data, a.totals.size);
    dbk_pos_draft_dispose(&a);
    dbk_pos_draft_dispose(&b);
    dbk_read_end(dbk_store_db(app.store), &read);
    dbk_pos_book_destroy(empty);
}

static void test_PA9_what_is_kept_changes_no_closure(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random(__func__);
    dbk_pos_book *kept = dbk_pos_book_create();
    for (int round = 0; round < 40; round++) {
        trade(&r);
        draft_both(kept);
        if (dbk_random_below(&r, 2))
            assert_int_equal(make_closure(CLOSE, NULL), 201);
        if (dbk_random_below(&r, 3) == 0)
            test_now_ms += 1 + (int64_t)dbk_random_below(&r, 8 * 3600 * 1000);
    }
    dbk_pos_book_destroy(kept);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_P8_P17_P18_PA1_PA7_a_closure),
        TEST(test_P17_before_seven_it_is_still_yesterday),
        TEST(test_PA8_again_is_the_rest_and_with_its_key_the_same),
        TEST(test_P18_refused_closures),
        TEST(test_PA9_late_changes_are_the_next_closures_adjustment),
        TEST(test_PA9_what_is_kept_changes_no_closure),
        TEST(test_the_chain_holds),
        TEST(test_a_changed_closure_is_found),
        TEST(test_a_closure_sealed_again_breaks_the_next),
        TEST(test_a_missing_closure_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
