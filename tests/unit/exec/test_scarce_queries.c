// SPDX-License-Identifier: Apache-2.0
// Queries while memory runs out, at each allocation in turn: the right answer or DBK_NO_MEMORY, never another
// answer and never a crash (and, under AddressSanitizer, nothing that is left behind).
#include "tests/support/scarce.h"
#include "tests/unit/exec/random_question.h"

enum { ROUNDS = 6, QUESTIONS = 25 };

static dbk_result *run(const world *w, const dbk_query *query)
{
    dbk_result *result = NULL;
    dbk_error err = {0};
    if (dbk_query_run(w->read.snapshot, world_tenant(), query, &result, &err) != DBK_OK)
        fail_msg("%s", err.message);
    return result;
}

// How many allocations failed.
static uint64_t run_short_of_each(const world *w, const dbk_query *query)
{
    for (uint64_t nth = 1;; nth++) {
        dbk_result *result = NULL;
        dbk_error err = {0};
        scarce_begin(nth);
        dbk_status status = dbk_query_run(w->read.snapshot, world_tenant(), query, &result, &err);
        bool has_failed = scarce_end();
        if (status == DBK_OK) {
            dbk_result *wanted = run(w, query);
            world_expect_same(wanted, result);
            dbk_result_free(wanted);
            dbk_result_free(result);
        } else if (status != DBK_NO_MEMORY) {
            fail_msg("allocation %llu: %s", (unsigned long long)nth, err.message);
        }
        if (!has_failed) {
            assert_int_equal(status, DBK_OK);
            return nth - 1;
        }
    }
}

static void test_queries_end_when_memory_does(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random(__func__);
    uint64_t failed = 0;
    for (int round = 0; round < ROUNDS; round++) {
        world w;
        world_grow(&r, &w);
        for (int i = 0; i < QUESTIONS; i++) {
            question q;
            switch (below(&r, 4)) {
            case 0:
                report_question(&r, &w, &q);
                break;
            case 1:
                customers_question(&r, &w, &q);
                break;
            default:
                random_question(&r, &w, &q);
            }
            q.query.threads = 1; // allocations of helpers are not counted
            failed += run_short_of_each(&w, &q.query);
            dbk_arena_dispose(&q.arena);
        }
        world_close(&w);
    }
    printf("%llu allocations failed\n", (unsigned long long)failed);
    assert_true(failed > ROUNDS * QUESTIONS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queries_end_when_memory_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
