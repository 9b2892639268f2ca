// SPDX-License-Identifier: Apache-2.0
// Alignment, growth and reset of arenas.
#include "engine/base/arena.h"
#include "tests/support/seed.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// Every piece is filled with its number; pieces that overlap would spoil each other.
static void test_pieces_are_aligned_and_apart(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random(__func__);
    enum { PIECES = 3000 };
    static struct {
        uint8_t *data;
        size_t size;
    } pieces[PIECES];
    dbk_arena arena = {0};
    size_t asked = 0;
    for (int i = 0; i < PIECES; i++) {
        int kind = (int)dbk_random_below(&r, 100);
        uint64_t bound = kind == 0 ? 3000000 : kind < 5 ? 20000 : kind < 50 ? 600 : 40;
        size_t size = dbk_random_below(&r, bound);
        bool zeroed = dbk_random_below(&r, 2);
        uint8_t *p = zeroed ? dbk_arena_zalloc(&arena, size) : dbk_arena_alloc(&arena, size);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t k = 0; zeroed && k < size; k++)
            assert_int_equal(p[k], 0);
        memset(p, i & 0xff, size);
        pieces[i].data = p;
        pieces[i].size = size;
        asked += size;
    }
    for (int i = 0; i < PIECES; i++) {
        for (size_t k = 0; k < pieces[i].size; k++) {
            if (pieces[i].data[k] != (i & 0xff))
                fail_msg("piece %d was overwritten at %zu", i, k);
        }
    }
    assert_true(arena.total_bytes >= asked);
    assert_true(arena.total_bytes < asked * 2 + 4 * 1048576);
    dbk_arena_dispose(&arena);
    assert_null(arena.blocks);
    assert_int_equal(arena.total_bytes, 0);
}

static void test_a_small_arena_is_one_small_block(void **state)
{
    (void)state;
    dbk_arena arena = {0};
    for (int i = 0; i < 100; i++)
        assert_non_null(dbk_arena_alloc(&arena, 32));
    assert_int_equal(arena.total_bytes, 4096);
    // A large request leaves the room of the small block in use.
    assert_non_null(dbk_arena_alloc(&arena, 5 << 20));
    size_t before = arena.total_bytes;
    assert_non_null(dbk_arena_alloc(&arena, 32));
    assert_int_equal(arena.total_bytes, before);
    dbk_arena_dispose(&arena);
}

static void test_copy_and_edges(void **state)
{
    (void)state;
    dbk_arena arena = {0};
    char *copy = dbk_arena_copy(&arena, "a\0bc", 3);
    assert_memory_equal(copy, "a\0b", 4);
    assert_string_equal(dbk_arena_copy(&arena, NULL, 0), "");
    void *nothing = dbk_arena_alloc(&arena, 0);
    assert_non_null(nothing);
    assert_ptr_not_equal(nothing, dbk_arena_alloc(&arena, 0));
    volatile size_t huge = SIZE_MAX;
    assert_null(dbk_arena_alloc(&arena, huge));
    assert_null(dbk_arena_alloc(&arena, huge - 15));
    assert_null(dbk_arena_zalloc(&arena, huge / 2));
    assert_null(dbk_arena_copy(&arena, "", huge));
    assert_non_null(dbk_arena_alloc(&arena, 8));
    dbk_arena_dispose(&arena);
    dbk_arena_dispose(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_are_aligned_and_apart),
        cmocka_unit_test(test_a_small_arena_is_one_small_block),
        cmocka_unit_test(test_copy_and_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
