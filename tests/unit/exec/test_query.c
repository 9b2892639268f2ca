// SPDX-License-Identifier: Apache-2.0
// Queries against their naive twin: random companies, random questions, every cell compared; alone and with
// helpers.
#include "engine/base/processor.h"
#include "tests/unit/exec/random_question.h"

static const char *value_text(const dbk_result *result, size_t row, int column, char out[128])
{
    if (dbk_result_is_null(result, row, column))
        return "null";
    switch (dbk_result_column_kind(result, column)) {
    case DBK_RESULT_INT:
        snprintf(out, 128, "%lld", (long long)dbk_result_int(result, row, column));
        break;
    case DBK_RESULT_TEXT:
        snprintf(out, 128, "%.*s", (int)dbk_result_text(result, row, column).length,
                 dbk_result_text(result, row, column).data);
        break;
    default:
        snprintf(out, 128, "sum…%lld of %lld", (long long)dbk_result_sum(result, row, column),
                 (long long)dbk_result_count(result, row, column));
    }
    return out;
}

static bool value_matches(const dbk_result *result, size_t row, int column, const dbk_oracle_value *wanted)
{
    dbk_text text;
    switch (dbk_result_column_kind(result, column)) {
    case DBK_RESULT_INT:
        return dbk_result_int(result, row, column) == wanted->cell.number;
    case DBK_RESULT_TEXT:
        text = dbk_result_text(result, row, column);
        return text.length == wanted->cell.length &&
               (text.length == 0 || memcmp(text.data, wanted->cell.text, text.length) == 0);
    default:
        return dbk_result_sum(result, row, column) == wanted->sum &&
               dbk_result_count(result, row, column) == wanted->count;
    }
}

static void describe(const dbk_query *q)
{
    fprintf(stderr, "%s time %s [%lld, %lld) fill %d limit %lld threads %d after %d\n", q->table,
            q->time_column ? q->time_column : "-", (long long)q->from_ms, (long long)q->to_ms, q->fill,
            (long long)q->limit, q->threads, q->after_count);
    for (int i = 0; i < q->filters_count; i++) {
        fprintf(stderr, "  filter %s op %d:", q->filters[i].column, q->filters[i].op);
        for (int k = 0; k < q->filters[i].values_count; k++)
            fprintf(stderr, " %d/%lld/%.*s", q->filters[i].values[k].kind,
                    (long long)q->filters[i].values[k].number, (int)q->filters[i].values[k].text.length,
                    q->filters[i].values[k].text.data);
        fprintf(stderr, "\n");
    }
    for (int i = 0; i < q->keys_count; i++)
        fprintf(stderr, "  key %s unit %d\n", q->keys[i].column,
                q->keys[i].bucket ? (int)q->keys[i].bucket->unit : -1);
    for (int i = 0; i < q->fields_count; i++)
        fprintf(stderr, "  field %s\n", q->fields[i]);
    for (int i = 0; i < q->aggregates_count; i++)
        fprintf(stderr, "  aggregate %d %s\n", q->aggregates[i].kind,
                q->aggregates[i].column ? q->aggregates[i].column : "");
    for (int i = 0; i < q->order_count; i++)
        fprintf(stderr, "  order %d %s\n", q->order[i].output, q->order[i].descending ? "desc" : "");
}

static dbk_result *run(const world *w, const dbk_query *query)
{
    dbk_result *result = NULL;
    dbk_error err = {0};
    if (dbk_query_run(w->read.snapshot, world_tenant(), query, &result, &err) != DBK_OK) {
        describe(query);
        fail_msg("%s", err.message);
    }
    return result;
}

// Whether a rollup was used.
static bool check(const world *w, const dbk_query *query)
{
    dbk_result *result = run(w, query);
    bool is_from_rollup = dbk_result_statistics(result).rollup_buckets > 0;
    dbk_oracle_answer wanted = dbk_oracle_run(&w->oracle, query);
    if (dbk_result_rows(result) != wanted.rows || dbk_result_columns(result) != wanted.columns) {
        describe(query);
        fail_msg("%zu rows of %d, wanted %zu of %d", dbk_result_rows(result), dbk_result_columns(result),
                 wanted.rows, wanted.columns);
    }
    for (size_t row = 0; row < wanted.rows; row++) {
        for (int column = 0; column < wanted.columns; column++) {
            const dbk_oracle_value *value = &wanted.values[row * (size_t)wanted.columns + (size_t)column];
            if (value_matches(result, row, column, value))
                continue;
            char text[128];
            describe(query);
            fail_msg("row %zu column %d: %s, wanted %lld / %.*s / %lld of %lld", row, column,
                     value_text(result, row, column, text), (long long)value->cell.number,
                     (int)value->cell.length, value->cell.text, (long long)value->sum,
                     (long long)value->count);
        }
    }
    free(wanted.values);
    dbk_result_free(result);
    return is_from_rollup;
}

static void reports_equal_the_oracle_from_rollups_and_from_rows(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random("report");
    const char *rounds = getenv("DBK_ROUNDS");
    int asked = 0, from_rollups = 0, from_rosters = 0;
    for (int round = 0; round < (rounds ? atoi(rounds) : 8); round++) {
        world w;
        world_grow(&r, &w);
        for (int i = 0; i < 250; i++) {
            question q;
            bool of_customers = below(&r, 3) == 0;
            if (of_customers)
                customers_question(&r, &w, &q);
            else
                report_question(&r, &w, &q);
            bool is_kept = check(&w, &q.query);
            from_rollups += is_kept && !of_customers;
            from_rosters += is_kept && of_customers;
            q.query.from_rows = true;
            assert_false(check(&w, &q.query));
            asked++;
        }
        world_close(&w);
    }
    fprintf(stderr, "%d of %d from rollups, %d from rosters\n", from_rollups, asked, from_rosters);
    assert_true(from_rollups > asked / 100 && from_rosters > asked / 100);
}

static void test_random_queries_equal_the_oracle(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random("query");
    const char *rounds = getenv("DBK_ROUNDS");
    for (int round = 0; round < (rounds ? atoi(rounds) : 8); round++) {
        world w;
        world_grow(&r, &w);
        for (int i = 0; i < 250; i++) {
            question q;
            random_question(&r, &w, &q);
            while (!dbk_level_use((dbk_level)below(&r, DBK_LEVELS))) {
            }
            check(&w, &q.query);
            dbk_level_use(dbk_level_best());
            dbk_arena_dispose(&q.arena);
        }
        world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_queries_equal_the_oracle),
        cmocka_unit_test(reports_equal_the_oracle_from_rollups_and_from_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
