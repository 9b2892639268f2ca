// SPDX-License-Identifier: Apache-2.0
// Digit by digit, each pass stable.
#include "engine/exec/sort.h"

#include <stdlib.h>
#include <string.h>

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, FEW = 16 };

// False, and nothing was moved, where all have the same digit.
static bool sort_digit(const uint64_t *from, uint64_t *to, size_t count, unsigned shift)
{
    size_t starts[DIGITS] = {0}, at = 0;
    for (size_t i = 0; i < count; i++)
        starts[from[i] >> shift & (DIGITS - 1)]++;
    if (starts[from[0] >> shift & (DIGITS - 1)] == count)
        return false;
    for (size_t d = 0; d < DIGITS; d++) {
        const size_t n = starts[d];
        starts[d] = at;
        at += n;
    }
    for (size_t i = 0; i < count; i++)
        to[starts[from[i] >> shift & (DIGITS - 1)]++] = from[i];
    return true;
}

static void sort_few(uint64_t *numbers, size_t count, unsigned first_bit)
{
    for (size_t i = 1; i < count; i++) {
        const uint64_t number = numbers[i];
        size_t at = i;
        for (; at > 0 && numbers[at - 1] >> first_bit > number >> first_bit; at--)
            numbers[at] = numbers[at - 1];
        numbers[at] = number;
    }
}

bool dbk_sort_numbers(uint64_t *numbers, size_t count, unsigned first_bit)
{
    if (count <= FEW) {
        sort_few(numbers, count, first_bit);
        return true;
    }
    uint64_t *room = malloc(count * sizeof *room), *from = numbers, *to = room;
    uint64_t differs = 0;
    if (!room)
        return false;
    for (size_t i = 1; i < count; i++)
        differs |= numbers[i] ^ numbers[0];
    for (unsigned shift = first_bit; shift < 64 && differs >> shift; shift += DIGIT_BITS) {
        shift += (unsigned)__builtin_ctzll(differs >> shift);
        if (sort_digit(from, to, count, shift)) {
            uint64_t *sorted = to;
            to = from;
            from = sorted;
        }
    }
    if (from == room)
        memcpy(numbers, room, count * sizeof *numbers);
    free(room);
    return true;
}
