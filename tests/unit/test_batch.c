// SPDX-License-Identifier: Apache-2.0
// The stored form of a batch: the same batch comes back, and spoilt bytes are refused or harmless.
#include "tests/unit/table/table_model.h"

static void batches_compare(const dbk_batch *a, const dbk_batch *b)
{
    assert_ptr_equal(a->table, b->table);
    assert_int_equal(a->rows, b->rows);
    assert_int_equal(a->remove, b->remove);
    assert_int_equal(a->lines != NULL, b->lines != NULL);
    for (uint32_t i = 0; i < a->rows; i++) {
        if (a->lines)
            assert_int_equal(a->lines[i], b->lines[i]);
        for (int c = 0; c < a->table->columns_count; c++) {
            cell x = batch_cell(a, c, i), y = batch_cell(b, c, i);
            assert_true(x.number == y.number);
            assert_true(dbk_text_equal(x.text, y.text));
        }
    }
}

static void extremes(dbk_random *r, dbk_batch *b)
{
    int64_t *totals = b->table->id == DBK_ORDERS ? b->columns[12].ints : NULL;
    for (uint32_t i = 0; totals && i < b->rows; i++)
        totals[i] = dbk_random_below(r, 2) ? INT64_MAX : INT64_MIN + 1;
}

static void test_batches_come_back(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random(__func__);
    for (int i = 0; i < 300; i++) {
        dbk_batch batch, back;
        dbk_error err;
        random_batch(&r, &batch, model_tables[dbk_random_below(&r, DBK_COUNT(model_tables))],
                     1 + (uint32_t)dbk_random_below(&r, 300), dbk_random_below(&r, 5) == 0);
        if (dbk_random_below(&r, 4) == 0)
            extremes(&r, &batch);
        if (dbk_random_below(&r, 2)) {
            batch.lines = dbk_arena_alloc(&batch.arena, batch.rows * sizeof *batch.lines);
            for (uint32_t k = 0; k < batch.rows; k++)
                batch.lines[k] = (uint32_t)(dbk_random_u64(&r) >> (32 + i % 32));
        }
        dbk_buffer bytes = {0};
        dbk_batch_encode(&batch, &bytes);
        assert_int_equal(dbk_batch_decode(&back, bytes.data, bytes.size, &err), DBK_OK);
        batches_compare(&batch, &back);
        dbk_batch_dispose(&back);

        // One byte short is always refused, one byte more too, and a spoilt byte never crashes.
        uint8_t *exact = malloc(bytes.size + 1);
        memcpy(exact, bytes.data, bytes.size);
        exact[bytes.size] = 0;
        assert_int_equal(dbk_batch_decode(&back, exact, bytes.size - 1, &err), DBK_CORRUPT);
        assert_int_equal(dbk_batch_decode(&back, exact, bytes.size + 1, &err), DBK_CORRUPT);
        for (int k = 0; k < 40; k++) {
            size_t at = dbk_random_below(&r, k < 20 ? 16 : bytes.size);
            uint8_t old = exact[at];
            exact[at] ^= (uint8_t)(1 + dbk_random_below(&r, 255));
            if (dbk_batch_decode(&back, exact, bytes.size, &err) == DBK_OK)
                dbk_batch_dispose(&back);
            exact[at] = old;
        }
        free(exact);
        dbk_buffer_dispose(&bytes);
        dbk_batch_dispose(&batch);
    }
}

static void test_check_refuses_what_the_engine_relies_on(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random(__func__);
    dbk_error err;
    dbk_batch b;
    random_batch(&r, &b, DBK_ORDERS, 3, false);
    assert_int_equal(dbk_batch_check(&b, &err), DBK_OK);
    dbk_text id = b.columns[0].texts[1];
    static char longest[65] = "0123456789012345678901234567890123456789012345678901234567890123x";
    b.columns[0].texts[1] = (dbk_text){longest, 64};
    assert_int_equal(dbk_batch_check(&b, &err), DBK_OK);
    b.columns[0].texts[1] = (dbk_text){longest, 65};
    assert_int_equal(dbk_batch_check(&b, &err), DBK_INVALID);
    b.columns[0].texts[1] = (dbk_text){NULL, 0};
    assert_int_equal(dbk_batch_check(&b, &err), DBK_INVALID);
    b.columns[0].texts[1] = DBK_TEXT("\xff");
    assert_int_equal(dbk_batch_check(&b, &err), DBK_INVALID);
    b.columns[0].texts[1] = id;
    b.columns[4].codes[2] = b.columns[4].words_count;
    assert_int_equal(dbk_batch_check(&b, &err), DBK_INVALID);
    b.columns[4].codes[2] = 0; // status is required
    assert_int_equal(dbk_batch_check(&b, &err), DBK_INVALID);
    b.columns[4].codes[2] = 1;
    assert_int_equal(dbk_batch_check(&b, &err), DBK_OK);
    b.columns[12].ints[0] = DBK_NULL; // so is total
    assert_int_equal(dbk_batch_check(&b, &err), DBK_INVALID);
    b.remove = true; // but not of what is removed
    assert_int_equal(dbk_batch_check(&b, &err), DBK_OK);
    b.rows = DBK_SEGMENT_ROWS + 1;
    assert_int_equal(dbk_batch_check(&b, &err), DBK_INVALID);
    dbk_batch_dispose(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batches_come_back),
        cmocka_unit_test(test_check_refuses_what_the_engine_relies_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
