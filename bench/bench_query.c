// SPDX-License-Identifier: Apache-2.0
// Daybook's side of the scan benchmark: opens a data directory, then for each line "NAME [NAME …]" on stdin
// runs the query of that name and answers {"ns":…,"cpu":…,"table_rows":…,"scanned":…,"bytes":…,"rows":[[…]]} on
// stdout: nanoseconds by the clock and of all the process's threads, the rows of the table and those that were looked
// at, the packed bytes of the columns that the query names. Integers are strings, so that no reader rounds them.
#include "engine/base/decimal.h"
#include "engine/table/state.h"
#include "ingest/store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t at(const char *date)
{
    int32_t day;
    if (!dbk_date_parse(date, strlen(date), &day))
        abort();
    return (int64_t)day * DBK_MS_DAY;
}

static const dbk_bucket day = {.unit = DBK_UNIT_DAY, .count = 1};
static const dbk_bucket hour_of_day = {.unit = DBK_UNIT_HOUR_OF_DAY, .count = 1};
static const dbk_bucket month = {.unit = DBK_UNIT_MONTH, .count = 1};
static const dbk_aggregate count_sum[] = {{DBK_COUNT_ROWS, NULL}, {DBK_SUM, "total"}};
static const dbk_aggregate count_sum_last[] = {
    {DBK_COUNT_ROWS, NULL}, {DBK_SUM, "total"}, {DBK_MAX, "created_at"}};
static const dbk_aggregate count_only[] = {{DBK_COUNT_ROWS, NULL}};
static const dbk_aggregate distinct_customers[] = {{DBK_COUNT_DISTINCT, "customer_id"}};
static const dbk_value cancelled = {.kind = DBK_VALUE_TEXT, .text = {"CANCELLED", 9}};
static const dbk_value card = {.kind = DBK_VALUE_TEXT, .text = {"card", 4}};
static const dbk_filter cancelled_card[] = {{"status", DBK_OP_EQ, &cancelled, 1},
                                            {"payment_method", DBK_OP_EQ, &card, 1}};
static const dbk_filter with_customer[] = {{"customer_id", DBK_OP_NOT_NULL, NULL, 0}};
static const dbk_group_key by_day_status[] = {{"created_at", &day}, {"status", NULL}};
static const dbk_group_key by_status[] = {{"status", NULL}};
static const dbk_group_key by_method_month[] = {{"payment_method", NULL}, {"created_at", &month}};
static const dbk_group_key by_customer[] = {{"customer_id", NULL}};
static const dbk_group_key by_month[] = {{"created_at", &month}};
static const dbk_group_key by_hour[] = {{"created_at", &hour_of_day}};
static const dbk_group_key by_product[] = {{"product_id", NULL}};
// Revenue descending, then the key.
static const dbk_order top[] = {{2, true}, {0, false}};

static const struct {
    const char *name, *from, *to;
    dbk_query query;
} queries[] = {
    {"sum_all", NULL, NULL, {.table = "orders", .aggregates = count_sum, .aggregates_count = 2}},
    {"sum_month",
     "2025-03-01",
     "2025-04-01",
     {.table = "orders", .aggregates = count_sum, .aggregates_count = 2}},
    {"filter_count",
     NULL,
     NULL,
     {.table = "orders",
      .filters = cancelled_card,
      .filters_count = 2,
      .aggregates = count_only,
      .aggregates_count = 1}},
    {"day_status",
     NULL,
     NULL,
     {.table = "orders",
      .keys = by_day_status,
      .keys_count = 2,
      .aggregates = count_sum,
      .aggregates_count = 2}},
    {"status",
     NULL,
     NULL,
     {.table = "orders", .keys = by_status, .keys_count = 1, .aggregates = count_sum, .aggregates_count = 2}},
    {"method_month",
     NULL,
     NULL,
     {.table = "orders",
      .keys = by_method_month,
      .keys_count = 2,
      .aggregates = count_sum,
      .aggregates_count = 2}},
    {"top_customers_quarter",
     "2025-01-01",
     "2025-04-01",
     {.table = "orders",
      .filters = with_customer,
      .filters_count = 1,
      .keys = by_customer,
      .keys_count = 1,
      .aggregates = count_sum_last,
      .aggregates_count = 3,
      .order = top,
      .order_count = 2,
      .limit = 100}},
    {"top_customers_all",
     NULL,
     NULL,
     {.table = "orders",
      .filters = with_customer,
      .filters_count = 1,
      .keys = by_customer,
      .keys_count = 1,
      .aggregates = count_sum,
      .aggregates_count = 2,
      .order = top,
      .order_count = 2,
      .limit = 100}},
    {"distinct_month",
     NULL,
     NULL,
     {.table = "orders",
      .keys = by_month,
      .keys_count = 1,
      .aggregates = distinct_customers,
      .aggregates_count = 1}},
    {"top_products",
     NULL,
     NULL,
     {.table = "order_lines",
      .keys = by_product,
      .keys_count = 1,
      .aggregates = count_sum,
      .aggregates_count = 2,
      .order = top,
      .order_count = 2,
      .limit = 100}},
    {"hour_of_day",
     NULL,
     NULL,
     {.table = "orders", .keys = by_hour, .keys_count = 1, .aggregates = count_sum, .aggregates_count = 2}},
};

static void print_wide(dbk_i128 value)
{
    char number[DBK_DECIMAL_TEXT_MAX];
    printf("\"%.*s\"", (int)dbk_decimal_write(number, value, 0, 1, 0), number);
}

static void print_rows(const dbk_result *result)
{
    fputs("\"rows\":[", stdout);
    for (size_t row = 0; row < dbk_result_rows(result); row++) {
        fputs(row ? ",[" : "[", stdout);
        for (int column = 0; column < dbk_result_columns(result); column++) {
            if (column)
                putchar(',');
            if (dbk_result_is_null(result, row, column)) {
                fputs("null", stdout);
            } else if (dbk_result_column_kind(result, column) == DBK_RESULT_TEXT) {
                dbk_text text = dbk_result_text(result, row, column);
                printf("\"%.*s\"", (int)text.length, text.data);
            } else {
                print_wide(dbk_result_sum(result, row, column));
            }
        }
        putchar(']');
    }
    fputs("]", stdout);
}

// The packed bytes of a column in all sealed rows.
static uint64_t column_bytes(const dbk_table_view *view, const dbk_table_def *table, const char *name)
{
    uint64_t bytes = 0;
    const int column = dbk_column_find(table, dbk_text_from(name));
    for (size_t i = 0; i < dbk_view_parts(view); i++) {
        const dbk_part *part = dbk_view_part(view, i);
        bytes += part->sealed ? dbk_segment_column_bytes(part->sealed->segment, column) : 0;
    }
    return bytes;
}

static uint64_t query_bytes(const dbk_table_view *view, const dbk_table_def *table, const dbk_query *q)
{
    const char *names[DBK_COLUMNS_MAX];
    int count = 0;
    if (q->from_ms != DBK_TIME_OPEN_FROM || q->to_ms != DBK_TIME_OPEN_TO)
        names[count++] = table->columns[table->time_column].name;
    for (int i = 0; i < q->filters_count; i++)
        names[count++] = q->filters[i].column;
    for (int i = 0; i < q->keys_count; i++)
        names[count++] = q->keys[i].column;
    for (int i = 0; i < q->aggregates_count; i++)
        if (q->aggregates[i].column)
            names[count++] = q->aggregates[i].column;
    uint64_t bytes = 0;
    for (int i = 0; i < count; i++) {
        bool again = false;
        for (int k = 0; k < i; k++)
            again |= strcmp(names[i], names[k]) == 0;
        bytes += again ? 0 : column_bytes(view, table, names[i]);
    }
    return bytes;
}

static int64_t now_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int answer(dbk_db *db, const char *tenant, const char *name, int threads)
{
    for (size_t i = 0; i < DBK_COUNT(queries); i++) {
        if (strcmp(queries[i].name, name) != 0)
            continue;
        dbk_query query = queries[i].query;
        query.from_ms = queries[i].from ? at(queries[i].from) : DBK_TIME_OPEN_FROM;
        query.to_ms = queries[i].to ? at(queries[i].to) : DBK_TIME_OPEN_TO;
        query.threads = threads;
        query.from_rows = true; // nobody has sums made beforehand here
        dbk_error err;
        dbk_result *result;
        int64_t before = now_ns(CLOCK_MONOTONIC), cpu_before = now_ns(CLOCK_PROCESS_CPUTIME_ID);
        dbk_read read = dbk_read_begin(db);
        dbk_status status = dbk_query_run(read.snapshot, dbk_text_from(tenant), &query, &result, &err);
        int64_t cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_before, ns = now_ns(CLOCK_MONOTONIC) - before;
        if (status != DBK_OK) {
            fprintf(stderr, "%s: %s\n", name, err.message);
            return 1;
        }
        const dbk_table_def *table = dbk_table_def_by_name(dbk_text_from(query.table));
        const dbk_table_view *view =
            dbk_tenant_table(dbk_snapshot_tenant(read.snapshot, dbk_text_from(tenant)), table->id);
        printf("{\"ns\":%lld,\"cpu\":%lld,\"table_rows\":%llu,\"scanned\":%llu,\"bytes\":%llu,", (long long)ns,
               (long long)cpu, (unsigned long long)dbk_view_rows(view),
               (unsigned long long)dbk_result_statistics(result).rows_scanned,
               (unsigned long long)query_bytes(view, table, &query));
        dbk_read_end(db, &read);
        print_rows(result);
        puts("}");
        fflush(stdout);
        dbk_result_free(result);
        return 0;
    }
    fprintf(stderr, "there is no query %s\n", name);
    return 1;
}

// What an opened store still does on threads of its own (rollups) would count as the first queries' time.
static void wait_for_quiet(void)
{
    const struct timespec pause = {.tv_nsec = 20000000};
    int64_t before, used;
    do {
        before = now_ns(CLOCK_PROCESS_CPUTIME_ID);
        nanosleep(&pause, NULL);
        used = now_ns(CLOCK_PROCESS_CPUTIME_ID) - before;
    } while (used > 1000000);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: bench_query DIR TENANT THREADS <names\n");
        return 2;
    }
    dbk_store *store;
    dbk_error err;
    dbk_store_options options = {.directory = argv[1]};
    if (dbk_store_open(&store, &options, &err) != DBK_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    wait_for_quiet();
    puts("{\"ready\":true}");
    fflush(stdout);
    char line[128];
    int failed = 0;
    while (!failed && fgets(line, sizeof(line), stdin)) {
        line[strcspn(line, "\n")] = 0;
        failed = answer(dbk_store_db(store), argv[2], line, atoi(argv[3]));
    }
    dbk_store_close(store);
    return failed;
}
