// SPDX-License-Identifier: Apache-2.0
// Memory that runs out: the linker's --wrap gives this file the calls, and the real ones under another name.
#include "tests/support/scarce.h"

#include <errno.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

// Allocations until the one that fails; 0: none will.
static _Thread_local uint64_t left;
static _Thread_local bool has_failed;

void scarce_begin(uint64_t nth)
{
    left = nth;
    has_failed = false;
}

bool scarce_end(void)
{
    left = 0;
    return has_failed;
}

void *scarce_spare_calloc(size_t count, size_t size)
{
    return __real_calloc(count, size);
}

void *scarce_spare_realloc(void *old, size_t size)
{
    return __real_realloc(old, size);
}

static bool is_out(void)
{
    if (left == 0 || --left > 0)
        return false;
    has_failed = true;
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return is_out() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return is_out() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return is_out() ? NULL : __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return is_out() ? NULL : __real_aligned_alloc(alignment, size);
}
