// SPDX-License-Identifier: Apache-2.0
// Work that is shared: each piece is done once, by workers with numbers of their own, whoever joins when.
#include "engine/base/pool.h"
#include "tests/support/seed.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { THREADS = 3, PIECES_MAX = 1000, WORKERS_MAX = 2 * DBK_POOL_WORTH };

typedef struct shared {
    pthread_t caller;
    dbk_haste *haste;
    int pieces, hurry_at; // the piece at which haste is made; beyond all: never
    _Atomic int next, done[PIECES_MAX], numbers[WORKERS_MAX];
    _Atomic bool caller_came;
} shared;

static void work(void *user, int worker)
{
    shared *s = user;
    atomic_fetch_add(&s->numbers[worker], 1);
    if (pthread_equal(pthread_self(), s->caller))
        atomic_store(&s->caller_came, true);
    int piece;
    while ((piece = atomic_fetch_add(&s->next, 1)) < s->pieces) {
        atomic_fetch_add(&s->done[piece], 1);
        if (piece == s->hurry_at)
            dbk_haste_make(s->haste);
    }
}

static void check(const shared *s)
{
    for (int i = 0; i < s->pieces; i++)
        assert_int_equal(s->done[i], 1);
    for (int i = 0; i < WORKERS_MAX; i++)
        assert_in_range(s->numbers[i], 0, 1);
    assert_int_equal(s->numbers[0], 1);
}

static void test_each_piece_is_done_once(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random(__func__);
    for (int round = 0; round < 200; round++) {
        dbk_haste haste;
        dbk_haste_init(&haste, dbk_random_below(&random, 4) == 0);
        shared s = {.caller = pthread_self(), .haste = &haste};
        s.pieces = (int)dbk_random_below(&random, PIECES_MAX);
        s.hurry_at = (int)dbk_random_below(&random, 2 * PIECES_MAX);
        dbk_pool_run_behind(1 + (int)dbk_random_below(&random, THREADS), work, &s, &haste);
        check(&s);
        dbk_haste_dispose(&haste);
    }
}

// ---- Who works ----

static void wait_for_the_caller(void *user, int worker)
{
    shared *s = user;
    work(s, worker);
    while (!pthread_equal(pthread_self(), s->caller) && !atomic_load(&s->caller_came))
        sched_yield();
}

static void test_the_caller_joins_when_haste_is_made(void **state)
{
    (void)state;
    dbk_haste haste;
    dbk_haste_init(&haste, false);
    shared s = {.caller = pthread_self(), .haste = &haste, .pieces = 10, .hurry_at = 5};
    dbk_pool_run_behind(THREADS, wait_for_the_caller, &s, &haste);
    assert_true(s.caller_came);
    check(&s);
    dbk_haste_dispose(&haste);
}

static void test_nobody_joins_without_haste(void **state)
{
    (void)state;
    dbk_haste haste;
    dbk_haste_init(&haste, false);
    shared s = {.caller = pthread_self(), .haste = &haste, .pieces = 10, .hurry_at = PIECES_MAX};
    dbk_pool_run_behind(THREADS, work, &s, &haste);
    assert_false(s.caller_came);
    check(&s);
    dbk_haste_dispose(&haste);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_piece_is_done_once),
        cmocka_unit_test(test_the_caller_joins_when_haste_is_made),
        cmocka_unit_test(test_nobody_joins_without_haste),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
