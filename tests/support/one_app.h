// SPDX-License-Identifier: Apache-2.0
// The application of a file of tests, each of which gets a new one, at noon (and a little) of 17 April 2026.
#ifndef DBK_TEST_ONE_APP_H
#define DBK_TEST_ONE_APP_H

#include "tests/support/app_client.h"

static test_app app;

// For cmocka_unit_test_setup_teardown.
static inline int one_app_open(void **state)
{
    (void)state;
    test_set_now("2026-04-17T12:34:56Z");
    test_app_open(&app, false);
    return 0;
}

// … that counts requests against the rate limits.
static inline int one_app_open_limited(void **state)
{
    (void)state;
    test_set_now("2026-04-17T12:34:56Z");
    test_app_open(&app, true);
    return 0;
}

static inline int one_app_close(void **state)
{
    (void)state;
    test_app_close(&app);
    return 0;
}

#endif
