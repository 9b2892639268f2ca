// SPDX-License-Identifier: Apache-2.0
// Reading within bounds and writing into buffers.
#include "engine/base/bytes.h"
#include "tests/support/seed.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_values_are_little_endian(void **state)
{
    (void)state;
    dbk_buffer b = {0};
    dbk_buffer_u8(&b, 0x01);
    dbk_buffer_u16(&b, 0x0302);
    dbk_buffer_u32(&b, 0x07060504);
    dbk_buffer_u64(&b, 0x0f0e0d0c0b0a0908);
    dbk_buffer_text(&b, DBK_TEXT("hi"));
    dbk_buffer_append(&b, NULL, 0);
    const uint8_t wanted[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 2, 0, 0, 0, 'h', 'i'};
    assert_int_equal(b.size, sizeof wanted);
    assert_memory_equal(b.data, wanted, sizeof wanted);

    dbk_reader r = dbk_reader_init(b.data, b.size);
    assert_int_equal(dbk_read_u8(&r), 0x01);
    assert_int_equal(dbk_read_u16(&r), 0x0302);
    assert_int_equal(dbk_read_u32(&r), 0x07060504);
    assert_true(dbk_read_u64(&r) == 0x0f0e0d0c0b0a0908);
    assert_true(dbk_text_equal(dbk_read_text(&r), DBK_TEXT("hi")));
    assert_int_equal(dbk_reader_left(&r), 0);
    assert_false(r.failed);
    dbk_buffer_dispose(&b);
}

static void test_a_short_read_fails_for_good(void **state)
{
    (void)state;
    const uint8_t bytes[] = {9, 9, 9, 9, 9, 9, 9};
    for (size_t size = 0; size < sizeof bytes; size++) {
        dbk_reader r = dbk_reader_init(bytes, size);
        assert_true(dbk_read_u64(&r) == 0);
        assert_true(r.failed);
        assert_int_equal(dbk_read_u8(&r), 0);
        assert_null(dbk_read_bytes(&r, 0));
        assert_int_equal(dbk_reader_left(&r), 0);
    }
    // A length far beyond the end, and one that would wrap around.
    dbk_reader r = dbk_reader_init("\xff\xff\xff\xff\xff", 5);
    dbk_text text = dbk_read_text(&r);
    assert_null(text.data);
    assert_int_equal(text.length, 0);
    assert_true(r.failed);
    r = dbk_reader_init(bytes, sizeof bytes);
    dbk_read_u8(&r);
    assert_null(dbk_read_bytes(&r, SIZE_MAX));
    assert_true(r.failed);
}

static void test_no_bytes_are_not_a_failure(void **state)
{
    (void)state;
    dbk_reader r = dbk_reader_init(NULL, 0);
    assert_non_null(dbk_read_bytes(&r, 0));
    assert_false(r.failed);
    assert_null(dbk_read_bytes(&r, 1));
    assert_true(r.failed);
}

static void test_buffer_grows_and_keeps_content(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random(__func__);
    dbk_buffer b = {0};
    static uint8_t twin[400000];
    size_t size = 0;
    while (size < 300000) {
        uint8_t piece[1000];
        size_t n = dbk_random_below(&r, sizeof piece);
        for (size_t i = 0; i < n; i++)
            piece[i] = (uint8_t)dbk_random_u64(&r);
        if (dbk_random_below(&r, 8) == 0)
            assert_non_null(dbk_buffer_reserve(&b, dbk_random_below(&r, 5000)));
        dbk_buffer_append(&b, piece, n);
        memcpy(twin + size, piece, n);
        size += n;
    }
    assert_int_equal(b.size, size);
    assert_memory_equal(b.data, twin, size);
    uint8_t *data = b.data;
    dbk_buffer_reset(&b);
    dbk_buffer_u8(&b, 7);
    assert_ptr_equal(b.data, data);
    assert_int_equal(b.size, 1);
    dbk_buffer_dispose(&b);
    assert_null(b.data);
}

static void test_format_fits_every_length(void **state)
{
    (void)state;
    dbk_buffer b = {0};
    char wanted[2000] = "";
    for (int n = 0; n < 40; n++) {
        dbk_buffer_format(&b, "%d:%*d;", n, n, 7);
        sprintf(wanted + strlen(wanted), "%d:%*d;", n, n, 7);
        assert_int_equal(b.size, strlen(wanted));
        assert_memory_equal(b.data, wanted, b.size);
    }
    dbk_buffer_dispose(&b);
    // Exactly at a full buffer, where the NUL of vsnprintf is what does not fit.
    for (int n = 250; n < 260; n++) {
        dbk_buffer exact = {0};
        dbk_buffer_format(&exact, "%*d", n, 1);
        assert_int_equal(exact.size, n);
        assert_int_equal(exact.data[n - 1], '1');
        dbk_buffer_dispose(&exact);
    }
}

static void test_failure_sticks_until_reset(void **state)
{
    (void)state;
    dbk_buffer b = {0};
    dbk_buffer_u32(&b, 1);
    volatile size_t huge = SIZE_MAX;
    assert_null(dbk_buffer_reserve(&b, huge));
    assert_true(b.failed);
    dbk_buffer_u8(&b, 1);
    dbk_buffer_format(&b, "x");
    assert_int_equal(b.size, 4);
    dbk_buffer_reset(&b);
    dbk_buffer_u8(&b, 1);
    assert_false(b.failed);
    assert_int_equal(b.size, 1);
    dbk_buffer_dispose(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_are_little_endian),
        cmocka_unit_test(test_a_short_read_fails_for_good),
        cmocka_unit_test(test_no_bytes_are_not_a_failure),
        cmocka_unit_test(test_buffer_grows_and_keeps_content),
        cmocka_unit_test(test_format_fits_every_length),
        cmocka_unit_test(test_failure_sticks_until_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
