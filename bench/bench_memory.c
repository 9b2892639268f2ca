// SPDX-License-Identifier: Apache-2.0
// What memory gives on this machine, by the size of what is read and by the number of cores, and what adding
// to groups costs a row: the floors of the scans. Prints one line for each; every loop's answer is checked.
//
//     bench_memory
#include "engine/base/random.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 7, THREADS_MAX = 2 };
static const double WORK_NS = 60e6; // for one timing

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void *must(void *memory)
{
    if (memory)
        return memory;
    fputs("out of memory\n", stderr);
    exit(1);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// ---- Reading ----

typedef struct reader {
    const uint64_t *values;
    size_t count, passes;
    uint64_t sum;
} reader;

static void *read_all(void *user)
{
    reader *r = user;
    uint64_t sum = 0;
    for (size_t pass = 0; pass < r->passes; pass++) {
        uint64_t a = 0, b = 0, c = 0, d = 0;
        for (size_t i = 0; i < r->count; i += 32)
            for (size_t j = 0; j < 8; j++) {
                a += r->values[i + j];
                b += r->values[i + 8 + j];
                c += r->values[i + 16 + j];
                d += r->values[i + 24 + j];
            }
        sum += a + b + c + d;
        __asm__ volatile("" : "+r"(sum)::"memory");
    }
    r->sum = sum;
    return NULL;
}

static double read_once(reader *readers, int threads)
{
    pthread_t ids[THREADS_MAX];
    double before = now_ns();
    for (int t = 1; t < threads; t++)
        if (pthread_create(&ids[t], NULL, read_all, &readers[t]) != 0)
            exit(1);
    read_all(&readers[0]);
    for (int t = 1; t < threads; t++)
        pthread_join(ids[t], NULL);
    return now_ns() - before;
}

static void bench_read(const char *name, size_t bytes, int threads)
{
    reader readers[THREADS_MAX];
    size_t count = bytes / sizeof(uint64_t);
    size_t passes = (size_t)(WORK_NS * 30 / (double)bytes) + 1; // at some 30 bytes a nanosecond
    for (int t = 0; t < threads; t++) {
        uint64_t *values = must(aligned_alloc(4096, bytes));
        for (size_t i = 0; i < count; i++)
            values[i] = i;
        readers[t] = (reader){values, count, passes, 0};
    }
    double took[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        took[i] = read_once(readers, threads);
        if (readers[0].sum != passes * (count * (count - 1) / 2))
            exit(1);
    }
    qsort(took, ROUNDS, sizeof(*took), by_value);
    printf("read %-6s %d thread%s  median %6.1f  best %6.1f bytes/ns\n", name, threads,
           threads > 1 ? "s" : " ", (double)(bytes * passes) * threads / took[ROUNDS / 2],
           (double)(bytes * passes) * threads / took[0]);
    for (int t = 0; t < threads; t++)
        free((void *)readers[t].values);
}

// ---- Adding to groups ----

enum { CODES = 1 << 22 };

typedef struct group {
    uint64_t sum, count;
} group;

static void scatter(const uint32_t *codes, const uint32_t *values, group *groups, size_t stride, int banks)
{
    for (size_t i = 0; i < CODES; i++) {
        group *g = &groups[(i & (size_t)(banks - 1)) * stride + codes[i]];
        g->sum += values[i];
        g->count++;
    }
}

static void bench_scatter(uint32_t groups_count, int banks)
{
    uint32_t *codes = must(malloc(CODES * sizeof(*codes))), *values = must(malloc(CODES * sizeof(*values)));
    group *groups = must(calloc((size_t)groups_count * (size_t)banks, sizeof(*groups)));
    dbk_random random = dbk_random_seed(1);
    uint64_t expected = 0, sum = 0, count = 0;
    for (size_t i = 0; i < CODES; i++) {
        codes[i] = (uint32_t)dbk_random_below(&random, groups_count);
        values[i] = (uint32_t)dbk_random_below(&random, 100000);
        expected += values[i];
    }
    double took[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        double before = now_ns();
        scatter(codes, values, groups, groups_count, banks);
        took[i] = now_ns() - before;
    }
    for (size_t i = 0; i < (size_t)groups_count * (size_t)banks; i++) {
        sum += groups[i].sum;
        count += groups[i].count;
    }
    if (sum != expected * ROUNDS || count != (uint64_t)CODES * ROUNDS)
        exit(1);
    qsort(took, ROUNDS, sizeof(*took), by_value);
    printf("add to %8u groups, %d bank%s  median %5.2f  best %5.2f ns/row\n", groups_count, banks,
           banks > 1 ? "s" : " ", took[ROUNDS / 2] / CODES, took[0] / CODES);
    free(codes);
    free(values);
    free(groups);
}

int main(void)
{
    for (int threads = 1; threads <= THREADS_MAX; threads++) {
        bench_read("L1", 16 << 10, threads);
        bench_read("L2", 512 << 10, threads);
        bench_read("L3", 8 << 20, threads);
        bench_read("DRAM", 512 << 20, threads);
    }
    for (uint32_t bits = 2; bits <= 22; bits += 2)
        for (int banks = 1; banks <= 4; banks *= 2)
            if (banks == 1 || bits <= 10)
                bench_scatter(UINT32_C(1) << bits, banks);
    return 0;
}
