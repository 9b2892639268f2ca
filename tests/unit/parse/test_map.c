// SPDX-License-Identifier: Apache-2.0
// Maps: the grammar and its refusals, what they make of lines, and, where the data set lies beside the
// repository, the totals of the shipped online-retail map.
#include "engine/base/calendar.h"
#include "engine/base/decimal.h"
#include "ingest/parse/input.h"
#include "ingest/parse/map.h"
#include "ingest/parse/map_plan.h"
#include "tests/support/parsed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char shop_map[] = "[input]\n"
                               "time_format = DD.MM.YYYY HH:mm\n"
                               "time_zone = Europe/Berlin\n"
                               "[customers]\n"
                               "one row per = Who\n"
                               "id = Who\n"
                               "name = last {Their name} | \"Customer {Who}\"\n"
                               "[orders]\n"
                               "  one row per = Order\n"
                               "  id = \"shop-{Order}\"\n"
                               "  created_at = earliest When\n"
                               "  status when Order starts with X = \"CANCELLED\"\n"
                               "  status when State is not done = \"OPEN\"\n"
                               "  status = \"DONE\"\n"
                               "  customer_id = Who\n"
                               "  currency = \"EUR\" ; the shop's only one\n"
                               "  total = sum Count * Price\n"
                               "[order_lines]\n"
                               "id = \"{Order}/{#Order}\"\n"
                               "order_id = \"shop-{Order}\"\n"
                               "quantity = Count\n"
                               "total = Count * Price\n";

static const char shop_csv[] = "Order,When,Who,Their name,State,Count,Price,Junk\n"
                               "1,02.07.2026 12:30,c1,,done,2,1.5,x\n"
                               "X2,03.07.2026 08:00,,,done,-1,0.333,x\n"
                               "1,02.07.2026 12:29,c1,Ann,done,1,0.0001,x\n"
                               "3,03.07.2026 08:00,c2,,open,1,1.00005,x\n"
                               "3,03.07.2026 08:00,c2,,open,3,1.10,x\n"
                               "4,3.7.2026 08:00,c2,,open,3,1.10,x\n"
                               "1,02.07.2026 12:31,c1,  ,done,1,10,x,y\n"
                               "1,02.07.2026 12:31,c1,  ,done,1,10,x\n";

static void test_shop(void **state)
{
    (void)state;
    parsed *p = parsed_mapped(shop_map, shop_csv);
    if (p->status != DBK_OK)
        fail_msg("%s", p->error.message);
    assert_int_equal(p->totals.rows, 5);
    assert_int_equal(p->totals.rejected, 3);
    assert_int_equal(p->rejects[0].line, 5);
    assert_string_equal(p->rejects[0].column_name, "Count");
    assert_string_equal(p->rejects[0].reason, "the product has more than 4 decimals");
    assert_int_equal(p->rejects[1].line, 7);
    assert_int_equal(p->rejects[1].column, 2);
    assert_string_equal(p->rejects[1].reason, "not a time such as DD.MM.YYYY HH:mm");
    assert_string_equal(p->rejects[2].reason, "9 fields where the header has 8");

    assert_int_equal(parsed_rows(p, "customers"), 2);
    assert_string_equal(parsed_value(p, "customers", 0, "name"), "Ann");
    assert_string_equal(parsed_value(p, "customers", 1, "name"), "Customer c2");
    assert_int_equal(parsed_rows(p, "orders"), 3);
    static const char *const orders[][5] = {
        {"shop-1", "2026-07-02T10:29:00.000Z", "DONE", "c1", "13.0001"},
        {"shop-X2", "2026-07-03T06:00:00.000Z", "CANCELLED", "", "-0.333"},
        {"shop-3", "2026-07-03T06:00:00.000Z", "OPEN", "c2", "3.3"},
    };
    static const char *const columns[] = {"id", "created_at", "status", "customer_id", "total"};
    for (uint32_t i = 0; i < 3; i++) {
        for (int c = 0; c < 5; c++)
            assert_string_equal(parsed_value(p, "orders", i, columns[c]), orders[i][c]);
    }
    assert_int_equal(parsed_rows(p, "order_lines"), 5);
    static const char *const ids[] = {"1/1", "X2/1", "1/2", "3/2", "1/3"};
    for (uint32_t i = 0; i < 5; i++)
        assert_string_equal(parsed_value(p, "order_lines", i, "id"), ids[i]);
    assert_string_equal(parsed_value(p, "order_lines", 4, "created_at"), "2026-07-02T10:29:00.000Z");
    assert_int_equal(parsed_line(p, "order_lines", 4), 9);
    assert_int_equal(parsed_line(p, "orders", 2), 6);
    // What refers comes after what it refers to.
    assert_string_equal(p->batches[0]->table->name, "customers");
    assert_string_equal(p->batches[1]->table->name, "orders");
    assert_string_equal(p->batches[2]->table->name, "order_lines");
    parsed_dispose(p);
}

static void test_tests_and_picks(void **state)
{
    (void)state;
    parsed *p =
        parsed_mapped("[products]\nid = A\nname = A\n"
                      "unit when A is a1 = \"is\"\nunit when A is blank = \"blank\"\n"
                      "unit when A starts with \"b\" = \"starts\"\nunit when A ends with z = \"ends\"\n"
                      "unit when A contains oo = \"contains\"\nunit when B is negative = \"negative\"\n"
                      "unit when B is not blank = \"has\"\nunit = \"none\"\ncategory = B\n",
                      "A,B\na1,\nbx,1\ncz,1\nfoo,\nq,-0.0\nr,-0.5\ns,\n");
    static const char *const units[] = {"is", "starts", "ends", "contains", "has", "negative", "none"};
    if (p->status != DBK_OK)
        fail_msg("%s", p->error.message);
    for (uint32_t i = 0; i < 7; i++)
        assert_string_equal(parsed_value(p, "products", i, "unit"), units[i]);
    assert_int_equal(parsed_rows(p, "categories"), 3);
    parsed_dispose(p);
    p = parsed_mapped("[products]\none row per = A\nid = A\nname = first N\nsku = last N\nstock = largest S\n"
                      "price = smallest S\n",
                      "A,N,S\na,,5\na,x,-7\na,y,9\na,,8\nb,z,\n,q,1\n");
    assert_int_equal(p->rejects_count, 0);
    assert_int_equal(parsed_rows(p, "products"), 2);
    assert_string_equal(parsed_value(p, "products", 0, "name"), "x");
    assert_string_equal(parsed_value(p, "products", 0, "sku"), "y");
    assert_string_equal(parsed_value(p, "products", 0, "stock"), "9");
    assert_string_equal(parsed_value(p, "products", 0, "price"), "-7");
    assert_string_equal(parsed_value(p, "products", 1, "stock"), "");
    parsed_dispose(p);
    // A required column needs its value on every line.
    p = parsed_mapped("[variants]\none row per = A\nid = A\nproduct_id = first N\n", "A,N\na,\na,x\n");
    assert_int_equal(p->rejects_count, 1);
    assert_int_equal(p->rejects[0].line, 2);
    assert_string_equal(p->rejects[0].reason, "product_id of variants is required, but empty");
    assert_string_equal(parsed_value(p, "variants", 0, "product_id"), "x");
    parsed_dispose(p);
    p = parsed_mapped("[orders]\none row per = A\nid = A\nstatus = \"x\"\ncreated_at = \"2026-01-01\"\n"
                      "total = sum S\n",
                      "A,S\na,900000000000000\na,900000000000000\na,1\n");
    assert_int_equal(p->rejects_count, 1);
    assert_string_equal(p->rejects[0].reason, "the sum is too large a number");
    assert_string_equal(parsed_value(p, "orders", 0, "total"), "900000000000001");
    parsed_dispose(p);
}

static void test_refusals(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "fills no table"},
        {"[input]\nfoo = 1\n", "test.ini:2: [input] knows"},
        {"[input]\ntime_zone = Mars/Base\n", "test.ini:2"},
        {"[input]\ntime_format = HH:mm\n", "needs a year"},
        {"[input]\ntime_format = YYYY-MM-DD h:mm\n", "go together"},
        {"[input]\ntime_format = YYYYY-MM-DD\n", "too long"},
        {"[nowhere]\nid = A\n", "name of a table"},
        {"[api_keys]\nid = A\n", "name of a table"},
        {"id = A\n", "name of a table"},
        {"[customers]\ncolour = A\n", "no column \"colour\"; its columns are id, name"},
        {"[customers]\nid =\n", "value is missing"},
        {"[customers]\nid\n", "test.ini:2: neither"},
        {"[customers]\nid = A\nid = B\n", "test.ini:3: the column is filled already"},
        {"[customers]\nid = \"a{b\"\n", "brace"},
        {"[customers]\nid = \"{}\"\n", "column of the file"},
        {"[customers]\nid = A |\n", "column of the file"},
        {"[customers]\nid = sum A\n", "one row per"},
        {"[customers]\none row per = A\nid = sum A\n", "added or multiplied"},
        {"[customers]\nid = A * B\n", "added or multiplied"},
        {"[customers]\none row per = A\nid = earliest A\n", "first or last"},
        {"[customers]\nid = A\none row per = A\n", "before the columns"},
        {"[customers]\nname = A\n", "[customers] does not fill id, which is required"},
        {"[customers]\nid when A = B\n", "a condition is"},
        {"[orders]\nid = A\nsubtotal = A * B * C * D * E\n", "4 factors"},
        {"[customers]\nid = A\xff\n", "UTF-8"},
    };
    for (size_t i = 0; i < DBK_COUNT(cases); i++) {
        parsed *p = parsed_mapped(cases[i][0], "A\n1\n");
        assert_int_equal(p->status, DBK_INVALID);
        if (!strstr(p->error.message, cases[i][1]))
            fail_msg("%s: \"%s\"", cases[i][0], p->error.message);
        parsed_dispose(p);
    }
    char text[400] = "[customers]\nid = \"";
    memset(text + strlen(text), 'x', 250);
    parsed *p = parsed_mapped(text, "A\n1\n");
    assert_non_null(strstr(p->error.message, "test.ini:2: the line is longer than 190 bytes"));
    parsed_dispose(p);
    p = parsed_mapped("[customers]\nid = Who\n", "A,B\n1,2\n");
    assert_int_equal(p->status, DBK_INVALID);
    assert_non_null(strstr(p->error.message, "\"Who\", which the file does not have; it has A,B"));
    parsed_dispose(p);
}

static void test_times(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"M/D/YYYY H:mm", "12/1/2010 8:26", "2010-12-01T08:26:00.000Z"},
        {"M/D/YYYY H:mm", "2/29/2012 0:00", "2012-02-29T00:00:00.000Z"},
        {"M/D/YYYY H:mm", "2/29/2011 0:00", NULL},
        {"M/D/YYYY H:mm", "13/1/2010 8:26", NULL},
        {"M/D/YYYY H:mm", "12/1/2010 8:2", NULL},
        {"M/D/YYYY H:mm", "12/1/2010 8:26 ", NULL},
        {"M/D/YYYY H:mm", "12/1/2010", NULL},
        {"M/D/YYYY H:mm", "12/1/2010 24:00", NULL},
        {"DD-MMM-YY hh:mm:ss A", "05-feb-26 12:00:01 AM", "2026-02-05T00:00:01.000Z"},
        {"DD-MMM-YY hh:mm:ss A", "05-Feb-26 12:00:01 pm", "2026-02-05T12:00:01.000Z"},
        {"DD-MMM-YY hh:mm:ss A", "05-Feb-26 13:00:01 PM", NULL},
        {"YYYYMMDDHHmmssSSS", "20260401235959999", "2026-04-01T23:59:59.999Z"},
        {"unix", "1", "1970-01-01T00:00:01.000Z"},
        {"unix ms", "-1", "1969-12-31T23:59:59.999Z"},
        {"unix", "9223372036854775807", NULL},
        {"unix", "", NULL},
    };
    for (size_t i = 0; i < DBK_COUNT(cases); i++) {
        int64_t ms;
        char text[DBK_TIME_TEXT_MAX + 1] = "";
        assert_null(dbk_map_time_check(cases[i][0]));
        bool fits = dbk_map_time_parse(cases[i][0], dbk_text_from(cases[i][1]), NULL, &ms);
        if (fits)
            text[dbk_time_write(text, ms)] = '\0';
        assert_string_equal(fits ? text : "", cases[i][2] ? cases[i][2] : "");
    }
}

// ---- The shipped map on the data set it is for ----

static char retail_path[400], retail_map_path[400];

typedef struct figures {
    uint32_t orders;
    int64_t total;
} figures;

// The total in whole pence, as people quote it.
static void expect_figures(figures got, uint32_t orders, int64_t pence)
{
    assert_int_equal(got.orders, orders);
    assert_int_equal((int64_t)dbk_decimal_round(got.total, DBK_MONEY_SCALE, 1, 2), pence);
}

static int64_t day_ms(int year, int month, int day)
{
    return (int64_t)dbk_day_from_civil(year, month, day) * DBK_MS_DAY;
}

static int column_of(const dbk_batch *batch, const char *name)
{
    return dbk_column_find(batch->table, dbk_text_from(name));
}

// Orders in [from, to) with the status (NULL: any); with_customer: only those that have one.
static figures sum_orders(const parsed *p, int64_t from, int64_t to, const char *status, bool with_customer)
{
    figures f = {0, 0};
    for (int b = 0; b < p->batches_count; b++) {
        const dbk_batch *batch = p->batches[b];
        if (batch->table->id != DBK_ORDERS)
            continue;
        const dbk_batch_column *times = &batch->columns[column_of(batch, "created_at")];
        const dbk_batch_column *totals = &batch->columns[column_of(batch, "total")];
        const dbk_batch_column *states = &batch->columns[column_of(batch, "status")];
        const dbk_batch_column *customers = &batch->columns[column_of(batch, "customer_id")];
        for (uint32_t i = 0; i < batch->rows; i++) {
            if (times->ints[i] < from || times->ints[i] >= to || (with_customer && !customers->codes[i]))
                continue;
            if (status && !dbk_text_equal(states->words[states->codes[i]], dbk_text_from(status)))
                continue;
            f.orders++;
            f.total += totals->ints[i];
        }
    }
    return f;
}

// The first quarter of 2011 by customer: how many there are, and the one with the largest total.
static void expect_best_customer(const parsed *p)
{
    enum { IDS = 20000 };
    figures *by_id = calloc(IDS, sizeof *by_id);
    uint32_t customers = 0, best = 0;
    for (int b = 0; b < p->batches_count; b++) {
        const dbk_batch *batch = p->batches[b];
        if (batch->table->id != DBK_ORDERS)
            continue;
        const dbk_batch_column *codes = &batch->columns[column_of(batch, "customer_id")];
        for (uint32_t i = 0; i < batch->rows; i++) {
            int64_t time = batch->columns[column_of(batch, "created_at")].ints[i];
            dbk_text word = codes->words[codes->codes[i]];
            if (word.length == 0 || time < day_ms(2011, 1, 1) || time >= day_ms(2011, 4, 1))
                continue;
            uint32_t id = 0;
            for (uint32_t k = 0; k < word.length; k++)
                id = id * 10 + (uint32_t)(word.data[k] - '0');
            assert_true(id < IDS);
            customers += by_id[id].orders++ == 0;
            by_id[id].total += batch->columns[column_of(batch, "total")].ints[i];
            if (by_id[id].total > by_id[best].total)
                best = id;
        }
    }
    assert_int_equal(customers, 1812);
    assert_int_equal(best, 14646);
    expect_figures(by_id[best], 13, 7069154);
    free(by_id);
}

static parsed *load_retail(void)
{
    parsed *p = calloc(1, sizeof *p);
    dbk_map *map = NULL;
    dbk_input *input = NULL;
    dbk_parser *parser = NULL;
    dbk_parse_sink sink = parsed_sink(p);
    static char block[1 << 20];
    size_t got;
    if (dbk_map_load(&map, retail_map_path, &p->error) != DBK_OK ||
        dbk_parser_create_mapped(&parser, map, &sink, &p->error) != DBK_OK ||
        dbk_input_open(&input, retail_path, &p->error) != DBK_OK)
        fail_msg("%s", p->error.message);
    do {
        assert_int_equal(dbk_input_read(input, block, sizeof block, &got, &p->error), DBK_OK);
        assert_int_equal(dbk_parser_feed(parser, block, got, &p->error), DBK_OK);
    } while (got > 0);
    assert_int_equal(dbk_parser_finish(parser, &p->error), DBK_OK);
    p->totals = dbk_parser_totals(parser);
    dbk_parser_destroy(parser);
    dbk_input_close(input);
    dbk_map_destroy(map);
    return p;
}

static void test_online_retail(void **state)
{
    (void)state;
    parsed *p = load_retail();
    assert_int_equal(p->totals.rows, 541909);
    assert_int_equal(p->totals.rejected, 0);
    int64_t begin = day_ms(2000, 1, 1), end = day_ms(2020, 1, 1);
    expect_figures(sum_orders(p, begin, end, NULL, false), 25900, 974774793);
    expect_figures(sum_orders(p, begin, end, "CANCELLED", false), 3836, -89681249);
    expect_figures(sum_orders(p, begin, end, "DELIVERED", false), 22064, 1064456042);
    expect_figures(sum_orders(p, day_ms(2011, 11, 1), day_ms(2011, 12, 1), NULL, false), 3462, 146175625);
    expect_figures(sum_orders(p, day_ms(2011, 11, 4), day_ms(2011, 11, 5), NULL, false), 143, 6008176);
    expect_figures(sum_orders(p, day_ms(2011, 11, 5), day_ms(2011, 11, 6), NULL, false), 0, 0);
    expect_figures(sum_orders(p, day_ms(2011, 1, 1), day_ms(2011, 4, 1), NULL, true), 4057, 149158514);
    expect_best_customer(p);
    assert_int_equal(parsed_rows(p, "customers"), 4372);
    assert_int_equal(parsed_rows(p, "products"), 4070);
    assert_int_equal(parsed_rows(p, "order_lines"), 541909);
    parsed_dispose(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shop),
        cmocka_unit_test(test_tests_and_picks),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_times),
    };
    const struct CMUnitTest retail_tests[] = {cmocka_unit_test(test_online_retail)};
    const char *shared = getenv("DBK_SHARED");
    snprintf(retail_path, sizeof retail_path, "%s/data/online_retail.csv.gz", shared ? shared : "../shared");
    snprintf(retail_map_path, sizeof retail_map_path, "docs/maps/online-retail.ini");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (access(retail_path, R_OK) == 0 && access(retail_map_path, R_OK) == 0)
        failed += cmocka_run_group_tests(retail_tests, NULL, NULL);
    return failed;
}
