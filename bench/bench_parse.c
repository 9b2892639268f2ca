// SPDX-License-Identifier: Apache-2.0
// How fast text becomes batches: the structural scan alone (against a byte loop), CSV and NDJSON of orders,
// on one thread, on generated data: MB/s and rows/s, best of five. Or a file, read and parsed on one thread
// as a load does it: nanoseconds of the processor a row, best of as many rounds as are asked for.
//   bench_parse [ROWS]
//   bench_parse FILE TABLE [ROUNDS]
#include "engine/base/bytes.h"
#include "engine/base/clock.h"
#include "engine/base/random.h"
#include "ingest/load.h"
#include "ingest/parse/csv_scan.h"
#include "ingest/parse/reader.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 5, BLOCK = 1 << 20 };

// Of this process alone: one thread is measured, whatever else the machine does.
static double seconds_now(void)
{
    return (double)dbk_clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e9;
}

static dbk_status drop_batch(void *user, dbk_batch *batch, dbk_error *err)
{
    (void)err;
    *(uint64_t *)user += batch->rows;
    dbk_arena_dispose(&batch->arena);
    free(batch);
    return DBK_OK;
}

static void generate(dbk_buffer *csv, dbk_buffer *json, int rows)
{
    static const char *const statuses[] = {"DELIVERED", "PENDING", "CANCELLED"};
    dbk_random random = dbk_random_seed(1);
    dbk_buffer_format(csv, "id,created_at,status,customer_id,currency,total,payment_method\n");
    for (int i = 0; i < rows; i++) {
        int minute = i / 20, cents = (int)dbk_random_below(&random, 20000);
        const char *status = statuses[dbk_random_below(&random, 10) / 5];
        int customer = (int)dbk_random_below(&random, 50000);
        char time[40];
        snprintf(time, sizeof time, "2026-%02d-%02dT%02d:%02d:%02dZ", minute / 40320 % 12 + 1,
                 minute / 1440 % 28 + 1, minute / 60 % 24, minute % 60, i % 20 * 3);
        dbk_buffer_format(csv, "ord_%08d,%s,%s,cus_%06d,EUR,%d.%02d,card\n", i, time, status, customer,
                          cents / 100, cents % 100);
        dbk_buffer_format(
            json,
            "{\"id\":\"ord_%08d\",\"created_at\":\"%s\",\"status\":\"%s\",\"customer_id\":"
            "\"cus_%06d\",\"currency\":\"EUR\",\"total\":\"%d.%02d\",\"payment_method\":\"card\"}\n",
            i, time, status, customer, cents / 100, cents % 100);
    }
}

static void bench_scan(const dbk_buffer *csv)
{
    int count;
    const dbk_csv_scanner *scanners = dbk_csv_scanners(&count);
    static uint32_t positions[65536 + DBK_CSV_SCAN_AHEAD];
    for (int i = 0; i < count; i++) {
        double best = 1e9;
        for (int round = 0; round < ROUNDS; round++) {
            dbk_csv_state state = DBK_CSV_OPENABLE;
            double start = seconds_now();
            for (size_t at = 0; at < csv->size; at += 65536) {
                size_t size = csv->size - at < 65536 ? csv->size - at : 65536;
                scanners[i].scan(&state, (const char *)csv->data + at, size, 0, positions);
            }
            double took = seconds_now() - start;
            best = took < best ? took : best;
        }
        printf("scan %-9s %8.0f MB/s\n", scanners[i].name, (double)csv->size / best / 1e6);
    }
}

// Returns the seconds it took; the rows go to *got.
static double parse_once(const dbk_parse_options *options, const dbk_buffer *text, uint64_t *got)
{
    dbk_parse_sink sink = {drop_batch, NULL, got};
    dbk_parser *parser;
    dbk_error err;
    *got = 0;
    const double start = seconds_now();
    dbk_status status = dbk_parser_create(&parser, options, &sink, &err);
    for (size_t at = 0; status == DBK_OK && at < text->size; at += BLOCK)
        status =
            dbk_parser_feed(parser, text->data + at, text->size - at < BLOCK ? text->size - at : BLOCK, &err);
    if (status == DBK_OK)
        status = dbk_parser_finish(parser, &err);
    dbk_parser_destroy(parser);
    if (status != DBK_OK) {
        fprintf(stderr, "bench_parse: %s\n", err.message);
        exit(1);
    }
    return seconds_now() - start;
}

static void bench_parse(const char *name, dbk_format format, const dbk_buffer *text, int rows)
{
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t got;
        dbk_parse_options options = {.table = dbk_table_def_by_id(DBK_ORDERS), .format = format};
        double took = parse_once(&options, text, &got);
        if (got != (uint64_t)rows) {
            fprintf(stderr, "bench_parse: rows are missing\n");
            exit(1);
        }
        best = took < best ? took : best;
    }
    printf("%-14s %8.0f MB/s  %6.2f M rows/s\n", name, (double)text->size / best / 1e6, rows / best / 1e6);
}

static void drop_ticket(void *user, dbk_load_ticket *ticket)
{
    (void)user;
    dbk_load_done(ticket, DBK_OK, NULL, NULL);
}

static dbk_status finish(void *user, bool refused, dbk_error *err)
{
    (void)user;
    (void)refused;
    (void)err;
    return DBK_OK;
}

// Reading and parsing as a load into a directory that nobody serves does it.
static int bench_file(const char *path, const char *table, int rounds)
{
    dbk_load_options options = {.table = dbk_table_def_by_name(dbk_text_from(table)), .threads = 1};
    const dbk_load_sink sink = {.batch_rows = DBK_SEGMENT_ROWS / 16 * 15,
                                .submit = drop_ticket,
                                .finish = finish,
                                .takes_back = true};
    double best = 1e9;
    dbk_load_totals totals = {0};
    for (int round = 0; round < rounds; round++) {
        dbk_error err = {0};
        const double start = seconds_now();
        if (!options.table || dbk_load_file(&options, path, &sink, &totals, &err) != DBK_OK) {
            fprintf(stderr, "bench_parse: %s\n", options.table ? err.message : "no such table");
            return 1;
        }
        const double took = seconds_now() - start;
        best = took < best ? took : best;
    }
    printf("%-24s %8.0f MB/s  %7.1f ns/row\n", table, (double)totals.bytes / best / 1e6,
           best * 1e9 / (double)(totals.rows ? totals.rows : 1));
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 2)
        return bench_file(argv[1], argv[2], argc > 3 ? atoi(argv[3]) : ROUNDS);
    int rows = argc > 1 ? atoi(argv[1]) : 500000;
    dbk_buffer csv = {0}, json = {0};
    generate(&csv, &json, rows);
    if (csv.failed || json.failed)
        return 1;
    bench_scan(&csv);
    bench_parse("csv orders", DBK_FORMAT_CSV, &csv, rows);
    bench_parse("ndjson orders", DBK_FORMAT_NDJSON, &json, rows);
    dbk_buffer_dispose(&csv);
    dbk_buffer_dispose(&json);
    return 0;
}
