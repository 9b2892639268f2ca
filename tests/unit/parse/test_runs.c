// SPDX-License-Identifier: Apache-2.0
// Runs of plain rows, in every form that this processor runs, against the way row by row: the same text with
// a doubled quote in a column that nobody has is never a run. With quotes around fields it is one.
#include "engine/base/processor.h"
#include "engine/base/random.h"
#include "tests/support/parsed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    dbk_table_id table;
    const char *header;
} files[] = {
    {DBK_ORDERS, "id,created_at,status,kind,currency,customer_id,total,tax,market_id,confirmed_at"},
    {DBK_ORDERS, "total,status,id,created_at,unknown,customer_id,currency,delivered_at,kind"},
    {DBK_ORDER_LINES, "quantity,id,order_id,created_at,product_id,discount,unit_price,total,cancelled_at"},
};

static const char *one_of(dbk_random *r, const char *const *words, size_t count)
{
    return words[dbk_random_below(r, count)];
}
#define ONE_OF(r, ...)                                                                                       \
    one_of(r, (const char *const[]){__VA_ARGS__},                                                            \
           sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void put_time(dbk_random *r, dbk_buffer *out, bool odd)
{
    if (odd) {
        dbk_buffer_format(out, "%s",
                          ONE_OF(r, "", " ", "2026-02-29T00:00:00Z", "2026-04-01T24:00:00Z", "2026-04-01",
                                 "2026-04-01T12:30:00+02:00", "2026-04-01 12:30", "2026-04-01T12:30:0xZ",
                                 " 2026-04-01T12:30:00Z ", "2026-04-01T12:60:00Z", "1969-12-31T23:59:59.999Z",
                                 "2024-02-29T23:59:59.999Z", "2100-02-29T00:00:00Z", "2000-02-29T00:00:00Z",
                                 "2026-13-01T00:00:00Z", "2026-00-10T00:00:00Z", "2026-16-01T00:00:00Z",
                                 "2026-01-00T00:00:00Z", "2026-04-31T00:00:00.000Z", "2026-04-01T12:30:60Z",
                                 "2026-04-01T19:60:00.000Z", "2026-04-01T12:30:00.0000",
                                 "2026-04-01T12:30:00z", "2099-12-31T23:59:59.999Z",
                                 "9999-12-31T23:59:59.999Z", "2026-04-01T12:30:00.12aZ",
                                 "2026/04/01T12:30:00Z", "0001-01-01T00:00:00Z"));
        return;
    }
    // Not all of these are days, where oddities may be.
    const bool usual = dbk_random_below(r, 8) != 0;
    dbk_buffer_format(out, "%04d-%02d-%02d%c%02d:%02d:%02d",
                      usual ? 2026 : 1960 + (int)dbk_random_below(r, 150), 1 + (int)dbk_random_below(r, 12),
                      1 + (int)dbk_random_below(r, usual ? 28 : 29),
                      usual ? 'T' : "T "[dbk_random_below(r, 2)], (int)dbk_random_below(r, 24),
                      (int)dbk_random_below(r, 60), (int)dbk_random_below(r, 60));
    if (dbk_random_below(r, 2))
        dbk_buffer_format(out, ".%03d", (int)dbk_random_below(r, 1000));
    dbk_buffer_format(out, "%s", usual || dbk_random_below(r, 4) ? "Z" : "");
}

static void put_money(dbk_random *r, dbk_buffer *out, bool odd)
{
    if (odd)
        dbk_buffer_format(out, "%s",
                          ONE_OF(r, "", " ", "-1.50", "1", "1.2", "1.23456", "x", ".50", "1.", "+1.00",
                                 "12345678901.25", "0.0001", "1..0", "1:00", "0/.00", " 7.00", "1e5", "-",
                                 "."));
    else
        dbk_buffer_format(out, "%llu.%02d",
                          (unsigned long long)dbk_random_below(r, dbk_random_below(r, 2) ? 20 : 200000),
                          (int)dbk_random_below(r, 100));
}

static void put_whole(dbk_random *r, dbk_buffer *out, bool odd)
{
    if (odd)
        dbk_buffer_format(out, "%s",
                          ONE_OF(r, "", " ", "-3", "+3", "007", "12345678", "123456789",
                                 "9223372036854775807", "9223372036854775808", "1.0", "1.5", "1x", "1:", "1/",
                                 "1e3", "--1"));
    else
        dbk_buffer_format(out, "%d", (int)dbk_random_below(r, dbk_random_below(r, 9) ? 12 : 100000000));
}

static void put_field(dbk_random *r, dbk_buffer *out, const char *name, size_t name_length, uint32_t row,
                      bool odd)
{
#define IS(text) (name_length == strlen(text) && memcmp(name, text, name_length) == 0)
    if (IS("id") && odd)
        dbk_buffer_format(out, "%s", ONE_OF(r, "", " ", "i", "  padded  ", "\xc3\xa9t\xc3\xa9", "a b"));
    else if (IS("id"))
        dbk_buffer_format(out, "order_%08x%.*s", row, (int)dbk_random_below(r, 50),
                          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    else if (IS("created_at") || IS("confirmed_at") || IS("delivered_at") || IS("cancelled_at"))
        put_time(r, out, odd);
    else if (IS("total") || IS("tax") || IS("unit_price") || IS("discount"))
        put_money(r, out, odd);
    else if (IS("quantity"))
        put_whole(r, out, odd);
    else if (IS("kind"))
        dbk_buffer_format(out, "%s",
                          odd ? ONE_OF(r, "", " ", "POS", "standardx")
                              : ONE_OF(r, "pos", "standard", "preorder"));
    else if (IS("currency"))
        dbk_buffer_format(out, "%s", ONE_OF(r, "EUR", "eur", "USD", "Chf", "", "points", "12\xe2\x82\xac"));
    else if (IS("status") && odd)
        dbk_buffer_format(out, "%s",
                          ONE_OF(r, "", " ", " PAID", "PAID ", "exactly16bytes!!", "seventeen bytes!!", "\t",
                                 "much longer than any status that anybody has ever seen, and more than 64"));
    else if (IS("status"))
        dbk_buffer_format(out, "%s",
                          ONE_OF(r, "PAID", "PAID", "OPEN", "exactly16bytes!!", "seventeen bytes!!"));
    else if (IS("market_id") && dbk_random_below(r, 3))
        dbk_buffer_format(out, "m%llu", (unsigned long long)dbk_random_below(r, 40));
    else if (IS("market_id"))
        ; // none
    else if (IS("customer_id") || IS("order_id"))
        dbk_buffer_format(out, "cus_%llu", (unsigned long long)dbk_random_below(r, 9000));
    else
        dbk_buffer_format(out, "whatever");
#undef IS
}

// The same rows in three ways.
typedef struct texts {
    dbk_buffer plain, quoted; // quoted: with quotes around some fields
    dbk_buffer single;        // never a run
} texts;

static void append(dbk_buffer *out, const dbk_buffer *field, bool quoted)
{
    dbk_buffer_format(out, quoted ? "\"%.*s\"" : "%.*s", (int)field->size, (const char *)field->data);
}

static void append_all(texts *to, const char *text)
{
    dbk_buffer_format(&to->plain, "%s", text);
    dbk_buffer_format(&to->quoted, "%s", text);
    dbk_buffer_format(&to->single, "%s", text);
}

static void put_row(dbk_random *r, const char *header, uint32_t row, uint64_t odd_of, texts *to)
{
    const uint64_t quotes = dbk_random_below(r, 3); // none, some, all
    for (const char *name = header; *name;) {
        const size_t length = strcspn(name, ",");
        const bool quoted = quotes == 2 || (quotes == 1 && dbk_random_below(r, 2));
        dbk_buffer field = {0};
        if (name != header)
            append_all(to, ",");
        if (length == 4 && memcmp(name, "note", 4) == 0) {
            dbk_buffer_format(&to->plain, "x");
            dbk_buffer_format(&to->quoted, quoted ? "\"x, y\"" : "x");
            dbk_buffer_format(&to->single, "\"x\"\"y\"");
        } else {
            dbk_buffer_reserve(&field, 1);
            put_field(r, &field, name, length, row, dbk_random_below(r, odd_of) == 0);
            if (length == 11 && memcmp(name, "customer_id", 11) == 0 && dbk_random_below(r, odd_of) == 0) {
                append_all(to, ONE_OF(r, "\"c\"\"d\"", "c\"d", "\"c\"d", "\"\"\"\""));
                field.size = 0;
            }
            append(&to->plain, &field, false);
            // A comma is of the text only where quotes are around it.
            append(&to->quoted, &field, quoted && field.size && !memchr(field.data, ',', field.size));
            append(&to->single, &field, false);
        }
        dbk_buffer_dispose(&field);
        name += length + (name[length] == ',');
    }
    if (dbk_random_below(r, odd_of) == 0)
        append_all(to, ONE_OF(r, ",", ",more", "\n"));
    append_all(to, dbk_random_below(r, 3) ? "\n" : "\r\n");
}

static void columns_compare(const dbk_batch *a, const dbk_batch *b)
{
    for (int c = 0; c < a->table->columns_count; c++) {
        const dbk_batch_column *x = &a->columns[c], *y = &b->columns[c];
        for (uint32_t i = 0; i < a->rows; i++) {
            assert_int_equal(x->ints ? x->ints[i] : DBK_NULL, y->ints ? y->ints[i] : DBK_NULL);
            assert_int_equal(x->codes ? x->codes[i] : 0, y->codes ? y->codes[i] : 0);
            dbk_text none = {NULL, 0};
            assert_true(dbk_text_equal(x->texts ? x->texts[i] : none, y->texts ? y->texts[i] : none));
        }
        // No word that no row has, none twice.
        assert_int_equal(x->words_count > 1 ? x->words_count : 0, y->words_count > 1 ? y->words_count : 0);
        for (uint32_t w = 0; x->words_count > 1 && w < x->words_count; w++)
            assert_true(dbk_text_equal(x->words[w], y->words[w]));
        // A doubled quote is one, in whatever way.
        for (uint32_t w = 1; x->words_count > 1 && w < x->words_count; w++)
            assert_null(memmem(x->words[w].data, x->words[w].length, "\"\"", 2));
    }
}

static void results_compare(const parsed *a, const parsed *b)
{
    if (a->status != DBK_OK || b->status != DBK_OK)
        fail_msg("%s; %s", a->error.message, b->error.message);
    assert_int_equal(a->totals.rows, b->totals.rows);
    assert_int_equal(a->totals.rejected, b->totals.rejected);
    assert_int_equal(a->totals.lines, b->totals.lines);
    assert_int_equal(a->batches_count, b->batches_count);
    for (int i = 0; i < a->batches_count; i++) {
        assert_int_equal(a->batches[i]->rows, b->batches[i]->rows);
        assert_memory_equal(a->batches[i]->lines, b->batches[i]->lines,
                            a->batches[i]->rows * sizeof *a->batches[i]->lines);
        columns_compare(a->batches[i], b->batches[i]);
    }
    assert_int_equal(a->rejects_count, b->rejects_count);
    for (int i = 0; i < a->rejects_count; i++) {
        assert_int_equal(a->rejects[i].line, b->rejects[i].line);
        assert_int_equal(a->rejects[i].column, b->rejects[i].column);
        assert_string_equal(a->rejects[i].reason, b->rejects[i].reason);
    }
}

static void runs_compare(dbk_random *r)
{
    for (int round = 0; round < 24; round++) {
        const char *header = files[(size_t)round % DBK_COUNT(files)].header;
        static const uint64_t odds[] = {10, 300, 100000};
        const uint64_t odd_of = odds[dbk_random_below(r, 3)];
        texts to = {0};
        char noted[256];
        snprintf(noted, sizeof noted, dbk_random_below(r, 2) ? "note,%s" : "%s,note", header);
        append_all(&to, noted);
        append_all(&to, "\n");
        uint32_t rows = (uint32_t)dbk_random_below(r, 6000);
        for (uint32_t i = 0; i < rows; i++)
            put_row(r, noted, i, odd_of, &to);
        dbk_parse_options options = {.table =
                                         dbk_table_def_by_id(files[(size_t)round % DBK_COUNT(files)].table),
                                     .format = DBK_FORMAT_CSV,
                                     .ignore_unknown = true,
                                     .batch_rows = dbk_random_below(r, 2) ? 0 : 700};
        if (dbk_random_below(r, 3) == 0)
            assert_int_equal(dbk_zone_load("Europe/Berlin", &options.zone, NULL), DBK_OK);
        size_t block = dbk_random_below(r, 2) ? 0 : 100000;
        parsed *a = parsed_text(&options, (const char *)to.plain.data, to.plain.size, block, round);
        parsed *b = parsed_text(&options, (const char *)to.quoted.data, to.quoted.size, block, round);
        parsed *c = parsed_text(&options, (const char *)to.single.data, to.single.size, 0, round);
        results_compare(a, c);
        results_compare(b, c);
        parsed_dispose(a);
        parsed_dispose(b);
        parsed_dispose(c);
        dbk_buffer_dispose(&to.plain);
        dbk_buffer_dispose(&to.quoted);
        dbk_buffer_dispose(&to.single);
    }
}

static void test_runs_are_what_their_rows_are(void **state)
{
    (void)state;
    const dbk_level used = dbk_level_used();
    dbk_random random = dbk_random_seed(parsed_seed());
    for (int level = 0; level < DBK_LEVELS; level++) {
        if (!dbk_level_use((dbk_level)level))
            continue;
        runs_compare(&random);
    }
    dbk_level_use(used);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_are_what_their_rows_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
