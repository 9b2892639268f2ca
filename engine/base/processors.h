// SPDX-License-Identifier: Apache-2.0
// How many threads are worth having.
#ifndef DBK_BASE_PROCESSORS_H
#define DBK_BASE_PROCESSORS_H

// The processors that this process may run on, which may be fewer than the machine has (taskset, a
// container's cpuset): at least 1, at most `most`, which is 1 or more. Any thread. The kernel is asked once,
// so that this may be called for each request; what changes later is not noticed.
int dbk_processors(int most);

#endif
