// SPDX-License-Identifier: Apache-2.0
// What do rollups cost and what do they save? Orders of three years are made up and loaded with rollups and
// without, then the questions of reports are asked of the rollups and of the rows. The answers are compared
// before anything is timed.
//
//     bench_rollup [orders] [repetitions] [threads]
#include "engine/base/clock.h"
#include "engine/base/random.h"
#include "engine/db.h"
#include "engine/table/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAYS = 1096, BATCH = 65536, LATE_PER_MILLE = 30, REPETITIONS_MAX = 1001 };

#define FROM INT64_C(1672531200000) // 2023-01-01

static const char *const statuses[] = {"DELIVERED", "SHIPPED",   "CONFIRMED", "SUBMITTED",
                                       "CANCELLED", "COMPLETED", "PICKED_UP"};
static const char *const kinds[] = {"standard", "pos", "preorder", "flexible"};
static const char *const currencies[] = {"EUR", "USD", "GBP"};
static const char *const methods[] = {"card", "paypal", "transfer", "cash"};

// Of the processor: what others do beside does not count.
static int64_t worked_ns(void)
{
    return dbk_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "bench_rollup: %s\n", what);
    exit(1);
}

// ---- Orders ----

static dbk_batch_column *column(dbk_batch *b, const char *name)
{
    return &b->columns[dbk_column_find(b->table, dbk_text_from(name))];
}

static void words(dbk_batch *b, const char *name, const char *const *list, uint32_t count)
{
    dbk_batch_column *c = column(b, name);
    c->codes = dbk_arena_alloc(&b->arena, b->rows * sizeof *c->codes);
    c->words = dbk_arena_zalloc(&b->arena, (count + 1) * sizeof *c->words);
    c->words_count = count + 1;
    for (uint32_t i = 0; i < count; i++)
        c->words[i + 1] = dbk_text_from(list[i]);
}

static int64_t *numbers(dbk_batch *b, const char *name)
{
    return column(b, name)->ints = dbk_arena_alloc(&b->arena, b->rows * sizeof(int64_t));
}

// Which of `count` words: the first mostly, the others ever more rarely.
static uint32_t skewed(dbk_random *r, uint32_t count)
{
    uint32_t i = 0;
    while (i + 1 < count && dbk_random_below(r, 3) == 0)
        i++;
    return i + 1;
}

static void fill_words(dbk_random *r, dbk_batch *b, uint32_t customers)
{
    words(b, "status", statuses, DBK_COUNT(statuses));
    words(b, "kind", kinds, DBK_COUNT(kinds));
    words(b, "currency", currencies, DBK_COUNT(currencies));
    words(b, "payment_method", methods, DBK_COUNT(methods));
    dbk_batch_column *customer = column(b, "customer_id");
    customer->codes = dbk_arena_alloc(&b->arena, b->rows * sizeof *customer->codes);
    customer->words = dbk_arena_zalloc(&b->arena, (b->rows + 1) * sizeof *customer->words);
    customer->words_count = b->rows + 1;
    for (uint32_t i = 0; i < b->rows; i++) {
        char id[16];
        int length = snprintf(id, sizeof id, "cus_%07u", (uint32_t)dbk_random_below(r, customers));
        customer->words[i + 1] = (dbk_text){dbk_arena_copy(&b->arena, id, (size_t)length), (uint32_t)length};
        customer->codes[i] = i + 1;
        column(b, "status")->codes[i] = skewed(r, DBK_COUNT(statuses));
        column(b, "kind")->codes[i] = skewed(r, DBK_COUNT(kinds));
        column(b, "currency")->codes[i] = dbk_random_below(r, 30) ? 1 : skewed(r, DBK_COUNT(currencies));
        column(b, "payment_method")->codes[i] = skewed(r, DBK_COUNT(methods));
    }
}

static void fill_numbers(dbk_random *r, dbk_batch *b, uint64_t first, uint64_t orders)
{
    int64_t *at = numbers(b, "created_at"), *subtotal = numbers(b, "subtotal"), *tax = numbers(b, "tax"),
            *shipping = numbers(b, "shipping"), *discount = numbers(b, "discount"),
            *total = numbers(b, "total");
    dbk_text *ids = column(b, "id")->texts = dbk_arena_alloc(&b->arena, b->rows * sizeof(dbk_text));
    for (uint32_t i = 0; i < b->rows; i++) {
        char id[24];
        int length = snprintf(id, sizeof id, "ord_%016" PRIx64, dbk_random_u64(r));
        ids[i] = (dbk_text){dbk_arena_copy(&b->arena, id, (size_t)length), (uint32_t)length};
        at[i] = FROM + (int64_t)((dbk_u128)(first + i) * DAYS * DBK_MS_DAY / orders);
        if (dbk_random_below(r, 1000) < LATE_PER_MILLE && at[i] > FROM + 3ll * DBK_MS_DAY)
            at[i] -= (int64_t)dbk_random_below(r, 3ull * DBK_MS_DAY);
        subtotal[i] = 50000 + (int64_t)dbk_random_below(r, 20000) * 100;
        discount[i] = dbk_random_below(r, 7) ? 0 : subtotal[i] / 1000 * 100;
        shipping[i] = dbk_random_below(r, 3) ? 0 : 49500;
        tax[i] = (subtotal[i] - discount[i] + shipping[i]) / 500 * 100;
        total[i] = subtotal[i] - discount[i] + shipping[i] + tax[i];
    }
}

static void publish(dbk_db *db, uint64_t number)
{
    dbk_snapshot *snapshot = dbk_db_freeze(db, number);
    must(snapshot != NULL, "out of memory");
    dbk_db_publish(db, snapshot);
}

static void apply(dbk_db *db, const dbk_batch *batch)
{
    dbk_apply_report report;
    dbk_error err;
    must(dbk_db_apply(db, DBK_TEXT("bench"), batch, &report, &err) == DBK_OK, "a batch was refused");
    free(report.rejected_rows);
}

// The database, and how long the engine worked on it.
static dbk_db *load(uint64_t orders, bool with_rollups, int64_t *ns)
{
    dbk_db *db;
    dbk_error err;
    dbk_random r = dbk_random_seed(42);
    must(dbk_db_create(&db, &err) == DBK_OK, "out of memory");
    if (!with_rollups)
        dbk_db_set_rollup_rows(db, UINT64_MAX, 0);
    *ns = 0;
    for (uint64_t first = 0, number = 1; first < orders; first += BATCH, number++) {
        dbk_batch b = {.table = dbk_table_def_by_id(DBK_ORDERS)};
        b.rows = orders - first < BATCH ? (uint32_t)(orders - first) : BATCH;
        fill_numbers(&r, &b, first, orders);
        fill_words(&r, &b, (uint32_t)(orders / 40 + 1));
        int64_t before = worked_ns();
        apply(db, &b);
        publish(db, number);
        *ns += worked_ns() - before;
        dbk_batch_dispose(&b);
    }
    return db;
}

static int64_t set_zone(dbk_db *db, const char *zone)
{
    dbk_batch b = {.table = dbk_table_def_by_id(DBK_SETTINGS), .rows = 1};
    const char *const names[] = {"timezone"};
    words(&b, b.table->columns[b.table->key_column].name, names, 1);
    b.columns[b.table->key_column].codes[0] = 1;
    dbk_text value = dbk_text_from(zone);
    column(&b, "value")->texts = &value;
    apply(db, &b);
    dbk_batch_dispose(&b);
    int64_t before = worked_ns();
    publish(db, UINT64_MAX / 2);
    return worked_ns() - before;
}

// Orders that come in small groups, each published: one in twenty replaces another.
static double live_ns(dbk_db *db, uint64_t orders, uint64_t number)
{
    enum { GROUPS = 400, GROUP = 50 };
    dbk_random r = dbk_random_seed(number);
    int64_t ns = 0;
    for (uint64_t i = 0; i < GROUPS; i++) {
        dbk_batch b = {.table = dbk_table_def_by_id(DBK_ORDERS), .rows = GROUP};
        fill_numbers(&r, &b, orders - (GROUPS - i) * GROUP, orders);
        fill_words(&r, &b, (uint32_t)(orders / 40 + 1));
        int64_t before = worked_ns();
        apply(db, &b);
        publish(db, number + i);
        ns += worked_ns() - before;
        dbk_batch_dispose(&b);
    }
    return (double)ns / (GROUPS * GROUP);
}

// ---- Memory ----

typedef struct cells_sum {
    uint64_t bytes, buckets, cells, used;
} cells_sum;

static void add_cells(void *user, int32_t bucket, const dbk_cells *cells)
{
    cells_sum *sum = user;
    (void)bucket;
    sum->bytes += cells->object.bytes;
    sum->buckets++;
    for (uint32_t p = 0; p < cells->directory; p++) {
        const void *page = dbk_cells_page(cells, p);
        for (uint32_t i = 0; page && i < DBK_CUBE_PAGE; i++) {
            sum->cells++;
            sum->used += dbk_cells_number(cells, page, 0, i) != 0;
        }
    }
}

static void print_sums(const dbk_rollups_view *rollups, double orders)
{
    static const char *const grains[] = {"hours", "days", "months"};
    for (int i = 0; rollups && i < rollups->count; i++)
        for (int g = 0; g < DBK_GRAIN_COUNT; g++) {
            const dbk_rollup_view *view = &rollups->rollups[i];
            cells_sum sum = {0};
            dbk_cube_walk(&view->cubes[g], INT32_MIN, INT32_MAX, add_cells, &sum);
            if (sum.bytes)
                printf("    %-45s %-8s %6.2f  %" PRIu64 " buckets, %" PRIu64 " of %" PRIu64
                       " cells are used\n",
                       view->shape->def->name, grains[g], (double)sum.bytes / orders, sum.buckets, sum.used,
                       sum.cells);
        }
}

// What the table of orders is made of, in bytes an order.
static void print_memory(dbk_db *db, uint64_t orders)
{
    const dbk_table *table = db->tenants[0]->tables[DBK_ORDERS];
    double n = (double)orders, stored = 0, opened = 0, hot = 0;
    for (uint32_t slot = 0; slot < table->slots; slot++) {
        const dbk_part *part = dbk_table_part(table, slot);
        size_t size = 0;
        if (part->sealed) {
            (void)dbk_segment_bytes(part->sealed->segment, &size);
            stored += (double)size;
            opened += (double)(dbk_segment_memory(part->sealed->segment) - size);
        }
        hot += part->delta ? (double)dbk_delta_memory(part->delta) : 0;
    }
    const double keys = (double)dbk_key_index_memory(&table->index);
    printf("    segments %.2f, what is known of their columns %.2f, hot rows %.2f, key index %.2f\n",
           stored / n, opened / n, hot / n, keys / n);
    print_sums(table->view->rollups, n);
}

// ---- Questions ----

static dbk_bucket hour = {.unit = DBK_UNIT_HOUR, .count = 1}, day = {.unit = DBK_UNIT_DAY, .count = 1},
                  month = {.unit = DBK_UNIT_MONTH, .count = 1};
static const dbk_group_key by_day[] = {{"created_at", &day}};
static const dbk_group_key by_hour[] = {{"created_at", &hour}};
static const dbk_group_key by_day_status[] = {{"created_at", &day}, {"status", NULL}};
static const dbk_group_key by_month_status[] = {{"created_at", &month}, {"status", NULL}};
static const dbk_group_key by_status[] = {{"status", NULL}};
static const dbk_group_key by_status_currency[] = {{"status", NULL}, {"currency", NULL}};
static const dbk_group_key by_method[] = {{"payment_method", NULL}};
static const dbk_group_key by_customer[] = {{"customer_id", NULL}};
static const dbk_aggregate count_sum[] = {{DBK_COUNT_ROWS, NULL}, {DBK_SUM, "total"}};
static const dbk_aggregate count_sum_last[] = {
    {DBK_COUNT_ROWS, NULL}, {DBK_SUM, "total"}, {DBK_MAX, "created_at"}};
static const dbk_aggregate all_sums[] = {{DBK_COUNT_ROWS, NULL}, {DBK_SUM, "total"},
                                         {DBK_SUM, "subtotal"},  {DBK_SUM, "tax"},
                                         {DBK_SUM, "discount"},  {DBK_SUM, "shipping"}};
static const dbk_value standard = {.kind = DBK_VALUE_TEXT, .text = {"standard", 8}};
static const dbk_filter only_standard[] = {{"kind", DBK_OP_EQ, &standard, 1}};
static const dbk_order first_key[] = {{0, false}}, top[] = {{2, true}, {0, false}};

typedef struct question {
    const char *name, *from, *to;
    dbk_query query;
} question;

#define KEYS(list)       .keys = (list), .keys_count = DBK_COUNT(list)
#define TOP_CUSTOMERS    KEYS(by_customer), .order = top, .order_count = 2, .limit = 100
#define AGGREGATES(list) .aggregates = (list), .aggregates_count = DBK_COUNT(list)

static const question questions[] = {
    {"month: status × currency",
     "2024-03-01",
     "2024-04-01",
     {KEYS(by_status_currency), AGGREGATES(count_sum)}},
    {"month: day, gap-free",
     "2024-03-01",
     "2024-04-01",
     {KEYS(by_day), AGGREGATES(count_sum), .fill = true, .order = first_key, .order_count = 1}},
    {"month: day × status", "2024-03-01", "2024-04-01", {KEYS(by_day_status), AGGREGATES(count_sum)}},
    {"month: one kind by day, all sums",
     "2024-03-01",
     "2024-04-01",
     {KEYS(by_day), AGGREGATES(all_sums), .filters = only_standard, .filters_count = 1}},
    {"month: payment method", "2024-03-01", "2024-04-01", {KEYS(by_method), AGGREGATES(count_sum)}},
    {"month to a minute of its last day: status",
     "2024-03-01",
     "2024-03-31T14:37",
     {KEYS(by_status), AGGREGATES(count_sum)}},
    {"day: hour", "2024-03-05", "2024-03-06", {KEYS(by_hour), AGGREGATES(count_sum)}},
    {"year: day", "2024-01-01", "2025-01-01", {KEYS(by_day), AGGREGATES(count_sum)}},
    {"year: day, gap-free",
     "2024-01-01",
     "2025-01-01",
     {KEYS(by_day), AGGREGATES(count_sum), .fill = true, .order = first_key, .order_count = 1}},
    {"year: month × status", "2024-01-01", "2025-01-01", {KEYS(by_month_status), AGGREGATES(count_sum)}},
    {"all time: status", NULL, NULL, {KEYS(by_status), AGGREGATES(count_sum)}},
    {"all time: month × status, all sums", NULL, NULL, {KEYS(by_month_status), AGGREGATES(all_sums)}},
    {"month: top 100 customers", "2024-03-01", "2024-04-01", {TOP_CUSTOMERS, AGGREGATES(count_sum)}},
    {"month: top 100 customers, last order",
     "2024-03-01",
     "2024-04-01",
     {TOP_CUSTOMERS, AGGREGATES(count_sum_last)}},
    {"quarter: top 100 customers", "2024-01-01", "2024-04-01", {TOP_CUSTOMERS, AGGREGATES(count_sum)}},
    {"year: top 100 customers", "2024-01-01", "2025-01-01", {TOP_CUSTOMERS, AGGREGATES(count_sum)}},
    {"all time: top 100 customers", NULL, NULL, {TOP_CUSTOMERS, AGGREGATES(count_sum)}},
    {"month: customers", "2024-03-01", "2024-04-01", {KEYS(by_customer), AGGREGATES(count_sum_last)}},
};

static int64_t at(const char *text, int64_t open, const dbk_zone *zone)
{
    int64_t ms = open;
    dbk_time_form form;
    must(!text || dbk_time_parse(text, strlen(text), zone, &ms, &form), "a time cannot be read");
    return ms;
}

static dbk_result *ask(dbk_db *db, const dbk_query *query, int64_t *ns)
{
    dbk_result *result;
    dbk_error err;
    int64_t before = dbk_clock_steady_ns();
    dbk_read read = dbk_read_begin(db);
    dbk_status status = dbk_query_run(read.snapshot, DBK_TEXT("bench"), query, &result, &err);
    dbk_read_end(db, &read);
    *ns = dbk_clock_steady_ns() - before;
    must(status == DBK_OK, err.message);
    return result;
}

// Rows come in an order that both ways share only if it is asked for: compared as sums over all rows.
static dbk_u128 digest(const dbk_result *result)
{
    dbk_u128 all = dbk_result_rows(result);
    for (size_t row = 0; row < dbk_result_rows(result); row++) {
        dbk_u128 one = 1;
        for (int c = 0; c < dbk_result_columns(result); c++) {
            if (dbk_result_column_kind(result, c) == DBK_RESULT_TEXT)
                for (uint32_t i = 0; i < dbk_result_text(result, row, c).length; i++)
                    one = one * 31 + (uint8_t)dbk_result_text(result, row, c).data[i];
            else
                one = one * 1000003 + (dbk_u128)dbk_result_sum(result, row, c);
        }
        all += one;
    }
    return all;
}

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

// The median; *least is the shortest.
static int64_t time_of(dbk_db *db, const dbk_query *query, int repetitions, int64_t *least)
{
    static int64_t ns[REPETITIONS_MAX];
    for (int i = 0; i < repetitions; i++)
        dbk_result_free(ask(db, query, &ns[i]));
    qsort(ns, (size_t)repetitions, sizeof ns[0], ascending);
    *least = ns[0];
    return ns[repetitions / 2];
}

static void compare(dbk_db *db, const question *q, const dbk_zone *zone, int repetitions, int threads)
{
    dbk_query query = q->query;
    int64_t ns, least, rows_least;
    query.table = "orders";
    query.from_ms = at(q->from, DBK_TIME_OPEN_FROM, zone);
    query.to_ms = at(q->to, DBK_TIME_OPEN_TO, zone);
    query.threads = threads;
    dbk_result *kept = ask(db, &query, &ns);
    query.from_rows = true;
    dbk_result *scanned = ask(db, &query, &ns);
    must(digest(kept) == digest(scanned), "a rollup and its rows disagree");
    dbk_result_stats stats = dbk_result_statistics(kept);
    size_t groups = dbk_result_rows(kept);
    dbk_result_free(kept);
    dbk_result_free(scanned);
    query.from_rows = false;
    int64_t from_rollup = time_of(db, &query, repetitions, &least);
    query.from_rows = true;
    int few = ns > 20000000 ? 3 : repetitions < 11 ? repetitions : 11;
    int64_t from_rows = time_of(db, &query, few, &rows_least);
    printf("  %-42s %6zu %7" PRIu64 " %9" PRIu64 " %9.1f %9.1f %11.1f %9.1f\n", q->name, groups,
           stats.rollup_buckets, stats.rows_scanned, (double)from_rollup / 1000, (double)least / 1000,
           (double)from_rows / 1000, (double)from_rows / (double)from_rollup);
}

// It is made when it has been asked for. Orders are kept up before and after, in turns, and the least counts.
static void make_roster(dbk_db *db, uint64_t orders)
{
    double best[2] = {1e9, 1e9}, n = (double)orders, steps = 0, longest = 0, whole = 0;
    dbk_query query = {.table = "orders",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       TOP_CUSTOMERS,
                       AGGREGATES(count_sum)};
    uint64_t number = UINT64_MAX / 2 + 1, bytes = dbk_db_memory(db);
    int64_t ns;
    for (int i = 0; i < 3; i++, number += 1000) {
        double live = live_ns(db, orders, number);
        best[0] = live < best[0] ? live : best[0];
    }
    bytes = dbk_db_memory(db);
    dbk_result_free(ask(db, &query, &ns));
    while (dbk_db_make_wished(db)) {
        int64_t before = worked_ns();
        publish(db, number++);
        double step = (double)(worked_ns() - before);
        steps++;
        whole += step;
        longest = step > longest ? step : longest;
    }
    printf("  a roster of customers: made in %.1f ns an order, %.0f steps of %.1f ms at most, %.2f bytes an "
           "order\n",
           whole / n, steps, longest / 1e6, ((double)dbk_db_memory(db) - (double)bytes) / n);
    for (int i = 0; i < 3 && steps > 0; i++, number += 1000) {
        double live = live_ns(db, orders, number);
        best[1] = live < best[1] ? live : best[1];
    }
    printf("  orders in groups of 50, each published: %.0f ns of the processor an order without it, %.0f "
           "with it\n",
           best[0], best[1]);
}

int main(int argc, char **argv)
{
    uint64_t orders = argc > 1 ? strtoull(argv[1], NULL, 10) : 200000;
    int repetitions = argc > 2 ? atoi(argv[2]) : 101, threads = argc > 3 ? atoi(argv[3]) : 1;
    const dbk_zone *zone;
    dbk_error err;
    must(orders > 0 && repetitions > 0 && repetitions <= REPETITIONS_MAX, "bad arguments");
    must(dbk_zone_load("Europe/Berlin", &zone, &err) == DBK_OK, "no time zones");
    hour.zone = day.zone = month.zone = zone;

    // Loaded in turns, and the better of two counts; many orders only once.
    static const bool turns[] = {true, false, false, true};
    int64_t best[2] = {INT64_MAX, INT64_MAX}, load_ns;
    uint64_t bytes[2] = {0};
    dbk_db *db = NULL;
    double n = (double)orders;
    printf("%" PRIu64 " orders of %d days, %d thread(s)\n", orders, DAYS, threads);
    for (size_t i = orders > 20000000 ? DBK_COUNT(turns) - 1 : 0; i < DBK_COUNT(turns); i++) {
        dbk_db_destroy(db);
        db = load(orders, turns[i], &load_ns);
        best[turns[i]] = load_ns < best[turns[i]] ? load_ns : best[turns[i]];
        bytes[turns[i]] = dbk_db_memory(db);
    }
    for (int i = 0; i < 2; i++)
        if (bytes[i])
            printf("  %s rollups: applied in %.1f ns of the processor an order, %.2f bytes an order\n",
                   i ? "with" : "without", (double)best[i] / n, (double)bytes[i] / n);
    print_memory(db, orders);
    int64_t ns = set_zone(db, "Europe/Berlin");
    printf("  made anew for another time zone: %.1f ns an order\n", (double)ns / n);
    make_roster(db, orders);
    printf("  %-42s %6s %7s %9s %9s %9s %11s %9s\n", "", "groups", "buckets", "rows read", "µs", "least",
           "from rows", "ratio");
    for (size_t i = 0; i < DBK_COUNT(questions); i++)
        compare(db, &questions[i], zone, repetitions, threads);
    dbk_db_destroy(db);
    return 0;
}
