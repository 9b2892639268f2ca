// SPDX-License-Identifier: Apache-2.0
// The number of processors is that of the process, not that of the machine. Each case is a process of its
// own, since the answer is kept.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/processors.h"

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

// What a process says that may run on these processors.
static int processors_of(const cpu_set_t *set, int most)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(sched_setaffinity(0, sizeof *set, set) == 0 ? dbk_processors(most) : 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_processors_are_those_of_the_process(void **state)
{
    (void)state;
    cpu_set_t all, few;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&few);
    int count = 0;
    for (int i = 0; i < CPU_SETSIZE && count < 100; i++) {
        if (!CPU_ISSET(i, &all))
            continue;
        CPU_SET(i, &few);
        assert_int_equal(processors_of(&few, 100), ++count);
        assert_int_equal(processors_of(&few, 1), 1);
    }
    assert_true(count > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_processors_are_those_of_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
