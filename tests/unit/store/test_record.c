// SPDX-License-Identifier: Apache-2.0
// Records of the log: what they are replayed to, and which are compressed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/store/record.h"
#include "tests/support/seed.h"
#include "tests/unit/store/store_rows.h"

enum { HEAD = 8, ROWS_MAX = 400 };

static uint32_t word_at(const dbk_buffer *b, size_t at)
{
    uint32_t v;
    memcpy(&v, b->data + at, sizeof(v));
    return v;
}

static void records_of_any_size_are_read_back(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random(__func__);
    dbk_buffer log = {0};
    uint32_t records = 0, compressed = 0;
    // The first is of one row and the last of very many, so that there is one of either kind.
    for (uint32_t rows = 1; rows <= ROWS_MAX; rows += 1 + (uint32_t)dbk_random_below(&random, 60)) {
        dbk_batch orders;
        make_orders(&orders, rows);
        for (uint32_t i = 0; i < rows; i++)
            set_order(&orders, i, i, (int64_t)dbk_random_below(&random, 1000000));
        const dbk_batch *batches[] = {&orders};
        const dbk_change change = {
            .tenant = DBK_TEXT("shop"), .batches = batches, .batches_count = (int)DBK_COUNT(batches)};
        const size_t start = log.size;
        dbk_error err;
        assert_int_equal(dbk_record_append(&log, &change, &err), DBK_OK);
        const uint32_t stored = word_at(&log, start), raw = word_at(&log, start + 4);
        assert_int_equal(log.size, start + HEAD + stored);
        // Ids and times that follow one another are nothing that LZ4 could not make smaller.
        assert_int_equal(stored < raw, raw >= 4096);
        compressed += stored < raw;
        records++;
        dbk_batch_dispose(&orders);
    }
    assert_true(compressed > 0 && compressed < records);
    dbk_reader r = dbk_reader_init(log.data, log.size);
    for (uint32_t i = 0; i < records; i++) {
        dbk_error err;
        assert_int_equal(dbk_record_verify(&r, &err), DBK_OK);
    }
    assert_int_equal(dbk_reader_left(&r), 0);
    dbk_buffer_dispose(&log);
}

// A record that is refused leaves those before it as they are.
static void a_refused_change_leaves_the_buffer_as_it_was(void **state)
{
    (void)state;
    dbk_buffer log = {0};
    dbk_batch orders;
    dbk_error err;
    make_orders(&orders, 1);
    set_order(&orders, 0, 1, 10);
    const dbk_batch *batches[] = {&orders};
    const dbk_change change = {.tenant = DBK_TEXT("shop"), .batches = batches, .batches_count = 1};
    assert_int_equal(dbk_record_append(&log, &change, &err), DBK_OK);
    const size_t size = log.size;
    log.failed = true; // as when memory is out
    assert_int_equal(dbk_record_append(&log, &change, &err), DBK_NO_MEMORY);
    assert_int_equal(log.size, size);
    assert_int_equal(dbk_record_append(&log, &change, &err), DBK_OK);
    assert_int_equal(log.size, 2 * size);
    assert_memory_equal(log.data, log.data + size, size);
    dbk_buffer_dispose(&log);
    dbk_batch_dispose(&orders);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_of_any_size_are_read_back),
        cmocka_unit_test(a_refused_change_leaves_the_buffer_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
