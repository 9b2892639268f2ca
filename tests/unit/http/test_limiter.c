// SPDX-License-Identifier: Apache-2.0
// The sliding window of a key, against its definition.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/random.h"
#include "http/auth/limiter.h"
#include "tests/support/seed.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static dbk_limiter *make(void)
{
    dbk_limiter *limiter;
    assert_int_equal(dbk_limiter_create(&limiter, NULL), DBK_OK);
    return limiter;
}

static void test_D38_sixty_pass_then_the_wait_is_exact(void **state)
{
    (void)state;
    dbk_limiter *limiter = make();
    for (int i = 0; i < 60; i++)
        assert_int_equal(dbk_limiter_take(limiter, DBK_TEXT("k"), 60, 1, 1000 + i), 0);
    assert_int_equal(dbk_limiter_take(limiter, DBK_TEXT("k"), 60, 1, 1100), 60);
    assert_int_equal(dbk_limiter_take(limiter, DBK_TEXT("k"), 60, 1, 19000), 42);
    assert_int_equal(dbk_limiter_take(limiter, DBK_TEXT("k"), 60, 1, 60999), 1);
    assert_int_equal(dbk_limiter_take(limiter, DBK_TEXT("k"), 60, 1, 61000), 0);
    assert_int_equal(dbk_limiter_take(limiter, DBK_TEXT("k"), 60, 1, 61000), 1);
    dbk_limiter_destroy(limiter);
}

static void test_D38_keys_do_not_share(void **state)
{
    (void)state;
    dbk_limiter *limiter = make();
    assert_int_equal(dbk_limiter_take(limiter, DBK_TEXT("a"), 1, 1, 0), 0);
    assert_int_equal(dbk_limiter_take(limiter, DBK_TEXT("a"), 1, 1, 0), 60);
    assert_int_equal(dbk_limiter_take(limiter, DBK_TEXT("b"), 1, 1, 0), 0);
    dbk_limiter_destroy(limiter);
}

// More keys than places, each asking now and then: what is cleared away for being idle changes no answer.
static void test_idle_keys_are_forgotten_unnoticed(void **state)
{
    (void)state;
    enum { KEYS = 20000, LIMIT = 2, TAKES = 200000 };
    static int64_t passed[KEYS][LIMIT]; // the last moments that passed, the older first
    dbk_random random = dbk_test_random(__func__);
    dbk_limiter *limiter = make();
    int64_t now = 2 * DBK_LIMITER_WINDOW_MS;
    for (int i = 0; i < TAKES; i++) {
        char text[16];
        int64_t *mine = passed[dbk_random_below(&random, KEYS)];
        snprintf(text, sizeof(text), "%d", (int)((mine - passed[0]) / LIMIT));
        now += (int64_t)dbk_random_below(&random, 8);
        bool passes = mine[0] + DBK_LIMITER_WINDOW_MS <= now;
        assert_int_equal(dbk_limiter_take(limiter, dbk_text_from(text), LIMIT, 1, now) == 0, passes);
        if (passes) {
            mine[0] = mine[1];
            mine[1] = now;
        }
    }
    dbk_limiter_destroy(limiter);
}

// The twin keeps every moment that passed and counts those of the last minute.
static void test_no_minute_holds_more_than_the_limit(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random("limiter");
    enum { TAKES = 4000 };
    static int64_t passed[TAKES * 3];
    for (int limit = 1; limit <= 40; limit += 13) {
        dbk_limiter *limiter = make();
        int passed_count = 0;
        int64_t now = 0;
        for (int i = 0; i < TAKES; i++) {
            now += (int64_t)dbk_random_below(&random, 4000);
            int cost = limit > 2 ? 1 + (int)dbk_random_below(&random, 2) : 1;
            int recent = 0;
            for (int p = passed_count - 1; p >= 0 && passed[p] + 60000 > now; p--)
                recent++;
            int wait = dbk_limiter_take(limiter, DBK_TEXT("k"), limit, cost, now);
            assert_int_equal(wait == 0, recent + cost <= limit);
            if (wait == 0) {
                for (int c = 0; c < cost; c++)
                    passed[passed_count++] = now;
                continue;
            }
            // After the wait it would pass; a second earlier it would not.
            int64_t frees = passed[passed_count - recent + (recent + cost - limit) - 1] + 60000;
            assert_true(now + wait * 1000 >= frees);
            assert_true(now + (wait - 1) * 1000 < frees);
        }
        dbk_limiter_destroy(limiter);
    }
}

typedef struct race {
    dbk_limiter *limiter;
    atomic_int passed;
} race;

static void *take_many(void *argument)
{
    race *r = argument;
    for (int i = 0; i < 1000; i++)
        if (dbk_limiter_take(r->limiter, DBK_TEXT("k"), 500, 1, 5) == 0)
            r->passed++;
    return NULL;
}

static void test_threads_share_one_budget(void **state)
{
    (void)state;
    race r = {.limiter = make()};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_many, &r), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(r.passed, 500);
    dbk_limiter_destroy(r.limiter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_D38_sixty_pass_then_the_wait_is_exact),
        cmocka_unit_test(test_D38_keys_do_not_share),
        cmocka_unit_test(test_idle_keys_are_forgotten_unnoticed),
        cmocka_unit_test(test_no_minute_holds_more_than_the_limit),
        cmocka_unit_test(test_threads_share_one_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
