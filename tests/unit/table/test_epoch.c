// SPDX-License-Identifier: Apache-2.0
// Reclamation, alone and under load. The threads are for ThreadSanitizer as much as for the asserts.
#include "engine/table/epoch.h"
#include "tests/unit/table/table_model.h"

#include <pthread.h>

typedef struct thing {
    dbk_object object;
    _Atomic bool *freed;
    uint64_t value;
} thing;

static void thing_dispose(dbk_object *object)
{
    thing *t = (thing *)object;
    if (t->freed)
        atomic_store(t->freed, true);
    t->value = UINT64_MAX;
}

static thing *thing_create(dbk_memory *memory, uint64_t value, _Atomic bool *freed)
{
    thing *t = dbk_object_create(memory, sizeof *t, thing_dispose);
    assert_non_null(t);
    t->value = value;
    t->freed = freed;
    return t;
}

static void test_nothing_is_freed_while_a_reader_could_see_it(void **state)
{
    (void)state;
    dbk_memory memory = {0};
    dbk_epoch *epoch = calloc(1, sizeof *epoch);
    dbk_epoch_init(epoch);
    _Atomic bool freed[3] = {false};

    uint32_t before = dbk_epoch_enter(epoch);
    dbk_epoch_retire(epoch, &thing_create(&memory, 0, &freed[0])->object);
    uint32_t between = dbk_epoch_enter(epoch);
    dbk_epoch_retire(epoch, &thing_create(&memory, 1, &freed[1])->object);
    dbk_epoch_reclaim(epoch);
    assert_false(freed[0] || freed[1]);
    dbk_epoch_leave(epoch, before);
    dbk_epoch_reclaim(epoch);
    assert_true(freed[0]);
    assert_false(freed[1]);
    uint32_t after = dbk_epoch_enter(epoch);
    dbk_epoch_leave(epoch, between);
    dbk_epoch_reclaim(epoch);
    assert_true(freed[1]);
    dbk_epoch_leave(epoch, after);

    dbk_epoch_retire(epoch, &thing_create(&memory, 2, &freed[2])->object);
    dbk_epoch_dispose(epoch);
    assert_true(freed[2]);
    assert_int_equal(memory.bytes, 0);
    free(epoch);
}

static void test_more_readers_than_slots(void **state)
{
    (void)state;
    enum { READERS = 3 * DBK_EPOCH_SLOTS };
    dbk_memory memory = {0};
    dbk_epoch *epoch = calloc(1, sizeof *epoch);
    dbk_epoch_init(epoch);
    _Atomic bool freed = false;
    static uint32_t slots[READERS];
    static bool taken[READERS];
    memset(taken, 0, sizeof taken);
    for (int i = 0; i < READERS; i++) {
        slots[i] = dbk_epoch_enter(epoch);
        assert_in_range(slots[i], 0, READERS - 1);
        assert_false(taken[slots[i]]);
        taken[slots[i]] = true;
    }
    dbk_epoch_retire(epoch, &thing_create(&memory, 0, &freed)->object);
    for (int i = 0; i < READERS; i++) {
        dbk_epoch_reclaim(epoch);
        assert_false(freed);
        dbk_epoch_leave(epoch, slots[i]);
    }
    dbk_epoch_reclaim(epoch);
    assert_true(freed);
    dbk_epoch_dispose(epoch);
    free(epoch);
}

typedef struct shared {
    dbk_epoch epoch;
    _Atomic(thing *) root;
    _Atomic bool stop;
} shared;

static void *read_things(void *user)
{
    shared *s = user;
    uint64_t last = 0;
    while (!atomic_load(&s->stop)) {
        uint32_t slot = dbk_epoch_enter(&s->epoch);
        const thing *t = atomic_load(&s->root);
        uint64_t value = t->value;
        // A freed one has the largest value; the writer's count only grows.
        if (value < last || value == UINT64_MAX)
            abort();
        last = value;
        dbk_epoch_leave(&s->epoch, slot);
    }
    return NULL;
}

static void test_readers_under_load(void **state)
{
    (void)state;
    enum { THREADS = 3, TURNS = 20000 };
    dbk_memory memory = {0};
    shared *s = calloc(1, sizeof *s);
    dbk_epoch_init(&s->epoch);
    atomic_store(&s->root, thing_create(&memory, 1, NULL));
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_things, s), 0);
    for (uint64_t i = 2; i < TURNS; i++) {
        thing *old = atomic_load(&s->root);
        atomic_store(&s->root, thing_create(&memory, i, NULL));
        dbk_epoch_retire(&s->epoch, &old->object);
        dbk_epoch_reclaim(&s->epoch);
    }
    atomic_store(&s->stop, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    dbk_epoch_reclaim(&s->epoch);
    assert_int_equal(memory.bytes, sizeof(thing)); // the root alone
    dbk_object_free(&atomic_load(&s->root)->object);
    dbk_epoch_dispose(&s->epoch);
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_freed_while_a_reader_could_see_it),
        cmocka_unit_test(test_more_readers_than_slots),
        cmocka_unit_test(test_readers_under_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
