// SPDX-License-Identifier: Apache-2.0
// How many packed numbers of each width does a core unpack per nanosecond, from its first-level cache?
// Answers are compared with single look-ups before anything is timed. Prints one line per width, with a
// column for each level that the processor runs: unpacked, and (in brackets) compared with an interval.
//
//     bench_unpack [TIMES]   how often one timing takes 1,024 of them, 2000 unless said
#include "engine/base/clock.h"
#include "engine/base/processor.h"
#include "engine/base/random.h"
#include "engine/segment/bitpack.h"

#include <stdio.h>
#include <stdlib.h>

static double now_ns(void)
{
    return (double)dbk_clock_steady_ns();
}

static _Alignas(64) uint64_t values[DBK_VECTOR_ROWS], packed[DBK_VECTOR_ROWS], wide[DBK_VECTOR_ROWS];
static _Alignas(64) uint32_t narrow[DBK_VECTOR_ROWS];
static uint64_t mask[DBK_MASK_WORDS];

static void check(int width)
{
    for (uint32_t i = 0; i < DBK_VECTOR_ROWS; i++) {
        if (wide[i] != values[i] || dbk_bits_at(packed, width, i) != values[i] ||
            (width <= 32 && narrow[i] != values[i])) {
            fprintf(stderr, "width %d: number %u is wrong\n", width, i);
            exit(1);
        }
    }
}

static double per_ns(void (*work)(int width), int width, int times)
{
    enum { ROUNDS = 7 };
    double best = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns();
        for (int i = 0; i < times; i++) {
            work(width);
            __asm__ volatile("" ::: "memory");
        }
        double took = now_ns() - start;
        best = took < best ? took : best;
    }
    return (double)times * DBK_VECTOR_ROWS / best;
}

static void unpack(int width)
{
    if (width <= 32)
        dbk_bits_unpack32(packed, width, narrow);
    else
        dbk_bits_unpack64(packed, width, wide);
}

static void compare(int width)
{
    dbk_bits_between(packed, width, 1, UINT32_MAX >> (32 - width), mask);
}

int main(int argc, char **argv)
{
    const int times = argc > 1 ? atoi(argv[1]) : 2000;
    if (times < 1)
        return 2;
    dbk_random random = dbk_random_seed(1);
    printf("width  values/ns");
    for (int level = 0; level <= (int)dbk_level_best(); level++)
        printf("%16s", dbk_level_name((dbk_level)level));
    putchar('\n');
    for (int width = 1; width <= 64; width++) {
        printf("%5d           ", width);
        for (int level = 0; level <= (int)dbk_level_best(); level++) {
            dbk_level_use((dbk_level)level);
            for (int i = 0; i < DBK_VECTOR_ROWS; i++)
                values[i] = dbk_random_u64(&random) >> (64 - width);
            dbk_bits_pack(values, width, packed);
            dbk_bits_unpack64(packed, width, wide);
            if (width <= 32)
                dbk_bits_unpack32(packed, width, narrow);
            check(width);
            printf("  %6.1f", per_ns(unpack, width, times));
            if (width <= 32)
                printf(" (%5.1f)", per_ns(compare, width, times));
            else
                printf("        ");
            fflush(stdout);
        }
        putchar('\n');
    }
    return 0;
}
