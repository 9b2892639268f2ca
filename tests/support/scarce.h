// SPDX-License-Identifier: Apache-2.0
// Memory that runs out when a test says so. Test programs are linked so that malloc, calloc, realloc and
// aligned_alloc of this tree's code go through here (tests/CMakeLists.txt); what libraries allocate does not.
#ifndef DBK_TEST_SCARCE_H
#define DBK_TEST_SCARCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The nth allocation of this thread from here on (1 = the next) gives NULL; those behind it succeed again.
void scarce_begin(uint64_t nth);
// Ends that. Whether an allocation has failed: false when there were fewer.
bool scarce_end(void);

// For what stands in for the world outside (the simulated disk), which has memory of its own: not counted.
void *scarce_spare_calloc(size_t count, size_t size);
void *scarce_spare_realloc(void *old, size_t size);

#endif
