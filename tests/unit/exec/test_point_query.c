// SPDX-License-Identifier: Apache-2.0
// Rows asked for by their keys and nothing else take a way of their own: it gives what the planner gives. An
// order in the question makes it the planner's.
#include "engine/exec/point_query.h"
#include "tests/unit/exec/query_world.h"

enum { KEYS = 12 };

typedef struct asked {
    dbk_arena arena;
    const char *fields[DBK_COLUMNS_MAX];
    dbk_value keys[KEYS];
    dbk_filter filter;
    dbk_order order;
    dbk_query query;
} asked;

static void ask(dbk_random *r, asked *q)
{
    dbk_table_id id = world_tables[below(r, DBK_COUNT(world_tables))];
    const dbk_table_def *table = dbk_table_def_by_id((int)id);
    *q = (asked){0};
    int fields = 0;
    // The key leads: what is ordered by it stands in one order only.
    q->fields[fields++] = table->columns[table->key_column].name;
    bool all = below(r, 2);
    for (int c = 0; c < table->columns_count; c++)
        if (c != table->key_column && (all || below(r, 3) == 0))
            q->fields[fields++] = table->columns[c].name;
    for (int i = 0; i < KEYS; i++)
        q->keys[i] =
            below(r, 12) == 0
                ? (dbk_value){.kind = DBK_VALUE_NULL}
                : (dbk_value){.kind = DBK_VALUE_TEXT,
                              .text = world_id(&q->arena, id, below(r, (uint64_t)world_keys(id) * 5 / 4))};
    bool one = below(r, 3) == 0;
    if (one)
        q->keys[0] = (dbk_value){.kind = DBK_VALUE_TEXT,
                                 .text = world_id(&q->arena, id, below(r, (uint64_t)world_keys(id)))};
    q->filter = (dbk_filter){.column = table->columns[table->key_column].name,
                             .op = one ? DBK_OP_EQ : DBK_OP_IN,
                             .values = q->keys,
                             .values_count = one ? 1 : KEYS};
    q->query = (dbk_query){.table = table->name,
                           .from_ms = DBK_TIME_OPEN_FROM,
                           .to_ms = DBK_TIME_OPEN_TO,
                           .filters = &q->filter,
                           .filters_count = 1,
                           .fields = q->fields,
                           .fields_count = fields};
}

static dbk_result *run(const world *w, const dbk_query *query)
{
    dbk_result *result = NULL;
    dbk_error err = {0};
    if (dbk_query_run(w->read.snapshot, world_tenant(), query, &result, &err) != DBK_OK)
        fail_msg("%s: %s", query->table, err.message);
    return result;
}

static size_t row_of(const dbk_result *result, dbk_text key)
{
    for (size_t row = 0; row < dbk_result_rows(result); row++)
        if (dbk_text_equal(dbk_result_text(result, row, 0), key))
            return row;
    fail_msg("the row %.*s is missing", (int)key.length, key.data);
    return 0;
}

static void assert_same_row(const dbk_result *a, size_t i, const dbk_result *b, size_t j)
{
    for (int c = 0; c < dbk_result_columns(a); c++) {
        assert_int_equal(dbk_result_column_kind(a, c), dbk_result_column_kind(b, c));
        assert_int_equal(dbk_result_is_null(a, i, c), dbk_result_is_null(b, j, c));
        if (dbk_result_column_kind(a, c) == DBK_RESULT_TEXT)
            assert_true(dbk_text_equal(dbk_result_text(a, i, c), dbk_result_text(b, j, c)));
        else
            assert_true(dbk_result_int(a, i, c) == dbk_result_int(b, j, c));
    }
}

static void test_points_equal_the_planners_rows(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random("point query");
    size_t rows = 0;
    for (int round = 0; round < 8; round++) {
        world w;
        world_grow(&r, &w);
        for (int i = 0; i < 300; i++) {
            asked q;
            ask(&r, &q);
            assert_true(dbk_point_query_is(&q.query));
            dbk_result *points = run(&w, &q.query);
            q.query.order = &q.order;
            q.query.order_count = 1;
            assert_false(dbk_point_query_is(&q.query));
            dbk_result *planned = run(&w, &q.query);
            assert_int_equal(dbk_result_rows(points), dbk_result_rows(planned));
            for (size_t row = 0; row < dbk_result_rows(planned); row++)
                assert_same_row(planned, row, points, row_of(points, dbk_result_text(planned, row, 0)));
            rows += dbk_result_rows(planned);
            dbk_result_free(points);
            dbk_result_free(planned);
            dbk_arena_dispose(&q.arena);
        }
        world_close(&w);
    }
    assert_true(rows > 1000);
}

static void test_other_questions_are_the_planners(void **state)
{
    (void)state;
    static const char *const fields[] = {"id", "total"}, *const far[] = {"customer_id.name"},
                             *const unknown[] = {"id", "nonsense"};
    const dbk_value key = {.kind = DBK_VALUE_TEXT, .text = {"a", 1}};
    const dbk_filter by_id[] = {{"id", DBK_OP_EQ, &key, 1}, {"status", DBK_OP_EQ, &key, 1}};
    const dbk_filter by_status = {"status", DBK_OP_EQ, &key, 1}, not_id = {"id", DBK_OP_NE, &key, 1};
    const dbk_query plain = {.table = "orders",
                             .from_ms = DBK_TIME_OPEN_FROM,
                             .to_ms = DBK_TIME_OPEN_TO,
                             .filters = by_id,
                             .filters_count = 1,
                             .fields = fields,
                             .fields_count = 2};
    assert_true(dbk_point_query_is(&plain));
    dbk_query other = plain;
    other.filters_count = 2;
    assert_false(dbk_point_query_is(&other));
    other = plain, other.filters = &by_status;
    assert_false(dbk_point_query_is(&other));
    other = plain, other.filters = &not_id;
    assert_false(dbk_point_query_is(&other));
    other = plain, other.fields = far, other.fields_count = 1;
    assert_false(dbk_point_query_is(&other));
    other = plain, other.fields = unknown;
    assert_false(dbk_point_query_is(&other));
    other = plain, other.table = "nonsense";
    assert_false(dbk_point_query_is(&other));
    other = plain, other.to_ms = 0;
    assert_false(dbk_point_query_is(&other));
    other = plain, other.limit = 1;
    assert_false(dbk_point_query_is(&other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_points_equal_the_planners_rows),
        cmocka_unit_test(test_other_questions_are_the_planners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
