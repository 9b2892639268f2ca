// SPDX-License-Identifier: Apache-2.0
// The JSON documents: what is accepted, what is refused and where.
#include "ingest/parse/json.h"

#include "engine/base/random.h"
#include "tests/support/parsed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static dbk_json_doc parse_ok(const char *text)
{
    dbk_json_doc doc;
    dbk_error err;
    if (dbk_json_parse(text, strlen(text), &doc, NULL, &err) != DBK_OK)
        fail_msg("%s: %s", text, err.message);
    return doc;
}

static void test_values(void **state)
{
    (void)state;
    dbk_json_doc doc =
        parse_ok(" {\"a\":[1,-2.50e+3,\"x\\n\\u00e9\\ud83d\\ude00\"],\"b\":{},\"c\":[[],[null]],"
                 "\"d\":true,\"e\":false,\"\":\"\",\"plain\":\"p\"}\r\n");
    const dbk_json *root = doc.root;
    assert_int_equal(root->type, DBK_JSON_OBJECT);
    assert_int_equal(root->count, 7);
    const dbk_json *a = dbk_json_get(root, "a"), *m = dbk_json_first(a);
    int64_t value;
    assert_int_equal(a->count, 3);
    assert_true(dbk_json_int_of(m, &value));
    assert_int_equal(value, 1);
    m = dbk_json_next(a, m);
    assert_true(dbk_text_equal(m->text, DBK_TEXT("-2.50e+3")));
    assert_false(dbk_json_int_of(m, &value));
    m = dbk_json_next(a, m);
    assert_true(dbk_text_equal(dbk_json_string_of(m), DBK_TEXT("x\n\xc3\xa9\xf0\x9f\x98\x80")));
    assert_null(dbk_json_next(a, m));
    assert_null(dbk_json_first(dbk_json_get(root, "b")));
    const dbk_json *c = dbk_json_get(root, "c");
    m = dbk_json_next(c, dbk_json_first(c));
    assert_int_equal(dbk_json_first(m)->type, DBK_JSON_NULL);
    assert_int_equal(dbk_json_get(root, "d")->type, DBK_JSON_TRUE);
    assert_int_equal(dbk_json_get(root, "")->type, DBK_JSON_STRING);
    assert_null(dbk_json_get(root, "z"));
    assert_null(dbk_json_get(NULL, "z"));
    assert_true(dbk_text_equal(dbk_json_string_of(dbk_json_get(root, "plain")), DBK_TEXT("p")));
    dbk_json_doc_dispose(&doc);
    doc = parse_ok("7");
    assert_int_equal(doc.root->type, DBK_JSON_NUMBER);
    dbk_json_doc_dispose(&doc);
}

static void test_faults(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t offset;
        const char *says;
    } cases[] = {
        {"", 0, "value is missing"},
        {"{", 1, "left open"},
        {"[1,2", 4, "left open"},
        {"{\"a\":1,}", 7, "key in quotes"},
        {"[1,]", 3, "not a JSON value"},
        {"[1 2]", 3, "comma"},
        {"{\"a\" 1}", 5, "colon"},
        {"{a:1}", 1, "key in quotes"},
        {"01", 0, "begin with 0"},
        {"1.", 0, "end with a point"},
        {".5", 0, "not a JSON value"},
        {"+1", 0, "not a JSON value"},
        {"-", 0, "not a JSON value"},
        {"1e", 0, "exponent"},
        {"NaN", 0, "not a JSON value"},
        {"nul", 0, "not a JSON value"},
        {"truex", 4, "behind the value"},
        {"1 1", 2, "behind the value"},
        {"\"a", 0, "left open"},
        {"\"a\\", 2, "left open"},
        {"\"\\x\"", 1, "no such escape"},
        {"\"\\u12g4\"", 1, "hexadecimal"},
        {"\"\\ud800\"", 1, "surrogate"},
        {"\"\\ud800\\u0041\"", 1, "surrogate"},
        {"\"\\udc00\"", 1, "surrogate"},
        {"\"a\tb\"", 2, "control character"},
        {"\"\xff\"", 1, "UTF-8"},
        {"\"\xed\xa0\x80\"", 1, "UTF-8"},
        {"{\"a\":1,\"b\":2,\"\\u0061\":3}", 22, "has already"},
        {"[{\"a\":{\"a\":1,\"a\":1}}]", 17, "has already"},
    };
    for (size_t i = 0; i < DBK_COUNT(cases); i++) {
        dbk_json_doc doc;
        dbk_json_fault fault;
        dbk_error err;
        assert_int_equal(dbk_json_parse(cases[i].text, strlen(cases[i].text), &doc, &fault, &err),
                         DBK_INVALID);
        if (!strstr(fault.reason, cases[i].says) || fault.offset != cases[i].offset)
            fail_msg("%s: \"%s\" at %zu", cases[i].text, fault.reason, fault.offset);
    }
    dbk_json_doc doc;
    dbk_json_fault fault;
    assert_int_equal(dbk_json_parse("{\n \"a\": 1,\n  x}", 15, &doc, &fault, NULL), DBK_INVALID);
    assert_int_equal(fault.line, 3);
    assert_int_equal(fault.column, 3);
}

static void test_depth_and_many_keys(void **state)
{
    (void)state;
    char text[70];
    for (int depth = 32; depth <= 33; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        dbk_json_doc doc;
        dbk_status status = dbk_json_parse(text, 2 * (size_t)depth, &doc, NULL, NULL);
        assert_int_equal(status, depth == 32 ? DBK_OK : DBK_INVALID);
        if (status == DBK_OK)
            dbk_json_doc_dispose(&doc);
    }
    dbk_buffer many = {0};
    for (int twice = 0; twice < 2; twice++) {
        dbk_buffer_reset(&many);
        dbk_buffer_format(&many, "{\"k0\":0");
        for (int i = 1; i < 1000; i++)
            dbk_buffer_format(&many, ",\"k%d\":{\"k\":%d}", i, i);
        dbk_buffer_format(&many, "%s}", twice ? ",\"k500\":1" : "");
        dbk_json_doc doc;
        dbk_json_fault fault;
        dbk_status status = dbk_json_parse((char *)many.data, many.size, &doc, &fault, NULL);
        assert_int_equal(status, twice ? DBK_INVALID : DBK_OK);
        if (status == DBK_OK)
            dbk_json_doc_dispose(&doc);
        else
            assert_int_equal(fault.offset, many.size - 2);
    }
    dbk_buffer_dispose(&many);
}

// A random value is written with random spaces and escapes, and must read back as what it was.
static void write_value(dbk_random *random, dbk_buffer *out, dbk_buffer *expected, int depth)
{
    uint64_t kind = dbk_random_below(random, depth < 6 ? 6 : 4);
    if (dbk_random_below(random, 3) == 0)
        dbk_buffer_append(out, "\n ", 2);
    if (kind == 0) {
        dbk_buffer_format(out, "null");
        dbk_buffer_format(expected, "n");
    } else if (kind == 1) {
        long n = (long)dbk_random_below(random, 100000);
        dbk_buffer_format(out, "%ld", n);
        dbk_buffer_format(expected, "%ld", n);
    } else if (kind < 4) {
        dbk_buffer_u8(out, '"');
        dbk_buffer_u8(expected, '"');
        for (uint64_t n = dbk_random_below(random, 40); n > 0; n--) {
            char c = (char)('a' + dbk_random_below(random, 26));
            if (dbk_random_below(random, 12) == 0)
                dbk_buffer_format(out, "\\u%04x", c);
            else
                dbk_buffer_u8(out, (uint8_t)c);
            dbk_buffer_u8(expected, (uint8_t)c);
        }
        dbk_buffer_u8(out, '"');
    } else {
        uint64_t count = dbk_random_below(random, 5);
        dbk_buffer_u8(out, kind == 4 ? '[' : '{');
        dbk_buffer_u8(expected, kind == 4 ? '[' : '{');
        for (uint64_t i = 0; i < count; i++) {
            if (i)
                dbk_buffer_u8(out, ',');
            if (kind == 5) {
                dbk_buffer_format(out, "\"k%d\" :", (int)i);
                dbk_buffer_format(expected, "k%d:", (int)i);
            }
            write_value(random, out, expected, depth + 1);
        }
        dbk_buffer_u8(out, kind == 4 ? ']' : '}');
        dbk_buffer_u8(expected, ')');
    }
}

static void show_value(const dbk_json *v, dbk_buffer *out)
{
    if (v->key.data)
        dbk_buffer_format(out, "%.*s:", (int)v->key.length, v->key.data);
    if (v->type == DBK_JSON_NULL)
        dbk_buffer_format(out, "n");
    else if (v->type == DBK_JSON_NUMBER)
        dbk_buffer_append(out, v->text.data, v->text.length);
    else if (v->type == DBK_JSON_STRING) {
        dbk_buffer_u8(out, '"');
        if (v->text.length)
            dbk_buffer_append(out, v->text.data, v->text.length);
    } else {
        dbk_buffer_u8(out, v->type == DBK_JSON_ARRAY ? '[' : '{');
        for (const dbk_json *m = dbk_json_first(v); m; m = dbk_json_next(v, m))
            show_value(m, out);
        dbk_buffer_u8(out, ')');
    }
}

static void test_random_documents(void **state)
{
    (void)state;
    dbk_random random = dbk_random_seed(parsed_seed());
    for (int round = 0; round < 3000; round++) {
        dbk_buffer text = {0}, expected = {0}, got = {0};
        write_value(&random, &text, &expected, 0);
        char *exact = malloc(text.size); // so that a read past the end is seen
        memcpy(exact, text.data, text.size);
        dbk_json_doc doc;
        dbk_error err;
        if (dbk_json_parse(exact, text.size, &doc, NULL, &err) != DBK_OK)
            fail_msg("%.*s: %s", (int)text.size, exact, err.message);
        show_value(doc.root, &got);
        assert_int_equal(got.size, expected.size);
        assert_memory_equal(got.data, expected.data, expected.size);
        dbk_json_doc_dispose(&doc);
        // Cut short, a container or string is never a document.
        size_t cut = dbk_random_below(&random, text.size);
        if (text.data[0] == '{' || text.data[0] == '[' || text.data[0] == '"')
            assert_int_equal(dbk_json_parse(exact, cut, &doc, NULL, NULL), DBK_INVALID);
        free(exact);
        dbk_buffer_dispose(&text);
        dbk_buffer_dispose(&expected);
        dbk_buffer_dispose(&got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_depth_and_many_keys),
        cmocka_unit_test(test_random_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
