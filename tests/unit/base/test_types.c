// SPDX-License-Identifier: Apache-2.0
// Texts, their comparison and their trimming.
#include "engine/base/types.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_text_from(void **state)
{
    (void)state;
    assert_int_equal(dbk_text_from("abc").length, 3);
    assert_int_equal(dbk_text_from(NULL).length, 0);
    assert_null(dbk_text_from(NULL).data);
}

static void test_equal(void **state)
{
    (void)state;
    assert_true(dbk_text_equal(DBK_TEXT("a\0b"), DBK_TEXT("a\0b")));
    assert_false(dbk_text_equal(DBK_TEXT("a\0b"), DBK_TEXT("a\0c")));
    assert_false(dbk_text_equal(DBK_TEXT("a"), DBK_TEXT("ab")));
    assert_true(dbk_text_equal(dbk_text_from(NULL), DBK_TEXT("")));
}

static void test_compare_is_byte_order(void **state)
{
    (void)state;
    // In order; bytes above 0x7f come after all of ASCII, prefixes first.
    const dbk_text ordered[] = {dbk_text_from(NULL), DBK_TEXT("A"),    DBK_TEXT("A\0"),  DBK_TEXT("AA"),
                                DBK_TEXT("a"),       DBK_TEXT("\x7f"), DBK_TEXT("\x80"), DBK_TEXT("\xff")};
    for (size_t i = 0; i < DBK_COUNT(ordered); i++) {
        for (size_t j = 0; j < DBK_COUNT(ordered); j++) {
            int order = dbk_text_compare(ordered[i], ordered[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
            assert_int_equal(dbk_text_equal(ordered[i], ordered[j]), i == j);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_from),
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_compare_is_byte_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
