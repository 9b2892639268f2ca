// SPDX-License-Identifier: Apache-2.0
// Several batches of one change: those that lean on each other are applied in order, the others together.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/app/row_batch.h"

#include <stdlib.h>

static const dbk_text acme = {"acme", 4};

static dbk_batch order(const char *id, int64_t created_at, const char *currency)
{
    dbk_batch b;
    assert_int_equal(dbk_row_batch_init(&b, DBK_ORDERS, 1, NULL), DBK_OK);
    (void)dbk_row_batch_text(&b, 0, "id", dbk_text_from(id), NULL);
    dbk_row_batch_int(&b, 0, "created_at", created_at);
    (void)dbk_row_batch_text(&b, 0, "status", DBK_TEXT("SUBMITTED"), NULL);
    (void)dbk_row_batch_text(&b, 0, "currency", dbk_text_from(currency), NULL);
    dbk_row_batch_int(&b, 0, "total", 10000);
    return b;
}

static dbk_batch line(const char *id, const char *of, int64_t created_at)
{
    dbk_batch b;
    assert_int_equal(dbk_row_batch_init(&b, DBK_ORDER_LINES, 1, NULL), DBK_OK);
    (void)dbk_row_batch_text(&b, 0, "id", dbk_text_from(id), NULL);
    (void)dbk_row_batch_text(&b, 0, "order_id", dbk_text_from(of), NULL);
    dbk_row_batch_int(&b, 0, "created_at", created_at);
    dbk_row_batch_int(&b, 0, "quantity", 1);
    dbk_row_batch_int(&b, 0, "total", 10000);
    return b;
}

static dbk_batch payment(const char *id, const char *currency)
{
    dbk_batch b;
    assert_int_equal(dbk_row_batch_init(&b, DBK_PAYMENTS, 1, NULL), DBK_OK);
    (void)dbk_row_batch_text(&b, 0, "id", dbk_text_from(id), NULL);
    dbk_row_batch_int(&b, 0, "created_at", 5);
    dbk_row_batch_int(&b, 0, "amount", 10000);
    (void)dbk_row_batch_text(&b, 0, "currency", dbk_text_from(currency), NULL);
    return b;
}

// Applies the two, disposes of them, publishes.
static void apply(dbk_db *db, dbk_batch first, dbk_batch second, dbk_apply_report reports[2], uint64_t number)
{
    const dbk_batch *batches[] = {&first, &second};
    int applied;
    dbk_error err = {0};
    assert_int_equal(dbk_db_apply_all(db, acme, batches, 2, reports, &applied, &err), DBK_OK);
    assert_int_equal(applied, 2);
    dbk_db_publish(db, dbk_db_freeze(db, number));
    dbk_batch_dispose(&first);
    dbk_batch_dispose(&second);
}

static dbk_result *stored(dbk_db *db, dbk_table_id table, const char *id)
{
    dbk_value key = {.kind = DBK_VALUE_TEXT, .text = dbk_text_from(id)};
    dbk_read read = dbk_read_begin(db);
    dbk_result *rows;
    assert_int_equal(dbk_stored_rows(read.snapshot, acme, table, &key, 1, &rows, NULL), DBK_OK);
    dbk_read_end(db, &read);
    assert_int_equal(dbk_result_rows(rows), 1);
    return rows;
}

static void expect_int(dbk_db *db, dbk_table_id table, const char *id, const char *column, int64_t value)
{
    dbk_result *rows = stored(db, table, id);
    assert_int_equal(dbk_stored_int(rows, 0, table, column), value);
    dbk_result_free(rows);
}

static void expect_currency(dbk_db *db, const char *currency)
{
    dbk_result *rows = stored(db, DBK_SETTINGS, "currency");
    assert_true(dbk_text_equal(dbk_stored_text(rows, 0, DBK_SETTINGS, "value"), dbk_text_from(currency)));
    dbk_result_free(rows);
}

static void lines_take_the_time_of_an_order_that_comes_with_them(void **state)
{
    (void)state;
    dbk_db *db;
    dbk_apply_report reports[2];
    assert_int_equal(dbk_db_create(&db, NULL), DBK_OK);
    apply(db, order("o1", 1000, NULL), line("l1", "o1", DBK_NULL), reports, 1);
    assert_int_equal(reports[1].stored, 1);
    expect_int(db, DBK_ORDER_LINES, "l1", "created_at", 1000);
    // The other way round the order comes too late.
    apply(db, line("l2", "o2", DBK_NULL), order("o2", 2000, NULL), reports, 2);
    assert_int_equal(reports[0].stored, 0);
    assert_int_equal(reports[0].rejected_count, 1);
    assert_int_equal(reports[1].stored, 1);
    free(reports[0].rejected_rows);
    apply(db, order("o3", 3000, NULL), line("l3", "o3", 7), reports, 3);
    expect_int(db, DBK_ORDER_LINES, "l3", "created_at", 7);
    dbk_db_destroy(db);
}

static void of_two_batches_of_one_table_the_later_wins(void **state)
{
    (void)state;
    dbk_db *db;
    dbk_apply_report reports[2];
    assert_int_equal(dbk_db_create(&db, NULL), DBK_OK);
    apply(db, order("o1", 1000, NULL), order("o1", 2000, NULL), reports, 1);
    expect_int(db, DBK_ORDERS, "o1", "created_at", 2000);
    dbk_read read = dbk_read_begin(db);
    assert_int_equal(dbk_snapshot_rows(read.snapshot, acme, DBK_ORDERS), 1);
    dbk_read_end(db, &read);
    dbk_db_destroy(db);
}

static void the_first_currency_of_a_change_is_the_tenants(void **state)
{
    (void)state;
    dbk_db *db;
    dbk_apply_report reports[2];
    assert_int_equal(dbk_db_create(&db, NULL), DBK_OK);
    apply(db, order("o1", 1, NULL), payment("p1", "JPY"), reports, 1);
    expect_currency(db, "JPY");
    dbk_db_destroy(db);
    assert_int_equal(dbk_db_create(&db, NULL), DBK_OK);
    apply(db, order("o1", 1, "EUR"), payment("p1", "JPY"), reports, 1);
    expect_currency(db, "EUR");
    apply(db, order("o2", 1, "USD"), payment("p2", "JPY"), reports, 2);
    expect_currency(db, "EUR");
    dbk_db_destroy(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_take_the_time_of_an_order_that_comes_with_them),
        cmocka_unit_test(of_two_batches_of_one_table_the_later_wins),
        cmocka_unit_test(the_first_currency_of_a_change_is_the_tenants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
