// SPDX-License-Identifier: Apache-2.0
// CSV: the cases of RFC 4180, and random texts against a reader that goes byte by byte.
#include "engine/base/random.h"
#include "ingest/parse/csv.h"
#include "ingest/parse/csv_scan.h"
#include "tests/support/parsed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// ---- Rows as one text: "line:field|field;" and "!" for a fault ----

typedef struct listing {
    char *text;
    size_t size, capacity;
} listing;

static void put(listing *l, const char *data, size_t size)
{
    if (l->size + size + 1 > l->capacity) {
        l->capacity = 2 * (l->size + size + 1);
        l->text = realloc(l->text, l->capacity);
        assert_non_null(l->text);
    }
    if (size)
        memcpy(l->text + l->size, data, size);
    l->size += size;
    l->text[l->size] = '\0';
}

static void put_line(listing *l, uint64_t line)
{
    char number[32];
    put(l, number, (size_t)snprintf(number, sizeof number, "%llu:", (unsigned long long)line));
}

static dbk_status list_row(void *user, const dbk_csv_row *row, dbk_error *err)
{
    listing *l = user;
    (void)err;
    put_line(l, row->line);
    for (uint32_t i = 0; i < row->count; i++) {
        if (row->fault && row->fault_field == i + 1) {
            put(l, "!", 1); // what a faulty field holds is not promised
            break;
        }
        put(l, row->fields[i].data, row->fields[i].length);
        put(l, "|", 1);
    }
    put(l, ";", 1);
    return DBK_OK;
}

static listing read_fast(const char *text, size_t size, size_t block_max, uint64_t seed)
{
    listing l = {0};
    put(&l, "", 0);
    dbk_random random = dbk_random_seed(seed);
    dbk_csv *csv = dbk_csv_create(1, list_row, &l);
    assert_non_null(csv);
    for (size_t at = 0; at < size;) {
        size_t block = block_max ? 1 + dbk_random_below(&random, block_max) : size;
        if (block > size - at)
            block = size - at;
        char *copy = malloc(block);
        memcpy(copy, text + at, block);
        assert_int_equal(dbk_csv_feed(csv, copy, block, NULL), DBK_OK);
        free(copy);
        at += block;
    }
    assert_int_equal(dbk_csv_finish(csv, NULL), DBK_OK);
    dbk_csv_destroy(csv);
    return l;
}

// The twin: one byte at a time over the whole text. Takes the field at *at, up to its comma, line feed or the
// end; false: it cannot be read.
static bool naive_field(const char *text, size_t size, size_t *at, listing *field)
{
    size_t i = *at;
    bool quoted = i < size && text[i] == '"', closed = !quoted;
    if (quoted)
        i++;
    while (!closed && i < size) {
        if (text[i] == '"' && i + 1 < size && text[i + 1] == '"') {
            put(field, "\"", 1);
            i += 2;
        } else if (text[i] == '"') {
            closed = true;
            i++;
        } else {
            put(field, &text[i++], 1);
        }
    }
    size_t rest = i;
    while (i < size && text[i] != ',' && text[i] != '\n')
        i++;
    size_t rest_end = i;
    if ((i == size || text[i] == '\n') && rest_end > rest && text[rest_end - 1] == '\r')
        rest_end--;
    put(field, text + rest, rest_end - rest);
    *at = i;
    return closed && !(quoted && rest_end > rest);
}

static listing read_naive(const char *text, size_t size)
{
    listing l = {0};
    put(&l, "", 0);
    uint64_t line = 1;
    for (size_t at = 0; at < size; at++) {
        size_t start = at;
        listing row = {0};
        bool fault = false;
        put(&row, "", 0);
        for (;; at++) {
            listing field = {0};
            put(&field, "", 0);
            bool good = naive_field(text, size, &at, &field);
            if (!fault && good)
                put(&row, field.text, field.size);
            if (!fault)
                put(&row, good ? "|" : "!", 1);
            fault |= !good;
            free(field.text);
            if (at == size || text[at] == '\n')
                break;
        }
        if (at > start && !(at == start + 1 && text[start] == '\r')) {
            put_line(&l, line);
            put(&l, row.text, row.size);
            put(&l, ";", 1);
        }
        free(row.text);
        for (size_t i = start; i <= at && i < size; i++)
            line += text[i] == '\n';
    }
    return l;
}

static void expect_rows(const char *text, const char *expected)
{
    for (size_t block = 0; block < 4; block++) {
        listing l = read_fast(text, strlen(text), block, 1);
        assert_string_equal(l.text, expected);
        free(l.text);
    }
    listing l = read_naive(text, strlen(text));
    assert_string_equal(l.text, expected);
    free(l.text);
}

static void test_rfc_cases(void **state)
{
    (void)state;
    expect_rows("", "");
    expect_rows("a,b\n1,2\n", "1:a|b|;2:1|2|;");
    expect_rows("a,b\r\n1,2\r\n", "1:a|b|;2:1|2|;");
    expect_rows("a,b\n1,2", "1:a|b|;2:1|2|;");
    expect_rows("a,b\r\n1,2\r", "1:a|b|;2:1|2|;");
    expect_rows("\"a\",\"b\"\n", "1:a|b|;");
    expect_rows("\"a,b\",c\n", "1:a,b|c|;");
    expect_rows("\"a\nb\",c\nd,e\n", "1:a\nb|c|;3:d|e|;");
    expect_rows("\"a\"\"b\",\"\"\"\"\n", "1:a\"b|\"|;");
    expect_rows("\"\",\"\"\n", "1:||;");
    expect_rows(",\n,,\n", "1:||;2:|||;");
    expect_rows("a\n\n\r\nb\n", "1:a|;4:b|;");
    expect_rows("5\" pipe,x\ny,z\n", "1:5\" pipe|x|;2:y|z|;");
    expect_rows("a\"b,c\"d\ne,f\n", "1:a\"b|c\"d|;2:e|f|;");
    expect_rows("\"a\"b,c\nd,e\n", "1:!;2:d|e|;");
    expect_rows("x,\"a\" \"b,c\"\nd,e\n", "1:x|!;2:d|e|;");
    expect_rows("a,\"b\nc", "1:a|!;");
    expect_rows("\"a\"\r\n", "1:a|;");
    expect_rows(" a , b\n", "1: a | b|;");
}

static void fill(dbk_random *random, char *text, size_t size)
{
    // Mostly letters in some texts, mostly structure in others, so that whole blocks are plain, quoted or
    // mad.
    static const char structure[] = "\"\",,\n\r\"a";
    uint64_t plain = dbk_random_below(random, 40);
    for (size_t i = 0; i < size; i++) {
        bool letter = dbk_random_below(random, 41) < plain;
        text[i] = letter ? (char)('a' + dbk_random_below(random, 26))
                         : structure[dbk_random_below(random, sizeof structure - 1)];
    }
}

static void test_scanners_agree(void **state)
{
    (void)state;
    dbk_random random = dbk_random_seed(parsed_seed());
    int count;
    const dbk_csv_scanner *scanners = dbk_csv_scanners(&count);
    enum { SIZE = 700 };
    for (int round = 0; round < 20000; round++) {
        char text[SIZE];
        uint32_t expected[SIZE + DBK_CSV_SCAN_AHEAD], got[SIZE + DBK_CSV_SCAN_AHEAD];
        size_t size = dbk_random_below(&random, SIZE);
        fill(&random, text, size);
        dbk_csv_state begin = (dbk_csv_state)dbk_random_below(&random, 3);
        dbk_csv_state end = begin;
        size_t n = scanners[count - 1].scan(&end, text, size, 7, expected);
        for (int i = 0; i + 1 < count; i++) {
            dbk_csv_state other = begin;
            assert_int_equal(scanners[i].scan(&other, text, size, 7, got), n);
            assert_memory_equal(got, expected, n * sizeof *got);
            assert_int_equal(other, end);
        }
        dbk_csv_state whole = begin;
        size_t split = dbk_csv_split(&whole, text, size), last = 0;
        for (size_t i = 0; i < n; i++)
            last = text[expected[i] - 7] == '\n' ? expected[i] - 7 + 1 : last;
        assert_int_equal(split, last);
        assert_int_equal(whole, end);
    }
}

static void test_random_texts(void **state)
{
    (void)state;
    dbk_random random = dbk_random_seed(parsed_seed());
    for (int round = 0; round < 4000; round++) {
        size_t size = dbk_random_below(&random, round % 100 == 0 ? 200000 : 600);
        char *text = malloc(size + 1);
        fill(&random, text, size);
        listing naive = read_naive(text, size);
        size_t block_max = 1 + dbk_random_below(&random, size > 1000 ? 90000 : 200);
        listing fast = read_fast(text, size, block_max, dbk_random_u64(&random));
        assert_int_equal(fast.size, naive.size);
        assert_memory_equal(fast.text, naive.text, naive.size);
        free(naive.text);
        free(fast.text);
        free(text);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *says;
    } cases[] = {
        {"PK\x03\x04zip", "ZIP"},
        {"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS"},
        {"%PDF-1.4", "PDF"},
        {"<!DOCTYPE html><html>", "web page"},
        {"\xff\xfei", "UTF-16"},
        {"\x1f\x8b\x08", "gzip"},
        {"{\"id\":1}\n", "NDJSON"},
        {"id,\x01\n", "binary"},
        {"", "empty"},
        {"\n\n", "empty"},
        {"id,name,colour\n", "no column \"colour\"; its columns are id, name"},
        {"id,name,id\n", "\"id\" twice"},
        {"id,name,ID\n", "\"id\" twice"},
        {"id,name,\n", "column 3 of the header has no name"},
        {"name\n", "lacks \"id\""},
        {"id,name\r1,a\r2,b\r", "CR alone"},
        {"id,n\xe9m\n", "not valid UTF-8"},
        {"id,\"name\n", "header cannot be read"},
    };
    for (size_t i = 0; i < DBK_COUNT(cases); i++) {
        parsed *p = parsed_csv("customers", cases[i].text);
        assert_int_equal(p->status, DBK_INVALID);
        if (!strstr(p->error.message, cases[i].says))
            fail_msg("\"%s\" does not say \"%s\"", p->error.message, cases[i].says);
        assert_int_equal(p->batches_count, 0);
        parsed_dispose(p);
    }
    dbk_parse_options options = {.table = dbk_table_def_by_id(DBK_CUSTOMERS), .format = DBK_FORMAT_CSV};
    char late[2000];
    memset(late, '\n', sizeof late);
    memcpy(late, "id\n", 3);
    late[1234] = '\0';
    parsed *p = parsed_text(&options, late, sizeof late, 100, 1);
    assert_int_equal(p->status, DBK_INVALID);
    assert_non_null(strstr(p->error.message, "line 1233 holds a NUL byte"));
    parsed_dispose(p);

    options.table = dbk_table_def_by_id(DBK_API_KEYS);
    p = parsed_text(&options, "id\n", 3, 0, 0);
    assert_int_equal(p->status, DBK_INVALID);
    parsed_dispose(p);
}

static void test_open_quote_is_bounded(void **state)
{
    (void)state;
    size_t size = (size_t)DBK_CSV_ROW_MAX + 200000;
    char *text = malloc(size);
    memset(text, 'x', size);
    memcpy(text, "id,name\n1,\"", 11);
    for (size_t i = 100; i < size; i += 100)
        text[i] = '\n';
    dbk_parse_options options = {.table = dbk_table_def_by_id(DBK_CUSTOMERS), .format = DBK_FORMAT_CSV};
    parsed *p = parsed_text(&options, text, size, 0, 0);
    assert_int_equal(p->status, DBK_INVALID);
    assert_non_null(strstr(p->error.message, "line 2"));
    parsed_dispose(p);
    free(text);
}

static void test_columns_and_ragged_rows(void **state)
{
    (void)state;
    parsed *p = parsed_csv("customers", "\xef\xbb\xbf Name ,id,EMAIL\r\n\"Ann, \"\"A\"\"\",c1,\r\nBob,c2\r\n"
                                        "Eve,c3,e@x,\r\n\r\n\"\xff\",c4,\r\n ,c5, \r\nx,,\r\n");
    assert_int_equal(p->status, DBK_OK);
    assert_int_equal(parsed_rows(p, "customers"), 2);
    assert_string_equal(parsed_value(p, "customers", 0, "id"), "c1");
    assert_string_equal(parsed_value(p, "customers", 0, "name"), "Ann, \"A\"");
    assert_string_equal(parsed_value(p, "customers", 1, "id"), "c5");
    assert_string_equal(parsed_value(p, "customers", 1, "name"), "");
    assert_int_equal(parsed_line(p, "customers", 0), 2);
    assert_int_equal(parsed_line(p, "customers", 1), 7);
    assert_int_equal(p->rejects_count, 4);
    assert_int_equal(p->rejects[0].line, 3);
    assert_string_equal(p->rejects[0].reason, "2 fields where the header has 3");
    assert_string_equal(p->rejects[0].row, "Bob,c2");
    assert_string_equal(p->rejects[1].reason, "4 fields where the header has 3");
    assert_int_equal(p->rejects[2].line, 6);
    assert_int_equal(p->rejects[2].column, 1);
    assert_string_equal(p->rejects[2].column_name, "name");
    assert_string_equal(p->rejects[2].reason, "not valid UTF-8");
    assert_int_equal(p->rejects[3].column, 2);
    assert_string_equal(p->rejects[3].reason, "required, but empty");
    assert_int_equal(p->totals.rows, 2);
    assert_int_equal(p->totals.rejected, 4);
    assert_int_equal(p->totals.lines, 8);
    parsed_dispose(p);
}

static void test_piece(void **state)
{
    (void)state;
    dbk_parse_options options = {.table = dbk_table_def_by_id(DBK_CUSTOMERS),
                                 .format = DBK_FORMAT_CSV,
                                 .header = DBK_TEXT("name,id\r\n"),
                                 .first_line = 41};
    parsed *p = parsed_text(&options, "{x,c1\nPK,\n", 10, 0, 0);
    assert_int_equal(p->status, DBK_OK);
    assert_string_equal(parsed_value(p, "customers", 0, "name"), "{x");
    assert_int_equal(parsed_line(p, "customers", 0), 41);
    assert_int_equal(p->rejects[0].line, 42);
    assert_int_equal(p->totals.lines, 2);
    parsed_dispose(p);
}

static void test_small_batches(void **state)
{
    (void)state;
    dbk_parse_options options = {.table = dbk_table_def_by_id(DBK_CUSTOMERS),
                                 .format = DBK_FORMAT_CSV,
                                 .batch_rows = 2,
                                 .ignore_unknown = true};
    const char *text = "id,x,name\na,1,\nb,2,B\nc,3,C\nd,4,\ne,5,E\n";
    parsed *p = parsed_text(&options, text, strlen(text), 3, 9);
    assert_int_equal(p->status, DBK_OK);
    assert_int_equal(p->batches_count, 3);
    assert_string_equal(parsed_value(p, "customers", 0, "name"), "");
    assert_string_equal(parsed_value(p, "customers", 1, "name"), "B");
    assert_string_equal(parsed_value(p, "customers", 3, "name"), "");
    assert_string_equal(parsed_value(p, "customers", 4, "id"), "e");
    assert_int_equal(p->batches[0]->columns[0].words_count, 3);
    assert_null(p->batches[0]->columns[2].texts);
    parsed_dispose(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc_cases),
        cmocka_unit_test(test_scanners_agree),
        cmocka_unit_test(test_random_texts),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_open_quote_is_bounded),
        cmocka_unit_test(test_columns_and_ragged_rows),
        cmocka_unit_test(test_piece),
        cmocka_unit_test(test_small_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
