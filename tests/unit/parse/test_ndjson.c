// SPDX-License-Identifier: Apache-2.0
// NDJSON rows: keys in any order, values of every type, what is rejected and where.
#include "engine/base/random.h"
#include "tests/support/parsed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_rows(void **state)
{
    (void)state;
    parsed *p = parsed_ndjson(
        "orders", "\xef\xbb\xbf{\"id\":\"o1\",\"created_at\":\"2026-04-01T10:00:00Z\",\"status\":\"NEW\","
                  "\"total\":12.5,\"customer_id\":null}\r\n"
                  "\n"
                  "  {\"total\" : \"-3\" , \"status\":\"D\\u00e9\\\"\", \"created_at\":\"2026-04-01\","
                  " \"id\":17, \"customer_id\":\"c\"}  \n"
                  "{\"id\":\"o3\",\"created_at\":\"2026-04-02\",\"status\":\"NEW\",\"total\":1}");
    assert_int_equal(p->status, DBK_OK);
    assert_int_equal(p->rejects_count, 0);
    assert_int_equal(parsed_rows(p, "orders"), 3);
    assert_string_equal(parsed_value(p, "orders", 0, "total"), "12.5");
    assert_string_equal(parsed_value(p, "orders", 0, "customer_id"), "");
    assert_string_equal(parsed_value(p, "orders", 1, "id"), "17");
    assert_string_equal(parsed_value(p, "orders", 1, "status"), "D\xc3\xa9\"");
    assert_string_equal(parsed_value(p, "orders", 1, "customer_id"), "c");
    assert_string_equal(parsed_value(p, "orders", 1, "created_at"), "2026-04-01T00:00:00.000Z");
    assert_string_equal(parsed_value(p, "orders", 2, "customer_id"), "");
    assert_int_equal(parsed_line(p, "orders", 1), 3);
    assert_int_equal(p->totals.lines, 4);
    parsed_dispose(p);
}

static void test_rejects(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        uint32_t column;
        const char *name, *reason;
    } cases[] = {
        {"{\"id\":\"a\",\"name\":[1]}", 2, "name", "an object or array where one value is expected"},
        {"{\"id\":\"a\",\"colour\":1}", 2, "", "customers has no column \"colour\""},
        {"{\"id\":\"a\",\"id\":\"b\"}", 2, "id", "a key that the object has already"},
        {"{\"id\":\"a\"", 0, "", "the object is left open"},
        {"{\"id\":\"a\"} x", 0, "", "something stands behind the object"},
        {"[1]", 0, "", "not a JSON object"},
        {"{\"name\":\"n\"}", 0, "id", "required, but empty"},
        {"{\"id\":\"a\",\"created_at\":1}", 2, "created_at", "not a time such as 2026-04-01T12:30:00Z"},
        {"{\"id\":\"a\\u0000\"}", 1, "id", "a NUL character"},
        {"{\"id\":\"\xff\"}", 0, "", "not valid UTF-8"},
        {"{\"id\":\"\\ud800\"}", 1, "id", "half of a surrogate pair"},
        {"{\"id\":01}", 1, "id", "a number may not begin with 0"},
        {"{\"id\":\"a\",}", 2, "", "a key in quotes is missing"},
        {"{\"id\":\"a\" \"name\":1}", 1, "id", "a comma is missing"},
    };
    for (size_t i = 0; i < DBK_COUNT(cases); i++) {
        char text[400];
        snprintf(text, sizeof text, "{\"id\":\"first\"}\n%s\n{\"id\":\"last\"}\n", cases[i].line);
        parsed *p = parsed_ndjson("customers", text);
        assert_int_equal(p->status, DBK_OK);
        assert_int_equal(parsed_rows(p, "customers"), 2);
        assert_int_equal(p->rejects_count, 1);
        assert_int_equal(p->rejects[0].line, 2);
        assert_string_equal(p->rejects[0].reason, cases[i].reason);
        assert_string_equal(p->rejects[0].column_name, cases[i].name);
        assert_int_equal(p->rejects[0].column, cases[i].column);
        assert_string_equal(p->rejects[0].row, cases[i].line);
        assert_string_equal(parsed_value(p, "customers", 1, "id"), "last");
        parsed_dispose(p);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"[{\"id\":1}]", "JSON array"},
        {"id,name\n", ".csv"},
        {"{\"id\":1,\"colour\":2}\n", "its columns are id, name"},
        {"<?xml", "XML"},
    };
    for (size_t i = 0; i < DBK_COUNT(cases); i++) {
        parsed *p = parsed_ndjson("customers", cases[i][0]);
        assert_int_equal(p->status, DBK_INVALID);
        if (!strstr(p->error.message, cases[i][1]))
            fail_msg("%s", p->error.message);
        parsed_dispose(p);
    }
}

// The same rows as CSV and as NDJSON, in blocks of any size, give the same values.
static void test_agrees_with_csv(void **state)
{
    (void)state;
    uint64_t seed = parsed_seed();
    dbk_random random = dbk_random_seed(seed);
    for (int round = 0; round < 60; round++) {
        dbk_buffer csv = {0}, json = {0};
        int rows = 1 + (int)dbk_random_below(&random, 80);
        dbk_buffer_format(&csv, "id,name,email\n");
        for (int i = 0; i < rows; i++) {
            int name = (int)dbk_random_below(&random, 20), mail = (int)dbk_random_below(&random, 3);
            dbk_buffer_format(&csv, "c%d,\"a \"\"%d\"\",\n\",%s\n", i, name, mail ? "m@x" : "");
            if (dbk_random_below(&random, 2))
                dbk_buffer_format(&json, "{\"id\":\"c%d\",\"name\":\"a \\\"%d\\\",\\n\",\"email\":%s}\n", i,
                                  name, mail ? "\"m@x\"" : "null");
            else
                dbk_buffer_format(&json, "{\"name\":\"a \\\"%d\\\",\\u000a\",%s\"id\":\"c%d\"}\r\n", name,
                                  mail ? "\"email\":\"m@x\"," : "", i);
        }
        dbk_parse_options options = {.table = dbk_table_def_by_id(DBK_CUSTOMERS),
                                     .format = DBK_FORMAT_CSV,
                                     .batch_rows = 1 + (uint32_t)dbk_random_below(&random, 30)};
        parsed *a = parsed_text(&options, (char *)csv.data, csv.size, 100, seed + (uint64_t)round);
        options.format = DBK_FORMAT_NDJSON;
        parsed *b = parsed_text(&options, (char *)json.data, json.size, 100, seed + (uint64_t)round);
        assert_int_equal(a->status, DBK_OK);
        assert_int_equal(b->status, DBK_OK);
        assert_int_equal(parsed_rows(a, "customers"), rows);
        assert_int_equal(parsed_rows(b, "customers"), rows);
        assert_int_equal(a->batches_count, b->batches_count);
        for (uint32_t i = 0; i < (uint32_t)rows; i++) {
            static const char *const columns[] = {"id", "name", "email"};
            for (int c = 0; c < 3; c++)
                assert_string_equal(parsed_value(a, "customers", i, columns[c]),
                                    parsed_value(b, "customers", i, columns[c]));
        }
        parsed_dispose(a);
        parsed_dispose(b);
        dbk_buffer_dispose(&csv);
        dbk_buffer_dispose(&json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_rejects),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_agrees_with_csv),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
