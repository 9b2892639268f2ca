// SPDX-License-Identifier: Apache-2.0
// The two numbers of a tenant: of its last change, and of the last change of what reports are made of.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/app/row_batch.h"

#include <stdlib.h>

static const dbk_text acme = {"acme", 4}, other = {"other", 5};

static void store(dbk_db *db, dbk_text tenant, dbk_table_id table, const char *id, uint64_t number)
{
    dbk_batch b;
    dbk_apply_report report;
    dbk_error err = {0};
    assert_int_equal(dbk_row_batch_init(&b, table, 1, NULL), DBK_OK);
    (void)dbk_row_batch_text(&b, 0, "id", dbk_text_from(id), NULL);
    if (table == DBK_ORDERS || table == DBK_AUDIT_LOG)
        dbk_row_batch_int(&b, 0, "created_at", 1);
    if (table == DBK_ORDERS) {
        (void)dbk_row_batch_text(&b, 0, "status", DBK_TEXT("SUBMITTED"), NULL);
        dbk_row_batch_int(&b, 0, "total", 10000);
    }
    if (table == DBK_AUDIT_LOG)
        (void)dbk_row_batch_text(&b, 0, "action", DBK_TEXT("order.placed"), NULL);
    if (table == DBK_SETTINGS)
        (void)dbk_row_batch_text(&b, 0, "value", DBK_TEXT("07:00"), NULL);
    assert_int_equal(dbk_db_apply(db, tenant, &b, &report, &err), DBK_OK);
    free(report.rejected_rows);
    dbk_batch_dispose(&b);
    dbk_db_publish(db, dbk_db_freeze(db, number));
}

static void assert_numbers(dbk_db *db, dbk_text tenant, uint64_t any, uint64_t data)
{
    dbk_read read = dbk_read_begin(db);
    assert_int_equal(dbk_snapshot_tenant_number(read.snapshot, tenant), any);
    assert_int_equal(dbk_snapshot_tenant_data_number(read.snapshot, tenant), data);
    dbk_read_end(db, &read);
}

static void test_only_data_and_settings_move_the_number_of_data(void **state)
{
    (void)state;
    dbk_db *db;
    dbk_error err;
    assert_int_equal(dbk_db_create(&db, &err), DBK_OK);
    assert_numbers(db, acme, 0, 0);
    store(db, acme, DBK_ORDERS, "o1", 1);
    assert_numbers(db, acme, 1, 1);
    store(db, acme, DBK_AUDIT_LOG, "a1", 2);
    assert_numbers(db, acme, 2, 1);
    store(db, other, DBK_ORDERS, "o1", 3);
    assert_numbers(db, acme, 2, 1);
    assert_numbers(db, other, 3, 3);
    store(db, acme, DBK_AUDIT_LOG, "a2", 4);
    assert_numbers(db, acme, 4, 1);
    store(db, acme, DBK_SETTINGS, "business-day", 5);
    assert_numbers(db, acme, 5, 5);
    // An image that is left out takes nothing along: the next one knows what changed since the last
    // published.
    dbk_batch b;
    dbk_apply_report report;
    assert_int_equal(dbk_row_batch_init(&b, DBK_CUSTOMERS, 1, NULL), DBK_OK);
    (void)dbk_row_batch_text(&b, 0, "id", DBK_TEXT("c1"), NULL);
    assert_int_equal(dbk_db_apply(db, acme, &b, &report, &err), DBK_OK);
    free(report.rejected_rows);
    dbk_batch_dispose(&b);
    assert_non_null(dbk_db_freeze(db, 6));
    store(db, acme, DBK_AUDIT_LOG, "a3", 7);
    assert_numbers(db, acme, 7, 6);
    dbk_db_destroy(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_data_and_settings_move_the_number_of_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
