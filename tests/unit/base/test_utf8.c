// SPDX-License-Identifier: Apache-2.0
// Valid and invalid sequences, byte by byte.
#include "engine/base/utf8.h"
#include "tests/support/seed.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// The naive twin: decode by the bit patterns alone, then judge the code point.
static size_t twin_invalid_at(const uint8_t *p, size_t size)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t at = 0;
    while (at < size) {
        uint8_t c = p[at];
        size_t n = c < 0x80             ? 1
                   : (c & 0xe0) == 0xc0 ? 2
                   : (c & 0xf0) == 0xe0 ? 3
                   : (c & 0xf8) == 0xf0 ? 4
                                        : 0;
        if (n == 0 || at + n > size)
            return at;
        uint32_t code = n == 1 ? c : c & (0x7fu >> n);
        for (size_t i = 1; i < n; i++) {
            if ((p[at + i] & 0xc0) != 0x80)
                return at;
            code = code << 6 | (p[at + i] & 0x3f);
        }
        if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
            return at;
        at += n;
    }
    return size;
}

static void test_every_start_of_a_sequence(void **state)
{
    (void)state;
    // All leads and second bytes, with later bytes at their limits, cut after 1 to 4 bytes.
    const uint8_t later[] = {0x00, 0x7f, 0x80, 0xbf, 0xc0};
    for (int a = 0; a < 256; a++) {
        for (int b = 0; b < 256; b++) {
            for (size_t i = 0; i < sizeof later; i++) {
                for (size_t j = 0; j < sizeof later; j++) {
                    const uint8_t bytes[4] = {(uint8_t)a, (uint8_t)b, later[i], later[j]};
                    for (size_t size = 1; size <= 4; size++)
                        assert_int_equal(dbk_utf8_invalid_at(bytes, size), twin_invalid_at(bytes, size));
                }
            }
        }
    }
}

static size_t put_code(uint8_t *p, uint32_t code)
{
    if (code < 0x80) {
        p[0] = (uint8_t)code;
        return 1;
    }
    size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, code >>= 6)
        p[i] = 0x80 | (code & 0x3f);
    p[0] = (uint8_t)(0xf00 >> n | code);
    return n;
}

static void test_long_texts_with_one_fault(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random(__func__);
    for (int round = 0; round < 20000; round++) {
        uint8_t text[320];
        size_t size = 0, wanted = dbk_random_below(&r, 300);
        while (size < wanted) {
            uint32_t code = (uint32_t)dbk_random_below(&r, 20) ? (uint32_t)dbk_random_below(&r, 0x80)
                                                               : (uint32_t)dbk_random_below(&r, 0x110000);
            if (code >= 0xd800 && code <= 0xdfff)
                continue;
            size += put_code(text + size, code);
        }
        assert_int_equal(dbk_utf8_invalid_at(text, size), size);
        if (size == 0)
            continue;
        text[dbk_random_below(&r, size)] = (uint8_t)dbk_random_u64(&r);
        size -= dbk_random_below(&r, 2);
        assert_int_equal(dbk_utf8_invalid_at(text, size), twin_invalid_at(text, size));
    }
    assert_int_equal(dbk_utf8_invalid_at(NULL, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_start_of_a_sequence),
        cmocka_unit_test(test_long_texts_with_one_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
