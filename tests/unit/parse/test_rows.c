// SPDX-License-Identifier: Apache-2.0
// Values: every type of column, its reasons, and what products do with categories.
#include "engine/base/decimal.h"
#include "engine/base/random.h"
#include "ingest/parse/row.h"
#include "tests/support/parsed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_values(void **state)
{
    (void)state;
    static const struct {
        dbk_type type;
        const char *text;
        int64_t value;
        const char *reason;
    } cases[] = {
        {DBK_MONEY, "1234.5", 12345000, NULL},
        {DBK_MONEY, " -0.0001\t", -1, NULL},
        {DBK_MONEY, "1.", 10000, NULL},
        {DBK_MONEY, ".5", 5000, NULL},
        {DBK_MONEY, "+7", 70000, NULL},
        {DBK_MONEY, "1.50000000", 15000, NULL},
        {DBK_MONEY, "", DBK_NULL, NULL},
        {DBK_MONEY, "   ", DBK_NULL, NULL},
        {DBK_MONEY, "1.23456", 0, "more than 4 decimals"},
        {DBK_MONEY, "1,5", 0, "not a plain decimal number such as 1234.50"},
        {DBK_MONEY, ".", 0, "not a plain decimal number such as 1234.50"},
        {DBK_MONEY, "-", 0, "not a plain decimal number such as 1234.50"},
        {DBK_MONEY, "-.", 0, "not a plain decimal number such as 1234.50"},
        {DBK_MONEY, "1e3", 0, "not a plain decimal number such as 1234.50"},
        {DBK_MONEY, "922337203685478", 0, "too large a number"},
        {DBK_MONEY, "922337203685477.5807", INT64_MAX, NULL},
        {DBK_MONEY, "99999999999999", 999999999999990000, NULL},
        {DBK_RATE, "0.000000001", 1, NULL},
        {DBK_RATE, "1.0000000001", 0, "more than 9 decimals"},
        {DBK_INT, "-12", -12, NULL},
        {DBK_INT, "12.0", 12, NULL},
        {DBK_INT, "12.5", 0, "not a whole number"},
        {DBK_INT, "x", 0, "not a whole number"},
        {DBK_BOOL, "TRUE", 1, NULL},
        {DBK_BOOL, "f", 0, NULL},
        {DBK_BOOL, "yes", 1, NULL},
        {DBK_BOOL, "0", 0, NULL},
        {DBK_BOOL, "2", 0, "neither true nor false"},
        {DBK_DATE, "1970-01-03", 2, NULL},
        {DBK_DATE, "1970-02-30", 0, "not a date such as 2026-04-01"},
        {DBK_TIME, "1970-01-01T00:00:01Z", 1000, NULL},
        {DBK_TIME, "1970-01-01 00:00:01.234", 1234, NULL},
        {DBK_TIME, "1970-01-01T00:00:01.2345Z", 1234, NULL},
        {DBK_TIME, "1970-01-02", 86400000, NULL},
        {DBK_TIME, "1970-01-01T01:00:00+01:00", 0, NULL},
        {DBK_TIME, "1970-01-01T24:00:00Z", 0, "not a time such as 2026-04-01T12:30:00Z"},
        {DBK_TIME, "1970-13-01T00:00:00Z", 0, "not a time such as 2026-04-01T12:30:00Z"},
        {DBK_TIME, "yesterday", 0, "not a time such as 2026-04-01T12:30:00Z"},
    };
    for (size_t i = 0; i < DBK_COUNT(cases); i++) {
        dbk_column_def def = {.name = "x", .type = cases[i].type};
        int64_t value = 4711;
        const char *reason = dbk_value_parse(&def, NULL, dbk_text_from(cases[i].text), &value);
        if (cases[i].reason) {
            assert_non_null(reason);
            assert_string_equal(reason, cases[i].reason);
        } else {
            if (reason)
                fail_msg("%s: %s", cases[i].text, reason);
            assert_int_equal(value, cases[i].value);
        }
    }
}

// The short path for decimals against the thorough one.
static void test_decimals_agree(void **state)
{
    (void)state;
    static const char letters[] = "0123456789..-+ x";
    dbk_random random = dbk_random_seed(parsed_seed());
    dbk_column_def def = {.name = "x", .type = DBK_MONEY};
    for (int round = 0; round < 300000; round++) {
        char text[20];
        size_t length = 1 + dbk_random_below(&random, 18);
        uint64_t wild = dbk_random_below(&random, 2) ? sizeof letters - 1 : 12;
        for (size_t i = 0; i < length; i++)
            text[i] = letters[dbk_random_below(&random, wild)];
        dbk_text trimmed = dbk_text_trim((dbk_text){text, (uint32_t)length});
        int64_t value = 0, expected = 0;
        bool good = !dbk_value_parse(&def, NULL, (dbk_text){text, (uint32_t)length}, &value);
        if (trimmed.length == 0)
            continue;
        bool right =
            dbk_decimal_parse(trimmed.data, trimmed.length, DBK_MONEY_SCALE, &expected) == DBK_DECIMAL_OK;
        assert_int_equal(good, right);
        if (good)
            assert_int_equal(value, expected);
    }
}

static void test_zone(void **state)
{
    (void)state;
    const dbk_zone *zone;
    assert_int_equal(dbk_zone_load("Europe/Berlin", &zone, NULL), DBK_OK);
    dbk_parse_options options = {
        .table = dbk_table_def_by_id(DBK_CUSTOMERS), .format = DBK_FORMAT_CSV, .zone = zone};
    const char *text = "id,created_at\na,2026-07-01T12:00:00\nb,2026-07-01T12:00:00Z\n";
    parsed *p = parsed_text(&options, text, strlen(text), 0, 0);
    assert_string_equal(parsed_value(p, "customers", 0, "created_at"), "2026-07-01T10:00:00.000Z");
    assert_string_equal(parsed_value(p, "customers", 1, "created_at"), "2026-07-01T12:00:00.000Z");
    parsed_dispose(p);
}

static void expect_reject(const char *table, const char *header, const char *row, const char *column,
                          const char *reason)
{
    char *text = malloc(strlen(header) + strlen(row) + 3);
    sprintf(text, "%s\n%s\n", header, row);
    parsed *p = parsed_csv(table, text);
    assert_int_equal(p->status, DBK_OK);
    assert_int_equal(p->batches_count, 0);
    assert_int_equal(p->rejects_count, reason != NULL);
    assert_string_equal(p->rejects[0].reason, reason);
    assert_string_equal(p->rejects[0].column_name, column);
    parsed_dispose(p);
    free(text);
}

static void test_limits(void **state)
{
    (void)state;
    char id65[66], huge[(1 << 20) + 10];
    memset(id65, 'i', 65);
    id65[65] = '\0';
    memset(huge, 'h', sizeof huge);
    huge[sizeof huge - 1] = '\0';
    memcpy(huge, "a,", 2);
    expect_reject("customers", "id", id65, "id", "longer than 64 bytes");
    expect_reject("customers", "id,name", huge, "name", "longer than 1 MiB");
    char row[300];
    snprintf(row, sizeof row, "l1,%s,1,1", id65);
    expect_reject("order_lines", "id,order_id,quantity,total", row, "order_id", "longer than 64 bytes");
    snprintf(row, sizeof row, "l1,o1,1,1,%s", id65);
    expect_reject("order_lines", "id,order_id,quantity,total,product_id", row, "product_id",
                  "longer than 64 bytes");
    expect_reject("orders", "id,created_at,status,total,kind", "a,2026-01-01,N,1,odd", "kind",
                  "not one of the values allowed here");
    parsed *p = parsed_csv("order_lines", "id,order_id,quantity,total\nl1,o1,2,3.5\n");
    assert_int_equal(parsed_rows(p, "order_lines"), 1);
    assert_string_equal(parsed_value(p, "order_lines", 0, "created_at"), "");
    parsed_dispose(p);
    p = parsed_csv("offer_variants", "offer_id,variant_id\no,v\n");
    assert_int_equal(parsed_rows(p, "offer_variants"), 1);
    parsed_dispose(p);
    p = parsed_csv("offer_variants", "offer_id,variant_id,key\no,v,k\n");
    assert_int_equal(p->status, DBK_INVALID);
    parsed_dispose(p);
}

static void test_rejected_rows_leave_no_words(void **state)
{
    (void)state;
    parsed *p = parsed_csv("orders", "id,status,created_at,total\na,GOOD,2026-01-01,1\nb,GHOST,2026-01-01,x\n"
                                     "c,GOOD,2026-01-01,2\n");
    assert_int_equal(p->rejects_count, 1);
    const dbk_batch *batch = p->batches[0];
    assert_int_equal(batch->rows, 2);
    assert_int_equal(batch->columns[4].words_count, 2);
    assert_string_equal(parsed_value(p, "orders", 1, "total"), "2");
    parsed_dispose(p);
}

static void test_categories(void **state)
{
    (void)state;
    parsed *p = parsed_csv("products", "id,name,category,category_id\np1,A,Tea,\np2,B, Tea ,t2\np3,C,,c3\n"
                                       "p4,D,Coffee,t2\np5,E,,\np6,F,Tea,\n");
    assert_int_equal(p->status, DBK_OK);
    assert_int_equal(p->batches_count, 2);
    assert_string_equal(p->batches[0]->table->name, "categories");
    assert_int_equal(parsed_rows(p, "categories"), 2);
    assert_string_equal(parsed_value(p, "categories", 0, "id"), "Tea");
    assert_string_equal(parsed_value(p, "categories", 0, "name"), "Tea");
    assert_string_equal(parsed_value(p, "categories", 1, "id"), "t2");
    assert_string_equal(parsed_value(p, "categories", 1, "name"), "Coffee");
    static const char *const expected[] = {"Tea", "t2", "c3", "t2", "", "Tea"};
    for (uint32_t i = 0; i < 6; i++)
        assert_string_equal(parsed_value(p, "products", i, "category_id"), expected[i]);
    assert_int_equal(p->totals.rows, 6);
    parsed_dispose(p);
    char row[200] = "p1,A,";
    memset(row + 5, 'c', 65);
    expect_reject("products", "id,name,category", row, "category", "longer than 64 bytes");
}

// Dictionaries with many words, over several batches.
static void test_currencies_are_kept_in_capitals(void **state)
{
    (void)state;
    parsed *p = parsed_csv("orders", "id,created_at,status,total,currency\na,2026-01-01,x,1,eur\n"
                                     "b,2026-01-01,x,1,EUR\nc,2026-01-01,x,1,Eur\nd,2026-01-01,x,1,e2r\n");
    assert_string_equal(parsed_value(p, "orders", 0, "currency"), "EUR");
    assert_string_equal(parsed_value(p, "orders", 1, "currency"), "EUR");
    assert_string_equal(parsed_value(p, "orders", 2, "currency"), "EUR");
    assert_string_equal(parsed_value(p, "orders", 3, "currency"), "e2r");
    parsed_dispose(p);
}

static void test_many_words(void **state)
{
    (void)state;
    dbk_buffer text = {0};
    enum { ROWS = 150000 };
    dbk_buffer_format(&text, "id,name\n");
    for (int i = 0; i < ROWS; i++)
        dbk_buffer_format(&text, "c%d,n%d\n", i % 100000, i);
    dbk_parse_options options = {.table = dbk_table_def_by_id(DBK_CUSTOMERS), .format = DBK_FORMAT_CSV};
    parsed *p = parsed_text(&options, (char *)text.data, text.size, 0, 0);
    assert_int_equal(p->status, DBK_OK);
    assert_int_equal(p->batches_count, 3);
    assert_int_equal(p->batches[0]->columns[0].words_count, DBK_SEGMENT_ROWS + 1);
    uint32_t at = 0;
    for (int b = 0; b < p->batches_count; b++) {
        const dbk_batch *batch = p->batches[b];
        for (uint32_t i = 0; i < batch->rows; i++, at++) {
            char expected[16];
            dbk_text id = batch->columns[0].words[batch->columns[0].codes[i]];
            snprintf(expected, sizeof expected, "c%u", at % 100000);
            assert_true(dbk_text_equal(id, dbk_text_from(expected)));
            assert_int_equal(batch->lines[i], at + 2);
        }
    }
    assert_int_equal(at, ROWS);
    parsed_dispose(p);
    dbk_buffer_dispose(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_decimals_agree),
        cmocka_unit_test(test_zone),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_rejected_rows_leave_no_words),
        cmocka_unit_test(test_categories),
        cmocka_unit_test(test_currencies_are_kept_in_capitals),
        cmocka_unit_test(test_many_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
