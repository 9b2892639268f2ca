// SPDX-License-Identifier: Apache-2.0
// Changes while memory runs out, at each allocation in turn: a change that fails has changed nothing, an
// image that cannot be made is made later, and in the end everything is as it is without such days.
#include "tests/support/digest.h"
#include "tests/support/scarce.h"
#include "tests/unit/exec/random_question.h"

enum { WORLDS = 6, CHANGES = 12, REPORTS = 20 };

static uint64_t digest(world *w)
{
    dbk_read_end(w->db, &w->read);
    w->read = dbk_read_begin(w->db);
    return test_digest(w->read.snapshot);
}

static uint64_t freeze_short_of_each(world *w)
{
    for (uint64_t nth = 1;; nth++) {
        scarce_begin(nth);
        dbk_snapshot *snapshot = dbk_db_freeze(w->db, ++w->number);
        bool has_failed = scarce_end();
        if (snapshot) // … perhaps without sums that there was no memory for
            dbk_db_publish(w->db, snapshot);
        if (!has_failed) {
            assert_non_null(snapshot);
            return nth - 1;
        }
        // What comes next needs an image to look at, too.
        if (!snapshot && nth % 3 == 0)
            world_publish(w);
    }
}

static dbk_status apply(world *w, const dbk_batch *const *batches, int count)
{
    dbk_apply_report reports[2];
    dbk_error err = {0};
    int applied;
    dbk_status status = dbk_db_apply_all(w->db, world_tenant(), batches, count, reports, &applied, &err);
    for (int i = 0; i < count && status == DBK_OK; i++)
        free(reports[i].rejected_rows);
    return status;
}

// Applies independent batches to both, to the first with each of its allocations failing before.
static uint64_t apply_short_of_each(world *scarce, world *plenty, const dbk_batch *const *batches, int count)
{
    const uint64_t before = digest(scarce);
    for (uint64_t nth = 1;; nth++) {
        scarce_begin(nth);
        dbk_status status = apply(scarce, batches, count);
        bool has_failed = scarce_end();
        if (status == DBK_OK) {
            assert_int_equal(apply(plenty, batches, count), DBK_OK);
            // What can do without some memory: once it is stored there is no other day for these batches.
            return nth - !has_failed;
        }
        assert_true(has_failed);
        assert_int_equal(status, DBK_NO_MEMORY);
        world_publish(scarce);
        if (digest(scarce) != before)
            fail_msg("allocation %llu of a change of %s failed, and left something", (unsigned long long)nth,
                     batches[0]->table->name);
    }
}

static dbk_result *ask(const world *w, const dbk_query *query)
{
    dbk_result *result;
    dbk_error err = {0};
    if (dbk_query_run(w->read.snapshot, world_tenant(), query, &result, &err) != DBK_OK)
        fail_msg("%s", err.message);
    return result;
}

// What could be kept beside the rows is what the rows say.
static void compare_sums(dbk_random *r, const world *w)
{
    for (int i = 0; i < REPORTS; i++) {
        question q;
        if (below(r, 2))
            report_question(r, w, &q);
        else
            customers_question(r, w, &q);
        // In an order that leaves nothing open.
        for (int k = 0; k < q.query.keys_count; k++)
            q.order[k] = (dbk_order){k, false};
        q.query.order_count = q.query.keys_count;
        dbk_result *kept = ask(w, &q.query);
        q.query.from_rows = true;
        dbk_result *counted = ask(w, &q.query);
        world_expect_same(kept, counted);
        dbk_result_free(kept);
        dbk_result_free(counted);
    }
}

static uint64_t change_in_turn(dbk_random *r, world *scarce, world *plenty)
{
    uint64_t failed = 0;
    for (int i = 0; i < CHANGES; i++) {
        // Lines depend on their orders, so they come alone.
        static const dbk_table_id beside[] = {DBK_ORDERS, DBK_PAYMENTS, DBK_CUSTOMERS};
        dbk_table_id id = world_tables[below(r, DBK_COUNT(world_tables))], other = beside[below(r, 3)];
        const bool has_two = id != DBK_ORDER_LINES && id != other && below(r, 2);
        dbk_batch first, second = {.rows = 0};
        const dbk_batch *batches[] = {&first, &second};
        world_batch(r, plenty, id, 1 + (uint32_t)below(r, 60), below(r, 4) == 0, &first);
        if (has_two)
            world_batch(r, plenty, other, 1 + (uint32_t)below(r, 60), below(r, 4) == 0, &second);
        failed += apply_short_of_each(scarce, plenty, batches, has_two ? 2 : 1);
        dbk_batch_dispose(&first);
        dbk_batch_dispose(&second);
        failed += freeze_short_of_each(scarce);
        world_publish(plenty);
        assert_int_equal(digest(scarce), digest(plenty));
        compare_sums(r, scarce);
        if (below(r, 3) == 0)
            world_wish(scarce);
    }
    return failed;
}

static void test_changes_end_when_memory_does(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random(__func__);
    uint64_t failed = 0;
    for (int i = 0; i < WORLDS; i++) {
        world scarce, plenty;
        const uint32_t segment_rows = 50 + (uint32_t)below(&r, 200);
        world_open(&scarce, segment_rows);
        world_open(&plenty, segment_rows);
        dbk_db_set_roster_rows(scarce.db, 1, 1 + below(&r, 300));
        dbk_db_set_rollup_rows(scarce.db, 1, below(&r, 3) ? 0 : below(&r, 20));
        world_publish(&scarce);
        world_publish(&plenty);
        failed += change_in_turn(&r, &scarce, &plenty);
        world_close(&scarce);
        world_close(&plenty);
    }
    printf("%llu allocations failed\n", (unsigned long long)failed);
    assert_true(failed > WORLDS * CHANGES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes_end_when_memory_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
