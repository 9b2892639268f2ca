// SPDX-License-Identifier: Apache-2.0
// What the query's contract says in words, case by case.
#include "engine/exec/fold.h"
#include "engine/patience.h"
#include "tests/unit/exec/query_world.h"

static const dbk_query open_orders = {
    .table = "orders", .from_ms = DBK_TIME_OPEN_FROM, .to_ms = DBK_TIME_OPEN_TO};

static dbk_result *run(const world *w, dbk_text tenant, const dbk_query *query)
{
    dbk_result *result = NULL;
    dbk_error err = {0};
    if (dbk_query_run(w->read.snapshot, tenant, query, &result, &err) != DBK_OK)
        fail_msg("%s", err.message);
    return result;
}

static void assert_refused(const world *w, const dbk_query *query, const char *because)
{
    dbk_result *result = NULL;
    dbk_error err = {0};
    assert_int_equal(dbk_query_run(w->read.snapshot, world_tenant(), query, &result, &err), DBK_INVALID);
    if (!strstr(err.message, because))
        fail_msg("\"%s\" does not say \"%s\"", err.message, because);
}

// Orders given as id, created_at, status (or NULL), tip (or DBK_NULL).
typedef struct order_row {
    const char *id;
    int64_t at;
    const char *status, *method;
    int64_t tip;
} order_row;

static void load_orders(world *w, const order_row *rows, uint32_t count)
{
    dbk_batch b = {.table = dbk_table_def_by_id(DBK_ORDERS), .rows = count};
    dbk_error err = {0};
    dbk_apply_report report;
    int id = 0, at = 1, status = 4, tip = 11, total = 12, method = 13;
    b.columns[id].texts = dbk_arena_alloc(&b.arena, count * sizeof(dbk_text));
    b.columns[at].ints = dbk_arena_alloc(&b.arena, count * sizeof(int64_t));
    b.columns[tip].ints = dbk_arena_alloc(&b.arena, count * sizeof(int64_t));
    b.columns[total].ints = dbk_arena_zalloc(&b.arena, count * sizeof(int64_t));
    for (int c = status; c <= method; c += method - status) {
        b.columns[c].codes = dbk_arena_alloc(&b.arena, count * sizeof(uint32_t));
        b.columns[c].words = dbk_arena_zalloc(&b.arena, (count + 1) * sizeof(dbk_text));
        b.columns[c].words_count = count + 1;
    }
    for (uint32_t i = 0; i < count; i++) {
        b.columns[id].texts[i] = dbk_text_from(rows[i].id);
        b.columns[at].ints[i] = rows[i].at;
        b.columns[tip].ints[i] = rows[i].tip;
        b.columns[status].words[i + 1] = dbk_text_from(rows[i].status);
        b.columns[status].codes[i] = i + 1;
        b.columns[method].words[i + 1] = dbk_text_from(rows[i].method);
        b.columns[method].codes[i] = rows[i].method ? i + 1 : 0;
    }
    if (dbk_db_apply(w->db, world_tenant(), &b, &report, &err) != DBK_OK)
        fail_msg("%s", err.message);
    free(report.rejected_rows);
    dbk_batch_dispose(&b);
    world_publish(w);
    w->read = dbk_read_begin(w->db);
}

#define DAY INT64_C(86400000)

static const order_row five[] = {
    {"a", 0, "paid", "card", 100},           {"b", DAY / 2, "open", NULL, DBK_NULL},
    {"c", DAY, "paid", "cash", 50},          {"d", 3 * DAY, "paid", "card", DBK_NULL},
    {"e", 3 * DAY + 1, "void", "cash", 200},
};

static int64_t count_where(const world *w, const char *column, dbk_op op, const dbk_value *values, int n)
{
    dbk_filter filter = {column, op, values, n};
    dbk_aggregate count = {DBK_COUNT_ROWS, NULL};
    dbk_query q = open_orders;
    q.filters = &filter;
    q.filters_count = 1;
    q.aggregates = &count;
    q.aggregates_count = 1;
    dbk_result *result = run(w, world_tenant(), &q);
    assert_int_equal(dbk_result_rows(result), 1);
    int64_t rows = dbk_result_int(result, 0, 0);
    dbk_result_free(result);
    return rows;
}

static void test_no_value_compares_as_nothing(void **state)
{
    (void)state;
    world w;
    world_open(&w, 2); // two segments and a hot row
    load_orders(&w, five, DBK_COUNT(five));
    dbk_value cash = {.kind = DBK_VALUE_TEXT, .text = DBK_TEXT("cash")};
    dbk_value unknown = {.kind = DBK_VALUE_TEXT, .text = DBK_TEXT("shells")};
    dbk_value hundred = {.kind = DBK_VALUE_INT, .number = 100}, none = {0};
    dbk_value cash_or_none[] = {cash, none};

    assert_int_equal(count_where(&w, "payment_method", DBK_OP_EQ, &cash, 1), 2);
    assert_int_equal(count_where(&w, "payment_method", DBK_OP_NE, &cash, 1), 2);
    assert_int_equal(count_where(&w, "payment_method", DBK_OP_EQ, &unknown, 1), 0);
    assert_int_equal(count_where(&w, "payment_method", DBK_OP_NE, &unknown, 1), 4);
    assert_int_equal(count_where(&w, "payment_method", DBK_OP_EQ, &none, 1), 0);
    assert_int_equal(count_where(&w, "payment_method", DBK_OP_NE, &none, 1), 0);
    assert_int_equal(count_where(&w, "payment_method", DBK_OP_IN, cash_or_none, 2), 3);
    assert_int_equal(count_where(&w, "payment_method", DBK_OP_IN, NULL, 0), 0);
    assert_int_equal(count_where(&w, "payment_method", DBK_OP_NULL, NULL, 0), 1);
    assert_int_equal(count_where(&w, "payment_method", DBK_OP_NOT_NULL, NULL, 0), 4);
    assert_int_equal(count_where(&w, "tip", DBK_OP_LT, &hundred, 1), 1);
    assert_int_equal(count_where(&w, "tip", DBK_OP_LE, &hundred, 1), 2);
    assert_int_equal(count_where(&w, "tip", DBK_OP_GE, &hundred, 1), 2);
    assert_int_equal(count_where(&w, "tip", DBK_OP_NE, &hundred, 1), 2);
    assert_int_equal(count_where(&w, "tip", DBK_OP_NULL, NULL, 0), 2);
    world_close(&w);
}

static void test_filled_buckets_have_zeros_and_no_values(void **state)
{
    (void)state;
    world w;
    world_open(&w, 2);
    load_orders(&w, five, DBK_COUNT(five));
    dbk_bucket day = {.unit = DBK_UNIT_DAY, .count = 1};
    dbk_group_key key = {"created_at", &day};
    dbk_aggregate aggregates[] = {
        {DBK_COUNT_ROWS, NULL}, {DBK_SUM, "tip"}, {DBK_AVERAGE, "tip"}, {DBK_MIN, "tip"}};
    dbk_query q = open_orders;
    q.from_ms = DAY / 4; // inside a bucket: the whole bucket's start is printed
    q.to_ms = 4 * DAY;   // exclusive
    q.keys = &key;
    q.keys_count = 1;
    q.aggregates = aggregates;
    q.aggregates_count = DBK_COUNT(aggregates);
    q.fill = true;
    dbk_result *result = run(&w, world_tenant(), &q);
    static const int64_t counts[] = {1, 1, 0, 2};
    assert_int_equal(dbk_result_rows(result), 4);
    for (size_t row = 0; row < 4; row++) {
        assert_int_equal(dbk_result_int(result, row, 0), (int64_t)row * DAY);
        assert_int_equal(dbk_result_int(result, row, 1), counts[row]);
    }
    for (int column = 2; column < 5; column++)
        assert_true(dbk_result_is_null(result, 2, column));
    assert_true(dbk_result_is_null(result, 0, 2)); // its one order has no tip
    assert_true(dbk_result_sum(result, 3, 2) == 200 && dbk_result_count(result, 3, 3) == 1);
    dbk_result_free(result);
    q.to_ms = q.from_ms;
    result = run(&w, world_tenant(), &q);
    assert_int_equal(dbk_result_rows(result), 0);
    dbk_result_free(result);
    world_close(&w);
}

static void test_no_keys_give_one_row_even_for_nothing(void **state)
{
    (void)state;
    world w;
    world_open(&w, 2);
    load_orders(&w, five, DBK_COUNT(five));
    dbk_aggregate aggregates[] = {{DBK_COUNT_ROWS, NULL}, {DBK_SUM, "tip"}, {DBK_MAX, "created_at"}};
    dbk_query q = open_orders;
    q.aggregates = aggregates;
    q.aggregates_count = DBK_COUNT(aggregates);
    dbk_result *result = run(&w, DBK_TEXT("nobody"), &q);
    assert_int_equal(dbk_result_rows(result), 1);
    assert_int_equal(dbk_result_int(result, 0, 0), 0);
    assert_true(dbk_result_is_null(result, 0, 1));
    assert_true(dbk_result_is_null(result, 0, 2));
    dbk_result_free(result);
    result = run(&w, world_tenant(), &q);
    assert_int_equal(dbk_result_int(result, 0, 0), 5);
    assert_true(dbk_result_sum(result, 0, 1) == 350);
    assert_int_equal(dbk_result_int(result, 0, 2), 3 * DAY + 1);
    assert_true(dbk_result_statistics(result).segments_from_statistics >= 2); // sealed rows were not read
    dbk_result_free(result);
    world_close(&w);
}

static void test_sums_leave_64_bits(void **state)
{
    (void)state;
    world w;
    world_open(&w, 2);
    static const order_row rich[] = {{"a", 0, "paid", NULL, INT64_MAX},
                                     {"b", 1, "paid", NULL, INT64_MAX},
                                     {"c", 2, "paid", NULL, INT64_MAX},
                                     {"d", 3, "poor", NULL, -INT64_MAX}};
    load_orders(&w, rich, DBK_COUNT(rich));
    dbk_aggregate sum = {DBK_SUM, "tip"};
    dbk_group_key key = {"status", NULL};
    dbk_query q = open_orders;
    q.aggregates = &sum;
    q.aggregates_count = 1;
    for (int keyed = 0; keyed < 2; keyed++) {
        q.keys = &key;
        q.keys_count = keyed;
        dbk_result *result = run(&w, world_tenant(), &q);
        assert_true(dbk_result_sum(result, 0, keyed) == (dbk_i128)INT64_MAX * (keyed ? 3 : 2));
        dbk_result_free(result);
    }
    world_close(&w);
}

// A filter on the key leaves few of many words: they are found by hash instead of by a number each.
static void test_few_groups_of_many_words(void **state)
{
    (void)state;
    enum { ROWS = 9000, FIRST = 4321, LAST = 4330 };
    static order_row many[ROWS];
    static char names[ROWS][16], words[ROWS][16];
    world w;
    world_open(&w, 1024);
    for (int i = 0; i < ROWS; i++) {
        snprintf(names[i], sizeof names[i], "o%05d", i);
        snprintf(words[i], sizeof words[i], "m%05d", i / 2 * 7919 % (ROWS / 2));
        many[i] = (order_row){names[i], i, "paid", i % 90 == 0 ? NULL : words[i], i};
    }
    load_orders(&w, many, ROWS);
    const dbk_value ends[] = {{.kind = DBK_VALUE_TEXT, .text = DBK_TEXT("m04321")},
                              {.kind = DBK_VALUE_TEXT, .text = DBK_TEXT("m04330")},
                              {.kind = DBK_VALUE_NULL}};
    const dbk_filter range[] = {{"payment_method", DBK_OP_GE, &ends[0], 1},
                                {"payment_method", DBK_OP_LE, &ends[1], 1}};
    const dbk_filter one[] = {{"payment_method", DBK_OP_EQ, &ends[0], 1}};
    const dbk_filter set[] = {{"payment_method", DBK_OP_IN, ends, 3}};
    const struct {
        const dbk_filter *filters;
        int count, first, last;
        bool none;
    } cases[] = {{range, 2, FIRST, LAST, false}, {one, 1, FIRST, FIRST, false}, {set, 1, FIRST, LAST, true}};
    const dbk_group_key key = {"payment_method", NULL};
    const dbk_aggregate sums[] = {{DBK_SUM, "tip"}, {DBK_COUNT_DISTINCT, "id"}};
    const dbk_order order = {.output = 0};
    for (size_t c = 0; c < DBK_COUNT(cases); c++) {
        dbk_query q = open_orders;
        q.filters = cases[c].filters;
        q.filters_count = cases[c].count;
        q.keys = &key;
        q.keys_count = 1;
        q.aggregates = sums;
        q.aggregates_count = DBK_COUNT(sums);
        q.order = &order;
        q.order_count = 1;
        dbk_result *result = run(&w, world_tenant(), &q);
        size_t row = 0;
        for (int word = cases[c].none ? -1 : cases[c].first; word <= cases[c].last;
             word = word < 0        ? cases[c].first
                    : cases[c].none ? word + LAST - FIRST
                                    : word + 1) {
            char text[16] = "";
            dbk_i128 sum = 0, count = 0;
            if (word >= 0)
                snprintf(text, sizeof text, "m%05d", word);
            for (int i = 0; i < ROWS; i++) {
                if (strcmp(many[i].method ? many[i].method : "", text) != 0)
                    continue;
                sum += i;
                count++;
            }
            assert_true(count > 0);
            assert_true(row < dbk_result_rows(result));
            assert_true(dbk_text_equal(dbk_result_text(result, row, 0), dbk_text_from(text)));
            assert_true(dbk_result_sum(result, row, 1) == sum);
            assert_true(dbk_result_sum(result, row, 2) == count);
            row++;
        }
        assert_int_equal(dbk_result_rows(result), row);
        dbk_result_free(result);
    }
    world_close(&w);
}

// ---- Pages, streams ----

static void append_line(dbk_buffer *out, const dbk_result *result, size_t row)
{
    dbk_buffer_text(out, dbk_result_text(result, row, 0));
    dbk_buffer_u64(out, (uint64_t)dbk_result_int(result, row, 1));
    dbk_buffer_text(out, dbk_result_text(result, row, 2));
    dbk_buffer_text(out, dbk_result_text(result, row, 3));
}

static dbk_value cursor_value(const dbk_result *result, size_t row, int column)
{
    if (dbk_result_is_null(result, row, column))
        return (dbk_value){0};
    if (dbk_result_column_kind(result, column) == DBK_RESULT_INT)
        return (dbk_value){.kind = DBK_VALUE_INT, .number = dbk_result_int(result, row, column)};
    return (dbk_value){.kind = DBK_VALUE_TEXT, .text = dbk_result_text(result, row, column)};
}

static const char *const page_fields[] = {"id", "completed_at", "payment_method", "customer_id.name"};

static void test_pages_joined_are_the_whole_list(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random("pages");
    world w;
    do
        world_grow(&r, &w);
    while (w.oracle.tables[DBK_ORDERS].count == 0 && (world_close(&w), true));
    for (int first = 1; first < 4; first++) {
        for (int descending = 0; descending < 2; descending++) {
            dbk_order order[] = {{first, descending}, {0, !descending}};
            dbk_query q = open_orders;
            q.fields = page_fields;
            q.fields_count = DBK_COUNT(page_fields);
            q.order = order;
            q.order_count = 2;
            dbk_buffer whole = {0}, pages = {0};
            dbk_result *result = run(&w, world_tenant(), &q);
            assert_true(dbk_result_rows(result) > 0);
            for (size_t row = 0; row < dbk_result_rows(result); row++)
                append_line(&whole, result, row);
            dbk_result_free(result);

            q.limit = 1 + (int64_t)below(&r, 90);
            dbk_result *before = NULL;
            dbk_value after[2];
            for (;;) {
                result = run(&w, world_tenant(), &q);
                dbk_result_free(before);
                before = result;
                size_t rows = dbk_result_rows(result);
                if (rows == 0)
                    break;
                for (size_t row = 0; row < rows; row++)
                    append_line(&pages, result, row);
                after[0] = cursor_value(result, rows - 1, first);
                after[1] = cursor_value(result, rows - 1, 0);
                q.after = after;
                q.after_count = 2;
            }
            dbk_result_free(before);
            assert_int_equal(whole.size, pages.size);
            assert_memory_equal(whole.data, pages.data, whole.size);
            dbk_buffer_dispose(&whole);
            dbk_buffer_dispose(&pages);
        }
    }
    world_close(&w);
}

static dbk_status collect(void *user, const dbk_result *block, dbk_error *err)
{
    (void)err;
    assert_in_range(dbk_result_rows(block), 1, DBK_VECTOR_ROWS);
    for (size_t row = 0; row < dbk_result_rows(block); row++)
        append_line(user, block, row);
    return DBK_OK;
}

static dbk_status refuse(void *user, const dbk_result *block, dbk_error *err)
{
    (void)block;
    ++*(int *)user;
    return dbk_fail(err, DBK_IO, "the reader has gone");
}

static void test_streams_give_the_rows_of_the_query(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random("stream");
    world w;
    world_grow(&r, &w);
    dbk_filter filter = {"total", DBK_OP_GE, &(dbk_value){.kind = DBK_VALUE_INT, .number = 0}, 1};
    dbk_query q = open_orders;
    q.fields = page_fields;
    q.fields_count = DBK_COUNT(page_fields);
    for (q.filters_count = 0; q.filters_count < 2; q.filters_count++) {
        q.filters = &filter;
        dbk_buffer whole = {0}, streamed = {0};
        dbk_error err = {0};
        dbk_result *result = run(&w, world_tenant(), &q);
        for (size_t row = 0; row < dbk_result_rows(result); row++)
            append_line(&whole, result, row);
        assert_int_equal(dbk_query_stream(w.read.snapshot, world_tenant(), &q, collect, &streamed, &err),
                         DBK_OK);
        assert_int_equal(whole.size, streamed.size);
        if (whole.size) {
            int calls = 0;
            assert_memory_equal(whole.data, streamed.data, whole.size);
            assert_int_equal(dbk_query_stream(w.read.snapshot, world_tenant(), &q, refuse, &calls, &err),
                             DBK_IO);
            assert_int_equal(calls, 1);
        }
        dbk_result_free(result);
        dbk_buffer_dispose(&whole);
        dbk_buffer_dispose(&streamed);
    }
    world_close(&w);
}

// ---- Refusals ----

static void test_what_cannot_be_is_refused_by_name(void **state)
{
    (void)state;
    world w;
    world_open(&w, 2);
    load_orders(&w, five, DBK_COUNT(five));
    dbk_value text = {.kind = DBK_VALUE_TEXT, .text = DBK_TEXT("x")};
    dbk_filter filters[] = {{"status", DBK_OP_EQ, &text, 1}, {"foo", DBK_OP_EQ, &text, 1}};
    dbk_query q = open_orders;
    q.table = "ordres";
    assert_refused(&w, &q, "no table `ordres`");
    q = open_orders;
    q.filters = filters;
    q.filters_count = 2;
    assert_refused(&w, &q, "filter 2: orders has no column `foo`");
    filters[1] = (dbk_filter){"total", DBK_OP_EQ, &text, 1};
    assert_refused(&w, &q, "filter 2: `total` is of type amount of money");
    filters[1] = (dbk_filter){"total", DBK_OP_CONTAINS, &text, 1};
    assert_refused(&w, &q, "only texts can contain");
    filters[1] = (dbk_filter){"status.name", DBK_OP_EQ, &text, 1};
    assert_refused(&w, &q, "`status` of orders refers to no table");
    filters[1] = (dbk_filter){"status", DBK_OP_NULL, &text, 1};
    assert_refused(&w, &q, "takes none");
    q = open_orders;
    q.table = "customers";
    q.from_ms = 0;
    assert_refused(&w, &q, "customers has no time column");
    dbk_aggregate aggregate = {DBK_SUM, "status"};
    q = open_orders;
    q.aggregates = &aggregate;
    q.aggregates_count = 1;
    assert_refused(&w, &q, "aggregate 1: `status` is text");
    aggregate.column = "tip";
    q.fill = true;
    assert_refused(&w, &q, "single bucket key");
    dbk_bucket hours = {.unit = DBK_UNIT_HOUR_OF_DAY, .count = 1};
    q.keys = &(dbk_group_key){"created_at", &hours};
    q.keys_count = 1;
    q.from_ms = 0;
    q.to_ms = DAY;
    assert_refused(&w, &q, "single bucket key");
    q.fill = false;
    hours.day_start_minutes = 420;
    assert_refused(&w, &q, "no such calendar bucket");
    q = open_orders;
    q.aggregates = &aggregate;
    q.aggregates_count = 1;
    q.fields = page_fields;
    q.fields_count = 1;
    assert_refused(&w, &q, "field 1: `id` does not begin with a key");
    q = open_orders;
    q.order = &(dbk_order){0, false};
    q.order_count = 1;
    assert_refused(&w, &q, "order 1: there is no output column 0");
    q.order_count = 0;
    q.after = &text;
    q.after_count = 1;
    assert_refused(&w, &q, "cursor");

    volatile bool cancelled = true;
    dbk_result *result;
    dbk_error err = {0};
    q = open_orders;
    q.cancelled = &cancelled;
    assert_int_equal(dbk_query_run(w.read.snapshot, world_tenant(), &q, &result, &err), DBK_CANCELLED);
    world_close(&w);
}

static void test_case_is_folded_for_latin_letters(void **state)
{
    (void)state;
    static const char *const same[][2] = {
        {"ABC xyz", "abc XYZ"}, {"Ä×ÖÞ", "ä×öþ"}, {"ĀĹŊŹŸ", "āĺŋźÿ"}, {"ẠỸ", "ạỹ"}};
    for (size_t i = 0; i < DBK_COUNT(same); i++) {
        char a[64], b[64];
        dbk_text x = dbk_text_from(same[i][0]), y = dbk_text_from(same[i][1]);
        dbk_text_fold(x, a);
        dbk_text_fold(y, b);
        assert_int_equal(x.length, y.length);
        assert_memory_equal(a, b, x.length);
    }
    char room[64], needle[64];
    dbk_text wanted = DBK_TEXT("STRASSE Ö");
    dbk_text_fold(wanted, needle);
    wanted.data = needle;
    assert_true(dbk_text_contains_folded((dbk_text)DBK_TEXT("Hauptstrasse ö 7"), wanted, room));
    assert_false(dbk_text_contains_folded((dbk_text)DBK_TEXT("Hauptstrasse o 7"), wanted, room));
    // A lead byte at the end is left alone.
    dbk_text_fold((dbk_text){"A\xC3", 2}, room);
    assert_memory_equal(room, "a\xC3", 2);
}

// Hours that have many rows each are runs of a vector, which follow each other until the clock is changed.
static void test_hours_of_the_day_come_in_runs(void **state)
{
    enum { ROWS = 6000 };
    static const char *const zones[] = {"UTC", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe"};
    const int64_t from = INT64_C(1698364800000); // two days before Berlin's clocks go back
    (void)state;
    static order_row rows[ROWS];
    static char ids[ROWS][16];
    dbk_random r = dbk_test_random("hours in runs");
    int64_t at = from;
    for (int i = 0; i < ROWS; i++) {
        snprintf(ids[i], sizeof ids[i], "o%d", i);
        at += (int64_t)dbk_random_below(&r, i / 1000 % 2 ? 100000 : 300000);
        rows[i] = (order_row){ids[i], at, "NEW", "card", (int64_t)dbk_random_below(&r, 100000)};
    }
    world w;
    world_open(&w, 2048);
    load_orders(&w, rows, ROWS);
    for (size_t z = 0; z < DBK_COUNT(zones); z++) {
        const dbk_zone *zone;
        dbk_error err;
        assert_int_equal(dbk_zone_load(zones[z], &zone, &err), DBK_OK);
        const dbk_bucket hours = {.unit = DBK_UNIT_HOUR_OF_DAY, .count = 1, .zone = zone};
        const dbk_group_key key = {"created_at", &hours};
        static const dbk_aggregate aggregates[] = {{DBK_COUNT_ROWS, NULL}, {DBK_SUM, "tip"}};
        int64_t counts[24] = {0}, sums[24] = {0};
        for (int i = 0; i < ROWS; i++) {
            const int hour = dbk_civil_from_ms(rows[i].at, zone).hour;
            counts[hour]++;
            sums[hour] += rows[i].tip;
        }
        dbk_query q = open_orders;
        q.keys = &key;
        q.keys_count = 1;
        q.aggregates = aggregates;
        for (q.aggregates_count = 0; q.aggregates_count <= 2; q.aggregates_count++) {
            dbk_result *result = run(&w, world_tenant(), &q);
            assert_int_equal(dbk_result_rows(result), 24);
            for (size_t row = 0; row < 24; row++) {
                const int64_t hour = dbk_result_int(result, row, 0);
                if (q.aggregates_count > 0)
                    assert_int_equal(dbk_result_int(result, row, 1), counts[hour]);
                if (q.aggregates_count > 1)
                    assert_true(dbk_result_sum(result, row, 2) == sums[hour]);
            }
            dbk_result_free(result);
        }
    }
    world_close(&w);
}

// What is refused for want of time takes none; what is answered uses it up.
static void test_a_query_that_nobody_has_time_for_is_refused(void **state)
{
    world w;
    (void)state;
    world_open(&w, 2);
    load_orders(&w, five, DBK_COUNT(five));
    dbk_error err;
    dbk_result *result = NULL;
    const dbk_value id = {.kind = DBK_VALUE_TEXT, .text = DBK_TEXT("nobody")};
    const dbk_filter filter = {"id", DBK_OP_EQ, &id, 1};
    static const char *const fields[] = {"status"};
    dbk_query one = open_orders;
    one.filters = &filter;
    one.filters_count = 1;
    one.fields = fields;
    one.fields_count = 1;
    static const dbk_aggregate count = {.kind = DBK_COUNT_ROWS};
    dbk_query all = open_orders;
    all.aggregates = &count;
    all.aggregates_count = 1;
    const dbk_query *const queries[] = {&one, &all};
    for (size_t i = 0; i < DBK_COUNT(queries); i++) {
        dbk_patience_begin(0);
        assert_int_equal(dbk_query_run(w.read.snapshot, world_tenant(), queries[i], &result, &err), DBK_LONG);
        dbk_patience_begin(1000000);
        int answered = 0;
        dbk_status status;
        while ((status = dbk_query_run(w.read.snapshot, world_tenant(), queries[i], &result, &err)) ==
               DBK_OK) {
            dbk_result_free(result);
            assert_true(answered++ < 1000000);
        }
        assert_int_equal(status, DBK_LONG);
        assert_true(answered > 0);
        dbk_patience_end();
        dbk_result_free(run(&w, world_tenant(), queries[i]));
    }
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_value_compares_as_nothing),
        cmocka_unit_test(test_filled_buckets_have_zeros_and_no_values),
        cmocka_unit_test(test_no_keys_give_one_row_even_for_nothing),
        cmocka_unit_test(test_sums_leave_64_bits),
        cmocka_unit_test(test_few_groups_of_many_words),
        cmocka_unit_test(test_pages_joined_are_the_whole_list),
        cmocka_unit_test(test_streams_give_the_rows_of_the_query),
        cmocka_unit_test(test_what_cannot_be_is_refused_by_name),
        cmocka_unit_test(test_case_is_folded_for_latin_letters),
        cmocka_unit_test(test_hours_of_the_day_come_in_runs),
        cmocka_unit_test(test_a_query_that_nobody_has_time_for_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
