// SPDX-License-Identifier: Apache-2.0
// Rows of a keyed table by a text, against a naive twin, while rows come, change, go, and are sealed.
#include "engine/table/text_index.h"
#include "http/app/row_batch.h"
#include "tests/support/seed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CUSTOMERS = 300, TEXTS = 120, ROUNDS = 400 };

static const dbk_text acme = {"acme", 4};

// Which text each customer has, plus 1; 0 = none, -1 = no such customer.
typedef struct twin {
    int texts[CUSTOMERS];
} twin;

// Small and capital letters at random; every tenth text differs from the others only behind what is hashed.
static dbk_text text_of(dbk_random *r, int number, char out[400])
{
    int length = number % 10 == 0 ? snprintf(out, 400, "buyer@%300s.%d", "shop", number)
                                  : snprintf(out, 400, "buyer.%d@shop", number);
    for (int i = 0; i < length; i++)
        if (out[i] >= 'a' && out[i] <= 'z' && dbk_random_below(r, 2))
            out[i] = (char)(out[i] - 32);
    return (dbk_text){out, (uint32_t)length};
}

static dbk_text id_of(int customer, char out[16])
{
    return (dbk_text){out, (uint32_t)snprintf(out, 16, "c%d", customer)};
}

static void change(dbk_random *r, dbk_db *db, twin *t, uint64_t number)
{
    dbk_batch batch;
    dbk_apply_report report;
    uint32_t rows = 1 + (uint32_t)dbk_random_below(r, 12);
    bool removes = dbk_random_below(r, 5) == 0;
    assert_int_equal(dbk_row_batch_init(&batch, DBK_CUSTOMERS, rows, NULL), DBK_OK);
    for (uint32_t i = 0; i < rows; i++) {
        int customer = (int)dbk_random_below(r, CUSTOMERS), text = (int)dbk_random_below(r, TEXTS);
        char id[16], room[400];
        assert_int_equal(dbk_row_batch_text(&batch, i, "id", id_of(customer, id), NULL), DBK_OK);
        t->texts[customer] = removes ? -1 : text;
        if (!removes && text > 0)
            assert_int_equal(dbk_row_batch_text(&batch, i, "email", text_of(r, text, room), NULL), DBK_OK);
    }
    if (removes) {
        dbk_batch_column key = batch.columns[batch.table->key_column];
        memset(batch.columns, 0, sizeof batch.columns);
        batch.columns[batch.table->key_column] = key;
        batch.remove = true;
    }
    assert_int_equal(dbk_db_apply(db, acme, &batch, &report, NULL), DBK_OK);
    dbk_db_publish(db, dbk_db_freeze(db, number));
    dbk_batch_dispose(&batch);
}

static bool twin_has(const twin *t, int text, int except)
{
    for (int i = 0; i < CUSTOMERS; i++)
        if (t->texts[i] == text && i != except)
            return true;
    return false;
}

static bool has(dbk_db *db, dbk_text text, dbk_text except)
{
    bool found;
    assert_int_equal(dbk_db_find_text(db, acme, DBK_CUSTOMERS, "email", text, except, &found, NULL), DBK_OK);
    return found;
}

static void compare(dbk_random *r, dbk_db *db, const twin *t)
{
    for (int i = 0; i < 40; i++) {
        char room[400], id[16];
        int text = 1 + (int)dbk_random_below(r, TEXTS), except = (int)dbk_random_below(r, CUSTOMERS);
        assert_int_equal(has(db, text_of(r, text, room), id_of(except, id)), twin_has(t, text, except));
    }
}

static void test_what_is_found_is_what_is_there(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random("what is found is what is there");
    for (int run = 0; run < 3; run++) {
        dbk_db *db;
        twin t;
        assert_int_equal(dbk_db_create(&db, NULL), DBK_OK);
        dbk_db_set_segment_rows(db, 64);
        memset(&t, -1, sizeof t);
        // From the first rows on, or made later from rows that are sealed in part.
        int first = run == 0 ? 0 : (int)dbk_random_below(&r, ROUNDS);
        for (int round = 0; round < ROUNDS; round++) {
            change(&r, db, &t, (uint64_t)round + 1);
            if (round >= first)
                compare(&r, db, &t);
        }
        dbk_db_destroy(db);
    }
}

static void test_nothing_is_alike_without_rows_or_text(void **state)
{
    (void)state;
    dbk_db *db;
    assert_int_equal(dbk_db_create(&db, NULL), DBK_OK);
    assert_false(has(db, DBK_TEXT("a@b.c"), (dbk_text){NULL, 0}));
    assert_false(has(db, (dbk_text){NULL, 0}, (dbk_text){NULL, 0}));
    assert_true(dbk_text_is_alike(DBK_TEXT("a@B.c"), DBK_TEXT("A@b.C")));
    assert_false(dbk_text_is_alike(DBK_TEXT("a@b.c"), DBK_TEXT("a@b.cc")));
    // Only letters have a case.
    assert_false(dbk_text_is_alike(DBK_TEXT("["), DBK_TEXT("{")));
    dbk_db_destroy(db);
}

static void store_one(dbk_db *db, const char *id, const char *email, uint64_t number)
{
    dbk_batch batch;
    dbk_apply_report report;
    assert_int_equal(dbk_row_batch_init(&batch, DBK_CUSTOMERS, 1, NULL), DBK_OK);
    assert_int_equal(dbk_row_batch_text(&batch, 0, "id", dbk_text_from(id), NULL), DBK_OK);
    assert_int_equal(dbk_row_batch_text(&batch, 0, "email", dbk_text_from(email), NULL), DBK_OK);
    assert_int_equal(dbk_db_apply(db, acme, &batch, &report, NULL), DBK_OK);
    dbk_db_publish(db, dbk_db_freeze(db, number));
    dbk_batch_dispose(&batch);
}

// Texts of the past do not add up: neither of a row stored again as it is, nor of one that always changes.
static void test_the_past_is_given_up(void **state)
{
    (void)state;
    dbk_db *db;
    assert_int_equal(dbk_db_create(&db, NULL), DBK_OK);
    store_one(db, "c1", "same@x.y", 1);
    assert_true(has(db, DBK_TEXT("SAME@x.y"), (dbk_text){NULL, 0}));
    const dbk_table *table = db->tenants[0]->tables[DBK_CUSTOMERS];
    for (uint64_t i = 2; i < 200; i++)
        store_one(db, "c1", "same@x.y", i);
    assert_int_equal(table->text_indexes->count, 1);
    uint32_t most = 0;
    for (uint64_t i = 200; i < 10000; i++) {
        char email[32];
        snprintf(email, sizeof email, "%d@x.y", (int)i);
        store_one(db, "c1", email, i);
        most = table->text_indexes && table->text_indexes->count > most ? table->text_indexes->count : most;
    }
    assert_in_range(most, 4000, 4200);
    assert_false(has(db, DBK_TEXT("same@x.y"), (dbk_text){NULL, 0}));
    assert_true(has(db, DBK_TEXT("9999@X.Y"), (dbk_text){NULL, 0}));
    assert_int_equal(table->text_indexes->count, 1);
    assert_false(has(db, DBK_TEXT("9999@X.Y"), DBK_TEXT("c1")));
    dbk_db_destroy(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_found_is_what_is_there),
        cmocka_unit_test(test_nothing_is_alike_without_rows_or_text),
        cmocka_unit_test(test_the_past_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
