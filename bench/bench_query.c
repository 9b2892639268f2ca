// SPDX-License-Identifier: Apache-2.0
// Daybook's side of the suites `scan` and `summaries`: opens a data directory, then for each line "NAME [V]"
// on stdin runs the query of that name, in its variation V (so many months earlier, another word), and
// answers
// {"ns":…,"cpu":…,"table_rows":…,"scanned":…,"bytes":…,"rows":[[…]]} on stdout: nanoseconds by the clock and
// of all the process's threads, the rows of the table and those that were looked at, the packed bytes of the
// columns that the query names. Integers are strings, so that no reader rounds them. Names that begin with
// "kept_" may be answered from sums kept beside the rows, the others look at rows.
//
// "portable NAME [V]" does it with the loops for any processor; the others use those of the level that is
// named, or the best that this processor runs. The line "describe" is answered with what each query must
// touch at the least: rows, columns, bits a row.
//
//     bench_query DIR TENANT THREADS [portable|avx2|avx512] <lines
#include "bench/queries.h"
#include "engine/base/clock.h"
#include "engine/base/decimal.h"
#include "engine/base/processor.h"
#include "engine/table/state.h"
#include "ingest/store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

// ---- Queries ----

static int failed(const char *name, const dbk_error *err)
{
    fprintf(stderr, "%s: %s\n", name, err->message);
    return 1;
}

static int answer(dbk_db *db, const char *tenant, const char *name, int variation, int threads)
{
    const size_t i = bench_query_find(name);
    if (i == bench_queries_count()) {
        fprintf(stderr, "there is no query %s\n", name);
        return 1;
    }
    dbk_query query = bench_query_make(i, variation, threads);
    dbk_error err;
    dbk_result *result;
    int64_t before = dbk_clock_ns(CLOCK_MONOTONIC), cpu_before = dbk_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    dbk_read read = dbk_read_begin(db);
    dbk_status status = dbk_query_run(read.snapshot, dbk_text_from(tenant), &query, &result, &err);
    int64_t cpu = dbk_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_before,
            ns = dbk_clock_ns(CLOCK_MONOTONIC) - before;
    if (status != DBK_OK)
        return failed(name, &err);
    const dbk_table_def *table = bench_query_table(&query);
    const dbk_table_view *view =
        dbk_tenant_table(dbk_snapshot_tenant(read.snapshot, dbk_text_from(tenant)), table->id);
    printf("{\"ns\":%lld,\"cpu\":%lld,\"table_rows\":%llu,\"scanned\":%llu,\"bytes\":%llu,", (long long)ns,
           (long long)cpu, (unsigned long long)(view ? dbk_view_rows(view) : 0),
           (unsigned long long)dbk_result_statistics(result).rows_scanned,
           (unsigned long long)(view ? query_bytes(view, table, &query) : 0));
    dbk_read_end(db, &read);
    print_rows(result);
    puts("}");
    fflush(stdout);
    dbk_result_free(result);
    return 0;
}

// ---- What they must touch ----

// Of sealed rows: bits a row.
static double column_bits(const dbk_table_view *view, const dbk_table_def *table, const char *name)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < dbk_view_parts(view); i++) {
        const dbk_part *part = dbk_view_part(view, i);
        rows += part->sealed ? dbk_part_rows(part) : 0;
    }
    return rows ? 8.0 * (double)column_bytes(view, table, name) / (double)rows : 0;
}

static int rows_in_range(const dbk_snapshot *snapshot, dbk_text tenant, const dbk_query *query, int64_t *rows)
{
    dbk_query all = {.table = query->table,
                     .from_ms = query->from_ms,
                     .to_ms = query->to_ms,
                     .aggregates = &(dbk_aggregate){.kind = DBK_COUNT_ROWS},
                     .aggregates_count = 1};
    dbk_error err;
    dbk_result *result;
    if (dbk_query_run(snapshot, tenant, &all, &result, &err) != DBK_OK)
        return failed("rows", &err);
    *rows = (int64_t)dbk_result_sum(result, 0, 0);
    dbk_result_free(result);
    return 0;
}

// Names each column once, with the bits that a row of it has. Rows are sorted by the time column: where it
// only bounds a range or a bucket its ends are searched for, and it is not one of those that must be read.
static void describe_columns(const dbk_table_view *view, const dbk_table_def *table, const dbk_query *q)
{
    const char *names[DBK_COLUMNS_MAX];
    int count = 0;
    for (int i = 0; i < q->filters_count; i++)
        names[count++] = q->filters[i].column;
    for (int i = 0; i < q->keys_count; i++)
        if (!q->keys[i].bucket)
            names[count++] = q->keys[i].column;
    for (int i = 0; i < q->aggregates_count; i++)
        if (q->aggregates[i].column)
            names[count++] = q->aggregates[i].column;
    const char *separator = "";
    for (int i = 0; i < count; i++) {
        bool again = false;
        for (int k = 0; k < i; k++)
            again |= strcmp(names[i], names[k]) == 0;
        if (!again)
            printf("%s\"%s\":%.2f", separator, names[i], column_bits(view, table, names[i]));
        separator = ",";
    }
}

// How many groups are added to at once: buckets of time are runs of rows, one after the other. Distinct
// values of a column are a bit each, 128 to the bytes of a group.
static double groups_at_once(const dbk_tenant_view *view, const dbk_table_def *table, const dbk_query *q)
{
    double groups = 1;
    for (int i = 0; i < q->keys_count; i++)
        if (!q->keys[i].bucket) {
            int column = dbk_column_find(table, dbk_text_from(q->keys[i].column));
            groups *= dbk_tenant_words(view, table->columns[column].domain) + 1.0;
        }
    for (int i = 0; i < q->aggregates_count; i++)
        if (q->aggregates[i].kind == DBK_COUNT_DISTINCT) {
            int column = dbk_column_find(table, dbk_text_from(q->aggregates[i].column));
            groups *= dbk_tenant_words(view, table->columns[column].domain) / 128.0 + 1.0;
        }
    return groups;
}

static int describe(dbk_db *db, dbk_text tenant)
{
    dbk_read read = dbk_read_begin(db);
    const dbk_tenant_view *view = dbk_snapshot_tenant(read.snapshot, tenant);
    int status = 0;
    const char *separator = "";
    putchar('{');
    for (size_t i = 0; view && i < bench_queries_count(); i++) {
        dbk_query query = bench_query_make(i, 0, 1);
        const dbk_table_def *table = bench_query_table(&query);
        const dbk_table_view *rows_view = dbk_tenant_table(view, table->id);
        int64_t rows;
        if (!rows_view)
            continue;
        if ((status = rows_in_range(read.snapshot, tenant, &query, &rows)) != 0)
            break;
        // Neither keys nor conditions: the sums of whole segments are known.
        bool statistics = query.keys_count == 0 && query.filters_count == 0;
        printf("%s\"%s\":{\"table\":\"%s\",\"rows\":%lld,\"statistics\":%s,\"groups\":%.0f,\"columns\":{",
               separator, bench_query_name(i), query.table, (long long)rows, statistics ? "true" : "false",
               groups_at_once(view, table, &query));
        describe_columns(rows_view, table, &query);
        printf("}}");
        separator = ",";
    }
    puts("}");
    fflush(stdout);
    dbk_read_end(db, &read);
    return status;
}

// ---- The lines ----

static bool use_level(const char *name)
{
    for (int level = 0; level < DBK_LEVELS; level++)
        if (strcmp(dbk_level_name((dbk_level)level), name) == 0)
            return dbk_level_use((dbk_level)level);
    return false;
}

// What an opened store still does on threads of its own (rollups) would count as the first queries' time.
static void wait_for_quiet(void)
{
    const struct timespec pause = {.tv_nsec = 20000000};
    int64_t before, used;
    do {
        before = dbk_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
        nanosleep(&pause, NULL);
        used = dbk_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - before;
    } while (used > 1000000);
}

// One line of stdin.
static int obey(dbk_db *db, const char *tenant, char *line, int threads, dbk_level level)
{
    static const char portable[] = "portable ";
    char name[64] = "";
    int variation = 0;
    bool is_portable = strncmp(line, portable, sizeof portable - 1) == 0;
    if (sscanf(line + (is_portable ? sizeof portable - 1 : 0), "%63s %d", name, &variation) < 1)
        return 0;
    if (strcmp(name, "describe") == 0)
        return describe(db, dbk_text_from(tenant));
    dbk_level_use(is_portable ? DBK_LEVEL_PORTABLE : level);
    return answer(db, tenant, name, variation, threads);
}

int main(int argc, char **argv)
{
    if (argc < 4 || argc > 5) {
        fprintf(stderr, "usage: bench_query DIR TENANT THREADS [portable|avx2|avx512] <lines\n");
        return 2;
    }
    if (argc == 5 && !use_level(argv[4])) {
        fprintf(stderr, "bench_query: this processor does not run %s\n", argv[4]);
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
    const dbk_level level = dbk_level_used();
    char line[128];
    int status = 0;
    while (!status && fgets(line, sizeof(line), stdin))
        status = obey(dbk_store_db(store), argv[2], line, atoi(argv[3]), level);
    dbk_store_close(store);
    return status;
}
