// SPDX-License-Identifier: Apache-2.0
// Codes of which few are frequent come back by every path, with and without wide registers, in less than the
// width of the largest; conditions on them are those of a plain loop.
#include "engine/base/processor.h"
#include "engine/segment/columns.h"
#include "tests/unit/segment/segment_made.h"

#include <math.h>

// Customers by Zipf's law, as a dictionary would number them; one in six rows has none.
static void fill_orders(test_rows *r, dbk_random *random, uint32_t rows, uint32_t most, bool has_nulls)
{
    *r = (test_rows){.input = {.table = dbk_table_def_by_id(DBK_ORDERS), .id = 9, .rows = rows}};
    const int column = dbk_column_find(r->input.table, DBK_TEXT("customer_id"));
    uint32_t *codes = dbk_arena_zalloc(&r->arena, rows * sizeof *codes);
    for (uint32_t i = 0; i < rows; i++) {
        if (has_nulls && dbk_random_below(random, 6) == 0)
            continue;
        codes[i] = (uint32_t)exp(dbk_random_unit(random) * log(most));
    }
    r->input.codes[column] = codes;
}

static void check_reads(const dbk_segment *segment, int column, const uint32_t *codes, uint32_t rows)
{
    for (uint32_t row = 0; row < rows; row++) {
        static uint32_t out[DBK_VECTOR_ROWS];
        if (row % DBK_VECTOR_ROWS == 0)
            dbk_segment_codes(segment, column, row / DBK_VECTOR_ROWS, out);
        assert_int_equal(out[row % DBK_VECTOR_ROWS], codes[row]);
        assert_int_equal(dbk_segment_code_at(segment, column, row), codes[row]);
    }
}

static void check_between(const dbk_segment *segment, int column, const uint32_t *codes, uint32_t rows,
                          dbk_random *random)
{
    for (int round = 0; round < 100; round++) {
        const uint32_t v = (uint32_t)dbk_random_below(random, dbk_vectors(rows));
        const uint32_t n = dbk_vector_rows(rows, v), *of = codes + v * DBK_VECTOR_ROWS;
        const int64_t code =
            round % 3 ? of[dbk_random_below(random, n)] : (int64_t)dbk_random_below(random, 1 << 20);
        const bool any = round % 10 == 0;
        const int64_t lo = any ? 1 : code, hi = any ? UINT32_MAX : code;
        uint64_t mask[DBK_MASK_WORDS], was[DBK_MASK_WORDS];
        for (int w = 0; w < DBK_MASK_WORDS; w++)
            was[w] = mask[w] = round % 2 ? UINT64_MAX : dbk_random_u64(random);
        assert_true(dbk_segment_between(segment, column, v, lo, hi, mask));
        for (uint32_t i = 0; i < n; i++) {
            const bool expected = (was[i / 64] >> i % 64 & 1) && of[i] >= lo && of[i] <= hi;
            assert_int_equal(mask[i / 64] >> i % 64 & 1, expected);
        }
    }
    uint64_t mask[DBK_MASK_WORDS];
    assert_false(dbk_segment_between(segment, column, 0, 5, 900, mask));
}

static void frequent_codes_cost_less(void **state)
{
    (void)state;
    dbk_random random = test_random();
    static const uint32_t counts[] = {4000, 8192, 65536}, most[] = {1 << 16, 1 << 20, 1 << 24};
    for (int round = 0; round < 12; round++) {
        test_rows r;
        const uint32_t rows = counts[round % 3];
        fill_orders(&r, &random, rows, most[round / 3 % 3], round % 2);
        const int column = dbk_column_find(r.input.table, DBK_TEXT("customer_id"));
        for (int level = 0; level <= (int)dbk_level_best(); level++) {
            dbk_level_use((dbk_level)level);
            dbk_segment *segment = segment_build(&r);
            assert_int_equal(segment->columns[column].encoding, DBK_ENCODING_SPLIT);
            check_reads(segment, column, r.input.codes[column], rows);
            check_between(segment, column, r.input.codes[column], rows, &random);
            dbk_segment_free(segment);
        }
        dbk_level_use(dbk_level_best());
        rows_dispose(&r);
    }
}

static void even_codes_stay_packed(void **state)
{
    (void)state;
    dbk_random random = test_random();
    test_rows r;
    fill_orders(&r, &random, 8192, 1 << 16, false);
    const int column = dbk_column_find(r.input.table, DBK_TEXT("customer_id"));
    uint32_t *codes = (uint32_t *)r.input.codes[column];
    for (uint32_t i = 0; i < r.input.rows; i++)
        codes[i] = 1 + (uint32_t)dbk_random_below(&random, 1 << 16);
    dbk_segment *segment = segment_build(&r);
    assert_int_equal(segment->columns[column].encoding, DBK_ENCODING_PACKED);
    dbk_segment_free(segment);
    rows_dispose(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frequent_codes_cost_less),
        cmocka_unit_test(even_codes_stay_packed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
