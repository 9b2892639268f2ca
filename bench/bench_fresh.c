// SPDX-License-Identifier: Apache-2.0
// What it costs to write to memory for the first time, once for each page, by as many threads as there are
// processors: what a start pays for the memory of its columns before a byte of a file is looked at. The first
// time of a run is of memory that nobody has used for a while, if nobody has. Where a virtual machine gives
// memory that is free back to its host, it is then by far the longest. What follows is of memory that was
// freed just before.
//
//     bench_fresh [MIB]     1024 unless said
#include "bench/must.h"
#include "engine/base/clock.h"
#include "engine/base/processors.h"

#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>

enum { THREADS_MAX = 16, PAGE = 4096 };

typedef struct share {
    volatile uint8_t *memory;
    size_t bytes;
} share;

static void *touch(void *user)
{
    const share *s = user;
    for (size_t at = 0; at < s->bytes; at += PAGE)
        s->memory[at] = 1;
    return NULL;
}

static double processor_seconds(void)
{
    return (double)dbk_clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e9;
}

static void show(const char *what, size_t bytes, int threads, int advice)
{
    share shares[THREADS_MAX];
    pthread_t others[THREADS_MAX];
    uint8_t *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(memory != MAP_FAILED, "bench_fresh: memory (ask for less)");
    (void)madvise(memory, bytes, advice);
    const double processor = processor_seconds();
    const double start = now_us();
    for (int i = 0; i < threads; i++) {
        const size_t from = bytes / (size_t)threads * (size_t)i / PAGE * PAGE;
        const size_t to = bytes / (size_t)threads * (size_t)(i + 1) / PAGE * PAGE;
        shares[i] = (share){memory + from, to - from};
        must(pthread_create(&others[i], NULL, touch, &shares[i]) == 0, "bench_fresh: a thread");
    }
    for (int i = 0; i < threads; i++)
        pthread_join(others[i], NULL);
    const double wall = (now_us() - start) / 1e6;
    printf("%-34s %7.3f s  processors %7.3f s  %5.2f ns a byte\n", what, wall,
           processor_seconds() - processor, wall * 1e9 / (double)bytes);
    munmap(memory, bytes);
}

int main(int argc, char **argv)
{
    const long mib = argc > 1 ? atol(argv[1]) : 1024;
    const int threads = dbk_processors(THREADS_MAX);
    if (mib < 1 || mib > 1 << 20) {
        fputs("usage: bench_fresh [MIB]\n", stderr);
        return 2;
    }
    const size_t bytes = (size_t)mib << 20;
    printf("%ld MiB by %d threads\n", mib, threads);
    show("small pages, not used for a while", bytes, threads, MADV_NOHUGEPAGE);
    show("small pages, freed just before", bytes, threads, MADV_NOHUGEPAGE);
    show("huge pages, freed just before", bytes, threads, MADV_HUGEPAGE);
    show("small pages, freed just before", bytes, threads, MADV_NOHUGEPAGE);
    show("huge pages, freed just before", bytes, threads, MADV_HUGEPAGE);
    return 0;
}
