// SPDX-License-Identifier: Apache-2.0
// The process's affinity, as its first thread has it: other threads may bind themselves to one processor.
#include "engine/base/processors.h"

#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

static int ask(void)
{
    cpu_set_t set;
    if (sched_getaffinity(getpid(), sizeof set, &set) == 0)
        return CPU_COUNT(&set);
    // More processors than the set has room for.
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online < 1 ? 1 : online > CPU_SETSIZE ? CPU_SETSIZE : (int)online;
}

int dbk_processors(int most)
{
    static atomic_int known;
    int count = known;
    if (count == 0)
        known = count = ask();
    return count < most ? count : most;
}
