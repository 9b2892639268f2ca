// SPDX-License-Identifier: Apache-2.0
// What does every report of the four dialects cost in the engine? Each route is asked of a data directory
// through its handler, in this process; the queries that it asks are seen on their way into the engine (the
// linker leads them here) and timed there, answers from before being put aside. A line a report; with -q also
// one a query: its table, keys, filters and aggregates, and what it read.
//
//     bench_reports [-q] [-c] DIRECTORY [repetitions [text]]
//
// With -c times are processor time of this process, which others on the machine do not lengthen as much. With
// a text: only those reports whose address has it in it.
//
// The directory is one that `daybook gen` and `daybook load` have made, of the tenant `demo`, of the three
// years that end on 2025-12-31.
#include "engine/base/clock.h"
#include "http/app/answers.h"
#include "http/app/app.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "bench_reports: %s\n", what);
    exit(1);
}

static bool counts_processor_time;

static int64_t now_ns(void)
{
    return counts_processor_time ? dbk_clock_ns(CLOCK_PROCESS_CPUTIME_ID) : dbk_clock_steady_ns();
}

// ---- On the way into the engine ----

enum { QUERIES_MAX = 256, REPETITIONS_MAX = 101 };

// One query of a report. Requests are asked one after the other, so nothing here is shared.
static struct {
    int64_t ns[REPETITIONS_MAX];
    char text[640];
} queries[QUERIES_MAX];
static int queries_count, repetition;

static void describe(const dbk_query *q, const dbk_result *result, char *out, size_t size)
{
    static const char *const kinds[] = {"count", "values", "sum", "min", "max", "average", "distinct"};
    static const char *const ops[] = {"=", "!=", "in", "<", "<=", ">", ">=", "null", "not null", "contains"};
    FILE *f = fmemopen(out, size, "w");
    must(f != NULL, "out of memory");
    dbk_result_stats stats = dbk_result_statistics(result);
    fprintf(f, "%8zu groups %5" PRIu64 " buckets %9" PRIu64 " rows  %s", dbk_result_rows(result),
            stats.rollup_buckets, stats.rows_scanned, q->table);
    if (q->from_ms != DBK_TIME_OPEN_FROM || q->to_ms != DBK_TIME_OPEN_TO)
        fprintf(f, "[%s]", q->time_column ? q->time_column : "time");
    for (int i = 0; i < q->keys_count; i++)
        fprintf(f, "%s%s%s", i ? " × " : " by ", q->keys[i].bucket ? "bucket of " : "", q->keys[i].column);
    for (int i = 0; i < q->filters_count; i++)
        fprintf(f, "%s%s %s", i ? ", " : " where ", q->filters[i].column, ops[q->filters[i].op]);
    for (int i = 0; i < q->aggregates_count; i++)
        fprintf(f, "%s%s %s", i ? ", " : ": ", kinds[q->aggregates[i].kind],
                q->aggregates[i].column ? q->aggregates[i].column : "");
    if (q->limit)
        fprintf(f, " limit %" PRId64, q->limit);
    fclose(f);
}

dbk_status __real_dbk_query_run(const dbk_snapshot *snapshot, dbk_text tenant, const dbk_query *query,
                                dbk_result **out, dbk_error *err);
dbk_status __wrap_dbk_query_run(const dbk_snapshot *snapshot, dbk_text tenant, const dbk_query *query,
                                dbk_result **out, dbk_error *err);
dbk_status __wrap_dbk_query_run(const dbk_snapshot *snapshot, dbk_text tenant, const dbk_query *query,
                                dbk_result **out, dbk_error *err)
{
    int64_t before = now_ns();
    dbk_status status = __real_dbk_query_run(snapshot, tenant, query, out, err);
    int64_t ns = now_ns() - before;
    if (status == DBK_OK && queries_count < QUERIES_MAX) {
        queries[queries_count].ns[repetition] = ns;
        describe(query, *out, queries[queries_count].text, sizeof queries[0].text);
        queries_count++;
    }
    return status;
}

bool __wrap_dbk_answers_find(dbk_answers *answers, const void *key, size_t key_size, dbk_buffer *body,
                             dbk_arena *arena, dbk_answer *out);
bool __wrap_dbk_answers_find(dbk_answers *answers, const void *key, size_t key_size, dbk_buffer *body,
                             dbk_arena *arena, dbk_answer *out)
{
    (void)answers, (void)key, (void)key_size, (void)body, (void)arena, (void)out;
    return false;
}

// ---- Requests ----

typedef struct exchange {
    dbk_request request; // first: the callbacks see a dbk_request
    pthread_mutex_t lock;
    pthread_cond_t replied;
    bool done;
    int status;
    size_t bytes;
    char message[200];
} exchange;

static void on_send(dbk_request *request, dbk_reply *reply)
{
    exchange *x = (exchange *)request;
    pthread_mutex_lock(&x->lock);
    x->status = reply->status;
    x->bytes = reply->body.size;
    // Cut here: printf would walk through all of a body, however little of it there is room for.
    const size_t shown = reply->body.size < sizeof x->message ? reply->body.size : sizeof x->message - 1;
    memcpy(x->message, reply->body.data, shown);
    x->message[shown] = '\0';
    dbk_buffer_dispose(&reply->body);
    reply->body = (dbk_buffer){0};
    x->done = true;
    pthread_cond_signal(&x->replied);
    pthread_mutex_unlock(&x->lock);
}

static void on_keep(dbk_request *request)
{
    (void)request;
}

static size_t ask(dbk_app *app, const char *target)
{
    const char *mark = strchr(target, '?');
    exchange x = {.request = {.method = DBK_TEXT("GET"),
                              .target = dbk_text_from(target),
                              .path = {target, (uint32_t)(mark - target)},
                              .query = dbk_text_from(mark + 1),
                              .peer = "127.0.0.1",
                              .local = true,
                              .send = on_send,
                              .keep = on_keep},
                  .lock = PTHREAD_MUTEX_INITIALIZER,
                  .replied = PTHREAD_COND_INITIALIZER};
    dbk_app_handle(app, &x.request);
    pthread_mutex_lock(&x.lock);
    while (!x.done)
        pthread_cond_wait(&x.replied, &x.lock);
    pthread_mutex_unlock(&x.lock);
    if (x.status != 200)
        fprintf(stderr, "%s: %d %s\n", target, x.status, x.message);
    return x.bytes;
}

// ---- Reports ----

#define DAYS(from, to) "from=2025-" from "&to=2025-" to
#define MONTH          DAYS("11-01", "11-30")
#define YEAR           DAYS("01-01", "12-31")
#define STOQ(report)   "/api/v2/external/preorders/reports/" report "?tenant=demo&"
#define BLOCKS_MONTH   "start_date=2025-11-01&end_date=2025-11-30"

static const char *const reports[] = {
    "/api/v1/reports/sales?tenant=demo&" MONTH,
    "/api/v1/reports/sales?tenant=demo&" YEAR,
    "/api/v1/reports/sales?tenant=demo&preset=all",
    "/api/v1/reports/customers?tenant=demo&" DAYS("11-04", "11-04"),
    "/api/v1/reports/customers?tenant=demo&" MONTH,
    "/api/v1/reports/customers?tenant=demo&" YEAR,
    "/api/v1/reports/products?tenant=demo&" MONTH,
    "/api/v1/reports/products?tenant=demo&" YEAR,
    "/api/v1/reports/inventory?tenant=demo",
    "/reports/orders/summary?tenant=demo&" BLOCKS_MONTH "&group_by=day",
    "/reports/orders/summary?tenant=demo&" BLOCKS_MONTH "&payment_method=card",
    "/reports/flexible_orders/summary?tenant=demo&" BLOCKS_MONTH "&group_by=week",
    "/reports/orders/list?tenant=demo&per_page=100&page=1&" BLOCKS_MONTH,
    "/reports/orders/providers/summary?tenant=demo&" BLOCKS_MONTH,
    "/reports/orders/providers/list?tenant=demo&" BLOCKS_MONTH,
    "/reports/payments/summary?tenant=demo&" BLOCKS_MONTH "&include=breakdown",
    "/reports/payments/list?tenant=demo&per_page=100&page=1&" BLOCKS_MONTH,
    "/reports/vendors/payments/summary?tenant=demo&" BLOCKS_MONTH,
    "/reports/vendors/payments/list?tenant=demo&" BLOCKS_MONTH,
    "/reports/users/subscriptions/summary?tenant=demo&" BLOCKS_MONTH,
    "/reports/users/subscriptions/list?tenant=demo&" BLOCKS_MONTH,
    STOQ("summary") MONTH,
    STOQ("revenue") MONTH,
    STOQ("revenue") YEAR "&granularity=month",
    STOQ("by_offer") MONTH,
    STOQ("by_product") MONTH,
    STOQ("by_date") MONTH,
    STOQ("cancellations") MONTH,
    STOQ("balance_collection") MONTH,
    STOQ("customers") MONTH,
    "/v1/reports?tenant=demo&groupBy=1h&" DAYS("11-04", "11-04"),
    "/v1/reports?tenant=demo&groupBy=day&" MONTH,
    "/v1/reports?tenant=demo&groupBy=all&" YEAR,
};

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t median(int64_t *ns, int count)
{
    qsort(ns, (size_t)count, sizeof ns[0], ascending);
    return ns[count / 2];
}

static void measure(dbk_app *app, const char *target, int repetitions, bool shows_queries)
{
    static int64_t whole[REPETITIONS_MAX];
    size_t bytes = 0;
    int64_t engine = 0;
    // Who asks first makes the links of lines, or wishes for a roster.
    repetition = queries_count = 0;
    ask(app, target);
    for (repetition = 0; repetition < repetitions; repetition++) {
        int64_t before = now_ns();
        queries_count = 0;
        bytes = ask(app, target);
        whole[repetition] = now_ns() - before;
        if (repetition == 0 && whole[0] > 1000000000) { // one is enough
            repetition++;
            break;
        }
    }
    int done = repetition;
    static int64_t medians[QUERIES_MAX];
    for (int i = 0; i < queries_count; i++)
        engine += medians[i] = median(queries[i].ns, done);
    printf("%-86s %4d %11.1f %11.1f %9zu\n", target, queries_count, (double)engine / 1000,
           (double)median(whole, done) / 1000, bytes);
    for (int i = 0; shows_queries && i < queries_count; i++)
        printf("    %11.1f  %s\n", (double)medians[i] / 1000, queries[i].text);
    fflush(stdout);
}

// They are made behind the opening.
static void wait_for_rollups(dbk_app *app)
{
    static const char target[] = "/reports/orders/summary?tenant=demo&" BLOCKS_MONTH;
    repetition = 0;
    do {
        queries_count = 0;
        usleep(10000);
        must(ask(app, target) > 0, "no answer");
    } while (queries_count < 2 || !strstr(queries[1].text, "     0 rows"));
}

#define USAGE "usage: bench_reports [-q] [-c] DIRECTORY [repetitions [text]]"

int main(int argc, char **argv)
{
    bool shows_queries = false;
    int option;
    while ((option = getopt(argc, argv, "qc")) != -1) {
        must(option != '?', USAGE);
        shows_queries |= option == 'q';
        counts_processor_time |= option == 'c';
    }
    argc -= optind;
    argv += optind;
    const char *directory = argc > 0 ? argv[0] : NULL;
    int repetitions = argc > 1 ? atoi(argv[1]) : 7;
    dbk_store *store;
    dbk_app *app;
    dbk_error err;
    const char *wanted = argc > 2 ? argv[2] : "";
    must(directory != NULL, USAGE);
    must(repetitions > 0 && repetitions <= REPETITIONS_MAX, "bad arguments");
    dbk_store_options options = {.directory = directory};
    must(dbk_store_open(&store, &options, &err) == DBK_OK, err.message);
    // Asked once each, and answered by the thread that asks.
    dbk_app_options app_options = {.workers = 1, .patience_ns = INT64_MAX};
    setenv("DAYBOOK_NOW", "2026-01-01T12:00:00Z", 1);
    must(dbk_app_create(&app, store, &app_options, &err) == DBK_OK, err.message);
    wait_for_rollups(app);
    printf("%-86s %4s %11s %11s %9s\n", "", "", "engine µs", "in all µs", "bytes");
    for (size_t i = 0; i < DBK_COUNT(reports); i++)
        if (strstr(reports[i], wanted))
            measure(app, reports[i], repetitions, shows_queries);
    dbk_app_destroy(app);
    dbk_store_close(store);
    return 0;
}
