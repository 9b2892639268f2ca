// SPDX-License-Identifier: Apache-2.0
// Cells hold what was added to them, whatever the size of the numbers, and images hold what they held when
// they were made.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "engine/table/cube.h"
#include "tests/support/seed.h"

enum { BUCKETS = 5, TUPLES = 40, COLUMNS = 3, STEPS = 4000 };

typedef struct twin {
    int64_t numbers[BUCKETS][TUPLES][COLUMNS];
} twin;

static int32_t bucket_number(uint32_t i)
{
    static const int32_t numbers[BUCKETS] = {0, 1, 700, -1, 1 << 20};
    return numbers[i];
}

static uint32_t check(const dbk_cube *cube, const twin *t)
{
    uint32_t wide = 0;
    for (uint32_t b = 0; b < BUCKETS; b++) {
        const dbk_cells *cells = dbk_cube_find(cube, bucket_number(b));
        wide += cells && cells->is_wide;
        for (uint32_t tuple = 0; tuple < TUPLES; tuple++) {
            const void *page = cells ? dbk_cells_page(cells, tuple / DBK_CUBE_PAGE) : NULL;
            for (uint32_t c = 0; c < COLUMNS; c++)
                assert_true((page ? dbk_cells_number(cells, page, c, tuple) : 0) == t->numbers[b][tuple][c]);
        }
    }
    return wide;
}

// Numbers of at most so many bits, of either sign.
static int64_t some_number(dbk_random *random, int bits)
{
    const int64_t number =
        (int64_t)(dbk_random_u64(random) >> (64 - (1 + (int)dbk_random_below(random, (uint64_t)bits))));
    return dbk_random_below(random, 2) ? number : -number;
}

static void cells_hold_what_was_added(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random("cells hold what was added");
    // The larger the numbers, the more buckets get wide; those of 30 bits reach the edge by many steps.
    static const int bits[] = {8, 30, 33, 50};
    for (size_t round = 0; round < DBK_COUNT(bits); round++) {
        dbk_object *garbage = NULL;
        dbk_versions versions = {.generation = 1, .garbage = &garbage};
        dbk_cube cube = {0}, image = {0};
        static twin now, then;
        memset(&now, 0, sizeof now);
        memset(&then, 0, sizeof then);
        for (int step = 0; step < STEPS; step++) {
            const uint32_t b = (uint32_t)dbk_random_below(&random, BUCKETS);
            const uint32_t tuple = (uint32_t)dbk_random_below(&random, TUPLES);
            const int sign = dbk_random_below(&random, 4) ? 1 : -1;
            int64_t numbers[2 * COLUMNS];
            for (uint32_t c = 0; c < COLUMNS; c++) {
                numbers[2 * c] = some_number(&random, bits[round]);
                now.numbers[b][tuple][c] += sign * numbers[2 * c];
            }
            dbk_cells **cells = dbk_cube_own(&cube, &versions, bucket_number(b));
            assert_non_null(cells);
            assert_true(dbk_cube_add(&cube, cells, &versions, tuple, numbers, 2, COLUMNS, sign));
            if (step % 97 == 0)
                check(&cube, &now);
            if (step == STEPS / 2) { // an image, and the next generation
                image = cube;
                then = now;
                versions.generation++;
            }
        }
        const uint32_t wide = check(&cube, &now);
        assert_true(bits[round] > 8 || wide == 0);
        assert_true(bits[round] < 33 || wide == BUCKETS);
        check(&image, &then);
        dbk_cube_release(&cube, NULL);
        dbk_object_free_all(garbage);
        assert_int_equal(versions.memory.bytes, 0);
    }
}

static void numbers_at_the_edge_of_their_words_are_exact(void **state)
{
    (void)state;
    static const int64_t edges[] = {INT32_MAX, INT32_MIN,    (int64_t)INT32_MAX + 1, (int64_t)INT32_MIN - 1,
                                    INT64_MAX, INT64_MIN + 1};
    for (size_t e = 0; e < DBK_COUNT(edges); e++)
        for (int sign = -1; sign <= 1; sign += 2) {
            dbk_versions versions = {.generation = 1};
            dbk_cube cube = {0};
            dbk_cells **cells = dbk_cube_own(&cube, &versions, 7);
            const int64_t first[] = {1, -2, 3}, edge[] = {0, edges[e], 0}, back[] = {0, 2, 0};
            assert_true(dbk_cube_add(&cube, cells, &versions, 9, first, 1, COLUMNS, 1));
            assert_true(dbk_cube_add(&cube, cells, &versions, 9, back, 1, COLUMNS, 1));
            assert_true(dbk_cube_add(&cube, cells, &versions, 9, edge, 1, COLUMNS, sign));
            const void *page = dbk_cells_page(*cells, 1);
            const int64_t expected = sign * edges[e];
            assert_true(dbk_cells_number(*cells, page, 0, 9) == 1);
            assert_true(dbk_cells_number(*cells, page, 1, 9) == expected);
            assert_true(dbk_cells_number(*cells, page, 2, 9) == 3);
            assert_int_equal((*cells)->is_wide, expected != (int32_t)expected);
            // What leaves 64 bits is refused.
            const int64_t all[] = {0, INT64_MAX, 0};
            assert_int_equal(dbk_cube_add(&cube, cells, &versions, 9, all, 1, COLUMNS, 1), expected <= 0);
            dbk_cube_release(&cube, NULL);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_hold_what_was_added),
        cmocka_unit_test(numbers_at_the_edge_of_their_words_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
