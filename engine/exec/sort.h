// SPDX-License-Identifier: Apache-2.0
// Numbers of 64 bits sorted by their digits from the last to the first, but only those in which they differ.
#ifndef DBK_EXEC_SORT_H
#define DBK_EXEC_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Ascending by their bits from `first_bit` (0 to 63) up; numbers that are equal there stay in their order.
// False, and nothing was moved: there is no memory for a copy.
bool dbk_sort_numbers(uint64_t *numbers, size_t count, unsigned first_bit);

#endif
