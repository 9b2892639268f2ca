// SPDX-License-Identifier: Apache-2.0
// Large memory is mapped at the bounds of huge pages, small memory is the C library's.
#include "engine/base/pages.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

// Below that, the caches of translations reach.
enum { HUGE_PAGE = 1 << 21, WORTH = 2 * HUGE_PAGE };

static size_t whole(size_t bytes)
{
    return (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
}

static void *create_small(size_t bytes)
{
    void *memory = aligned_alloc(64, (bytes + 64) / 64 * 64);
    if (memory)
        memset(memory, 0, bytes);
    return memory;
}

void *dbk_pages_create(size_t bytes)
{
    if (bytes < WORTH)
        return create_small(bytes);
    if (bytes > SIZE_MAX / 2)
        return NULL;
    const size_t size = whole(bytes), asked = size + HUGE_PAGE;
    char *memory =
        mmap(NULL, asked, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    // What stands out at both ends goes back.
    const size_t before = (size_t)(-(uintptr_t)memory & (HUGE_PAGE - 1)), after = HUGE_PAGE - before;
    if (before)
        munmap(memory, before);
    if (after)
        munmap(memory + before + size, after);
    (void)madvise(memory + before, size, MADV_HUGEPAGE); // small pages do as well
    return memory + before;
}

void dbk_pages_prefer_huge(void *memory, size_t bytes)
{
    const uintptr_t from = ((uintptr_t)memory + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    const uintptr_t to = ((uintptr_t)memory + bytes) / HUGE_PAGE * HUGE_PAGE;
    if (bytes >= WORTH && from < to)
        (void)madvise((void *)from, to - from, MADV_HUGEPAGE); // small pages do as well
}

void dbk_pages_free(void *pages, size_t bytes)
{
    if (bytes < WORTH)
        free(pages);
    else if (pages)
        munmap(pages, whole(bytes));
}
