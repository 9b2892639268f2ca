// SPDX-License-Identifier: Apache-2.0
// How many nanoseconds a row does the executor take for the queries that reports are made of, without
// rollups? Orders are made up, loaded through dbk_db_apply, and each answer is compared with a plain loop
// over plain arrays before it is timed.
//
//     bench_scan [orders] [threads] [repetitions]
#include "engine/base/clock.h"
#include "engine/base/random.h"
#include "engine/db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATUSES = 6, METHODS = 5, DAYS = 730, BATCH = 65536, GROUPS = DAYS * 8 };

#define FROM INT64_C(1672531200000) // 2023-01-01

static const char *const statuses[] = {"completed", "shipped", "paid", "open", "cancelled", "refunded"};
static const char *const methods[] = {"card", "transfer", "paypal", "cash", "invoice"};

typedef struct orders {
    uint32_t count, customers;
    int64_t *at, *total;
    uint8_t *status, *method;
    uint32_t *customer;
} orders;

static void *room(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);
    if (!memory) {
        fprintf(stderr, "bench_scan: out of memory\n");
        exit(1);
    }
    return memory;
}

static void make(orders *o, uint32_t count)
{
    dbk_random r = dbk_random_seed(42);
    *o = (orders){count,          count / 40 + 1, room(count, 8), room(count, 8),
                  room(count, 1), room(count, 1), room(count, 4)};
    for (uint32_t i = 0; i < count; i++) {
        o->at[i] = FROM + (int64_t)((dbk_u128)i * DAYS * 86400000 / count);
        o->total[i] = 50000 + (int64_t)dbk_random_below(&r, 40000) * 100;
        uint64_t s = dbk_random_below(&r, 100);
        o->status[i] = s < 70 ? 0 : (uint8_t)(1 + s % (STATUSES - 1));
        o->method[i] = (uint8_t)dbk_random_below(&r, METHODS);
        o->customer[i] = (uint32_t)dbk_random_below(&r, o->customers);
    }
}

// ---- Loading ----

static int column_of(const dbk_table_def *table, const char *name)
{
    return dbk_column_find(table, dbk_text_from(name));
}

static dbk_text word(dbk_arena *arena, const char *format, uint32_t number)
{
    char text[32];
    int length = snprintf(text, sizeof text, format, number);
    return (dbk_text){dbk_arena_copy(arena, text, (size_t)length), (uint32_t)length};
}

static void fixed_words(dbk_batch *b, int column, const char *const *words, uint32_t count, const uint8_t *of)
{
    b->columns[column].words = dbk_arena_zalloc(&b->arena, (count + 1) * sizeof(dbk_text));
    b->columns[column].words_count = count + 1;
    for (uint32_t i = 0; i < count; i++)
        b->columns[column].words[i + 1] = dbk_text_from(words[i]);
    b->columns[column].codes = dbk_arena_alloc(&b->arena, b->rows * sizeof(uint32_t));
    for (uint32_t i = 0; i < b->rows; i++)
        b->columns[column].codes[i] = of[i] + 1u;
}

static void load_batch(dbk_db *db, const orders *o, uint32_t first)
{
    dbk_batch b = {.table = dbk_table_def_by_id(DBK_ORDERS)};
    dbk_apply_report report;
    dbk_error err;
    b.rows = o->count - first < BATCH ? o->count - first : BATCH;
    int id = column_of(b.table, "id"), customer = column_of(b.table, "customer_id");
    b.columns[id].texts = dbk_arena_alloc(&b.arena, b.rows * sizeof(dbk_text));
    b.columns[customer].codes = dbk_arena_alloc(&b.arena, b.rows * sizeof(uint32_t));
    b.columns[customer].words = dbk_arena_zalloc(&b.arena, (b.rows + 1) * sizeof(dbk_text));
    b.columns[customer].words_count = b.rows + 1;
    for (uint32_t i = 0; i < b.rows; i++) {
        b.columns[id].texts[i] = word(&b.arena, "ord_%010u", first + i);
        b.columns[customer].words[i + 1] = word(&b.arena, "cus_%07u", o->customer[first + i]);
        b.columns[customer].codes[i] = i + 1;
    }
    b.columns[column_of(b.table, "created_at")].ints = o->at + first;
    b.columns[column_of(b.table, "total")].ints = o->total + first;
    fixed_words(&b, column_of(b.table, "status"), statuses, STATUSES, o->status + first);
    fixed_words(&b, column_of(b.table, "payment_method"), methods, METHODS, o->method + first);
    if (dbk_db_apply(db, DBK_TEXT("bench"), &b, &report, &err) != DBK_OK) {
        fprintf(stderr, "bench_scan: %s\n", err.message);
        exit(1);
    }
    free(report.rejected_rows);
    dbk_batch_dispose(&b);
}

// ---- Questions: a query, and a loop that gives a checksum of the same answer ----
// A checksum is the sum over result rows of what the row's aggregates say, each weighed so that a value in
// the wrong row is noticed.

typedef uint64_t (*naive)(const orders *o);

static int64_t day_of(int64_t at)
{
    return (at - FROM) / 86400000;
}

static int month_of(int64_t at)
{
    dbk_civil civil = dbk_civil_from_ms(at, NULL);
    return civil.year * 12 + civil.month - 1;
}

static uint64_t weigh(uint64_t sum, uint64_t count)
{
    return sum * 3 + count * 5 + (sum ^ count << 32) % 1000003;
}

typedef struct cell {
    uint64_t sum, count;
} cell;

static uint64_t checksum(const cell *cells, size_t count)
{
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += cells[i].count ? weigh(cells[i].sum, cells[i].count) : 0;
    return total;
}

#define MONTH_FROM INT64_C(1696118400000) // 2023-10-01
#define MONTH_TO   INT64_C(1698796800000) // 2023-11-01

static int no_group(const orders *o, uint32_t i)
{
    (void)o;
    (void)i;
    return 0;
}
static int month_only(const orders *o, uint32_t i)
{
    return o->at[i] >= MONTH_FROM && o->at[i] < MONTH_TO ? 0 : -1;
}
static int completed_card(const orders *o, uint32_t i)
{
    return o->status[i] == 0 && o->method[i] == 0 ? 0 : -1;
}
static int by_day(const orders *o, uint32_t i)
{
    return (int)day_of(o->at[i]);
}
static int by_day_status(const orders *o, uint32_t i)
{
    return (int)day_of(o->at[i]) * STATUSES + o->status[i];
}
static int by_status(const orders *o, uint32_t i)
{
    return o->status[i];
}
static int by_method_month(const orders *o, uint32_t i)
{
    return (month_of(o->at[i]) - 2023 * 12) * METHODS + o->method[i];
}
static int completed_by_month(const orders *o, uint32_t i)
{
    return o->status[i] == 0 && o->total[i] >= 1000000 ? month_of(o->at[i]) - 2023 * 12 : -1;
}

static uint64_t sums_of(const orders *o, int (*group)(const orders *o, uint32_t i))
{
    static cell cells[GROUPS];
    memset(cells, 0, sizeof cells);
    for (uint32_t i = 0; i < o->count; i++) {
        int g = group(o, i);
        if (g >= 0) {
            cells[g].sum += (uint64_t)o->total[i];
            cells[g].count++;
        }
    }
    return checksum(cells, GROUPS);
}

static int by_sum(const void *a, const void *b)
{
    const cell *x = a, *y = b;
    return x->sum != y->sum ? (x->sum < y->sum ? 1 : -1) : (x->count > y->count) - (x->count < y->count);
}

// Ties in the sum at the cut would be broken by the customer's id; the count holds that id until then.
static uint64_t top_customers(const orders *o)
{
    cell *cells = room(o->customers, sizeof *cells);
    uint64_t *counts = room(o->customers, sizeof *counts), total = 0;
    for (uint32_t c = 0; c < o->customers; c++)
        cells[c].count = c;
    for (uint32_t i = 0; i < o->count; i++) {
        cells[o->customer[i]].sum += (uint64_t)o->total[i];
        counts[o->customer[i]]++;
    }
    qsort(cells, o->customers, sizeof *cells, by_sum);
    for (uint32_t i = 0; i < 100 && i < o->customers; i++)
        if (cells[i].sum)
            total += weigh(cells[i].sum, counts[cells[i].count]);
    free(cells);
    free(counts);
    return total;
}

static uint64_t distinct_by_month(const orders *o)
{
    uint64_t *seen = room(o->customers, sizeof *seen), total = 0;
    for (int month = 0; month < 24; month++) {
        uint64_t count = 0;
        for (uint32_t i = 0; i < o->count; i++) {
            if (month_of(o->at[i]) - 2023 * 12 == month && !(seen[o->customer[i]] >> month & 1)) {
                seen[o->customer[i]] |= (uint64_t)1 << month;
                count++;
            }
        }
        total += count ? weigh(0, count) : 0;
    }
    free(seen);
    return total;
}

static const dbk_bucket day = {.unit = DBK_UNIT_DAY, .count = 1},
                        month = {.unit = DBK_UNIT_MONTH, .count = 1};
static const dbk_aggregate sum_count[] = {{DBK_SUM, "total"}, {DBK_COUNT_ROWS, NULL}};
static const dbk_aggregate distinct[] = {{DBK_COUNT_DISTINCT, "customer_id"}};

typedef struct question {
    const char *name;
    dbk_query query;
    int (*group)(const orders *o, uint32_t i);
    naive answer;
} question;

#define OPEN   .table = "orders", .from_ms = DBK_TIME_OPEN_FROM, .to_ms = DBK_TIME_OPEN_TO
#define SUMMED .aggregates = sum_count, .aggregates_count = 2
#define KEY_DAY                                                                                              \
    {                                                                                                        \
        "created_at", &day                                                                                   \
    }
#define KEY_MONTH                                                                                            \
    {                                                                                                        \
        "created_at", &month                                                                                 \
    }
#define KEYS(...)                                                                                            \
    .keys = (const dbk_group_key[]){__VA_ARGS__},                                                            \
    .keys_count = sizeof((const dbk_group_key[]){__VA_ARGS__}) / sizeof(dbk_group_key)

static const dbk_value completed = {.kind = DBK_VALUE_TEXT, .text = {"completed", 9}};
static const dbk_value card = {.kind = DBK_VALUE_TEXT, .text = {"card", 4}};
static const dbk_value hundred = {.kind = DBK_VALUE_INT, .number = 1000000};
static const dbk_filter two_codes[] = {{"status", DBK_OP_EQ, &completed, 1},
                                       {"payment_method", DBK_OP_EQ, &card, 1}};
static const dbk_filter code_and_sum[] = {{"status", DBK_OP_EQ, &completed, 1},
                                          {"total", DBK_OP_GE, &hundred, 1}};
static const dbk_order largest = {1, true};

static const question questions[] = {
    {"sum and count of all (statistics)", {OPEN, SUMMED}, no_group, NULL},
    {"one month", {.table = "orders", .from_ms = MONTH_FROM, .to_ms = MONTH_TO, SUMMED}, month_only, NULL},
    {"status and method filtered",
     {OPEN, SUMMED, .filters = two_codes, .filters_count = 2},
     completed_card,
     NULL},
    {"by day", {OPEN, SUMMED, KEYS(KEY_DAY)}, by_day, NULL},
    {"by day and status", {OPEN, SUMMED, KEYS(KEY_DAY, {"status", NULL})}, by_day_status, NULL},
    {"by status", {OPEN, SUMMED, KEYS({"status", NULL})}, by_status, NULL},
    {"by method and month", {OPEN, SUMMED, KEYS({"payment_method", NULL}, KEY_MONTH)}, by_method_month, NULL},
    {"status and total filtered, by month",
     {OPEN, SUMMED, KEYS(KEY_MONTH), .filters = code_and_sum, .filters_count = 2},
     completed_by_month,
     NULL},
    {"top 100 customers",
     {OPEN, SUMMED, KEYS({"customer_id", NULL}), .order = &largest, .order_count = 1, .limit = 100},
     NULL,
     top_customers},
    {"distinct customers by month",
     {OPEN, KEYS(KEY_MONTH), .aggregates = distinct, .aggregates_count = 1},
     NULL,
     distinct_by_month},
};

static dbk_result *run(const dbk_read *read, const dbk_query *query)
{
    dbk_result *result;
    dbk_error err;
    if (dbk_query_run(read->snapshot, DBK_TEXT("bench"), query, &result, &err) == DBK_OK)
        return result;
    fprintf(stderr, "bench_scan: %s\n", err.message);
    exit(1);
}

static uint64_t result_checksum(const dbk_query *q, const dbk_result *result)
{
    uint64_t total = 0;
    for (size_t row = 0; row < dbk_result_rows(result); row++) {
        bool sums = q->aggregates == sum_count;
        uint64_t sum = sums ? (uint64_t)dbk_result_sum(result, row, q->keys_count) : 0;
        total += weigh(sum, (uint64_t)dbk_result_int(result, row, q->keys_count + (sums ? 1 : 0)));
    }
    return total;
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static bool measure(const orders *o, const dbk_read *read, const question *asked, int threads,
                    int repetitions)
{
    dbk_query query = asked->query;
    query.threads = threads;
    query.from_rows = true;
    uint64_t wanted = asked->answer ? asked->answer(o) : sums_of(o, asked->group);
    dbk_result *result = run(read, &query);
    uint64_t got = result_checksum(&query, result);
    dbk_result_free(result);
    if (got != wanted) {
        fprintf(stderr, "%s: the answer is wrong\n", asked->name);
        return false;
    }
    int64_t *times = room((size_t)repetitions, sizeof *times);
    for (int i = 0; i < repetitions; i++) {
        int64_t start = dbk_clock_steady_ns();
        dbk_result_free(run(read, &query));
        times[i] = dbk_clock_steady_ns() - start;
    }
    qsort(times, (size_t)repetitions, sizeof *times, by_time);
    printf("%-38s %10.3f ms best %10.3f ms median %8.3f ns/row\n", asked->name, (double)times[0] / 1e6,
           (double)times[repetitions / 2] / 1e6, (double)times[0] / o->count);
    free(times);
    return true;
}

int main(int argc, char **argv)
{
    uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 200000;
    int threads = argc > 2 ? atoi(argv[2]) : 1, repetitions = argc > 3 ? atoi(argv[3]) : 11;
    orders o;
    dbk_db *db;
    dbk_error err;
    if (count == 0 || repetitions < 1 || dbk_db_create(&db, &err) != DBK_OK)
        return 2;
    make(&o, count);
    int64_t start = dbk_clock_steady_ns();
    for (uint64_t first = 0; first < count; first += BATCH) {
        load_batch(db, &o, (uint32_t)first);
        if (first / BATCH % 16 == 0)
            dbk_db_publish(db, dbk_db_freeze(db, first + 1));
    }
    dbk_db_publish(db, dbk_db_freeze(db, (uint64_t)count + 1));
    printf("%u orders, %u customers, %d threads; applied in %.2f s, %.1f bytes an order\n", count,
           o.customers, threads, (double)(dbk_clock_steady_ns() - start) / 1e9,
           (double)dbk_db_memory(db) / count);
    dbk_read read = dbk_read_begin(db);
    bool ok = true;
    for (size_t i = 0; i < DBK_COUNT(questions); i++)
        ok &= measure(&o, &read, &questions[i], threads, repetitions);
    dbk_read_end(db, &read);
    dbk_db_destroy(db);
    free(o.at);
    free(o.total);
    free(o.status);
    free(o.method);
    free(o.customer);
    return ok ? 0 : 1;
}
