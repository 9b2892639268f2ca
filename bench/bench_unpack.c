// SPDX-License-Identifier: Apache-2.0
// How many packed numbers of each width does a core unpack per nanosecond, from its first-level cache?
// Answers are compared with single look-ups before anything is timed. Prints one line per width.
//
//     bench_unpack [TIMES]   how often one timing unpacks 1,024 of them, 2000 unless said
#include "engine/base/random.h"
#include "engine/segment/bitpack.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static _Alignas(64) uint64_t values[DBK_VECTOR_ROWS], packed[DBK_VECTOR_ROWS], wide[DBK_VECTOR_ROWS];
static _Alignas(64) uint32_t narrow[DBK_VECTOR_ROWS];

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

int main(int argc, char **argv)
{
    enum { ROUNDS = 7 };
    int times = argc > 1 ? atoi(argv[1]) : 2000;
    if (times < 1)
        return 2;
    dbk_random random = dbk_random_seed(1);
    printf("width  values/ns\n");
    for (int width = 1; width <= 64; width++) {
        for (int i = 0; i < DBK_VECTOR_ROWS; i++)
            values[i] = dbk_random_u64(&random) >> (64 - width);
        dbk_bits_pack(values, width, packed);
        dbk_bits_unpack64(packed, width, wide);
        if (width <= 32)
            dbk_bits_unpack32(packed, width, narrow);
        check(width);

        double best = 1e18;
        for (int round = 0; round < ROUNDS; round++) {
            double start = now_ns();
            for (int i = 0; i < times; i++) {
                if (width <= 32)
                    dbk_bits_unpack32(packed, width, narrow);
                else
                    dbk_bits_unpack64(packed, width, wide);
                __asm__ volatile("" ::: "memory");
            }
            double took = now_ns() - start;
            best = took < best ? took : best;
        }
        printf("%5d  %8.1f\n", width, (double)times * DBK_VECTOR_ROWS / best);
    }
    return 0;
}
