// SPDX-License-Identifier: Apache-2.0
// Errors keep their status and their message.
#include "engine/base/status.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_fail_fills_and_returns(void **state)
{
    (void)state;
    dbk_error err = {0};
    assert_int_equal(dbk_fail(&err, DBK_IO, "disk %d of %s", 3, "box"), DBK_IO);
    assert_int_equal(err.status, DBK_IO);
    assert_string_equal(err.message, "disk 3 of box");
    assert_int_equal(dbk_fail(NULL, DBK_BUSY, "nobody listens"), DBK_BUSY);
}

static void test_long_messages_are_cut(void **state)
{
    (void)state;
    char name[2000];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    dbk_error err;
    dbk_fail(&err, DBK_INVALID, "%s", name);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
}

static void test_every_status_has_its_own_name(void **state)
{
    (void)state;
    assert_string_equal(dbk_status_name(DBK_CORRUPT), "corrupt");
    assert_string_equal(dbk_status_name(DBK_NO_SPACE), "no space");
    for (int a = DBK_OK; a <= DBK_CANCELLED; a++) {
        assert_string_not_equal(dbk_status_name((dbk_status)a), "unknown");
        for (int b = DBK_OK; b < a; b++)
            assert_string_not_equal(dbk_status_name((dbk_status)a), dbk_status_name((dbk_status)b));
    }
    assert_string_equal(dbk_status_name((dbk_status)999), "unknown");
}

static dbk_status try_twice(dbk_status first, int *reached)
{
    DBK_TRY(first);
    *reached = 1;
    return DBK_OK;
}

static void test_try_propagates(void **state)
{
    (void)state;
    int reached = 0;
    assert_int_equal(try_twice(DBK_LIMIT, &reached), DBK_LIMIT);
    assert_int_equal(reached, 0);
    assert_int_equal(try_twice(DBK_OK, &reached), DBK_OK);
    assert_int_equal(reached, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fail_fills_and_returns),
        cmocka_unit_test(test_long_messages_are_cut),
        cmocka_unit_test(test_every_status_has_its_own_name),
        cmocka_unit_test(test_try_propagates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
