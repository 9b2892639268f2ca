// SPDX-License-Identifier: Apache-2.0
// Standing queries and links while rows change: whatever was kept, of whichever snapshot, answers are those
// of a walk over all rows.
#include "tests/unit/exec/query_world.h"

#include "engine/standing.h"

enum { INTERVALS_MAX = 12, OLD_READS = 3, ROUNDS = 24 };

// ---- Questions ----

// A query with room for what it points to; its intervals grow, shrink and move from one asking to the next.
typedef struct standing_question {
    dbk_query query;
    dbk_filter filters[2];
    dbk_value word, intervals[2 * INTERVALS_MAX];
} standing_question;

static dbk_query over(const char *table)
{
    return (dbk_query){.table = table, .from_ms = DBK_TIME_OPEN_FROM, .to_ms = DBK_TIME_OPEN_TO};
}

static void set_filters(dbk_random *r, standing_question *q, const char *where, const char *when)
{
    static const char *const words[] = {"Word1", "Word3", "preorder", "pos"};
    q->word = (dbk_value){.kind = DBK_VALUE_TEXT, .text = dbk_text_from(words[below(r, DBK_COUNT(words))])};
    q->filters[0] = (dbk_filter){.column = where, .op = DBK_OP_NE, .values = &q->word, .values_count = 1};
    q->filters[1] = (dbk_filter){.column = when, .op = DBK_OP_WITHIN, .values = q->intervals};
    q->query.filters = q->filters;
    q->query.filters_count = 2;
}

static void question_of_lines(dbk_random *r, standing_question *q)
{
    static const dbk_group_key keys[] = {{.column = "product_id"}, {.column = "order_id.status"}};
    static const char *const fields[] = {"product_id.name", "product_id.category_id.name"};
    static const dbk_aggregate aggregates[] = {{.kind = DBK_COUNT_ROWS},
                                               {.kind = DBK_SUM, .column = "total"},
                                               {.kind = DBK_COUNT_VALUES, .column = "discount"},
                                               {.kind = DBK_AVERAGE, .column = "order_id.tip"}};
    *q = (standing_question){.query = over("order_lines")};
    q->query.keys = keys;
    q->query.keys_count = 1 + (int)below(r, DBK_COUNT(keys));
    q->query.fields = fields;
    q->query.fields_count = DBK_COUNT(fields);
    q->query.aggregates = aggregates;
    q->query.aggregates_count = DBK_COUNT(aggregates);
    set_filters(r, q, "order_id.kind", "order_id.confirmed_at");
}

static void question_of_orders(dbk_random *r, standing_question *q)
{
    static const dbk_group_key keys[] = {{.column = "cash_register_id"}, {.column = "payment_method"}};
    static const dbk_aggregate aggregates[] = {{.kind = DBK_COUNT_ROWS},
                                               {.kind = DBK_SUM, .column = "total"}};
    *q = (standing_question){.query = over("orders")};
    q->query.keys = keys;
    q->query.keys_count = DBK_COUNT(keys);
    q->query.aggregates = aggregates;
    q->query.aggregates_count = DBK_COUNT(aggregates);
    set_filters(r, q, "status", below(r, 2) ? "confirmed_at" : "created_at");
}

// Mostly the last interval goes on, as closed periods do.
static void move_intervals(dbk_random *r, standing_question *q)
{
    int count = q->filters[1].values_count;
    const int64_t end = WORLD_FROM + INT64_C(1) * WORLD_DAYS * DBK_MS_DAY;
    int64_t last = count > 0 ? q->intervals[count - 1].number : WORLD_FROM;
    if (below(r, 12) == 0 || last > end) {
        count = 0;
        last = WORLD_FROM + (int64_t)below(r, DBK_MS_DAY);
    }
    if (count > 0 && below(r, 3)) {
        q->intervals[count - 1].number += (int64_t)below(r, 3 * (uint64_t)DBK_MS_DAY);
    } else if (count < 2 * INTERVALS_MAX) {
        q->intervals[count++] =
            (dbk_value){.kind = DBK_VALUE_INT, .number = last + 1 + (int64_t)below(r, DBK_MS_DAY)};
        q->intervals[count] = q->intervals[count - 1];
        q->intervals[count++].number += (int64_t)below(r, 6 * (uint64_t)DBK_MS_DAY);
    }
    q->filters[1].values_count = count;
}

// ---- Comparing ----

static dbk_result *ask(const dbk_read *read, const dbk_query *query)
{
    dbk_result *result;
    dbk_error err = {0};
    if (dbk_query_run(read->snapshot, world_tenant(), query, &result, &err) != DBK_OK)
        fail_msg("%s", err.message);
    return result;
}

static dbk_result *ask_standing(dbk_standing *standing, const dbk_read *read, const dbk_query *query)
{
    dbk_result *result;
    dbk_error err = {0};
    if (dbk_standing_run(standing, read->snapshot, world_tenant(), query, NULL, &result, &err) != DBK_OK)
        fail_msg("%s", err.message);
    return result;
}

// Against the rows as the oracle has them; only the newest snapshot is the oracle's.
static void expect_oracle(const world *w, const dbk_result *result, const dbk_query *query)
{
    dbk_oracle_answer answer = dbk_oracle_run(&w->oracle, query);
    assert_int_equal(answer.rows, dbk_result_rows(result));
    for (size_t row = 0; row < answer.rows; row++)
        for (int column = 0; column < answer.columns; column++) {
            const dbk_oracle_value *wanted = &answer.values[row * (size_t)answer.columns + (size_t)column];
            if (dbk_result_column_kind(result, column) == DBK_RESULT_INT) {
                assert_true(dbk_result_int(result, row, column) == wanted->cell.number);
            } else if (dbk_result_column_kind(result, column) == DBK_RESULT_TEXT) {
                assert_int_equal(dbk_result_text(result, row, column).length, wanted->cell.length);
            } else {
                assert_true(dbk_result_sum(result, row, column) == wanted->sum);
                assert_int_equal(dbk_result_count(result, row, column), wanted->count);
            }
        }
    free(answer.values);
}

// ---- The world ----

static void change(dbk_random *r, world *w)
{
    static const dbk_table_id tables[] = {DBK_ORDERS,      DBK_ORDER_LINES, DBK_ORDERS,
                                          DBK_ORDER_LINES, DBK_PRODUCTS,    DBK_CATEGORIES};
    for (uint64_t i = below(r, 4); i > 0; i--) {
        uint32_t rows = 1 + (uint32_t)(below(r, 8) ? below(r, 12) : below(r, 300));
        world_apply(r, w, tables[below(r, DBK_COUNT(tables))], rows, below(r, 5) == 0);
    }
    world_publish(w);
}

static void begin_read(world *w, dbk_read *read)
{
    if (read->snapshot)
        dbk_read_end(w->db, read);
    *read = dbk_read_begin(w->db);
}

static void test_kept_outcomes_are_those_of_all_rows(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random(__func__);
    for (int worlds = 0; worlds < 4; worlds++) {
        world w;
        world_grow(&r, &w);
        dbk_read old[OLD_READS] = {{NULL, 0}};
        standing_question questions[2];
        dbk_standing *standings[2] = {dbk_standing_create(), dbk_standing_create()};
        question_of_lines(&r, &questions[0]);
        question_of_orders(&r, &questions[1]);
        for (int round = 0; round < ROUNDS; round++) {
            change(&r, &w);
            begin_read(&w, &w.read);
            if (below(&r, 4) == 0)
                begin_read(&w, &old[below(&r, OLD_READS)]);
            const dbk_read *aged = &old[below(&r, OLD_READS)];
            for (int i = 0; i < 2; i++) {
                standing_question *q = &questions[i];
                bool is_old = aged->snapshot && below(&r, 4) == 0;
                const dbk_read *read = is_old ? aged : &w.read;
                move_intervals(&r, q);
                q->query.threads = 1 + (int)below(&r, 3);
                dbk_result *all = ask(read, &q->query);
                dbk_result *kept = ask_standing(standings[i], read, &q->query);
                world_expect_same(all, kept);
                if (!is_old && round % 3 == 0)
                    expect_oracle(&w, kept, &q->query);
                dbk_result_free(all);
                dbk_result_free(kept);
            }
        }
        for (int i = 0; i < 2; i++)
            dbk_standing_destroy(standings[i]);
        for (int i = 0; i < OLD_READS; i++)
            if (old[i].snapshot)
                dbk_read_end(w.db, &old[i]);
        world_close(&w);
    }
}

// What an old snapshot answered once it answers always, whatever links were made of it and of later ones.
static void test_links_never_say_what_is_not_so(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random(__func__);
    static const dbk_group_key keys[] = {{.column = "order_id.status"}};
    static const dbk_aggregate aggregates[] = {
        {.kind = DBK_COUNT_ROWS},
        {.kind = DBK_SUM, .column = "order_id.total"},
        {.kind = DBK_COUNT_DISTINCT, .column = "order_id"},
        {.kind = DBK_COUNT_DISTINCT, .column = "order_id.customer_id"}};
    dbk_query query = over("order_lines");
    query.keys = keys;
    query.keys_count = 1;
    query.aggregates = aggregates;
    query.aggregates_count = DBK_COUNT(aggregates);
    for (int worlds = 0; worlds < 4; worlds++) {
        world w;
        world_grow(&r, &w);
        dbk_read old[OLD_READS] = {{NULL, 0}};
        dbk_result *then[OLD_READS] = {NULL};
        for (int round = 0; round < ROUNDS; round++) {
            change(&r, &w);
            begin_read(&w, &w.read);
            query.threads = 1 + (int)below(&r, 3);
            dbk_result *now = ask(&w.read, &query);
            if (round % 3 == 0)
                expect_oracle(&w, now, &query);
            dbk_result_free(now);
            uint64_t at = below(&r, OLD_READS);
            if (!then[at] || below(&r, 6) == 0) {
                begin_read(&w, &old[at]);
                dbk_result_free(then[at]);
                then[at] = ask(&old[at], &query);
                continue;
            }
            dbk_result *again = ask(&old[at], &query);
            world_expect_same(then[at], again);
            dbk_result_free(again);
        }
        for (int i = 0; i < OLD_READS; i++) {
            dbk_result_free(then[i]);
            if (old[i].snapshot)
                dbk_read_end(w.db, &old[i]);
        }
        world_close(&w);
    }
}

// ---- What it costs ----

static uint32_t parts_scanned(dbk_standing *standing, const world *w, const dbk_query *query)
{
    dbk_result *result;
    dbk_error err = {0};
    uint32_t scanned;
    assert_int_equal(
        dbk_standing_run(standing, w->read.snapshot, world_tenant(), query, &scanned, &result, &err), DBK_OK);
    dbk_result_free(result);
    return scanned;
}

static void test_only_what_changed_is_looked_at(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random(__func__);
    world w;
    standing_question q;
    dbk_standing *standing = dbk_standing_create();
    world_open(&w, 100);
    for (int i = 0; i < 20; i++) {
        world_apply(&r, &w, DBK_ORDERS, 90, false);
        world_apply(&r, &w, DBK_ORDER_LINES, 90, false);
    }
    world_publish(&w);
    w.read = dbk_read_begin(w.db);
    question_of_orders(&r, &q);
    q.intervals[0] = (dbk_value){.kind = DBK_VALUE_INT, .number = WORLD_FROM - DBK_MS_DAY};
    q.intervals[1] =
        (dbk_value){.kind = DBK_VALUE_INT, .number = WORLD_FROM + INT64_C(2) * WORLD_DAYS * DBK_MS_DAY};
    q.filters[1].values_count = 2;
    uint32_t all = parts_scanned(standing, &w, &q.query);
    assert_true(all > 5);
    assert_int_equal(parts_scanned(standing, &w, &q.query), 0);
    // Nothing lies there.
    q.intervals[1].number += DBK_MS_DAY;
    assert_int_equal(parts_scanned(standing, &w, &q.query), 0);
    world_apply(&r, &w, DBK_ORDER_LINES, 50, false);
    world_publish(&w);
    begin_read(&w, &w.read);
    assert_int_equal(parts_scanned(standing, &w, &q.query), 0);
    world_apply(&r, &w, DBK_ORDERS, 1, false);
    world_publish(&w);
    begin_read(&w, &w.read);
    uint32_t few = parts_scanned(standing, &w, &q.query);
    assert_true(few >= 1 && few <= 3); // where it stands, where it stood, and a compaction at most
    dbk_standing_destroy(standing);
    world_close(&w);
}

static void test_what_cannot_be_kept_is_refused(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random(__func__);
    static const dbk_group_key by_text[] = {{.column = "order_id"}},
                               by_keyed[] = {{.column = "product_id.category_id"}},
                               by_code[] = {{.column = "product_id"}};
    static const dbk_aggregate rows[] = {{.kind = DBK_COUNT_ROWS}},
                               distinct[] = {{.kind = DBK_COUNT_DISTINCT, .column = "order_id"}},
                               least[] = {{.kind = DBK_MIN, .column = "total"}};
    const struct {
        const char *table;
        const dbk_group_key *keys;
        int keys_count;
        const dbk_aggregate *aggregates;
    } refused[] = {{"order_lines", by_text, 1, rows},
                   {"order_lines", by_keyed, 1, rows},
                   {"order_lines", by_code, 1, distinct},
                   {"order_lines", by_code, 1, least},
                   {"order_lines", NULL, 0, rows}};
    world w;
    world_grow(&r, &w);
    for (size_t i = 0; i < DBK_COUNT(refused); i++) {
        dbk_standing *standing = dbk_standing_create();
        dbk_query query = over(refused[i].table);
        dbk_result *result;
        dbk_error err;
        query.keys = refused[i].keys;
        query.keys_count = refused[i].keys_count;
        query.aggregates = refused[i].aggregates;
        query.aggregates_count = 1;
        assert_int_equal(
            dbk_standing_run(standing, w.read.snapshot, world_tenant(), &query, NULL, &result, &err),
            DBK_INVALID);
        dbk_standing_destroy(standing);
    }
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept_outcomes_are_those_of_all_rows),
        cmocka_unit_test(test_links_never_say_what_is_not_so),
        cmocka_unit_test(test_only_what_changed_is_looked_at),
        cmocka_unit_test(test_what_cannot_be_kept_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
