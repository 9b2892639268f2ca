// SPDX-License-Identifier: Apache-2.0
// Hot rows read as they were appended, whatever columns each batch has: a column that gets its first value in
// the middle of a chunk says "no value" of the rows before, by old pointers and new ones, and columns without
// any value take no memory.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "engine/table/delta.h"
#include "tests/support/seed.h"

enum { ROWS_MAX = 3000 };

// The naive twin: all columns, all rows.
typedef struct twin {
    int64_t ints[DBK_COLUMNS_MAX][ROWS_MAX];
    uint32_t codes[DBK_COLUMNS_MAX][ROWS_MAX];
    uint32_t texts[DBK_COLUMNS_MAX][ROWS_MAX]; // the text is this number, 0: none
    uint32_t rows;
} twin;

static dbk_text text_of(uint32_t number, char room[16])
{
    const int length = number ? snprintf(room, 16, "t%u", number) : 0;
    return (dbk_text){room, (uint32_t)length};
}

static void check(const dbk_delta *delta, const twin *t)
{
    const dbk_table_def *def = delta->table;
    assert_int_equal(delta->rows, t->rows);
    for (int c = 0; c < def->columns_count; c++)
        for (uint32_t row = 0; row < t->rows; row++) {
            char room[16];
            if (def->columns[c].type == DBK_TEXT)
                assert_true(dbk_text_equal(dbk_delta_text(delta, c, row), text_of(t->texts[c][row], room)));
            else if (def->columns[c].type == DBK_CODE)
                assert_int_equal(dbk_delta_code(delta, c, row), t->codes[c][row]);
            else
                assert_true(dbk_delta_int(delta, c, row) == t->ints[c][row]);
        }
}

// Appends rows with values in some columns, to both.
static dbk_delta *append(dbk_versions *versions, dbk_delta *delta, twin *t, dbk_random *random,
                         uint32_t count, uint32_t columns)
{
    static int64_t ints[DBK_COLUMNS_MAX][ROWS_MAX];
    static uint32_t codes[DBK_COLUMNS_MAX][ROWS_MAX];
    static dbk_text texts[DBK_COLUMNS_MAX][ROWS_MAX];
    static char rooms[DBK_COLUMNS_MAX][ROWS_MAX][16];
    const dbk_table_def *def = delta->table;
    dbk_delta_input input = {0};
    for (int c = 0; c < def->columns_count; c++) {
        const bool given = columns >> c & 1;
        for (uint32_t i = 0; i < count; i++) {
            const uint32_t number = given ? (uint32_t)dbk_random_below(random, 50) : 0;
            codes[c][i] = t->codes[c][t->rows + i] = number;
            ints[c][i] = t->ints[c][t->rows + i] = number ? (int64_t)number - 25 : DBK_NULL;
            t->texts[c][t->rows + i] = number;
            texts[c][i] = text_of(number, rooms[c][i]);
        }
        if (given && def->columns[c].type == DBK_TEXT)
            input.texts[c] = texts[c];
        else if (given && def->columns[c].type == DBK_CODE)
            input.codes[c] = codes[c];
        else if (given)
            input.ints[c] = ints[c];
    }
    if (delta->rows + count > dbk_delta_capacity(delta)) {
        dbk_delta *larger = dbk_delta_enlarge(versions, delta, count);
        assert_non_null(larger);
        dbk_object_free(&delta->object);
        delta = larger;
    }
    char *text;
    assert_true(dbk_delta_reserve(delta, &input, count, dbk_delta_text_bytes(def, &input, 0, count), &text));
    dbk_delta_append(delta, &input, 0, count, text);
    t->rows += count;
    return delta;
}

static void hot_rows_read_as_they_were_appended(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random("hot rows read as they were appended");
    static twin t;
    for (int round = 0; round < 40; round++) {
        dbk_versions versions = {.generation = 1};
        dbk_delta *delta = dbk_delta_create(&versions, dbk_table_def_by_id(DBK_ORDERS));
        assert_non_null(delta);
        t.rows = 0;
        while (t.rows < ROWS_MAX) {
            uint32_t count = 1 + (uint32_t)dbk_random_below(&random, round % 2 ? 700 : 40);
            count = count < ROWS_MAX - t.rows ? count : ROWS_MAX - t.rows;
            const uint32_t columns = (uint32_t)(dbk_random_u64(&random) & dbk_random_u64(&random));
            delta = append(&versions, delta, &t, &random, count, columns);
            if (round < 4 || t.rows == ROWS_MAX)
                check(delta, &t);
        }
        assert_int_equal(versions.memory.bytes, dbk_delta_memory(delta) + sizeof *delta);
        dbk_object_free(&delta->object);
        assert_int_equal(versions.memory.bytes, 0);
    }
}

// A reader that took the pointer before the column got its first value sees the same rows as one who takes it
// afterwards.
static void what_readers_hold_stays_true(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random("what readers hold stays true");
    static twin t;
    dbk_versions versions = {.generation = 1};
    dbk_delta *delta = dbk_delta_create(&versions, dbk_table_def_by_id(DBK_ORDERS));
    const int total = dbk_column_find(delta->table, DBK_TEXT("total"));
    const int id = dbk_column_find(delta->table, DBK_TEXT("id"));
    t.rows = 0;
    delta = append(&versions, delta, &t, &random, 500, 1u << id);
    const int64_t *before = dbk_delta_column(delta, total, 0);
    const uint64_t bytes = dbk_delta_memory(delta);
    delta = append(&versions, delta, &t, &random, 300, 1u << id);
    assert_true(dbk_delta_memory(delta) - bytes < 300 * 32); // texts alone
    delta = append(&versions, delta, &t, &random, 10, 1u << id | 1u << total);
    const int64_t *after = dbk_delta_column(delta, total, 0);
    assert_true(before != after);
    for (uint32_t row = 0; row < 800; row++)
        assert_true(before[row] == DBK_NULL && after[row] == DBK_NULL);
    check(delta, &t);
    dbk_object_free(&delta->object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hot_rows_read_as_they_were_appended),
        cmocka_unit_test(what_readers_hold_stays_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
