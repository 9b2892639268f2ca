// SPDX-License-Identifier: Apache-2.0
// The CSV writer: every kind of cell, the guard against formulas, and random texts that a naive reader reads
// back as they were.
#include "http/csv/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect(dbk_buffer *b, const char *text)
{
    assert_false(b->failed);
    assert_int_equal(b->size, strlen(text));
    assert_memory_equal(b->data, text, b->size);
    dbk_buffer_dispose(b);
}

static void test_cells(void **state)
{
    (void)state;
    static const char *const names[] = {"id", "total"};
    dbk_buffer b = {0};
    dbk_sheet s = dbk_sheet_init(&b);
    dbk_sheet_header(&s, names, 2);
    dbk_sheet_text(&s, DBK_TEXT("a"));
    dbk_sheet_money(&s, 123450, 2);
    dbk_sheet_row_end(&s);
    dbk_sheet_empty(&s);
    dbk_sheet_money(&s, DBK_NULL, 2);
    dbk_sheet_int(&s, DBK_NULL);
    dbk_sheet_time(&s, DBK_NULL);
    dbk_sheet_text(&s, (dbk_text){NULL, 0});
    dbk_sheet_row_end(&s);
    dbk_sheet_int(&s, -7);
    dbk_sheet_time(&s, 0);
    dbk_sheet_money(&s, -10050, 2); // half away from zero
    dbk_sheet_money(&s, 12345678, 0);
    dbk_sheet_wide_money(&s, 100000, 3, 2);
    dbk_sheet_row_end(&s);
    expect(&b, "id,total\r\na,12.35\r\n,,,,\r\n-7,1970-01-01T00:00:00.000Z,-1.01,1235,3.33\r\n");
}

static void test_texts(void **state)
{
    (void)state;
    static const struct {
        const char *text, *cell;
    } cases[] = {
        {"plain", "plain"},
        {"a,b", "\"a,b\""},
        {"say \"hi\"", "\"say \"\"hi\"\"\""},
        {"two\nlines", "\"two\nlines\""},
        {"=1+1", "'=1+1"},
        {"+49 30", "'+49 30"},
        {"-5", "'-5"},
        {"@name", "'@name"},
        {"\tx", "'\tx"},
        {"\rx", "\"'\rx\""},
        {"=HYPERLINK(\"http://x\",\"y\")", "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\""},
        {"'=1", "'=1"},
        {"a=1", "a=1"},
        {" x", "\" x\""},
        {"x ", "\"x \""},
        {"M\xc3\xbcller", "M\xc3\xbcller"},
        {"\xff\"", "\"\xEF\xBF\xBD\"\"\""},
    };
    for (size_t i = 0; i < DBK_COUNT(cases); i++) {
        dbk_buffer b = {0};
        dbk_sheet s = dbk_sheet_init(&b);
        dbk_sheet_text(&s, dbk_text_from(cases[i].text));
        expect(&b, cases[i].cell);
    }
}

// Reads one row as RFC 4180 has it; a naive twin of the writer.
static size_t read_cell(const char *at, char *out, size_t *length)
{
    size_t i = 0;
    *length = 0;
    if (at[0] != '"') {
        while (at[i] != ',' && at[i] != '\r')
            out[(*length)++] = at[i++];
        return i;
    }
    for (i = 1; at[i] != '"' || at[i + 1] == '"'; i++) {
        i += at[i] == '"';
        out[(*length)++] = at[i];
    }
    return i + 1;
}

static void test_random_rows(void **state)
{
    (void)state;
    static const char alphabet[] = "ab\",\r\n =+-@\t'";
    const char *given = getenv("DBK_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : 20260417;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int round = 0; round < 2000; round++) {
        char texts[4][16], cell[32];
        size_t lengths[4], length;
        dbk_buffer b = {0};
        dbk_sheet s = dbk_sheet_init(&b);
        for (int i = 0; i < 4; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            lengths[i] = (seed >> 33) % sizeof texts[i];
            for (size_t k = 0; k < lengths[i]; k++) {
                seed = seed * 6364136223846793005u + 1442695040888963407u;
                texts[i][k] = alphabet[(seed >> 33) % (sizeof alphabet - 1)];
            }
            dbk_sheet_text(&s, (dbk_text){texts[i], (uint32_t)lengths[i]});
        }
        dbk_sheet_row_end(&s);
        const char *at = (const char *)b.data;
        for (int i = 0; i < 4; i++) {
            at += read_cell(at, cell, &length);
            bool guarded = lengths[i] > 0 && strchr("=+-@\t\r", texts[i][0]) != NULL;
            assert_int_equal(length, lengths[i] + guarded);
            if (guarded)
                assert_int_equal(cell[0], '\'');
            assert_memory_equal(cell + guarded, texts[i], lengths[i]);
            assert_int_equal(*at, i < 3 ? ',' : '\r');
            at++;
        }
        assert_int_equal(*at, '\n');
        dbk_buffer_dispose(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_random_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
