// SPDX-License-Identifier: Apache-2.0
// Large cleared memory that is read and written all over. It comes in huge pages where the system gives them:
// with small ones each access costs a walk through the page tables beside it.
#ifndef DBK_BASE_PAGES_H
#define DBK_BASE_PAGES_H

#include <stddef.h>

// All bytes 0, aligned to 64; NULL when memory is out. Takes memory only where it is touched.
void *dbk_pages_create(size_t bytes);
// Asks for huge pages under large cleared memory of the C library's that nobody has touched yet. A small page
// that is read before it is written has two faults, the second of which interrupts all processors.
void dbk_pages_prefer_huge(void *memory, size_t bytes);
// Of the same size; NULL is fine.
void dbk_pages_free(void *pages, size_t bytes);

#endif
