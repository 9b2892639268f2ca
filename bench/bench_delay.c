// SPDX-License-Identifier: Apache-2.0
// What do short reads feel of long ones? Queries over all rows run back to back on one thread and the pool's
// helpers, while two threads ask short ones at a fixed rate, as event loops do: a month by day from kept
// sums, and an order by its id, in turns. One of the two asks the kernel for short turns, as event loops do
// (engine/base/thread.h), the other for nothing: both at once, so that what else the machine does befalls
// both alike. Each read is timed from the instant it was due, and that time is taken apart: what passed until
// the thread ran (the kernel's turn-taking), the processor time of the read, and what passed between its
// beginning and its end beside that (taken from the processor, or waiting for a lock). Of the long queries:
// how long a thread works without looking up.
//
// A line of JSON for each long query, the first for none; nanoseconds.
//
//     bench_delay DIR TENANT THREADS RATE SECONDS NAME…
//     bench_delay DIR TENANT expected
//
// RATE is that of both together. The second form: a line for each query of the suites, what its plan says
// that it takes, by which event loops decide (engine/patience.h), and what it takes on one thread (least of
// some times), in microseconds.
//
#include "bench/queries.h"
#include "engine/base/clock.h"
#include "engine/base/thread.h"
#include "engine/exec/morsels.h"
#include "engine/exec/plan_cost.h"
#include "engine/exec/plan_init.h"
#include "ingest/store/store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

enum { READERS = 2, IDS = 1024, VARIATIONS = 12, PIECES_MAX = 1 << 22 };

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "bench_delay: %s\n", what);
    exit(1);
}

static int by_number(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void print_quantiles(const char *name, int64_t *values, size_t count)
{
    qsort(values, count, sizeof *values, by_number);
    const double at[] = {0.5, 0.99, 0.999};
    const char *names[] = {"p50", "p99", "p999"};
    printf(",\"%s\":{\"count\":%zu", name, count);
    for (int i = 0; i < 3; i++)
        printf(",\"%s\":%lld", names[i],
               count ? (long long)values[(size_t)((double)(count - 1) * at[i] + 0.5)] : 0);
    printf(",\"max\":%lld}", count ? (long long)values[count - 1] : 0);
}

// ---- Pieces of work of the long queries ----

static int64_t *piece_ns, *piece_cpu;
static atomic_size_t pieces;

static void on_piece(int64_t ns, int64_t cpu_ns)
{
    const size_t i = atomic_fetch_add(&pieces, 1);
    if (i < PIECES_MAX) {
        piece_ns[i] = ns;
        piece_cpu[i] = cpu_ns;
    }
}

// ---- The two sides ----

typedef struct side {
    dbk_db *db;
    dbk_text tenant;
    size_t number; // of the long query; the count of them = none
    int threads;
    char ids[IDS][DBK_ID_BYTES_MAX];
    dbk_text id_texts[IDS];
    size_t ids_count;
    atomic_bool stops;
    size_t asked; // long queries that were answered
} side;

typedef struct reader {
    const side *s;
    bool is_prompt;
    double rate; // its own
    size_t reads;
    int64_t *whole[2], *late[2], *cpu[2], *away[2]; // of months, of orders
    size_t counts[2];
} reader;

static void ask(const side *s, const dbk_query *query)
{
    dbk_error err;
    dbk_result *result;
    dbk_read read = dbk_read_begin(s->db);
    if (dbk_query_run(read.snapshot, s->tenant, query, &result, &err) != DBK_OK)
        must(false, err.message);
    dbk_read_end(s->db, &read);
    dbk_result_free(result);
}

static void *run_long(void *argument)
{
    side *s = argument;
    for (int v = 0; !atomic_load(&s->stops); v = (v + 1) % VARIATIONS) {
        const dbk_query query = bench_query_make(s->number, v, s->threads);
        ask(s, &query);
        s->asked++;
    }
    return NULL;
}

static void ask_order(const side *s, size_t number)
{
    static const char *const fields[] = {"id", "status", "total", "created_at"};
    const dbk_value id = {.kind = DBK_VALUE_TEXT, .text = s->id_texts[number % s->ids_count]};
    const dbk_filter filter = {"id", DBK_OP_EQ, &id, 1};
    const dbk_query query = {.table = "orders",
                             .from_ms = DBK_TIME_OPEN_FROM,
                             .to_ms = DBK_TIME_OPEN_TO,
                             .filters = &filter,
                             .filters_count = 1,
                             .fields = fields,
                             .fields_count = DBK_COUNT(fields)};
    ask(s, &query);
}

static void *run_reads(void *argument)
{
    reader *r = argument;
    const side *s = r->s;
    const size_t month = bench_query_find("kept_month_by_day");
    if (r->is_prompt)
        dbk_thread_be_prompt();
    prctl(PR_SET_TIMERSLACK, 1UL);
    const int64_t start = dbk_clock_steady_ns() + 1000000;
    for (size_t i = 0; i < r->reads; i++) {
        const int64_t due = start + (int64_t)((double)i * 1e9 / r->rate);
        const struct timespec until = {due / 1000000000, due % 1000000000};
        if (dbk_clock_steady_ns() < due)
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        const int64_t begun = dbk_clock_steady_ns(), cpu = dbk_clock_ns(CLOCK_THREAD_CPUTIME_ID);
        const int kind = (int)(i % 2);
        if (kind == 0) {
            const dbk_query query = bench_query_make(month, (int)(i / 2 % VARIATIONS), 1);
            ask(s, &query);
        } else {
            ask_order(s, i * 7);
        }
        const int64_t used = dbk_clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu, ended = dbk_clock_steady_ns();
        const size_t at = r->counts[kind]++;
        r->whole[kind][at] = ended - due;
        r->late[kind][at] = begun - due;
        r->cpu[kind][at] = used;
        r->away[kind][at] = ended - begun - used;
    }
    return NULL;
}

// Ids of orders of a month, which stand in some segments.
static void find_ids(side *s)
{
    static const char *const fields[] = {"id"};
    dbk_query query = bench_query_make(bench_query_find("sum_month"), 0, 1);
    query.aggregates = NULL;
    query.aggregates_count = 0;
    query.fields = fields;
    query.fields_count = 1;
    query.limit = IDS;
    dbk_error err;
    dbk_result *rows;
    dbk_read read = dbk_read_begin(s->db);
    if (dbk_query_run(read.snapshot, s->tenant, &query, &rows, &err) != DBK_OK)
        must(false, err.message);
    for (size_t i = 0; i < dbk_result_rows(rows); i++) {
        const dbk_text id = dbk_result_text(rows, i, 0);
        memcpy(s->ids[i], id.data, id.length);
        s->id_texts[i] = (dbk_text){s->ids[i], id.length};
        s->ids_count++;
    }
    must(s->ids_count > 0, "there are no orders in that month");
    dbk_result_free(rows);
    dbk_read_end(s->db, &read);
}

// ---- The lines ----

static void print_reader(reader *r)
{
    static const char *const kinds[] = {"month", "order"};
    printf(",\"%s\":{\"rate\":%.1f", r->is_prompt ? "prompt" : "ordinary", r->rate);
    for (int kind = 0; kind < 2; kind++) {
        printf(",\"%s\":{\"kind\":\"%s\"", kinds[kind], kinds[kind]);
        print_quantiles("whole", r->whole[kind], r->counts[kind]);
        print_quantiles("late", r->late[kind], r->counts[kind]);
        print_quantiles("cpu", r->cpu[kind], r->counts[kind]);
        print_quantiles("away", r->away[kind], r->counts[kind]);
        printf("}");
    }
    printf("}");
}

static void measure(side *s, reader *readers, const char *name)
{
    pthread_t longs, reads[READERS];
    const bool has_long = strcmp(name, "none") != 0;
    s->number = bench_query_find(name);
    must(!has_long || s->number < bench_queries_count(), "there is no such query");
    s->asked = 0;
    atomic_store(&s->stops, false);
    atomic_store(&pieces, 0);
    const int64_t begun = dbk_clock_steady_ns();
    must(!has_long || pthread_create(&longs, NULL, run_long, s) == 0, "no thread");
    for (int i = 0; i < READERS; i++) {
        readers[i].counts[0] = readers[i].counts[1] = 0;
        must(pthread_create(&reads[i], NULL, run_reads, &readers[i]) == 0, "no thread");
    }
    for (int i = 0; i < READERS; i++)
        pthread_join(reads[i], NULL);
    atomic_store(&s->stops, true);
    if (has_long)
        pthread_join(longs, NULL);
    const double seconds = (double)(dbk_clock_steady_ns() - begun) / 1e9;
    printf("{\"beside\":\"%s\",\"long_queries\":%zu,\"ms_each\":%.3f", name, s->asked,
           s->asked ? 1000 * seconds / (double)s->asked : 0);
    for (int i = 0; i < READERS; i++)
        print_reader(&readers[i]);
    const size_t count = atomic_load(&pieces) < PIECES_MAX ? atomic_load(&pieces) : PIECES_MAX;
    print_quantiles("pieces", piece_ns, count);
    print_quantiles("pieces_cpu", piece_cpu, count);
    puts("}");
    fflush(stdout);
}

// ---- What was to be expected ----

static int64_t least_time(const side *s, const dbk_query *query)
{
    int64_t least = INT64_MAX;
    for (int i = 0; i < 9; i++) {
        const int64_t before = dbk_clock_steady_ns();
        ask(s, query);
        const int64_t ns = dbk_clock_steady_ns() - before;
        least = ns < least ? ns : least;
    }
    return least;
}

static void compare_expected(const side *s)
{
    printf("%-28s %12s %12s %7s\n", "", "expected µs", "taken µs", "ratio");
    for (size_t i = 0; i < bench_queries_count(); i++) {
        const dbk_query query = bench_query_make(i, 0, 1);
        dbk_plan plan;
        dbk_error err;
        dbk_read read = dbk_read_begin(s->db);
        if (dbk_plan_init(&plan, read.snapshot, s->tenant, &query, &err) != DBK_OK)
            must(false, err.message);
        const double expected = (double)dbk_plan_cost(&plan) / 1e3;
        dbk_plan_dispose(&plan);
        dbk_read_end(s->db, &read);
        const double taken = (double)least_time(s, &query) / 1e3;
        printf("%-28s %12.1f %12.1f %7.2f\n", bench_query_name(i), expected, taken, expected / taken);
    }
}

static int64_t *numbers(size_t count)
{
    int64_t *made = calloc(count, sizeof *made);
    must(made != NULL, "no memory");
    return made;
}

// Sums and keys are made behind the first image.
static void wait_for_quiet(void)
{
    const struct timespec pause = {.tv_nsec = 20000000};
    for (int64_t used = INT64_MAX; used > 1000000;) {
        const int64_t before = dbk_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
        nanosleep(&pause, NULL);
        used = dbk_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - before;
    }
}

int main(int argc, char **argv)
{
    static side s;
    const bool compares = argc == 4 && strcmp(argv[3], "expected") == 0;
    if (argc < 7 && !compares) {
        fprintf(stderr, "usage: bench_delay DIR TENANT THREADS RATE SECONDS NAME…\n"
                        "       bench_delay DIR TENANT expected\n");
        return 2;
    }
    dbk_store *store;
    dbk_error err;
    dbk_store_options options = {.directory = argv[1]};
    if (dbk_store_open(&store, &options, &err) != DBK_OK)
        must(false, err.message);
    wait_for_quiet();
    if (compares) {
        s = (side){.db = dbk_store_db(store), .tenant = dbk_text_from(argv[2])};
        compare_expected(&s);
        dbk_store_close(store);
        return 0;
    }
    s = (side){.db = dbk_store_db(store), .tenant = dbk_text_from(argv[2]), .threads = atoi(argv[3])};
    static reader readers[READERS];
    for (int i = 0; i < READERS; i++) {
        reader *r = &readers[i];
        *r = (reader){.s = &s, .is_prompt = i == 1, .rate = atof(argv[4]) / READERS};
        r->reads = (size_t)(r->rate * atof(argv[5]));
        must(r->reads > 1, "RATE times SECONDS is the number of reads");
        for (int kind = 0; kind < 2; kind++) {
            r->whole[kind] = numbers(r->reads);
            r->late[kind] = numbers(r->reads);
            r->cpu[kind] = numbers(r->reads);
            r->away[kind] = numbers(r->reads);
        }
    }
    piece_ns = numbers(PIECES_MAX);
    piece_cpu = numbers(PIECES_MAX);
    find_ids(&s);
    dbk_morsels_watch(on_piece);
    measure(&s, readers, "none");
    for (int i = 6; i < argc; i++)
        measure(&s, readers, argv[i]);
    dbk_store_close(store);
    return 0;
}
