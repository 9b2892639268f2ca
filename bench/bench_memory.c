// SPDX-License-Identifier: Apache-2.0
// What memory gives on this machine, by the size of what is read and by the number of cores, and what adding
// to groups costs a row: the floors of the scans. Prints one line for each; every loop's answer is checked.
//
//     bench_memory [MS]                      everything; MS of work for one timing, 60 unless said
//     bench_memory read BYTES THREADS [MS]   bytes/ns of reading so much again and again, all threads
//     together bench_memory add GROUPS [MS]           ns/row of adding to so many groups, by the best way
//     there is here
#include "engine/base/clock.h"
#include "engine/base/processor.h"
#include "engine/base/random.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 7, THREADS_MAX = 2 };
static double work_ns = 60e6; // for one timing

static double now_ns(void)
{
    return (double)dbk_clock_steady_ns();
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

typedef struct figure {
    double median, best;
} figure;

// `took` is in nanoseconds and gets sorted.
static figure figure_of(double took[ROUNDS])
{
    qsort(took, ROUNDS, sizeof(*took), by_value);
    return (figure){took[ROUNDS / 2], took[0]};
}

// Every thread reads its share of the bytes; bytes/ns of all.
static figure bench_read(size_t bytes, int threads)
{
    reader readers[THREADS_MAX];
    size_t share = (bytes / (size_t)threads + 4095) & ~(size_t)4095, count = share / sizeof(uint64_t);
    size_t passes = (size_t)(work_ns * 30 / (double)share) + 1; // at some 30 bytes a nanosecond
    for (int t = 0; t < threads; t++) {
        uint64_t *values = must(aligned_alloc(4096, share));
        for (size_t i = 0; i < count; i++)
            values[i] = i;
        readers[t] = (reader){values, count, passes, 0};
    }
    double took[ROUNDS];
    read_once(readers, threads);
    for (int i = 0; i < ROUNDS; i++) {
        took[i] = read_once(readers, threads);
        for (int t = 0; t < threads; t++)
            if (readers[t].sum != passes * (count * (count - 1) / 2))
                exit(1);
    }
    for (int t = 0; t < threads; t++)
        free((void *)readers[t].values);
    figure f = figure_of(took);
    double all = (double)(share * passes) * threads;
    return (figure){all / f.median, all / f.best};
}

static void show_read(const char *name, size_t bytes, int threads)
{
    figure f = bench_read(bytes * (size_t)threads, threads);
    printf("read %-5s %8zu KiB a thread  %d thread%s  median %6.1f  best %6.1f bytes/ns\n", name, bytes >> 10,
           threads, threads > 1 ? "s" : " ", f.median, f.best);
}

// ---- Adding to groups ----

enum { BLOCK = 1024, REGISTER_GROUPS_MAX = 16 };
static size_t rows_added = 1 << 22;

typedef struct group {
    uint64_t sum, count;
} group;

static void scatter(const uint32_t *codes, const uint32_t *values, group *groups, size_t stride, int banks)
{
    for (size_t i = 0; i < rows_added; i++) {
        group *g = &groups[(i & (size_t)(banks - 1)) * stride + codes[i]];
        g->sum += values[i];
        g->count++;
    }
}

// Few groups: each looks at a block of rows in turn and adds up its own without a branch or a store.
#define IN_REGISTERS(attributes, name)                                                                       \
    attributes static void name(const uint32_t *codes, const uint32_t *values, group *groups,                \
                                uint32_t count)                                                              \
    {                                                                                                        \
        for (size_t at = 0; at < rows_added; at += BLOCK)                                                    \
            for (uint32_t g = 0; g < count; g++) {                                                           \
                uint32_t sum = 0, hits = 0; /* a block of values below 2^20 fits */                          \
                for (size_t i = at; i < at + BLOCK; i++) {                                                   \
                    uint32_t is = 0u - (uint32_t)(codes[i] == g);                                            \
                    sum += values[i] & is;                                                                   \
                    hits -= is;                                                                              \
                }                                                                                            \
                groups[g].sum += sum;                                                                        \
                groups[g].count += hits;                                                                     \
            }                                                                                                \
    }
IN_REGISTERS(, in_registers)
#if DBK_HAS_512
IN_REGISTERS(DBK_512, in_registers_512)
#endif

// banks 0: in registers.
static figure bench_add(uint32_t groups_count, int banks)
{
    rows_added = groups_count > 1 << 20 && work_ns >= 60e6 ? 1 << 24 : work_ns < 60e6 ? 1 << 16 : 1 << 22;
    uint32_t *codes = must(malloc(rows_added * sizeof(*codes))),
             *values = must(malloc(rows_added * sizeof(*values)));
    size_t slots = (size_t)groups_count * (size_t)(banks ? banks : 1);
    group *groups = must(calloc(slots, sizeof(*groups)));
    dbk_random random = dbk_random_seed(1);
    uint64_t expected = 0, sum = 0, count = 0;
    for (size_t i = 0; i < rows_added; i++) {
        codes[i] = (uint32_t)dbk_random_below(&random, groups_count);
        values[i] = (uint32_t)dbk_random_below(&random, 100000);
        expected += values[i];
    }
    double took[ROUNDS];
    for (int i = -1; i < ROUNDS; i++) { // one to warm up
        double before = now_ns();
        if (banks)
            scatter(codes, values, groups, groups_count, banks);
#if DBK_HAS_512
        else if (dbk_has_512())
            in_registers_512(codes, values, groups, groups_count);
#endif
        else
            in_registers(codes, values, groups, groups_count);
        if (i >= 0)
            took[i] = (now_ns() - before) / (double)rows_added;
    }
    for (size_t i = 0; i < slots; i++) {
        sum += groups[i].sum;
        count += groups[i].count;
    }
    if (sum != expected * (ROUNDS + 1) || count != (uint64_t)rows_added * (ROUNDS + 1))
        exit(1);
    free(codes);
    free(values);
    free(groups);
    return figure_of(took);
}

static void show_add(uint32_t groups_count, int banks)
{
    figure f = bench_add(groups_count, banks);
    static const char *const ways[] = {"registers", "1 bank", "2 banks", "", "4 banks"};
    printf("add to %8u groups, %-9s  median %5.2f  best %5.2f ns/row\n", groups_count, ways[banks], f.median,
           f.best);
}

static double best_add(uint32_t groups_count)
{
    double best = bench_add(groups_count, 1).median;
    for (int banks = groups_count <= REGISTER_GROUPS_MAX ? 0 : 2; banks <= 4 && groups_count <= 1 << 12;
         banks += 2) {
        double one = bench_add(groups_count, banks).median;
        best = one < best ? one : best;
    }
    return best;
}

static void show_all(void)
{
    bool whole = work_ns >= 60e6;
    for (int threads = 1; threads <= THREADS_MAX; threads++) {
        show_read("L1", 16 << 10, threads);
        show_read("L2", 512 << 10, threads);
        show_read("L3", 8 << 20, threads);
        show_read("L3", whole ? 64 << 20 : 9 << 20, threads);
        show_read("DRAM", whole ? (size_t)1 << 30 : 10 << 20, threads);
    }
    for (uint32_t groups = 4; groups <= REGISTER_GROUPS_MAX; groups *= 2)
        show_add(groups, 0);
    for (uint32_t bits = 2; bits <= (whole ? 24 : 16); bits += 2)
        for (int banks = 1; banks <= 4; banks *= 2)
            if (banks == 1 || bits <= 12)
                show_add(UINT32_C(1) << bits, banks);
}

int main(int argc, char **argv)
{
    bool is_read = argc > 3 && strcmp(argv[1], "read") == 0, is_add = argc > 2 && strcmp(argv[1], "add") == 0;
    int ms_at = is_read ? 4 : is_add ? 3 : 1;
    if (argc > ms_at)
        work_ns = atof(argv[ms_at]) * 1e6;
    if (work_ns <= 0 ||
        (is_read && (atoi(argv[3]) < 1 || atoi(argv[3]) > THREADS_MAX || atoll(argv[2]) < 1)) ||
        (is_add && (atoll(argv[2]) < 1 || atoll(argv[2]) > 1 << 26))) {
        fprintf(stderr, "usage: bench_memory [MS] | read BYTES THREADS [MS] | add GROUPS [MS]\n");
        return 2;
    }
    if (is_read)
        printf("%.2f\n", bench_read((size_t)atoll(argv[2]), atoi(argv[3])).median);
    else if (is_add)
        printf("%.3f\n", best_add((uint32_t)atoll(argv[2])));
    else
        show_all();
    return 0;
}
