// SPDX-License-Identifier: Apache-2.0
// The JSON writer: commas, escapes, exact numbers, and documents that the parser reads back.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/random.h"
#include "http/json/writer.h"
#include "ingest/parse/json.h"
#include "tests/support/seed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void expect(dbk_buffer *buffer, const char *text)
{
    dbk_buffer_u8(buffer, 0);
    assert_false(buffer->failed);
    assert_string_equal((const char *)buffer->data, text);
    dbk_buffer_dispose(buffer);
}

static void test_commas_follow_nesting(void **state)
{
    (void)state;
    dbk_buffer buffer = {0};
    dbk_out out = dbk_out_init(&buffer);
    dbk_out_object(&out);
    dbk_out_key(&out, "a");
    dbk_out_array(&out);
    dbk_out_int(&out, 1);
    dbk_out_array(&out);
    dbk_out_array_end(&out);
    dbk_out_object(&out);
    dbk_out_object_end(&out);
    dbk_out_null(&out);
    dbk_out_array_end(&out);
    dbk_out_key(&out, "b");
    dbk_out_bool(&out, true);
    dbk_out_key_text(&out, DBK_TEXT("c\""));
    dbk_out_bool(&out, false);
    dbk_out_object_end(&out);
    expect(&buffer, "{\"a\":[1,[],{},null],\"b\":true,\"c\\\"\":false}");
}

static void test_texts_are_escaped(void **state)
{
    (void)state;
    dbk_buffer buffer = {0};
    dbk_out out = dbk_out_init(&buffer);
    dbk_out_array(&out);
    dbk_out_text(&out, DBK_TEXT("\"\\\n\r\t\b\f\x01\x1f/\xc3\xa9\x00z"));
    dbk_out_text(&out, DBK_TEXT("bad \xff\xc3 end"));
    dbk_out_text_or_null(&out, (dbk_text){NULL, 0});
    dbk_out_text(&out, (dbk_text){NULL, 0});
    dbk_out_array_end(&out);
    expect(&buffer, "[\"\\\"\\\\\\n\\r\\t\\b\\f\\u0001\\u001f/\xc3\xa9\\u0000z\","
                    "\"bad \xef\xbf\xbd\xef\xbf\xbd end\",null,\"\"]");
}

static void test_X20_money_is_rounded_once_half_away_from_zero(void **state)
{
    (void)state;
    dbk_buffer buffer = {0};
    dbk_out out = dbk_out_init(&buffer);
    dbk_out_array(&out);
    dbk_out_money(&out, 187435000, 42, 2); // 18743.50 / 42
    dbk_out_money(&out, 187435000, 1, 2);
    dbk_out_money(&out, -50, 1, 2); // -0.005
    dbk_out_money(&out, 49, 1, 2);
    dbk_out_money(&out, -49, 1, 2);
    dbk_out_money(&out, 15000, 1, 0);
    dbk_out_money(&out, 12345, 1, 3);
    dbk_out_rate(&out, 12750000000, 1, 1); // 12.75
    dbk_out_rate(&out, 100000000000, 3, 1);
    dbk_out_wide(&out, (dbk_i128)INT64_MAX * 10);
    dbk_out_array_end(&out);
    expect(&buffer, "[446.27,18743.50,-0.01,0.00,0.00,2,1.235,12.8,33.3,92233720368547758070]");
}

static void test_X8_times_are_milliseconds_in_utc(void **state)
{
    (void)state;
    dbk_buffer buffer = {0};
    dbk_out out = dbk_out_init(&buffer);
    dbk_out_array(&out);
    dbk_out_time(&out, 1776470399999);
    dbk_out_time(&out, DBK_NULL);
    dbk_out_day(&out, 20560);
    dbk_out_time_seconds(&out, 1776470399999);
    dbk_out_time_seconds(&out, DBK_NULL);
    dbk_out_array_end(&out);
    expect(&buffer, "[\"2026-04-17T23:59:59.999Z\",null,\"2026-04-17\",\"2026-04-17T23:59:59Z\",null]");
}

// Whatever bytes a text has, the document is JSON, and valid UTF-8 comes back as it was.
static void test_any_text_makes_a_document(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random("json_writer");
    for (int round = 0; round < 2000; round++) {
        char bytes[40];
        uint32_t length = (uint32_t)dbk_random_below(&random, sizeof(bytes) + 1);
        bool ascii = dbk_random_below(&random, 2) == 0;
        for (uint32_t i = 0; i < length; i++)
            bytes[i] = (char)dbk_random_below(&random, ascii ? 128 : 256);
        dbk_buffer buffer = {0};
        dbk_out out = dbk_out_init(&buffer);
        dbk_out_text(&out, (dbk_text){bytes, length});
        dbk_json_doc doc;
        dbk_error err;
        assert_int_equal(dbk_json_parse((const char *)buffer.data, buffer.size, &doc, NULL, &err), DBK_OK);
        if (ascii)
            assert_true(dbk_text_equal(doc.root->text, (dbk_text){bytes, length}));
        dbk_json_doc_dispose(&doc);
        dbk_buffer_dispose(&buffer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commas_follow_nesting),
        cmocka_unit_test(test_texts_are_escaped),
        cmocka_unit_test(test_X20_money_is_rounded_once_half_away_from_zero),
        cmocka_unit_test(test_X8_times_are_milliseconds_in_utc),
        cmocka_unit_test(test_any_text_makes_a_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
