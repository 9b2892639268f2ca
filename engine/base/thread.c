// SPDX-License-Identifier: Apache-2.0
// The kernel's scheduler runs whoever's turn ends first. A thread that asks for short turns has its ends
// sooner than one with ordinary turns, so that it goes before that one when it wakes; it pays by being
// interrupted more often when it computes itself.
#include "engine/base/thread.h"

#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

// As sched_setattr(2) has it; the C library has none.
typedef struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime_ns, deadline_ns, period_ns;
} attributes;

// The shortest that the kernel grants.
enum { TURN_NS = 100000 };

void dbk_thread_be_prompt(void)
{
#if defined(SYS_sched_setattr) && defined(SYS_sched_getattr)
    attributes own = {.size = sizeof own};
    if (syscall(SYS_sched_getattr, 0, &own, sizeof own, 0) != 0)
        return;
    own.size = sizeof own;
    own.runtime_ns = TURN_NS;
    (void)syscall(SYS_sched_setattr, 0, &own, 0);
#endif
}

void dbk_thread_give_way(void)
{
    const struct sched_param none = {0};
    (void)sched_setscheduler(0, SCHED_IDLE, &none); // of this thread
}
