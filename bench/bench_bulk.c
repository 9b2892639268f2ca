// SPDX-License-Identifier: Apache-2.0
// What a load pays for rows once they are parsed, stage by stage and on one thread: the batches of a CSV file
// of orders (or of another fact) are put in the order of time and their ids hashed, get words and keys, are
// encoded and take their slots, in memory. Prints ns a row of the processor, best of the rounds.
//   bench_bulk FILE.csv [TABLE [ROUNDS]]
#include "engine/base/clock.h"
#include "engine/base/slabs.h"
#include "engine/bulk.h"
#include "ingest/parse/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1 << 18, STAGES = 5 };
static const char *const names[STAGES] = {"parse", "prepare", "place", "build", "finish"};

typedef struct pass {
    dbk_db *db;
    double seconds[STAGES];
    double since; // the parser's turn
    uint64_t rows, bytes, expected;
} pass;

// Of this process alone: one thread is measured, whatever else the machine does.
static double seconds_now(void)
{
    return (double)dbk_clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e9;
}

static void lap(double *since, double *sum)
{
    const double now = seconds_now();
    *sum += now - *since;
    *since = now;
}

static dbk_status store(pass *p, dbk_batch *batch, dbk_error *err)
{
    dbk_bulk *bulk;
    size_t size;
    lap(&p->since, &p->seconds[0]);
    if (dbk_bulk_prepare(batch, 1, &bulk) != DBK_OK || !bulk)
        return dbk_fail(err, DBK_INVALID, "the rows do not become a segment");
    lap(&p->since, &p->seconds[1]);
    dbk_status status = dbk_bulk_place(p->db, dbk_text_from("bench"), bulk, err);
    lap(&p->since, &p->seconds[2]);
    if (status == DBK_OK)
        status = dbk_bulk_build(bulk, err);
    lap(&p->since, &p->seconds[3]);
    if (status == DBK_OK) {
        dbk_segment_bytes(dbk_bulk_segment(bulk), &size);
        p->rows += batch->rows;
        p->bytes += size;
        status = dbk_bulk_finish(bulk, err);
    }
    dbk_bulk_free(bulk);
    lap(&p->since, &p->seconds[4]);
    return status;
}

static dbk_status on_batch(void *user, dbk_batch *batch, dbk_error *err)
{
    dbk_status status = store(user, batch, err);
    dbk_batch_dispose(batch);
    free(batch);
    return status;
}

static dbk_status run(pass *p, const dbk_table_def *table, FILE *file, char *block, dbk_error *err)
{
    // As many rows as a range of the loader has.
    dbk_slabs *slabs = dbk_slabs_create();
    dbk_parse_options options = {
        .table = table, .format = DBK_FORMAT_CSV, .batch_rows = DBK_SEGMENT_ROWS / 16 * 15, .slabs = slabs};
    dbk_parse_sink sink = {on_batch, NULL, p};
    dbk_parser *parser = NULL;
    size_t got = 0;
    rewind(file);
    dbk_status status = dbk_db_create(&p->db, err);
    if (status == DBK_OK)
        status = dbk_parser_create(&parser, &options, &sink, err);
    p->since = seconds_now();
    if (status == DBK_OK)
        status = dbk_bulk_expect(p->db, dbk_text_from("bench"), table->id, p->expected, err);
    lap(&p->since, &p->seconds[2]);
    while (status == DBK_OK && (got = fread(block, 1, BLOCK, file)) > 0)
        status = dbk_parser_feed(parser, block, got, err);
    if (status == DBK_OK)
        status = dbk_parser_finish(parser, err);
    dbk_parser_destroy(parser);
    dbk_db_destroy(p->db);
    dbk_slabs_destroy(slabs);
    return status;
}

int main(int argc, char **argv)
{
    FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
    const dbk_table_def *table = dbk_table_def_by_name(dbk_text_from(argc > 2 ? argv[2] : "orders"));
    const int rounds = argc > 3 ? atoi(argv[3]) : 5;
    char *block = malloc(BLOCK);
    if (!file || !table || !block) {
        fprintf(stderr, "usage: bench_bulk FILE.csv [TABLE [ROUNDS]]\n");
        return 2;
    }
    pass best = {0};
    for (int round = 0; round < rounds; round++) {
        pass p = {.expected = best.rows};
        dbk_error err = {0};
        if (run(&p, table, file, block, &err) != DBK_OK || p.rows == 0) {
            fprintf(stderr, "bench_bulk: %s\n", err.message);
            return 1;
        }
        for (int s = 0; s < STAGES; s++)
            if (round == 0 || p.seconds[s] < best.seconds[s])
                best.seconds[s] = p.seconds[s];
        best.rows = p.rows;
        best.bytes = p.bytes;
    }
    for (int s = 0; s < STAGES; s++)
        printf("%-8s %7.1f ns/row\n", names[s], best.seconds[s] / (double)best.rows * 1e9);
    printf("%llu rows, %.2f bytes each\n", (unsigned long long)best.rows,
           (double)best.bytes / (double)best.rows);
    free(block);
    fclose(file);
    return 0;
}
